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
        pn.state.notifications.clear()
        pn.state.notifications.error(sentence, duration=10_000)


@contextmanager
def telling() -> Iterator[None]:
    """Show the sentence of an expected error in a notification instead of raising it.

    What was told of an earlier act goes.
    """
    if pn.state.notifications is not None:
        pn.state.notifications.clear()
    try:
        yield
    except EXPECTED as error:
        tell(str(error))
