"""What a page has that its address does not say, kept so that a reload or a copied link finds it again."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from explorer.model.drawing import Drawn
from explorer.model.selection import SelectionHistory
from explorer.model.session import Session
from explorer.views.page import Explorer

MOST_VISITS = 16


@dataclass
class Visit:
    """The selections and the sample of one look at some data."""

    dataset_id: str
    history: SelectionHistory
    drawn: Drawn | None = None


class Visits:
    """The last visits to one server, by the id in their address.

    Each belongs to one living page: whoever opens it from a copied link gets a copy of its own, so that two
    people never select in one another's place.
    """

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._holders: dict[str, Explorer] = {}

    def take_up(self, session: Session, visit_id: str) -> str:
        """Give a session what a visit had, and return the id under which it goes on.

        Parameters
        ----------
        session : Session
            Of a page that is about to be made.
        visit_id : str
            What its address names; empty for nothing.
        """
        visit, holder = self._visits.get(visit_id), self._holders.get(visit_id)
        if not visit_id or (holder is not None and holder.is_watched):
            visit_id = secrets.token_urlsafe(6)
        if visit is not None and session.dataset is not None and visit.dataset_id == session.dataset.id:
            session.restore(visit.history, visit.drawn)
            self._keep(visit_id, session)
        return visit_id

    def hold(self, visit_id: str, explorer: Explorer) -> None:
        """Keep what a page has under its id, from now on."""
        session = explorer.session
        self._holders[visit_id] = explorer
        session.param.watch(lambda *_: self._keep(visit_id, session), ["dataset", "selection", "drawn"])

    def leave(self, explorer: Explorer) -> None:
        """The page is gone; what it had can be taken up."""
        self._holders = {visit: holder for visit, holder in self._holders.items() if holder is not explorer}

    def _keep(self, visit_id: str, session: Session) -> None:
        if session.dataset is not None and session.history is not None:
            self._visits[visit_id] = Visit(session.dataset.id, session.history, session.drawn)
            self._visits.move_to_end(visit_id)
            while len(self._visits) > MOST_VISITS:
                self._visits.popitem(last=False)
