"""How numbers read."""

from datetime import UTC, datetime

from explorer.model import findings, shares
from explorer.views.text import count, counted, duration, share, shortened, times, written


def test_numbers_read_as_people_write_them() -> None:
    assert count(1234567) == "1,234,567"
    assert [share(v) for v in (0.1044, 0.00004, 0, 1)] == ["10.4%", "<0.1%", "0%", "100%"]
    assert [counted(n, "item") for n in (0, 1, 1200)] == ["0 items", "1 item", "1,200 items"]
    assert [counted(n, "branch", "branches") for n in (1, 2)] == ["1 branch", "2 branches"]
    assert written(b"a") == "1 byte"
    assert [duration(v) for v in (0.42, 12.34, 125, 7300)] == ["0.4 s", "12.3 s", "2 min 5 s", "2 h 1 min"]


def test_what_rounds_up_to_the_next_unit_reads_as_that() -> None:
    assert [duration(v) for v in (59.94, 59.96, 60)] == ["59.9 s", "1 min 0 s", "1 min 0 s"]
    assert [times(v) for v in (9.94, 9.96, 10)] == ["9.9×", "10×", "10×"]


def test_almost_all_is_never_told_as_all() -> None:
    assert [share(v) for v in (69_990 / 70_000, 0.9994)] == [">99.9%", "99.9%"]
    assert [shares.percent(v) for v in (69_990 / 70_000, 0.9994)] == [">99.9%", "99.9%"]
    assert [findings.percent(v) for v in (0.996, 0.994, 1)] == [">99%", "99%", "100%"]


def test_every_value_is_written_in_one_way_wherever_it_is_shown() -> None:
    values = (
        1234567,
        1989,
        1234.5678,
        True,
        datetime(2024, 5, 1),
        datetime(2024, 5, 1, 9, tzinfo=UTC),
        "",
        [1],
    )
    assert [shortened(value, 80) for value in values] == [written(value) for value in values]
    assert written(1234567) == "1,234,567"
    assert [written(value) for value in values[3:6]] == ["true", "2024-05-01", "2024-05-01 09:00:00+00:00"]


def test_a_missing_value_is_a_dash_and_a_long_one_cut() -> None:
    assert [shortened(value, 9) for value in (None, float("nan"), "", 12)] == ["—", "—", "", "12"]
    assert shortened("one\n two\tthree", 80) == "one two three"
    assert shortened("x" * 2**20, 80) == "x" * 79 + "…"
