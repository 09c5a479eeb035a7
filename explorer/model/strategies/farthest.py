"""The farthest-point strategy: a diverse sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from core.forest import bounded_distance, padded
from core.threads import BLOCK_ROWS, claim, for_rows
from explorer.model.strategies.population import Pick, Plan, Population

MOST = 5_000
EFFORT = 1_500_000_000
"""Coordinates compared at most, candidates × size × dimensions: about two seconds."""


def farthest(population: Population, plan: Plan) -> Pick:
    """Draw rows that are as far from one another as can be (Gonzalez 1985).

    The first row is drawn at random; each next one is the row whose distance to the nearest row drawn so far,
    min_j |x_i - x_j|, is the largest, the lower row among equals. The radius of the balls around the rows
    drawn which cover all candidates is at most twice the least possible. Outliers come early: they are far
    from everything.

    All rows are candidates as long as candidates × size × dimensions is at most 1.5·10⁹; of larger
    populations so many random ones, and never fewer than twice the size.
    """
    rng = np.random.default_rng(plan.seed)
    rows, notes = candidates(population, plan, rng)
    points = padded(population.points(rows, plan.space))
    return Pick(rows[_greedy(points, int(rng.integers(len(rows))), plan.size)], notes=notes)


def candidates(
    population: Population, plan: Plan, rng: np.random.Generator
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """The rows to compare, ascending, and a sentence if they are not all."""
    rows, notes = population.placed_rows() if plan.space == "map" else (population.rows, ())
    dims = 2 if population.vectors is None or plan.space == "map" else population.vectors.shape[1]
    most = max(2 * plan.size, EFFORT // (plan.size * dims))
    return thinned(rows, most, rng, notes)


def thinned(
    rows: NDArray[np.int64], most: int, rng: np.random.Generator, notes: tuple[str, ...]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """At most so many of the rows, drawn at random, ascending; and the notes with a sentence about it."""
    if len(rows) <= most:
        return rows, notes
    chosen = rows[np.sort(rng.choice(len(rows), most, replace=False))]
    return chosen, (*notes, f"Chosen among {most:,} random candidates of {len(rows):,} rows.")


def _greedy(points: NDArray[np.float32], first: int, size: int) -> NDArray[np.int64]:
    picks = np.empty(min(size, len(points)), np.int64)
    picks[0] = first
    nearest = np.full(len(points), np.inf, np.float32)
    for taken in range(1, len(picks)):
        for_rows(_approach, len(points), points, points[picks[taken - 1]], nearest)
        nearest[picks[taken - 1]] = -1
        picks[taken] = np.argmax(nearest)
    return picks


@njit(nogil=True, cache=True, error_model="numpy")
def _approach(counter: Any, n_rows: int, points: Any, centre: Any, nearest: Any) -> None:
    """Lower each row's squared distance to the nearest centre by one centre more."""
    while True:
        first = claim(counter, BLOCK_ROWS)
        if first >= n_rows:
            return
        for i in range(first, min(first + BLOCK_ROWS, n_rows)):
            nearest[i] = min(nearest[i], bounded_distance(points[i], centre, nearest[i]))
