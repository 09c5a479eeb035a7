"""Work that is waited for: its share, its end, and what is left of it."""

import pytest

from explorer.model import doing as module
from explorer.model.doing import Doing, StoppedError, in_turn


def test_the_share_never_falls_and_what_is_left_follows_from_the_time_it_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    doing = Doing("reading")
    now = 500.0  # it had to wait for its turn
    doing(0.0)
    assert doing.remaining is None
    now = 510.0
    doing(0.25)
    assert (doing.share, doing.remaining) == (0.25, 30.0)
    doing(0.1)
    assert doing.share == 0.25
    now = 540.0
    doing(1.0)
    assert doing.remaining == 0


def test_work_ends_when_it_next_tells_its_share() -> None:
    doing = Doing("reading")
    doing(0.5)
    doing.stop()
    with pytest.raises(StoppedError):
        doing(0.6)
    assert doing.share == 0.5


def test_who_waits_for_a_turn_can_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.001)
    doing = Doing("comparing")
    doing.stop()
    with in_turn(Doing("clustering")), pytest.raises(StoppedError), in_turn(doing):
        pass
    with in_turn(Doing("comparing")):
        pass  # the turn was given back
