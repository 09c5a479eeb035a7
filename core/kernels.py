"""Compiled kernels of the layout: one turn of stochastic gradient descent.

Every function here is a pure function of (positions before, graph, seed, epoch): no state is carried from
epoch to epoch except the positions, and no random number depends on who asks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from core.forces import FAST, clip, look_up, power
from core.random_streams import mix, stream
from core.threads import BLOCK_ROWS, claim

ROOM = 1024
"""Edges looked at together, unless a row is longer."""

WINDOW = 16
"""Negative samples evaluated together, as one contiguous window of the pool: a multiple of the SIMD width."""


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
def fire(
    first: int,
    last: int,
    indptr: Any,
    tails: Any,
    rates: Any,
    epoch: int,
    room: int,
    fired: Any,
    ends: Any,
) -> int:
    """Collect what fires at the vertices from `first` on, as many as have `room`; return the first left out.

    `fired` gets the tails, one after the other, and `ends` where those of each vertex end.
    """
    n_fired: Any = 0
    step = np.uint32(epoch)
    begin, i = indptr[first], first
    while i < last and indptr[i + 1] - begin <= room:
        for j in range(indptr[i], indptr[i + 1]):
            rate = np.uint32(2) * (np.uint32(rates[j]) + np.uint32(1))
            phase = (np.uint32(j) * np.uint32(0x9E3779B1)) >> np.uint32(16)
            fraction = (rate * step + phase) & np.uint32(0xFFFF)
            # Written whether it fires or not, and counted if it does: no branch to mispredict.
            fired[n_fired] = fired[n_fired + 1] = tails[j]
            n_fired += np.int64((fraction + rate) >> np.uint32(16))
        ends[i - first] = n_fired
        i += 1
    return i


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
    room: int,
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
    room : int
        Edges looked at together; at least those of the longest row.
    """
    n_offsets = np.uint64(pool.shape[1] - WINDOW + 1)
    pool_x, pool_y = pool[0], pool[1]
    repulsion = np.float32(2.0) * b * gamma
    fired = np.empty(2 * room + 1, np.int32)
    others = np.empty((2 * room, 2), np.float32)
    ends = np.empty(BLOCK_ROWS, np.int64)
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        last = min(first + BLOCK_ROWS, n_rows)
        while first < last:
            stop = fire(first, last, indptr, tails, rates, epoch, room, fired, ends)
            # All at once, with nothing to wait for in between: cache misses overlap.
            for j in range(ends[stop - first - 1]):
                others[j, 0], others[j, 1] = source[fired[j], 0], source[fired[j], 1]
            begin: Any = 0
            for i in range(first, stop):
                x, y = source[i, 0], source[i, 1]
                state = stream(seed, turn, i)
                end = ends[i - first]
                credit = np.int64(state & np.uint64(2 * WINDOW - 1)) + negatives * (end - begin)
                for j in range(begin, end):
                    dx, dy = x - others[j, 0], y - others[j, 1]
                    share = look_up(shares, dx * dx + dy * dy)
                    x -= share * dx
                    y -= share * dy
                begin = end
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
            first = stop


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
    """One turn in any number of dimensions; as `advance_plane`, but for its last parameter.

    Each repulsion moves the vertex at once, where those of a window count together in the plane.

    Parameters
    ----------
    density : float32 (n, 2) or (0, 2)
        In place of `room`. See `core.density.DensityTerm`: with it an edge also moves its ends apart or
        together, by ``2 z / p ((1 - b (1 - z)) (v_i + v_j) + slope (u_i + u_j))`` of the way, where z is the
        closeness and p, by which edges are drawn, is divided out again.
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
