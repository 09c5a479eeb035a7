"""Clusters: what they are, that they are kept, and what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from shutil import rmtree
from typing import Any

import numpy as np
import pytest

from explorer.model import statistics, worker
from explorer.model.applied import applied
from explorer.model.clusters import (
    ClusterParameters,
    apply,
    find,
    grouped,
    preview,
    seconds_to_find,
)
from explorer.model.condensed_tree import condense, labels, select
from explorer.model.dataset import Dataset
from explorer.model.doing import Doing, StoppedError
from explorer.model.drawing import Ground
from explorer.model.errors import InputError
from explorer.model.icicle import icicle
from explorer.model.linkage import single_linkage
from explorer.model.run import Run, RunParameters
from explorer.model.runner import Runner
from explorer.model.selection import Step
from explorer.model.workspace import Workspace


@pytest.fixture(scope="module")
def blobs_run(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[tuple[Workspace, Run]]:
    """Five blobs of 120 points and a finished run of them."""
    folder = tmp_path_factory.mktemp("clusters")
    np.save(folder / "blobs.npy", blobs[0])
    with Workspace(folder / "workspace") as workspace:
        dataset: Dataset = workspace.add_dataset(folder / "blobs.npy")
        with Runner(workspace) as runner:
            run = runner.wait(runner.start(dataset, RunParameters(n_epochs=200)).id)
        yield workspace, run


def names_of(workspace: Workspace, run: Run) -> tuple[str, ...]:
    """What the clusters of a run are called wherever they are told."""
    known = statistics.compute(statistics.CLUSTER, workspace, run, ())
    return statistics.named(workspace, run, statistics.CLUSTER, known).categories.names


def test_blobs_are_the_clusters_of_their_map_and_found_once(
    blobs_run, blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = blobs_run
    shares: list[float] = []
    found = find(workspace, run, progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 2
    assert shares[-1] == 1
    assert found.labels.dtype == np.int32
    assert found.probabilities.dtype == np.float32
    assert len(found.sizes) == 5
    assert found.noise_share < 0.1
    for code in range(5):
        assert len(np.unique(blobs[1][found.labels == code])) == 1
    monkeypatch.setattr(worker, "Worker", lambda **_: pytest.fail("they were found before"))
    np.testing.assert_array_equal(find(workspace, run).labels, found.labels)


def test_finding_that_is_ended_leaves_the_workspace_as_it_was(blobs_run) -> None:
    workspace, run = blobs_run
    other = ClusterParameters.for_rows(run.n, 40)
    before = [path for path in workspace.path.rglob("*") if path.is_file()]
    doing = Doing("finding clusters")
    doing.stop()
    with pytest.raises(StoppedError):
        find(workspace, run, other, doing)
    assert [path for path in workspace.path.rglob("*") if path.is_file()] == before


def test_the_tree_is_kept_and_gives_the_labels_again(blobs_run) -> None:
    workspace, run = blobs_run
    parameters = ClusterParameters.for_rows(run.n, 20, selection="leaf")
    find(workspace, run, parameters)
    found = find(workspace, run, parameters)
    again, branches = labels(found.tree, found.branches)
    np.testing.assert_array_equal(again, found.labels)
    np.testing.assert_array_equal(branches, found.branches)
    assert len(found.persistence) == len(found.sizes)
    assert ((found.persistence >= 0) & (found.persistence <= 1)).all()
    assert (found.probabilities[found.labels < 0] == 0).all()
    for cluster, mean in enumerate(found.mean_probabilities):
        assert mean == pytest.approx(found.probabilities[found.labels == cluster].mean(), rel=1e-5)


def test_other_parameters_need_no_new_linkage_and_a_preview_keeps_nothing(
    blobs_run, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = blobs_run
    find(workspace, run)
    before = [path for path in workspace.path.rglob("*") if path.is_file()]
    monkeypatch.setattr(worker, "Worker", lambda **_: pytest.fail("it was linked before"))
    found = preview(workspace, run, ClusterParameters.for_rows(run.n, 25, epsilon=100.0))
    assert len(found.sizes) == 2, "all that parts below the root at less than 100 is one"
    assert [path for path in workspace.path.rglob("*") if path.is_file()] == before


def test_what_is_applied_is_the_runs_own_until_its_map_is_another(blobs_run) -> None:
    workspace, run = blobs_run
    first = find(workspace, run)
    coarse = ClusterParameters.for_rows(run.n, 150)
    other = preview(workspace, run, coarse)
    assert len(other.sizes) != len(first.sizes)
    apply(workspace, run, other, coarse, run, names=("one", "", "three")[: len(other.sizes)])
    try:
        np.testing.assert_array_equal(find(workspace, run).labels, other.labels)
        np.testing.assert_array_equal(find(workspace, run).persistence, other.persistence)
        assert seconds_to_find(workspace, run) == 0
        usual = ClusterParameters.for_rows(run.n)
        np.testing.assert_array_equal(find(workspace, run, usual).labels, first.labels)
        moved = run.with_(epoch=run.epoch + 1)
        assert applied(workspace, moved) is None
        with pytest.raises(InputError, match="other data"):
            apply(workspace, run.with_(data_hash="x"), other, coarse, run)
    finally:
        workspace.save_clustering(run.id, None)
    np.testing.assert_array_equal(find(workspace, run).labels, first.labels)


def test_what_is_applied_outlasts_the_cache_and_its_names_go_with_it(blobs_run) -> None:
    workspace, run = blobs_run
    first = find(workspace, run)
    other = replace(first, labels=np.roll(first.labels, 7))
    usual, cache = ClusterParameters.for_rows(run.n), workspace.path / "cache"
    apply(workspace, run, first, usual, run, by_hand=True)
    apply(workspace, run, other, usual, run, by_hand=True, names=("mine",) * 5)
    kept = workspace.run_folder(run.id) / "clustering" / applied(workspace, run).key
    assert list(kept.parent.iterdir()) == [kept], "those applied before are gone"
    try:
        cache.rename(workspace.path / "gone")
        np.testing.assert_array_equal(find(workspace, run).labels, other.labels)
        (workspace.path / "gone").rename(cache)
        of_old = workspace.cache_folder("applied clusters", kept.name)
        of_old.parent.mkdir(exist_ok=True)
        kept.rename(of_old)
        np.testing.assert_array_equal(find(workspace, run).labels, other.labels)
        assert names_of(workspace, run)[0] == "cluster 0 · mine"
        for damage in (lambda: (of_old / "labels.npy").write_bytes(b""), lambda: rmtree(of_old)):
            damage()
            np.testing.assert_array_equal(find(workspace, run).labels, first.labels)
            assert names_of(workspace, run)[0] == "cluster 0"
        apply(workspace, run, other, usual, run, by_hand=True, names=("mine",) * 5)
        assert names_of(workspace, run)[0] == "cluster 0 · mine"
    finally:
        workspace.save_clustering(run.id, None)


def test_a_step_on_applied_clusters_tells_its_rows(blobs_run) -> None:
    workspace, run = blobs_run
    coarse = ClusterParameters.for_rows(run.n, 100)
    other = preview(workspace, run, coarse)
    ground = Ground.of_run(workspace, run.id)
    assert not ground.cluster("1").packed
    apply(workspace, run, other, coarse, run, names=("a",) * len(other.sizes))
    try:
        step = ground.cluster("1")
        with pytest.raises(InputError, match="no category 'cluster 77': it has cluster 0"):
            ground.cluster("77")
    finally:
        workspace.save_clustering(run.id, None)
    selected = ground.select([Step("all"), step])
    np.testing.assert_array_equal(selected.mask, other.labels == 1)


def test_points_far_from_all_heaps_are_noise_without_probability() -> None:
    rng = np.random.default_rng(0)
    far = rng.uniform(-60, 60, size=(12, 2))
    points = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(200, 2)) + 20, far])
    merges = single_linkage(points.astype(np.float32), 10)
    tree = condense(merges["left"], merges["right"], merges["distance"], 50)
    found = grouped(tree, select(tree), "hdbscan")
    assert len(found.sizes) == 2
    assert (found.labels[:300] == 0).mean() > 0.9
    assert (found.labels[300:500] == 1).mean() > 0.9
    assert (found.labels[500:] == -1).mean() > 0.7
    assert (found.probabilities[found.labels == -1] == 0).all()


def test_an_embedding_of_more_dimensions_is_clustered(blobs_run, blobs) -> None:
    workspace, run = blobs_run
    with Runner(workspace) as runner:
        chosen = RunParameters(n_neighbors=30, min_dist=0.0, n_components=4, n_epochs=100)
        assert "4 dimensions" in chosen.label
        deep = runner.wait(runner.start(workspace.dataset(run.dataset_id), chosen).id)
    found = find(workspace, deep)
    assert len(found.sizes) == 5
    for code in range(5):
        assert len(np.unique(blobs[1][found.labels == code])) == 1


@pytest.mark.parametrize(("n", "size"), [(100, 15), (70_000, 500), (1_000_000, 7142)])
def test_a_cluster_has_a_140th_of_the_points_but_fifteen_at_least(n: int, size: int) -> None:
    assert ClusterParameters.for_rows(n) == ClusterParameters(size, 10)


@pytest.mark.parametrize("n", [2, 8, 10, 11, 12])
def test_what_nobody_chose_works_on_any_map(n: int) -> None:
    chosen = ClusterParameters.for_rows(n)
    assert chosen.min_samples == min(10, n - 1)
    merges = single_linkage(
        np.random.default_rng(n).normal(size=(n, 2)).astype(np.float32), chosen.min_samples
    )
    tree = condense(merges["left"], merges["right"], merges["distance"], chosen.min_cluster_size)
    assert (labels(tree, select(tree))[0] == -1).all()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"min_cluster_size": 1}, "min_cluster_size is 1"),
        ({"min_samples": 600}, "min_samples is 600"),
        ({"selection": "best"}, "selection is 'best': choose one of eom, leaf"),
        ({"epsilon": -0.5}, "epsilon is -0.5"),
        ({"epsilon": np.nan}, "epsilon is nan"),
    ],
)
def test_parameters_that_cannot_work_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        ClusterParameters.for_rows(600, **wrong)


def icicle_span(merges: dict[str, np.ndarray]) -> float:
    """The decades that the drawing of a tree shows."""
    drawing = icicle(condense(merges["left"], merges["right"], merges["distance"], 30))
    return float(np.log10(drawing.most / drawing.least))


@pytest.mark.parametrize("n_placed", [0, 1, 2, 4])
def test_a_map_on_which_most_rows_have_no_place_has_noise_alone(n_placed: int) -> None:
    points = np.full((40, 2), np.nan, np.float32)
    points[5 : 5 + n_placed] = np.random.default_rng(0).normal(size=(n_placed, 2))
    merges = single_linkage(points, 10)
    tree = condense(*merges.values(), 15)
    assert np.isfinite(merges["distance"]).all()
    assert (labels(tree, select(tree))[0] == -1).all()
    assert icicle(tree).bars[0].size == 40


@pytest.mark.parametrize("n_lost", [1, 600])
def test_rows_without_a_place_are_noise_and_change_no_cluster(n_lost: int) -> None:
    rng = np.random.default_rng(2)
    points = np.concatenate([rng.normal(at, 1.0, (150, 2)) for at in (0, 20, 40)]).astype(np.float32)
    lost = np.concatenate([points, np.full((n_lost, 2), np.nan, np.float32)])

    def found(of: np.ndarray) -> np.ndarray:
        merges = single_linkage(of, 5)
        tree = condense(merges["left"], merges["right"], merges["distance"], 30)
        return labels(tree, select(tree, "eom", 0.0))[0]

    assert icicle_span(single_linkage(lost, 5)) < 1.5 * icicle_span(single_linkage(points, 5))
    several = found(lost)
    assert (several[len(points) :] == -1).all()
    np.testing.assert_array_equal(several[: len(points)], found(points))
