"""The graph as the layout walks it: 6 bytes an edge, dealt out to the turns of an epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from core.random_streams import mix, stream
from core.threads import BLOCK_ROWS, claim


@njit(nogil=True, cache=True)
def count_edges(
    counter: Any, n_rows: int, indptr: Any, weights: Any, order: Any, smallest: float, counts: Any
) -> None:
    """Edges that `order_edges` will keep, in the order `order`: into `counts`, int64 (turns, n)."""
    turns = counts.shape[0]
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            kept = 0
            for j in range(indptr[order[i]], indptr[order[i] + 1]):
                kept += weights[j] >= smallest
            for part in range(turns):
                counts[turn_of(part, i, turns), i] = kept * (part + 1) // turns - kept * part // turns


@njit(nogil=True, inline="always")
def turn_of(part: int, vertex: int, turns: int) -> int:
    """In which turn a vertex walks a part of its row: rows of few edges do not all wait for one turn."""
    return (part + vertex) % turns


@njit(nogil=True, cache=True)
def order_edges(
    counter: Any,
    n_rows: int,
    indptr: Any,
    indices: Any,
    weights: Any,
    order: Any,
    rank: Any,
    smallest: float,
    scale: float,
    seed: Any,
    new_indptr: Any,
    tails: Any,
    rates: Any,
) -> None:
    """Copy the graph's rows in the order `order`, renaming vertices; shuffle each, deal it out to the turns.

    Within a row the edges must not follow the spatial order of the vertices: a point would then drift the
    same way in each epoch, and the map tears. Edges lighter than `smallest` are left out.

    Parameters
    ----------
    counter, n_rows
        See `core.threads`.
    indptr, indices, weights : int (n+1,), int32 (e,), float32 (e,)
        The fuzzy set as CSR.
    order, rank : int64 (n,), int32 (n,)
        ``order[new] = old`` and its inverse.
    smallest, scale : float
        Lightest weight kept; 65536 / (heaviest weight).
    new_indptr, tails, rates : int64 (turns, n), int32 (kept,), uint16 (kept,)
        Where each vertex's edges of each turn begin; output; a rate r stands for the probability
        (r + 1) / 65536.
    """
    turns = new_indptr.shape[0]
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            low, high = indptr[order[i]], indptr[order[i] + 1]
            kept = np.empty(high - low, np.int64)
            count = 0
            for j in range(low, high):
                if weights[j] >= smallest:
                    kept[count] = j
                    count += 1
            state = stream(seed, 0, i)
            for j in range(count - 1, 0, -1):
                state = mix(state + np.uint64(0x9E3779B97F4A7C15))
                other = np.int64(state % np.uint64(j + 1))
                kept[j], kept[other] = kept[other], kept[j]
            for part in range(turns):
                begin = count * part // turns
                place = new_indptr[turn_of(part, i, turns), i] - begin
                for j in range(begin, count * (part + 1) // turns):
                    tails[place + j] = rank[indices[kept[j]]]
                    rate: Any = np.int64(weights[kept[j]] * scale + 0.5)
                    rates[place + j] = np.uint16(min(max(rate, np.int64(1)), np.int64(65536)) - 1)
