"""The base of the page's own parts: a script in the assets, one style sheet, messages back to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from panel.custom import JSComponent

from explorer.views.theme import stylesheet


class Part(JSComponent):
    """A part of the page drawn by a script of ours, which sets texts as text and never as markup.

    Parameters
    ----------
    on_message : callable
        Called with each message of the script, a dict.
    """

    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css")]

    def __init__(self, on_message: Callable[[dict[str, Any]], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_message = on_message

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        self._on_message(msg)
