"""Ranges cover a column, begin at round numbers and say in words which values they hold."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.model.ranges import ranges_of

numbers = hnp.arrays(np.float64, st.integers(1, 60), elements=st.floats(allow_nan=True, allow_infinity=True))


def seconds(*days: str) -> np.ndarray:
    return np.array([datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() for day in days])


@given(numbers, st.booleans())
def test_every_finite_number_lies_in_one_of_at_most_a_dozen_ranges(values, times):
    if times:
        values = np.where(np.abs(values) < 9e15, values, np.nan)
    ranges = ranges_of(values, times)
    codes = ranges.steps(values)
    finite = np.isfinite(values)
    assert (codes[~finite] == -1).all()
    assert ((codes[finite] >= 0) & (codes[finite] < len(ranges.names))).all()
    assert len(ranges.names) <= 14
    assert len(ranges.edges) == (len(ranges.names) + 1 if finite.any() else 0)
    assert (np.diff(ranges.edges) > 0).all()
    assert len(set(ranges.names)) == len(ranges.names)


@given(numbers)
def test_a_larger_number_never_lies_in_a_lower_range(values):
    finite = np.sort(values[np.isfinite(values)])
    for fineness in (1, 7):
        assert (np.diff(ranges_of(values).steps(finite, fineness)) >= 0).all()


def test_parts_of_a_range_belong_to_it():
    values = np.random.default_rng(0).normal(size=1000)
    ranges = ranges_of(values)
    np.testing.assert_array_equal(ranges.steps(values, 20) // 20, ranges.steps(values))


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_a_number_on_an_edge_lies_in_the_range_that_is_named_after_it(digits):
    values = np.round(np.arange(0, 1000) / 10**digits, digits)
    ranges = ranges_of(values)
    codes = ranges.steps(values)
    for code, name in enumerate(ranges.names):
        inside = values[codes == code]
        if " to " in name:
            first, end = (float(edge) for edge in name.split(" to "))
            assert first == inside.min()
            assert inside.max() < end or inside.max() == values.max()


@pytest.mark.parametrize(
    ("values", "names"),
    [
        (np.arange(4.0), ("0", "1", "2", "3")),
        (np.linspace(0, 0.99, 500), tuple(f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(10))),
        (
            np.append(np.linspace(0, 0.99, 500), np.ones(50)),
            (*(f"{i / 10:.1f} to {(i + 1) / 10:.1f}" for i in range(10)), "1.0"),
        ),
        (np.arange(1960.0, 2000), tuple(f"{i} to {i + 4}" for i in range(1960, 2000, 5))),
        (np.arange(0.0, 40_000, 7), tuple(f"{i:,} to {i + 4999:,}" for i in range(0, 40_000, 5000))),
        (np.full(9, 7.0), ("7",)),
        (np.full(9, 0.25), ("0.25 to 0.30",)),
        (np.array([np.nan, np.inf]), ()),
    ],
)
def test_names_read_as_an_analyst_would_write_them(values, names):
    assert ranges_of(values).names == names


def test_the_outer_ranges_take_what_lies_beyond_and_say_so():
    values = np.concatenate([np.linspace(0, 9.99, 1000), [-500.0, 500.0]])
    ranges = ranges_of(values)
    assert (ranges.names[0], ranges.names[-1]) == ("< 1", "≥ 9")
    codes = ranges.steps(values)
    assert codes[-2] == 0
    assert codes[-1] == len(ranges.names) - 1
    assert np.bincount(codes).tolist() == [np.sum(values < 1), *[100] * 8, np.sum(values >= 9)]


@pytest.mark.parametrize(
    ("first", "last", "names"),
    [
        ("2023-11-10", "2024-06-20", tuple(f"{m}" for m in np.arange("2023-11", "2024-07", dtype="M8[M]"))),
        ("2014-02-03", "2023-12-31", tuple(str(year) for year in range(2014, 2024))),
        ("2022-02-03", "2023-12-31", tuple(
            f"{year}-{span}" for year in (2022, 2023)
            for span in ("01 to 03", "04 to 06", "07 to 09", "10 to 12"))),
        ("1905-02-03", "1934-12-31", tuple(f"{year} to {year + 4}" for year in range(1905, 1935, 5))),
        ("2024-05-01", "2024-05-08T20:00", tuple(f"2024-05-0{day}" for day in range(1, 9))),
        ("2023-12-12", "2024-01-09",
         ("2023-12-11 to 12-17", "2023-12-18 to 12-24", "2023-12-25 to 12-31", "2024-01-01 to 01-07",
          "2024-01-08 to 01-14")),
        ("2024-05-01T09:00", "2024-05-01T10:59", None),
    ],
)  # fmt: skip
def test_times_are_cut_where_the_calendar_is(first, last, names):
    start, end = seconds(first, last)
    ranges = ranges_of(np.linspace(start, end, 2000), times=True)
    if names is None:
        assert ranges.names[:2] == ("2024-05-01 09:00 to 09:15", "2024-05-01 09:15 to 09:30")
    else:
        assert ranges.names == names


def test_early_and_late_times_are_said_to_be_before_and_since():
    usual = np.linspace(*seconds("2014-01-01", "2023-12-31"), 2000)
    ranges = ranges_of(np.concatenate([usual, seconds("1970-01-01", "2099-01-01")]), times=True)
    assert ranges.names == ("before 2015", *(str(year) for year in range(2015, 2023)), "since 2023")
