"""Compiled kernels of the layout: one epoch of stochastic gradient descent, and its random streams.

Every function here is a pure function of (positions of the previous epoch, graph, seed, epoch): no state is
carried from epoch to epoch except the positions, and no random number depends on who asks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.threads import BLOCK_ROWS, claim

# Forces of attraction are tabulated over the float's exponent and 7 mantissa bits, 20 KB that stay in the
# L1 cache.
TABLE_SHIFT = np.int32(16)
TABLE_FIRST = np.int32((127 - 24) << 7)
TABLE_SIZE = np.int32(40 << 7)

FIRED = 256
"""Edges of a row looked at together, so that hubs need no larger buffer."""

WINDOW = 16
"""Negative samples evaluated together, as one contiguous window of the pool: a multiple of the SIMD width."""

# The reductions may be reordered and fused (LLVM then uses SIMD); NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "nsz", "arcp"}


@njit(nogil=True, inline="always")
def mix(key: Any) -> Any:
    """The finaliser of splitmix64: a bijection of uint64 whose output bits all depend on all input bits."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(nogil=True, inline="always")
def stream(seed: Any, epoch: Any, vertex: Any) -> Any:
    """Counter-based random bits (uint64) of one vertex in one epoch."""
    return mix(
        seed
        + np.uint64(epoch) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(vertex) * np.uint64(0xD1B54A32D192ED03)
    )


@njit(nogil=True, inline="always")
def power(x: Any, exponent: Any) -> Any:
    """``x ** exponent`` for positive normal float32; relative error below 2e-4 for exponents up to 1.

    ``log2`` is a polynomial of the mantissa plus the exponent bits, ``exp2`` its mirror image; there is no
    branch, so LLVM evaluates eight at a time, and no libm, so the bits do not depend on the C library.
    """
    bits = np.float32(x).view(np.int32)
    e = np.float32((bits >> np.int32(23)) - np.int32(127))
    m = np.int32((bits & np.int32(0x7FFFFF)) | np.int32(0x3F800000)).view(np.float32)
    # minimax of log2 on [1, 2), error 9e-5
    log2 = np.float32(-0.08161582) * m + np.float32(0.64514243)
    log2 = log2 * m + np.float32(-2.1206753)
    log2 = log2 * m + np.float32(4.07009099)
    log2 = log2 * m + np.float32(-2.51285471) + e
    # biased by 127 and kept positive, so that truncation is floor and the exponent stays in its field
    t = min(max(log2 * exponent + np.float32(127.0), np.float32(1.0)), np.float32(254.0))
    whole = np.int32(t)
    f = t - np.float32(whole)
    # minimax of 2^f on [0, 1), relative error 8e-5
    p = np.float32(0.07802452) * f + np.float32(0.22606716)
    p = p * f + np.float32(0.69583354)
    p = p * f + np.float32(0.99992522)
    return p * np.int32(whole << np.int32(23)).view(np.float32)


def attraction_table(a: float, b: float) -> NDArray[np.float32]:
    """``2ab d^2(b-1) / (1 + a d^2b)`` for squared distances from 2^-24 to 2^16, at the middle of each cell.

    A cell is 1/128 of its distance wide: the force is within 0.4% of the formula's.
    """
    cells = np.arange(TABLE_SIZE, dtype=np.int32) + TABLE_FIRST
    squared = ((cells << TABLE_SHIFT) + np.int32(1 << 15)).view(np.float32).astype(np.float64)
    return (2 * a * b * squared ** (b - 1) / (1 + a * squared**b)).astype(np.float32)


def attraction_shares(table: NDArray[np.float32], alpha: float) -> NDArray[np.float32]:
    """Share of the way to a neighbour that one attraction goes at rate `alpha`: at most all of it."""
    shares: NDArray[np.float32] = np.minimum(np.float32(alpha) * table, np.float32(1))
    return shares


@njit(nogil=True, inline="always")
def look_up(table: Any, squared: Any) -> Any:
    """Value at a squared distance; beyond the table, that of its nearest end."""
    cell = (np.float32(squared).view(np.int32) >> TABLE_SHIFT) - TABLE_FIRST
    return table[np.uint32(min(max(cell, np.int32(0)), TABLE_SIZE - np.int32(1)))]


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
    same way in each epoch, and the map tears. Edges lighter than `smallest` never fire and are left out.

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


@njit(nogil=True, cache=True)
def draw_pool(positions: Any, seed: Any, turn: int, pool: Any) -> None:
    """Fill `pool` (float32 (d, size)) with the positions of vertices drawn at random for one turn.

    Columns are consecutive in memory, so that a window of negatives is read by SIMD loads from the cache.
    """
    n = np.uint64(positions.shape[0])
    for t in range(pool.shape[1]):
        vertex = np.int64(stream(seed, turn, t) % n)
        for c in range(pool.shape[0]):
            pool[c, t] = positions[vertex, c]


@njit(nogil=True, inline="always")
def clip(x: Any) -> Any:
    """Limit a step to [-4, 4]."""
    x = x if x < np.float32(4.0) else np.float32(4.0)
    return x if x > np.float32(-4.0) else np.float32(-4.0)


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def advance_plane(
    counter: Any,
    n_rows: int,
    indptr: Any,
    tails: Any,
    rates: Any,
    source: Any,
    target: Any,
    pool: Any,
    seed: Any,
    epoch: int,
    turn: int,
    alpha: Any,
    shares: Any,
    a: Any,
    b: Any,
    gamma: Any,
    negatives: int,
) -> None:
    """One turn of an epoch in two dimensions: each vertex walks a part of its row, and moves only itself.

    It reads the others from `source`, where they stood when the turn began, and is repelled last: what the
    turn's own attractions followed would be lost to the others.

    The graph holds each edge in both directions, and each direction moves both ends: an edge with
    probability p counts 2p times for this vertex. In epoch e it fires floor(2p (e + 1) + phi) -
    floor(2p e + phi) times, phi a hash of the edge: arithmetic on 16-bit fractions, with no state. Two
    firings earn `negatives` negative samples, paid in windows of WINDOW.

    Parameters
    ----------
    counter, n_rows
        See `core.threads`.
    indptr, tails, rates
        This turn's edges as made by `order_edges`.
    source, target : float32 (n, 2)
        Positions before and after the turn.
    pool : float32 (2, size)
        The turn's negative samples.
    seed, epoch, turn : uint64, int, int
        Turns are counted on from epoch to epoch.
    alpha : float32
        Learning rate.
    shares : float32 (TABLE_SIZE,)
        See `attraction_shares`.
    a, b, gamma : float32
        The curve's parameters, repulsion strength.
    negatives : int
        Negative samples for each positive one.
    """
    n_offsets = np.uint64(pool.shape[1] - WINDOW + 1)
    pool_x, pool_y = pool[0], pool[1]
    repulsion = np.float32(2.0) * b * gamma
    step = np.uint32(epoch)
    fired = np.empty(2 * FIRED + 1, np.int32)
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            x, y = source[i, 0], source[i, 1]
            state = stream(seed, turn, i)
            credit = np.int64(state & np.uint64(2 * WINDOW - 1))
            begin, end = indptr[i], indptr[i + 1]
            while begin < end:
                stop = min(begin + FIRED, end)
                n_fired: Any = 0
                for j in range(begin, stop):
                    rate = np.uint32(2) * (np.uint32(rates[j]) + np.uint32(1))
                    phase = (np.uint32(j) * np.uint32(0x9E3779B1)) >> np.uint32(16)
                    fraction = (rate * step + phase) & np.uint32(0xFFFF)
                    # Written whether it fires or not, and counted if it does: no branch to mispredict.
                    fired[n_fired] = fired[n_fired + 1] = tails[j]
                    n_fired += np.int64((fraction + rate) >> np.uint32(16))
                begin = stop
                for j in range(n_fired):
                    dx, dy = x - source[fired[j], 0], y - source[fired[j], 1]
                    d2 = dx * dx + dy * dy
                    share = look_up(shares, d2)
                    x -= share * dx
                    y -= share * dy
                credit += negatives * n_fired
            while credit >= 2 * WINDOW:
                credit -= 2 * WINDOW
                state = mix(state + np.uint64(0x9E3779B97F4A7C15))
                offset = np.int64(((state >> np.uint64(32)) * n_offsets) >> np.uint64(32))
                gx, gy = np.float32(0.0), np.float32(0.0)
                window_x, window_y = (
                    pool_x[offset : offset + WINDOW],
                    pool_y[offset : offset + WINDOW],
                )
                for t in range(WINDOW):
                    ex, ey = x - window_x[t], y - window_y[t]
                    r2 = ex * ex + ey * ey
                    q = power(r2 + np.float32(1e-12), b)
                    push = repulsion / ((np.float32(0.001) + r2) * (np.float32(1.0) + a * q))
                    gx += clip(push * ex)
                    gy += clip(push * ey)
                x += alpha * gx
                y += alpha * gy
            target[i, 0], target[i, 1] = x, y


@njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
def advance(
    counter: Any,
    n_rows: int,
    indptr: Any,
    tails: Any,
    rates: Any,
    source: Any,
    target: Any,
    pool: Any,
    seed: Any,
    epoch: int,
    turn: int,
    alpha: Any,
    shares: Any,
    a: Any,
    b: Any,
    gamma: Any,
    negatives: int,
    density: Any,
) -> None:
    """One turn in any number of dimensions; as `advance_plane`, with one parameter more.

    Parameters
    ----------
    density : float32 (n, 2) or (0, 2)
        See `core.density.DensityTerm`: with it an edge also moves its ends apart or together, by
        ``2 z / p ((1 - b (1 - z)) (v_i + v_j) + slope (u_i + u_j))`` of the way, where z is the closeness
        and p, by which edges are drawn, is divided out again.
    """
    n_components = source.shape[1]
    n_offsets = np.uint64(pool.shape[1] - WINDOW + 1)
    repulsion = np.float32(2.0) * b * gamma
    step = np.uint32(epoch)
    own = np.empty(n_components, np.float32)
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            own[:] = source[i]
            state = stream(seed, turn, i)
            credit = np.int64(state & np.uint64(2 * WINDOW - 1))
            for j in range(indptr[i], indptr[i + 1]):
                rate = np.uint32(2) * (np.uint32(rates[j]) + np.uint32(1))
                phase = (np.uint32(j) * np.uint32(0x9E3779B1)) >> np.uint32(16)
                fraction = (rate * step + phase) & np.uint32(0xFFFF)
                other = source[tails[j]]
                for _ in range((fraction + rate) >> np.uint32(16)):
                    d2 = np.float32(0.0)
                    for c in range(n_components):
                        d2 += (own[c] - other[c]) * (own[c] - other[c])
                    share = look_up(shares, d2)
                    apart = np.float32(0.0)
                    if len(density):
                        d2 += np.float32(1e-12)
                        q = power(d2, b)
                        z = np.float32(1.0) / (np.float32(1.0) + a * q)
                        apart = (np.float32(1.0) - b * (np.float32(1.0) - z)) * (
                            density[i, 1] + density[tails[j], 1]
                        ) + a * b * q / d2 * z * (density[i, 0] + density[tails[j], 0])
                        apart *= np.float32(2.0 * 65536.0) * z / (np.float32(rates[j]) + np.float32(1.0))
                    for c in range(n_components):
                        way = own[c] - other[c]
                        own[c] += alpha * clip(apart * way) - share * way
                    credit += negatives
            while credit >= 2 * WINDOW:
                credit -= 2 * WINDOW
                state = mix(state + np.uint64(0x9E3779B97F4A7C15))
                offset = np.int64(((state >> np.uint64(32)) * n_offsets) >> np.uint64(32))
                for t in range(offset, offset + WINDOW):
                    r2 = np.float32(0.0)
                    for c in range(n_components):
                        r2 += (own[c] - pool[c, t]) * (own[c] - pool[c, t])
                    q = power(r2 + np.float32(1e-12), b)
                    push = repulsion / ((np.float32(0.001) + r2) * (np.float32(1.0) + a * q))
                    for c in range(n_components):
                        own[c] += alpha * clip(push * (own[c] - pool[c, t]))
            target[i] = own
