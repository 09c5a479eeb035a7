"""A run that starts from the map of another: the same bits where they are promised, a sentence where not."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core import Checkpoint, Layout
from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.history import keyframe_epochs
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace

PATIENCE = 120
EPOCHS = 1_500
PARAMETERS = RunParameters(n_epochs=EPOCHS)
OTHER = RunParameters(n_epochs=EPOCHS, min_dist=0.5)


@pytest.fixture(scope="module")
def runner(
    blobs: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("fork")
    np.save(folder / "blobs.npy", blobs[0])
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        workspace.add_dataset(folder / "blobs.npy")
        yield runner


@pytest.fixture(scope="module")
def dataset(runner: Runner) -> Dataset:
    return runner.workspace.dataset(runner.workspace.datasets()[0].id)


@pytest.fixture(scope="module")
def straight(runner: Runner, dataset: Dataset) -> Run:
    """A run to its end."""
    return runner.wait(runner.start(dataset, PARAMETERS).id, PATIENCE)


@pytest.fixture(scope="module")
def stopped(runner: Runner, dataset: Dataset) -> Run:
    """The same, stopped on its way."""
    return halted(runner, runner.start(dataset, PARAMETERS), 300)


def halted(runner: Runner, run: Run, epoch: int) -> Run:
    """The run, stopped at an epoch or a little later."""
    end = time.monotonic() + PATIENCE
    while runner.progress(run.id).epoch < epoch:
        assert time.monotonic() < end
        time.sleep(0.001)
    runner.stop(run.id)
    run = runner.wait(run.id, PATIENCE)
    assert (run.status, epoch <= run.epoch < EPOCHS) == (RunStatus.STOPPED, True)
    return run


def forked(
    runner: Runner, dataset: Dataset, source: Run, epoch: int | None, parameters: RunParameters
) -> Run:
    run = runner.start(dataset, parameters, start_from=source.id, from_epoch=epoch)
    run = runner.wait(run.id, PATIENCE)
    assert run.status is RunStatus.DONE, run.error
    return run


def bits(runner: Runner, run: Run) -> bytes:
    return runner.workspace.embedding(run.id).tobytes()


def inputs(runner: Runner, run: Run, parameters: RunParameters) -> tuple[object, np.ndarray, object]:
    """What core lays out a run from, by other parameters."""
    _, fuzzy, initial, _ = stages.of_run(run)
    cached = runner.workspace.cached
    return (
        stages.read_fuzzy_set(cached(fuzzy.name, fuzzy.key)),
        cached(initial.name, initial.key)["positions"],
        stages.layout_parameters(parameters, run.n),
    )


def test_a_fork_with_the_same_parameters_ends_in_the_bits_of_the_straight_run(
    runner: Runner, dataset: Dataset, straight: Run, stopped: Run
) -> None:
    for epoch in (0, stopped.epoch):
        fork = forked(runner, dataset, stopped, epoch, PARAMETERS)
        assert fork.start.exact
        assert fork.start.epoch == fork.first_epoch == epoch
        assert fork.costs == straight.costs
        assert bits(runner, fork) == bits(runner, straight)
        assert runner.workspace.keyframes(fork.id).epochs[0] == epoch
        assert "initial layout" not in fork.seconds


def test_a_fork_with_other_parameters_goes_on_as_core_does(
    runner: Runner, dataset: Dataset, stopped: Run
) -> None:
    fork = forked(runner, dataset, stopped, stopped.epoch, OTHER)
    state = Checkpoint(stopped.epoch, np.asarray(runner.workspace.embedding(stopped.id)))
    layout = Layout.restore(*inputs(runner, stopped, OTHER), state, seed=OTHER.seed)
    assert bits(runner, fork) == layout.run(EPOCHS).tobytes()
    assert fork.costs[: stopped.epoch] == stopped.costs
    assert len(fork.costs) == EPOCHS
    assert fork.label.endswith(f"from k15-d0.1-s42 at epoch {stopped.epoch:,}")


def test_a_warm_start_takes_the_last_map_for_its_initial_layout(
    runner: Runner, dataset: Dataset, straight: Run
) -> None:
    warm = forked(runner, dataset, straight, None, OTHER)
    assert (warm.start.fork, warm.start.epoch, warm.first_epoch) == (False, EPOCHS, 0)
    assert len(warm.costs) == EPOCHS
    fuzzy_set, _, parameters = inputs(runner, straight, OTHER)
    initial = np.asarray(runner.workspace.embedding(straight.id))
    assert bits(runner, warm) == Layout(fuzzy_set, initial, parameters, seed=OTHER.seed).run(EPOCHS).tobytes()
    # The end of a run that is done is its last map.
    again = forked(runner, dataset, straight, EPOCHS, OTHER)
    assert again.start == warm.start
    assert stages.of_run(again) == stages.of_run(warm)


def test_a_fork_at_a_keyframe_says_that_it_is_not_exact(
    runner: Runner, dataset: Dataset, straight: Run
) -> None:
    kept = sorted(keyframe_epochs(EPOCHS))
    assert runner.kept_epochs(straight.id) == tuple(kept)
    fork = forked(runner, dataset, straight, kept[20], PARAMETERS)
    assert not fork.start.exact
    assert fork.costs[: kept[20]] == straight.costs[: kept[20]]
    history, other = (runner.workspace.keyframes(run.id) for run in (fork, straight))
    assert history.epochs == other.epochs[20:]
    span = np.ptp(other.decode(20), axis=0).max()
    np.testing.assert_allclose(history.decode(0), other.decode(20), atol=span / 60_000)


def test_a_fork_resumes_to_the_same_bits_when_the_run_it_left_is_gone(
    runner: Runner, dataset: Dataset, straight: Run
) -> None:
    source = halted(runner, runner.start(dataset, PARAMETERS), 100)
    first = runner.start(dataset, PARAMETERS, start_from=source.id, from_epoch=source.epoch)
    fork = halted(runner, first, source.epoch + 100)
    runner.delete(source.id)
    second = forked(runner, dataset, fork, fork.epoch, PARAMETERS)
    assert second.start.exact
    runner.resume(fork.id)
    assert runner.wait(fork.id, PATIENCE).status is RunStatus.DONE
    for run in (fork, second):
        assert bits(runner, run) == bits(runner, straight)
        assert runner.run(run.id).costs == straight.costs
    with pytest.raises(InputError, match="has no run"):
        runner.start(dataset, PARAMETERS, start_from=source.id)


def test_what_cannot_be_started_from_is_told_in_one_sentence_and_leaves_no_run(
    runner: Runner, dataset: Dataset, straight: Run, tmp_path: Path
) -> None:
    np.save(tmp_path / "other.npy", np.random.default_rng(0).normal(size=(600, 12)))
    other = runner.workspace.add_dataset(tmp_path / "other.npy")
    before = runner.workspace.runs()
    kept = sorted(keyframe_epochs(EPOCHS))
    after = next(epoch for epoch in range(EPOCHS) if epoch not in kept)
    near = f"choose {max(e for e in kept if e < after):,} or {min(e for e in kept if e > after):,}"
    short = RunParameters(n_epochs=kept[20])
    for data, parameters, source, epoch, sentence in (
        (dataset, PARAMETERS, "gone", None, "has no run 'gone'"),
        (other, PARAMETERS, straight.id, None, "is of other data"),
        (dataset, RunParameters(n_components=3), straight.id, None, "set n_components to 2"),
        (dataset, PARAMETERS, straight.id, after, near),
        (dataset, short, straight.id, kept[20], f"nothing is left of {kept[20]:,} epochs"),
    ):
        with pytest.raises(InputError) as error:
            runner.start(data, parameters, start_from=source, from_epoch=epoch)
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)
    assert runner.workspace.runs() == before


def test_a_run_without_a_map_offers_nothing(runner: Runner, dataset: Dataset) -> None:
    run = Run.new(dataset.id, dataset.hash, dataset.n, PARAMETERS).with_(status=RunStatus.FAILED)
    runner.workspace.save_run(run)
    assert runner.kept_epochs(run.id) == ()
    for epoch, words in ((None, "has no map to start from yet: it is failed"), (3, "keeps no epoch 3")):
        with pytest.raises(InputError, match=words):
            runner.start(dataset, PARAMETERS, start_from=run.id, from_epoch=epoch)


def test_what_was_taken_and_is_lost_fails_that_run_alone(
    runner: Runner, dataset: Dataset, straight: Run
) -> None:
    run = forked(runner, dataset, straight, None, RunParameters(n_epochs=5))
    record = Run.from_dict(run.to_dict()).with_(id="k15-lost-1", status=RunStatus.STOPPED)
    runner.workspace.save_run(record)
    runner.resume(record.id)
    failed = runner.wait(record.id, PATIENCE)
    assert failed.status is RunStatus.FAILED
    assert "What this run starts from is gone from its folder" in failed.error
