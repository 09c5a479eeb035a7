"""What a table of vectors, and each number that a stage is told, must be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from core.errors import InputError

LARGEST_SEED = 2**32 - 1
"""numpy's own limit, for the searches that seed its generators."""
SMALLEST_SCALE = 2.0**-40
"""The least differences that float32 has among values of this size, 2^-24 of it, have squares above 0."""


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; `open_` leaves `low` itself out, `infinite` lets infinity in."""

    low: float
    high: float = math.inf
    whole: bool = False
    open_: bool = False
    infinite: bool = False

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, Integral if self.whole else Real):
            return False
        number = float(value)
        above = number > self.low if self.open_ else number >= self.low
        return above and number <= self.high and (self.infinite or not math.isinf(number))

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = f"above {self.low:g}" if self.open_ else f"at least {self.low:g}"
        high = "" if math.isinf(self.high) else f" and at most {self.high}"
        return f"{kind} {low}{high}{', or infinite' * self.infinite}"


RANGES = {
    "n_neighbors": Range(2, whole=True),
    "n_components": Range(1, whole=True),
    "min_dist": Range(0),
    "spread": Range(0, open_=True),
    "a": Range(0, open_=True),
    "b": Range(0, open_=True),
    "n_epochs": Range(0, whole=True),
    "learning_rate": Range(0, open_=True),
    "negative_sample_rate": Range(0, whole=True),
    "repulsion_strength": Range(0),
    "local_connectivity": Range(0),
    "set_op_mix_ratio": Range(0, 1),
    "disconnection_distance": Range(0, open_=True, infinite=True),
    "dens_lambda": Range(0),
    "dens_frac": Range(0, 1),
    "dens_var_shift": Range(0),
    "target_weight": Range(0, 1),
    "transform_seed": Range(0, LARGEST_SEED, whole=True),
    "target_n_neighbors": Range(2, whole=True),
}
"""Of the numbers that stages and the estimator are told, by their names."""


def refuse_out_of_range(
    values: Mapping[str, Any], instead: Mapping[str, int | None] = MappingProxyType({})
) -> None:
    """Raise an InputError for the first of some named numbers that is out of its range, and not `instead`."""
    for name, value in values.items():
        if name in instead and isinstance(value, Integral | None) and value == instead[name]:
            continue
        if value not in RANGES[name]:
            besides = f", or {instead[name]}" if name in instead else ""
            raise InputError(f"{name} must be {RANGES[name]}{besides}, got {value!r}.")


def is_sparse(x: object) -> bool:
    """Whether `x` is one of scipy's sparse arrays or matrices."""
    return bool(issparse(x))


def checked_vectors(vectors: Any) -> Any:
    """Float32, contiguous, finite, two-dimensional vectors with at least two rows, or an InputError."""
    try:
        x = (
            csr_array(vectors, dtype=np.float32)
            if is_sparse(vectors)
            else np.ascontiguousarray(vectors, np.float32)
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"The vectors must be numbers in a table of one row a point: {error}.") from None
    if x.ndim != 2:
        raise InputError(f"The vectors must have two dimensions (rows, columns), got shape {x.shape}.")
    if x.shape[0] < 2 or not x.shape[1]:
        raise InputError(f"The vectors must have at least 2 rows and 1 column, got shape {x.shape}.")
    refuse_unusable(x)
    return x


def refuse_other_than_seed(seed: Any, largest: int = 2**64 - 1) -> None:
    """Raise an InputError where a seed is not a whole number from 0 to `largest`."""
    if not isinstance(seed, Integral) or not 0 <= int(seed) <= largest:
        raise InputError(f"seed must be a whole number from 0 to {largest}, got {seed!r}.")


def refuse_other_than_metric(metric: Any, name: str = "metric") -> None:
    """Raise an InputError, which calls it `name`, where a metric is neither a name nor a function."""
    if not isinstance(metric, str) and not callable(metric):
        raise InputError(
            f"{name} must be the name of a metric or a function compiled by numba, got {metric!r}."
        )


def refuse_other_than_csr(fuzzy_set: Any) -> None:
    """Raise an InputError where a fuzzy set is not a square CSR array."""
    if not (is_sparse(fuzzy_set) and fuzzy_set.format == "csr" and fuzzy_set.shape[0] == fuzzy_set.shape[1]):
        shape = f"{getattr(fuzzy_set, 'format', 'dense')} of shape {np.shape(fuzzy_set)}"
        raise InputError(
            f"The fuzzy set must be a CSR array (n, n), as fuzzy_simplicial_set makes it; got {shape}."
        )


def refuse_unusable(x: Any) -> None:
    """Raise an InputError that names the first value of `x` (float32, dense or CSR) that is not finite."""
    values: Any = x.data if is_sparse(x) else x
    with np.errstate(invalid="ignore"):
        total = values.sum(dtype=np.float64)
    if not np.isfinite(total):
        row, column, value = _first_unusable(x)
        raise InputError(
            f"Row {row}, column {column} of the vectors is {value} as float32; remove or fill values that "
            "are NaN or infinite."
        )


def refuse_overflow(
    x: NDArray[np.float32], holder: str = "The vectors hold", *, or_underflow: bool = False
) -> None:
    """Raise an InputError, which begins with the `holder`, where a squared distance could exceed float32.

    With `or_underflow` also where all values are so small that such could become 0; all 0 they may be.
    """
    largest = max(float(x.max(initial=0)), -float(x.min(initial=0)))
    if or_underflow and 0 < largest < SMALLEST_SCALE:
        raise InputError(
            f"{holder} no value larger than {largest:.2g}, and squared distances between such vanish in "
            f"float32; scale them, so that the largest is at least {SMALLEST_SCALE:.2g}."
        )
    bound = math.sqrt(float(np.finfo(np.float32).max) / (4 * x.shape[1]))
    if largest > bound:
        raise InputError(
            f"{holder} values as large as {largest:.2g}, whose squared distances exceed float32; scale them "
            f"to at most {bound:.2g}."
        )


def raised(x: NDArray[np.float32]) -> tuple[NDArray[np.float32], int]:
    """Values all so small that squared distances could be 0, times a power of two; any others as they are.

    Also its exponent, 0 for those others. It changes no rank of a distance.
    """
    largest = max(float(x.max(initial=0)), -float(x.min(initial=0)))
    exponent = -math.frexp(largest)[1] if 0 < largest < SMALLEST_SCALE else 0
    return (np.ldexp(x, exponent) if exponent else x), exponent


def _first_unusable(x: Any) -> tuple[int, int, float]:
    values = x.data if is_sparse(x) else x.ravel()
    place = int(np.flatnonzero(~np.isfinite(values))[0])
    if is_sparse(x):
        return (
            int(np.searchsorted(x.indptr, place, side="right")) - 1,
            int(x.indices[place]),
            float(values[place]),
        )
    return place // x.shape[1], place % x.shape[1], float(values[place])
