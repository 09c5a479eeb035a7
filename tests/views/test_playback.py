"""What the bar under the map says of a run."""

from explorer.views.playback import _thinned


def test_a_long_curve_of_costs_keeps_both_its_ends() -> None:
    costs = [1000.0 - epoch for epoch in range(999)]
    thinned = _thinned(costs, 80)
    assert len(thinned) == 80
    assert (thinned[0], thinned[-1]) == (costs[0], costs[-1])
    assert thinned == sorted(thinned, reverse=True)


def test_a_short_curve_of_costs_is_told_whole() -> None:
    assert [_thinned(costs, 80) for costs in ([], [2.0], [3.0, 2.0])] == [[], [2.0], [3.0, 2.0]]
