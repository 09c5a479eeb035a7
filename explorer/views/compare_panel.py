"""Compare the run on the map with others of the same data, and select what changes from run to run."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
import param
from numpy.typing import NDArray

from explorer.model.comparing import Comparison, compare
from explorer.model.consensus import Consensus
from explorer.model.doing import Doing, StoppedError
from explorer.model.run import Run, RunStatus
from explorer.model.selection import Step, packed
from explorer.model.session import Session
from explorer.model.statistics import STABILITY, comparable_runs
from explorer.views.aside import Aside
from explorer.views.compare_state import CHANGING, CLUSTER, comparison_state
from explorer.views.part import Part
from explorer.views.small_button import small_button
from explorer.views.status_bar import under_way
from explorer.views.theme import script, stylesheet
from explorer.views.turns import later

MOST_OTHERS = 4
MOST_COMPARED = MOST_OTHERS + 1
UPDATE_MS = 250
NO_RUN = "<b>There is no map to compare.</b><br>Run the data first; then run it again with another seed."
AT_WORK = "<b>The run on the map is not done.</b><br>It can be compared once it is."
ALONE = (
    "<b>There is nothing to compare with.</b><br>Run the data again with another seed: what only one seed "
    "shows is an accident. Two more seeds tell which clusters to trust."
)


class CompareResult(Part):
    """The numbers as tables, the findings as buttons.

    Parameters
    ----------
    state : dict
        By `comparison_state`; empty for nothing.
    on_message : callable
        Called with {"key"}, that of the finding that was clicked.
    """

    state = param.Dict(default={})

    _esm: ClassVar[str] = script("compare.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("compare.css")]


class ComparePanel(pn.viewable.Viewer):
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

    def __init__(self, session: Session, tell: Callable[[Doing | None], None]) -> None:
        super().__init__()
        self._session, self._tell = session, tell
        self._doc, self._aside = pn.state.curdoc, Aside(long=True)
        self._doing: Doing | None = None
        self._found: Consensus | None = None
        self._proposed: list[str] = []
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        sheet: dict[str, Any] = {"stylesheets": [stylesheet("panels.css")], **wide}
        self._head = pn.pane.HTML(margin=(10, 0, 4, 0), **sheet)
        self.others = pmui.MultiChoice(
            label="Compare with",
            max_items=MOST_OTHERS,
            margin=(4, 0),
            sx={
                "& .MuiSelect-select": {"padding": "5px 8px"},
                "& .MuiChip-root": {"height": 22, "fontSize": 12},
            },
            description="Up to four runs of this data that are done. Three in all make a consensus.",
            **wide,
        )
        self.compare = pmui.Button(
            label="Compare",
            color="primary",
            variant="contained",
            size="small",
            margin=0,
            description="Finds neighbours and clusters on each map and tells what the runs have in common.",
        )
        self.compare.on_click(lambda _: self._compare())
        self.share = pmui.LinearProgress(
            max=100, margin=(6, 0), description="Share of the comparison that is done.", **wide
        )
        self.cancel = small_button("Cancel", "Ends the comparison. What was found before stays.")
        self.cancel.on_click(lambda _: self._cancel())
        self._words = pn.pane.HTML(margin=0, **sheet)
        self._work = pn.Column(self._words, self.share, self.cancel, margin=0, visible=False, **wide)
        self._said = pn.pane.HTML(margin=0, **sheet)
        self.colour = small_button(
            "Colour by stability",
            "Colours the map by how much of its nearest neighbours each item keeps on the maps compared.",
        )
        self.colour.on_click(lambda _: session.param.update(colour_by=STABILITY, isolated=frozenset()))
        self.result = CompareResult(self._on_message, margin=0, **wide)
        self.others.param.watch(self._arrange, ["value"])
        session.param.watch(self._on_data, ["dataset"])
        session.param.watch(self._offer, ["runs", "run_id"])
        self._offer()
        self._choose_again()

    def __panel__(self) -> pn.viewable.Viewable:
        if self._session.comparison and not self.result.state and self._doing is None:
            self._begin(self._session.comparison)
        buttons = pn.Row(self.compare, self.colour, margin=(4, 0), styles={"gap": "8px"})
        return pn.Column(
            self._head, self.others, buttons, self._work, self._said, self.result,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    def close(self) -> None:
        """The page is gone."""
        if self._doing is not None:
            self._doing.stop()

    # What can be compared

    def _on_data(self, *_: Any) -> None:
        self._cancel()
        self._found, self.result.state, self._said.object = None, {}, ""
        self._offer()

    @property
    def _reference(self) -> Run | None:
        return self._session.run(self._session.run_id)

    def _offer(self, *_: Any) -> None:
        reference, runs = self._reference, self._session.runs
        others = () if reference is None else tuple(run for run in runs if _fits(run, reference))
        options = _named(others)
        likely = [] if reference is None else [run.id for run in comparable_runs(reference, others)[1:]]
        # What was proposed is proposed anew as runs come; what was chosen by hand stays.
        chosen = [name for name in self.others.value if name in options.values()]
        chosen = likely if self.others.value == self._proposed or not chosen else chosen
        self._proposed = likely
        if options != self.others.options or chosen != self.others.value:
            self.others.param.update(options=options, value=chosen)
        self._arrange()

    def _choose_again(self) -> None:
        """Choose what was compared with the run on the map, if it was."""
        session, options = self._session, self.others.options.values()
        if session.is_compared:
            others = [run.id for run in session.comparison if run.id != session.run_id]
            self.others.value = [name for name in others if name in options]

    def _arrange(self, *_: Any) -> None:
        reference, is_working = self._reference, self._doing is not None
        done = reference is not None and reference.status is RunStatus.DONE
        self.others.visible = done and bool(self.others.options)
        self.compare.visible = self.others.visible and not is_working
        self.compare.disabled = not self.others.value
        self._work.visible = is_working
        session = self._session
        can_colour = session.dataset is not None and session.is_statistic(STABILITY)
        self.colour.visible = bool(self.result.state) and can_colour and session.is_compared
        if reference is None or not done or not self.others.options:
            words = NO_RUN if reference is None else ALONE if done else AT_WORK
            self._head.object = f'<div class="empty">{words}</div>'
            return
        name = html.escape(reference.parameters.label)
        self._head.object = f'<div>Reference: <b>{name}</b></div><div class="muted">The run on the map.</div>'

    # The work

    def _compare(self) -> None:
        session, reference = self._session, self._reference
        others = [run for name in self.others.value if (run := session.run(name)) is not None]
        if reference is None or not others:
            return
        session.compare_with([run.id for run in (reference, *others)])
        self._begin((reference, *others))

    def _begin(self, runs: tuple[Run, ...]) -> None:
        workspace = self._session.workspace
        doing = self._doing = Doing(f"comparing {len(runs)} maps")

        def work() -> Comparison | None:
            try:
                return compare(workspace, runs, doing)
            except StoppedError:
                return None

        self._said.object = ""
        self._follow()
        self._aside.ask_instead(work, self._put, self._fail)

    def _follow(self) -> None:
        """Show how far the work is, until there is none."""
        doing = self._doing
        self._arrange()
        self._tell(doing)
        if doing is None:
            return
        self._words.object = f'<div class="muted" role="status">{html.escape(under_way(doing))}</div>'
        self.share.param.update(
            value=round(100 * doing.share), variant="determinate" if doing.share else "indeterminate"
        )
        if self._doc is not None:
            later(self._doc, UPDATE_MS, lambda: self._follow() if self._doing is doing else None)

    def _cancel(self) -> None:
        if self._doing is not None:
            self._doing.stop()
            self._aside.forget()
            self._end()

    def _put(self, found: Comparison | None) -> None:
        self._end()
        if found is not None:
            self._session.side_by_side.keep(found)
            self._found, self.result.state = found.consensus, comparison_state(found)
            self._arrange()

    def _fail(self, sentence: str) -> None:
        self._end()
        self._said.object = f'<div role="alert" class="bad">{html.escape(sentence)}</div>'

    def _end(self) -> None:
        self._doing = None
        self._follow()

    # What was found

    def _on_message(self, message: dict[str, str]) -> None:
        found, session = self._found, self._session
        if found is None or session.selection is None:
            return
        rows, name = _finding(found, message["key"])
        mask = np.zeros(session.selection.n, np.bool_)
        mask[rows] = True
        session.select(mask, Step("rows", session.mode, found.run_id, text=name, packed=packed(mask)))


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


def _named(runs: tuple[Run, ...]) -> dict[str, str]:
    """Runs by their labels, and by their ids too where two have the same."""
    labels = [run.parameters.label for run in runs]
    return {
        label if labels.count(label) == 1 else f"{label} · {run.id}": run.id
        for run, label in zip(runs, labels, strict=True)
    }
