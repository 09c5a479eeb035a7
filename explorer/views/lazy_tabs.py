"""Tabs whose contents reach the browser when they are first shown."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui


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
        super().__init__(*boxes, **look)
        self.param.watch(self._fill, "active")
        self._fill()

    def shows(self, content: pn.viewable.Viewer) -> bool:
        """Whether this is the content of the tab in front."""
        return self._contents[self.active] is content

    def _fill(self, *_: Any) -> None:
        content = self._unseen.pop(self.active, None)
        if content is not None:
            self[self.active].objects = [content]
