"""The value of a cell as text: the same on the page, in a table and in a report."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from typing import Any

YEARS = 9999
"""Whole numbers up to here may be years or classes: they are written without a comma."""
TURNED = str.maketrans(dict.fromkeys("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "\ufffd"))
"""Signs that would turn letters around: after one ``gnp.exe`` reads as ``exe.png``, 20 as 02. They show."""


def written(value: Any) -> str:
    """The value of a cell as an analyst would write it; nothing is lost but digits nobody reads.

    >>> written(1234567), written(1989), written(0.1 + 0.2), written(True), written(None)
    ('1,234,567', '1989', '0.3', 'true', '')
    >>> written(datetime(2024, 5, 1, 10, 30)), written(datetime(2024, 5, 1)), written(b"abc")
    ('2024-05-01 10:30:00', '2024-05-01', '3 bytes')
    >>> written([1, None, "a"])
    '[1, null, "a"]'
    >>> written("\u202egnp.exe")
    '�gnp.exe'
    """
    return _as_it_is(value).translate(TURNED)


def _as_it_is(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}" if abs(value) > YEARS else str(value)
    if isinstance(value, float):
        return f"{value:,.6g}" if math.isfinite(value) else _unreal(value)
    if isinstance(value, bytes):
        return counted(len(value), "byte")
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=written)
    if isinstance(value, datetime):
        is_day = value.time() == time() and value.tzinfo is None
        return value.date().isoformat() if is_day else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def counted(n: int, noun: str, nouns: str = "") -> str:
    """So many of something.

    Parameters
    ----------
    n : int
    noun : str
        What one of them is called.
    nouns : str, optional
        What several are called, by default with an s.

    >>> counted(1, "item"), counted(1200, "item"), counted(0, "category", "categories")
    ('1 item', '1,200 items', '0 categories')
    """
    return f"{n:,} {noun if n == 1 else nouns or f'{noun}s'}"


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
