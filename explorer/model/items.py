"""The columns beside the vectors, read from ``items.parquet`` when asked for: categories, numbers, rows."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from explorer.model.errors import InputError

Kind = Literal["categorical", "numeric", "text", "time", "boolean", "other"]
ROW_ID = "row_id"
# A text column with more names than this, or a new one in every other row, reads as text.
MOST_CATEGORIES = 1_000
# Whole numbers with at most this many values (a digit, a class) are offered as categories.
MOST_WHOLE_CATEGORIES = 32
MISSING = -1


@dataclass(frozen=True)
class Column:
    """A column's name and what kind of colouring suits it."""

    name: str
    kind: Kind


@dataclass(frozen=True)
class Categories:
    """A column as categories.

    Attributes
    ----------
    codes : int32 (n,)
        The category of each row, -1 where missing.
    names : tuple of str
        The categories: numbers, times and booleans by value, names by falling count, then by name.
    counts : int64 (n_categories,)
        Rows of each category.
    """

    codes: np.ndarray
    names: tuple[str, ...]
    counts: np.ndarray


class Items:
    """The items of a data set, in the order of its rows; safe to use from several threads.

    Parameters
    ----------
    path : Path
        ``items.parquet``.
    n : int
        Rows.
    columns : sequence of Column, optional
        What ``columns`` was before, to save the look at the data that finds it.
    """

    def __init__(self, path: Path, n: int, columns: Sequence[Column] = ()) -> None:
        self.path = path
        self.n = n
        self._columns = tuple(columns)
        self._lock = threading.Lock()
        self._cache: dict[tuple[str, str], Any] = {}

    @cached_property
    def _metadata(self) -> pq.FileMetaData:
        return pq.read_metadata(self.path)

    @cached_property
    def _schema(self) -> pa.Schema:
        return self._metadata.schema.to_arrow_schema()

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        """A database that sees this one file and cannot be told to see another."""
        path = str(self.path).replace("'", "''")
        connection = duckdb.connect(":memory:")
        connection.execute(f"SET allowed_paths = ['{path}']")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        connection.execute(
            f"CREATE VIEW items AS SELECT * EXCLUDE (file_row_number), file_row_number AS {ROW_ID} "  # noqa: S608
            f"FROM read_parquet('{path}', file_row_number = true)"
        )
        return connection

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the file's order, each with its kind."""
        with self._lock:
            if not self._columns:
                self._columns = tuple(Column(field.name, self._kind(field)) for field in self._schema)
            return self._columns

    def check(self) -> None:
        """Raise OSError or ValueError unless the file is there, whole and of ``n`` rows."""
        if self._schema.names and self._metadata.num_rows != self.n:
            raise ValueError(f"{self.path.name} has {self._metadata.num_rows} rows, not {self.n}")

    def _kind(self, field: pa.Field) -> Kind:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_boolean(kind):
            return "boolean"
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return "time"
        if pa.types.is_integer(kind):
            return "categorical" if self._distinct(field.name) <= MOST_WHOLE_CATEGORIES else "numeric"
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            return "numeric"
        if _is_text(kind):
            few = self._distinct(field.name) <= min(MOST_CATEGORIES, max(2, self.n // 2))
            return "categorical" if few else "text"
        return "other"

    def _distinct(self, column: str) -> int:
        sql = f"SELECT approx_count_distinct({_quoted(column)}) FROM items"  # noqa: S608
        found = self._connection.cursor().execute(sql).fetchone()
        assert found is not None
        return int(found[0])

    def categories(self, column: str) -> Categories:
        """Return a column as categories; computed once and kept.

        Raises
        ------
        InputError
            If there is no such column.
        """
        found: Categories = self._remembered("categories", column)
        return found

    def numbers(self, column: str) -> np.ndarray:
        """Return a column as numbers, float64 (n,), NaN where missing.

        Times are in seconds since 1970, booleans 0 and 1.

        Raises
        ------
        InputError
            If there is no such column or it holds no numbers.
        """
        found: np.ndarray = self._remembered("numbers", column)
        return found

    def _remembered(self, form: str, column: str) -> Any:
        with self._lock:
            if (form, column) not in self._cache:
                values = self._read(column)
                made = _categories(values) if form == "categories" else _numbers(values, column)
                self._cache[form, column] = made
            return self._cache[form, column]

    def _read(self, column: str) -> pa.ChunkedArray:
        self._check(column)
        text = [column] if _is_text(self._schema.field(column).type) else []
        file = pq.ParquetFile(self.path, metadata=self._metadata, read_dictionary=text)
        return file.read(columns=[column])[column]

    def _check(self, column: str) -> None:
        names = self._schema.names
        if column not in names:
            raise InputError(f"There is no column {column!r}; the columns are {', '.join(names) or 'none'}.")

    def fetch(self, rows: np.ndarray, columns: Sequence[str] | None = None) -> pa.Table:
        """Return the items of some rows, in the order given.

        Parameters
        ----------
        rows : int (m,)
            Row ids, each from 0 to n - 1; one may come more than once.
        columns : sequence of str, optional
            By default all.

        Returns
        -------
        pyarrow.Table
            ``row_id`` (int64) and the columns.

        Raises
        ------
        InputError
            If a row or a column does not exist.
        """
        rows = np.asarray(rows, np.int64).ravel()
        if rows.size and not (rows.min() >= 0 and rows.max() < self.n):
            raise InputError(
                f"Rows are numbered 0 to {self.n - 1:,}: there is no row {_outside(rows, self.n)}."
            )
        names = list(self._schema.names if columns is None else columns)
        for name in names:
            self._check(name)
        if not names:
            return pa.table({ROW_ID: rows})
        wanted, place = np.unique(rows, return_inverse=True)
        table = self._sorted_rows(wanted, names).take(pa.array(place))
        return table.add_column(0, ROW_ID, pa.array(rows))

    def _sorted_rows(self, wanted: np.ndarray, names: list[str]) -> pa.Table:
        """Return the rows of an ascending list, reading just the row groups that hold them."""
        file = pq.ParquetFile(self.path, metadata=self._metadata)
        sizes = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        borders = np.searchsorted(wanted, np.cumsum([0, *sizes]))
        parts = []
        for group in np.flatnonzero(np.diff(borders)):
            inside = wanted[borders[group] : borders[group + 1]] - sum(sizes[:group])
            parts.append(file.read_row_group(int(group), columns=names).take(pa.array(inside)))
        return pa.concat_tables(parts) if parts else self._schema.empty_table().select(names)


def _categories(values: pa.ChunkedArray) -> Categories:
    encoded = _encoded(values)
    names = encoded.dictionary
    codes = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False).astype(np.int32)
    counts = np.bincount(codes + 1, minlength=len(names) + 1)[1:]
    if _is_text(names.type):
        keys = [("count", "descending"), ("name", "ascending")]
        table = pa.table({"count": counts, "name": names})
    else:
        keys = [("name", "ascending")]
        table = pa.table({"name": names})
    order = pc.sort_indices(table, sort_keys=keys).to_numpy()
    order = order[counts[order] > 0]
    place = np.full(len(names) + 1, MISSING, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return Categories(
        place[codes], tuple(_written(names.take(pa.array(order)))), counts[order].astype(np.int64)
    )


def _encoded(values: pa.ChunkedArray) -> pa.DictionaryArray:
    """Integer codes into one dictionary; NaN counts as missing, nested values as their JSON text."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return values.unify_dictionaries().combine_chunks()
    if pa.types.is_floating(kind):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, kind), values)
    elif pa.types.is_nested(kind) or pa.types.is_binary(kind):
        values = pa.chunked_array(
            [[None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]],
            pa.string(),
        )
    return values.dictionary_encode().combine_chunks()


def _written(names: pa.Array) -> list[str]:
    """Categories as text: 3, 0.5, true, 2024-05-01."""
    if pa.types.is_floating(names.type):
        # numpy writes the shortest text that tells a value of its type from all others.
        return [str(value).removesuffix(".0") for value in names.to_numpy()]
    return [str(value).lower() if isinstance(value, bool) else str(value) for value in names.to_pylist()]


def _numbers(values: pa.ChunkedArray, column: str) -> np.ndarray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        since = values.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        values = pc.divide(since.cast(pa.float64(), safe=False), 1e6)
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise InputError(f"The column {column!r} holds {kind}, not numbers: colour it by category instead.")
    numbers: np.ndarray = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy()
    return numbers


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _outside(rows: np.ndarray, n: int) -> int:
    return int(rows[(rows < 0) | (rows >= n)][0])
