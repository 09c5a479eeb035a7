"""HDBSCAN's condensed tree as plain arrays: which branches are clusters, by rule or by hand.

As the density λ = 1 / distance rises, a branch loses points one by one and in the end parts in two or fades.
The rules that choose clusters are those of hdbscan (McInnes, Healy and Astels 2017), after Campello, Moulavi
and Sander (2013), whose labels these give bit for bit; but they hold no lock of the interpreter's, and any
choice of branches can be labelled, also one made by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.model.errors import InputError

NOISE = -1
ROOT = 0
SELECTIONS = ("eom", "leaf")
"""How branches are chosen by themselves: by excess of mass, or those that do not part again."""


@dataclass(frozen=True, eq=False)
class CondensedTree:
    """A condensed tree of n points and b branches; branch 0 is the root, and a branch comes after its parent.

    Attributes
    ----------
    branch : int32 (n,)
        The branch that each point leaves.
    leaves_at : float64 (n,)
        The λ at which it leaves.
    parent : int32 (b,)
        The branch that each branch parts from, -1 for the root.
    birth : float64 (b,)
        The λ at which it does, 0 for the root.
    size : int64 (b,)
        Points of each branch at its birth.
    """

    branch: NDArray[np.int32]
    leaves_at: NDArray[np.float64]
    parent: NDArray[np.int32]
    birth: NDArray[np.float64]
    size: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Points."""
        return len(self.branch)

    @property
    def count(self) -> int:
        """Branches."""
        return len(self.parent)

    @cached_property
    def death(self) -> NDArray[np.float64]:
        """The λ at which the last points leave each branch, or it parts in two: float64 (b,)."""
        death = np.zeros(self.count)
        np.maximum.at(death, self.branch, self.leaves_at)
        np.maximum.at(death, self.parent[1:], self.birth[1:])
        return death

    @cached_property
    def stability(self) -> NDArray[np.float64]:
        """How long each branch keeps its points, summed over them: Σ (λ at which they leave − its birth)."""
        birth, parent, size = self.birth, self.parent, self.size
        points = np.bincount(self.branch, self.leaves_at - birth[self.branch], self.count)
        branches = (birth[1:] - birth[parent[1:]]) * size[1:]
        below_it = np.bincount(parent[1:], branches, self.count)
        return np.asarray(points + below_it, np.float64)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """The branches that each branch parts in, none or two."""
        found: list[list[int]] = [[] for _ in range(self.count)]
        for branch, parent in enumerate(self.parent.tolist()):
            if parent >= 0:
                found[parent].append(branch)
        return tuple(map(tuple, found))

    def edges(self) -> tuple[NDArray[Any], ...]:
        """Return parents, children, λ and sizes as hdbscan lists them: points 0 to n - 1, the root n."""
        return (
            np.concatenate([self.branch, self.parent[1:]]).astype(np.int64) + self.n,
            np.concatenate([np.arange(self.n), np.arange(1, self.count) + self.n]),
            np.concatenate([self.leaves_at, self.birth[1:]]),
            np.concatenate([np.ones(self.n, np.int64), self.size[1:]]),
        )


def condense(
    left: NDArray[np.int32], right: NDArray[np.int32], distance: NDArray[np.float64], min_cluster_size: int
) -> CondensedTree:
    """Condense a single linkage tree to the branches of so many points.

    Parameters
    ----------
    left, right : int32 (n - 1,)
        What each merge joins, by rising distance: a point, or n + the number of an earlier merge.
    distance : float64 (n - 1,)
        At which. Points that lie together part at the density of the nearest that do not: λ stays finite.
    min_cluster_size : int
        2 or more.
    """
    apart = distance[distance > 0]
    density = 1.0 / np.maximum(distance, apart.min() if len(apart) else 1.0)
    return CondensedTree(*_condensed(left, right, density, min_cluster_size))


@njit(nogil=True, cache=True)
def _condensed(left, right, density, least):  # type: ignore[no-untyped-def]
    # Every merge has a lower number than the one it takes part in: from the last down, parents come first.
    n = len(left) + 1
    sizes = np.ones(2 * n - 1, np.int32)
    for i in range(n - 1):
        sizes[n + i] = sizes[left[i]] + sizes[right[i]]
    branch = np.zeros(2 * n - 1, np.int32)
    gone = np.full(2 * n - 1, -1.0)
    most = 2 * (n // least) + 2
    parent, birth, size = np.empty(most, np.int32), np.empty(most), np.empty(most, np.int64)
    parent[0], birth[0], size[0], count = -1, 0.0, n, 1
    for i in range(n - 2, -1, -1):
        node = n + i
        parts = gone[node] < 0 and sizes[left[i]] >= least and sizes[right[i]] >= least
        for child in (left[i], right[i]):
            branch[child] = branch[node]
            if gone[node] >= 0:
                gone[child] = gone[node]
            elif parts:
                parent[count], birth[count], size[count] = branch[node], density[i], sizes[child]
                branch[child] = count
                count += 1
            elif sizes[child] < least:
                gone[child] = density[i]
    return branch[:n].copy(), gone[:n].copy(), parent[:count], birth[:count], size[:count]


# Which branches are clusters


def select(tree: CondensedTree, selection: str = "eom", epsilon: float = 0.0) -> tuple[int, ...]:
    """Return the branches that are clusters, ascending; none where the root does not part.

    Parameters
    ----------
    tree : CondensedTree
    selection : {"eom", "leaf"}
        Excess of mass: of a branch and those below it whichever are the more stable; or all that do not part.
    epsilon : float, default 0
        Clusters that part at a smaller distance stay one (Malzer and Baum 2020).
    """
    chosen = _by_mass(tree) if selection == "eom" else _leaves(tree)
    return chosen if epsilon == 0 else _topmost(tree, {_wider(tree, one, epsilon) for one in chosen})


def _by_mass(tree: CondensedTree) -> tuple[int, ...]:
    best, below = tree.stability.tolist(), [0.0] * tree.count
    parent, chosen = tree.parent.tolist(), set()
    for branch in range(tree.count - 1, ROOT, -1):
        if below[branch] > best[branch]:
            best[branch] = below[branch]
        else:
            chosen.add(branch)
        below[parent[branch]] += best[branch]
    return _topmost(tree, chosen)


def _leaves(tree: CondensedTree) -> tuple[int, ...]:
    return tuple(branch for branch in range(1, tree.count) if not tree.children[branch])


def _wider(tree: CondensedTree, branch: int, epsilon: float) -> int:
    """The first branch from here upwards that was born at a distance of epsilon or more, below the root."""
    while 1 / tree.birth[branch] < epsilon and tree.parent[branch] != ROOT:
        branch = int(tree.parent[branch])
    return branch


def _topmost(tree: CondensedTree, chosen: Iterable[int]) -> tuple[int, ...]:
    """Those that are not below another."""
    wanted, parent = set(chosen), tree.parent.tolist()
    covered, top = [False] * tree.count, []
    for branch in range(tree.count):
        above = parent[branch]
        inside = above >= 0 and covered[above]
        covered[branch] = inside or branch in wanted
        if covered[branch] and not inside:
            top.append(branch)
    return tuple(top)


def cut(tree: CondensedTree, level: float) -> tuple[int, ...]:
    """Return the branches that are there at a density λ: the clusters of DBSCAN* at the distance 1 / λ."""
    there = (tree.birth <= level) & (level < tree.death)
    return tuple(np.flatnonzero(there).tolist())


def split(tree: CondensedTree, chosen: Iterable[int], branch: int) -> tuple[int, ...]:
    """Put the two branches that a cluster parts in in its place.

    Raises
    ------
    InputError
        If it is no cluster, or does not part.
    """
    clusters = set(chosen)
    if branch not in clusters:
        raise InputError("Only a cluster can be split: choose a branch that is one.")
    if not tree.children[branch]:
        raise InputError("This cluster does not part any further: lower min_cluster_size to see more of it.")
    return tuple(sorted(clusters - {branch} | set(tree.children[branch])))


def merge(tree: CondensedTree, chosen: Iterable[int], branch: int) -> tuple[int, ...]:
    """Make a branch one cluster, in place of all that are below it.

    Raises
    ------
    InputError
        If it is a cluster already, or part of one.
    """
    clusters = set(chosen)
    above = branch
    while above >= 0:
        if above in clusters:
            raise InputError("This branch is one cluster already: choose one that holds several.")
        above = int(tree.parent[above])
    inside = set(np.flatnonzero(below(tree, branch)).tolist())
    return tuple(sorted(clusters - inside | {branch}))


# What they make of the points


def below(tree: CondensedTree, branch: int) -> NDArray[np.bool_]:
    """Tell which branches are a branch or below it: bool (b,)."""
    parent, inside = tree.parent.tolist(), [False] * tree.count
    inside[branch] = True
    for one in range(branch + 1, tree.count):
        inside[one] = inside[parent[one]]
    return np.array(inside, np.bool_)


def rows(tree: CondensedTree, branch: int) -> NDArray[np.int64]:
    """Return the points of a branch, int64, ascending."""
    return np.flatnonzero(below(tree, branch)[tree.branch]).astype(np.int64, copy=False)


def labels(
    tree: CondensedTree, chosen: Iterable[int], level: float | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Label the points by the branches that are clusters.

    Parameters
    ----------
    tree : CondensedTree
    chosen : iterable of int
        None of them below another.
    level : float, optional
        A density λ: what has left its branch by then is noise.

    Returns
    -------
    labels : int32 (n,)
        The cluster of each point, the largest 0, -1 for noise.
    branches : int32 (n_clusters,)
        The branch of each cluster.
    """
    clusters, parent = set(chosen), tree.parent.tolist()
    owner = [ROOT if ROOT in clusters else NOISE] * tree.count
    for branch in range(1, tree.count):
        owner[branch] = branch if branch in clusters else owner[parent[branch]]
    found = np.array(owner, np.int32)[tree.branch]
    if level is not None:
        found[tree.leaves_at <= level] = NOISE
    numbered = largest_first(found)
    branches = np.zeros(int(numbered.max(initial=NOISE)) + 1, np.int32)
    inside = numbered >= 0
    branches[numbered[inside]] = found[inside]
    return numbered, branches


def probabilities(
    tree: CondensedTree, found: NDArray[np.int32], branches: NDArray[np.int32]
) -> NDArray[np.float32]:
    """Tell how surely each point belongs to its cluster: its λ as a share of the cluster's death, at most 1.

    Parameters
    ----------
    tree : CondensedTree
    found, branches
        By `labels`.

    Returns
    -------
    float32 (n,)
        0 for noise.
    """
    last = np.append(tree.death[branches], np.inf)[found]
    return np.asarray(np.minimum(tree.leaves_at / last, 1), np.float32)


def persistence(tree: CondensedTree, branches: NDArray[np.int32]) -> NDArray[np.float32]:
    """Tell how long each branch lasts: its stability per point as a share of the densest λ, 0 to 1.

    Points that a cut takes from it count as well: they stayed until they left.

    Parameters
    ----------
    tree : CondensedTree
    branches : int32 (n_clusters,)
        By `labels`.

    Returns
    -------
    float32 (n_clusters,)
    """
    densest = tree.leaves_at.max(initial=1e-300)
    return np.asarray(tree.stability[branches] / (tree.size[branches] * densest), np.float32)


def largest_first(found: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """Number clusters anew by falling size, ties by their first point; -1 stays.

    >>> largest_first(np.array([0, -1, 2, 2, 1])).tolist()
    [1, -1, 0, 0, 2]
    """
    names, first, sizes = np.unique(found[found >= 0], return_index=True, return_counts=True)
    place = np.full(int(found.max(initial=NOISE)) + 2, NOISE, np.int32)
    place[names[np.lexsort((first, -sizes))]] = np.arange(len(names))
    numbered: NDArray[np.int32] = place[found]  # the last place is that of -1
    return numbered
