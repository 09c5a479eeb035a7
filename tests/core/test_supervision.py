from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from core import InputError, fuzzy_simplicial_set, knn_graph
from core.supervision import _intersection, supervise


@pytest.fixture(scope="module")
def fuzzy_set():
    x = np.random.default_rng(0).normal(size=(90, 4)).astype(np.float32)
    return fuzzy_simplicial_set(knn_graph(x, 8))


LABELS = np.arange(90) % 3


def connected(w: np.ndarray) -> np.ndarray:
    """Each row's strongest edge made 1, and both directions joined."""
    strongest = w.max(axis=1, keepdims=True)
    scaled = w / np.where(strongest > 0, strongest, 1)
    return scaled + scaled.T - scaled * scaled.T


@pytest.mark.parametrize("weight", [0.0, 0.5, 0.9, 1.0])
def test_edges_between_categories_are_weakened_as_the_formula_says(fuzzy_set, weight):
    w = fuzzy_set.toarray().astype(np.float64)
    far = np.exp(-2.5 / (1 - weight)) if weight < 1 else 0.0
    same = LABELS[:, None] == LABELS
    ours = supervise(fuzzy_set, LABELS, target_weight=weight).toarray()
    np.testing.assert_allclose(ours, connected(w * np.where(same, 1, far)), atol=1e-6)
    unknown = np.arange(90) % 5 == 0
    factor = np.where(unknown[:, None] | unknown, np.exp(-1), np.where(same, 1, far))
    ours = supervise(fuzzy_set, np.where(unknown, -1, LABELS), target_weight=weight).toarray()
    np.testing.assert_allclose(ours, connected(w * factor), atol=1e-6)


@pytest.mark.parametrize(("weight", "p", "q"), [(0.2, 1, 0.25), (0.5, 1, 1), (0.8, 0.25, 1), (1.0, 0, 1)])
def test_numbers_are_joined_as_the_formula_says(fuzzy_set, weight, p, q):
    numbers = np.random.default_rng(1).normal(size=(90, 1)).astype(np.float32)
    of_numbers = fuzzy_simplicial_set(knn_graph(numbers, 6)).toarray().astype(np.float64)
    w = fuzzy_set.toarray().astype(np.float64)
    edges = (w > 0) | (of_numbers > 0)
    one = np.where(w > 0, w, w[w > 0].min() / 2)
    other = np.where(of_numbers > 0, of_numbers, min(of_numbers[of_numbers > 0].min() / 2, 1e-4))
    ours = supervise(
        fuzzy_set, numbers[:, 0], target_metric="euclidean", target_weight=weight, target_n_neighbors=6
    ).toarray()
    np.testing.assert_allclose(ours, connected(np.where(edges, one**p * other**q, 0)), atol=1e-5)


@pytest.mark.parametrize("exponent", [-45, -100, -140])
def test_the_scale_of_numbers_changes_nothing(fuzzy_set, exponent):
    numbers = np.arange(90, dtype=np.float32)[:, None] ** 2 % 97
    of_numbers, of_small = (
        supervise(fuzzy_set, y, target_metric="euclidean", target_n_neighbors=6).toarray()
        for y in (numbers, np.ldexp(numbers, exponent))
    )
    np.testing.assert_allclose(of_small, of_numbers, atol=1e-6)


@pytest.mark.parametrize(
    ("weight", "of_one_alone", "of_the_other_alone"),
    [
        (0.2, [0.02500000037252903, 0.05000000074505806, 0.07500000298023224],
         [0.10511205345392227, 0.0994088426232338]),
        (0.5, [2.499999936844688e-05, 4.999999873689376e-05, 7.500000356230885e-05],
         [0.0625, 0.05000000074505806]),
        (0.8, [7.071068102959543e-05, 8.408963913097978e-05, 9.306048741564155e-05],
         [0.2973017692565918, 0.2378414273262024]),
    ],
)  # fmt: skip
def test_two_sets_are_joined_as_by_umap_learn(weight, of_one_alone, of_the_other_alone):
    """Values of umap_.general_simplicial_set_intersection of umap-learn 0.5.12."""
    one = np.array([[0, 1, 0.25, 0], [1, 0, 0, 0.5], [0.25, 0, 0, 0.75], [0, 0.5, 0.75, 0]])
    other = np.array([[0, 1, 0, 0.5], [1, 0, 0.4, 0], [0, 0.4, 0, 0], [0.5, 0, 0, 0]])
    joined = _intersection(*(csr_array(s.astype(np.float32)) for s in (one, other)), weight).toarray()
    np.testing.assert_array_equal(joined, joined.T)
    np.testing.assert_allclose(joined[[0, 1, 2], [2, 3, 3]], of_one_alone, rtol=1e-6)
    np.testing.assert_allclose(joined[[0, 1], [3, 2]], of_the_other_alone, rtol=1e-6)
    assert joined[0, 1] == 1


def test_unknown_labels_are_minus_one_nan_or_none_alike(fuzzy_set):
    known = LABELS > 0
    expected = supervise(fuzzy_set, np.where(known, LABELS, -1))
    for target in (
        np.where(known, LABELS, np.nan),
        np.where(known, np.array(["none", "one", "two"], object)[LABELS], None),
        np.where(known, LABELS, -1).astype(np.float32)[:, None],
        np.where(known, LABELS, None).tolist(),
        [("one", "two")[label - 1] if label else -1 for label in LABELS],
        [("one", "two")[label - 1] if label else np.nan for label in LABELS],
        pd.Series(LABELS, dtype="Int64").where(known),
        np.array([pd.NA, "one", "two"], object)[LABELS],
    ):
        assert (supervise(fuzzy_set, target) != expected).nnz == 0
    assert (supervise(fuzzy_set, np.array(["a", "b", "c"])[LABELS]) != supervise(fuzzy_set, LABELS)).nnz == 0


@pytest.mark.parametrize("metric", ["categorical", "euclidean"])
def test_a_graph_without_edges_is_supervised(metric):
    nothing = csr_array((90, 90), dtype=np.float32)
    ours = supervise(nothing, np.arange(90) % 7, target_metric=metric, target_n_neighbors=5)
    assert ours.shape == (90, 90)
    assert np.isfinite(ours.data).all()


@pytest.mark.parametrize(
    ("target", "keywords", "sentence"),
    [
        (LABELS[:-1], {}, "y has 89 values for 90 rows"),
        (3, {}, "y has 1 values for 90 rows"),
        ([[0], *([label, label] for label in LABELS[1:])], {}, "y must hold as many values for each row"),
        (np.column_stack([LABELS, LABELS]), {}, r"one label for each row .* got shape \(90, 2\)"),
        (np.array([1, "a", (2,)], object)[LABELS], {}, "labels in y must be of one kind"),
        (
            np.array(["a", "b", "c"])[LABELS],
            {"target_metric": "l2"},
            "y must be numbers for target_metric='l2'",
        ),
        (np.where(LABELS, LABELS, np.nan), {"target_metric": "l2"}, "Row 0 of y is not finite"),
        (LABELS, {"target_metric": "no such"}, "target_metric 'no such' is unknown"),
        (LABELS, {"target_metric": ["l2"]}, r"target_metric must be the name of a metric .* got \['l2'\]"),
        (
            LABELS,
            {"target_metric": "l2", "target_metric_kwds": {"p": 3}},
            "target_metric 'l2' has no parameter",
        ),
        (LABELS, {"target_metric": "l2", "target_metric_kwds": "p"}, "target_metric_kwds must be a mapping"),
        (LABELS, {"target_metric": "mahalanobis"}, "give it in target_metric_kwds"),
        (
            LABELS,
            {"target_metric": "l2", "target_n_neighbors": 1},
            "target_n_neighbors must be .* at least 2",
        ),
        (LABELS, {"target_weight": 2}, "target_weight must be a number at least 0 and at most 1, got 2"),
    ],
)
def test_bad_targets_are_named(fuzzy_set, target, keywords, sentence):
    with pytest.raises(InputError, match=sentence):
        supervise(fuzzy_set, target, **keywords)
