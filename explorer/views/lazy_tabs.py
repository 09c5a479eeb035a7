"""Tabs whose contents reach the browser when they are first shown."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel_material_ui.base import MaterialComponent

A_ROW = 4
# All in sight, in rows of the same width: nobody looks for a tab behind an arrow.
LOOK: dict[str, Any] = {
    "& > .MuiTabs-root": {"minHeight": 0, "flexShrink": 0},
    # The zone scrolls; here a row that reaches into its margin would ask for a second bar.
    "& > .MuiBox-root": {"overflow": "visible"},
    "& .MuiTabs-indicator": {"display": "none"},
    "& [role=tablist]": {"display": "grid", "gridTemplateColumns": f"repeat({A_ROW}, minmax(0, 1fr))"},
    "& [role=tab]": {"minHeight": 32, "padding": "5px 4px", "borderBottom": "2px solid var(--line)"},
    "& [role=tab][aria-selected=true]": {"borderBottomColor": "var(--accent)"},
}


class LazyTabs(pmui.Tabs):
    """Tabs of which a page that loads has to make only one.

    Parameters
    ----------
    *tabs : tuple of str and Viewer
        The title of each and what it shows, which hears of changes all the time.
    **look
        As of any `Tabs`.
    """

    def __init__(self, *tabs: tuple[str, pn.viewable.Viewer], **look: Any) -> None:
        self._contents = tuple(content for _, content in tabs)
        self._unseen = dict(enumerate(self._contents))
        boxes = ((title, pn.Column(sizing_mode="stretch_width", margin=0)) for title, _ in tabs)
        super().__init__(*boxes, **{"sx": LOOK} | look)
        self.param.watch(self._fill, "active")
        self._fill()

    def shows(self, content: pn.viewable.Viewer) -> bool:
        """Whether this is the content of the tab in front."""
        return self._contents[self.active] is content

    def _fill(self, *_: Any) -> None:
        content = self._unseen.pop(self.active, None)
        if content is not None:
            shown = pn.panel(content)
            for part in shown.select(MaterialComponent):
                part.dark_theme = pn.config.theme == "dark"  # which may have changed since it was made
            self[self.active].objects = [shown]
