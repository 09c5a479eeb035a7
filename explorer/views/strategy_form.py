"""Choose how a sample is drawn, and read what that means."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.sampling import quotas_from
from explorer.model.session import Session
from explorer.model.strategies import STRATEGIES, Plan
from explorer.views.colouring import colourable
from explorer.views.theme import stylesheet

QUOTAS = {"equal": "equal", "proportional": "proportional", "given by name": "given"}
SPACES = {"vectors": "vectors", "places on the map": "map"}
PLACEHOLDER = "one a line: category = rows"


class StrategyForm(pn.viewable.Viewer):
    """The strategy with one line on its meaning and cost, and what it needs to be told.

    Parameters
    ----------
    session : Session
        Whose data has the columns.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        small: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width"}
        self.strategy = pmui.Select(
            label="Strategy",
            options={strategy.title: name for name, strategy in STRATEGIES.items()},
            value="random",
            description="Which items are drawn: the line below says what that means and costs.",
            margin=(10, 0, 0, 0),
            **small,
        )
        self._meaning = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(4, 0, 0, 0)
        )
        self.column = pmui.Select(
            label="Column", description="Its categories are the strata.", margin=0, **small
        )
        self.quotas = pmui.Select(
            label="Quotas",
            options=QUOTAS,
            value="equal",
            description="As many items of each category, in proportion to its size, or as you write.",
            margin=0,
            **small,
        )
        self.given = pmui.TextAreaInput(
            label="Items of each category",
            placeholder=PLACEHOLDER,
            rows=4,
            description="How many to draw of each category; of those not named, none.",
            margin=(10, 0, 0, 0),
            **small,
        )
        self.space = pmui.Select(
            label="Distance between",
            options=SPACES,
            value="vectors",
            description="Vectors tell how items differ in the data, places how they lie on this map.",
            margin=(10, 0, 0, 0),
            **small,
        )
        self._strata = pn.Row(
            self.column, self.quotas, margin=(10, 0, 0, 0), sizing_mode="stretch_width", styles={"gap": "8px"}
        )
        session.param.watch(self._offer, ["dataset"])
        for widget in (self.strategy, self.quotas):
            widget.param.watch(self._arrange, ["value"])
        self._offer()
        self._arrange()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.strategy,
            self._meaning,
            self._strata,
            self.given,
            self.space,
            sizing_mode="stretch_width",
            margin=0,
        )

    def watch(self, callback: Callable[..., None]) -> None:
        """Call back when another strategy is chosen."""
        self.strategy.param.watch(callback, ["value"])

    def plan(self, size: int, seed: int) -> Plan:
        """The plan as it stands; raises InputError if a quota is none."""
        name = self.strategy.value
        quotas: Any = self.quotas.value
        if quotas == "given":
            quotas = quotas_from(self.given.value.splitlines()) if name == "stratified" else "equal"
        column = (self.column.value or "") if name == "stratified" else ""
        space = self.space.value if name in ("farthest-point", "medoids") else "vectors"
        return Plan(name, size, seed, column, quotas, space)

    def _offer(self, *_: Any) -> None:
        columns, by = list(colourable(self._session)), self._session.colour_by
        first = by if by in columns else next(iter(columns), None)
        self.column.param.update(options=columns, value=first)

    def _arrange(self, *_: Any) -> None:
        strategy, stratified = STRATEGIES[self.strategy.value], self.strategy.value == "stratified"
        self._meaning.object = (
            f'<div>{html.escape(strategy.meaning)}</div><div class="muted">{html.escape(strategy.cost)}</div>'
        )
        self._strata.visible = stratified
        self.given.visible = stratified and self.quotas.value == "given"
        self.space.visible = self.strategy.value in ("farthest-point", "medoids")
