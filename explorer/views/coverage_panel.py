"""A batch against all other items: a picture of where it is lacking or abounds, and the gaps to select."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from numpy.typing import NDArray

from explorer.model import clusters, placing
from explorer.model.arrivals import Arrivals, arrivals
from explorer.model.coverage import NO_CLUSTERS, Coverage, coverage, coverage_of_new, map_of
from explorer.model.dataset import Dataset
from explorer.model.doing import Doing, in_parts
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.run import Run
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.aside import Aside
from explorer.views.colouring import colourable
from explorer.views.difference_picture import difference_picture, ramp
from explorer.views.drift_state import ALL_GAPS, CLUSTER, GAP, NOBODY, SAMPLE, coverage_state
from explorer.views.found_rows import FoundRows, select_found
from explorer.views.line_input import LineInput
from explorer.views.other_clusters import OtherClusters
from explorer.views.question import Question
from explorer.views.telling import tell
from explorer.views.text import count, told_apart
from explorer.views.theme import script, stylesheet

MOST_CATEGORIES = 200
ALONE = (
    '<div class="muted">No other data of this workspace has vectors of {} dimensions: '
    "open such a file under Data first, then come back to this one.</div>"
)
NOTHING_CHOSEN = "Which items are the batch? Choose them above first, or say it by something else."
Mask = Callable[[], tuple[NDArray[np.bool_], str]]
Found = tuple[Coverage, Arrivals | None]


class By(Enum):
    """What makes an item one of the batch, where it is no category of a column."""

    CONDITION = "a condition in SQL"
    DATA = "other data of this workspace"


class CoverageResult(FoundRows):
    """A batch against the others, by `coverage_state`: "gaps" and "sample" are keys of all gaps together."""

    _esm: ClassVar[str] = script("found_rows.js", "coverage.js")


class CoveragePanel(Question):
    """A choice of batch, by a column's category, a condition or as other data, and what it lacks.

    Parameters
    ----------
    session : Session
        Whose run on the map it is; it is given the rows of what is clicked.
    tell : callable
        Told of work again and again while it lasts, and None after.
    dark : bool
        The theme.
    show : callable
        Called with what is to be seen over the map, None for nothing, and the theme.
    sample : callable
        Called with the strategy by which the selection is to be sampled.

    Attributes
    ----------
    arrivals : Arrivals or None
        Of a batch of other data: which clusters it adds to, and how new it is.
    """

    found: Coverage | None

    def __init__(
        self,
        session: Session,
        tell: Callable[[Doing | None], None],
        dark: bool,
        show: Callable[[Coverage | None, bool], None] = lambda *_: None,
        sample: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(
            session, tell, CoverageResult, "Compare the batch",
            "Draws where on the map the batch lies more or less densely than the other items.",
        )  # fmt: skip
        self._dark, self._show, self._sample, self._offering = dark, show, sample, Aside()
        self._offered_of = ""
        self.arrivals: Arrivals | None = None
        self.caution = OtherClusters(session, "compare again")
        self._make_fields()
        self.on_map = pmui.Switch(
            label="Show on the map",
            size="small",
            margin=(2, 0),
            description="Lays the colours over the map where the batch is lacking or abounds by more than "
            "chance. Earlier epochs, and other runs, are shown without.",
            visible=False,
        )
        self.condition.param.watch(lambda _: self._compare(self.condition.entered), ["enter_pressed"])
        self.by.param.watch(self._offer, ["value"])
        self.on_map.param.watch(self._lay, ["value"])
        self._arrange()

    def _make_fields(self) -> None:
        wide: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0)}
        self.by = pmui.Select(
            label="Batch by",
            options=_kinds(()),
            value=By.CONDITION,
            description="What makes an item one of the batch: a category of a column, a condition, or that "
            "it is of other data.",
            **wide,
        )
        self.category = pmui.Select(
            label="Category",
            description="The items of this category are the batch; all others are what it is compared with.",
            **wide,
        )
        self.data = pmui.Select(
            label="Other data",
            description="Its items are placed on the map and compared with those of the map, placed alike.",
            **wide,
        )
        self.condition = LineInput(
            label="Condition in SQL",
            description="What would follow WHERE, on the columns of the items. The batch is where it holds.",
            **wide,
        )
        self._alone = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(4, 0), visible=False
        )

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.by, self.category, self.data, self._alone, self.condition, self.compare, self.work,
            self.on_map, self.caution, self.result, sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def look_anew(self) -> None:
        """Be about another run, or another map of it: what was found is forgotten."""
        self.forget()
        dataset, options = self._session.dataset, _kinds(colourable(self._session))
        if options != self.by.options:
            self.condition.param.update(value="", value_input="")
            self.by.param.update(options=options, value=By.CONDITION)
        # Columns called the same have other categories in other data.
        of, self._offered_of = self._offered_of, "" if dataset is None else dataset.id
        if of != self._offered_of or self.by.value is By.DATA:
            self._offer()

    def forget(self) -> None:
        """Nothing was found, nor is anything looked for or shown on the map."""
        super().forget()
        self.arrivals, self.on_map.value = None, False
        self.caution.about(None)
        self._draw()

    # What the batch may be

    def _offer(self, *_: Any) -> None:
        """Offer the categories of the column chosen, or the data that can be placed on the map."""
        dataset, workspace, by = self._session.dataset, self._session.workspace, self.by.value
        chosen = self.data.value
        self._offering.forget()
        self.category.param.update(options={}, value=None)
        self.data.param.update(options={}, value=None)
        self._alone.visible = False
        self._arrange()
        if dataset is None:
            return
        if by is By.DATA:
            self._offering.ask(lambda: _others(workspace, dataset), partial(self._put_data, chosen))
        elif by is not By.CONDITION:
            self._offering.ask(lambda: dataset.items.categories(by).names, self._put_categories)

    def _put_categories(self, names: tuple[str, ...]) -> None:
        # Two categories may be called the same: the first of them is meant then.
        options = {name: code for code, name in reversed(list(enumerate(names[:MOST_CATEGORIES])))}
        options = dict(reversed(options.items()))
        self.category.param.update(options=options, value=0 if options else None)

    def _put_data(self, chosen: str | None, options: dict[str, str]) -> None:
        dataset, ids = self._session.dataset, [*options.values()]
        first = next(iter(ids), None)
        self.data.param.update(options=options, value=chosen if chosen in ids else first)
        self._alone.param.update(
            object="" if dataset is None else ALONE.format(count(dataset.dims)), visible=not options
        )
        self._arrange()

    def _arrange(self, *_: Any) -> None:
        by = self.by.value
        self.condition.visible = by is By.CONDITION
        self.category.visible = by not in (By.CONDITION, By.DATA)
        self.data.visible = by is By.DATA and not self._alone.visible
        self.compare.visible = not (self.work.is_working or self._alone.visible)

    # The work

    def _compare(self, entered: str = "") -> None:
        session, run, by = self._session, self._run, self.by.value
        code, other = self.category.value, self.data.value
        condition = (entered or self.condition.value or "").strip()
        dataset, workspace = session.dataset, session.workspace
        if run is None or dataset is None:
            return
        if by is not By.CONDITION and (code, other) == (None, None):
            self.work.fail(NOTHING_CHOSEN)
            return
        what = "comparing the batch"
        if by is By.DATA:
            self.work.begin(what, partial(_of_data, workspace, run, other), self._put)
            return
        mask = (
            partial(_where, dataset.items, condition)
            if by is By.CONDITION
            else partial(_of_category, dataset.items, by, code)
        )
        self.work.begin(what, partial(_of_rows, workspace, run, mask), self._put)

    def _put(self, found: Found) -> None:
        self.found, self.arrivals = found
        self.caution.about(self.found.labels)
        self._draw()

    # What was found

    def _draw(self) -> None:
        found, colours = self.found, list(ramp(self._dark))
        self.on_map.visible = found is not None
        if found is not None:
            picture = difference_picture(found.difference, self._dark)
            self.result.state = coverage_state(found, picture, colours, self.arrivals)
        self._lay()

    def _lay(self, *_: Any) -> None:
        self._show(self.found if self.on_map.value else None, self._dark)

    def _on_message(self, message: dict[str, str]) -> None:
        found, key = self.found, message["key"]
        if found is None:
            return
        if key in (ALL_GAPS, SAMPLE):
            mode = "replace" if key == SAMPLE else ""  # what is drawn from is the gap and nothing else
            select_found(self._session, found.rows_in_gaps, f"gaps of {found.batch}", mode)
            if key == SAMPLE:
                self._sample("random")
            return
        kind, number = key.split(":")
        if kind == CLUSTER and self.arrivals is not None:
            rows = np.flatnonzero(self.arrivals.old_labels == int(number))
            select_found(self._session, rows, f"cluster {number} against {found.batch}")
            return
        region = (found.gaps if kind == GAP else found.surpluses)[int(number)]
        if not len(region.rows):
            tell(NOBODY)  # and what is selected stays
            return
        select_found(self._session, region.rows, f"{kind} {int(number) + 1} of {found.batch}")


def _kinds(columns: tuple[str, ...]) -> dict[str, Any]:
    """What a batch may be chosen by."""
    kinds: dict[str, Any] = {one.value: one for one in By}
    return kinds | {name: name for name in columns if name not in kinds}


def _others(workspace: Workspace, dataset: Dataset) -> dict[str, str]:
    """The data of a workspace that can be placed on the map of a data set: labels to ids, newest first."""
    found = [info for info in workspace.datasets() if info.dims == dataset.dims and info.id != dataset.id]
    return told_apart({info.id: f"{info.name} · {count(info.n)} items" for info in found})


def _where(items: Items, condition: str) -> tuple[NDArray[np.bool_], str]:
    if not condition:
        raise InputError("Which items are the batch? Write a condition, or choose a column.")
    return items.where(condition), condition


def _of_category(items: Items, column: str, code: int) -> tuple[NDArray[np.bool_], str]:
    found = items.categories(column)
    return found.codes == code, f"{column} = {found.names[code]}"


def _of_rows(workspace: Workspace, run: Run, batch: Mask, doing: Doing) -> Found:
    """Some rows of a run's map against all others."""
    doing(0.0)
    mask, name = batch()
    kept = not clusters.seconds_to_find(workspace, run)
    labels = clusters.find(workspace, run).labels if kept else NO_CLUSTERS
    return coverage(map_of(workspace, run), mask, name, labels, progress=doing), None


def _of_data(workspace: Workspace, run: Run, dataset_id: str, doing: Doing) -> Found:
    """Other data placed on a run's map, against the data of the map."""
    map_of(workspace, run)  # without a flat one nothing needs to be begun
    dataset = workspace.dataset(dataset_id)
    find, place = clusters.seconds_to_find(workspace, run), placing.seconds_to_place(workspace, run, dataset)
    begin = in_parts(doing, (find, place + 1, 0.5))
    labels = clusters.find(workspace, run, progress=begin()).labels
    found = coverage_of_new(workspace, run, dataset, labels, progress=begin())
    return found, arrivals(workspace, run, dataset, begin())
