"""Expected errors become one sentence on the page; nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn

from explorer.model.errors import InputError, RunError, WorkspaceError

EXPECTED = (InputError, WorkspaceError, RunError)


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
        if pn.state.notifications is not None:
            pn.state.notifications.error(str(error), duration=10_000)
