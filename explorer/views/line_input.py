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

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._late = ""
        self.param.watch(self._pass_over, ["value"])

    def empty(self) -> None:
        """Empty the field, though the browser may bring the text once more: its `value` follows Enter."""
        self._late, self.entered = "" if self.value == self.entered else self.entered, ""
        self.param.update(value="", value_input="")

    def _pass_over(self, event: Any) -> None:
        if self._late and event.new == self._late:
            self._late = ""
            self.param.update(value="", value_input="")

    def _handle_enter(self, event: Any) -> None:
        self.entered = event.data["target"]["value"]
        super()._handle_enter(event)
