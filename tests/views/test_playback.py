"""What the page says of a run: under the map, on its card and at the foot."""

import pytest

from explorer.model.progress import Progress
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.views.playback import _thinned, playback_state
from explorer.views.run_list import card
from explorer.views.status_bar import activity

RUN = Run.new("data", "hash", 40, RunParameters())


def test_a_long_curve_of_costs_keeps_both_its_ends() -> None:
    costs = [1000.0 - epoch for epoch in range(999)]
    thinned = _thinned(costs, 80)
    assert len(thinned) == 80
    assert (thinned[0], thinned[-1]) == (costs[0], costs[-1])
    assert thinned == sorted(thinned, reverse=True)


def test_a_short_curve_of_costs_is_told_whole() -> None:
    assert [_thinned(costs, 80) for costs in ([], [2.0], [3.0, 2.0])] == [[], [2.0], [3.0, 2.0]]


def at(stage: str, status: RunStatus = RunStatus.RUNNING, epoch: int = 0) -> Progress:
    return Progress(RUN.id, status, stage, 0.2, 0.4, epoch, 12_000, remaining=12.0)


def test_epochs_are_written_with_their_thousands_apart() -> None:
    assert activity(at("layout", epoch=1234), RUN).startswith("layout: epoch 1,234 of 12,000,")
    lines = [
        card(RUN, at("layout", epoch=1234), "")["line"],
        card(RUN, at("layout", RunStatus.PAUSED, 1234), "")["line"],
        card(RUN.with_(status=RunStatus.STOPPED, epoch=1234, n_epochs=12_000), None, "")["line"],
    ]
    assert lines == [
        "epoch 1,234 / 12,000\n12.0 s left",
        "paused at epoch 1,234 / 12,000",
        "stopped at epoch 1,234 / 12,000",
    ]


@pytest.mark.parametrize(
    ("target", "stage", "then"),
    [
        ("", "queued", "knn graph"),
        ("", "knn graph", "fuzzy set"),
        ("", "fuzzy set", "initial layout"),
        ("digit", "fuzzy set", "supervision"),
        ("digit", "supervision", "initial layout"),
        ("", "initial layout", "layout"),
    ],
)
def test_the_foot_of_the_page_says_which_stage_comes_next(target: str, stage: str, then: str) -> None:
    run = RUN.with_(parameters=RunParameters(target=target))
    assert activity(at(stage), run) == f"{stage}: 40%, then {then}, 12.0 s left in all"


def test_a_run_at_rest_says_how_it_goes_on() -> None:
    queued = activity(at("queued", RunStatus.QUEUED), RUN)
    assert queued == "run queued: it starts when the one at work is done"
    assert activity(at("layout", RunStatus.PAUSED), RUN) == "run paused: resume it beneath the map"
    assert activity(at("done", RunStatus.DONE), RUN) == "run done"


@pytest.mark.parametrize(("status", "told"), [(RunStatus.QUEUED, "queued"), (RunStatus.FAILED, "failed")])
def test_the_bar_of_a_run_without_a_layout_names_what_it_waits_for_or_how_it_ended(
    status: RunStatus, told: str
) -> None:
    assert playback_state(RUN, at("queued", status))["stage"] == told
