"""What a table of vectors must be."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from core.errors import InputError


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


def refuse_overflow(x: NDArray[np.float32], holder: str = "The vectors hold") -> None:
    """Raise an InputError, which begins with the `holder`, where a squared distance could exceed float32."""
    largest = max(float(x.max(initial=0)), -float(x.min(initial=0)))
    bound = math.sqrt(float(np.finfo(np.float32).max) / (4 * x.shape[1]))
    if largest > bound:
        raise InputError(
            f"{holder} values as large as {largest:.2g}, whose squared distances exceed float32; scale them "
            f"to at most {bound:.2g}."
        )


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
