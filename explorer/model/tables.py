"""Tables a user brings (Parquet, Arrow, CSV), read column by column, and which columns are vectors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from explorer.model.errors import InputError
from explorer.model.items import ROW_ID
from explorer.model.reading import check_exists, explained
from explorer.model.written import counted

# A numeric column of one of these names tells what a row is rather than where it lies.
NEVER_VECTOR = {"label", "labels", "target", "class", "cluster", "id", "index", ROW_ID, "y"}
# Values of a block of rows: 4 MB as float32, which the allocator hands out again and again.
BLOCK_VALUES = 2**20
LONGEST_HEADER = 2**20
# Rows of a CSV that are looked at to tell whether its first line is one of them.
FEW_ROWS = 16


@dataclass(frozen=True)
class Table:
    """A table on disk or in memory, whose columns can be read apart and in batches."""

    path: Path
    schema: pa.Schema
    n: int
    read: Callable[[Sequence[str]], pa.Table]
    batches: Callable[[Sequence[str], int], Iterator[pa.RecordBatch]]


def open_table(path: Path) -> Table:
    """Look into a file; Parquet is read later, the others now. Raises InputError if it is damaged."""
    check_exists(path)
    with explained(path):
        table = (
            _open_parquet(path) if path.suffix.lower() == ".parquet" else _in_memory(path, _read_whole(path))
        )
    return _distinct(table)


def table_of(data: Any, name: str) -> Table:
    """A table in memory under a name; raises InputError if it is none, or holds what cannot be kept."""
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        try:
            data = pa.Table.from_pandas(data, preserve_index=False)
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise InputError(f"{name} holds what cannot be kept: {str(error).splitlines()[0]}.") from error
    if not isinstance(data, pa.Table):
        raise InputError(f"{name} is a {type(data).__name__}: give a pandas DataFrame or a pyarrow table.")
    return _distinct(_in_memory(Path(name), data))


def _distinct(table: Table) -> Table:
    names = table.schema.names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"{table.path.name} has several columns called {twice!r}: give each a name of its own."
        )
    return table


def _open_parquet(path: Path) -> Table:
    file = pyarrow.parquet.ParquetFile(path, memory_map=True)

    def batches(columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        return iter(file.iter_batches(rows, columns=list(columns)))

    def read(columns: Sequence[str]) -> pa.Table:
        with explained(path):
            return _validated(path, file.read(columns=list(columns)))

    return Table(path, file.schema_arrow, file.metadata.num_rows, read, batches)


def _in_memory(path: Path, table: pa.Table) -> Table:
    def batches(columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        return iter(table.select(columns).to_batches(rows))

    return Table(path, table.schema, table.num_rows, table.select, batches)


def _read_whole(path: Path) -> pa.Table:
    if path.suffix.lower() in (".arrow", ".feather"):
        with pa.memory_map(str(path)) as mapped:
            table = pa.ipc.open_file(mapped).read_all()
        return _validated(path, table)
    parse = pa.csv.ParseOptions(delimiter=_delimiter(path), newlines_in_values=True)
    table = pa.csv.read_csv(path, parse_options=parse)
    if _is_headless(table):
        read = pa.csv.ReadOptions(autogenerate_column_names=True)
        table = pa.csv.read_csv(path, parse_options=parse, read_options=read)
    return _without_empty_cells(table)


def _validated(path: Path, table: pa.Table) -> pa.Table:
    """Return the table if it is what it says it is.

    Elsewhere offsets are taken on trust, a damaged one would be followed to anywhere; and text to be UTF-8.
    """
    table.validate()
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            reason = str(error).rpartition(": ")[2]
            how = ", with its text in UTF-8" if "UTF8" in reason else ""
            raise InputError(
                f"{path.name}: the column {name!r} is not what it says it is ({reason}): "
                f"write the file anew{how}."
            ) from error
    return table


def _without_empty_cells(table: pa.Table) -> pa.Table:
    """Make empty cells of text missing, as those of numbers are; NA stays a name, as Namibia's code."""
    columns = [
        pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _delimiter(path: Path) -> str:
    """Return the comma, semicolon or tab, whichever the first line has most of."""
    with path.open("rb") as file:
        first = file.readline(LONGEST_HEADER)
    return max(",;\t", key=lambda mark: first.count(mark.encode()))


def _is_headless(table: pa.Table) -> bool:
    """Whether a first line, read as names, is numbers that belong to the rows.

    0, 1, 2, … are names that pandas writes; and numbers a step apart, as wavelengths and years are, name
    columns, unless all rows are such.
    """
    names: list[str] = table.schema.names
    if all(name.isdecimal() for name in names) and _follow_one_another([int(name) for name in names]):
        return False
    if not all(re.fullmatch(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?", name.strip()) for name in names):
        return False
    if not all(map(_is_number, table.schema.types)):
        return True
    values = np.array([column.to_numpy() for column in table.slice(0, FEW_ROWS).columns], np.float64).T
    return not _are_steps(np.array(names, np.float64)) or all(map(_are_steps, values))


def _are_steps(numbers: np.ndarray) -> bool:
    """Whether there are three numbers or more, each the same step from the one before."""
    with np.errstate(all="ignore"):
        steps = np.diff(numbers)
    return len(steps) > 1 and steps[0] != 0 and bool(np.allclose(steps, steps[0], rtol=1e-6, atol=0))


def _follow_one_another(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)


@dataclass(frozen=True)
class VectorColumns:
    """The columns of a table that hold its vectors.

    Attributes
    ----------
    table : Table
    names : tuple of str
        One column of lists, or several of numbers.
    dims : int
        Dimensions of the vectors.
    """

    table: Table
    names: tuple[str, ...]
    dims: int

    @classmethod
    def of(cls, table: Table, vectors: str | Sequence[str] | None) -> Self:
        """Find them, as described in ``source.read_source``.

        Raises
        ------
        InputError
            If there are none, several to choose from, or they hold no numbers.
        """
        names = _choose(table) if vectors is None else _named(table, vectors)
        for name in names:
            _check_numbers(table, name)
        lists = _is_list(table.schema.field(names[0]).type)
        return cls(table, tuple(names), _list_length(table, names[0]) if lists else len(names))

    @property
    def are_lists(self) -> bool:
        """Whether one column holds whole vectors."""
        return _is_list(self.table.schema.field(self.names[0]).type)

    @property
    def beside(self) -> list[str]:
        """The columns that make items: all, but lists and the members of a numbered series."""
        hidden = self.names if self.are_lists or tuple(_longest_series([*self.names])) == self.names else ()
        return [name for name in self.table.schema.names if name not in hidden]

    def blocks(self) -> Iterator[np.ndarray]:
        """Return the vectors, (m, dims) at a time; raises InputError at a list of another length."""
        with explained(self.table.path):
            yield from self._list_blocks() if self.are_lists else self._column_blocks()

    def _list_blocks(self) -> Iterator[np.ndarray]:
        (name,), row = self.names, 0
        for batch in self.table.batches(self.names, block_rows(self.dims)):
            lists = batch[name]
            lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
            if lists.null_count or (lengths != self.dims).any():
                bad = int(np.flatnonzero(lengths != self.dims)[0])
                found = f"has {counted(int(lengths[bad]), 'value')}, not {self.dims} like the first"
                what = "is missing" if lengths[bad] < 0 else found
                raise InputError(
                    f"{self.table.path.name}: row {row + bad} of {name!r} {what} (rows count from 0)."
                )
            yield _plain(lists.flatten()).reshape(-1, self.dims)
            row += len(batch)

    def _column_blocks(self) -> Iterator[np.ndarray]:
        for batch in self.table.batches(self.names, block_rows(self.dims)):
            block = np.empty((len(batch), self.dims), np.float64)
            for place, name in enumerate(self.names):
                block[:, place] = _plain(batch[name])
            yield block


def _choose(table: Table) -> list[str]:
    names: list[str] = table.schema.names
    lists = [name for name in names if _is_list(table.schema.field(name).type)]
    if len(lists) > 1:
        raise InputError(
            f"{table.path.name} has several columns of lists ({', '.join(lists)}): name the one to use."
        )
    chosen = lists or _longest_series(names)
    if not chosen:
        numeric = [field.name for field in table.schema if _is_number(field.type)]
        chosen = [name for name in numeric if name.lower() not in NEVER_VECTOR]
    if not chosen:
        raise InputError(
            f"{table.path.name} has no column of vectors or numbers; its columns are {_few(names)}."
        )
    return chosen


def _named(table: Table, vectors: str | Sequence[str]) -> list[str]:
    names: list[str] = table.schema.names
    if isinstance(vectors, str):
        vectors = [vectors] if vectors in names else vectors.split(",")
    chosen: list[str] = []
    for part in vectors:
        found = [part] if part in names else [name for name in names if fnmatchcase(name, part.strip())]
        if not found:
            raise InputError(
                f"{table.path.name} has no column {part.strip()!r}; its columns are {_few(names)}."
            )
        chosen += found
    return list(dict.fromkeys(chosen))


def _longest_series(names: list[str]) -> list[str]:
    """Return the longest series of 2 columns or more that end in numbers counting up from 0 or 1."""
    series: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        match = re.fullmatch(r"(.*?)(\d+)", name)
        if match:
            series.setdefault(match[1], []).append((int(match[2]), name))
    whole = [
        group for group in series.values() if len(group) > 1 and _follow_one_another([i for i, _ in group])
    ]
    return [name for _, name in max(whole, key=len)] if whole else []


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_numbers(table: Table, name: str) -> None:
    kind = table.schema.field(name).type
    if _is_number(kind.value_type if _is_list(kind) else kind):
        return
    where = ""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = table.read([name])[name].to_pylist()
        row = next(
            (row for row, value in enumerate(values) if value is not None and not _is_written_number(value)),
            0,
        )
        where = f", in row {row} {str(values[row])[:40]!r} (rows count from 0)" if values else ""
    raise InputError(f"{table.path.name}: the column {name!r} holds {kind}{where}: vectors must be numbers.")


def _is_written_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _list_length(table: Table, name: str) -> int:
    kind = table.schema.field(name).type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    with explained(table.path):
        first = next(table.batches([name], 1), None)
    length = None if first is None or not len(first) else pc.list_value_length(first[name])[0].as_py()
    return int(length or 0)


def block_rows(dims: int) -> int:
    """Return how many vectors make a block."""
    return max(1, BLOCK_VALUES // max(1, dims))


def _plain(values: pa.Array) -> np.ndarray:
    """Numbers as numpy's; a missing one becomes NaN, which ``Source.blocks`` refuses with its place."""
    if values.null_count:
        values = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan)
    plain: np.ndarray = values.to_numpy(zero_copy_only=False)
    return plain


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
