"""Numbers and times in a dozen ranges with round ends, so that they can be counted, shown and chosen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_RANGES = 12
LEAST_SEPARATED = 10_000
"""Numbers from here on are written with their thousands apart; below, a year is not 1,987."""

# Steps of time that read well, in numpy's units.
TIME_STEPS = (
    *((step, "s") for step in (1, 5, 15, 30)),
    *((step, "m") for step in (1, 5, 15, 30)),
    *((step, "h") for step in (1, 3, 6, 12)),
    *((step, "D") for step in (1, 2, 7, 14)),
    *((step, "M") for step in (1, 3, 6)),
    *((step, "Y") for step in (1, 2, 5, 10, 20, 50, *(10**power for power in range(2, 12)))),
)
# From 1970-01-01, where numpy counts from, to a Monday and to the year 0, where steps begin.
MONDAY, YEAR_0 = 4, -1970


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges that follow one another, each without its end; the outer two take what lies beyond as well.

    Attributes
    ----------
    edges : float64 (m + 1,)
        Where they begin and end, in seconds since 1970 for times; empty when there are no ranges.
    names : tuple of str (m,)
        What to call them: "20 to 40", "≥ 80", "2024-05".
    centred : bool
        Whether 0 is a centre that values lie on both sides of: each side a tenth of the other or more.
    """

    edges: NDArray[np.float64]
    names: tuple[str, ...]
    centred: bool = False

    def place(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values, float64 (n,), lie along the ranges.

        Returns
        -------
        float64 (n,)
            From 0 to m: 2.5 in the middle of the third range; NaN where the value is no finite number.
        """
        if not self.names:
            return np.full(len(values), np.nan)
        at: NDArray[np.float64] = np.interp(values, self.edges, np.arange(len(self.edges)))
        at[~np.isfinite(values)] = np.nan
        return at

    def steps(self, values: NDArray[np.float64], fineness: int = 1) -> NDArray[np.int32]:
        """Return the range of each value, int32 (n,), or which part of it; -1 where it is no finite number.

        Parameters
        ----------
        values : float64 (n,)
        fineness : int, default 1
            Into how many parts each range is divided: 3 gives codes from 0 to 3m - 1.
        """
        last = len(self.names) * fineness - 1
        place = np.nan_to_num(self.place(values), nan=-1.0) * fineness
        return np.maximum(np.minimum(place, last), -1).astype(np.int32)


def ranges_of(values: NDArray[np.float64], times: bool = False) -> Ranges:
    """Choose the ranges of a column: about a dozen at most, between its 1st and its 99th percentile.

    Parameters
    ----------
    values : float64 (n,)
        NaN and infinite values are left out.
    times : bool
        Whether they are times, in seconds since 1970.
    """
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Ranges(np.zeros(0), ())
    low, high = (float(end) for end in np.percentile(finite, [1, 99], method="nearest"))
    if times:
        edges, start, name = _of_times(low, high)
    else:
        whole = bool((finite == np.rint(finite)).all() and np.abs(finite).max() < 2**53)
        edges, start, name = _of_numbers(low, high, whole)
    names = [name(at) for at in range(len(edges) - 1)]
    if len(names) > 1 and finite.min() < edges[0]:
        names[0] = f"before {start(1)}" if times else f"< {start(1)}"
    if len(names) > 1 and finite.max() >= edges[-1]:
        names[-1] = f"since {start(-2)}" if times else f"≥ {start(-2)}"
    if len(names) > 1 and not times and finite.max() == edges[-2]:
        names[-1] = start(-2)  # a share of all is 1.0, and none lies beyond
    centred = not times and min(-edges[0], edges[-1]) >= max(-edges[0], edges[-1]) / 10
    return Ranges(edges, tuple(names), bool(centred))


Naming = Callable[[int], str]


def _of_numbers(low: float, high: float, whole: bool) -> tuple[NDArray[np.float64], Naming, Naming]:
    step = _round_step(high / MOST_RANGES - low / MOST_RANGES) or _round_step(abs(low) / 10) or 1.0
    step = max(step, 1.0) if whole else step
    with np.errstate(over="ignore"):
        edges = np.nan_to_num(step * np.arange(np.floor(low / step), np.floor(high / step) + 2))
    decimals = max(0, -int(np.floor(np.log10(step))))
    # 3 × 0.1 is not 0.3, and where a range begins must be the number that is written.
    edges = np.unique(np.round(edges, min(decimals, 300))) + 0.0
    if len(edges) < 2:  # no number lies between neighbours this close
        edges = np.array([low, np.nextafter(high, np.inf)])

    most = float(np.abs(edges).max())
    plain = f"{',' if most >= LEAST_SEPARATED else ''}.{decimals}f"
    form = plain if most < 1e12 and decimals <= 6 else ".6g" if step >= 1e-5 * most else ".17g"

    def written(number: float) -> str:
        return format(number, form)

    def name(at: int) -> str:
        first, end = edges[at], edges[at + 1]
        last = end - 1 if whole else end
        return written(first) if first == last else f"{written(first)} to {written(last)}"

    return edges, lambda at: written(edges[at]), name


def _round_step(least: float) -> float:
    """Return the least of 1, 2 and 5 times a power of ten that is not smaller; 0 for 0."""
    if not least > 0:
        return 0.0
    power = 10.0 ** np.floor(np.log10(least))
    return float(next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * (1 - 1e-9)))


def _of_times(low: float, high: float) -> tuple[NDArray[np.float64], Naming, Naming]:
    first, last = (np.datetime64(int(np.floor(end)), "s") for end in (low, high))
    for step, unit in TIME_STEPS:
        anchor = YEAR_0 if unit == "Y" else MONDAY if unit == "D" and step % 7 == 0 else 0
        begin, end = ((_units(time, unit) - anchor) // step * step + anchor for time in (first, last))
        if (end - begin) // step < MOST_RANGES:
            break
    moments: NDArray[np.datetime64] = np.arange(begin, end + 2 * step, step).astype(f"datetime64[{unit}]")

    def start(at: int) -> str:
        return _written(moments[at], unit)

    def name(at: int) -> str:
        by_day = unit in "DMY"
        if by_day and step == 1:
            return start(at)
        # A day, month or year tells a span of its own: the last one is within. A minute is a moment.
        until = _written(moments[at + 1] - 1 if by_day else moments[at + 1], unit)
        shared = next((n for n in (11, 5) if start(at)[:n] == until[:n] and len(until) > n), 0)
        return f"{start(at)} to {until[shared:]}"

    return moments.astype("datetime64[s]").astype(np.float64), start, name


def _units(time: np.datetime64, unit: str) -> int:
    return int(time.astype(f"datetime64[{unit}]").astype(np.int64))


def _written(time: np.datetime64, unit: str) -> str:
    shown: Any = {"h": "m"}.get(unit, unit)
    return str(np.datetime_as_string(time, unit=shown)).replace("T", " ")
