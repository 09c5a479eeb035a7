"""What the page says of a run: under the map, on its card and at the foot."""

import pytest

from explorer.model.progress import Progress
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.separation import Separation
from explorer.views.formation import told
from explorer.views.playback import Past, _thinned, playback_state
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
    assert queued == "run queued: it starts when its turn comes"
    assert activity(at("layout", RunStatus.PAUSED), RUN) == "run paused: resume it beneath the map"
    assert activity(at("done", RunStatus.DONE), RUN) == "run done"


@pytest.mark.parametrize(("status", "told"), [(RunStatus.QUEUED, "queued"), (RunStatus.FAILED, "failed")])
def test_the_bar_of_a_run_without_a_layout_names_what_it_waits_for_or_how_it_ended(
    status: RunStatus, told: str
) -> None:
    assert playback_state(RUN, at("queued", status))["stage"] == told


def test_the_bar_of_a_run_at_rest_shows_the_epoch_and_the_cost_it_had_then() -> None:
    run = RUN.with_(status=RunStatus.DONE, epoch=4, n_epochs=4, costs=(4.0, 3.0, 2.5, 2.25))
    done = Progress(RUN.id, RunStatus.DONE, "done", 1.0, 1.0, 4, 4)
    formed = Separation((0, 2, 4), (0.1, 0.9, 1.0))
    state = playback_state(run, done, Past((0, 2, 4), 2, True, 7, formed))
    assert (state["epoch"], state["n_epochs"], state["cost"]) == (2, 4, 3.0)
    assert state["costs"] == [4.0, 3.0, 2.5, 2.25]
    assert state["past"] == {
        "epochs": [0, 2, 4],
        "playing": True,
        "asked": 7,
        "formed": [0.1, 0.9, 1.0],
        "since": 2,
    }
    newest = playback_state(run, done, Past((0, 2, 4)))
    assert (newest["epoch"], newest["cost"], newest["past"]["formed"]) == (4, 2.25, [])
    assert playback_state(run, done, Past((0, 2, 4), 0))["cost"] is None


@pytest.mark.parametrize("epochs", [(), (4,)])
def test_a_run_without_a_history_has_nothing_to_scrub(epochs: tuple[int, ...]) -> None:
    assert playback_state(RUN, at("layout", epoch=4), Past(epochs))["past"] == {}


@pytest.mark.parametrize(
    ("scores", "sentence"),
    [
        ((0.1, 0.9, 1.0), "These 1,412 items have stood apart since epoch 1,063."),
        ((0.8, 0.9, 1.0), "These 1,412 items have stood apart from the start."),
        (
            (0.9, 0.9, 0.612),
            "These 1,412 items do not stand apart: their separation is 0.61 now, below 0.8.",
        ),
    ],
)
def test_when_a_selection_formed_is_told_in_a_sentence(scores: tuple[float, ...], sentence: str) -> None:
    assert told(Separation((0, 1063, 2000), scores), 1412) == sentence
