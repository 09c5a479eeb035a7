"""What data a fit takes, and the sentence for what it does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from core import UMAP, InputError, KnnGraph, knn_graph, knn_recall


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 100, size=(80, 5)).astype(np.float32)


def fit(x: np.ndarray, y: np.ndarray | None = None, **keywords: object) -> np.ndarray:
    settings = {"n_neighbors": 5, "n_epochs": 5, "random_state": 0, **keywords}
    embedding: np.ndarray = UMAP(**settings).fit_transform(x, y)
    return embedding


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int64, np.uint8, object])
def test_any_numbers_are_mapped_alike(x, dtype):
    np.testing.assert_array_equal(fit(x.astype(dtype)), fit(x))


def test_any_memory_is_mapped_alike(x, tmp_path: Path):
    expected = fit(x)
    np.save(tmp_path / "x.npy", x)
    frozen = x.copy()
    frozen.setflags(write=False)
    for same in (
        np.asfortranarray(x),
        np.repeat(x, 2, axis=1)[:, ::2],
        np.load(tmp_path / "x.npy", mmap_mode="r"),
        frozen,
        x.tolist(),
    ):
        np.testing.assert_array_equal(fit(same), expected)


@pytest.mark.parametrize("keywords", [{"metric": "cosine"}, {"metric": "correlation"}, {"init": "pca"}])
def test_a_frame_whose_columns_lie_one_after_the_other_is_mapped_as_its_rows(keywords):
    x = np.random.default_rng(0).normal(1, 1, (80, 150)).astype(np.float32)
    frame = pd.DataFrame({f"column {c}": column for c, column in enumerate(x.T)})
    assert frame.to_numpy().flags.f_contiguous
    model = UMAP(5, n_epochs=5, random_state=0, **keywords).fit(frame)
    np.testing.assert_array_equal(model.embedding_, fit(x, **keywords))
    new = frame + 1
    places = model.transform(new)
    for row in range(10):
        np.testing.assert_array_equal(model.transform(new.iloc[row : row + 1]), places[row : row + 1])


def test_a_graph_may_be_read_only_and_on_disk(x, tmp_path: Path):
    graph = knn_graph(x, 5)
    np.save(tmp_path / "indices.npy", graph.indices)
    np.save(tmp_path / "distances.npy", graph.distances)
    mapped = KnnGraph(*(np.load(tmp_path / f"{a}.npy", mmap_mode="r") for a in ("indices", "distances")))
    np.testing.assert_array_equal(fit(x, precomputed_knn=mapped), fit(x))


@pytest.mark.parametrize("n", [2, 3, 10])
@pytest.mark.parametrize("n_components", [1, 2, 12])
def test_tables_of_few_rows_are_mapped_even_into_more_dimensions(x, n, n_components):
    embedding = fit(x[:n], n_neighbors=2, n_components=n_components)
    assert embedding.shape == (n, n_components)
    assert np.isfinite(embedding).all()


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation", "manhattan"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_data_are_mapped(metric, value):
    assert np.isfinite(fit(np.full((50, 4), value), metric=metric)).all()
    assert np.isfinite(fit(np.full((50, 4), value), metric=metric, init="random", densmap=True)).all()


def test_equal_rows_that_are_to_be_one_point_are_refused():
    with pytest.raises(InputError, match="All rows are equal"):
        fit(np.ones((50, 4)), unique=True)


def test_rows_of_a_sparse_table_may_be_empty(x):
    sparse = sp.lil_array(sp.random(80, 30, 0.1, rng=np.random.default_rng(0)))
    sparse[5:8] = 0
    for metric in ("euclidean", "cosine"):
        expected = fit(sp.csr_array(sparse), metric=metric)
        assert np.isfinite(expected).all()
        for same in (sp.csc_array(sparse), sp.coo_array(sparse), sp.csr_matrix(sparse)):
            np.testing.assert_array_equal(fit(same, metric=metric), expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_a_value_that_is_not_finite_is_named_with_its_place(x, bad):
    wrong = x.astype(np.float64)
    wrong[3, 2] = bad
    model = UMAP(5, n_epochs=2, random_state=0).fit(x)
    for refuse in (fit, model.transform, lambda w: fit(sp.csr_array(w))):
        with pytest.raises(InputError, match="Row 3, column 2 of the vectors is"):
            refuse(wrong)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "correlation"])
def test_values_whose_distances_exceed_float32_are_refused(x, metric):
    model = UMAP(5, n_epochs=2, random_state=0, metric=metric).fit(x)
    for refuse in (lambda w: fit(w, metric=metric), model.transform):
        with pytest.raises(InputError, match=r"as large as 1e\+30, .* scale them to at most 4\.1e\+18"):
            refuse(np.where(np.arange(80)[:, None] == 4, 1e30, x))
    assert np.isfinite(fit(x * np.float32(1e16), metric=metric)).all()


def test_values_whose_distances_vanish_in_float32_are_refused(x):
    sentence = r"no value larger than 9\.9e-24, .* so that the largest is at least 9\.1e-13"
    graph = knn_graph(x, 5)
    for refuse in (lambda w: fit(w), lambda w: knn_graph(w, 5), lambda w: knn_recall(w, graph)):
        with pytest.raises(InputError, match=sentence):
            refuse(x * np.float32(1e-25))


def test_small_values_that_float32_tells_apart_are_mapped_as_large_ones(x):
    """By a power of two, which changes no bit but the exponents'."""
    tiny = np.ldexp(x, -46)
    assert 2.0**-40 < tiny.max() < 2.0**-39
    model, small = (UMAP(5, n_epochs=5, random_state=0).fit(data) for data in (x, tiny))
    np.testing.assert_array_equal(small.knn_graph_.indices, model.knn_graph_.indices)
    np.testing.assert_array_equal(small.knn_graph_.distances, np.ldexp(model.knn_graph_.distances, -46))
    np.testing.assert_array_equal(small.embedding_, model.embedding_)
    # New rows may be near 0, whatever the scale of the old ones.
    np.testing.assert_array_equal(model.transform(x * np.float32(1e-25)), model.transform(0 * x))


@pytest.mark.parametrize("metric", ["cosine", "correlation", "true_angular"])
def test_angles_are_those_of_the_rows_whatever_their_scale(x, metric):
    expected = knn_graph(x, 5, metric=metric)
    exponents = np.random.default_rng(0).integers(-110, 10, 80)[:, None]
    graph = knn_graph(np.ldexp(x, exponents), 5, metric=metric)
    np.testing.assert_array_equal(graph.indices, expected.indices)
    np.testing.assert_allclose(graph.distances, expected.distances, atol=1e-6)


def test_few_precomputed_distances_leave_some_points_without_a_place(x):
    stored = sp.csr_array(([1.0, 1.0, 2.0, 2.0], ([0, 1, 1, 2], [1, 0, 2, 1])), shape=(5, 5))
    with pytest.warns(UserWarning, match="2 points have no neighbours"):
        embedding = fit(stored, metric="precomputed", n_neighbors=3)
    np.testing.assert_array_equal(np.isfinite(embedding).all(axis=1), [True, True, True, False, False])
    with pytest.raises(InputError, match=r"square, got shape \(80, 5\)"):
        fit(x, metric="precomputed")


def test_a_map_without_any_place_has_no_radii_and_no_way_back(x):
    model = UMAP(5, n_epochs=2, disconnection_distance=1e-6, output_dens=True, random_state=0)
    with pytest.warns(UserWarning, match="80 points have no neighbours"):
        model.fit(x)
    assert np.isnan(model.rad_emb_).all()
    with pytest.raises(InputError, match="No point of the map has a place"):
        model.inverse_transform([[0.0, 0.0]])
    with pytest.raises(InputError, match="No point of the map has a place, so new points"):
        model.transform(x[:3] + 1)


@pytest.mark.parametrize("metric", ["haversine", "hamming", "jaccard"])
def test_values_of_other_kinds_are_mapped_and_placed(metric):
    rng = np.random.default_rng(0)
    # All rows of truths share the first: with nothing in common two rows are no neighbours.
    truths = (rng.uniform(size=(80, 12)) < 0.4) | (np.arange(12) == 0)
    x = rng.uniform(-1.5, 1.5, (80, 2)) if metric == "haversine" else truths
    model = UMAP(5, n_epochs=5, metric=metric, random_state=0).fit(x[:70])
    assert np.isfinite(model.embedding_).all()
    assert np.isfinite(model.transform(x[70:])).all()


def test_rows_of_packed_bits_that_share_little_are_neighbours_and_one_that_shares_nothing_is_lost():
    """bit_jaccard is -log(similarity): 1 is no bound of it."""
    # Any two of the first eight share two bits of six.
    rows = np.zeros((9, 10), np.uint8)
    rows[:8, 0] = rows[np.arange(8), np.arange(1, 9)] = 3
    rows[8, 9] = 1
    model = UMAP(3, n_epochs=2, metric="bit_jaccard", random_state=0)
    with pytest.warns(UserWarning, match="1 points have no neighbours"):
        model.fit(rows)
    np.testing.assert_allclose(model.knn_graph_.distances[:8], np.log(3), rtol=1e-6)
    np.testing.assert_array_equal(np.isfinite(model.embedding_).all(axis=1), np.arange(9) < 8)
    assert np.isfinite(model.transform(rows[:8] | (rows[:8] << 2))).all()


def test_a_callback_may_stop_after_the_first_epoch(x):
    model = UMAP(5, n_epochs=50, random_state=0, callback=lambda *_: True).fit(x)
    assert model.n_epochs_ == 1
    assert np.isfinite(model.embedding_).all()
