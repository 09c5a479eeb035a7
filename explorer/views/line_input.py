"""A text field that hands over what stands in it when Enter is pressed."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui


class LineInput(pmui.TextInput):
    """A field to watch for `enter_pressed`; then read `entered`.

    The browser sends letters and Enter by different ways. On a busy server Enter comes first, and
    `value_input` lacks the last letters; the event of the key itself carries the whole text.
    """

    entered: str = ""

    def _handle_enter(self, event: Any) -> None:
        self.entered = event.data["target"]["value"]
        super()._handle_enter(event)
