"""How numbers read."""

from explorer.views.text import count, duration, share


def test_numbers_read_as_people_write_them() -> None:
    assert count(1234567) == "1,234,567"
    assert [share(v) for v in (0.1044, 0.00004, 0, 1)] == ["10.4%", "<0.1%", "0%", "100%"]
    assert [duration(v) for v in (0.42, 12.34, 125, 7300)] == ["0.4 s", "12.3 s", "2 min 5 s", "2 h 1 min"]
