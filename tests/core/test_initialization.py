from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh

from core import InputError, fuzzy_simplicial_set, initial_layout, knn_graph
from core.spectral import COARSEST, spectral_layout
from tests.core.conftest import THREADS, two_components


@pytest.mark.parametrize("init", ["spectral", "pca", "random"])
@pytest.mark.parametrize("n_components", [1, 2, 5])
def test_a_layout_spans_ten_units(digits, digits_set, init, n_components):
    layout = initial_layout(digits_set, n_components=n_components, init=init, vectors=digits)
    assert layout.shape == (len(digits), n_components)
    assert layout.dtype == np.float32
    np.testing.assert_allclose(np.ptp(layout, axis=0), 10, atol=0.05)


def test_the_spectral_layout_spans_the_leading_eigenvectors(digits_set):
    w = digits_set.toarray().astype(np.float64)
    root = np.sqrt(w.sum(1))
    exact = np.linalg.eigh(w / np.outer(root, root))[1][:, [-2, -3]]
    ours = np.linalg.qr(spectral_layout(digits_set).astype(np.float64))[0]
    cosines = np.linalg.svd(exact.T @ ours, compute_uv=False)
    assert cosines.min() > 0.98


def test_a_layout_is_identical_for_any_thread_count(data):
    fuzzy_set = fuzzy_simplicial_set(knn_graph(data, 10))
    layouts = [initial_layout(fuzzy_set, n_threads=n) for n in THREADS]
    for layout in layouts[1:]:
        np.testing.assert_array_equal(layout, layouts[0])


def test_components_are_laid_out_apart():
    fuzzy_set = fuzzy_simplicial_set(knn_graph(two_components(), 10))
    layout = initial_layout(fuzzy_set)
    one, other = layout[:700], layout[700:]
    apart = (one.max(0) < other.min(0)) | (other.max(0) < one.min(0))
    assert apart.any()
    assert np.prod(np.ptp(one, axis=0)) > np.prod(np.ptp(other, axis=0))


def test_many_small_components_have_places_of_their_own():
    blocks = [np.ones((size, size)) - np.eye(size) for size in (40, 3, 2, 1, 1, 5)]
    layout = initial_layout(sp.csr_array(sp.block_diag(blocks), dtype=np.float32), n_components=2)
    assert np.isfinite(layout).all()
    starts = np.cumsum([0, 40, 3, 2, 1, 1, 5])
    centres = np.array([layout[a:b].mean(0) for a, b in itertools.pairwise(starts)])
    gaps = np.linalg.norm(centres[:, None] - centres[None], axis=-1)[np.triu_indices(6, 1)]
    assert gaps.min() > 0.1


def test_components_do_not_overlap_on_a_line():
    blocks = [np.ones((size, size)) - np.eye(size) for size in (40, 40, 40, 40, 9, 9)]
    layout = initial_layout(sp.csr_array(sp.block_diag(blocks), dtype=np.float32), n_components=1)[:, 0]
    starts = np.cumsum([0, 40, 40, 40, 40, 9, 9])
    intervals = sorted((layout[a:b].min(), layout[a:b].max()) for a, b in itertools.pairwise(starts))
    assert all(one[1] < other[0] for one, other in itertools.pairwise(intervals))


def test_a_graph_without_edges_is_laid_out():
    for n in (1, 3):
        layout = initial_layout(sp.csr_array((n, n), dtype=np.float32))
        assert layout.shape == (n, 2)
        assert np.isfinite(layout).all()


def test_a_given_layout_is_scaled_and_kept(digits_set):
    given = np.random.default_rng(0).normal(size=(digits_set.shape[0], 2))
    layout = initial_layout(digits_set, init=given)
    expected = 10 * (given - given.min(0)) / np.ptp(given, axis=0)
    np.testing.assert_allclose(layout, expected, atol=1e-3)


def test_points_without_a_place_on_a_given_layout_start_among_the_others(digits_set):
    given = np.random.default_rng(0).normal(size=(digits_set.shape[0], 2))
    given[[3, 50, 51]] = np.nan
    layout = initial_layout(digits_set, init=given, seed=1)
    np.testing.assert_array_equal(layout, initial_layout(digits_set, init=given.tolist(), seed=1))
    placed = np.isfinite(given[:, 0])
    expected = 10 * (given - given[placed].min(axis=0)) / np.ptp(given[placed], axis=0)
    np.testing.assert_allclose(layout[placed], expected[placed], atol=1e-3)
    lost = layout[~placed]
    assert ((lost > -0.001) & (lost < 10.001)).all()
    assert len(np.unique(lost, axis=0)) == 3
    assert not np.array_equal(lost, initial_layout(digits_set, init=given, seed=2)[~placed])


def test_seeds_differ_and_repeat(digits_set):
    one, two = initial_layout(digits_set, seed=1), initial_layout(digits_set, seed=2)
    np.testing.assert_array_equal(one, initial_layout(digits_set, seed=1))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize(
    ("init", "sentence"),
    [("spectrum", "'spectral', 'pca'"), ("pca", "needs the vectors"), (np.ones((3, 2)), "one row a point")],
)
def test_bad_starts_are_named(digits_set, init, sentence):
    with pytest.raises(InputError, match=sentence):
        initial_layout(digits_set, init=init)


@pytest.fixture(scope="module")
def large_set():
    """More points than a coarsest graph has: 24 clouds of 500, in rings that touch."""
    rng = np.random.default_rng(0)
    angles = np.repeat(np.arange(24) * np.pi / 12, 500)
    centres = np.column_stack([np.cos(angles), np.sin(angles)]) * 6
    return fuzzy_simplicial_set(knn_graph((centres + rng.normal(size=centres.shape)).astype(np.float32), 15))


def test_a_coarse_graph_leads_to_the_eigenvectors_of_the_fine_one(large_set):
    root = np.sqrt(large_set.sum(axis=1))
    scale = sp.diags_array(1 / root)
    start = np.random.default_rng(0).normal(size=large_set.shape[0])
    exact = eigsh(scale @ large_set.astype(np.float64) @ scale, k=3, which="LA", v0=start)[1]
    ours = np.linalg.qr(spectral_layout(large_set).astype(np.float64))[0]
    assert large_set.shape[0] > COARSEST
    assert np.linalg.svd(exact[:, :2].T @ ours, compute_uv=False).min() > 0.98


def test_a_layout_of_many_points_is_identical_for_any_thread_count(large_set):
    layouts = [initial_layout(large_set, n_threads=n) for n in THREADS]
    for layout in layouts[1:]:
        np.testing.assert_array_equal(layout, layouts[0])


def test_a_layout_has_at_least_one_dimension(digits_set):
    with pytest.raises(InputError, match="n_components must be a whole number at least 1, got 0"):
        initial_layout(digits_set, n_components=0)
