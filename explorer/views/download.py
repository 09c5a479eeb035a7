"""Work that the press of a button begins, and a button that downloads what is made when it is pressed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import panel_material_ui as pmui
import param

from explorer.views.telling import telling

T = TypeVar("T")
MOMENT = 0.3
"""Seconds that need no word of what is being done."""
CANCEL = "Cancel"


class Pressed:
    """The work of one button, which cancels it when it lasts and the button is pressed again.

    A thread cannot be ended from outside: what it comes to is forgotten.

    Parameters
    ----------
    button : Button or FileDownload
        Says "Cancel" meanwhile.
    """

    def __init__(self, button: Any) -> None:
        self._button = button
        self._work: asyncio.Future[Any] | None = None

    async def stop(self) -> None:
        """Cancel the work there is, and wait until the button is free again."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def do(self, make: Callable[[], Awaitable[T]]) -> T | None:
        """Return what is made; None if it was cancelled, or another press is at work."""
        button, label = self._button, self._button.label
        if self._work is not None:
            if label == CANCEL:
                self._work.cancel()
            return None
        work = self._work = asyncio.ensure_future(make())
        try:
            await asyncio.wait([work], timeout=MOMENT)
            if not work.done():
                button.label = CANCEL
            with suppress(asyncio.CancelledError):
                return await work
            return None
        finally:
            button.label, self._work = label, None


class Download(pmui.FileDownload):
    """Makes a file at each press and hands it to the browser; an expected error is told in its sentence.

    Parameters
    ----------
    callback : coroutine function
        Returns the file.
    """

    filename: Any
    data: Any

    def __init__(self, **params: Any) -> None:
        variant = params.pop("variant", "outlined")
        super().__init__(**params)
        self.variant = variant  # given at once, the library warns of a parameter it adds itself
        self._pressed = Pressed(self)

    async def _async_sync_data(self) -> None:
        name = self.filename
        with telling():
            file = await self._pressed.do(self.callback)
            if file is None:
                return
            # A browser hears of changes alone, and the same file again would be none: its address says which
            # press made it. Never emptied in between: a browser that is late would send the file back.
            now, self.filename = self.filename, name  # its name when it was asked for
            with param.parameterized.batch_call_watchers(self):
                self._sync_data(file)
                self.data = self.data.replace(";", f";press={self._transfers};", 1)
            self.filename = now
