"""A batch against all other items: a picture of where it is lacking or abounds, and the gaps to select."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
from numpy.typing import NDArray

from explorer.model import clusters
from explorer.model.coverage import NO_CLUSTERS, Coverage, coverage, map_of
from explorer.model.doing import Doing
from explorer.model.errors import InputError
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.colouring import colourable
from explorer.views.difference_picture import difference_picture, ramp
from explorer.views.drift_state import ALL_GAPS, GAP, coverage_state
from explorer.views.found_rows import FoundRows, select_found
from explorer.views.line_input import LineInput
from explorer.views.question import Question
from explorer.views.theme import script

BY_CONDITION = "a condition in SQL"
MOST_CATEGORIES = 200


class CoverageResult(FoundRows):
    """A batch against the others, by `coverage_state`: "gaps" is the key of all gaps together."""

    _esm: ClassVar[str] = script("found_rows.js", "coverage.js")


class CoveragePanel(Question):
    """A choice of batch, by a column's category or a condition, and what it lacks.

    Parameters
    ----------
    session : Session
        Whose run on the map it is; it is given the rows of what is clicked.
    tell : callable
        Told of work again and again while it lasts, and None after.
    dark : bool
        The theme.
    """

    found: Coverage | None

    def __init__(self, session: Session, tell: Callable[[Doing | None], None], dark: bool) -> None:
        super().__init__(
            session, tell, CoverageResult, "Compare the batch",
            "Draws where on the map the batch lies more or less densely than the other items.",
        )  # fmt: skip
        self._dark, self._offering = dark, Aside()
        wide: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width"}
        self.by = pmui.Select(
            label="Batch by",
            options={BY_CONDITION: ""},
            value="",
            margin=(4, 0),
            description="What makes an item one of the batch: a category of a column, or a condition.",
            **wide,
        )
        self.category = pmui.Select(
            label="Category",
            margin=(4, 0),
            description="The items of this category are the batch; all others are what it is compared with.",
            **wide,
        )
        self.condition = LineInput(
            label="Condition in SQL",
            margin=(4, 0),
            description="What would follow WHERE, on the columns of the items. The batch is where it holds.",
            **wide,
        )
        self.condition.param.watch(lambda _: self._compare(self.condition.entered), ["enter_pressed"])
        self.by.param.watch(self._offer, ["value"])
        self._arrange()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.by, self.category, self.condition, self.compare, self.work, self.result,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        if self.found is not None:
            self._put(self.found)

    def look_anew(self) -> None:
        """Be about another run, or another map of it: what was found is forgotten."""
        self.forget()
        options = {BY_CONDITION: "", **{name: name for name in colourable(self._session)}}
        if options != self.by.options:
            self.condition.param.update(value="", value_input="")
            self.by.param.update(options=options, value="")
            self._offer()

    def _offer(self, *_: Any) -> None:
        """Offer the categories of the column chosen."""
        dataset, column = self._session.dataset, self.by.value
        self._offering.forget()
        self.category.param.update(options={}, value=None)
        self._arrange()
        if dataset is not None and column:
            self._offering.ask(lambda: dataset.items.categories(column).names, self._put_categories)

    def _put_categories(self, names: tuple[str, ...]) -> None:
        # Two categories may be called the same: the first of them is meant then.
        options = {name: code for code, name in reversed(list(enumerate(names[:MOST_CATEGORIES])))}
        options = dict(reversed(options.items()))
        self.category.param.update(options=options, value=0 if options else None)

    def _arrange(self, *_: Any) -> None:
        by_column = bool(self.by.value)
        self.category.visible, self.condition.visible = by_column, not by_column
        self.compare.visible = not self.work.is_working

    def _compare(self, entered: str = "") -> None:
        session, run = self._session, self._run
        column, code = self.by.value, self.category.value
        condition = (entered or self.condition.value or "").strip()
        dataset, workspace = session.dataset, session.workspace
        if run is None or dataset is None or (column and code is None):
            return

        def mask() -> tuple[NDArray[np.bool_], str]:
            if column:
                found = dataset.items.categories(column)
                return found.codes == code, f"{column} = {found.names[code]}"
            if not condition:
                raise InputError("Which items are the batch? Write a condition, or choose a column.")
            return dataset.items.where(condition), condition

        def work(doing: Doing) -> Coverage:
            doing(0.0)
            batch, name = mask()
            kept = not clusters.seconds_to_find(workspace, run)
            labels = clusters.find(workspace, run).labels if kept else NO_CLUSTERS
            return coverage(map_of(workspace, run), batch, name, labels, progress=doing)

        self.work.begin("comparing the batch", work, self._put)

    def _put(self, found: Coverage) -> None:
        self.found = found
        picture = difference_picture(found.difference, self._dark)
        self.result.state = coverage_state(found, picture, ramp(self._dark))

    def _on_message(self, message: dict[str, str]) -> None:
        found, key = self.found, message["key"]
        if found is None:
            return
        if key == ALL_GAPS:
            select_found(self._session, found.rows_in_gaps, f"gaps of {found.batch}")
            return
        kind, number = key.split(":")
        region = (found.gaps if kind == GAP else found.surpluses)[int(number)]
        select_found(self._session, region.rows, f"{kind} {int(number) + 1} of {found.batch}")
