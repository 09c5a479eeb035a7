"""What a table of vectors must be."""

from __future__ import annotations

from typing import Any

import numpy as np
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
    values: Any = x.data if is_sparse(x) else x
    if not np.isfinite(values.sum(dtype=np.float64)):
        row, column, value = _first_unusable(x)
        raise InputError(
            f"Row {row}, column {column} of the vectors is {value}; remove or fill values that are NaN or "
            "infinite."
        )
    return x


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
