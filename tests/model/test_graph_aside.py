"""The neighbours of rows that are no data set: the same graph beside this process, which can be ended."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import KnnGraph, knn_graph
from explorer.model import graph_aside as module
from explorer.model.doing import Doing, StoppedError
from explorer.model.graph_aside import graph_aside
from explorer.model.run import RunParameters
from explorer.model.workspace import Workspace

MANHATTAN = RunParameters(n_neighbors=6, metric="manhattan", seed=3)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace, where sixty rows are too many to be compared with one another in this process."""
    monkeypatch.setattr(module, "EXACT_UP_TO", 50)
    with Workspace(tmp_path) as made:
        yield made


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("it would hold up this process")


def test_by_another_metric_many_rows_are_searched_beside_this_process_once(
    workspace: Workspace, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = knn_graph(rows, 6, metric="manhattan", seed=3)
    monkeypatch.setattr(module, "knn_graph", never)
    shares: list[float] = []
    found = graph_aside(workspace, rows, MANHATTAN, shares.append)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_allclose(found.distances, expected.distances, rtol=1e-6)
    assert shares == sorted(shares)
    assert len(shares) > 2
    assert shares[-1] < 1
    assert not list((workspace.path / "cache").glob("rows-aside/*")), "the rows are not kept twice"
    again = graph_aside(workspace, rows, MANHATTAN, never)
    np.testing.assert_array_equal(again.indices, expected.indices)


def test_what_is_ended_ends_the_process_and_leaves_nothing(workspace: Workspace, rows: np.ndarray) -> None:
    doing = Doing("comparing")

    def end(share: float) -> None:
        if share:
            doing.stop()
        doing(share)

    with pytest.raises(StoppedError):
        graph_aside(workspace, rows, MANHATTAN, end)
    assert not [path for path in (workspace.path / "cache").rglob("*") if path.is_file()]


def test_few_rows_and_metrics_of_our_own_need_no_process(
    workspace: Workspace, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, str]] = []

    def here(vectors: np.ndarray, n_neighbors: int, *, metric: str, seed: int) -> KnnGraph:
        asked.append((len(vectors), metric))
        return knn_graph(vectors, n_neighbors, metric=metric, seed=seed)

    monkeypatch.setattr(module, "knn_graph", here)
    graph_aside(workspace, rows[:50], MANHATTAN, never)
    graph_aside(workspace, rows, RunParameters(n_neighbors=6), never)
    assert asked == [(50, "manhattan"), (60, "euclidean")]
