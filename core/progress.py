"""The share done of a part of the work, told as that of the whole."""

from __future__ import annotations

from collections.abc import Callable


def part(progress: Callable[[float], None], start: float, end: float) -> Callable[[float], None]:
    """Return what tells the share done of a part as that of the whole, where the part is from start to end.

    >>> part(print, 0.5, 0.75)(0.5)
    0.625
    """
    return lambda share: progress(start + (end - start) * share)
