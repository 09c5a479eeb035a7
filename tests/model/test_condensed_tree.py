"""The condensed tree beside the libraries' own, and the laws of cutting, splitting and drawing it."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from explorer.model import condensed_tree
from explorer.model.clusters import grouped
from explorer.model.condensed_tree import (
    CondensedTree,
    below,
    condense,
    cut,
    labels,
    largest_first,
    merge,
    persistence,
    probabilities,
    rows,
    select,
    split,
)
from explorer.model.errors import InputError
from explorer.model.icicle import STEPS, icicle
from explorer.model.linkage import linked, single_linkage, spanning_tree

LEAST = 12


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Heaps within heaps, and a scatter: float32 (1500, 2)."""
    rng = np.random.default_rng(3)
    centres = rng.uniform(-40, 40, size=(6, 2))
    inner = centres[rng.integers(6, size=30)] + rng.normal(scale=4, size=(30, 2))
    heaps = inner[rng.integers(30, size=1400)] + rng.normal(scale=0.5, size=(1400, 2))
    return np.concatenate([heaps, rng.uniform(-50, 50, size=(100, 2))]).astype(np.float32)


def library(points: np.ndarray, **parameters: Any) -> Any:
    """What hdbscan finds, of an exact spanning tree."""
    from hdbscan import HDBSCAN

    exact = {"approx_min_span_tree": False, "core_dist_n_jobs": 1}
    model = HDBSCAN(min_cluster_size=LEAST, min_samples=5, **exact, **parameters)
    return model.fit(points.astype(np.float64))


@pytest.fixture(scope="module")
def theirs(points: np.ndarray) -> Any:
    return library(points)


@pytest.fixture(scope="module")
def tree(theirs: Any) -> CondensedTree:
    merges = theirs.single_linkage_tree_.to_numpy()
    return condense(merges[:, 0].astype(np.int32), merges[:, 1].astype(np.int32), merges[:, 2].copy(), LEAST)


def test_it_is_the_librarys_tree(tree: CondensedTree, theirs: Any) -> None:
    told = theirs.condensed_tree_.to_numpy()
    single = told["child"] < tree.n
    at = np.empty(tree.n)
    at[told["child"][single]] = told["lambda_val"][single]
    np.testing.assert_array_equal(tree.leaves_at, at)
    branches = told[~single]
    ours = sorted(zip(tree.birth[1:].tolist(), tree.size[1:].tolist(), strict=True))
    assert ours == sorted(zip(branches["lambda_val"].tolist(), branches["child_size"].tolist(), strict=True))
    parent, child, level, size = tree.edges()
    assert len(parent) == len(child) == len(level) == len(size) == len(told)
    np.testing.assert_array_equal(np.sort(child), np.sort(told["child"]))


@pytest.mark.parametrize("selection", ["eom", "leaf"])
@pytest.mark.parametrize("epsilon", [0.0, 0.7, 2.5])
def test_the_labels_of_a_rule_are_the_librarys(
    tree: CondensedTree, points: np.ndarray, selection: str, epsilon: float
) -> None:
    model = library(points, cluster_selection_method=selection, cluster_selection_epsilon=epsilon)
    found, branches = labels(tree, select(tree, selection, epsilon))
    assert len(branches) > 2
    np.testing.assert_array_equal(found, largest_first(model.labels_))
    np.testing.assert_allclose(probabilities(tree, found, branches), model.probabilities_, rtol=1e-6)
    if epsilon == 0:
        theirs = [int(model.labels_[found == cluster][0]) for cluster in range(len(branches))]
        lasting = np.array(model.cluster_persistence_)[theirs]
        np.testing.assert_allclose(persistence(tree, branches), lasting, rtol=1e-5)


def test_by_its_own_spanning_tree_the_other_library_gives_the_same_labels(points: np.ndarray) -> None:
    from fast_hdbscan import HDBSCAN
    from fast_hdbscan.hdbscan import compute_minimum_spanning_tree

    exact = compute_minimum_spanning_tree(points, min_samples=5)[0]
    ours = condense(*linked(exact).values(), LEAST)
    for selection in condensed_tree.SELECTIONS:
        model = HDBSCAN(min_cluster_size=LEAST, min_samples=5, cluster_selection_method=selection)
        found, _ = labels(ours, select(ours, selection))
        np.testing.assert_array_equal(found, largest_first(model.fit_predict(points)))
    length = exact[:, 2].sum()
    assert (1 - 1e-5) * length <= spanning_tree(points, 5)[:, 2].sum() < 1.02 * length


def test_the_librarys_defaults_give_the_same_tree_and_clusters_but_for_ties(points: np.ndarray) -> None:
    from hdbscan import HDBSCAN

    ours = condense(*single_linkage(points, 5).values(), LEAST)
    model = HDBSCAN(min_cluster_size=LEAST, min_samples=5, core_dist_n_jobs=1, gen_min_span_tree=True)
    model.fit(points.astype(np.float64))
    theirs = np.sort(model.minimum_spanning_tree_.to_numpy()[:, 2])
    np.testing.assert_allclose(np.sort(spanning_tree(points, 5)[:, 2]), theirs, rtol=1e-12)
    # Of edges of one length, of which there are many, the library joins any first.
    found, _ = labels(ours, select(ours))
    assert adjusted_rand_score(found, model.labels_) > 0.99
    assert (found == -1).sum() == (model.labels_ == -1).sum()


def test_a_cut_gives_the_clusters_of_dbscan(tree: CondensedTree, theirs: Any) -> None:
    births = np.unique(tree.birth[1:])
    for low, high in zip(births[:-1:3], births[1::3], strict=False):
        level = (low + high) / 2
        found, branches = labels(tree, cut(tree, level), level)
        expected = theirs.single_linkage_tree_.get_clusters(1 / level, min_cluster_size=LEAST)
        np.testing.assert_array_equal(found, largest_first(expected))
        assert len(branches) == found.max() + 1


def test_a_cut_leaves_a_branch_as_persistent_as_it_is(tree: CondensedTree) -> None:
    for level in np.quantile(tree.leaves_at, [0.5, 0.9, 0.99]):
        clusters = grouped(tree, cut(tree, level), "hdbscan", level)
        branches = clusters.branches
        assert (clusters.sizes < tree.size[branches]).any()
        longest = (tree.leaves_at.max() - tree.birth[branches]) / tree.leaves_at.max()
        assert (clusters.persistence <= longest + 1e-6).all()
        whole = grouped(tree, branches.tolist(), "hdbscan")
        order = [whole.branches.tolist().index(branch) for branch in branches.tolist()]
        np.testing.assert_array_equal(clusters.persistence, whole.persistence[order])


def test_a_branch_is_its_children_and_what_falls_out_of_it(tree: CondensedTree) -> None:
    assert tree.size[0] == tree.n
    for branch in range(tree.count):
        falls = np.flatnonzero(tree.branch == branch)
        parts = [rows(tree, child) for child in tree.children[branch]]
        np.testing.assert_array_equal(np.sort(np.concatenate([falls, *parts])), rows(tree, branch))
        assert len(rows(tree, branch)) == tree.size[branch]
        assert len(parts) in (0, 2)
        assert (tree.birth[below(tree, branch)] >= tree.birth[branch]).all()
    assert (tree.parent[1:] < np.arange(1, tree.count)).all()


def test_to_split_and_to_merge_again_changes_nothing(tree: CondensedTree) -> None:
    level = float(np.quantile(tree.birth[1:], 0.3))
    chosen = cut(tree, level)
    parting = [branch for branch in chosen if tree.children[branch]]
    assert parting
    for branch in parting:
        finer = split(tree, chosen, branch)
        assert len(finer) == len(chosen) + 1
        assert merge(tree, finer, branch) == chosen
        fine, coarse = labels(tree, finer)[0], labels(tree, chosen)[0]
        # Only rows that fall out of the branch before it parts become noise.
        assert set(np.flatnonzero((fine < 0) & (coarse >= 0))) == set(np.flatnonzero(tree.branch == branch))
    whole = merge(tree, chosen, 0)
    assert whole == (0,)
    assert (labels(tree, whole)[0] == 0).all()


def test_what_cannot_be_split_or_merged_is_told(tree: CondensedTree) -> None:
    leaf = next(branch for branch in range(tree.count) if not tree.children[branch])
    above = int(tree.parent[leaf])
    with pytest.raises(InputError, match="does not part any further"):
        split(tree, (leaf,), leaf)
    with pytest.raises(InputError, match="Only a cluster can be split"):
        split(tree, (leaf,), above)
    with pytest.raises(InputError, match="is one cluster already"):
        merge(tree, (above,), leaf)


def test_points_that_lie_together_have_a_finite_density() -> None:
    twice = np.repeat(np.random.default_rng(0).normal(size=(60, 2)), 6, axis=0).astype(np.float32)
    tree = condense(*single_linkage(twice, 3).values(), 5)
    assert np.isfinite(tree.leaves_at).all()
    assert np.isfinite(tree.stability).all()
    same = condense(np.array([0, 3], np.int32), np.array([1, 2], np.int32), np.zeros(2), 2)
    assert select(same) == ()
    assert icicle(same).bars[0].size == 3


def test_numbers_fall_with_size_whatever_clusters_were_called() -> None:
    found = np.array([7, 7, 2, -1, 2, 2, 0])
    assert largest_first(found).tolist() == [1, 1, 0, -1, 0, 0, 2]
    assert largest_first(np.full(3, -1)).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("most", [5, 12, 200])
def test_a_drawing_shows_the_largest_branches_inside_their_parents(tree: CondensedTree, most: int) -> None:
    drawing = icicle(tree, most)
    bars = {bar.branch: bar for bar in drawing.bars}
    assert len(bars) == min(most, tree.count)
    assert min(bar.size for bar in bars.values()) >= np.sort(tree.size)[-len(bars)]
    assert len(bars) + sum(bar.hidden for bar in bars.values()) == tree.count
    drawn: set[int] = set()
    for bar in drawing.bars:
        assert bar.widths[0] == bar.size / tree.n
        assert len(bar.widths) == STEPS
        assert list(bar.widths) == sorted(bar.widths, reverse=True)
        assert 0 <= bar.top <= bar.bottom <= 1
        if bar.branch:
            above = bars[bar.parent]
            assert bar.parent in drawn
            assert abs(bar.middle - above.middle) + bar.widths[0] / 2 <= above.widths[-1] / 2 + 1e-9
            assert bar.top == pytest.approx(above.bottom)
        drawn.add(bar.branch)


def test_hundreds_of_clusters_are_all_drawn() -> None:
    rng = np.random.default_rng(5)
    middles = np.stack(np.meshgrid(np.arange(20), np.arange(20)), -1).reshape(-1, 2) * 40 + rng.normal(
        size=(400, 2)
    )
    many = np.repeat(middles, 20, axis=0) + rng.normal(size=(8000, 2))
    tree = condense(*single_linkage(many.astype(np.float32), 3).values(), 15)
    clusters = select(tree)
    assert len(clusters) == 400
    assert {bar.branch for bar in icicle(tree).bars} >= set(clusters)


def test_a_branch_is_drawn_as_wide_as_the_whole(tree: CondensedTree) -> None:
    root = next(branch for branch in range(1, tree.count) if tree.children[branch])
    drawing = icicle(tree, root=root)
    assert [bar.branch for bar in drawing.bars] == np.flatnonzero(below(tree, root)).tolist()
    first, *rest = drawing.bars
    assert (first.branch, first.middle, first.widths[0], first.top) == (root, 0.5, 1, 0)
    assert all(bar.widths[0] == bar.size / tree.size[root] for bar in rest)
    assert all(0 <= bar.middle - bar.widths[0] / 2 <= bar.middle + bar.widths[0] / 2 <= 1 for bar in rest)


def test_a_depth_of_the_drawing_is_a_density_and_back(tree: CondensedTree) -> None:
    drawing = icicle(tree)
    for depth in (0.0, 0.3, 1.0):
        assert drawing.depth(drawing.level(depth)) == pytest.approx(depth)
    assert (drawing.depth(0.0), drawing.depth(1e30)) == (0, 1)
