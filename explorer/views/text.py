"""How numbers read on the page."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from typing import Any

YEARS = 9999
"""Whole numbers up to here may be years or classes: they are written without a comma."""


def count(value: int) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{value:,}"


def share(value: float) -> str:
    """A share of the whole in per cent.

    >>> share(0.1044), share(0.00004), share(1.0)
    ('10.4%', '<0.1%', '100%')
    """
    if 0 < value < 0.001:
        return "<0.1%"
    return f"{100 * value:.1f}%".replace(".0%", "%")


def times(value: float) -> str:
    """How many times as much.

    >>> times(1.84), times(12.3), times(0.04), times(0)
    ('1.8×', '12×', '<0.1×', '0×')
    """
    if 0 < value < 0.05:
        return "<0.1×"
    return f"{value:.0f}×" if value >= 10 or value == 0 else f"{value:.1f}×"


def duration(seconds: float) -> str:
    """A time as an analyst would say it.

    >>> duration(0.42), duration(12.34), duration(125), duration(7300)
    ('0.4 s', '12.3 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def written(value: Any) -> str:
    """The value of a cell as an analyst would write it; nothing is lost but digits nobody reads.

    >>> written(1234567), written(1989), written(0.1 + 0.2), written(True), written(None)
    ('1,234,567', '1989', '0.3', 'true', '')
    >>> written(datetime(2024, 5, 1, 10, 30)), written(datetime(2024, 5, 1)), written(b"abc")
    ('2024-05-01 10:30:00', '2024-05-01', '3 bytes')
    >>> written([1, None, "a"])
    '[1, null, "a"]'
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return count(value) if abs(value) > YEARS else str(value)
    if isinstance(value, float):
        return f"{value:,.6g}" if math.isfinite(value) else _unreal(value)
    if isinstance(value, bytes):
        return f"{count(len(value))} bytes"
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=written)
    if isinstance(value, datetime):
        is_day = value.time() == time() and value.tzinfo is None
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def shortened(value: Any, most: int) -> str:
    """A value as ``written``, on one line of at most so many letters; "—" where it is missing.

    >>> shortened(None, 9), shortened(math.nan, 9), shortened(1234567, 9), shortened("a" * 99, 5)
    ('—', '—', '1,234,567', 'aaaa…')
    """
    if value is None or value != value:  # NaN alone is not itself
        return "—"
    words = " ".join(written(value)[: 4 * most].split())
    return words if len(words) <= most else words[: most - 1] + "…"


def _unreal(value: float) -> str:
    return "not a number" if math.isnan(value) else "∞" if value > 0 else "−∞"
