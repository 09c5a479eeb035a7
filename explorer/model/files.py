"""Writing files so that a reader, a crash or a full disk never meets half of one.

Everything is written under a temporary name beside its place, synced to the disk, then renamed over it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from explorer.model.errors import InputError, WorkspaceError

TEMPORARY, EARLIER = ".part", ".earlier"
TAG = "[0-9a-f]" * 8
"""What tells the temporary names of one file apart, as a pattern."""
ITEMS_ROW_GROUP = 65_536
_superseding = threading.Lock()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write a file or folder to, which takes ``path``'s place if all goes well.

    A file replaces what was there; a folder gives way to one that is there already (both hold the same by
    construction). If the block raises, what was there is left as it was and the temporary is removed.

    Raises
    ------
    WorkspaceError
        If the system refuses the write, with its reason.
    """
    temporary = _temporary(path)
    with _cleaning(temporary, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        publish(temporary, path)


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder inside ``folder``, to be published under a name found later, else removed.

    Raises
    ------
    WorkspaceError
        If the system refuses a write, with its reason.
    """
    temporary = _temporary(folder / "staging")
    with _cleaning(temporary, folder):
        temporary.mkdir(parents=True)
        yield temporary
    remove(temporary)


def publish(temporary: Path, path: Path) -> None:
    """Sync what was written under the temporary name and give it its place; raises OSError."""
    _sync(temporary)
    if temporary.is_dir() and path.exists():
        remove(temporary)
    else:
        temporary.replace(path)
    _sync_entry(path.parent)


def supersede(temporary: Path, folder: Path) -> None:
    """Sync a folder written under the temporary name and give it another's place; raises OSError.

    No folder can be renamed over another: what was there is out of its place for the moment between two
    renames, and removed after them; if the second is refused it is put back, and by ``put_back`` if the
    process is killed between them.
    """
    _sync(temporary)
    earlier = _temporary(folder).with_suffix(EARLIER)
    with _superseding:
        if folder.exists():
            folder.rename(earlier)
        try:
            temporary.rename(folder)
        except OSError:
            with suppress(OSError):
                earlier.rename(folder)
            raise
    _sync_entry(folder.parent)
    remove(earlier)


@contextmanager
def _cleaning(temporary: Path, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        with suppress(OSError):
            remove(temporary)
        reason = error.strerror or "the disk may be full"
        raise WorkspaceError(
            f"Could not write {path}: {reason}. Free some space or choose another place; "
            "what was there is untouched."
        ) from error
    except BaseException:
        remove(temporary)
        raise


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON object, atomically."""
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; raises OSError or ValueError."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("it does not hold a JSON object")
    return values


def write_text(path: Path, text: str) -> None:
    """Write a text file, atomically; raises WorkspaceError."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def append_text(path: Path, text: str) -> None:
    """Add to the end of a text file; raises WorkspaceError."""
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise WorkspaceError(f"Could not write {path}: {error.strerror}.") from error


def write_array(path: Path, array: np.ndarray) -> None:
    """Write one array as ``.npy``, atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        # numpy leaves the last 4 KB to the C library, and does not hear when the disk refuses them.
        if os.fstat(file.fileno()).st_size < file.tell():
            raise OSError("the end is missing")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write several arrays as one uncompressed ``.npz``, atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of an ``.npz``; raises OSError, ValueError or EOFError."""
    try:
        # Opened here: numpy leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except zipfile.BadZipFile as error:
        raise ValueError(f"it is truncated or overwritten: {error}") from error


def write_folder_of_arrays(folder: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays as ``.npy`` files of a folder that appears whole or not at all, with ``about.json``.

    This tells what is said about them, and under ``arrays`` their names.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        for name, array in arrays.items():
            write_array(temporary / f"{name}.npy", array)
        write_json(temporary / "about.json", {**about, "arrays": sorted(arrays)})


def read_folder_of_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of such a folder, memory-mapped; raises OSError or ValueError unless all are there.

    Without any it is empty.
    """
    there = [path.stem for path in sorted(folder.glob("*.npy"))]
    # Earlier versions did not tell the names.
    names = read_json(folder / "about.json").get("arrays", there) if there else []
    return {name: map_array(folder / f"{name}.npy") for name in names}


def map_array(path: Path) -> np.ndarray:
    """Return an ``.npy`` file as an array in memory-mapped pages; raises OSError or ValueError.

    The pages are private: what is written to them reaches no file. They are not read-only because compiled
    kernels would be compiled once more for read-only arrays.
    """
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def write_table(
    path: Path, table: pa.Table, progress: Callable[[float], None] = lambda _: None
) -> tuple[str, ...]:
    """Write a table as CSV or Parquet, told from the suffix, atomically.

    Parameters
    ----------
    path : Path
    table : pyarrow.Table
    progress : callable, optional
        Called with the share of the rows written of a Parquet; what it raises ends the work.

    Returns
    -------
    tuple of str
        The columns left out: those of bytes and of vectors, of a CSV.

    Raises
    ------
    InputError
        If the suffix is neither ``.csv`` nor ``.parquet``.
    """
    check_table_path(path)
    with replacing(path) as temporary:
        if path.suffix.lower() == ".parquet":
            _write_parquet(temporary, table, progress)
            return ()
        flat = _flat(table)
        pyarrow.csv.write_csv(flat, temporary)
        return tuple(name for name in table.column_names if name not in flat.column_names)


def check_table_path(path: Path) -> None:
    """Raise InputError unless the path names a file that ``write_table`` writes."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: name a file to write.")
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise InputError(
            f"{path.name} ends in {suffix or 'nothing'!r}: name a file that ends in .csv or .parquet."
        )


def _write_parquet(path: Path, table: pa.Table, progress: Callable[[float], None]) -> None:
    """Write group of rows by group: an empty table is one empty group, as ``pyarrow`` has it."""
    rows = max(table.num_rows, 1)
    with pyarrow.parquet.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for start in range(0, rows, ITEMS_ROW_GROUP):
            writer.write_table(table.slice(start, ITEMS_ROW_GROUP))
            progress(min(1.0, (start + ITEMS_ROW_GROUP) / rows))


def csv_bytes(table: pa.Table) -> bytes:
    """Return a table as the CSV that ``write_table`` writes."""
    buffer = pa.BufferOutputStream()
    pyarrow.csv.write_csv(_flat(table), buffer)
    return bytes(buffer.getvalue())


def read_inside(folder: Path, name: str, most: int) -> bytes:
    """Return a file that items name by a path below a folder.

    Parameters
    ----------
    folder : Path
        Nothing outside it is read, whatever the name, its links or its ``..`` say.
    name : str
        Relative to the folder, or absolute within it.
    most : int
        Bytes; a larger file is not read.

    Raises
    ------
    InputError
        If the path leads outside, to no file, or to one that is too large or unreadable.
    """
    try:
        root = folder.resolve()
        path = (root / name).resolve()
        is_file = path.is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError("The path is none that can be read.") from error
    if not path.is_relative_to(root):
        raise InputError("The path leads outside the folder of media.")
    if not is_file:
        raise InputError("There is no such file in the folder of media.")
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"The file cannot be read: {error.strerror}.") from error
    if len(content) > most:
        raise InputError(f"The file is larger than {most // 2**20} MB.")
    return content


def move(path: Path, to: Path) -> None:
    """Give a folder another place on the same disk, whole or not at all.

    Raises
    ------
    WorkspaceError
        If the system refuses, with its reason.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        path.rename(to)
        _sync_entry(to.parent)
        _sync_entry(path.parent)
    except OSError as error:
        raise WorkspaceError(f"Could not move {path} to {to}: {error.strerror}.") from error


def remove_leftovers(folder: Path, name: str = "") -> None:
    """Remove what a writer that was killed in the middle of a write left in a folder tree.

    With a name, what it left of that file or folder in ``folder`` itself: others may be writing theirs, and
    who walked through it would trip when it takes its place.
    """
    pattern = f".{name}*.{TAG}{TEMPORARY}"
    for path in list(folder.glob(pattern) if name else folder.rglob(pattern)):
        remove(path)


def put_back(folder: Path) -> None:
    """Give what ``supersede`` had moved aside in a folder tree its place again, where that is empty.

    Before ``remove_leftovers``, and like it for the one who writes there.
    """
    for earlier in list(folder.rglob(f".*.{TAG}{EARLIER}")):
        place = earlier.with_name(earlier.name[1:].rsplit(".", 2)[0])
        if place.exists():
            remove(earlier)
        else:
            with suppress(OSError):
                earlier.rename(place)


def has_no_words(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are bytes (a picture), or lists of fractions (another vector)."""
    if pa.types.is_nested(kind):
        return any(
            pa.types.is_floating(kind.field(part).type) or has_no_words(kind.field(part).type)
            for part in range(kind.num_fields)
        )
    return bool(
        pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    )


def _flat(table: pa.Table) -> pa.Table:
    """Return the table as CSV can hold it: nested columns as JSON text, bytes and vectors left out."""
    table = table.select([column.name for column in table.schema if not has_no_words(column.type)])
    for index, column in enumerate(table.schema):
        if pa.types.is_nested(column.type):
            text = [
                None if value is None else json.dumps(value, default=str)
                for value in table[index].to_pylist()
            ]
            table = table.set_column(index, column.name, pa.array(text, pa.string()))
    return table


def _sync(path: Path) -> None:
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())


def _sync_entry(folder: Path) -> None:
    """Make a rename in the folder durable, where the system lets folders be opened (not on Windows)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or folder if it is there; a folder goes at once, so that nobody meets a part of it."""
    if path.is_dir():
        going = _temporary(path)
        # Windows moves no folder whose files are mapped.
        with suppress(OSError):
            path = path.rename(going)
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
