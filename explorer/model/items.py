"""The columns beside the vectors, read from ``items.parquet`` when asked for: categories, numbers, rows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from explorer.model.categories import MOST_CATEGORIES, Categories, is_text, of_ranges, of_values
from explorer.model.condition import first_line, rows_where
from explorer.model.errors import InputError
from explorer.model.files import has_no_words
from explorer.model.media import Media, media_of

Kind = Literal["categorical", "numeric", "text", "time", "boolean", "other"]
ROW_ID = "row_id"
ROW_NUMBER = "file_row_number"
"""What DuckDB calls it; no column of the file can have this name."""
RANGED = ("numeric", "time")
# Whole numbers with at most this many values (a digit, a class) are categories; so are more of them, up to
# the second number, when they are counted through from -1, 0 or 1 as classes are and years are not.
MOST_WHOLE_CATEGORIES, MOST_CLASSES = 32, 256
# Forms of columns that are kept: at five million rows each takes 20 or 40 MB.
MOST_KEPT = 12
# Values of a column that are looked at to tell what it holds.
FEW_VALUES = 8


@dataclass(frozen=True)
class Column:
    """A column's name and what kind of values it holds.

    Text is a column with more than 1,000 names or a new one in every other row; other are bytes and vectors,
    which make no categories.
    """

    name: str
    kind: Kind


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
        self._media: dict[str, Media] = {}
        self._cache: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._making: dict[tuple[str, str], threading.Lock] = {}
        # Held for no longer than a look at what is kept: a column of millions takes seconds to decode.
        self._lock = threading.Lock()

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
        # Of every cursor, whatever the machine's: a saved condition on times selects the same rows anywhere.
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        connection.execute(
            f"CREATE VIEW items AS SELECT * EXCLUDE ({ROW_NUMBER}), {ROW_NUMBER} AS {ROW_ID} "  # noqa: S608
            f"FROM read_parquet('{path}', file_row_number = true)"
        )
        return connection

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the file's order, each with its kind."""
        if not self._columns:
            self._columns = tuple(Column(field.name, self._kind(field)) for field in self._schema)
        return self._columns

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the columns are called, in the file's order."""
        return tuple(self._schema.names)

    @property
    def nbytes(self) -> int:
        """Bytes of all columns, unpacked, as the file tells without being read."""
        groups = range(self._metadata.num_row_groups)
        return sum(self._metadata.row_group(group).total_byte_size for group in groups)

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
        if is_number(kind):
            return "categorical" if self._are_classes(field.name) else "numeric"
        if has_no_words(kind):
            return "other"
        few = self._distinct(field.name) <= min(MOST_CATEGORIES, max(2, self.n // 2))
        return "categorical" if few else "text"

    def _distinct(self, column: str) -> int:
        return int(self._ask(f"approx_count_distinct({_quoted(column)})"))

    def _are_classes(self, column: str) -> bool:
        distinct = self._distinct(column)
        # What is not counted exactly may come out somewhat too high.
        if distinct > 2 * MOST_CLASSES:
            return False
        # Classes with a gap come as 0.0, 1.0, …; DuckDB holds NaN to be equal to itself.
        x, most = _quoted(column), min(MOST_CLASSES, self.n // 2)
        span = f"max({x})::DOUBLE - min({x})::DOUBLE + 1"
        counted = f"min({x}) IN (-1, 0, 1) AND {span} = least(count(DISTINCT {x}), {most})"
        few, whole = distinct <= MOST_WHOLE_CATEGORIES, f"coalesce(bool_and({x} = floor({x})), true)"
        return bool(self._ask(f"{whole} AND ({few} OR {counted})"))

    def _ask(self, aggregate: str) -> Any:
        with self._damage_told():
            found = self._cursor().execute(f"SELECT {aggregate} FROM items").fetchone()  # noqa: S608
        assert found is not None
        return found[0]

    @contextmanager
    def _damage_told(self) -> Iterator[None]:
        """Say which folder to delete when the footer of the file, which ``check`` reads, is whole alone."""
        try:
            yield
        except duckdb.InterruptException:
            raise
        except (MemoryError, duckdb.OutOfMemoryException) as error:
            raise InputError("The items need more memory than there is: close other programs.") from error
        except (OSError, pa.ArrowException, duckdb.Error) as error:
            raise InputError(
                f"The items cannot be read: {first_line(str(error))}: delete the folder {self.path.parent} "
                "and open its file again."
            ) from error

    def categories(self, column: str) -> Categories:
        """Return a column as categories; kept while it is among the columns used last.

        Numbers and times are put in ranges, lists and records are told apart by what is written of them.

        Raises
        ------
        InputError
            If there is no such column, or it holds bytes or vectors.
        """
        self._check(column)
        kind = next(entry.kind for entry in self.columns if entry.name == column)
        if kind == "other":
            raise InputError(f"The column {column!r} holds bytes or vectors, which make no categories.")

        def make(name: str) -> Categories:
            ranged = kind in RANGED
            return of_ranges(self.numbers(name), kind == "time") if ranged else of_values(self._read(name))

        found: Categories = self._remembered("categories", column, make)
        return found

    def numbers(self, column: str) -> np.ndarray:
        """Return a column as numbers, float64 (n,), NaN where missing.

        Times are in seconds since 1970, booleans 0 and 1.

        Raises
        ------
        InputError
            If there is no such column or it holds no numbers.
        """
        found: np.ndarray = self._remembered("numbers", column, lambda name: _numbers(self._read(name), name))
        return found

    def _remembered(self, form: str, column: str, make: Callable[[str], Any]) -> Any:
        """What was made of a column before, or is made now; two that want the same wait for one another."""
        key = (form, column)
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._cache:
                    self._cache.move_to_end(key)
                    return self._cache[key]
            made = make(column)
            with self._lock:
                self._cache[key] = made
                while len(self._cache) > MOST_KEPT:
                    self._cache.popitem(last=False)
            return made

    def close(self) -> None:
        """Give up the database, which ends with what is asked of it; it is opened anew when it is needed."""
        with self._lock:
            self.__dict__.pop("_connection", None)

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            return self._connection.cursor()

    def _read(self, column: str) -> pa.ChunkedArray:
        self._check(column)
        kind = self._schema.field(column).type
        if pa.types.is_nested(kind):
            return self._written(column, range(self.n))
        text = [column] if is_text(kind) else []
        with self._damage_told():
            file = pq.ParquetFile(self.path, metadata=self._metadata, read_dictionary=text)
            return file.read(columns=[column])[column]

    def texts(self, column: str, rows: range) -> pa.Array:
        """Return what is written in a column, text (m,) of rows in a row; of lists and records as in SQL."""
        self._check(column)
        if pa.types.is_nested(self._schema.field(column).type):
            return self._written(column, rows).combine_chunks()
        found = self.fetch(np.arange(rows.start, rows.stop), [column])
        return found[column].combine_chunks().cast(pa.string())

    def _written(self, column: str, rows: range) -> pa.ChunkedArray:
        sql = f"""
            SELECT CAST({_quoted(column)} AS VARCHAR) AS written FROM items
            WHERE {ROW_ID} >= {rows.start} AND {ROW_ID} < {rows.stop} ORDER BY {ROW_ID}
        """  # noqa: S608
        with self._damage_told():
            written: pa.Table = self._cursor().sql(sql).to_arrow_table()
        return written["written"]

    def where(self, condition: str, seconds: float = 10.0) -> np.ndarray:
        """Tell which rows a condition in SQL holds of, as would follow WHERE: ``year > 1990 AND live``.

        It sees these columns and ``row_id``, no file, no table and no setting (see ``condition``).

        Parameters
        ----------
        condition : str
        seconds : float, default 10
            After so long it is stopped.

        Returns
        -------
        bool (n,)

        Raises
        ------
        InputError
            One sentence that says what in the condition cannot be.
        """
        with self._cursor() if self.names else duckdb.connect(":memory:") as cursor:
            return rows_where(cursor, condition, self.n, self.names, seconds)

    def _check(self, column: str) -> None:
        if column not in self.names:
            known = ", ".join(self.names) or "none"
            raise InputError(f"There is no column {column!r}; the columns are {known}.")

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
        names = list(self.names if columns is None else columns)
        for name in names:
            self._check(name)
        if not names:
            return pa.table({ROW_ID: rows})
        wanted, place = np.unique(rows, return_inverse=True)
        table = self._sorted_rows(wanted, names).take(pa.array(place))
        return table.add_column(0, ROW_ID, pa.array(rows))

    def look_up(self, rows: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Return the items of a few rows, in the order given, without reading the rows beside them.

        `fetch` unpacks whole groups of 65,536 rows, which pays for thousands of rows; this reads only the
        pages that hold the rows, which for one row of pictures is the difference between 20 and 500 ms.
        """
        names = list(self.names if columns is None else columns)
        for name in names:
            self._check(name)
        wanted = [int(row) for row in rows]
        if not names or not wanted:
            return self.fetch(np.array(wanted, np.int64), names)
        chosen = ", ".join(_quoted(name) for name in names)
        table = self.query(
            f"SELECT {ROW_ID}, {chosen} FROM items WHERE {ROW_ID} IN ({', '.join(map(str, wanted))})"  # noqa: S608
        )
        places = {row: place for place, row in enumerate(table[ROW_ID].to_pylist())}
        missing = next((row for row in wanted if row not in places), None)
        if missing is not None:
            raise InputError(f"Rows are numbered 0 to {self.n - 1:,}: there is no row {missing}.")
        return table.take(pa.array([places[row] for row in wanted]))

    def media(self, column: str) -> Media:
        """Return what the values of a column are to be shown as, told from the first few that are there."""

        def few(name: str) -> list[Any]:
            # The first rows are read once for all columns; only a column with gaps there is asked itself.
            first = self._first_rows[name].drop_null()
            if len(first) < len(self._first_rows):
                own = _quoted(name)
                sql = f"SELECT {own} FROM items WHERE {own} IS NOT NULL LIMIT {FEW_VALUES}"  # noqa: S608
                first = self.query(sql).column(0)
            values: list[Any] = first.to_pylist()
            return values

        self._check(column)
        if column not in self._media:
            self._media[column] = media_of(self._schema.field(column).type, lambda: few(column))
        return self._media[column]

    @cached_property
    def _first_rows(self) -> pa.Table:
        return self.query(f"SELECT * FROM items LIMIT {FEW_VALUES}")  # noqa: S608

    def query(self, sql: str, parameters: Sequence[Any] = (), seconds: float = 10.0) -> pa.Table:
        """Return what a query of our own on the view ``items`` finds.

        Parameters
        ----------
        sql : str
            Never what a user wrote: that goes into `parameters`, the values of its question marks.
        parameters : sequence, optional
        seconds : float, default 10
            After so long it is stopped.

        Raises
        ------
        InputError
            If it was stopped.
        """
        cursor = self._cursor()
        timer = threading.Timer(seconds, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            with cursor, self._damage_told():
                table: pa.Table = cursor.sql(sql, params=list(parameters)).to_arrow_table()
                return table
        except duckdb.InterruptException as error:
            raise InputError(
                f"Looking through the items took longer than {seconds:g} s and was stopped: "
                "search fewer columns."
            ) from error
        finally:
            timer.cancel()

    def _sorted_rows(self, wanted: np.ndarray, names: list[str]) -> pa.Table:
        """Return the rows of an ascending list, reading just the row groups that hold them."""
        file = pq.ParquetFile(self.path, metadata=self._metadata)
        sizes = [self._metadata.row_group(group).num_rows for group in range(self._metadata.num_row_groups)]
        borders = np.searchsorted(wanted, np.cumsum([0, *sizes]))
        parts = []
        for group in np.flatnonzero(np.diff(borders)):
            inside = wanted[borders[group] : borders[group + 1]] - sum(sizes[:group])
            with self._damage_told():
                parts.append(file.read_row_group(int(group), columns=names).take(pa.array(inside)))
        return pa.concat_tables(parts) if parts else self._schema.empty_table().select(names)


def is_number(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _numbers(values: pa.ChunkedArray, column: str) -> np.ndarray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        since = values.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
        values = pc.divide(since.cast(pa.float64(), safe=False), 1e6)
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.uint8())
    elif not is_number(kind):
        raise InputError(f"The column {column!r} holds {kind}, not numbers: colour it by category instead.")
    numbers: np.ndarray = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan).to_numpy()
    return numbers


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _outside(rows: np.ndarray, n: int) -> int:
    return int(rows[(rows < 0) | (rows >= n)][0])
