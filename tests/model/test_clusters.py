"""Clusters: what they are, that they are kept, and what is refused."""

from collections.abc import Iterator

import numpy as np
import pytest

from explorer.model import clusters
from explorer.model.clusters import ClusterParameters, Clusters, find, label, largest_first
from explorer.model.dataset import Dataset
from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters
from explorer.model.runner import Runner
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
    monkeypatch.setattr(clusters, "Worker", lambda: pytest.fail("they were found before"))
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


def test_beyond_many_rows_another_library_tells_the_same_blobs_apart(
    blobs_run, blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = blobs_run
    monkeypatch.setattr(clusters, "SLOW_UP_TO", 0)
    found = find(workspace, run)
    assert found.method == "fast_hdbscan"
    assert len(found.sizes) == 5
    for code in range(5):
        assert len(np.unique(blobs[1][found.labels == code])) == 1


def test_points_far_from_all_heaps_are_noise_without_probability() -> None:
    rng = np.random.default_rng(0)
    far = rng.uniform(-60, 60, size=(12, 2))
    points = np.concatenate([rng.normal(size=(300, 2)), rng.normal(size=(200, 2)) + 20, far])
    found = Clusters(**label(points.astype(np.float32), 50, 10, "hdbscan"), method="hdbscan")
    assert len(found.sizes) == 2
    assert (found.labels[:300] == 0).mean() > 0.9
    assert (found.labels[300:500] == 1).mean() > 0.9
    assert (found.labels[500:] == -1).mean() > 0.7
    assert (found.probabilities[found.labels == -1] == 0).all()


def test_clusters_are_numbered_by_falling_size_whatever_they_were_called() -> None:
    labels = np.array([7, 7, 2, -1, 2, 2, 0])
    assert largest_first(labels).tolist() == [1, 1, 0, -1, 0, 0, 2]
    assert largest_first(np.full(3, -1)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(("n", "size"), [(100, 15), (70_000, 500), (1_000_000, 7142)])
def test_a_cluster_has_a_140th_of_the_points_but_fifteen_at_least(n: int, size: int) -> None:
    assert ClusterParameters.for_rows(n) == ClusterParameters(size, 10)


@pytest.mark.parametrize(("size", "samples", "says"), [(1, 10, "min_cluster_size"), (15, 600, "min_samples")])
def test_parameters_that_cannot_work_are_refused(size: int, samples: int, says: str) -> None:
    with pytest.raises(InputError, match=says):
        ClusterParameters.for_rows(600, size, samples)
