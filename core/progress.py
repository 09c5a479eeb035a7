"""Work under somebody's eyes: a layout run with a bar or a callback, the share done of a part of the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from core.layout import Layout

Callback = Callable[[int, int, NDArray[np.float32]], bool | None]


def run(layout: Layout, callback: Callback | None = None, *, bar: bool = False) -> None:
    """Advance `layout` to its last epoch, or to the first after which `callback` returns True.

    Parameters
    ----------
    layout : Layout
        It may have been run or restored: epochs that are done are not told again.
    callback : callable(epoch, n_epochs, embedding) -> bool or None, optional
        Called after each epoch.
    bar : bool, default False
        Show a bar on standard error.
    """
    if callback is None and not bar:
        layout.run(layout.n_epochs)
        return
    from tqdm import tqdm

    done, n_epochs = layout.epoch, layout.n_epochs
    to_do = range(done + 1, n_epochs + 1)
    for epoch in tqdm(to_do, "layout", n_epochs, initial=done, unit="epoch", disable=not bar):
        embedding = layout.run(epoch)
        if callback is not None and callback(epoch, n_epochs, embedding):
            return


def part(progress: Callable[[float], None], start: float, end: float) -> Callable[[float], None]:
    """Return what tells the share done of a part as that of the whole, where the part is from start to end.

    >>> part(print, 0.5, 0.75)(0.5)
    0.625
    """
    return lambda share: progress(start + (end - start) * share)
