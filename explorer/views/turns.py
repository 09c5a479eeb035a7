"""Turns of a page's document, the only time when its models may be changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from bokeh.document import Document
from bokeh.io.doc import patch_curdoc
from tornado.ioloop import IOLoop

Act = Callable[[], object]


def soon(doc: Document, act: Act) -> None:
    """Do something in a document's next turn.

    Bokeh's own `add_next_tick_callback` is itself a change of the document: while Panel holds changes back,
    one that comes from another thread gets lost. This one goes past the document, to the server's loop.

    Parameters
    ----------
    doc : Document
        A page.
    act : callable
        Called on the server's thread, which holds the document then; never if the page is gone by then.
    """
    loop = _loop(doc)
    if loop is not None:
        loop.add_callback(_turn, doc, act)
        return
    # Without a server Bokeh keeps it, as for a test; a document whose page is gone has lost what that needs.
    with suppress(AttributeError):
        doc.add_next_tick_callback(act)


def later(doc: Document, milliseconds: int, act: Act) -> None:
    """Do something in a turn of a document after a while: see `soon`. Called on the server's thread."""
    loop = _loop(doc)
    if loop is not None:
        loop.call_later(milliseconds / 1000, _turn, doc, act)
        return
    with suppress(AttributeError):
        doc.add_timeout_callback(act, milliseconds)


def _loop(doc: Document) -> IOLoop | None:
    # None for a document that no server shows, as in a test, or that is gone.
    context = doc.session_context
    application = None if context is None else context.server_context.application_context
    return None if application is None else application.io_loop


async def _turn(doc: Document, act: Act) -> None:
    def with_document() -> None:
        with patch_curdoc(doc):
            act()

    context = doc.session_context
    session = None if context is None else context.session
    if session is not None:
        await session.with_document_locked(with_document)
