"""A graph of far fewer vertices in place of a large one: vertices that belong together are one.

Each vertex that stands above its neighbours in an order drawn by lot founds a group, as in Luby 1986; the
others join the founder they are tied to most strongly, or follow the strongest of those who did. Groups hold
together, so that a graph and its coarse one have the same components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.random_streams import mix
from core.threads import BLOCK_ROWS, claim, for_rows

NONE = np.int32(-1)


@dataclass(frozen=True, eq=False)
class Coarse:
    """A graph whose vertices are groups of another's.

    Attributes
    ----------
    graph : csr_array, float32 (m, m)
        Sums of the strengths between groups, those within a group on the diagonal.
    group : int32 (n,)
        The group of each vertex.
    """

    graph: csr_array
    group: NDArray[np.int32]


def coarsened(graph: csr_array, *, seed: int, n_threads: int | None = None) -> Coarse:
    """Group the vertices of a symmetric graph, float32 (n, n).

    Parameters
    ----------
    graph : csr_array, float32 (n, n)
        A vertex without edges is a group of its own.
    seed : int
        Draws the founders.
    n_threads : int, optional
        Never changes the result.
    """
    n = graph.shape[0]
    edges = graph.indptr, graph.indices, graph.data
    founder, group = np.empty(n, np.int32), np.empty(n, np.int32)
    for_rows(_found, n, *edges[:2], np.uint64(seed), founder, n_threads=n_threads)
    for_rows(_follow, n, *edges, founder, group, n_threads=n_threads)
    # Once more: whoever has no founder among its neighbours goes with the strongest of them.
    for_rows(_follow, n, *edges, group, founder, n_threads=n_threads)
    left = founder == NONE
    founder[left] = np.flatnonzero(left)
    number = np.cumsum(founder == np.arange(n), dtype=np.int32) - 1
    group = number[founder]
    return Coarse(_between_groups(edges, group, int(number[-1]) + 1, n_threads), group)


def _between_groups(
    edges: tuple[NDArray[Any], ...], group: NDArray[np.int32], n_groups: int, n_threads: int | None
) -> csr_array:
    members = np.argsort(group, kind="stable")
    starts = np.zeros(n_groups + 1, np.int64)
    np.cumsum(np.bincount(group, minlength=n_groups), out=starts[1:])
    indptr = np.zeros(n_groups + 1, np.int64)
    nothing = np.zeros(0, np.int32), np.zeros(0, np.float32)
    for_rows(_sum_edges, n_groups, *edges, group, members, starts, indptr, *nothing, n_threads=n_threads)
    np.cumsum(indptr, out=indptr)
    indices, data = np.empty(indptr[-1], np.int32), np.zeros(indptr[-1], np.float32)
    for_rows(_sum_edges, n_groups, *edges, group, members, starts, indptr, indices, data, n_threads=n_threads)
    return csr_array((data, indices, indptr), shape=(n_groups, n_groups))


@njit(nogil=True, cache=True)
def _found(counter: Any, n_rows: int, indptr: Any, indices: Any, seed: Any, founder: Any) -> None:
    """Mark in `founder` whoever stands above all its neighbours by its own number, the others by NONE."""
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            own, highest = mix(seed + np.uint64(i)), True
            for j in range(indptr[i], indptr[i + 1]):
                other = indices[j]
                if other != i and mix(seed + np.uint64(other)) > own:
                    highest = False
                    break
            founder[i] = i if highest else NONE


@njit(nogil=True, cache=True)
def _follow(
    counter: Any, n_rows: int, indptr: Any, indices: Any, weights: Any, known: Any, group: Any
) -> None:
    """Into `group` what is `known` of a vertex, else of its strongest neighbour of which any is."""
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            group[i] = known[i]
            strongest = np.float32(0.0)
            if known[i] == NONE:
                for j in range(indptr[i], indptr[i + 1]):
                    if weights[j] > strongest and known[indices[j]] != NONE:
                        strongest, group[i] = weights[j], known[indices[j]]


@njit(nogil=True, cache=True)
def _sum_edges(
    counter: Any,
    n_rows: int,
    indptr: Any,
    indices: Any,
    weights: Any,
    group: Any,
    members: Any,
    starts: Any,
    new_indptr: Any,
    new_indices: Any,
    new_weights: Any,
) -> None:
    """Count the groups each group is tied to, into ``new_indptr[1:]``; given room for the ties, sum them."""
    place = np.full(n_rows, -1, np.int64)
    summing = len(new_indices) > 0
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for g in range(first, min(first + BLOCK_ROWS, n_rows)):
            end = new_indptr[g] if summing else np.int64(0)
            for m in range(starts[g], starts[g + 1]):
                for j in range(indptr[members[m]], indptr[members[m] + 1]):
                    other = group[indices[j]]
                    if place[other] < 0:
                        place[other] = end
                        end += 1
                    if summing:
                        new_indices[place[other]] = other
                        new_weights[place[other]] += weights[j]
            if not summing:
                new_indptr[g + 1] = end
            for m in range(starts[g], starts[g + 1]):
                for j in range(indptr[members[m]], indptr[members[m] + 1]):
                    place[group[indices[j]]] = -1
