"""How numbers and names read on the page."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from explorer.model.written import counted, shortened, written

__all__ = [
    "count",
    "counted",
    "duration",
    "probability",
    "share",
    "shortened",
    "times",
    "told_apart",
    "written",
]


def count(value: int) -> str:
    """A whole number with its thousands apart.

    >>> count(1234567)
    '1,234,567'
    """
    return f"{value:,}"


def share(value: float) -> str:
    """A share of the whole in per cent.

    >>> share(0.1044), share(0.00004), share(0.9999), share(1.0)
    ('10.4%', '<0.1%', '>99.9%', '100%')
    """
    if 0 < value < 0.001:
        return "<0.1%"
    if 0.9995 <= value < 1:
        return ">99.9%"
    return f"{100 * value:.1f}%".replace(".0%", "%")


def probability(value: float, digits: int = 3) -> str:
    """A probability to some digits, without an exponent however small: one would break at its hyphen.

    >>> probability(0.00177), probability(4.982e-05), probability(0.04), probability(1.0)
    ('0.00177', '0.0000498', '0.04', '1')
    """
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-")


def times(value: float) -> str:
    """How many times as much.

    >>> times(1.84), times(12.3), times(0.04), times(0)
    ('1.8×', '12×', '<0.1×', '0×')
    """
    if 0 < value < 0.05:
        return "<0.1×"
    return f"{value:.0f}×" if value >= 9.95 or value == 0 else f"{value:.1f}×"


def duration(seconds: float) -> str:
    """A time as an analyst would say it.

    >>> duration(0.42), duration(12.34), duration(125), duration(7300)
    ('0.4 s', '12.3 s', '2 min 5 s', '2 h 1 min')
    """
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    seconds = max(seconds, 60)
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """From labels to the ids that have them; where several have the same it ends in the id.

    >>> told_apart({"a1": "digits", "b2": "songs", "c3": "digits"})
    {'digits · a1': 'a1', 'songs': 'b2', 'digits · c3': 'c3'}
    """
    every = [*labels.values()]
    return {label if every.count(label) == 1 else f"{label} · {one}": one for one, label in labels.items()}
