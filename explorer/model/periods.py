"""Times as periods: days, weeks, months, quarters or years, whichever show a span best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.errors import InputError

SECONDS_A_DAY = 86_400
UNITS = {"day": 1.0, "week": 7.0, "month": 30.4, "quarter": 91.3, "year": 365.2}
"""How many days each has."""
MOST_PERIODS = 120
RIM = 0.005
"""Share of the times at either end that does not decide how long the span is."""
OUTSIDE = -1


@dataclass(frozen=True, eq=False)
class Periods:
    """The period of each row.

    Attributes
    ----------
    unit : {"day", "week", "month", "quarter", "year"}
    names : tuple of str
        The periods in which there are rows, in order: days and weeks by their first day (weeks by their
        Monday), months as 2024-03, quarters as 2024-Q1.
    codes : int32 (n,)
        The period of each row; -1 for rows without a time, or far outside the span of the others.
    """

    unit: str
    names: tuple[str, ...]
    codes: NDArray[np.int32]

    @property
    def left_out(self) -> int:
        """Rows in no period."""
        return int(np.count_nonzero(self.codes == OUTSIDE))


def periods_of(seconds: NDArray[np.float64], column: str) -> Periods:
    """Put times in the smallest periods of which at most 120 span them and at least half hold any.

    The span is that of the middle 99% of the times; what lies beyond it by more than half of it is left out:
    a few wrong dates would put all others into one period.

    Parameters
    ----------
    seconds : float64 (n,)
        Since 1970, NaN where missing.
    column : str
        What to call them in an error.

    Raises
    ------
    InputError
        When they are all in one day, or there are none.
    """
    days = np.floor(seconds / SECONDS_A_DAY)
    known = np.isfinite(days)
    if not known.any():
        raise InputError(f"The column {column!r} holds no times: choose another.")
    low, high = np.quantile(days[known], [RIM, 1 - RIM], method="nearest")
    slack = (high - low) / 2
    inside = known & (days >= low - slack) & (days <= high + slack)
    each_day, place = np.unique(days[inside].astype(np.int64), return_inverse=True)
    if len(each_day) < 2:
        raise InputError(f"The times of {column!r} are all on one day: there is nothing to compare.")
    span = high - low + 1
    for unit, length in UNITS.items():
        starts, period = np.unique(_starts(each_day, unit), return_inverse=True)
        if unit == "year" or (span / length <= MOST_PERIODS and len(starts) >= span / length / 2):
            break
    if len(starts) < 2:
        raise InputError(f"The times of {column!r} lie in one {unit}: there is nothing to compare.")
    codes = np.full(len(seconds), OUTSIDE, np.int32)
    codes[inside] = period[place]
    return Periods(unit, tuple(_name(start, unit) for start in starts), codes)


def _starts(days: NDArray[np.int64], unit: str) -> NDArray[np.int64]:
    """The first day of the period of each day, as days since 1970."""
    if unit == "day":
        return days
    if unit == "week":
        return days - (days + 3) % 7  # 1970 began on a Thursday
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    step = {"month": 1, "quarter": 3, "year": 12}[unit]
    first = (months - months % step).astype("datetime64[M]")
    return np.asarray(first.astype("datetime64[D]").astype(np.int64))


def _name(start: np.int64, unit: str) -> str:
    day = str(np.datetime64(int(start), "D"))
    if unit in ("day", "week"):
        return day
    year, month, _ = day.rsplit("-", 2)
    return {"month": f"{year}-{month}", "quarter": f"{year}-Q{(int(month) + 2) // 3}", "year": year}[unit]
