"""Density as a selector: a water level that rises and falls over the map."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.session import Session
from explorer.views.small_button import small_button
from explorer.views.telling import telling
from explorer.views.theme import stylesheet

AT_FIRST = 60
HINT = (
    '<div class="muted">Click inside an outline on the map to select that region; '
    "Shift adds it, Alt subtracts it.</div>"
)


class WaterPanel(pn.viewable.Viewer):
    """A switch, a slider for the share of items above the water, and a button that selects them all.

    Parameters
    ----------
    session : Session
        Whose `water` is set; it is None while the switch is off.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._showing = session, False
        self.use = pmui.Switch(
            label="Density level",
            size="small",
            margin=(2, 0),
            sx={"& .MuiTypography-root, & .MuiFormControlLabel-label": {"fontSize": 13}},
            description="Draws the outline of where items lie densely, to select whole regions.",
        )
        self.share = pmui.IntSlider(
            label="Items above the level (%)",
            start=0,
            end=100,
            step=1,
            value=AT_FIRST,
            description="The share that lies within the outlines, the densest first.",
            size="small",
            sizing_mode="stretch_width",
            margin=0,
        )
        self.above = small_button(
            "Select everything above",
            "Selects the items inside all outlines; Shift adds them, Alt subtracts them.",
            margin=(6, 0),
        )
        hint = pn.pane.HTML(
            HINT, stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(2, 0)
        )
        self._tools = pn.Column(
            self.share, hint, self.above, sizing_mode="stretch_width", margin=0, visible=False
        )
        self.use.param.watch(self._set, ["value"])
        self.share.param.watch(self._set, ["value"])
        self.above.on_click(self._select)
        session.param.watch(self._show, ["water"])
        self._show()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self.use, self._tools, sizing_mode="stretch_width", margin=(2, 0))

    def _set(self, _: Any) -> None:
        if not self._showing:
            self._session.water = self.share.value / 100 if self.use.value else None

    def _select(self, _: Any) -> None:
        with telling():
            self._session.select_above(self._session.run_id, self._session.mode)

    def _show(self, *_: Any) -> None:
        water = self._session.water
        self._showing = True
        self.use.value = self._tools.visible = water is not None
        if water is not None:
            self.share.value = round(100 * water)
        self._showing = False
