"""The base of the page's own parts: a script in the assets, one style sheet, messages back to the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from bokeh.document import Document
from bokeh.events import Event
from panel.custom import JSComponent
from panel.io.state import set_curdoc

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

    def _process_bokeh_event(self, doc: Document, event: Event) -> None:
        # Panel counts what is being done, for an indicator that this page does without: that is half of
        # what a question about the item under the pointer costs here.
        with set_curdoc(doc):
            self._process_event(event)

    def _handle_msg(self, msg: dict[str, Any]) -> None:
        self._on_message(msg)
