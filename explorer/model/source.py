"""A user's file → vectors block by block and a table of items, or one sentence saying what is wrong with it.

Vectors come as blocks of rows, so that a file larger than memory passes through.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from explorer.model.errors import InputError
from explorer.model.items import ROW_ID

# Values of a block of rows: 4 MB as float32, which the allocator hands out again and again.
BLOCK_VALUES = 2**20
SUFFIXES = (".npy", ".npz", ".parquet", ".csv", ".tsv", ".arrow", ".feather")
# A numeric column of one of these names tells what a row is rather than where it lies.
NEVER_VECTOR = {"label", "labels", "target", "class", "cluster", "id", "index", ROW_ID, "y"}


@dataclass(frozen=True)
class Source:
    """What a file offers.

    Attributes
    ----------
    n, dims : int
        Rows and dimensions of the vectors.
    name : str
        What to call it.
    label : str
        Where the vectors come from, for people.
    items : pyarrow.Table
        n rows; the columns beside the vectors.
    read_blocks : callable
        Gives the vectors as arrays (m, dims) of any number type, unchecked, in the order of the rows.
    columns : tuple of str
        The names of the vectors' columns, or none.
    """

    n: int
    dims: int
    name: str
    label: str
    items: pa.Table
    read_blocks: Callable[[], Iterator[np.ndarray]]
    columns: tuple[str, ...] = ()

    def blocks(self) -> Iterator[np.ndarray]:
        """Return the vectors, float32 (m, dims) at a time.

        Raises
        ------
        InputError
            At the first value that is not a finite float32, with its row and column.
        """
        row = 0
        for block in self.read_blocks():
            with np.errstate(over="ignore"):
                single = np.ascontiguousarray(block, np.float32)
            if not np.isfinite(single).all():
                self._refuse(block, single, row)
            yield single
            row += len(block)

    @cached_property
    def vectors(self) -> np.ndarray:
        """All vectors at once, float32 (n, dims)."""
        return np.concatenate(list(self.blocks()))

    def _refuse(self, block: np.ndarray, single: np.ndarray, start: int) -> None:
        row, column = (int(place[0]) for place in np.nonzero(~np.isfinite(single)))
        value = float(block[row, column])
        what = "not a number (NaN)" if np.isnan(value) else "infinite" if np.isinf(value) else f"{value:g}"
        advice = "too large for float32; scale it" if np.isfinite(value) else "fill in or leave out such rows"
        name = f"column {self.columns[column]!r}" if self.columns else f"column {column}"
        raise InputError(f"{self.label}: row {start + row}, {name} is {what}: {advice} (rows count from 0).")


def read_source(data: Path, *, vectors: str | Path | None = None, items: Path | None = None) -> Source:
    """Look into a file; nothing large is read yet.

    Parameters
    ----------
    data : Path
        ``.npy`` (vectors), ``.npz`` (one array of vectors; arrays of one number or text a row become items),
        ``.parquet``, ``.arrow``, ``.feather`` or ``.csv`` (vectors and items).
    vectors : str or Path, optional
        The array or column that holds the vectors, several columns as ``a,b,c`` or ``pixel*``, or another
        file with the vectors of ``data``'s rows. By default the only array or list column, else the columns
        numbered one after the other (``x0, x1, …``), else all columns of numbers but those named like a
        label.
    items : Path, optional
        A file with the items, in the same row order.

    Raises
    ------
    InputError
        If a file is missing, damaged or does not hold vectors of numbers.
    """
    other = _vectors_file(data, vectors)
    if other is None:
        source = _open(data, None if vectors is None else str(vectors))
    else:
        source = _open(other, None)
        source = _beside(source, read_items(data), data)
    if items is not None:
        source = _beside(source, read_items(items), items)
    if source.n < 2:
        rows = "one row" if source.n else "no rows"
        raise InputError(f"{source.label} has {rows}: a map needs at least 2, and many more to be of use.")
    if source.dims < 1:
        raise InputError(f"{source.label} has vectors of no dimensions.")
    return source


def read_items(path: Path) -> pa.Table:
    """All columns of a table's file, or all one-dimensional arrays of an ``.npz``.

    Raises
    ------
    InputError
        If the file is missing, damaged or no table.
    """
    _check_exists(path)
    if path.suffix.lower() == ".npz":
        arrays = _read_npz(path)
        return _tidy(pa.table({name: pa.array(array) for name, array in arrays.items() if array.ndim == 1}))
    if path.suffix.lower() == ".npy":
        array = _read_npy(path)
        if array.ndim != 1:
            raise InputError(
                f"{path.name} has {array.ndim} dimensions: as items it must have one value a row."
            )
        return _tidy(pa.table({path.stem: pa.array(np.asarray(array))}))
    table = _open_table(path)
    return _tidy(table.read(table.schema.names))


def _vectors_file(data: Path, vectors: str | Path | None) -> Path | None:
    """Return the path in ``vectors``: a Path, or text that names a file of a known kind and no column."""
    if vectors is None or isinstance(vectors, Path):
        return vectors
    looks_like_file = Path(vectors).suffix.lower() in SUFFIXES
    return Path(vectors) if looks_like_file and vectors not in _column_names(data) else None


def _column_names(data: Path) -> Sequence[str]:
    if data.suffix.lower() in (".npy", ".npz") or not data.exists():
        return ()
    names: Sequence[str] = _open_table(data).schema.names
    return names


def _beside(source: Source, items: pa.Table, path: Path) -> Source:
    if items.num_rows != source.n:
        raise InputError(
            f"{path.name} has {items.num_rows:,} rows but {source.label} has {source.n:,} vectors: "
            "they must match row for row."
        )
    return Source(source.n, source.dims, source.name, source.label, items, source.read_blocks, source.columns)


def _open(path: Path, vectors: str | None) -> Source:
    _check_exists(path)
    if path.suffix.lower() == ".npy":
        return _from_npy(path, vectors)
    return _from_npz(path, vectors) if path.suffix.lower() == ".npz" else _from_table(path, vectors)


def _check_exists(path: Path) -> None:
    if not path.exists():
        raise InputError(f"There is no file {path}.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: give a file.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name} is of no known kind: the kinds are {', '.join(SUFFIXES)}.")


# numpy's files


def _read_npy(path: Path) -> np.ndarray:
    with _explained(path):
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with _explained(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path.name} is no .npz archive of arrays.")
        return {name: archive[name] for name in archive.files}


def _from_npy(path: Path, vectors: str | None) -> Source:
    if vectors is not None:
        raise InputError(f"{path.name} holds one array without a name: leave out {vectors!r}.")
    return _from_array(_read_npy(path), path.stem, path.name, pa.table({}))


def _from_npz(path: Path, vectors: str | None) -> Source:
    arrays = _read_npz(path)
    candidates = [name for name, array in arrays.items() if array.ndim >= 2]
    if vectors is None and len(candidates) != 1:
        found = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "nothing"
        many = "several arrays that could be vectors" if candidates else "no array with rows and columns"
        raise InputError(f"{path.name} holds {many} ({found}): name the one to use.")
    chosen = candidates[0] if vectors is None else vectors
    if chosen not in arrays:
        raise InputError(f"{path.name} has no array {chosen!r}; its arrays are {', '.join(arrays)}.")
    n = arrays[chosen].shape[0] if arrays[chosen].ndim else 0
    flat = {name: array for name, array in arrays.items() if array.shape == (n,) and name != chosen}
    items = _tidy(pa.table({name: pa.array(array) for name, array in flat.items()}))
    return _from_array(arrays[chosen], path.stem, f"{path.name}, array {chosen}", items)


def _from_array(array: np.ndarray, name: str, label: str, items: pa.Table) -> Source:
    if array.ndim < 2:
        raise InputError(f"{label} has no rows and columns, as vectors must: its shape is {array.shape}.")
    if array.dtype.kind not in "fiub":
        kind = "text" if array.dtype.kind in "US" else f"values of type {array.dtype}"
        raise InputError(f"{label} holds {kind}: vectors must be numbers.")
    flat = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
    rows = _block_rows(flat.shape[1])

    def blocks() -> Iterator[np.ndarray]:
        return (flat[start : start + rows] for start in range(0, len(flat), rows))

    return Source(len(flat), flat.shape[1], name, label, items, blocks)


# Tables


@dataclass(frozen=True)
class _Table:
    """A table on disk or in memory, whose columns can be read apart and in batches."""

    path: Path
    schema: pa.Schema
    n: int
    read: Callable[[Sequence[str]], pa.Table]
    batches: Callable[[Sequence[str], int], Iterator[pa.RecordBatch]]


def _open_table(path: Path) -> _Table:
    _check_exists(path)
    with _explained(path):
        if path.suffix.lower() == ".parquet":
            return _open_parquet(path)
        return _in_memory(path, _read_whole(path))


def _open_parquet(path: Path) -> _Table:
    file = pyarrow.parquet.ParquetFile(path, memory_map=True)

    def batches(columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        with _explained(path):
            yield from file.iter_batches(rows, columns=list(columns))

    def read(columns: Sequence[str]) -> pa.Table:
        with _explained(path):
            return file.read(columns=list(columns))

    return _Table(path, file.schema_arrow, file.metadata.num_rows, read, batches)


def _in_memory(path: Path, table: pa.Table) -> _Table:
    def batches(columns: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
        return iter(table.select(columns).to_batches(rows))

    return _Table(path, table.schema, table.num_rows, table.select, batches)


def _read_whole(path: Path) -> pa.Table:
    if path.suffix.lower() in (".arrow", ".feather"):
        with pa.memory_map(str(path)) as mapped:
            return pa.ipc.open_file(mapped).read_all()
    parse = pa.csv.ParseOptions(
        delimiter="\t" if path.suffix.lower() == ".tsv" else ",", newlines_in_values=True
    )
    table = pa.csv.read_csv(path, parse_options=parse)
    if _is_headless(table.schema.names):
        read = pa.csv.ReadOptions(autogenerate_column_names=True)
        table = pa.csv.read_csv(path, parse_options=parse, read_options=read)
    return table


def _is_headless(names: list[str]) -> bool:
    """Whether a first line is numbers rather than names (0, 1, 2, … are names that pandas writes)."""
    if all(name.isdecimal() for name in names) and _follow_one_another([int(name) for name in names]):
        return False
    return all(re.fullmatch(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?", name.strip()) for name in names)


def _follow_one_another(numbers: list[int]) -> bool:
    return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in (0, 1)


def _from_table(path: Path, vectors: str | None) -> Source:
    table = _open_table(path)
    chosen = _choose(table, vectors)
    lists = len(chosen) == 1 and _is_list(table.schema.field(chosen[0]).type)
    for name in chosen:
        _check_numbers(table, name)
    # Columns with names of their own are worth colouring by; those of a numbered series are not.
    hidden = set(chosen) if lists or _is_series(chosen) else set()
    items = _tidy(table.read([name for name in table.schema.names if name not in hidden]))
    label = f"{path.name}, column {chosen[0]}" if len(chosen) == 1 else path.name
    if lists:
        dims = _list_length(table, chosen[0])
        return Source(table.n, dims, path.stem, label, items, lambda: _list_blocks(table, chosen[0], dims))
    return Source(
        table.n, len(chosen), path.stem, label, items, lambda: _column_blocks(table, chosen), tuple(chosen)
    )


def _choose(table: _Table, vectors: str | None) -> list[str]:
    names: list[str] = table.schema.names
    if vectors is not None:
        return _named(table, vectors)
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


def _named(table: _Table, vectors: str) -> list[str]:
    names: list[str] = table.schema.names
    if vectors in names:
        return [vectors]
    chosen: list[str] = []
    for part in vectors.split(","):
        found = [name for name in names if fnmatchcase(name, part.strip())]
        if not found:
            raise InputError(
                f"{table.path.name} has no column {part.strip()!r}; its columns are {_few(names)}."
            )
        chosen += found
    return chosen


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


def _is_series(names: list[str]) -> bool:
    return _longest_series(names) == names


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _check_numbers(table: _Table, name: str) -> None:
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


def _list_length(table: _Table, name: str) -> int:
    kind = table.schema.field(name).type
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size)
    first = next(table.batches([name], 1), None)
    length = None if first is None or not len(first) else pc.list_value_length(first[name])[0].as_py()
    return int(length or 0)


def _list_blocks(table: _Table, name: str, dims: int) -> Iterator[np.ndarray]:
    row = 0
    for batch in table.batches([name], _block_rows(dims)):
        lists = batch[name]
        lengths = pc.fill_null(pc.list_value_length(lists), -1).to_numpy(zero_copy_only=False)
        if lists.null_count or (lengths != dims).any():
            bad = int(np.flatnonzero(lengths != dims)[0])
            what = (
                "is missing" if lengths[bad] < 0 else f"has {lengths[bad]} values, not {dims} like the first"
            )
            raise InputError(f"{table.path.name}: row {row + bad} of {name!r} {what} (rows count from 0).")
        yield _plain(lists.flatten()).reshape(-1, dims)
        row += len(batch)


def _column_blocks(table: _Table, names: list[str]) -> Iterator[np.ndarray]:
    for batch in table.batches(names, _block_rows(len(names))):
        block = np.empty((len(batch), len(names)), np.float64)
        for place, name in enumerate(names):
            block[:, place] = _plain(batch[name])
        yield block


def _block_rows(dims: int) -> int:
    return max(1, BLOCK_VALUES // max(1, dims))


def _plain(values: pa.Array) -> np.ndarray:
    """Numbers as numpy's; a missing one becomes NaN, which ``Source.blocks`` refuses with its place."""
    if values.null_count:
        values = pc.fill_null(values.cast(pa.float64(), safe=False), np.nan)
    plain: np.ndarray = values.to_numpy(zero_copy_only=False)
    return plain


def _tidy(items: pa.Table) -> pa.Table:
    """Items whose column names are filled in and differ, case aside, and leave ``row_id`` to us."""
    names: list[str] = []
    taken = {ROW_ID}
    for place, name in enumerate(items.schema.names):
        fresh = name or f"column_{place}"
        while fresh.lower() in taken:
            fresh += "_"
        taken.add(fresh.lower())
        names.append(fresh)
    return items.rename_columns(names).replace_schema_metadata(None) if names else items


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")


class _explained:  # noqa: N801 - reads as a verb where it is used
    """Turn what a reader raises on a damaged or dangerous file into one sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ValueError) and ("pickle" in str(error) or "Python objects" in str(error)):
            raise InputError(
                f"{self.path.name} holds pickled Python objects, which could run any program when opened: "
                "save plain arrays of numbers instead."
            ) from error
        known = (OSError, ValueError, EOFError, zipfile.BadZipFile, pa.ArrowException)
        if isinstance(error, known) and not isinstance(error, InputError):
            reason = (
                str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
            )
            raise InputError(f"{self.path.name} is damaged or not what its name says: {reason}.") from error
