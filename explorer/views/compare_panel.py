"""Compare the run on the map with others of the same data, and select what changes from run to run."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import panel as pn
from numpy.typing import NDArray

from explorer.model.comparing import Comparison, compare
from explorer.model.consensus import Consensus
from explorer.model.doing import Doing
from explorer.model.run import Run, RunStatus
from explorer.model.session import Session
from explorer.model.statistics import STABILITY, comparable_runs
from explorer.views.compare_state import CHANGING, CLUSTER, called, comparison_state
from explorer.views.found_rows import FoundRows, select_found
from explorer.views.no_map import no_map
from explorer.views.question import Question
from explorer.views.small_button import several, small_button
from explorer.views.theme import script, stylesheet

MOST_OTHERS = 4
MOST_COMPARED = MOST_OTHERS + 1
NO_RUN = ("There is no map to compare", "; then run the data again with another seed.")
AT_WORK = "<b>The run on the map is not done.</b><br>It can be compared once it is."
ALONE = (
    "<b>There is nothing to compare with.</b><br>Run the data again with another seed: what only one seed "
    "shows is an accident. Two more seeds tell which clusters to trust."
)


class CompareResult(FoundRows):
    """The numbers as tables, the findings as buttons, by `comparison_state`."""

    _esm: ClassVar[str] = script("compare.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("compare.css")]


class ComparePanel(Question):
    """A choice of runs, the button that compares them with the one on the map, and what comes of it.

    A comparison that the session has already, from its address, is made again when the panel is first shown.

    Parameters
    ----------
    session : Session
        Whose run on the map is the reference; it is given the runs that are compared, and the rows of a
        finding that is clicked.
    tell : callable
        Told of the work again and again while it lasts, and None after.
    """

    found: Consensus | None

    def __init__(self, session: Session, tell: Callable[[Doing | None], None]) -> None:
        super().__init__(
            session, tell, CompareResult, "Compare",
            "Finds neighbours and clusters on each map and tells what the runs have in common.",
        )  # fmt: skip
        self._proposed: list[str] = []
        self._names: dict[str, str] = {}
        self._head = pn.pane.HTML(
            margin=(10, 0, 4, 0), stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width"
        )
        self.others = several(
            "Compare with",
            "Up to four runs of this data that are done. Three in all make a consensus.",
            max_items=MOST_OTHERS,
        )
        self.colour = small_button(
            "Colour by stability",
            "Colours the map by how much of its nearest neighbours each item keeps on the maps compared.",
            margin=(4, 0),
        )
        self.colour.on_click(lambda _: session.param.update(colour_by=STABILITY, isolated=frozenset()))
        self.others.param.watch(self._arrange, ["value"])
        session.param.watch(self._on_data, ["dataset"])
        session.param.watch(self._offer, ["runs", "run_id"])
        self._offer()
        self._choose_again()

    def __panel__(self) -> pn.viewable.Viewable:
        if self._session.comparison and not self.result.state and not self.work.is_working:
            self._begin(self._session.comparison)
        buttons = pn.Row(self.compare, self.colour, margin=0, styles={"gap": "8px"})
        return pn.Column(
            self._head, self.others, buttons, self.work, self.result, sizing_mode="stretch_width", margin=0
        )

    # What can be compared

    def _on_data(self, *_: Any) -> None:
        self.forget()
        self._proposed = list(self.others.value)  # what was chosen of other data is no choice here
        self._offer()

    def _offer(self, *_: Any) -> None:
        reference, runs = self._run, self._session.runs
        others = () if reference is None else tuple(run for run in runs if _fits(run, reference))
        self._names = {} if reference is None else called((reference, *others))
        options = {self._names[run.id]: run.id for run in others}
        likely = [] if reference is None else [run.id for run in comparable_runs(reference, others)[1:]]
        # What was proposed is proposed anew as runs come; what was chosen by hand stays, be it nothing.
        before = self.others.value
        chosen = [name for name in before if name in options.values()]
        chosen = likely if before == self._proposed or (before and not chosen) else chosen
        self._proposed = likely
        if options != self.others.options or chosen != self.others.value:
            renamed = chosen == before
            self.others.param.update(options=options, value=chosen)
            if renamed:  # a page knows what is chosen by its label alone
                self.others.param.trigger("value")
        self._arrange()

    def _choose_again(self) -> None:
        """Choose what was compared with the run on the map, if it was."""
        session, options = self._session, self.others.options.values()
        if session.is_compared:
            others = [run.id for run in session.comparison if run.id != session.run_id]
            self.others.value = [name for name in others if name in options]

    def _arrange(self, *_: Any) -> None:
        reference = self._run
        done = reference is not None and reference.status is RunStatus.DONE
        self.others.visible = done and bool(self.others.options)
        self.compare.visible = self.others.visible and not self.work.is_working
        self.compare.disabled = not self.others.value
        session = self._session
        can_colour = session.dataset is not None and session.is_statistic(STABILITY)
        self.colour.visible = bool(self.result.state) and can_colour and session.is_compared
        if reference is None or not done or not self.others.options:
            missing = no_map(session, *NO_RUN)
            words = missing if reference is None else ALONE if done else AT_WORK
            self._head.object = f'<div class="empty">{words}</div>'
            return
        name = html.escape(self._names.get(reference.id, reference.title))
        self._head.object = f'<div>Reference: <b>{name}</b></div><div class="muted">The run on the map.</div>'

    # The work

    def _compare(self) -> None:
        session, reference = self._session, self._run
        others = [run for name in self.others.value if (run := session.run(name)) is not None]
        if reference is None or not others:
            return
        session.compare_with([run.id for run in (reference, *others)])
        self._begin((reference, *others))

    def _begin(self, runs: tuple[Run, ...]) -> None:
        workspace = self._session.workspace
        self.work.begin(
            f"comparing {len(runs)} maps", lambda doing: compare(workspace, runs, doing), self._put
        )

    def _put(self, found: Comparison) -> None:
        self._session.side_by_side.keep(found)
        self.found, self.result.state = found.consensus, comparison_state(found)
        self._arrange()

    # What was found

    def _on_message(self, message: dict[str, str]) -> None:
        found = self.found
        if found is not None:
            rows, name = _finding(found, message["key"])
            select_found(self._session, rows, name, run_id=found.run_id)


def _finding(found: Consensus, key: str) -> tuple[NDArray[np.int64], str]:
    """The rows of a finding, and what to call them."""
    if key == CHANGING:
        return found.changing, "points that change sides"
    kind, number = key.split(":")
    if kind == CHANGING:
        return found.changing_of[int(number)], f"points of cluster {number} that change sides"
    if kind == CLUSTER:
        return found.rows_of(int(number)), f"cluster {number} of a comparison"
    return found.regions[int(number)].rows, f"unstable region {int(number) + 1}"


def _fits(run: Run, reference: Run) -> bool:
    """Whether a run can be compared with the reference."""
    same = run.n == reference.n and run.data_hash == reference.data_hash and run.id != reference.id
    return same and run.status is RunStatus.DONE and run.parameters.n_components == 2
