"""The laws of the core, each over every kind of data and several seeds.

Seeded results are the same bits for any number of threads, and whichever way a run got there; what is known
of graphs and sets beforehand holds for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from core import (
    UMAP,
    Density,
    KnnGraph,
    Layout,
    LayoutParameters,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    local_radii,
)
from core.fuzzy_set import membership_strengths, smooth_knn_distances
from tests.core.conftest import THREADS, Kind

SEEDS = (0, 5, 2**32 - 1)
N_NEIGHBORS, WIDE, N_EPOCHS = 10, 25, 20
PARAMETERS = LayoutParameters(N_EPOCHS, *find_ab())


def bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@dataclass(frozen=True)
class Case:
    """A kind of data with a seed, and the stages of its fit."""

    kind: Kind
    seed: int
    wide: KnnGraph
    graph: KnnGraph
    fuzzy_set: csr_array
    initial: np.ndarray

    def model(self, **keywords: Any) -> UMAP:
        return UMAP(
            N_NEIGHBORS, n_epochs=N_EPOCHS, random_state=self.seed, **{**self.kind.keywords, **keywords}
        )

    @property
    def density(self) -> Density | None:
        if not self.kind.keywords.get("densmap"):
            return None
        return Density(local_radii(self.fuzzy_set, self.graph), dens_frac=self.kind.keywords["dens_frac"])

    def layout(self, n_threads: int | None = None) -> Layout:
        return Layout(
            self.fuzzy_set,
            self.initial,
            PARAMETERS,
            density=self.density,
            seed=self.seed,
            n_threads=n_threads,
        )

    def restored(self, run: Layout, parameters: LayoutParameters, n_threads: int | None = None) -> Layout:
        return Layout.restore(
            self.fuzzy_set,
            self.initial,
            parameters,
            run.checkpoint(),
            density=self.density,
            seed=self.seed,
            n_threads=n_threads,
        )


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def case(request: pytest.FixtureRequest, kind: Kind) -> Case:
    seed = request.param
    wide = knn_graph(kind.x, WIDE, metric=kind.metric, seed=seed)
    graph = knn_graph(kind.x, N_NEIGHBORS, metric=kind.metric, seed=seed)
    fuzzy_set = fuzzy_simplicial_set(graph)
    initial = initial_layout(fuzzy_set, n_components=kind.keywords.get("n_components", 2), seed=seed)
    return Case(kind, seed, wide, graph, fuzzy_set, initial)


@pytest.fixture(scope="module")
def normal(case: Case) -> UMAP:
    """An ordinary fit, on all processors."""
    return case.model().fit(case.kind.x)


def test_the_whole_pipeline_is_identical_for_any_thread_count(case, normal):
    assert np.isfinite(normal.embedding_).all()
    for n_threads in THREADS:
        fitted = case.model(n_jobs=n_threads).fit(case.kind.x)
        for one, other in ((fitted.knn_graph_, normal.knn_graph_), (fitted.graph_, normal.graph_)):
            np.testing.assert_array_equal(one.indices, other.indices)
        assert bits(fitted.knn_graph_.distances) == bits(normal.knn_graph_.distances)
        assert bits(fitted.graph_.data) == bits(normal.graph_.data)
        assert bits(fitted.embedding_) == bits(normal.embedding_)


def test_a_precomputed_graph_gives_the_bits_of_a_normal_fit(case, normal):
    graph = case.graph
    before = bits(graph.indices), bits(graph.distances)
    as_tuple = (
        np.column_stack([np.arange(graph.n), graph.indices]),
        np.column_stack([np.zeros(graph.n), graph.distances]),
        None,
    )
    for given in (graph, as_tuple):
        model = case.model(precomputed_knn=given).fit(case.kind.x)
        assert bits(model.embedding_) == bits(normal.embedding_)
    assert (bits(graph.indices), bits(graph.distances)) == before


def test_a_wider_graph_is_pruned_to_its_first_columns(case):
    pruned = case.wide.prune(N_NEIGHBORS - 1)
    np.testing.assert_array_equal(pruned.indices, case.wide.indices[:, : N_NEIGHBORS - 1])
    np.testing.assert_array_equal(pruned.distances, case.wide.distances[:, : N_NEIGHBORS - 1])
    model = case.model(precomputed_knn=case.wide).fit(case.kind.x)
    again = case.model(precomputed_knn=pruned).fit(case.kind.x)
    assert bits(again.embedding_) == bits(model.embedding_)


def test_straight_paused_restored_and_forked_runs_end_with_the_bits_of_the_fit(case, normal):
    """On other numbers of threads, too."""
    straight = case.layout(n_threads=3).run(N_EPOCHS)
    assert bits(straight) == bits(normal.embedding_)
    paused = case.layout()
    for epoch in (1, 2, 11, 11, 19):
        paused.run(epoch)
    checkpoint = paused.checkpoint()
    assert checkpoint.epoch == 19
    restored = case.restored(paused, PARAMETERS, n_threads=1)
    same = LayoutParameters(N_EPOCHS, PARAMETERS.a, PARAMETERS.b)
    early = case.layout(n_threads=7)
    early.run(7)
    fork = case.restored(early, same, n_threads=2)
    elsewhere = case.restored(early, LayoutParameters(N_EPOCHS, *find_ab(0.5)))
    assert bits(paused.run(N_EPOCHS)) == bits(straight)
    assert bits(restored.run(N_EPOCHS)) == bits(straight)
    assert bits(fork.run(N_EPOCHS)) == bits(straight)
    assert bits(elsewhere.run(N_EPOCHS)) != bits(straight)
    assert bits(early.run(N_EPOCHS)) == bits(straight)


def test_a_new_point_s_place_depends_on_nothing_else(case):
    x = case.kind.x
    n = x.shape[0] - 30
    model = case.model().fit(x[:n])
    new = x[n:]
    together = model.transform(new)
    assert np.isfinite(together).all()
    assert bits(model.transform(new[::-1])[::-1]) == bits(together)
    for row in (0, 7, 29):
        assert bits(model.transform(new[row : row + 1])) == bits(together[row : row + 1])
    assert bits(model.transform(x[n - 9 :])[9:]) == bits(together)
    assert bits(model.set_params(n_jobs=1).transform(new)) == bits(together)
    assert bits(model.set_params(n_jobs=3).transform(new)) == bits(together)


def test_strengths_sum_to_log2_of_n_neighbors_before_the_union(case):
    rho, sigma = smooth_knn_distances(case.graph)
    total = membership_strengths(case.graph, rho, sigma).sum(axis=1, dtype=np.float64)
    distances = case.graph.distances.astype(np.float64)
    target = np.log2(N_NEIGHBORS)
    # Where more than log2(k) neighbours are as near as the first, nothing brings the sum down to it.
    possible = (distances <= rho[:, None]).sum(axis=1) < target
    at_its_floor = sigma <= 1.001e-3 * np.where(rho > 0, distances.sum(axis=1) / N_NEIGHBORS, np.inf)
    np.testing.assert_allclose(total[possible & ~at_its_floor], target, atol=1e-4)
    assert (total > target - 1e-4).all()
    if case.kind.name != "duplicates":
        assert (possible & ~at_its_floor).mean() > 0.9


def test_the_set_is_symmetric_and_within_0_and_1(case):
    fuzzy_set = case.fuzzy_set
    assert (fuzzy_set != fuzzy_set.T).nnz == 0
    assert fuzzy_set.dtype == np.float32
    assert fuzzy_set.indices.dtype == np.int32
    assert fuzzy_set.data.min() > 0
    assert fuzzy_set.data.max() <= 1
    assert fuzzy_set.diagonal().max() == 0
    assert fuzzy_set.has_sorted_indices


def test_hubs_throw_nobody_out(case):
    graph = case.wide if case.wide.n > 200 else case.graph
    fuzzy_set = fuzzy_simplicial_set(graph)
    start = initial_layout(fuzzy_set, n_components=case.initial.shape[1], init="random", seed=case.seed)
    layout = Layout(fuzzy_set, start, LayoutParameters(100, *find_ab()), seed=case.seed)
    embedding = layout.run(100)
    distance = np.linalg.norm(embedding - np.median(embedding, axis=0), axis=1)
    assert distance.max() < 12 * np.median(distance)
