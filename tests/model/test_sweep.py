"""Which runs a sweep is, what they share, and that sharing changes no map."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import UMAP, knn_graph
from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.estimate import guess
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Event, Runner
from explorer.model.stages import FUZZY_SET, INITIAL_LAYOUT, KNN_GRAPH, LAYOUT, SUPERVISION
from explorer.model.statistics import DISTORTION, comparable_runs, compute
from explorer.model.sweep import MOST_RUNS, Estimate, Sweep, estimate, read_list
from explorer.model.workspace import Workspace

PATIENCE = 120
N = 600
SHORT = RunParameters(n_epochs=20)


@pytest.fixture(scope="module")
def runner(
    blobs: tuple[np.ndarray, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Runner]:
    """A runner over the blobs and their labels."""
    folder = tmp_path_factory.mktemp("sweep")
    vectors, labels = blobs
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(pa.table({"v": column, "blob": [f"b{label}" for label in labels]}), folder / "b.parquet")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        workspace.add_dataset(folder / "b.parquet")
        yield runner


@pytest.fixture(scope="module")
def dataset(runner: Runner) -> Dataset:
    return runner.workspace.dataset(runner.workspace.datasets()[0].id)


def finished(runner: Runner, runs: tuple[Run, ...]) -> list[Run]:
    return [runner.wait(run.id, PATIENCE) for run in runs]


def cached(workspace: Workspace) -> dict[str, set[str]]:
    """The keys in the cache by stage."""
    folders = (workspace.path / "cache").glob("*/*")
    return {
        name: {path.name for path in group}
        for name, group in groupby(sorted(folders), lambda path: path.parent.name.replace("-", " "))
    }


def map_of(runner: Runner, run: Run) -> bytes:
    embedding = runner.workspace.embedding(run.id)
    assert embedding is not None
    return embedding.tobytes()


# Lists as they are written


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("n_neighbors", "5, 15, 50", (5, 15, 50)),
        ("n_neighbors", " 15;5 15,", (15, 5)),
        ("min_dist", "0,0.1 .5 -0.0 1e-2", (0.0, 0.1, 0.5, 0.01)),
        ("min_dist", "-0.1", (-0.1,)),
        ("metric", "euclidean, cosine", ("euclidean", "cosine")),
        ("seeds", "0-4", (0, 1, 2, 3, 4)),
        ("seeds", "7, 1 – 3, 2", (7, 1, 2, 3)),
        ("seeds", "0-999", tuple(range(1000))),
    ],
)
def test_a_list_is_read_as_written_each_value_once(name: str, text: str, values: tuple[object, ...]) -> None:
    assert read_list(name, text) == values


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("n_neighbors", "", "n_neighbors is empty: give at least one value, such as 5, 15, 50."),
        ("n_neighbors", " , ", "n_neighbors is empty"),
        ("n_neighbors", "5, many", "n_neighbors holds 'many', which is no whole number: write 5, 15, 50."),
        ("n_neighbors", "5-15", "n_neighbors holds '5-15', which is no whole number"),
        ("n_neighbors", "1.5", "n_neighbors holds '1.5', which is no whole number"),
        ("min_dist", "0 nan", "min_dist holds 'nan', which is no number: write 0, 0.1, 0.5."),
        ("seeds", "-1", "seeds holds '-1', which is no whole number: write 0, 1, 2 or 0-4."),
        ("seeds", "4-0", "seeds holds the range 4-0, which ends before it begins: write 0-4."),
        ("seeds", "0-9000000000", "seeds holds the range 0-9000000000 of 9,000,000,001 seeds"),
        ("seeds", "x" * 5000, f"seeds holds '{'x' * 30}…', which"),
    ],
)
def test_what_is_no_list_is_refused_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        read_list(name, text)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


# Which runs


def test_every_combination_is_a_run_and_none_is_twice() -> None:
    sweep = Sweep((5, 15, 5), (0.0, 0.5), ("euclidean", "cosine"), (3, 4, 3), base=SHORT)
    parameters = sweep.parameters()
    assert sweep.count == len(parameters) == len(set(parameters)) == 16
    combinations = {(p.n_neighbors, p.min_dist, p.metric, p.seed) for p in parameters}
    assert len(combinations) == 16
    assert {replace(p, n_neighbors=15, min_dist=0.1, metric="euclidean", seed=42, graph_neighbors=None)
            for p in parameters} == {SHORT}  # fmt: skip


def test_runs_that_share_a_stage_follow_each_other_and_the_first_seeds_grid_comes_first() -> None:
    sweep = Sweep((5, 50, 15), (0.0, 0.5), ("euclidean", "cosine"), (0, 1, 2))
    parameters = sweep.parameters()
    plans = [stages.plan("hash", p) for p in parameters]
    for position, distinct in enumerate((6, 18, 18, 36)):
        keys = [plan[position].key for plan in plans]
        assert len(set(keys)) == len(list(groupby(keys))) == distinct
    assert {(p.seed, p.metric) for p in parameters[:6]} == {(0, "euclidean")}


def test_the_graph_is_as_wide_as_the_largest_that_the_data_has_rows_for() -> None:
    sweep = Sweep((5, 15, 600))
    assert [p.graph_neighbors for p in sweep.parameters()] == [600, 600, None]
    assert [p.graph_neighbors for p in sweep.parameters(600)] == [15, None, None]
    assert [p.graph_width for p in sweep.parameters(600)] == [15, 15, 600]


@pytest.mark.parametrize(
    ("sweep", "sentence"),
    [
        (Sweep(seeds=()), "seeds is empty: give at least one value, such as 0, 1, 2 or 0-4."),
        (
            Sweep((5, 15), seeds=tuple(range(501))),
            "This sweep would be 1,002 runs (2 n_neighbors × 1 min_dist × 1 metric × 501 seeds): give fewer",
        ),
        (Sweep((5, 1)), "n_neighbors is 1: it must be a whole number of at least 2."),
        (Sweep(min_dist=(0.1, 2.0)), "min_dist is 2: it must be at least 0 and at most 1."),
        (Sweep((5, 100)), "n_neighbors is 100 but the data has 100 rows: choose a value from 2 to 99."),
        (Sweep(base=RunParameters(init="middle")), "init is 'middle'"),
    ],
)
def test_a_sweep_that_cannot_work_is_refused_in_one_sentence(sweep: Sweep, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        sweep.validate(100, 8)
    assert str(error.value).startswith(sentence)


def test_as_many_runs_as_may_be_are_no_fault() -> None:
    sweep = Sweep((5, 15), seeds=tuple(range(500)))
    sweep.validate(100, 8)
    assert sweep.count == len(sweep.parameters(100)) == MOST_RUNS
    with pytest.raises(InputError, match="1,002 runs"):
        Sweep((5, 15), seeds=tuple(range(501))).validate(100, 8)


# What it will take


def test_an_estimate_counts_each_shared_stage_once_and_what_is_kept_not_at_all(
    blobs: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    np.save(tmp_path / "b.npy", blobs[0])
    sweep = Sweep((5, 15), (0.0, 0.1, 0.5), seeds=(0, 1), base=SHORT)
    with Workspace(tmp_path / "workspace") as workspace:
        dataset = workspace.add_dataset(tmp_path / "b.npy")
        told = estimate(sweep, dataset, workspace)
        narrow, wide = (guess(N, 12, RunParameters(n_neighbors=k, n_epochs=20), 20) for k in (5, 15))
        first = [wide[KNN_GRAPH]] + [0.0] * 5
        for at, of in ((0, narrow), (3, wide)):
            first[at] += of[FUZZY_SET] + of[INITIAL_LAYOUT]
            first[at : at + 3] = [seconds + of[LAYOUT] for seconds in first[at : at + 3]]
        assert told.seconds == pytest.approx(2 * first)
        assert told.computed == {KNN_GRAPH: 2, FUZZY_SET: 4, INITIAL_LAYOUT: 4, LAYOUT: 12}
        assert (told.runs, told.kept) == (12, 0)
        graph = stages.plan(dataset.hash, sweep.parameters(N)[0])[0]
        workspace.store(graph.name, graph.key, indices=np.zeros((1, 1)))
        again = estimate(sweep, dataset, workspace)
    assert again.computed == told.computed | {KNN_GRAPH: 1}
    assert again.kept == 1
    assert sum(told.seconds) - sum(again.seconds) == pytest.approx(wide[KNN_GRAPH])


def test_an_estimate_reads_as_one_line() -> None:
    counts = {KNN_GRAPH: 1, FUZZY_SET: 2, LAYOUT: 2}
    assert Estimate(2, counts, 0, (1, 2)).words == "2 runs: 1 knn graph, 2 fuzzy sets, 2 layouts"
    assert Estimate(1, {LAYOUT: 1}, 3, (1,)).words == "1 run: 1 layout; 3 stages kept from before"


def test_an_estimate_counts_supervision_and_refuses_a_column_that_is_not_there(
    runner: Runner, dataset: Dataset
) -> None:
    sweep = Sweep((4, 6), seeds=(70, 71), base=RunParameters(target="blob"))
    told = estimate(sweep, dataset, runner.workspace)
    assert told.computed == {KNN_GRAPH: 2, FUZZY_SET: 4, SUPERVISION: 4, INITIAL_LAYOUT: 4, LAYOUT: 4}
    with pytest.raises(InputError, match="no column 'mood'"):
        estimate(Sweep(base=RunParameters(target="mood")), dataset, runner.workspace)


# Its runs


def test_the_runs_of_a_sweep_compute_what_was_estimated_and_no_more(runner: Runner, dataset: Dataset) -> None:
    sweep = Sweep((5, 15), (0.0, 0.5), seeds=(10, 11), base=SHORT)
    expected, before = estimate(sweep, dataset, runner.workspace), cached(runner.workspace)
    runs = finished(runner, runner.start_sweep(dataset, sweep))
    assert [run.parameters for run in runs] == list(sweep.parameters(N))
    assert {run.status for run in runs} == {RunStatus.DONE}
    assert len({run.sweep for run in runs} - {""}) == 1
    computed = {name: sum(run.seconds[name] > 0 for run in runs) for name in expected.computed}
    assert computed == expected.computed == {KNN_GRAPH: 2, FUZZY_SET: 4, INITIAL_LAYOUT: 4, LAYOUT: 8}
    new = {name: len(keys - before.get(name, set())) for name, keys in cached(runner.workspace).items()}
    assert {name: new[name] for name in (KNN_GRAPH, FUZZY_SET, INITIAL_LAYOUT)} == {
        KNN_GRAPH: 2, FUZZY_SET: 4, INITIAL_LAYOUT: 4,
    }  # fmt: skip
    after = estimate(sweep, dataset, runner.workspace)
    assert (after.computed, after.kept) == ({LAYOUT: 8}, 10)
    assert [run for run in runner.workspace.runs() if run.sweep == runs[0].sweep] != []


def test_a_sweep_is_told_of_once_it_is_queued_and_takes_no_thread_for_each_run(
    runner: Runner, dataset: Dataset
) -> None:
    told, go = threading.Event(), threading.Event()
    sweep = Sweep((5, 15), seeds=tuple(range(50, 80)), base=SHORT)

    def listen(event: Event) -> None:
        if event.kind != "status":
            assert go.wait(PATIENCE)  # the first run stays in its first stage
        listed = [run for run in runner.runs(dataset.id) if run.parameters.seed in sweep.seeds]
        if len(listed) == sweep.count:
            told.set()

    unsubscribe, threads = runner.subscribe(listen), threading.active_count()
    runs = runner.start_sweep(dataset, sweep)
    assert told.wait(PATIENCE)
    queued = [run.id for run in runs if runner.run(run.id).status is RunStatus.QUEUED]
    assert len(queued) == sweep.count - 1
    assert threading.active_count() - threads < 10
    for run_id in queued:
        runner.stop(run_id)
    go.set()
    unsubscribe()
    assert {run.status for run in finished(runner, runs)} <= {RunStatus.DONE, RunStatus.STOPPED}


def test_a_run_from_a_wider_graph_is_the_estimators_from_that_graph(tmp_path: Path) -> None:
    # Enough rows for the graph to be approximate, so that a narrower one is another.
    vectors = np.random.default_rng(3).normal(size=(4_500, 8)).astype(np.float32)
    np.save(tmp_path / "v.npy", vectors)
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "v.npy")
        sweep = Sweep((4, 12), seeds=(6,), base=RunParameters(n_epochs=3, init="random"))
        narrow, _ = finished(runner, runner.start_sweep(dataset, sweep))
        assert narrow.parameters.graph_neighbors == 12
        model = UMAP(
            n_neighbors=4, n_epochs=3, init="random", random_state=6,
            precomputed_knn=knn_graph(vectors, 12, seed=6),
        )  # fmt: skip
        assert map_of(runner, narrow) == model.fit_transform(vectors).tobytes()


def test_density_and_target_take_the_pruned_graph(runner: Runner, dataset: Dataset) -> None:
    # Of so few rows a graph is exact, so that a pruned one is the narrow one, and all that follows the same.
    plain = RunParameters(n_epochs=20, densmap=True, target="blob", seed=20)
    one, other = finished(
        runner, tuple(runner.start(dataset, replace(plain, graph_neighbors=width)) for width in (None, 40))
    )
    assert stages.of_run(one)[0].key != stages.of_run(other)[0].key
    assert map_of(runner, one) == map_of(runner, other)
    assert one.costs == other.costs


def test_what_a_run_tells_of_its_points_heeds_its_own_neighbours_alone(
    runner: Runner, dataset: Dataset
) -> None:
    plain = replace(SHORT, seed=21)
    one, other = finished(
        runner, tuple(runner.start(dataset, replace(plain, graph_neighbors=width)) for width in (None, 40))
    )
    told = [compute(DISTORTION, runner.workspace, run, ()).numbers for run in (one, other)]
    np.testing.assert_array_equal(*told)


def test_seeds_of_a_sweep_are_compared_with_each_other(runner: Runner, dataset: Dataset) -> None:
    sweep = Sweep((5, 15), seeds=(30, 31, 32), base=SHORT)
    runs = tuple(finished(runner, runner.start_sweep(dataset, sweep)))
    narrow = runs[0]
    assert {run.parameters.seed for run in comparable_runs(narrow, runs)} == {30, 31, 32}
    assert {run.parameters.n_neighbors for run in comparable_runs(narrow, runs)} == {5}


def test_what_does_not_fit_fails_alone_with_its_reason(runner: Runner, dataset: Dataset) -> None:
    sweep = Sweep((5, N), metric=("euclidean", "nonsense"), seeds=(40,), base=SHORT)
    good, wide, nonsense, both = finished(runner, runner.start_sweep(dataset, sweep))
    assert good.status is RunStatus.DONE
    assert good.parameters.graph_neighbors is None
    assert {run.status for run in (wide, nonsense, both)} == {RunStatus.FAILED}
    assert (
        wide.error
        == both.error
        == "n_neighbors is 600 but the data has 600 rows: choose a value from 2 to 599."
    )
    assert nonsense.error is not None
    assert "nonsense" in nonsense.error
    assert {runner.workspace.run(run.id).sweep for run in (good, wide, nonsense, both)} == {good.sweep}
    for run in (wide, both):
        with pytest.raises(InputError, match="n_neighbors is 600 but the data has 600 rows"):
            runner.resume(run.id)
        assert runner.workspace.run(run.id) == run


def test_a_sweep_of_which_no_run_fits_leaves_none(runner: Runner, dataset: Dataset) -> None:
    before = runner.workspace.runs()
    for sweep, sentence in (
        (Sweep((N, N + 1)), "n_neighbors is 600 but the data has 600 rows"),
        (Sweep(seeds=()), "seeds is empty"),
        (Sweep(base=RunParameters(target="mood")), "no column 'mood'"),
    ):
        with pytest.raises(InputError, match=sentence):
            runner.start_sweep(dataset, sweep)
    assert runner.workspace.runs() == before


def test_a_sweep_that_the_disk_refuses_midway_leaves_no_run(
    runner: Runner, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, save, seen = runner.workspace.runs(), runner.workspace.save_run, set()

    def full_with_the_third(run: Run) -> None:
        seen.add(run.id)
        if len(seen) == 3 and run.id not in {kept.id for kept in runner.workspace.runs()}:
            raise WorkspaceError("Could not write run.json: No space left on device")
        save(run)

    with monkeypatch.context() as patched:
        patched.setattr(runner.workspace, "save_run", full_with_the_third)
        with pytest.raises(WorkspaceError, match="No space left"):
            runner.start_sweep(dataset, Sweep(seeds=(70, 71, 72, 73), base=RunParameters(n_epochs=100_000)))
    assert len(seen) == 3
    assert runner.workspace.runs() == before
    assert not runner.waiting
