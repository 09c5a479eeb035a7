"""What supervises a map: one column of the items, as the codes of categories or as numbers."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.categories import MISSING
from explorer.model.errors import InputError
from explorer.model.items import RANGED, Items


def target_of(items: Items, column: str) -> NDArray[Any]:
    """Return a column as the ``y`` of a supervised fit.

    Parameters
    ----------
    items : Items
    column : str

    Returns
    -------
    int32 (n,) or float32 (n,)
        Codes of its categories, compared as ``target_metric="categorical"`` does, -1 where missing or, below
        whole numbers, in no cluster; or its numbers, compared by ``"l2"``, times in seconds from the first.

    Raises
    ------
    InputError
        If there is no such column, it holds bytes, vectors or free text, or a number is missing.
    """
    categories = items.categories(column)
    kind = next(entry.kind for entry in items.columns if entry.name == column)
    if kind == "text":
        raise InputError(
            f"The column {column!r} holds free text, which tells too few items to be alike: "
            "choose one of categories or numbers as the target."
        )
    if kind not in RANGED:
        codes = categories.codes
        return codes if categories.noise == MISSING else np.where(codes == categories.noise, MISSING, codes)
    numbers = items.numbers(column)
    missing = np.flatnonzero(~np.isfinite(numbers))
    if len(missing):
        raise InputError(
            f"The column {column!r} has no finite number in row {missing[0]} (rows count from 0): as a "
            "target numbers must be complete, only categories may be missing."
        )
    # Of seconds since 1970 float32 keeps no more than two minutes.
    return (numbers - numbers.min() if kind == "time" else numbers).astype(np.float32)


def hash_of(target: NDArray[Any]) -> str:
    """BLAKE2b of a target: zeros as codes are not zeros as numbers."""
    digest = hashlib.blake2b(str(target.dtype).encode(), digest_size=16)
    digest.update(np.ascontiguousarray(target).data)
    return digest.hexdigest()
