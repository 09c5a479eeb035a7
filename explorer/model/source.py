"""A user's file → vectors block by block and a table of items, or one sentence saying what is wrong with it.

Vectors come as blocks of rows, so that a file larger than memory passes through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from explorer.model.errors import InputError
from explorer.model.items import ROW_ID, ROW_NUMBER
from explorer.model.reading import SUFFIXES, check_exists, explained
from explorer.model.run import FEWEST_ROWS
from explorer.model.tables import Table, VectorColumns, block_rows, open_table, table_of
from explorer.model.written import counted

PLAIN = {pa.string_view(): pa.large_string(), pa.binary_view(): pa.large_binary()}
SMALLEST_DECIMAL = 128
UUID, SMALL_BOOLEAN, OF_PANDAS = "arrow.uuid", "arrow.bool8", "pandas."
# What scipy.sparse.save_npz writes of a matrix of any format.
OF_SPARSE = {"format", "shape", "data"}


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


def read_source(
    data: Path,
    *,
    vectors: str | Path | None = None,
    items: Path | None = None,
    least: int = FEWEST_ROWS,
) -> Source:
    """Look into a file; the vectors of ``.npy`` and ``.parquet`` are not read yet.

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
    least : int, default 3
        Rows that it must have: fewer than a map needs where they are placed on one that is there.

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
    return _checked(source, least)


def source_of(data: Any, vectors: Any = None, name: str = "data") -> Source:
    """Take what is in memory already.

    Parameters
    ----------
    data : pandas.DataFrame, pyarrow.Table or None
        n rows of items, and of vectors if those are columns.
    vectors : str, list of str or array (n, d), optional
        As for ``read_source`` when it names columns.
    name : str
        What to call it.

    Raises
    ------
    InputError
        If it does not hold vectors of numbers.
    """
    table = None if data is None else table_of(data, name)
    of_names = isinstance(vectors, list | tuple) and vectors and all(isinstance(one, str) for one in vectors)
    if vectors is None or isinstance(vectors, str) or of_names:
        if table is None:
            raise InputError("There is nothing to lay out: give a table, or an array of vectors.")
        return _checked(_from_table(table, vectors))
    with explained(Path("vectors")):
        array = np.asarray(vectors)
    source = _from_array(array, name, "vectors", pa.table({}))
    if table is not None:
        source = _beside(source, _tidy(table.read(table.schema.names)), table.path)
    return _checked(source)


def _checked(source: Source, least: int = FEWEST_ROWS) -> Source:
    if source.n < least:
        rows = ("no rows", "one row", "two rows")[source.n]
        needed = f": a map needs at least {least}, and many more to be of use" if least > 1 else ""
        raise InputError(f"{source.label} has {rows}{needed}.")
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
    check_exists(path)
    if path.suffix.lower() == ".npz":
        return _items(path, {name: array for name, array in _read_npz(path).items() if array.ndim == 1})
    if path.suffix.lower() == ".npy":
        array = _read_npy(path)
        if array.ndim != 1:
            raise InputError(
                f"{path.name} has {array.ndim} dimensions: as items it must have one value a row."
            )
        return _items(path, {path.stem: array})
    table = open_table(path)
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
    names: Sequence[str] = open_table(data).schema.names
    return names


def _beside(source: Source, items: pa.Table, path: Path) -> Source:
    if items.num_rows != source.n:
        raise InputError(
            f"{path.name} has {counted(items.num_rows, 'row')} but {source.label} has "
            f"{counted(source.n, 'vector')}: they must match row for row."
        )
    return replace(source, items=items)


def _open(path: Path, vectors: str | None) -> Source:
    check_exists(path)
    if path.suffix.lower() == ".npy":
        return _from_npy(path, vectors)
    npz = path.suffix.lower() == ".npz"
    return _from_npz(path, vectors) if npz else _from_table(open_table(path), vectors)


# numpy's files


def _read_npy(path: Path) -> np.ndarray:
    with explained(path):
        array: np.ndarray | np.lib.npyio.NpzFile = np.load(path, mmap_mode="r", allow_pickle=False)
        if isinstance(array, np.lib.npyio.NpzFile):
            array.close()
            raise InputError(f"{path.name} is an .npz archive: name it so.")
        return array


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with explained(path), path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path.name} is no .npz archive of arrays.")
        return {name: archive[name] for name in archive.files}


def _from_npy(path: Path, vectors: str | None) -> Source:
    if vectors is not None:
        raise InputError(f"{path.name} holds one array without a name: leave out {vectors!r}.")
    return _from_array(_read_npy(path), path.stem, path.name, pa.table({}))


def _from_npz(path: Path, vectors: str | None) -> Source:
    arrays = _read_npz(path)
    if arrays.keys() >= OF_SPARSE and not arrays["format"].ndim:
        raise InputError(
            f"{path.name} holds a sparse matrix of scipy, which is not read here: save what its .toarray() "
            "gives, or with many columns what scikit-learn's TruncatedSVD makes of it."
        )
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
    return _from_array(arrays[chosen], path.stem, f"{path.name}, array {chosen}", _items(path, flat))


def _from_array(array: np.ndarray, name: str, label: str, items: pa.Table) -> Source:
    if array.ndim < 2:
        raise InputError(f"{label} has no rows and columns, as vectors must: its shape is {array.shape}.")
    if array.dtype.kind not in "fiub":
        kind = "text" if array.dtype.kind in "US" else f"values of type {array.dtype}"
        raise InputError(f"{label} holds {kind}: vectors must be numbers.")
    flat = array.reshape(len(array), -1) if array.size else array.reshape(len(array), 0)
    rows = block_rows(flat.shape[1])

    def blocks() -> Iterator[np.ndarray]:
        return (flat[start : start + rows] for start in range(0, len(flat), rows))

    return Source(len(flat), flat.shape[1], name, label, items, blocks)


def _items(path: Path, arrays: Mapping[str, np.ndarray]) -> pa.Table:
    """Arrays of one value a row as a table; bytes as text, numbers in this machine's byte order."""
    columns = {}
    for name, array in arrays.items():
        native = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else np.asarray(array)
        with explained(path):
            columns[name] = pa.array(native.astype(native.dtype.newbyteorder("=")))
    return _tidy(pa.table(columns))


def _from_table(table: Table, vectors: str | Sequence[str] | None) -> Source:
    path = table.path
    chosen = VectorColumns.of(table, vectors)
    return Source(
        n=table.n,
        dims=chosen.dims,
        name=path.stem,
        label=f"{path.name}, column {chosen.names[0]}" if len(chosen.names) == 1 else path.name,
        items=_tidy(table.read(chosen.beside)),
        read_blocks=chosen.blocks,
        columns=() if chosen.are_lists else chosen.names,
    )


def _tidy(items: pa.Table) -> pa.Table:
    """Items whose column names are filled in and differ, case aside, and leave ours to us.

    Views of text and bytes, and types that extend others, which much of Arrow cannot work with yet, become
    plain ones.
    """
    names: list[str] = []
    taken = {ROW_ID, ROW_NUMBER}
    for place, name in enumerate(items.schema.names):
        fresh = name or f"column_{place}"
        while fresh.lower() in taken:
            fresh += "_"
        taken.add(fresh.lower())
        names.append(fresh)
    if not names:
        return items
    return pa.table([_plain(column) for column in items.columns], names=names)


def _plain(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Values of a type that Arrow can compare, sort and write, with the same meaning."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        name = str(getattr(kind, "extension_name", ""))
        if name == UUID or name.startswith(OF_PANDAS):
            # An interval or a month is what pandas writes of it, not the numbers it is made of.
            values = column.to_pandas() if name != UUID else column.to_pylist()
            return pa.array(list(map(str, values)), pa.string(), mask=np.asarray(column.is_null()))
        return column.cast(pa.bool_() if name == SMALL_BOOLEAN else kind.storage_type)
    if pa.types.is_dictionary(kind) and isinstance(kind.value_type, pa.BaseExtensionType):
        parts = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
        plain = [pa.DictionaryArray.from_arrays(part.indices, _plain(part.dictionary)) for part in parts]
        return pa.chunked_array(plain) if plain else column
    if pa.types.is_decimal(kind) and kind.bit_width < SMALLEST_DECIMAL:
        return column.cast(pa.decimal128(kind.precision, kind.scale))
    return column.cast(PLAIN.get(kind, kind))
