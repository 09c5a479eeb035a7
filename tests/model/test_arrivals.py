"""New data on an old map: placed as by the estimator, compared with what is known, and what is new found."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from core import UMAP
from explorer.model import arrivals as module
from explorer.model.arrivals import Arrivals, arrivals, compared, votes
from explorer.model.coverage import coverage_of_new
from explorer.model.doing import StoppedError
from explorer.model.errors import InputError
from explorer.model.graph_aside import graph_here
from explorer.model.placing import Reference, placed
from explorer.model.run import Run, RunParameters
from explorer.model.runner import Runner
from explorer.model.shares import GROWING, THINNING
from explorer.model.workspace import Workspace

EPOCHS = 100


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[tuple[Workspace, Run, Path]]:
    """A workspace with a run of five blobs, and a folder for more data."""
    folder = tmp_path_factory.mktemp("arrivals")
    np.save(folder / "blobs.npy", blobs[0])
    with Workspace(folder / "ws") as workspace, Runner(workspace) as runner:
        run = runner.start(workspace.add_dataset(folder / "blobs.npy"), RunParameters(n_epochs=EPOCHS))
        yield workspace, runner.wait(run.id, timeout=240), folder


@pytest.fixture(scope="module")
def reference(made: tuple[Workspace, Run, Path]) -> Reference:
    return Reference.of_run(*made[:2])


def more(seed: int, counts: tuple[int, ...] = (60,) * 5) -> np.ndarray:
    """New points of the blobs of the fixture: so many of each."""
    centres = np.random.default_rng(7).normal(scale=8.0, size=(5, 12))
    labels = np.repeat(np.arange(5), counts)
    return (centres[labels] + np.random.default_rng(seed).normal(size=(len(labels), 12))).astype(np.float32)


def compare(reference: Reference, blobs, vectors: np.ndarray) -> Arrivals:
    return compared(reference, blobs[1].astype(np.int32), reference.place(vectors), vectors)


def test_rows_are_placed_as_by_the_estimator_each_by_itself(reference: Reference, blobs) -> None:
    model = UMAP(n_epochs=EPOCHS, random_state=42, transform_seed=42).fit(blobs[0])
    np.testing.assert_array_equal(model.embedding_, reference.embedding)
    new = more(1)
    found = reference.place(new)
    np.testing.assert_array_equal(found.places, model.transform(new))
    np.testing.assert_array_equal(reference.place(new[:7]).places, found.places[:7])
    np.testing.assert_array_equal(reference.place(blobs[0][:9]).places, reference.embedding[:9])


def test_a_row_that_shares_nothing_with_any_has_no_place_as_by_the_estimator() -> None:
    x = np.random.default_rng(0).uniform(size=(60, 12)) < 0.5
    x[:, 0], x[:, 11] = True, False
    model = UMAP(n_epochs=EPOCHS, metric="jaccard", random_state=42, transform_seed=42).fit(x)
    run = Run.new("", "", len(x), RunParameters(metric="jaccard", n_epochs=EPOCHS))
    reference = Reference(run, x.astype(np.float32), model.knn_graph_, model.graph_, model.embedding_)
    new = np.concatenate([x[:5, ::-1], np.arange(12)[None] == 11]).astype(np.float32)
    found = reference.place(new)
    assert np.isnan(found.places).all(axis=1).tolist() == [False] * 5 + [True]
    with pytest.warns(UserWarning, match="1 new rows have no neighbours"):
        np.testing.assert_array_equal(found.places, model.transform(new))


def test_rows_of_very_many_islands_find_their_own_as_by_the_estimator() -> None:
    rng = np.random.default_rng(0)
    x = (100 * rng.normal(size=(420, 8)).repeat(11, axis=0) + rng.normal(size=(4620, 8))).astype(np.float32)
    old = np.arange(4620) % 11 < 10
    model = UMAP(5, n_epochs=3, init="random", random_state=42, transform_seed=42).fit(x[old])
    run = Run.new("", "", 4200, RunParameters(n_neighbors=5, n_epochs=3))
    found = Reference(run, x[old], model.knn_graph_, model.graph_, model.embedding_).place(x[~old])
    np.testing.assert_array_equal(found.indices // 10, np.repeat(np.arange(420)[:, None], 5, axis=1))
    np.testing.assert_array_equal(found.places, model.transform(x[~old]))


def test_placed_rows_are_kept(made: tuple[Workspace, Run, Path], reference: Reference) -> None:
    workspace, run, folder = made
    np.save(folder / "more.npy", more(2))
    dataset = workspace.add_dataset(folder / "more.npy")
    first = placed(workspace, run, dataset)
    np.testing.assert_array_equal(first.places, reference.place(more(2)).places)

    def never(_share: float) -> None:
        raise AssertionError("it is not computed twice")

    again = placed(workspace, run, dataset, never)
    np.testing.assert_array_equal(again.indices, first.indices)


def test_new_rows_near_0_are_a_group_as_any_others(reference: Reference, blobs) -> None:
    small = np.ldexp(np.random.default_rng(3).normal(size=(40, 12)), -90).astype(np.float32)
    (group,) = compare(reference, blobs, np.concatenate([more(4), small])).groups
    np.testing.assert_array_equal(group, 300 + np.arange(40))
    found, expected = (graph_here(x, RunParameters(n_neighbors=6)) for x in (small, np.ldexp(small, 90)))
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(np.ldexp(found.distances, 90), expected.distances)


def test_other_dimensions_are_refused(reference: Reference) -> None:
    with pytest.raises(InputError, match="The new rows have 3 dimensions"):
        reference.place(np.zeros((4, 3), np.float32))


def test_votes_are_of_most_neighbours_and_of_the_nearest_among_equals() -> None:
    labels = np.array([0, 1, 1, 2, -1], np.int32)
    neighbours = np.array([[0, 1, 2], [3, 0, -1], [-1, -1, -1], [4, 4, 0]], np.int32)
    assert votes(labels, neighbours).tolist() == [1, 2, -1, -1]


def test_more_of_the_same_is_neither_new_nor_shifted(reference: Reference, blobs) -> None:
    draws = 40
    rng = np.random.default_rng(0)
    found = [
        compare(reference, blobs, more(seed, tuple(rng.multinomial(300, np.full(5, 0.2)))))
        for seed in range(10, 10 + draws)
    ]
    most = binom.ppf(0.999, draws, 0.05)
    assert sum(one.far_p <= 0.05 for one in found) <= most
    assert sum(bool(one.findings) for one in found) <= most
    assert np.mean([one.far_share for one in found]) == pytest.approx(0.01, abs=0.01)
    assert np.mean([one.novelty.mean() for one in found]) == pytest.approx(0.5, abs=0.05)
    assert all(one.appeared == () for one in found if one.far_p > 0.05)


def test_clusters_that_vanish_and_grow_and_a_group_that_appears_are_told(reference: Reference, blobs) -> None:
    strangers = np.random.default_rng(3).normal(size=(40, 12)).astype(np.float32) + 30
    found = compare(reference, blobs, np.concatenate([more(4, (0, 150, 50, 50, 50)), strangers]))
    by_cluster = {one.cluster: one for one in found.findings}
    assert (by_cluster[0].kind, by_cluster[0].severity, by_cluster[0].value) == (THINNING, "high", 0.0)
    assert "Cluster 0 vanished: none of the 340 new items" in by_cluster[0].sentence
    assert (by_cluster[1].kind, by_cluster[1].severity) == (GROWING, "medium")
    np.testing.assert_array_equal(by_cluster[0].rows, np.flatnonzero(blobs[1] == 0))
    assert found.far_p < 1e-6
    assert len(found.groups) == 1
    assert (found.groups[0] >= 300).sum() >= 38
    assert (found.groups[0] < 300).sum() <= 2
    assert (found.novelty[300:] == 1).all()
    assert found.appeared[0].startswith(f"{len(found.groups[0])} new items (")


def test_new_data_like_the_old_leaves_no_gap_and_a_missing_cluster_does(
    made: tuple[Workspace, Run, Path], blobs
) -> None:
    workspace, run, folder = made
    labels = blobs[1].astype(np.int32)
    marked = []
    for seed in range(6):
        np.save(folder / f"like{seed}.npy", more(50 + seed, (80,) * 5))
        dataset = workspace.add_dataset(folder / f"like{seed}.npy")
        marked.append(
            bool(coverage_of_new(workspace, run, dataset, labels, seed=seed).difference.marked.any())
        )
    assert sum(marked) <= binom.ppf(0.999, 6, 0.05)
    np.save(folder / "lacking.npy", more(60, (80, 80, 0, 80, 80)))
    found = coverage_of_new(workspace, run, workspace.add_dataset(folder / "lacking.npy"), labels)
    assert found.gaps[0].cluster == 2
    assert found.gaps[0].severity == "high"
    assert (labels[found.gaps[0].rows] == 2).mean() > 0.95
    assert found.batch == "lacking"


def test_groups_are_found_by_neighbours_that_can_be_ended(
    made: tuple[Workspace, Run, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run, folder = made
    strangers = np.random.default_rng(3).normal(size=(40, 12)).astype(np.float32) + 30
    np.save(folder / "strangers.npy", np.concatenate([more(80), strangers]))

    def tell(_share: float) -> None:
        if asked:
            raise StoppedError

    def aside(space: Workspace, vectors: np.ndarray, parameters: RunParameters, progress: Any) -> Any:
        asked.append((len(vectors), parameters.metric, parameters.seed))
        progress(0.5)

    asked: list[tuple[int, str, int]] = []
    monkeypatch.setattr(module, "graph_aside", aside)
    with pytest.raises(StoppedError):
        arrivals(workspace, run, workspace.add_dataset(folder / "strangers.npy"), tell)
    (far,) = asked
    assert far[0] >= 38
    assert far[1:] == (run.parameters.metric, run.parameters.seed)


def test_arrivals_find_the_clusters_themselves(made: tuple[Workspace, Run, Path]) -> None:
    workspace, run, folder = made
    np.save(folder / "half.npy", more(70, (60, 60, 60, 0, 0)))
    shares: list[float] = []
    found = arrivals(workspace, run, workspace.add_dataset(folder / "half.npy"), shares.append)
    assert np.diff(shares).min() > -1e-9
    assert shares[-1] == 1
    assert sorted(one.new for one in found.shares) == [0, 0, 60, 60, 60]
    assert [one.kind for one in found.findings].count(THINNING) == 2
