"""A run's share done only rises, is below 1 until it is done, and its estimate learns from earlier runs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.estimate import STAGES, Calibration, guess, share
from explorer.model.progress import Clock, progress_at_rest
from explorer.model.run import Run, RunParameters, RunStatus


def new_run(**changes) -> Run:
    return Run.new("data", "hash", 10_000, RunParameters()).with_(n_epochs=100, **changes)


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1e-3, 1e5))
def test_the_share_of_a_silent_stage_rises_and_stays_below_one(earlier, later, predicted):
    earlier, later = sorted((earlier, later))
    assert 0 <= share(earlier, predicted) <= share(later, predicted) < 1


def test_the_share_has_no_kink():
    assert share(0.7501, 1) - share(0.75, 1) == pytest.approx(share(0.75, 1) - share(0.7499, 1), rel=0.01)


def test_a_stage_that_takes_three_times_as_long_is_seen_to_rise_until_its_end():
    told = [f"{100 * share(elapsed, 1):.1f}%" for elapsed in (1, 1.5, 2, 2.5, 3)]
    assert told == ["89.5%", "96.9%", "98.7%", "99.3%", "99.6%"]


@given(st.lists(st.sampled_from([*STAGES, "queued"]), max_size=6), st.integers(0, 100))
def test_the_fraction_never_falls_whatever_the_stages_do(stages, epoch):
    clock, run, last = Clock(guess(10_000, 50, RunParameters(), 100)), new_run(), 0.0
    for stage in stages:
        clock.enter(stage)
        if stage == "layout":
            run = run.with_(epoch=epoch)
        fraction = clock.progress(run).fraction
        assert last <= fraction < 1
        last = fraction
        clock.leave()
    assert clock.progress(run.with_(status=RunStatus.DONE)).fraction == 1


def test_the_rate_counts_the_epochs_since_the_layout_began_to_move():
    clock, run = Clock(guess(10_000, 50, RunParameters(), 100)), new_run(status=RunStatus.RUNNING)
    clock.enter("layout")
    assert clock.progress(run.with_(epoch=40)).epochs_per_second is None
    clock.begin_epochs(40)
    time.sleep(0.01)
    progress = clock.progress(run.with_(epoch=60))
    assert 0 < progress.epochs_per_second <= 20 / 0.01
    assert progress.remaining == pytest.approx(40 / progress.epochs_per_second)
    assert progress.stage_fraction == 0.6


def test_time_is_spent_until_a_stage_is_left():
    clock = Clock(guess(10_000, 50, RunParameters(), 100))
    clock.enter("layout")
    time.sleep(0.01)
    run = new_run(seconds={"knn graph": 5.0}, cost=0.25)
    assert clock.progress(run).elapsed >= 5.01
    assert clock.progress(run).cost == 0.25
    assert clock.leave() >= 0.01
    assert clock.progress(run).elapsed == 5.0
    assert clock.leave() == 0.0


def test_a_prediction_follows_what_earlier_runs_took():
    parameters = RunParameters()
    expected = guess(10_000, 50, parameters, 100)
    slow = {stage: 3 * seconds for stage, seconds in expected.items()}
    runs = [new_run(epoch=100, seconds=slow), new_run(epoch=100, seconds={"knn graph": 0.0})]
    predicted = Calibration.of(runs, {"data": 50}).predict(10_000, 50, parameters, 100)
    for stage in STAGES:
        assert predicted[stage] == pytest.approx(slow[stage])
    unknown = Calibration.of([], {}).predict(10_000, 50, parameters, 100)
    assert unknown == expected


def test_more_rows_neighbours_and_epochs_take_longer():
    base = guess(50_000, 50, RunParameters(), 200)
    assert all(guess(100_000, 50, RunParameters(), 200)[stage] > base[stage] for stage in STAGES)
    assert guess(50_000, 50, RunParameters(n_neighbors=30), 200)["knn graph"] > base["knn graph"]
    assert guess(50_000, 50, RunParameters(), 400)["layout"] > base["layout"]
    wider = guess(50_000, 50, RunParameters(graph_neighbors=30), 200)
    assert wider == base | {"knn graph": guess(50_000, 50, RunParameters(n_neighbors=30), 200)["knn graph"]}


# Seconds that MNIST took on two processors, by n_neighbors: knn graph, fuzzy set, initial layout, layout.
OF_MNIST = {
    5: (3.15, 0.08, 0.19, 2.94),
    15: (5.32, 0.24, 0.46, 4.96),
    50: (6.17, 0.87, 0.64, 6.99),
    100: (8.32, 1.59, 0.92, 8.55),
}


@pytest.mark.parametrize("known", OF_MNIST)
@pytest.mark.parametrize("asked", OF_MNIST)
def test_a_run_of_few_neighbours_tells_what_many_take(known, asked):
    seconds = dict(zip(STAGES, OF_MNIST[known], strict=True))
    run = Run.new("data", "hash", 70_000, RunParameters(n_neighbors=known))
    run = run.with_(n_epochs=200, epoch=200, seconds=seconds)
    learnt = Calibration.of([run], {"data": 784})
    predicted = learnt.predict(70_000, 784, RunParameters(n_neighbors=asked), 200)
    assert predicted["layout"] == pytest.approx(OF_MNIST[asked][-1], rel=0.2)
    assert sum(predicted.values()) == pytest.approx(sum(OF_MNIST[asked]), rel=0.25)


def test_a_run_at_rest_tells_how_far_it_came():
    stopped = progress_at_rest(new_run(status=RunStatus.STOPPED, epoch=40, seconds={"layout": 3.0}))
    assert (stopped.fraction, stopped.stage, stopped.remaining) == (0.4, "layout", None)
    assert (stopped.elapsed, stopped.cost) == (3.0, None)
    assert progress_at_rest(new_run(status=RunStatus.DONE, epoch=100)).fraction == 1
    assert progress_at_rest(new_run(status=RunStatus.FAILED)).stage == "queued"


def test_a_layout_without_epochs_has_come_nowhere():
    clock = Clock(guess(10_000, 50, RunParameters(), 100))
    clock.enter("layout")
    assert clock.progress(new_run().with_(n_epochs=0)).stage_fraction == 0
