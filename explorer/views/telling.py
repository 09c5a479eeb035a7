"""Expected errors become one sentence on the page; nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn

from explorer.model.errors import InputError, RunError, WorkspaceError

EXPECTED = (InputError, WorkspaceError, RunError)


def tell(sentence: str) -> None:
    """Show a sentence in a notification, in the place of the one before."""
    if pn.state.notifications is not None:
        _clear()
        pn.state.notifications.error(sentence, duration=10_000)


@contextmanager
def telling() -> Iterator[None]:
    """Show the sentence of an expected error in a notification instead of raising it.

    What was told of an earlier act goes.
    """
    _clear()
    try:
        yield
    except EXPECTED as error:
        tell(str(error))


def _clear() -> None:
    if pn.state.notifications is None:
        return
    # The area's own `clear` has the browser send back a list without what is told next.
    for one in list(pn.state.notifications.notifications):
        one.destroy()
