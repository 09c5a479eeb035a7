from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from threadpoolctl import threadpool_info, threadpool_limits

from core import (
    InputError,
    Layout,
    LayoutParameters,
    any_metric,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    knn_recall,
    local_radii,
    threads,
)
from core.density import map_radii
from core.entries import WalkedGraph
from core.filtering import Operator
from core.inverse import vectors_at
from core.quality import (
    align,
    continuity,
    distortion,
    map_graph,
    neighbour_preservation,
    stability,
    trustworthiness,
)
from core.supervision import supervise
from core.threads import eigh, one_blas_thread
from core.transform import search


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_two_holders_of_the_one_thread_put_back_what_there_was():
    """One comes while the other is in, and leaves after it: it must not put back the other's limit."""
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with one_blas_thread():
            first_in.set()
            second_in.wait(0.3)
        first_out.set()

    def second() -> None:
        first_in.wait()
        with one_blas_thread():
            second_in.set()
            first_out.wait(5)

    with threadpool_limits(3, "blas"):
        before = blas_threads()
        threads = [threading.Thread(target=work) for work in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert blas_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="without forks no lock is copied")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_waits_for_no_lock_that_is_held_elsewhere():
    with one_blas_thread(), any_metric._one_at_a_time:
        child = os.fork()
        if not child:
            os._exit(any_metric._one_at_a_time.locked() or threads._blas_lock.locked())
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("n", [32, 120, 230])
def test_eigenvectors_do_not_depend_on_blas_threads(n):
    matrix = np.random.default_rng(0).normal(size=(n, n))
    matrix += matrix.T
    found = []
    for n_threads in (1, 2, 4):
        with threadpool_limits(n_threads, "blas"):
            found.append(eigh(matrix))
    for values, vectors in found[1:]:
        np.testing.assert_array_equal(values, found[0][0])
        np.testing.assert_array_equal(vectors, found[0][1])


def test_neither_a_first_eigenvector_nor_an_alignment_asks_more_than_one_blas_thread(monkeypatch):
    """What more of them round differently is mostly lost in float32: values alone would not show it."""
    ring = csr_array((np.ones(9, np.float32), (np.arange(9), np.roll(np.arange(9), 1))))
    ring = csr_array(ring + ring.T)
    Operator(ring, 1)  # compiled, for which numba asks numpy for all it has
    with monkeypatch.context() as patch:
        patch.delattr(np.linalg, "norm")
        np.testing.assert_allclose(Operator(ring, 1)._first, 1 / 3)
    used, svd = [], np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda matrix: used.extend(blas_threads()) or svd(matrix))
    plane = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    with threadpool_limits(2, "blas"):
        align(plane[::-1], plane)
    assert {*used} == {1}


@pytest.fixture(scope="module")
def stages() -> dict[str, Callable[[Any], object]]:
    """Everything that takes a number of threads, on few points."""
    x = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    plane = x[:, :2].copy()
    graph = knn_graph(x, 5)
    edges = fuzzy_simplicial_set(graph)
    parameters = LayoutParameters(2, *find_ab())
    numbers = {"target_metric": "l2", "target_n_neighbors": 5}
    return {
        "exact graph": lambda n: knn_graph(x, 5, n_threads=n),
        "descent": lambda n: knn_graph(x, 5, method="descent", n_threads=n),
        "other metric": lambda n: knn_graph(x, 5, metric="manhattan", n_threads=n),
        "precomputed": lambda n: knn_graph(np.ones((9, 9)), 5, metric="precomputed", n_threads=n),
        "fuzzy set": lambda n: fuzzy_simplicial_set(graph, n_threads=n),
        "supervision": lambda n: supervise(edges, x[:, 0], **numbers, n_threads=n),
        "spectral start": lambda n: initial_layout(edges, n_threads=n),
        "pca start": lambda n: initial_layout(edges, init="pca", vectors=x, n_threads=n),
        "layout": lambda n: Layout(edges, plane, parameters, n_threads=n),
        "radii": lambda n: local_radii(edges, graph, n_threads=n),
        "map radii": lambda n: map_radii(plane, 5, n_threads=n),
        "recall": lambda n: knn_recall(x, graph, n_threads=n),
        "map graph": lambda n: map_graph(plane, 4, n_threads=n),
        "wide map graph": lambda n: map_graph(x, 4, n_threads=n),
        "distortion": lambda n: distortion(graph, plane, n_threads=n),
        "preservation": lambda n: neighbour_preservation(graph, plane, n_threads=n),
        "stability": lambda n: stability([plane, plane * 2], k=4, n_threads=n),
        "trustworthiness": lambda n: trustworthiness(x, plane, k=4, n_threads=n),
        "continuity": lambda n: continuity(x, plane, k=4, n_threads=n),
        "search": lambda n: search(x[:3], x, WalkedGraph(edges), 4, n_threads=n),
        "way back": lambda n: vectors_at(plane[:3], plane, x, 4, n_threads=n),
    }


def test_every_stage_names_a_number_of_threads_that_is_none(stages):
    for stage in stages.values():
        for n_threads in (0, -2, 1.5, True, "all"):
            with pytest.raises(InputError, match="n_threads must be a whole number of at least 1, or -1"):
                stage(n_threads)


def test_every_stage_takes_one_thread_or_all(stages):
    for stage in stages.values():
        for n_threads in (np.int64(1), -1, None):
            stage(n_threads)
