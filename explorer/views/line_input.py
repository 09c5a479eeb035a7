"""A text field that hands over what stands in it when Enter is pressed."""

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui


class LineInput(pmui.TextInput):
    """A field to watch for `enter_pressed`; then read `entered`.

    The browser sends letters, Enter and the value of the field by different ways. On a busy server Enter
    comes first, and `value_input` lacks the last letters; the event of the key itself carries the whole text.
    """

    entered: str = ""
    _due, _is_cleared = "", False

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self.param.watch(self._on_value, ["value"])

    def clear(self) -> None:
        """Empty the field, for good: what was entered may come as its value only now."""
        self._is_cleared = True
        self.param.update(value="", value_input="")

    def _on_value(self, event: Any) -> None:
        if self._due and event.new == self._due:
            self._due = ""
            if self._is_cleared:
                self.clear()

    def _handle_enter(self, event: Any) -> None:
        self.entered = event.data["target"]["value"]
        self._due, self._is_cleared = "" if self.value == self.entered else self.entered, False
        super()._handle_enter(event)
