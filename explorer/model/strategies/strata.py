"""The stratified strategy: rows by quota from each category of a column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from explorer.model.categories import NO_VALUE
from explorer.model.errors import InputError
from explorer.model.strategies.population import Pick, Plan, Population, Stratum


def stratified(population: Population, plan: Plan) -> Pick:
    """Draw at random within each stratum, as many rows as its quota.

    The strata are the categories of ``plan.column`` that the population has rows of, and its rows without a
    value. With N_h rows in stratum h, m_h of which are drawn, each is included with probability m_h / N_h.

    - proportional: m_h = m N_h / N by largest remainders (Hamilton), the earlier category first among equals.
    - equal: m / H each, the odd rows to the earlier categories. A stratum with fewer rows is taken whole and
      the rest of its share goes to the others in equal parts.
    - given: as named, strata not named give none. A stratum with fewer rows than its quota is taken whole
      and the sample is that much smaller.

    What a stratum could not give is told in the notes. Rows come stratum by stratum, in random order within.
    """
    names, codes, sizes = _strata(population, plan.column)
    quotas, drawn = _allocate(names, sizes, plan)
    # In random order, gathered by stratum: the first m_h of each are its sample.
    order = np.random.default_rng(plan.seed).permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    places = order[np.arange(len(order)) - first < np.repeat(drawn, sizes)]
    probabilities = (drawn / np.maximum(sizes, 1))[codes[places]]
    strata = tuple(
        Stratum(name, int(rows), float(quota), int(count))
        for name, rows, quota, count in zip(names, sizes, quotas, drawn, strict=True)
        if rows or quota
    )
    return Pick(population.rows[places], probabilities, strata, _notes(strata, plan))


def _strata(
    population: Population, column: str
) -> tuple[tuple[str, ...], NDArray[np.int64], NDArray[np.int64]]:
    """Names of the strata, the stratum of each row of the population, and its rows in each."""
    categories = population.categories(column)
    names = (*categories.names, NO_VALUE)
    codes = categories.codes[population.rows].astype(np.int64)
    codes[codes < 0] = len(names) - 1
    return names, codes, np.bincount(codes, minlength=len(names))


def _allocate(
    names: tuple[str, ...], sizes: NDArray[np.int64], plan: Plan
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What is wanted of each stratum, and what it gives."""
    if plan.quotas == "proportional":
        quotas = plan.size * sizes / sizes.sum()
        return quotas, by_largest_remainder(quotas, plan.size)
    if plan.quotas == "equal":
        quotas = np.where(sizes > 0, plan.size / np.count_nonzero(sizes), 0.0)
        return quotas, in_equal_parts(sizes, plan.size)
    given = dict(plan.quotas)  # type: ignore[arg-type]
    if unknown := [name for name in given if name not in names]:
        raise InputError(
            f"The column {plan.column!r} has no category {unknown[0]!r}; its first are "
            f"{', '.join(names[:8])}."
        )
    quotas = np.array([given.get(name, 0) for name in names], np.float64)
    return quotas, np.minimum(quotas.astype(np.int64), sizes)


def by_largest_remainder(shares: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Round shares, float64 (h,) that sum to a whole number, to whole numbers of that sum."""
    # Rounding of 2.9999999 counts as 3, or its remainder would be the largest of all.
    whole = np.floor(shares + 1e-9).astype(np.int64)
    order = np.argsort(-(shares - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def in_equal_parts(sizes: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide a total among strata as evenly as their sizes, int64 (h,), allow; at most their sum."""
    # The highest level up to which all can be filled, found by halving; then one more for the earlier ones.
    low, high = 0, int(sizes.max(initial=0)) + 1
    while high - low > 1:
        level = (low + high) // 2
        low, high = (level, high) if np.minimum(sizes, level).sum() <= total else (low, level)
    parts = np.minimum(sizes, low)
    parts[np.flatnonzero(sizes > low)[: total - int(parts.sum())]] += 1
    return parts


def _notes(strata: tuple[Stratum, ...], plan: Plan) -> tuple[str, ...]:
    short = [stratum for stratum in strata if stratum.rows < np.floor(stratum.quota)]
    if not short:
        return ()
    named = ", ".join(f"{stratum.name} ({stratum.rows:,})" for stratum in short[:4])
    more = f" and {len(short) - 4:,} more" if len(short) > 4 else ""
    what = "went to the others" if plan.quotas == "equal" else "is missing from the sample"
    return (f"Taken whole, as they have fewer rows than their quota: {named}{more}; the rest {what}.",)
