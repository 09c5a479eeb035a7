"""Strategies of chance whose inclusion probabilities are known exactly: random, dense, sparse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.model.strategies.kernel_density import kernel_density
from explorer.model.strategies.population import Pick, Plan, Population

SURE = 1 - 1e-9
"""From here on a probability counts as 1: that row is taken without drawing."""


def random(population: Population, plan: Plan) -> Pick:
    """Draw every row with the same chance, none twice: simple random sampling.

    All subsets of m of the N rows are equally likely; the inclusion probability is m / N.
    """
    rows = population.rows
    places = np.random.default_rng(plan.seed).choice(len(rows), plan.size, replace=False)
    return Pick(rows[places], np.full(plan.size, plan.size / len(rows)))


def dense(population: Population, plan: Plan) -> Pick:
    """Draw rows with chances in proportion to the density of the map around them.

    pi_i = min(1, c rho_i) with c such that the pi_i sum to the size; rho is ``kernel_density``, over all rows
    of the map. The sample dwells on the cores of clusters more than a random one.
    """
    rows, notes = population.placed_rows()
    return _weighted(rows, kernel_density(population.places())[rows], plan, notes)


def sparse(population: Population, plan: Plan) -> Pick:
    """Draw rows with chances in inverse proportion to the density of the map around them.

    pi_i = min(1, c / rho_i): equal areas of the map that hold rows give about equally many of them.
    """
    rows, notes = population.placed_rows()
    return _weighted(rows, 1 / kernel_density(population.places())[rows], plan, notes)


def _weighted(
    rows: NDArray[np.int64], weights: NDArray[np.float64], plan: Plan, notes: tuple[str, ...]
) -> Pick:
    probabilities = inclusion_probabilities(weights, plan.size)
    places = systematic(probabilities, np.random.default_rng(plan.seed))
    return Pick(rows[places], probabilities[places], notes=notes)


def inclusion_probabilities(weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return pi_i = min(1, c w_i) with c such that they sum to the size.

    Parameters
    ----------
    weights : float64 (n,)
        Positive and finite.
    size : int
        Rows to draw; with n or more, all probabilities are 1.
    """
    sure = np.zeros(len(weights), np.bool_)
    if size >= len(weights):
        return np.ones(len(weights))
    # Who would exceed 1 is taken surely, and the others share what is left: at most a few rounds.
    while True:
        scale = (size - np.count_nonzero(sure)) / weights[~sure].sum()
        now = sure | (scale * weights >= SURE)
        if np.array_equal(now, sure):
            return np.where(sure, 1.0, scale * weights)
        sure = now


def systematic(probabilities: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw by systematic sampling in random order (Madow 1949; Goodman and Kish 1950).

    The probabilities are laid end to end in a random order, and those are drawn in which the points
    u, u + 1, u + 2, ... fall, u uniform in [0, 1). Each is included with exactly its probability, none twice,
    and the size is fixed.

    Parameters
    ----------
    probabilities : float64 (n,)
        Each in (0, 1], their sum a whole number.
    rng : Generator

    Returns
    -------
    int64 (m,)
        Places of those drawn, in random order.
    """
    sure = np.flatnonzero(probabilities >= SURE)
    order = rng.permutation(np.flatnonzero(probabilities < SURE))
    ends = np.cumsum(probabilities[order])
    drawn = round(ends[-1]) if len(ends) else 0
    # Rounding must not push the last point beyond the end.
    ends *= drawn / ends[-1] if drawn else 1.0
    hits = np.searchsorted(ends, rng.random() + np.arange(drawn), side="right")
    return rng.permutation(np.concatenate([sure, order[hits]]))
