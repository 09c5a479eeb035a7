"""A layout run under somebody's eyes, with a bar or a callback."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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
