from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from core import (
    UMAP,
    Density,
    InputError,
    KnnGraph,
    Layout,
    LayoutParameters,
    find_ab,
    fuzzy_simplicial_set,
    initial_layout,
    knn_graph,
    local_radii,
)
from core.density import DensityTerm, map_radii
from core.forces import TABLE_SIZE
from core.kernels import advance
from core.threads import for_rows
from tests.core.conftest import THREADS

PARAMETERS = LayoutParameters(40, *find_ab())


def dense_and_sparse() -> tuple[np.ndarray, np.ndarray]:
    """Six clouds of 300 points, each twice as wide as the one before, and their widths."""
    rng = np.random.default_rng(0)
    widths = np.repeat(2.0 ** np.arange(6), 300)
    centres = np.repeat(200 * np.eye(6, 8), 300, axis=0)
    return (centres + rng.normal(size=(1800, 8)) * widths[:, None]).astype(np.float32), widths


@pytest.fixture(scope="module")
def clouds() -> np.ndarray:
    return dense_and_sparse()[0]


def test_a_radius_is_the_weighted_mean_of_squared_distances():
    # Three points in a row at 0, 1 and 3; the two ends know the middle alone.
    graph = KnnGraph(np.array([[1, -1], [0, 2], [1, -1]]), np.array([[1, np.inf], [1, 2], [2, np.inf]]))
    fuzzy_set = fuzzy_simplicial_set(graph)
    w = fuzzy_set.toarray()
    middle = (w[1, 0] * 1 + w[1, 2] * 4) / (w[1, 0] + w[1, 2])
    np.testing.assert_allclose(local_radii(fuzzy_set, graph), np.log([1, middle, 4]), atol=1e-6)


def test_a_point_alone_has_no_radius_and_disturbs_none():
    graph = KnnGraph(
        np.array([[1, 2], [0, 2], [1, 0], [-1, -1]]), np.array([[1, 2], [1, 3], [3, 4], [np.inf] * 2])
    )
    fuzzy_set = fuzzy_simplicial_set(graph)
    radii = local_radii(fuzzy_set, graph)
    assert np.isnan(radii[3])
    initial = np.array([[0, 0], [1, 0], [0, 2], [5, 5]], np.float32)
    assert np.isfinite(Layout(fuzzy_set, initial, PARAMETERS, density=Density(radii)).run(40)).all()


def test_radii_that_are_all_the_same_move_nothing():
    """Without edges all radii on the map are the same: there is no correlation to raise."""
    nothing, parameters = csr_array((4, 4), dtype=np.float32), LayoutParameters(3, *find_ab())
    initial = np.array([[0, 0], [1, 0], [0, 2], [5, 5]], np.float32)
    density = Density(np.arange(4.0), dens_frac=1, dens_var_shift=0)
    layout = Layout(nothing, initial, parameters, density=density)
    np.testing.assert_array_equal(layout.run(3), Layout(nothing, initial, parameters).run(3))


def test_wide_clouds_are_wide_on_the_map_too():
    x, widths = dense_and_sparse()
    spreads = {}
    for densmap in (False, True):
        model = UMAP(densmap=densmap, random_state=0, n_epochs=200).fit(x)
        spreads[densmap] = [model.embedding_[widths == w].std(axis=0).mean() for w in np.unique(widths)]
    assert np.all(np.diff(spreads[True]) > 0)
    assert spreads[True][-1] > 4 * spreads[True][0]
    assert spreads[False][-1] < 2 * spreads[False][0]


def test_both_radii_are_returned_when_asked_for(clouds):
    embedding, in_data, on_map = UMAP(
        densmap=True, output_dens=True, random_state=0, n_epochs=200
    ).fit_transform(clouds)
    assert embedding.shape == (1800, 2)
    assert np.corrcoef(in_data, on_map)[0, 1] > 0.85
    plain = UMAP(output_dens=True, random_state=0, n_epochs=200).fit(clouds)
    np.testing.assert_array_equal(plain.rad_orig_, in_data)
    assert np.corrcoef(plain.rad_orig_, plain.rad_emb_)[0, 1] < 0.5


def test_equal_rows_share_their_radius_and_points_alone_have_none(clouds):
    x = np.concatenate([clouds[:200], clouds[:50], clouds[:1] + 10_000])
    model = UMAP(
        densmap=True, output_dens=True, unique=True, disconnection_distance=1000, n_epochs=5, random_state=0
    )
    with pytest.warns(UserWarning, match="1 points have no neighbours"):
        model.fit(x)
    np.testing.assert_array_equal(model.rad_orig_[:50], model.rad_orig_[200:250])
    np.testing.assert_array_equal(model.rad_emb_[:50], model.rad_emb_[200:250])
    assert np.isnan([model.rad_orig_[-1], model.rad_emb_[-1]]).all()


@pytest.mark.parametrize(("seed", "n_components"), [(0, 2), (1, 3)])
def test_the_laws_of_the_layout_hold_with_density(data, seed, n_components):
    graph = knn_graph(data, 10, seed=seed)
    fuzzy_set = fuzzy_simplicial_set(graph)
    initial = initial_layout(fuzzy_set, n_components=n_components, seed=seed)
    density = Density(local_radii(fuzzy_set, graph))
    runs = [Layout(fuzzy_set, initial, PARAMETERS, density=density, seed=seed, n_threads=n) for n in THREADS]
    straight = runs[0].run(40)
    assert np.isfinite(straight).all()
    for run in runs[1:]:
        np.testing.assert_array_equal(run.run(40), straight)
    paused = Layout(fuzzy_set, initial, PARAMETERS, density=density, seed=seed)
    paused.run(33)
    restored = Layout.restore(
        fuzzy_set, initial, PARAMETERS, paused.checkpoint(), density=density, seed=seed, n_threads=1
    )
    np.testing.assert_array_equal(restored.run(40), straight)
    without = Layout(fuzzy_set, initial, PARAMETERS, seed=seed)
    # Where all points are equally dense there is nothing to keep.
    assert np.array_equal(without.run(40), straight) == (np.ptp(density.radii) == 0 and n_components != 2)
    other = LayoutParameters(40, *find_ab())
    np.testing.assert_array_equal(
        Layout(fuzzy_set, initial, other, density=Density(density.radii, dens_lambda=0), seed=seed).run(40),
        without.embedding,
    )


def test_a_step_follows_the_gradient_of_the_correlation():
    """Against finite differences of ``cov(r, R) / std(r)``, worked in float64."""
    n, a, b, shift, step, n_edges, alpha = 120, 1.5, 0.9, 0.1, 1e-5, 50.0, 1e-4
    rng = np.random.default_rng(0)
    positions, radii = rng.normal(size=(n, 2)).astype(np.float32), rng.normal(size=n)
    near = rng.uniform(size=(n, n)) < 0.1
    edges = csr_array(near | near.T)
    edges.setdiag(0)
    edges.eliminate_zeros()
    heads = np.repeat(np.arange(n), np.diff(edges.indptr))
    indptr, tails = edges.indptr.astype(np.int64), edges.indices.astype(np.int32)

    def correlation(y: np.ndarray) -> float:
        d2 = ((y[heads] - y[tails]) ** 2).sum(axis=1)
        z = 1 / (1 + a * d2**b)
        on_map = np.log(1e-8 + np.bincount(heads, z * d2) / np.bincount(heads, z))
        standard = (radii - radii.mean()) / radii.std()
        return float(np.cov(on_map, standard, ddof=0)[0, 1] / np.sqrt(on_map.var() + shift))

    expected = np.empty((n, 2))
    for place in np.ndindex(n, 2):
        away = np.zeros((n, 2))
        away[place] = step
        expected[place] = (correlation(positions + away) - correlation(positions - away)) / (2 * step)
    term = DensityTerm(Density(radii, dens_lambda=1.0, dens_var_shift=shift), n_edges)
    density = term.at(positions, indptr, tails, a, b, 1)
    target, pool, nowhere = np.empty_like(positions), np.zeros((2, 2048), np.float32), np.zeros(TABLE_SIZE)
    certain = np.full(len(tails), 65535, np.uint16)  # each edge fires twice
    for_rows(
        advance, n, indptr, tails, certain, positions, target, pool, np.uint64(0), 0, 0, np.float32(alpha),
        nowhere.astype(np.float32), np.float32(a), np.float32(b), np.float32(1), 0, density,
    )  # fmt: skip
    moved = (target.astype(np.float64) - positions) / (2 * alpha * n_edges)
    np.testing.assert_allclose(moved, expected, atol=0.03 * np.abs(expected).max())


def test_density_counts_in_the_last_epochs_only(clouds):
    graph = knn_graph(clouds, 10)
    fuzzy_set = fuzzy_simplicial_set(graph)
    initial = initial_layout(fuzzy_set)
    with_it = Layout(fuzzy_set, initial, PARAMETERS, density=Density(local_radii(fuzzy_set, graph)))
    without = Layout(fuzzy_set, initial, PARAMETERS)
    np.testing.assert_array_equal(with_it.run(28), without.run(28))
    assert not np.array_equal(with_it.run(29), without.run(29))


def test_radii_on_a_map_are_those_of_its_distances():
    embedding = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    radii = map_radii(embedding, 10)
    np.testing.assert_allclose(map_radii(3 * embedding, 10), radii + np.log(9), atol=1e-3)
    apart = np.concatenate([embedding, np.full((1, 2), np.nan, np.float32)])
    np.testing.assert_array_equal(map_radii(apart, 10)[:-1], radii)


@pytest.mark.parametrize("keywords", [{"dens_lambda": -1}, {"dens_frac": 2}, {"dens_var_shift": -0.1}])
def test_a_parameter_out_of_range_is_named(clouds, keywords):
    with pytest.raises(InputError, match=next(iter(keywords))):
        Density(np.zeros(3), **keywords)
    with pytest.raises(InputError, match=next(iter(keywords))):
        UMAP(densmap=True, **keywords).fit(clouds)


def test_radii_of_other_points_are_refused(clouds):
    fuzzy_set = fuzzy_simplicial_set(knn_graph(clouds, 5))
    with pytest.raises(InputError, match="3 radii, the layout 1800 points"):
        Layout(fuzzy_set, initial_layout(fuzzy_set), PARAMETERS, density=Density(np.zeros(3)))
