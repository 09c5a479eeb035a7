"""Runs at the workers of a real Dask cluster: the same bits as here, and each fault ends one run alone."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import LocalCluster

from explorer.model import stages
from explorer.model.dask_worker import DaskWorkers, refuse_other_version
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.sweep import Sweep
from explorer.model.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60
SHORT = RunParameters(n_epochs=20)
ENDLESS = RunParameters(n_epochs=100_000)


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait until something holds, or fail."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.02)


def local_cluster(n_workers: int) -> LocalCluster:
    """Processes of one thread each, reached over TCP, with no pages of their own."""
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=1, processes=True, host="127.0.0.1", protocol="tcp",
        dashboard_address="127.0.0.1:0", memory_limit=None, silence_logs=logging.CRITICAL,
    )  # fmt: skip


@pytest.fixture(scope="module")
def workers() -> Iterator[DaskWorkers]:
    """Two workers, which know nothing of the workspaces."""
    with local_cluster(2) as cluster, DaskWorkers(cluster.scheduler_address) as workers:
        assert workers.count == 2
        yield workers


@pytest.fixture(scope="module")
def blobs_path(blobs: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    vectors, labels = blobs
    path = tmp_path_factory.mktemp("blobs") / "blobs.parquet"
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(pa.table({"v": column, "blob": [f"b{label}" for label in labels]}), path)
    return path


@pytest.fixture(scope="module")
def large_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors whose exact neighbours take some seconds."""
    path = tmp_path_factory.mktemp("large") / "large.npy"
    np.save(path, np.random.default_rng(0).normal(size=(4_000, 1_000)).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """What computes on this machine."""
    with Workspace(tmp_path_factory.mktemp("here")) as workspace, Runner(workspace) as runner:
        yield runner


@pytest.fixture(scope="module")
def there(workers: DaskWorkers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """What has the workers compute."""
    with Workspace(tmp_path_factory.mktemp("there")) as workspace, Runner(workspace, dask=workers) as runner:
        yield runner


@pytest.fixture(scope="module")
def dataset(there: Runner, blobs_path: Path) -> Dataset:
    return there.workspace.add_dataset(blobs_path)


def finished(runner: Runner, *runs: Run) -> list[Run]:
    return [runner.wait(run.id, PATIENCE) for run in runs]


def reach(runner: Runner, run: Run, epoch: int) -> None:
    until(lambda: runner.progress(run.id).epoch >= epoch, f"epoch {epoch}")


def all_of(workspace: Workspace, run: Run) -> dict[str, Any]:
    """Every number that a run leaves: its results, its history and what its stages left in the cache."""
    assert run.status is RunStatus.DONE, run.error
    embedding, history = workspace.embedding(run.id), workspace.keyframes(run.id)
    assert embedding is not None
    kept: dict[str, Any] = {"costs": run.costs, "recall": run.knn_recall, "map": embedding.tobytes()}
    for epoch in history.epochs:
        kept[f"epoch {epoch}"] = history.load(epoch).record.tobytes()
    for stage in stages.of_run(run)[:-1]:
        arrays = workspace.cached(stage.name, stage.key)
        assert arrays is not None
        kept |= {f"{stage.name} {name}": array.tobytes() for name, array in arrays.items()}
    return kept


# The same bits, each stage once


@pytest.mark.parametrize(
    "parameters",
    [
        RunParameters(n_epochs=150),
        RunParameters(n_epochs=40, densmap=True, target="blob", metric="cosine", graph_neighbors=20),
        RunParameters(n_epochs=40, init="pca", n_components=3, n_neighbors=5, seed=7),
    ],
)
def test_a_run_at_a_dask_worker_is_the_run_here_bit_for_bit(
    here: Runner, there: Runner, dataset: Dataset, blobs_path: Path, parameters: RunParameters
) -> None:
    (run,) = finished(there, there.start(dataset, parameters))
    (other,) = finished(here, here.start(here.workspace.add_dataset(blobs_path), parameters))
    assert all_of(there.workspace, run) == all_of(here.workspace, other)
    assert set(run.seconds) == set(other.seconds)
    assert run.provenance == other.provenance


def test_an_approximate_graph_is_the_one_here_bit_for_bit(
    here: Runner, there: Runner, tmp_path: Path
) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(3).normal(size=(4_500, 8)).astype(np.float32))
    runs = []
    for runner in (there, here):
        dataset = runner.workspace.add_dataset(tmp_path / "v.npy")
        (run,) = finished(runner, runner.start(dataset, RunParameters(n_epochs=5, init="random")))
        runs.append(all_of(runner.workspace, run))
    assert runs[0] == runs[1]


def test_a_sweep_computes_each_shared_stage_once_and_is_the_sweep_here(
    here: Runner, there: Runner, dataset: Dataset, blobs_path: Path
) -> None:
    sweep = Sweep((5, 15), (0.0, 0.5), seeds=(10, 11), base=SHORT)
    runs = finished(there, *there.start_sweep(dataset, sweep))
    others = finished(here, *here.start_sweep(here.workspace.add_dataset(blobs_path), sweep))
    computed = {name: sum(run.seconds[name] > 0 for run in runs) for name in runs[0].seconds}
    assert computed == {"knn graph": 2, "fuzzy set": 4, "initial layout": 4, "layout": 8}
    for run, other in zip(runs, others, strict=True):
        assert run.parameters == other.parameters
        assert all_of(there.workspace, run) == all_of(here.workspace, other)


def test_two_runs_are_at_work_at_two_workers(there: Runner, dataset: Dataset, workers: DaskWorkers) -> None:
    assert there.n_layouts == 2
    until(lambda: not any(busy(workers).values()), "workers that forgot earlier runs")
    runs = there.start_sweep(dataset, Sweep(seeds=(20, 21, 22), base=ENDLESS))
    for run in runs[:2]:
        reach(there, run, 1)
    assert there.waiting == (runs[2].id,)
    assert list(busy(workers).values()) == [1, 1]
    for run in reversed(runs):
        there.stop(run.id)
    assert {run.status for run in finished(there, *runs)} == {RunStatus.STOPPED}
    until(lambda: not any(busy(workers).values()), "workers that forgot the runs")


def test_pausing_stopping_and_closing_change_nothing(
    here: Runner, there: Runner, dataset: Dataset, blobs_path: Path, workers: DaskWorkers, tmp_path: Path
) -> None:
    parameters = RunParameters(n_epochs=2_000)
    (straight,) = finished(here, here.start(here.workspace.add_dataset(blobs_path), parameters))
    expected = all_of(here.workspace, straight)

    run = there.start(dataset, parameters)
    reach(there, run, 1)
    there.pause(run.id)
    until(lambda: there.run(run.id).status is RunStatus.PAUSED)
    until(lambda: not any(busy(workers).values()), "a worker left to others")
    held = there.snapshot(run.id)
    assert held is not None
    assert 0 < held.epoch == there.run(run.id).epoch < parameters.n_epochs
    there.resume(run.id)
    reach(there, run, held.epoch + 1)
    there.stop(run.id)
    (stopped,) = finished(there, run)
    assert stopped.status is RunStatus.STOPPED
    assert stopped.costs == straight.costs[: stopped.epoch]
    there.resume(run.id)
    assert all_of(there.workspace, *finished(there, run)) == expected

    with Workspace(tmp_path) as workspace:
        with Runner(workspace, dask=workers) as closed:
            run = closed.start(workspace.add_dataset(blobs_path), parameters)
            reach(closed, run, 1)
        assert workspace.run(run.id).status is RunStatus.INTERRUPTED
        with Runner(workspace) as again:
            again.resume(run.id)
            assert all_of(workspace, *finished(again, run)) == expected


def test_runs_that_sit_down_at_the_same_time_do_not_disturb_one_another(
    there: Runner, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who looks so often interrupts nobody else's wait, however long an answer takes.
    monkeypatch.setattr("explorer.model.dask_worker.TICK_SECONDS", 0.001)
    short = RunParameters(n_epochs=1, init="random")
    for at in range(5):
        runs = there.start_sweep(dataset, Sweep(seeds=tuple(range(100 + 4 * at, 104 + 4 * at)), base=short))
        done = finished(there, *runs)
        assert {run.error for run in done} == {None}


# Faults


def busy(workers: DaskWorkers) -> dict[str, int]:
    """At how many runs each worker is."""
    told: dict[str, int] = workers.client.run(lambda dask_worker: len(dask_worker.state.actors))
    return told


def computing(workers: DaskWorkers) -> list[str]:
    """Which workers are in a stage before the layout."""
    told = workers.client.run(lambda dask_worker: list(dask_worker.active_threads.values()))
    return [address for address, threads in told.items() if "Desk.compute" in threads]


def kill(workers: DaskWorkers, address: str) -> None:
    os.kill(workers.client.run(os.getpid, workers=[address])[address], signal.SIGKILL)


def test_what_does_not_fit_fails_alone_with_its_reason(there: Runner, dataset: Dataset) -> None:
    sweep = Sweep((5, dataset.n), metric=("nonsense", "euclidean"), seeds=(30,), base=SHORT)
    nonsense, _, good, wide = finished(there, *there.start_sweep(dataset, sweep))
    assert good.status is RunStatus.DONE
    assert nonsense.status is wide.status is RunStatus.FAILED
    assert wide.error == "n_neighbors is 600 but the data has 600 rows: choose a value from 2 to 599."
    assert nonsense.error is not None
    assert "'nonsense'" in nonsense.error
    assert "\n" not in nonsense.error
    assert "Traceback" in (there.workspace.run_folder(nonsense.id) / "log.txt").read_text()


def test_a_worker_killed_in_a_layout_fails_that_run_alone(
    there: Runner, dataset: Dataset, workers: DaskWorkers
) -> None:
    until(lambda: not any(busy(workers).values()), "workers that forgot earlier runs")
    first, second = there.start_sweep(dataset, Sweep(seeds=(40, 41), base=ENDLESS))
    waits = there.start(dataset, SHORT)
    for run in (first, second):
        reach(there, run, 1)
    address, spared = busy(workers)
    kill(workers, address)
    until(lambda: not (there.run(first.id).status.active and there.run(second.id).status.active))
    failed, goes_on = sorted((first, second), key=lambda run: there.run(run.id).status.active)
    (failed,) = finished(there, failed)
    assert failed.status is RunStatus.FAILED
    assert failed.error is not None
    assert failed.error.startswith(f"The Dask worker at {address} died in the layout; its memory may be too")
    assert "\n" not in failed.error
    assert there.workspace.run(failed.id) == failed
    reach(there, goes_on, there.run(goes_on.id).epoch + 1)
    assert finished(there, waits)[0].status is RunStatus.DONE
    assert busy(workers)[spared] >= 1
    there.stop(goes_on.id)
    assert finished(there, goes_on)[0].status is RunStatus.STOPPED


def test_what_a_dead_worker_alone_had_is_put_there_again(workers: DaskWorkers, large_path: Path) -> None:
    until(lambda: len(busy(workers)) == 2, "the worker begun anew")
    held = workers.put(str(large_path))
    assert workers.put(str(large_path)) is held
    ((address,),) = workers.client.who_has([held]).values()
    kill(workers, address)
    until(lambda: held.status != "finished", "the loss")
    again = workers.put(str(large_path))
    assert again.status == "finished"
    assert workers.client.who_has([again])[again.key]


def test_a_worker_killed_in_a_stage_fails_that_run_and_the_next_computes_it(
    there: Runner, large_path: Path, workers: DaskWorkers
) -> None:
    until(lambda: len(busy(workers)) == 2, "the worker begun anew")
    dataset = there.workspace.add_dataset(large_path)
    first, second = there.start_sweep(dataset, Sweep((5, 15), base=SHORT))
    until(lambda: computing(workers), "the knn graph")
    (address,) = computing(workers)
    kill(workers, address)
    failed, done = finished(there, first, second)
    assert failed.status is RunStatus.FAILED
    assert failed.error is not None
    assert failed.error.startswith(f"The Dask worker at {address} died in the knn graph")
    assert done.status is RunStatus.DONE
    assert done.seconds["knn graph"] > 0
    there.resume(first.id)
    (resumed,) = finished(there, first)
    assert resumed.status is RunStatus.DONE
    assert resumed.error is None
    assert resumed.seconds["knn graph"] == 0, "it takes the graph of the other"


def test_stopping_in_a_stage_waits_for_no_worker(there: Runner, large_path: Path) -> None:
    run = there.start(there.workspace.add_dataset(large_path), RunParameters(n_epochs=20, seed=50))
    until(lambda: there.progress(run.id).stage == "knn graph")
    there.stop(run.id)
    (stopped,) = finished(there, run)
    assert stopped.status is RunStatus.STOPPED
    assert stopped.epoch == 0
    assert not there.workspace.cache_folder("knn graph", stages.of_run(run)[0].key).exists()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker as they are started by hand: the address, and the scheduler."""
    file = tmp_path / "scheduler.json"
    dask = [str(Path(sys.executable).with_name("dask"))]
    known = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
    told = tmp_path / "dask.log"
    with told.open("wb") as log, ExitStack() as at_the_end:

        def begin(*arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [*dask, *arguments, *known],
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
            )
            at_the_end.callback(process.wait)
            at_the_end.callback(process.kill)
            return process

        scheduler = begin("scheduler", "--port", "0")
        until(file.exists, "the scheduler")
        begin("worker", "--no-nanny", "--nthreads", "2")
        until(lambda: "Registered to" in told.read_text(), "the worker")
        yield json.loads(file.read_text())["address"], scheduler


def test_a_scheduler_that_is_killed_fails_what_was_at_work_and_says_so(
    processes: tuple[str, subprocess.Popen[bytes]], blobs_path: Path, tmp_path: Path
) -> None:
    address, scheduler = processes
    with DaskWorkers(address, timeout=2) as workers, Workspace(tmp_path / "ws") as workspace:
        with Runner(workspace, dask=workers) as runner:
            assert runner.n_layouts == 1
            run = runner.start(workspace.add_dataset(blobs_path), ENDLESS)
            reach(runner, run, 1)
            scheduler.kill()
            (failed,) = finished(runner, run)
            assert failed.status is RunStatus.FAILED
            assert failed.error == f"The Dask scheduler at {address} is gone: try again when it is back."
        assert workspace.run(run.id) == failed


def test_a_cluster_that_cannot_be_used_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(InputError, match=f"No Dask scheduler answers at {nobody}: give the address"):
            DaskWorkers(nobody, timeout=0.3)
    with pytest.raises(InputError, match="No Dask scheduler answers at nonsense"):
        DaskWorkers("nonsense", timeout=0.3)
    with local_cluster(0) as empty:
        address = empty.scheduler_address
        with pytest.raises(InputError, match=f"{address} has no workers: start some with 'dask worker"):
            DaskWorkers(address, timeout=0.3)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"Dask is not installed here: pip install 'umap-explorer\[dask\]'"):
        DaskWorkers("tcp://127.0.0.1:1")
    with pytest.raises(InputError, match=r"The Dask worker at tcp://a:1 has umap-explorer 9\.9, this is"):
        refuse_other_version("tcp://a:1", {"umap-explorer": "9.9"})


# The command line


def start(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "explorer", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=PATIENCE)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_fit_and_sweep_have_their_runs_computed_there(
    here: Runner, blobs_path: Path, workers: DaskWorkers, tmp_path: Path
) -> None:
    shared = ("--n-epochs", "20", "--dask", workers.address, "--json")
    metrics = ("--metric", "haversine,euclidean")
    fit, sweep = map(
        finish,
        [
            start("fit", blobs_path, *shared, "--workspace", "one", folder=tmp_path),
            start("sweep", blobs_path, *metrics, *shared, "--workspace", "many", folder=tmp_path),
        ],
    )
    (run,) = finished(here, here.start(here.workspace.add_dataset(blobs_path), SHORT))
    assert fit.returncode == 0, fit.stderr
    told = json.loads(fit.stdout.splitlines()[-1])
    assert told["cost"] == run.cost
    assert all(seconds > 0 for seconds in told["seconds"].values())

    assert sweep.returncode == 1
    assert "of work for 2 Dask workers" in sweep.stderr.splitlines()[0]
    assert "haversine" in sweep.stderr.splitlines()[-1]
    assert "Traceback" not in sweep.stderr
    told = json.loads(sweep.stdout.splitlines()[-1])
    assert [run["status"] for run in told["runs"]] == ["failed", "done"]
    with Workspace(tmp_path / "many") as workspace:
        assert all_of(workspace, workspace.run(told["runs"][1]["run"])) == all_of(here.workspace, run)


def test_an_interrupted_sweep_leaves_the_workers_to_others_and_the_app_goes_on_with_its_queue(
    blobs_path: Path, workers: DaskWorkers, tmp_path: Path
) -> None:
    space = Workspace(tmp_path / "ws")
    to_the_workers = ("--workspace", "ws", "--dask", workers.address)

    def interrupted(process: subprocess.Popen[str], when: Callable[[], object]) -> str:
        try:
            until(when, "runs at work")
            process.send_signal(signal.SIGINT)
            done = finish(process)
        finally:
            process.kill()
            process.wait()
        assert done.returncode in (0, 130)
        assert "Traceback" not in done.stderr
        until(lambda: not any(busy(workers).values()), "workers that forgot the runs")
        return done.stderr

    sweep = start(
        "sweep", blobs_path, "--seeds", "0-2", "--n-epochs", "200000", *to_the_workers, folder=tmp_path
    )
    told = interrupted(sweep, lambda: len(list(tmp_path.glob("ws/runs/*/keyframes/000000.npy"))) == 2)
    runs = space.runs()
    assert {run.error for run in runs} == {None}
    assert [run.status for run in runs] == ["queued", "interrupted", "interrupted"]
    assert told.splitlines()[-1] == f"Interrupted: the runs of {runs[0].sweep} can be resumed in the app."

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    app = start(blobs_path, "--no-show", "--port", port, *to_the_workers, folder=tmp_path)
    interrupted(app, lambda: any(busy(workers).values()) and list(space.run_folder(runs[0].id).iterdir()))
    assert [run.status for run in space.runs()] == ["queued", "interrupted", "interrupted"]  # to go on with


def test_a_scheduler_that_does_not_answer_ends_the_command_and_leaves_nothing(
    blobs_path: Path, tmp_path: Path
) -> None:
    unanswered = ("--dask", "tcp://127.0.0.1:1", "--workspace", "ws")
    done = finish(start("sweep", blobs_path, *unanswered, folder=tmp_path))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("No Dask scheduler answers at tcp://127.0.0.1:1: give the address")
    assert list(tmp_path.iterdir()) == []


def test_dask_is_loaded_when_it_is_asked_for() -> None:
    code = "import explorer.cli, explorer.model.dask_worker, sys; assert 'distributed' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
