"""A column as categories: its values, the commonest of many names, or ranges of numbers and times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from explorer.model.ranges import Ranges, ranges_of
from explorer.model.written import TURNED

MISSING = -1
MOST_CATEGORIES = 1_000
NO_VALUE = "(no value)"
"""What missing values are called where they are chosen like a category."""
EMPTY, BLANK = "(empty text)", "(blank)"
"""What a text of nothing, and one of spaces, is called: names that can be seen."""


@dataclass(frozen=True)
class Categories:
    """A column as categories.

    Attributes
    ----------
    codes : int32 (n,)
        The category of each row, -1 where missing.
    names : tuple of str
        The categories: ranges, numbers, days and booleans by value, names by falling count, then by name.
        Of more than 1,000 names the last category holds the rarest.
    counts : int64 (n_categories,)
        Rows of each category.
    ranges : Ranges or None
        What the categories of a column of numbers or times are.
    noise : int
        The category that means "in no cluster": a -1 below whole numbers from 0 to 2 or more; -1 for none.
    has_rest : bool
        Whether the last category holds the rarest names.
    """

    codes: NDArray[np.int32]
    names: tuple[str, ...]
    counts: NDArray[np.int64]
    ranges: Ranges | None = None
    noise: int = MISSING
    has_rest: bool = False

    @property
    def missing(self) -> int:
        """Rows without a category."""
        return len(self.codes) - int(self.counts.sum())


def of_ranges(values: NDArray[np.float64], times: bool) -> Categories:
    """Put numbers, float64 (n,) with NaN for missing, or times in seconds since 1970, in ranges."""
    ranges = ranges_of(values, times)
    codes = ranges.steps(values)
    return Categories(codes, ranges.names, counted(codes, len(ranges.names)), ranges)


def of_values(values: pa.ChunkedArray) -> Categories:
    """Tell the values of a column apart; NaN counts as missing."""
    encoded = _encoded(values)
    names = encoded.dictionary
    codes = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    counts = counted(codes, len(names))
    order = _ordered(names, counts)
    kept = _commonest(counts[order]) if is_text(names.type) else len(order)
    place = np.full(len(names) + 1, MISSING, np.int32)
    place[order] = np.minimum(np.arange(len(order)), kept)
    common = names.take(pa.array(order[:kept]))
    written = _written(common.cast(values.type) if pa.types.is_float16(values.type) else common)
    if kept < len(order):
        written.append(f"{len(order) - kept:,} rarer names")
    noise = 0 if _has_noise(written) else MISSING
    known = np.bincount(place[order], weights=counts[order], minlength=len(written)).astype(np.int64)
    return Categories(place[codes], tuple(written), known, noise=noise, has_rest=kept < len(order))


def _has_noise(written: list[str]) -> bool:
    """Whether the first of these names, in the order of their values, is the -1 of clustering libraries."""
    return written[:2] == ["-1", "0"] and len(written) > 3 and written[-1].isdecimal()


def is_text(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _encoded(values: pa.ChunkedArray) -> pa.DictionaryArray:
    """Integer codes into one dictionary."""
    if pa.types.is_dictionary(values.type):
        return values.unify_dictionaries().combine_chunks()
    if pa.types.is_float16(values.type):
        # Which Arrow can neither tell apart, before version 20, nor sort.
        values = values.cast(pa.float32())
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values.dictionary_encode().combine_chunks()


def counted(codes: NDArray[np.int32], n: int) -> NDArray[np.int64]:
    """Count the rows of each of n categories."""
    counts: NDArray[np.int64] = _tally(codes, n)
    return counts


@njit(nogil=True, cache=True)
def _tally(codes, n):  # type: ignore[no-untyped-def]
    # bincount widens the codes to 64 bits first, which takes longer than the counting.
    counts = np.zeros(n, np.int64)
    for i in range(len(codes)):
        if codes[i] >= 0:
            counts[codes[i]] += 1
    return counts


def _ordered(names: pa.Array, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the values that some row has are in the dictionary: text by falling count, others by value."""
    table = pa.table({"name": names, "count": counts})
    keys = (
        [("count", "descending"), ("name", "ascending")] if is_text(names.type) else [("name", "ascending")]
    )
    order: NDArray[np.int64] = pc.sort_indices(table, sort_keys=keys).to_numpy().astype(np.int64)
    return order[counts[order] > 0]


def _commonest(counts: NDArray[np.int64]) -> int:
    """How many names, by falling count, are categories of their own: of more than 1,000 those that recur."""
    if len(counts) <= MOST_CATEGORIES:
        return len(counts)
    return min(MOST_CATEGORIES - 1, int((counts > 1).sum()))


def _written(names: pa.Array) -> list[str]:
    """Categories as text: 3, 0.5, true, 2024-05-01."""
    if pa.types.is_floating(names.type):
        # numpy writes the shortest text that tells a value of its type from all others.
        return [str(value).removesuffix(".0") for value in names.to_numpy()]
    written = (str(value).lower() if isinstance(value, bool) else str(value) for value in names.to_pylist())
    return [name.translate(TURNED) if name.strip() else BLANK if name else EMPTY for name in written]
