"""A field for a condition in SQL that selects the items it holds of."""

from __future__ import annotations

import html
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.condition import example
from explorer.model.selection import MODES, Step
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.line_input import LineInput
from explorer.views.small_button import small_button
from explorer.views.theme import stylesheet

WAYS = dict(zip(("Replace", "Add", "Subtract", "Keep only"), MODES, strict=True))
MOST_EXAMPLES, LONGEST_VALUE = 2, 24


class ConditionBox(pn.viewable.Viewer):
    """A line of SQL and how it changes the selection; Enter applies it, a fault is told in one sentence.

    Parameters
    ----------
    session : Session
        Whose selection it changes.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._aside, self._offering = session, Aside(every=True), Aside()
        self._asked = 0
        self.text = LineInput(
            label="Condition in SQL",
            size="small",
            sizing_mode="stretch_width",
            margin=0,
            description="What would follow WHERE, on the columns of the items. Press Enter to apply it.",
        )
        self.way = pmui.Select(
            label="Enter will",
            options=WAYS,
            value="replace",
            size="small",
            width=124,
            margin=0,
            description="What becomes of the items selected so far.",
        )
        self._said = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(2, 0, 0, 0)
        )
        self.cancel = small_button("Cancel", "Leaves the selection as it is.", "text", visible=False)
        self.cancel.on_click(lambda _: self._cancel())
        self.text.param.watch(lambda _: self._apply(self.text.entered.strip()), ["enter_pressed"])
        session.param.watch(self._offer, ["dataset"])
        self._offer()

    def __panel__(self) -> pn.viewable.Viewable:
        row = pn.Row(self.text, self.way, sizing_mode="stretch_width", margin=0, styles={"gap": "8px"})
        below = pn.Row(self._said, self.cancel, sizing_mode="stretch_width", margin=0)
        return pn.Column(row, below, sizing_mode="stretch_width", margin=(12, 0, 4, 0))

    def _apply(self, condition: str) -> None:
        dataset, mode = self._session.dataset, self.way.value
        if dataset is None or not condition:
            self._say("")
            return

        def select(mask: Any) -> None:
            self._answer("" if mask.any() else "No item meets this condition.")
            self._session.select(mask, Step("condition", mode, condition=condition))

        self._asked += 1
        self._say("Asking …")
        self._aside.ask(lambda: dataset.items.where(condition), select, lambda why: self._answer(why, "bad"))

    def _answer(self, sentence: str, tone: str = "muted") -> None:
        self._asked -= 1
        self._say(sentence or ("Asking …" if self._asked else ""), tone)

    def _cancel(self) -> None:
        self._aside.forget()
        self._asked = 0
        self._say("")

    def _say(self, sentence: str, tone: str = "muted") -> None:
        self.text.error_state = tone == "bad"
        self.cancel.visible = self._asked > 0
        role = "alert" if tone == "bad" else "status"
        self._said.object = sentence and f'<div role="{role}" class="{tone}">{html.escape(sentence)}</div>'

    def _offer(self, *_: Any) -> None:
        self._cancel()
        self.text.param.update(value="", value_input="")
        self._offering.ask(self._example, lambda text: self.text.param.update(placeholder=text))

    def _example(self) -> str:
        # Columns with few values, each with its commonest: what a reader of the data would try first.
        dataset = self._session.dataset
        if dataset is None:
            return ""
        named = [column.name for column in dataset.items.columns if column.kind == "categorical"]
        values = [(name, dataset.items.categories(name).names[:1]) for name in named[:MOST_EXAMPLES]]
        short = [(name, value) for name, found in values for value in found if len(value) <= LONGEST_VALUE]
        return " AND ".join(example([pair]) for pair in short) or example([])
