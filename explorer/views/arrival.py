"""Between the moment a browser has fetched a page and the moment it says that the page is ready.

Panel takes a browser to have nothing before it says so, and drops what changes meanwhile: values of
components drawn by scripts, and whatever new models are held with them, which later messages then take for
known. Bokeh itself needs no such care. Changes before the page is fetched are part of it, those after wait in
the browser until it has made the page.
"""

from __future__ import annotations

import panel as pn
from bokeh.document import Document

from explorer.views.turns import soon


def send_all_changes(doc: Document) -> None:
    """Have every change sent that is not part of what a browser fetches; called where the page is made."""

    def connected() -> None:
        pn.state._connected[doc] = True

    soon(doc, connected)
