"""What a run tells of each point: values that mean what they say, and the session that asks for them."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import KnnGraph
from core.quality import distortion, stability
from explorer.model import derived, stages
from explorer.model.clusters import Clusters
from explorer.model.comparison import displacement
from explorer.model.derived import Derived
from explorer.model.doing import in_turn
from explorer.model.drawing import Ground
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus, Start
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.statistics import (
    CLUSTER,
    DENSITY,
    DISPLACEMENT,
    DISTORTION,
    STABILITY,
    STATISTICS,
    cluster_categories,
    comparable_runs,
    compared_with,
    compute,
    local_density,
)
from explorer.model.workspace import Workspace


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with two runs, in a table with a column that is named like a statistic."""
    folder = tmp_path_factory.mktemp("statistics")
    table = pa.table({"vector": list(blobs[0]), "blob": blobs[1], "@density": blobs[1] * 2.5})
    pq.write_table(table, folder / "blobs.parquet")
    with Workspace(folder / "workspace") as workspace:
        dataset = workspace.add_dataset(folder / "blobs.parquet")
        with Runner(workspace) as runner:
            for seed in (0, 1):
                runner.wait(runner.start(dataset, RunParameters(seed=seed, n_epochs=100)).id)
            yield Session(workspace, runner, dataset)


@pytest.fixture
def session(bench: Session) -> Session:
    bench.show(bench.dataset)
    return bench


def numbers(session: Session, name: str) -> np.ndarray:
    """The numbers of a statistic, once they are there."""
    session.numbers(name)
    session.derived.wait()
    assert session.waiting_for(name) == ""
    return session.numbers(name)


def test_an_even_spread_is_as_dense_everywhere_and_a_heap_denser() -> None:
    rng = np.random.default_rng(0)
    even = rng.uniform(0, 100, size=(200_000, 2)).astype(np.float32)
    inside = (np.abs(even - 50) < 45).all(axis=1)
    # A circle of 1 in a square of 100 has 200,000 × π / 10,000 of them.
    np.testing.assert_allclose(np.median(local_density(even)[inside]), 200_000 * np.pi / 1e4, rtol=0.1)
    heap = np.concatenate([even, rng.normal(50, 1, size=(20_000, 2)).astype(np.float32)])
    density = local_density(heap)
    assert np.median(density[200_000:]) > 20 * np.median(density[:200_000])


def test_rows_without_a_place_make_no_corner_dense() -> None:
    placed = np.random.default_rng(0).uniform(0, 1, size=(2_000, 2)).astype(np.float32)
    placed[0] = 0
    nowhere = np.full((5_000, 2), np.nan, np.float32)
    density = local_density(np.concatenate([placed, nowhere]))
    np.testing.assert_array_equal(density[: len(placed)], local_density(placed))
    assert np.isnan(density[len(placed) :]).all()


def of_maps(workspace: Workspace, *maps: np.ndarray) -> tuple[Run, ...]:
    """A run that is done for each map."""
    runs = []
    for seed, embedding in enumerate(maps):
        parameters = RunParameters(n_neighbors=2, seed=seed)
        run = Run.new("d", "h", len(embedding), parameters).with_(status=RunStatus.DONE)
        workspace.save_run(run)
        workspace.save_embedding(run.id, embedding)
        runs.append(run)
    return tuple(runs)


def test_what_has_no_place_has_no_density_and_is_in_no_range(tmp_path: Path) -> None:
    embedding = np.random.default_rng(0).uniform(0, 1, (500, 2)).astype(np.float32)
    embedding[7] = np.nan
    with Workspace(tmp_path) as workspace:
        known, of_placed = (
            compute(DENSITY, workspace, *of_maps(workspace, one), ())
            for one in (embedding, np.delete(embedding, 7, axis=0))
        )
    assert np.flatnonzero(np.isnan(known.numbers)).tolist() == [7]
    assert np.flatnonzero(known.categories.codes < 0).tolist() == [7]
    assert known.categories.names == of_placed.categories.names
    assert known.categories.counts.tolist() == of_placed.categories.counts.tolist()


def test_a_statistic_is_empty_until_it_is_there_and_then_told(session: Session) -> None:
    told = []
    session.derived.on_change = lambda: told.append(session.derived.doing and session.derived.doing.what)
    first = session.categories(CLUSTER)
    if not first.names:
        assert (first.codes == -1).all()
        assert told[0] == "finding clusters"
        session.derived.wait()
        assert told[-1] is None
    assert len(session.categories(CLUSTER).names) in (5, 6)


def test_a_statistic_that_is_stopped_is_computed_when_it_is_asked_for_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    half, fresh, run = threading.Event(), Derived(session.workspace), session.run(session.run_id)

    def endless(*given: Any) -> None:
        while True:
            given[-1](0.5)
            half.set()

    monkeypatch.setattr(derived, "compute", endless)
    assert fresh.known(DENSITY, run, session.runs) is None
    assert half.wait(60)
    assert fresh.doing.share == 0.5
    fresh.stop()
    assert fresh.doing is None
    fresh.wait()
    assert fresh.state(DENSITY, run, session.runs) == ""
    monkeypatch.undo()
    assert fresh.known(DENSITY, run, session.runs) is None
    fresh.wait()
    assert len(fresh.known(DENSITY, run, session.runs).numbers) == run.n
    fresh.close()


def test_what_is_kept_is_read_though_another_page_computes(session: Session) -> None:
    expected = numbers(session, STABILITY)
    fresh, run = Derived(session.workspace), session.run(session.run_id)
    with in_turn(lambda _: None):
        fresh.known(STABILITY, run, session.runs)
        fresh._thread.submit(lambda: None).result(30)
    np.testing.assert_array_equal(fresh.known(STABILITY, run, session.runs).numbers, expected)
    told: list[int] = []
    fresh.on_change = lambda: told.append(1)
    assert told == [1]
    fresh.close()


def test_a_statistic_that_failed_is_tried_again_when_it_is_chosen_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> None:
        raise InputError("There is no room.")

    session.look_at(session.runs[1].id)
    session.derived._known.clear()
    with monkeypatch.context() as broken:
        broken.setattr(derived, "compute", failing)
        for _ in range(2):
            session.colour_by = STABILITY
            session.numbers(STABILITY)
            session.derived.wait()
            assert session.waiting_for(STABILITY) == "There is no room."
    session.colour_by = ""
    assert session.waiting_for(STABILITY) == "There is no room."
    session.colour_by = STABILITY
    assert len(numbers(session, STABILITY)) == session.dataset.n


def test_a_cluster_is_selected_by_its_rows(session: Session) -> None:
    labels = numbers(session, CLUSTER)
    session.select_category(CLUSTER, 0)
    np.testing.assert_array_equal(session.selection.mask, labels == 0)
    step = session.selection.steps[-1]
    assert (step.run_id, step.column, step.values) == (session.run_id, CLUSTER, ("cluster 0",))


def test_the_cluster_of_a_row_is_selected_and_noise_is_in_none(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = numbers(session, CLUSTER)
    rows = [int(np.flatnonzero(labels == cluster)[3]) for cluster in (1, 0)]
    session.select_cluster_of(rows[0])
    np.testing.assert_array_equal(session.selection.mask, labels == 1)
    session.select_cluster_of(rows[1], "union")
    np.testing.assert_array_equal(session.selection.mask, np.isin(labels, (0, 1)))
    found = labels.astype(np.int32)
    found[3] = -1
    some = cluster_categories(Clusters(found, np.ones(len(found), np.float32), "hdbscan"))
    monkeypatch.setattr(session, "categories", lambda _: some)
    with pytest.raises(InputError, match="Row 3 is noise"):
        session.select_cluster_of(3)


def test_distortion_is_the_mean_of_lost_and_intruding_neighbours(session: Session) -> None:
    run = session.run(session.run_id)
    first = stages.plan(run.data_hash, run.parameters)[0]
    graph = session.workspace.cached(first.name, first.key)
    expected = distortion(
        KnnGraph(graph["indices"], graph["distances"]), session.snapshot(session.run_id).embedding
    )
    np.testing.assert_allclose(
        numbers(session, DISTORTION), (expected.lost + expected.intruders) / 2, rtol=1e-6
    )


def test_runs_over_seeds_are_compared_if_they_start_from_the_same() -> None:
    def run(seed: int, start: Start | None) -> Run:
        made = Run.new("d", "h", 10, RunParameters(seed=seed))
        return made.with_(status=RunStatus.DONE, start=start)

    start = Start("k15-d0.1-s42-7f3a2c", 87, True, True, "hash")
    plain, fork = ([run(seed, one) for seed in (0, 1)] for one in (None, start))
    for first, second in (plain, fork):
        assert comparable_runs(first, (*fork, *plain)) == (first, second)


def test_the_same_run_again_tells_nothing_and_other_dimensions_cannot() -> None:
    def run(**parameters: int) -> Run:
        return Run.new("d", "h", 10, RunParameters(**parameters)).with_(status=RunStatus.DONE)

    first, twin, other, again, wide, solid = (
        run(seed=0), run(seed=0), run(seed=1), run(seed=1), run(n_neighbors=30), run(n_components=3)
    )  # fmt: skip
    assert comparable_runs(first, (twin, other, again, wide, solid)) == (first, other)
    assert comparable_runs(first, (twin, wide, solid)) == (first, wide)
    assert comparable_runs(first, (twin, solid)) == (first,)


def test_stability_is_told_over_the_comparison_that_a_run_is_in() -> None:
    def run(**parameters: int) -> Run:
        made = Run.new("d", "h", 10, RunParameters(**parameters))
        return made.with_(status=RunStatus.DONE)

    first, second, wide, deep = run(seed=0), run(seed=1), run(n_neighbors=9, seed=0), run(n_components=3)
    runs = (first, second, wide, deep)
    assert compared_with(STABILITY, first, runs) == (first, second)
    assert compared_with(STABILITY, first, runs, comparison=(wide, first)) == (wide, first)
    assert compared_with(STABILITY, second, runs, comparison=(wide, first)) == (second, first)
    assert compared_with(STABILITY, wide, runs) == (wide, first, second), "not with three dimensions"
    assert compared_with(CLUSTER, first, runs, comparison=(wide, first)) == ()


def test_stability_needs_a_second_run_and_is_a_share(session: Session) -> None:
    assert session.has_other_runs
    values = numbers(session, STABILITY)
    assert ((values >= 0) & (values <= 1)).all()
    session.runs = session.runs[:1]
    assert not session.has_other_runs


def test_the_stability_of_few_rows_is_that_of_fewer_neighbours(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 9, 2)).astype(np.float32)
    maps[1, 8] = np.nan
    with Workspace(tmp_path) as workspace:
        runs = of_maps(workspace, *maps)
        numbers = compute(STABILITY, workspace, runs[0], runs).numbers
        np.testing.assert_array_equal(numbers.astype(np.float32), stability(list(maps), k=3))
        maps[1, 2:] = np.nan
        too_few = of_maps(workspace, *maps)
        with pytest.raises(InputError, match="fewer than 3 rows with a place"):
            compute(STABILITY, workspace, too_few[0], too_few)


def test_displacement_is_from_the_map_beside_and_waits_for_one(session: Session) -> None:
    session.numbers(DISPLACEMENT)
    assert session.waiting_for(DISPLACEMENT) == "There is no second map to compare with: put one beside this."
    first, second = session.runs
    session.put_beside(second.id)
    maps = [session.snapshot(run.id).embedding for run in (first, second)]
    np.testing.assert_array_equal(numbers(session, DISPLACEMENT).astype(np.float32), displacement(*maps))
    session.param.update(colour_by=DISPLACEMENT, isolated=frozenset({0}))
    session.select_category(DISPLACEMENT, 0)
    step = session.selection.steps[-1]
    assert step.packed, "its rows are told, as another map may be beside it next time"
    ground = Ground.of_run(session.workspace, first.id)
    assert ground.select(session.selection.steps).digest == session.selection.digest
    session.put_beside(second.id)
    assert session.isolated == frozenset()
    with pytest.raises(InputError, match="does not tell '@displacement'"):
        ground.select([replace(step, packed="")])


def test_a_column_named_like_a_statistic_goes_first(session: Session) -> None:
    assert not session.is_statistic(DENSITY)
    assert session.is_statistic(CLUSTER)
    np.testing.assert_array_equal(session.numbers(DENSITY), session.dataset.items.numbers(DENSITY))


def test_another_run_has_clusters_of_its_own_and_shows_them_all(session: Session) -> None:
    session.param.update(colour_by=CLUSTER, isolated=frozenset({0}))
    numbers(session, CLUSTER)
    other = next(run.id for run in session.runs if run.id != session.run_id)
    session.look_at(other)
    assert session.isolated == frozenset()
    assert len(numbers(session, CLUSTER)) == session.dataset.n


def test_noise_is_the_last_category_and_every_point_is_counted() -> None:
    found = Clusters(np.array([0, 0, -1, 1], np.int32), np.ones(4, np.float32), "hdbscan")
    categories = cluster_categories(found)
    assert categories.names == ("cluster 0", "cluster 1", "noise")
    assert categories.codes.tolist() == [0, 0, 2, 1]
    assert categories.counts.tolist() == [2, 1, 1]
    assert categories.noise == 2


def test_every_statistic_says_what_it_is() -> None:
    assert all(name.startswith("@") and entry.label and entry.about for name, entry in STATISTICS.items())
