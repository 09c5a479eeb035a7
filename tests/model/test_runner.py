"""Whatever happens to a run, what comes out has the same bits; whatever happens in one, the others go on.

Real core, real worker processes, real files, real kills.
"""

import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import UMAP, Layout
from explorer.model import stages
from explorer.model.errors import InputError, RunError, WorkspaceError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.steps import StepsHere
from explorer.model.sweep import Sweep
from explorer.model.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
# Long enough to be caught in the middle.
LONG = RunParameters(n_epochs=2_000)
SHORT = RunParameters(n_epochs=30)
# Until it is stopped.
ENDLESS = RunParameters(n_epochs=100_000)


def until(condition, what="the condition"):
    """Wait until something holds, or fail."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"{what} did not come about"
        time.sleep(0.002)


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture(scope="module")
def vectors_path(blobs, tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "blobs.npy"
    np.save(path, blobs[0])
    return path


@pytest.fixture(scope="module")
def large_path(tmp_path_factory):
    """Vectors whose exact neighbours take some seconds."""
    path = tmp_path_factory.mktemp("data") / "large.npy"
    np.save(path, np.random.default_rng(0).normal(size=(4_000, 700)).astype(np.float32))
    return path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    with Workspace(tmp_path_factory.mktemp("workspace")) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def dataset(workspace, vectors_path):
    return workspace.add_dataset(vectors_path)


@pytest.fixture(scope="module")
def runner(workspace):
    with Runner(workspace) as runner:
        yield runner


@pytest.fixture(scope="module")
def straight(runner, dataset):
    """The long run, undisturbed."""
    return runner.wait(runner.start(dataset, LONG).id, PATIENCE)


def assert_same_result(workspace, run, workspace_of_other, other):
    assert run.status is other.status is RunStatus.DONE
    assert run.epoch == other.epoch == run.n_epochs
    assert run.costs == other.costs
    assert run.cost == other.cost
    one, two = workspace.embedding(run.id), workspace_of_other.embedding(other.id)
    assert one.tobytes() == two.tobytes()
    history, other_history = workspace.keyframes(run.id), workspace_of_other.keyframes(other.id)
    assert history.epochs == other_history.epochs
    for epoch in history.epochs:
        assert history.load(epoch).decode().tobytes() == other_history.load(epoch).decode().tobytes()


def reach(runner, run, epoch):
    until(lambda: runner.progress(run.id).epoch >= epoch, f"epoch {epoch}")


# The same bits


def test_the_same_parameters_give_the_same_bits_again(runner, workspace, dataset, straight):
    again = runner.wait(runner.start(dataset, LONG).id, PATIENCE)
    assert again.id != straight.id
    assert_same_result(workspace, straight, workspace, again)


def test_another_workspace_and_one_thread_give_the_same_bits(workspace, straight, vectors_path, tmp_path):
    with Workspace(tmp_path) as other, Runner(other, n_threads=1) as runner:
        run = runner.wait(runner.start(other.add_dataset(vectors_path), LONG).id, PATIENCE)
        assert_same_result(workspace, straight, other, run)


def test_the_estimator_gives_the_same_bits(workspace, straight, blobs):
    model = UMAP(n_neighbors=15, min_dist=0.1, n_epochs=LONG.n_epochs, random_state=42)
    assert model.fit_transform(blobs[0]).tobytes() == workspace.embedding(straight.id).tobytes()


def test_pausing_and_resuming_changes_nothing(runner, workspace, dataset, straight):
    run = runner.start(dataset, LONG)
    for epoch in (1, 200, 900):
        reach(runner, run, epoch)
        runner.pause(run.id)
        until(lambda: runner.run(run.id).status is RunStatus.PAUSED)
        held = runner.snapshot(run.id)
        assert held.epoch == runner.run(run.id).epoch < LONG.n_epochs
        assert not held.final
        time.sleep(0.05)
        assert runner.progress(run.id).epoch == held.epoch
        assert runner.snapshot(run.id) is held
        runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


def test_a_wish_is_told_until_it_is_granted(runner, dataset):
    go = threading.Event()

    def hold(event):
        if event.kind == "snapshot" and runner.run(event.run_id).epoch:
            assert go.wait(PATIENCE)

    unsubscribe = runner.subscribe(hold)
    run = runner.start(dataset, LONG)
    until(lambda: runner.run(run.id).epoch > 0)
    runner.pause(run.id)
    assert (runner.progress(run.id).status, runner.progress(run.id).wish) == (RunStatus.RUNNING, "pause")
    runner.stop(run.id)
    assert (runner.progress(run.id).status, runner.progress(run.id).wish) == (RunStatus.RUNNING, "stop")
    go.set()
    runner.wait(run.id, PATIENCE)
    unsubscribe()
    assert runner.progress(run.id).wish == ""


def test_pausing_before_the_layout_holds_at_once_and_changes_nothing(runner, workspace, dataset):
    parameters = RunParameters(n_epochs=100, seed=5)
    run = runner.start(dataset, parameters)
    runner.pause(run.id)
    assert runner.run(run.id).status is RunStatus.PAUSED
    time.sleep(0.3)
    assert runner.run(run.id).status is RunStatus.PAUSED
    assert runner.run(run.id).epoch == 0
    runner.resume(run.id)
    paused = runner.wait(run.id, PATIENCE)
    plain = runner.wait(runner.start(dataset, parameters).id, PATIENCE)
    assert_same_result(workspace, plain, workspace, paused)


def test_pausing_and_resuming_in_quick_succession_loses_nothing(runner, workspace, dataset, straight):
    run = runner.start(dataset, LONG)
    while not runner.run(run.id).epoch:
        runner.pause(run.id)
        runner.resume(run.id)
    for _ in range(30):
        if runner.run(run.id).status.active:
            runner.pause(run.id)
            runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


# Stops and kills


def test_stop_keeps_the_epoch_reached_and_its_map_and_can_be_resumed(runner, workspace, dataset, straight):
    run = runner.start(dataset, LONG)
    reach(runner, run, 100)
    runner.stop(run.id)
    stopped = runner.wait(run.id, PATIENCE)
    assert stopped.status is RunStatus.STOPPED
    assert 100 <= stopped.epoch < LONG.n_epochs
    assert workspace.run(run.id) == stopped
    assert stopped.costs == straight.costs[: stopped.epoch]
    assert runner.snapshot(run.id).final

    _, fuzzy, initial, _ = stages.plan(dataset.hash, LONG)
    layout = Layout(
        stages.read_fuzzy_set(workspace.cached(fuzzy.name, fuzzy.key)),
        workspace.cached(initial.name, initial.key)["positions"],
        stages.layout_parameters(LONG, dataset.n),
        seed=LONG.seed,
    )
    assert workspace.embedding(run.id).tobytes() == layout.run(stopped.epoch).tobytes()

    runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


def test_a_graph_that_is_no_wider_gives_the_same_bits(runner, workspace, dataset, straight):
    run = runner.wait(runner.start(dataset, replace(LONG, graph_neighbors=15)).id, PATIENCE)
    assert {stage for stage, seconds in run.seconds.items() if seconds > 0} == {"layout"}
    assert_same_result(workspace, straight, workspace, run)


def test_a_stopped_run_of_a_wider_graph_can_be_resumed_to_the_same_bits(runner, workspace, dataset, straight):
    # Of so few rows the graph is exact, and a pruned one the narrow one.
    run = runner.start(dataset, replace(LONG, graph_neighbors=40))
    reach(runner, run, 100)
    runner.stop(run.id)
    assert runner.wait(run.id, PATIENCE).status is RunStatus.STOPPED
    runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


def test_stopping_a_paused_or_queued_run_ends_it(runner, workspace, dataset):
    first, second = runner.start(dataset, LONG), runner.start(dataset, LONG)
    reach(runner, first, 10)
    runner.stop(second.id)
    assert runner.wait(second.id, PATIENCE).status is RunStatus.STOPPED
    runner.pause(first.id)
    until(lambda: runner.run(first.id).status is RunStatus.PAUSED)
    runner.stop(first.id)
    stopped = runner.wait(first.id, PATIENCE)
    assert stopped.status is RunStatus.STOPPED
    assert stopped.epoch >= 10
    assert len(workspace.embedding(first.id)) == dataset.n


def test_stopping_in_the_knn_graph_kills_the_worker_and_the_next_run_works(
    tmp_path, large_path, vectors_path
):
    with Workspace(tmp_path) as workspace, Runner(workspace) as runner:
        run = runner.start(workspace.add_dataset(large_path), SHORT)
        until(lambda: runner.progress(run.id).stage == "knn graph" and runner._crew.worker.pid)
        pid = runner._crew.worker.pid
        runner.stop(run.id)
        stopped = runner.wait(run.id, PATIENCE)
        assert stopped.status is RunStatus.STOPPED
        assert stopped.epoch == 0
        until(lambda: not alive(pid), "the end of the worker")
        assert workspace.embedding(run.id) is None
        assert not (workspace.path / "cache" / "knn-graph").exists()
        after = runner.wait(runner.start(workspace.add_dataset(vectors_path), SHORT).id, PATIENCE)
        assert after.status is RunStatus.DONE


def test_a_killed_worker_fails_its_run_alone_and_resuming_it_changes_nothing(
    tmp_path, large_path, vectors_path
):
    with Workspace(tmp_path) as workspace, Runner(workspace) as runner:
        large = workspace.add_dataset(large_path)
        run = runner.start(large, SHORT)
        other = runner.start(workspace.add_dataset(vectors_path), SHORT)
        until(lambda: runner.progress(run.id).stage == "knn graph" and runner._crew.worker.pid)
        os.kill(runner._crew.worker.pid, signal.SIGKILL)
        failed = runner.wait(run.id, PATIENCE)
        assert failed.status is RunStatus.FAILED
        assert "The process computing the knn graph ended unexpectedly" in failed.error
        assert "\n" not in failed.error
        assert "exit code -9" in (workspace.run_folder(run.id) / "log.txt").read_text()
        assert workspace.run(run.id) == failed
        assert runner.wait(other.id, PATIENCE).status is RunStatus.DONE
        runner.resume(run.id)
        resumed = runner.wait(run.id, PATIENCE)
        assert resumed.error is None
    graph = UMAP(n_epochs=SHORT.n_epochs, random_state=42).fit_transform(large.vectors)
    assert graph.tobytes() == workspace.embedding(run.id).tobytes()


def test_a_worker_killed_in_a_sweep_fails_the_run_it_was_at_alone(tmp_path, large_path):
    with Workspace(tmp_path) as workspace, Runner(workspace) as runner:
        sweep = Sweep(n_neighbors=(5, 15), base=SHORT)
        first, second = runner.start_sweep(workspace.add_dataset(large_path), sweep)
        until(lambda: runner.progress(first.id).stage == "knn graph" and runner._crew.worker.pid)
        os.kill(runner._crew.worker.pid, signal.SIGKILL)
        failed, done = (runner.wait(run.id, PATIENCE) for run in (first, second))
        assert failed.status is RunStatus.FAILED
        assert "The process computing the knn graph ended unexpectedly" in failed.error
        assert done.status is RunStatus.DONE
        assert done.seconds["knn graph"] > 0
        runner.resume(first.id)
        resumed = runner.wait(first.id, PATIENCE)
        assert resumed.status is RunStatus.DONE
        assert resumed.seconds["knn graph"] == 0, "it takes the graph of the other"
        assert resumed.sweep == done.sweep == first.sweep


def test_a_stage_that_finds_no_memory_fails_its_run_alone(tmp_path, vectors_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.random.default_rng(0).normal(size=(20_000, 100)).astype(np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        small, large = workspace.add_dataset(vectors_path), workspace.add_dataset(path)
        assert runner.wait(runner.start(small, SHORT).id, PATIENCE).status is RunStatus.DONE
        pid = runner._crew.worker.pid
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
        # Room to map the vectors, not to copy them.
        room = pages * resource.getpagesize() + 3 * path.stat().st_size // 2
        resource.prlimit(pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
        failed = runner.wait(runner.start(large, SHORT).id, PATIENCE)
        resource.prlimit(pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert failed.status is RunStatus.FAILED
        assert failed.error == (
            "The knn graph needs more memory than there is: close other programs or use fewer rows."
        )
        assert "MemoryError" in (workspace.run_folder(failed.id) / "log.txt").read_text()
        assert runner.wait(runner.start(small, replace(SHORT, seed=1)).id, PATIENCE).status is RunStatus.DONE
        assert runner._crew.worker.pid == pid
        runner.resume(failed.id)
        assert runner.wait(failed.id, PATIENCE).status is RunStatus.DONE


def test_a_worker_leaves_it_to_its_parent_when_it_ends(runner, dataset):
    """Who ends a service may tell all its processes."""
    runner.wait(runner.start(dataset, SHORT).id, PATIENCE)
    pid = runner._crew.worker.pid
    run = runner.start(dataset, replace(SHORT, seed=7))
    os.kill(pid, signal.SIGTERM)
    assert runner.wait(run.id, PATIENCE).status is RunStatus.DONE
    assert runner.run(run.id).seconds["knn graph"] > 0
    assert runner._crew.worker.pid == pid


def test_a_layout_that_finds_no_memory_fails_its_run_alone(runner, workspace, dataset, monkeypatch):
    step, starved = StepsHere.step, []

    def step_once_starved(self, to_epoch):
        if self.epoch == 5 and not starved:
            starved.append(self)
            np.empty(2**50)
        return step(self, to_epoch)

    monkeypatch.setattr(StepsHere, "step", step_once_starved)
    first, second = runner.start_sweep(dataset, Sweep(seeds=(60, 61), base=SHORT))
    failed, done = (runner.wait(run.id, PATIENCE) for run in (first, second))
    assert failed.status is RunStatus.FAILED
    assert failed.error == (
        "The layout needs more memory than there is: close other programs or use fewer rows."
    )
    assert failed.epoch == 0, "it had left no checkpoint"
    assert done.status is RunStatus.DONE
    assert workspace.run(failed.id) == failed
    runner.resume(first.id)
    assert runner.wait(first.id, PATIENCE).status is RunStatus.DONE


def interrupted_process(workspace_path, data_path, then):
    """Run the long run in another process up to a checkpoint in the middle; return what it printed."""
    code = f"""
        import sys, time
        from explorer.model import job
        from explorer.model.run import RunParameters
        from explorer.model.runner import Runner
        from explorer.model.workspace import Workspace

        if __name__ == "__main__":
            job.CHECKPOINT_SECONDS = 0.05
            workspace = Workspace(sys.argv[1])
            runner = Runner(workspace)
            run = runner.start(workspace.add_dataset(sys.argv[2]), RunParameters(n_epochs=2_000))
            while workspace.checkpoint(run.id) is None or runner.progress(run.id).epoch < 300:
                time.sleep(0.001)
            print(run.id, runner._crew.worker.pid, flush=True)
            {then}
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(workspace_path), str(data_path)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_killed_server_leaves_a_run_that_resumes_to_the_same_bits(
    workspace, straight, vectors_path, tmp_path
):
    # The record is written epochs after the map.
    then = """
            job.CHECKPOINT_SECONDS = 600
            while runner.progress(run.id).epoch < int(workspace.checkpoint(run.id)["epoch"]) + 50:
                time.sleep(0.001)
            runner.rename(run.id, "named")
            while workspace.run(run.id).name != "named":
                time.sleep(0.001)
            print("named", flush=True)
            time.sleep(600)
    """
    with interrupted_process(tmp_path, vectors_path, then.strip()) as process:
        run_id, worker = process.stdout.readline().split()
        assert process.stdout.readline() == "named\n"
        process.kill()
    until(lambda: not alive(int(worker)), "the end of the orphaned worker")
    with Workspace(tmp_path) as other:
        assert other.run(run_id).status is RunStatus.RUNNING
        with Runner(other) as runner:
            left = other.run(run_id)
            assert left.status is RunStatus.INTERRUPTED
            kept = other.checkpoint(run_id)
            assert int(kept["epoch"]) == left.epoch == len(left.costs) == runner.snapshot(run_id).epoch
            np.testing.assert_array_equal(runner.snapshot(run_id).embedding, kept["positions"])
            runner.resume(run_id)
            assert_same_result(workspace, straight, other, runner.wait(run_id, PATIENCE))
        assert other.checkpoint(run_id) is None


def test_closing_interrupts_runs_with_a_checkpoint(workspace, straight, vectors_path, tmp_path):
    with interrupted_process(tmp_path, vectors_path, "runner.close()") as process:
        run_id, worker = process.stdout.readline().split()
    assert process.returncode == 0
    assert not alive(int(worker))
    with Workspace(tmp_path) as other:
        left = other.run(run_id)
        assert left.status is RunStatus.INTERRUPTED
        assert int(other.checkpoint(run_id)["epoch"]) == left.epoch == len(left.costs)
        other.save_run(left.with_(provenance={"numpy": "1.0"}))
        with Runner(other) as runner:
            runner.resume(run_id)
            assert_same_result(workspace, straight, other, runner.wait(run_id, PATIENCE))
        assert other.run(run_id).provenance == straight.provenance, "what it went on with"


def test_a_checkpoint_of_another_version_is_not_continued(runner, workspace, dataset, straight):
    run = runner.start(dataset, LONG)
    reach(runner, run, 50)
    runner.stop(run.id)
    runner.wait(run.id, PATIENCE)
    saved = workspace.checkpoint(run.id)
    workspace.save_checkpoint(run.id, saved | {"key": np.array("other"), "positions": saved["positions"] + 1})
    runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


# The stage cache


def test_a_run_that_differs_in_min_dist_alone_computes_a_layout_alone(runner, dataset, straight):
    first = runner.wait(runner.start(dataset, RunParameters(seed=77, n_epochs=30)).id, PATIENCE)
    second = runner.wait(
        runner.start(dataset, RunParameters(seed=77, n_epochs=30, min_dist=0.5)).id, PATIENCE
    )
    assert set(first.seconds) == set(second.seconds) == {"knn graph", "fuzzy set", "initial layout", "layout"}
    assert all(seconds > 0 for seconds in first.seconds.values())
    assert {stage for stage, seconds in second.seconds.items() if seconds > 0} == {"layout"}


def test_a_run_that_differs_in_init_shares_the_graph(runner, workspace, dataset, straight):
    before = {path.name for path in (workspace.path / "cache").glob("*/*")}
    run = runner.wait(runner.start(dataset, RunParameters(init="pca", n_epochs=30)).id, PATIENCE)
    assert run.seconds["knn graph"] == run.seconds["fuzzy set"] == 0
    assert run.seconds["initial layout"] > 0
    assert len({path.name for path in (workspace.path / "cache").glob("*/*")} - before) == 1


def test_a_damaged_cache_entry_is_computed_anew(tmp_path, vectors_path, workspace, straight):
    with Workspace(tmp_path) as other, Runner(other) as runner:
        dataset = other.add_dataset(vectors_path)
        runner.wait(runner.start(dataset, SHORT).id, PATIENCE)
        for path in (tmp_path / "cache").rglob("*.npy"):
            path.write_bytes(b"\x93NUMPY")
        run = runner.wait(runner.start(dataset, LONG).id, PATIENCE)
        assert run.seconds["knn graph"] > 0
        assert_same_result(workspace, straight, other, run)


# Watching


def test_what_is_told_of_a_run_from_its_start_to_its_end(runner, workspace, dataset):
    events, snapshots, fractions = [], [], []

    def listen(event):
        events.append(event)
        fractions.append(runner.progress(event.run_id).fraction)
        if event.kind == "snapshot":
            snapshots.append(runner.snapshot(event.run_id))

    unsubscribe = runner.subscribe(listen)
    run = runner.wait(runner.start(dataset, RunParameters(n_epochs=1_500, seed=3)).id, PATIENCE)
    unsubscribe()
    assert {event.run_id for event in events} == {run.id}
    assert {event.kind for event in events} == {"progress", "snapshot", "status"}
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1

    epochs = [snapshot.epoch for snapshot in snapshots]
    assert epochs == sorted(epochs)
    assert (epochs[0], epochs[-1]) == (0, 1_500)
    assert len(epochs) > 3
    assert [snapshot.final for snapshot in snapshots] == [False] * (len(snapshots) - 1) + [True]
    *_, initial, _ = stages.plan(dataset.hash, run.parameters)
    assert (snapshots[0].embedding == workspace.cached(initial.name, initial.key)["positions"]).all()
    assert snapshots[-1].embedding.tobytes() == workspace.embedding(run.id).tobytes()
    for snapshot in snapshots:
        with pytest.raises(ValueError, match="read-only"):
            snapshot.embedding[0] = 0

    count = len(events)
    runner.wait(runner.start(dataset, SHORT).id, PATIENCE)
    assert len(events) == count


def test_progress_and_map_of_a_run_of_an_earlier_session(workspace, straight, runner, vectors_path, tmp_path):
    with Workspace(tmp_path) as other:
        with Runner(other) as earlier:
            run = earlier.wait(earlier.start(other.add_dataset(vectors_path), SHORT).id, PATIENCE)
        with Runner(other) as later:
            progress, snapshot = later.progress(run.id), later.snapshot(run.id)
            assert (progress.status, progress.stage, progress.fraction) == (RunStatus.DONE, "done", 1)
            assert snapshot.final
            assert snapshot.epoch == SHORT.n_epochs
            assert snapshot.embedding.tobytes() == other.embedding(run.id).tobytes()
            assert later.wait(run.id) == run


def test_a_subscriber_may_wait_for_what_the_caller_holds(runner, dataset):
    """A page holds its document's lock while it steers; its subscriber takes the same lock."""
    document = threading.Lock()
    told = threading.Event()

    def listen(event):
        with document:
            told.set()

    unsubscribe = runner.subscribe(listen)
    with document:
        run = runner.start(dataset, LONG)
        for steer in (runner.pause, runner.resume, runner.pause, runner.stop):
            steer(run.id)
    runner.wait(run.id, PATIENCE)
    unsubscribe()
    assert told.is_set()


def test_a_failing_subscriber_disturbs_nothing(runner, dataset, caplog):
    def fail(event):
        raise RuntimeError("out of order")

    unsubscribe = runner.subscribe(fail)
    with caplog.at_level(logging.CRITICAL):
        assert runner.wait(runner.start(dataset, SHORT).id, PATIENCE).status is RunStatus.DONE
    unsubscribe()


def test_the_record_tells_what_made_the_run(straight, workspace, dataset):
    assert straight.provenance["numpy"] == np.__version__
    assert straight.provenance["processor"]
    assert straight.data_hash == dataset.hash
    assert len(straight.costs) == straight.n_epochs
    assert all(np.isfinite(straight.costs))
    assert workspace.run(straight.id) == straight


def test_more_than_two_components(runner, workspace, dataset):
    run = runner.wait(runner.start(dataset, RunParameters(n_components=5, n_epochs=30)).id, PATIENCE)
    assert workspace.embedding(run.id).shape == (dataset.n, 5)
    assert workspace.keyframes(run.id).decode(-1).shape == (dataset.n, 3)


# The queue


def test_runs_are_worked_through_in_order_and_a_paused_one_lets_others_pass(runner, dataset):
    first, second, third = (runner.start(dataset, RunParameters(n_epochs=600, seed=90 + i)) for i in range(3))
    reach(runner, first, 5)
    runner.pause(first.id)
    done = []
    for run in (second, third):
        assert runner.wait(run.id, PATIENCE).status is RunStatus.DONE
        done.append(run.id)
        if run is second:
            assert runner.run(third.id).status is not RunStatus.DONE
    assert runner.run(first.id).status is RunStatus.PAUSED
    runner.resume(first.id)
    assert runner.wait(first.id, PATIENCE).status is RunStatus.DONE


def test_two_layouts_at_a_time_give_the_same_bits(runner, workspace, dataset, vectors_path, tmp_path):
    parameters = RunParameters(n_epochs=300)
    alone = runner.wait(runner.start(dataset, parameters).id, PATIENCE)
    with Workspace(tmp_path) as other, Runner(other, n_layouts=2) as two:
        again = other.add_dataset(vectors_path)
        runs = [two.start(again, parameters) for _ in range(2)]
        until(lambda: all(two.progress(run.id).epoch > 0 for run in runs), "two layouts under way")
        for run in runs:
            assert_same_result(workspace, alone, other, two.wait(run.id, PATIENCE))


def names_of(runner, runs):
    """In which order those of the runs wait that do."""
    known = {run.id: name for name, run in runs.items()}
    return "".join(known[run_id] for run_id in runner.waiting)


def waiting(runner, runs, names):
    """Wait until runs wait for the layout: one whose stages are being computed does not wait meanwhile."""
    begun = [runs[name].id for name in names]
    until(lambda: all(stages.INITIAL_LAYOUT in runner.run(run_id).seconds for run_id in begun), "the stages")
    until(lambda: names_of(runner, runs) == names, names)


def test_a_run_that_waits_can_move_up_and_leave_the_queue(runner, workspace, dataset):
    runs = {name: runner.start(dataset, ENDLESS) for name in "abcd"}
    reach(runner, runs["a"], 1)
    waiting(runner, runs, "bcd")
    runner.move_up(runs["d"].id)
    assert names_of(runner, runs) == "bdc"
    runner.move_up(runs["d"].id)
    runner.move_up(runs["d"].id)
    assert names_of(runner, runs) == "dbc"
    runner.stop(runs["b"].id)
    assert names_of(runner, runs) == "dc"
    with pytest.raises(RunError, match="does not wait"):
        runner.move_up(runs["a"].id)
    runner.stop(runs["a"].id)
    reach(runner, runs["d"], 1)
    until(lambda: names_of(runner, runs) == "c")
    assert runner.run(runs["c"].id).status is RunStatus.QUEUED
    for name in "dc":
        runner.stop(runs[name].id)
    for run in runs.values():
        assert runner.wait(run.id, PATIENCE).status is RunStatus.STOPPED


def test_more_layouts_at_once_begin_what_waits_and_fewer_let_it_wait(runner, dataset):
    first, second, third = (runner.start(dataset, ENDLESS) for _ in range(3))
    reach(runner, first, 1)
    runner.n_layouts = 2
    reach(runner, second, 1)
    runner.n_layouts = 1
    runner.stop(first.id)
    runner.wait(first.id, PATIENCE)
    until(lambda: runner.waiting == (third.id,))
    reach(runner, second, runner.progress(second.id).epoch + 5)
    assert runner.progress(third.id).epoch == 0
    runner.stop(second.id)
    reach(runner, third, 1)
    runner.stop(third.id)
    runner.wait(third.id, PATIENCE)
    for none in (0, 17):
        with pytest.raises(InputError, match=f"{none} layouts at once cannot be: choose 1 to 16"):
            runner.n_layouts = none


def test_a_server_that_starts_again_continues_the_queue_in_its_order(tmp_path, vectors_path):
    with Workspace(tmp_path) as workspace:
        with Runner(workspace) as runner:
            dataset = workspace.add_dataset(vectors_path)
            at_work = runner.start(dataset, ENDLESS)
            reach(runner, at_work, 1)
            runs = {name: runner.start(dataset, SHORT) for name in "abc"}
            waiting(runner, runs, "abc")
            runner.move_up(runs["c"].id)
        lost = workspace.run(runs["b"].id).with_(id="k15-lost", dataset_id="gone")
        workspace.save_run(lost)
        with Runner(workspace) as waits:
            assert waits.waiting == ()
            assert waits.run(runs["a"].id).status is RunStatus.QUEUED
        began = []
        with Runner(workspace) as later:
            later.subscribe(lambda event: began.append(event.run_id) if event.kind == "snapshot" else None)
            later.continue_queue()
            later.continue_queue()
            assert later.run(at_work.id).status is RunStatus.INTERRUPTED
            for run in runs.values():
                assert later.wait(run.id, PATIENCE).status is RunStatus.DONE
            assert list(dict.fromkeys(began)) == [runs[name].id for name in "acb"]
            assert later.run(lost.id).status is RunStatus.FAILED
            assert "has no data set 'gone'" in later.run(lost.id).error


def test_what_is_put_off_goes_on_first_and_to_the_same_bits(workspace, straight, vectors_path, tmp_path):
    with Workspace(tmp_path) as other:
        dataset, began = other.add_dataset(vectors_path), []
        runner = Runner(other, n_layouts=2)
        paused, at_work = (runner.start(dataset, parameters) for parameters in (ENDLESS, LONG))
        reach(runner, paused, 1)
        reach(runner, at_work, 10)
        runner.n_layouts = 1  # what is at work already goes on
        waits = runner.start(dataset, SHORT)
        runner.pause(paused.id)
        until(lambda: runner.run(paused.id).status is RunStatus.PAUSED, "the pause")
        runner.close(put_off=True)
        left = [other.run(run.id) for run in (paused, at_work, waits)]
        assert [run.status for run in left] == [RunStatus.INTERRUPTED, RunStatus.QUEUED, RunStatus.QUEUED]
        assert int(other.checkpoint(at_work.id)["epoch"]) == left[1].epoch >= 10
        with Runner(other) as later:
            later.subscribe(lambda event: began.append(event.run_id) if event.kind == "snapshot" else None)
            later.continue_queue()
            assert later.wait(waits.id, PATIENCE).status is RunStatus.DONE
            assert_same_result(workspace, straight, other, later.wait(at_work.id, PATIENCE))
            assert later.run(paused.id).status is RunStatus.INTERRUPTED
        assert list(dict.fromkeys(began)) == [at_work.id, waits.id]


# What the analyst makes of a run


def test_a_name_and_a_star_are_kept_whatever_the_run_does(runner, workspace, dataset, straight):
    told = []
    unsubscribe = runner.subscribe(lambda event: told.append(event) if event.kind == "status" else None)
    run = runner.start(dataset, LONG)
    runner.rename(run.id, "  before   it began ")
    reach(runner, run, 10)
    runner.star(run.id)
    assert (runner.run(run.id).name, runner.run(run.id).starred) == ("before it began", True)
    while runner.run(run.id).status.active:
        # Into the very moment of its end.
        runner.rename(run.id, f"at epoch {runner.run(run.id).epoch}")
        time.sleep(0.003)
    name = runner.wait(run.id, PATIENCE).name
    assert workspace.run(run.id) == runner.run(run.id)
    assert workspace.run(run.id).status is RunStatus.DONE
    assert name.startswith("at epoch")
    assert_same_result(workspace, straight, workspace, runner.run(run.id))
    told.clear()
    runner.rename(run.id, "")
    runner.star(run.id, False)
    assert [event.run_id for event in told] == [run.id] * 2
    unsubscribe()
    kept = workspace.run(run.id)
    assert (kept.name, kept.starred, kept.title) == ("", False, LONG.label)
    for name, words in (("x" * 81, "81 characters"), ("a\0b", "cannot be seen")):
        with pytest.raises(InputError, match=words):
            runner.rename(run.id, name)


def test_a_run_at_work_is_stopped_deleted_and_comes_back(runner, workspace, dataset, straight):
    run = runner.start(dataset, LONG)
    reach(runner, run, 10)
    runner.delete(run.id)
    gone = runner.run(run.id)
    assert gone.status is RunStatus.STOPPED
    assert run.id not in {known.id for known in (*runner.runs(), *workspace.runs())}
    for act in (runner.resume, runner.star, runner.delete):
        with pytest.raises(InputError, match="has no run"):
            act(run.id)
    assert not workspace.run_folder(run.id).exists()
    runner.restore(run.id)
    assert workspace.run(run.id) == gone
    runner.resume(run.id)
    assert_same_result(workspace, straight, workspace, runner.wait(run.id, PATIENCE))


def test_the_next_runner_removes_what_was_deleted(tmp_path, vectors_path):
    with Workspace(tmp_path) as workspace:
        with Runner(workspace) as runner:
            run = runner.start(workspace.add_dataset(vectors_path), SHORT)
            runner.delete(run.id)
            runner.restore(run.id)
            assert runner.wait(run.id).status is RunStatus.STOPPED
            runner.delete(run.id)
        with Runner(workspace) as later, pytest.raises(InputError, match="cannot be brought back"):
            later.restore(run.id)
        assert not list((tmp_path / "runs").iterdir())


# What cannot be done


def test_parameters_that_cannot_work_leave_no_run(runner, workspace, dataset):
    before = workspace.runs()
    with pytest.raises(InputError, match="n_neighbors is 600 but the data has 600 rows"):
        runner.start(dataset, RunParameters(n_neighbors=600))
    assert workspace.runs() == before


def test_what_a_stage_refuses_is_one_sentence_of_its_run(runner, workspace, dataset):
    run = runner.wait(runner.start(dataset, RunParameters(metric="nonsense", n_epochs=10)).id, PATIENCE)
    assert run.status is RunStatus.FAILED
    assert "nonsense" in run.error
    assert "\n" not in run.error
    assert "Traceback" in (workspace.run_folder(run.id) / "log.txt").read_text()


def test_listed_runs_are_as_they_stand(runner, workspace, dataset):
    run = runner.start(dataset, LONG)
    reach(runner, run, 20)
    listed = {known.id: known for known in runner.runs(dataset.id)}
    assert set(listed) == {known.id for known in workspace.runs(dataset.id)}
    assert listed[run.id].epoch >= 20
    assert runner.runs("no-such-dataset") == []
    runner.stop(run.id)
    runner.wait(run.id, PATIENCE)


def test_steering_what_is_at_rest_is_refused(runner, straight):
    for steer in (runner.pause, runner.stop):
        with pytest.raises(RunError, match="is not under way"):
            steer(straight.id)
    with pytest.raises(RunError, match="is done: there is nothing to resume"):
        runner.resume(straight.id)
    with pytest.raises(InputError, match="has no run"):
        runner.resume("no-such-run")


def test_a_second_runner_is_refused(runner, workspace):
    with pytest.raises(WorkspaceError, match="is in use by another UMAP Explorer"):
        Runner(Workspace(workspace.path))


def test_a_closed_runner_takes_nothing_on(tmp_path, vectors_path):
    with Workspace(tmp_path) as workspace:
        dataset = workspace.add_dataset(vectors_path)
        runner = Runner(workspace)
        runner.close()
        runner.close()
        with pytest.raises(RunError, match="The runner is closed"):
            runner.start(dataset, SHORT)
        assert workspace.runs() == []


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("needs the right to mount a small disk")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path):
    """Write to a file until the disk is full."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_full_disk_fails_the_run_and_leaves_all_else_readable(small_disk, vectors_path):
    with Workspace(small_disk / "w") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(vectors_path)
        before = runner.wait(runner.start(dataset, SHORT).id, PATIENCE)
        run = runner.start(dataset, RunParameters(n_epochs=100_000, min_dist=0.3))
        reach(runner, run, 1)
        filler = small_disk / "filler"
        fill(filler)
        failed = runner.wait(run.id, PATIENCE)
        assert failed.status is RunStatus.FAILED
        assert "No space left on device" in failed.error
        assert "\n" not in failed.error
        assert runner.progress(run.id).status is RunStatus.FAILED
        assert workspace.problems() == []
        assert workspace.run(before.id) == before
        assert len(workspace.embedding(before.id)) == dataset.n
        assert {known.id for known in workspace.runs()} == {before.id, run.id}
        assert not list((small_disk / "w").rglob("*.part"))
        filler.unlink()
        assert runner.wait(runner.start(dataset, SHORT).id, PATIENCE).status is RunStatus.DONE


def test_a_layout_that_fails_goes_back_to_its_last_checkpoint(runner, workspace, dataset, monkeypatch):
    monkeypatch.setattr("explorer.model.job.CHECKPOINT_SECONDS", 0.0)
    cost = Layout.cost
    monkeypatch.setattr(Layout, "cost", lambda layout: np.inf if layout.epoch == 40 else cost(layout))
    failed = runner.wait(runner.start(dataset, RunParameters(n_epochs=60, seed=8)).id, PATIENCE)
    assert failed.status is RunStatus.FAILED
    assert "diverged at epoch 40" in failed.error
    kept = workspace.checkpoint(failed.id)
    shown = runner.snapshot(failed.id)
    assert int(kept["epoch"]) == failed.epoch == len(failed.costs) == shown.epoch == 39
    np.testing.assert_array_equal(shown.embedding, kept["positions"])
    assert workspace.run(failed.id).epoch == 39


def test_a_run_that_the_disk_refuses_leaves_a_record_of_the_map_that_is_there(
    runner, workspace, dataset, monkeypatch
):
    monkeypatch.setattr("explorer.model.job.CHECKPOINT_SECONDS", 0.0)
    save = workspace.save_checkpoint

    def refused(run_id, arrays):
        if arrays["epoch"] >= 40:
            raise WorkspaceError("No space is left.")
        save(run_id, arrays)

    with monkeypatch.context() as patched:
        patched.setattr(workspace, "save_checkpoint", refused)
        failed = runner.wait(runner.start(dataset, RunParameters(n_epochs=2_000, seed=8)).id, PATIENCE)
    assert (failed.status, failed.error) == (RunStatus.FAILED, "No space is left.")
    kept = workspace.run(failed.id)
    assert (kept.status, kept.error) == (failed.status, failed.error)
    assert kept.epoch == len(kept.costs) == int(workspace.checkpoint(kept.id)["epoch"]) == 39
    np.testing.assert_array_equal(workspace.embedding(kept.id), workspace.checkpoint(kept.id)["positions"])
    # In memory the newest map is there to be looked at; a name goes to the record of the one on disk.
    assert runner.snapshot(failed.id).epoch == failed.epoch >= 40
    runner.rename(failed.id, "full disk")
    assert workspace.run(failed.id) == kept.with_(name="full disk")
    assert runner.run(failed.id) == failed.with_(name="full disk")


def test_one_run_whose_map_is_damaged_keeps_no_server_from_starting(tmp_path, vectors_path):
    with Workspace(tmp_path) as workspace:
        dataset = workspace.add_dataset(vectors_path)
        damaged, whole = (Run.new(dataset.id, dataset.hash, dataset.n, SHORT) for _ in range(2))
        for run in (damaged, whole):
            workspace.save_run(run.with_(status=RunStatus.RUNNING, epoch=7))
        (workspace.run_folder(damaged.id) / "embedding.npy").write_bytes(b"\x93NUMPY")
        with Runner(workspace) as runner:
            assert {run.status for run in runner.runs()} == {RunStatus.INTERRUPTED}
            assert runner.run(whole.id).epoch == 0
            with pytest.raises(WorkspaceError, match="is damaged"):
                runner.snapshot(damaged.id)


def test_a_run_taken_out_of_the_queue_is_as_far_as_it_was(runner, dataset):
    run = runner.start(dataset, LONG)
    reach(runner, run, 50)
    runner.stop(run.id)
    stopped = runner.wait(run.id, PATIENCE)
    runner.resume(run.id)
    runner.stop(run.id)
    assert runner.wait(run.id, PATIENCE).status is RunStatus.STOPPED
    progress = runner.progress(run.id)
    assert (progress.stage, progress.epoch, progress.n_epochs) == ("layout", stopped.epoch, LONG.n_epochs)


def test_a_run_without_its_data_is_not_queued(runner, workspace, dataset, monkeypatch):
    run = runner.start(dataset, LONG)
    reach(runner, run, 10)
    runner.stop(run.id)
    runner.wait(run.id, PATIENCE)

    def gone(_):
        raise WorkspaceError("The data is gone.")

    with monkeypatch.context() as patched:
        patched.setattr(workspace, "dataset", gone)
        with pytest.raises(WorkspaceError):
            runner.resume(run.id)
    assert runner.run(run.id).status is workspace.run(run.id).status is RunStatus.STOPPED


def test_a_run_that_is_done_holds_no_file(runner, dataset, straight):
    run = runner.wait(runner.start(dataset, RunParameters(n_epochs=20, seed=9)).id, PATIENCE)
    assert runner._jobs[run.id].snapshot is None
    assert runner.snapshot(run.id).final


def test_rows_that_have_nothing_in_common_with_any_have_no_place(runner, workspace, tmp_path):
    rng = np.random.default_rng(3)
    vectors = (rng.random((120, 40)) < 0.4).astype(np.float32)
    vectors[7] = 0
    vectors[:, -1], vectors[7, -1] = 0, 1
    np.save(tmp_path / "sets.npy", vectors)
    dataset = workspace.add_dataset(tmp_path / "sets.npy")
    parameters = RunParameters(n_neighbors=10, metric="jaccard", n_epochs=30, seed=42)
    run = runner.wait(runner.start(dataset, parameters).id, PATIENCE)
    embedding = runner.snapshot(run.id).embedding
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(embedding).any(1)), [7])
    with pytest.warns(UserWarning, match="no neighbours"):
        model = UMAP(n_neighbors=10, metric="jaccard", n_epochs=30, random_state=42).fit(vectors)
    np.testing.assert_array_equal(embedding, model.embedding_)
    warm = runner.wait(runner.start(dataset, parameters, start_from=run.id).id, PATIENCE)
    assert warm.status is RunStatus.DONE, warm.error
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(workspace.embedding(warm.id)).any(1)), [7])
