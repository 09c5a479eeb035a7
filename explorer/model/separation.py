"""When some rows came to stand apart on a map: how purely they lie among their own, epoch by epoch.

Of the rows S, out of n, up to `MOST_ASKED` are asked for their k nearest neighbours on the map, exact among
all n. With p the share of those neighbours that are of S, on average, and q = (|S| − 1) / (n − 1) the share
that chance gives,

    separation = (p − q) / (1 − q)

as Cohen's kappa (1960) corrects an agreement: 1 when nobody else lies near any of them, 0 when they are
spread like any other |S| rows. k is 15, or |S| − 1 where that is less. They stand apart since the first epoch
from which their separation is at least `APART` at every epoch kept.

Keyframes are read as they are, in levels: points are sorted into a grid of a few to a cell in two passes, and
cells are searched in rings around each row asked. A million rows take some 15 ms an epoch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.model.errors import InputError
from explorer.model.history import History, Keyframe

NEIGHBOURS, MOST_ASKED = 15, 500
APART = 0.8
POINTS_IN_CELL, MOST_SIDE = 4, 1024
MOST_SAMPLED, RIM = 16_384, 0.001


@dataclass(frozen=True)
class Separation:
    """How far some rows stood apart at each epoch kept.

    Attributes
    ----------
    epochs : tuple of int
        Ascending.
    scores : tuple of float
        Their separation, at most 1; about 0 is chance.
    """

    epochs: tuple[int, ...]
    scores: tuple[float, ...]

    @property
    def since(self) -> int | None:
        """The first epoch from which they stand apart to the last; None when they do not at the last."""
        since = None
        for epoch, score in zip(reversed(self.epochs), reversed(self.scores), strict=True):
            if score < APART:
                break
            since = epoch
        return since


def separation(
    members: NDArray[np.bool_], history: History, progress: Callable[[float], None] = lambda _: None
) -> Separation:
    """Return how far some rows stood apart at each epoch of a run.

    Parameters
    ----------
    members : bool (n,)
        The rows.
    history : History
        Of a flat map of n rows.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        When they are fewer than two, or all there are.
    WorkspaceError
        When a keyframe cannot be read.
    """
    rows = np.flatnonzero(members)
    if len(rows) < 2:
        raise InputError("One item cannot stand apart as a group: select at least 2.")
    if len(rows) == len(members):
        raise InputError("All items are selected, so that there are none to stand apart from: select fewer.")
    # The same rows at every epoch, and whenever it is asked again.
    asked = np.sort(np.random.default_rng(0).permutation(rows)[:MOST_ASKED])
    k, chance = min(NEIGHBOURS, len(rows) - 1), (len(rows) - 1) / (len(members) - 1)
    scores, order = [], np.empty(len(members), np.int32)
    for done, epoch in enumerate(history.epochs):
        progress(done / len(history))
        purity = _purity(history.load(epoch), members, asked, k, order)
        scores.append((purity - chance) / (1 - chance))
    return Separation(history.epochs, tuple(scores))


def _purity(
    frame: Keyframe,
    members: NDArray[np.bool_],
    asked: NDArray[np.int64],
    k: int,
    order: NDArray[np.int32],
) -> float:
    """The mean share of the k nearest of the rows asked that are members; ``order`` is room for n rows."""
    levels = frame.positions
    if levels.shape != (len(members), 2):
        raise InputError(f"The history is not of flat maps of {len(members):,} rows: choose another run.")
    side = int(np.clip(np.sqrt(len(levels) / POINTS_IN_CELL), 1, MOST_SIDE))
    # Between the quantiles: a few points far outside would leave all others in one cell.
    some = levels[:: -(-len(levels) // MOST_SAMPLED)]
    low, high = np.quantile(some, [RIM, 1 - RIM], axis=0, method="nearest").astype(np.float64)
    grid = low, side / (high - low + 1), side
    starts = np.zeros(side * side + 1, np.int32)
    _sort(levels, *grid, starts, order)
    shares = np.empty(len(asked))
    _ask(levels, frame.step.astype(np.float64), *grid, starts, order, members, asked, k, shares)
    return float(shares.mean())


@njit(nogil=True, cache=True, inline="always")
def _cell(level, low, per_level, side):  # type: ignore[no-untyped-def]
    # What lies beyond the grid belongs to the cell at its rim.
    return min(max(int((level - low) * per_level), 0), side - 1)


@njit(nogil=True, cache=True, inline="always")
def _cell_of(levels, i, low, per_level, side):  # type: ignore[no-untyped-def]
    row = _cell(levels[i, 1], low[1], per_level[1], side)
    return row * side + _cell(levels[i, 0], low[0], per_level[0], side)


@njit(nogil=True, cache=True)
def _sort(levels, low, per_level, side, starts, order):  # type: ignore[no-untyped-def]
    for i in range(len(levels)):
        starts[_cell_of(levels, i, low, per_level, side) + 1] += 1
    for cell in range(side * side):
        starts[cell + 1] += starts[cell]
    free = starts.copy()
    for i in range(len(levels)):
        cell = _cell_of(levels, i, low, per_level, side)
        order[free[cell]] = i
        free[cell] += 1


@njit(nogil=True, cache=True)
def _ask(  # type: ignore[no-untyped-def]
    levels, step, low, per_level, side, starts, order, members, asked, k, shares
):
    nearest, inside = np.empty(k, np.float64), np.empty(k, np.bool_)
    for at in range(len(asked)):
        i, found = asked[at], 0
        x, y = float(levels[i, 0]), float(levels[i, 1])
        column, row = _cell(x, low[0], per_level[0], side), _cell(y, low[1], per_level[1], side)
        for ring in range(side):
            for line in range(max(0, row - ring), min(side - 1, row + ring) + 1):
                # The whole of the first and the last line, of the others both ends.
                whole = ring == 0 or line in (row - ring, row + ring)
                for place in range(column - ring, column + ring + 1, 1 if whole else 2 * ring):
                    if place < 0 or place >= side:
                        continue
                    cell = line * side + place
                    for one in range(starts[cell], starts[cell + 1]):
                        j = order[one]
                        across, up = (levels[j, 0] - x) * step[0], (levels[j, 1] - y) * step[1]
                        distance = across * across + up * up
                        if j == i or (found == k and distance >= nearest[k - 1]):
                            continue
                        found = min(found + 1, k)
                        rank = found - 1
                        while rank > 0 and nearest[rank - 1] > distance:
                            nearest[rank], inside[rank] = nearest[rank - 1], inside[rank - 1]
                            rank -= 1
                        nearest[rank], inside[rank] = distance, members[j]
            seen = _seen(x, y, column, row, ring, low, per_level, step, side)
            if found == k and nearest[k - 1] <= seen * seen:
                break
        own = 0
        for rank in range(found):
            own += inside[rank]
        shares[at] = own / found


@njit(nogil=True, cache=True)
def _seen(x, y, column, row, ring, low, per_level, step, side):  # type: ignore[no-untyped-def]
    # How far around a place every point has been looked at: to the next cells there are.
    seen = np.inf
    if column - ring > 0:
        seen = min(seen, (x - low[0] - (column - ring) / per_level[0]) * step[0])
    if column + ring < side - 1:
        seen = min(seen, (low[0] + (column + ring + 1) / per_level[0] - x) * step[0])
    if row - ring > 0:
        seen = min(seen, (y - low[1] - (row - ring) / per_level[1]) * step[1])
    if row + ring < side - 1:
        seen = min(seen, (low[1] + (row + ring + 1) / per_level[1] - y) * step[1])
    return max(seen, 0.0)
