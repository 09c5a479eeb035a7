"""What a page has that its address does not say, kept so that a reload or a copied link finds it again."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from explorer.model.drawing import Drawn
from explorer.model.selection import SelectionHistory
from explorer.model.session import Look, Session
from explorer.views.page import Explorer

MOST_VISITS, MOST_BYTES = 16, 256 * 2**20


@dataclass
class Visit:
    """One look at some data.

    Attributes
    ----------
    history, drawn
        The selections and the sample.
    left : dict of str to Look
        How other data were left, by their ids.
    coloured : tuple of str
        The run on the map and what coloured it, to which the categories shown alone belong.
    isolated : frozenset of int
        Those categories.
    water : float or None
        The water level.
    tool : str
        The tool in hand.
    tab : int
        The tab of the inspector.
    """

    dataset_id: str
    history: SelectionHistory
    left: dict[str, Look]
    drawn: Drawn | None
    coloured: tuple[str, str]
    isolated: frozenset[int]
    water: float | None
    tool: str
    tab: int

    @property
    def nbytes(self) -> int:
        """What the masks of all selections take."""
        return self.history.nbytes + sum(look.history.nbytes for look in self.left.values())


class Visits:
    """The last visits to one server, by the id in their address.

    Each belongs to one living page: whoever opens it from a copied link gets a copy of its own, so that two
    people never select in one another's place.
    """

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._holders: dict[str, Explorer] = {}

    def take_up(self, session: Session, visit_id: str) -> tuple[str, Visit | None]:
        """Give a session what a visit had.

        Parameters
        ----------
        session : Session
            Of a page that is about to be made.
        visit_id : str
            What its address names; empty for nothing.

        Returns
        -------
        str, Visit or None
            The id under which it goes on, and the visit if there was one to the same data.
        """
        visit, holder = self._visits.get(visit_id), self._holders.get(visit_id)
        if not visit_id or (holder is not None and holder.is_watched):
            visit_id = secrets.token_urlsafe(6)
        if visit is None or session.dataset is None or visit.dataset_id != session.dataset.id:
            return visit_id, None
        same = visit.coloured == (session.run_id, session.colour_by)
        isolated = visit.isolated if same else frozenset()
        session.restore(visit.history, visit.drawn, isolated, visit.water, visit.left)
        return visit_id, visit

    def hold(self, visit_id: str, explorer: Explorer, visit: Visit | None) -> None:
        """Keep what a page has under its id, from now on and no longer than until another takes it up."""
        self._holders[visit_id] = explorer

        def keep(*_: object) -> None:
            if self._holders.get(visit_id) is explorer:
                self._keep(visit_id, explorer)

        if visit is not None:
            explorer.return_to(visit.tool, visit.tab)
            keep()
        explorer.session.param.watch(keep, ["dataset", "run_id", "selection", "drawn", "isolated", "water"])
        explorer.tools.param.watch(keep, ["tool"])
        explorer.tabs.param.watch(keep, ["active"])

    def leave(self, explorer: Explorer) -> None:
        """The page is gone; what it had can be taken up."""
        self._holders = {visit: holder for visit, holder in self._holders.items() if holder is not explorer}

    def _keep(self, visit_id: str, explorer: Explorer) -> None:
        session, visits = explorer.session, self._visits
        if session.dataset is None or session.history is None:
            return
        visits[visit_id] = Visit(
            session.dataset.id,
            session.history,
            dict(session.left),
            session.drawn,
            (session.run_id, session.colour_by),
            session.isolated,
            session.water,
            explorer.tools.tool,
            explorer.tabs.active,
        )
        visits.move_to_end(visit_id)
        while len(visits) > MOST_VISITS or (
            len(visits) > 1 and sum(visit.nbytes for visit in visits.values()) > MOST_BYTES
        ):
            visits.popitem(last=False)
