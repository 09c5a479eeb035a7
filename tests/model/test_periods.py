"""Times in periods: the unit follows the span, a few wrong dates do not, and weeks begin on Mondays."""

import numpy as np
import pytest

from explorer.model.errors import InputError
from explorer.model.periods import OUTSIDE, Periods, periods_of


def seconds(first: str, days: int, step: int = 1) -> np.ndarray:
    """Noon of every so many days from a first one."""
    start = np.datetime64(first, "s").astype(np.int64) + 43_200
    return (start + 86_400 * np.arange(0, days, step)).astype(np.float64)


def periods(times: np.ndarray) -> Periods:
    return periods_of(times, "when")


@pytest.mark.parametrize(
    ("days", "step", "unit", "names"),
    [
        (30, 1, "day", ("2024-02-28", "2024-03-28")),
        (70, 7, "week", ("2024-02-26", "2024-04-29")),
        (400, 1, "week", ("2024-02-26", "2025-03-31")),
        (1_100, 1, "month", ("2024-02", "2027-03")),
        (12 * 365, 1, "quarter", ("2024-Q1", "2036-Q1")),
        (40 * 365, 1, "year", ("2024", "2064")),
    ],
)
def test_the_unit_follows_the_span(days: int, step: int, unit: str, names: tuple[str, str]) -> None:
    found = periods(seconds("2024-02-28", days, step))
    assert (found.unit, found.names[0], found.names[-1]) == (unit, *names)
    assert len(found.names) <= 120
    assert found.left_out == 0
    assert (np.diff(found.codes) >= 0).all()
    assert set(np.diff(found.codes).tolist()) <= {0, 1}


def test_every_monday_begins_a_week() -> None:
    times = seconds("2024-01-01", 7 * 104, 7)
    found = periods(np.repeat(times, 3))
    assert (found.unit, len(found.names)) == ("week", 104)
    np.testing.assert_array_equal(found.codes, np.repeat(np.arange(104), 3))
    sunday, monday = seconds("2024-01-07", 200)[:2]
    early = periods(np.concatenate([seconds("2024-01-01", 300), [sunday, monday]]))
    assert early.codes[-2:].tolist() == [0, 1]


def test_missing_times_and_those_far_from_all_others_are_left_out() -> None:
    times = np.concatenate([np.repeat(seconds("2024-01-01", 60), 20), seconds("1900-01-01", 1), [np.nan]])
    found = periods(times)
    assert found.unit == "day"
    assert found.codes[-2:].tolist() == [OUTSIDE, OUTSIDE]
    assert found.left_out == 2
    assert len(found.names) == 60


def test_times_before_1970_keep_their_order() -> None:
    found = periods(seconds("1960-11-20", 1_500))
    assert found.names[:2] == ("1960-11", "1960-12")
    assert (np.diff(found.codes) >= 0).all()


@pytest.mark.parametrize(
    ("times", "why"),
    [(np.full(9, np.nan), "holds no times"), (np.full(9, 5e8) + np.arange(9), "are all on one day")],
)
def test_what_makes_no_two_periods_is_refused(times: np.ndarray, why: str) -> None:
    with pytest.raises(InputError, match=why):
        periods(times)
