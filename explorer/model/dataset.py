"""A data set: float32 vectors in a memory map, items beside them, row ids fixed at import."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.progress import part
from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.items import Column, Items
from explorer.model.source import Source, read_source

__all__ = ["Dataset", "DatasetInfo", "Origin", "Source", "import_source", "open_dataset", "read_source"]

SCHEMA = 1
SMALLEST_IMAGE_SIDE = 8


@dataclass(frozen=True)
class Origin:
    """The files a data set was read from, precise enough to know them again without reading them.

    Attributes
    ----------
    files : tuple of (path, size in bytes, time of change in ns)
    vectors : str or None
        The column or array asked for.
    """

    files: tuple[tuple[str, int, int], ...]
    vectors: str | None = None

    @classmethod
    def of(cls, data: Path, vectors: str | Path | None, items: Path | None) -> Self:
        """Return the origin of files as they are now; raises InputError if ``data`` is missing."""
        # Path.is_file raises at a list of columns that is longer than the name of a file may be.
        beside = Path(vectors) if vectors is not None and os.path.isfile(vectors) else None  # noqa: PTH113
        named = [data, beside, items]
        try:
            stats = [(path.absolute(), path.stat()) for path in named if path is not None]
        except OSError as error:
            raise InputError(f"There is no file {error.filename}.") from error
        known = tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)
        return cls(known, None if vectors is None else str(vectors))


IN_MEMORY = Origin(())


@dataclass(frozen=True)
class DatasetInfo:
    """The record of a data set, as kept in ``dataset.json``.

    Attributes
    ----------
    hash : str
        BLAKE2b of the vectors' shape and float32 bytes.
    image_side : int or None
        The side of the square grey images the vectors are, when they look like ones.
    columns : tuple of Column
        The items' columns.
    """

    id: str
    name: str
    hash: str
    n: int
    dims: int
    image_side: int | None
    source: str
    created: str
    origin: Origin
    columns: tuple[Column, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the record ``to_dict`` gave; raises KeyError, TypeError or ValueError if it is none."""
        values = dict(values)
        if values.pop("schema") > SCHEMA:
            raise ValueError("it was written by a newer version of UMAP Explorer")
        origin = values["origin"]
        known = tuple((str(path), int(size), int(time)) for path, size, time in origin["files"])
        columns = tuple(Column(**column) for column in values.get("columns", ()))
        return cls(**{**values, "origin": Origin(known, origin["vectors"]), "columns": columns})


@dataclass(frozen=True, eq=False)
class Dataset:
    """An open data set.

    Attributes
    ----------
    id, name, hash
        As in DatasetInfo.
    vectors : float32 (n, dims)
        Memory-mapped, read-only.
    vectors_path : Path
        The ``.npy`` file they are in.
    items : Items
        The columns beside the vectors.
    image_side : int or None
        28 for vectors that are grey images of 28 × 28.
    """

    id: str
    name: str
    hash: str
    vectors: np.ndarray
    vectors_path: Path
    items: Items
    image_side: int | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.vectors.shape[0])

    @property
    def dims(self) -> int:
        """Dimensions of the vectors."""
        return int(self.vectors.shape[1])


def import_source(
    source: Source,
    folder: Path,
    origin: Origin,
    *,
    name: str | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> DatasetInfo:
    """Write a source as a data set below ``folder``, which appears whole or not at all.

    The same vectors and items give the same id, so that importing twice keeps one. ``progress`` is called
    with the share written of all bytes; what it raises ends the import.

    Raises
    ------
    InputError
        If a value of the source is no finite number.
    WorkspaceError
        If the disk refuses.
    """
    progress(0.0)
    n_bytes = source.n * source.dims * np.dtype(np.float32).itemsize
    vectors_share = n_bytes / (n_bytes + source.items.nbytes)
    with files.staging(folder) as staged:
        told = part(progress, 0, vectors_share)
        digest, image_side = _write_vectors(source, staged / "vectors.npy", told)
        _write_items(source.items, staged / "items.parquet", part(progress, vectors_share, 1))
        with (staged / "items.parquet").open("rb") as file:
            items_digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
        title = name or source.name
        both = hashlib.blake2b(bytes.fromhex(digest) + items_digest.digest(), digest_size=3).hexdigest()
        info = DatasetInfo(
            id=f"{_slug(title)}-{both}",
            name=title,
            hash=digest,
            n=source.n,
            dims=source.dims,
            image_side=image_side,
            source=source.label,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            origin=origin,
            columns=Items(staged / "items.parquet", source.n).columns,
        )
        files.write_json(staged / "dataset.json", info.to_dict())
        # The last moment at which the import can be ended: from here on there is a data set.
        progress(1.0)
        if (folder / info.id / "dataset.json").exists():
            files.write_json(folder / info.id / "dataset.json", info.to_dict())
        else:
            # What has lost its record is no data set any more, and would stay in the place of this one.
            files.remove(folder / info.id)
            files.publish(staged, folder / info.id)
    return info


def open_dataset(folder: Path) -> Dataset:
    """Open a data set's folder; raises WorkspaceError if it is damaged."""
    try:
        info = DatasetInfo.from_dict(files.read_json(folder / "dataset.json"))
        path = folder / "vectors.npy"
        vectors = np.load(path, mmap_mode="r", allow_pickle=False)
        if vectors.shape != (info.n, info.dims) or vectors.dtype != np.float32:
            raise ValueError(f"vectors.npy holds {vectors.dtype} {vectors.shape}")
        items = Items(folder / "items.parquet", info.n, info.columns)
        items.check()
    except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
        raise WorkspaceError(
            f"The data set in {folder} is damaged ({error}): delete it and open its file again."
        ) from error
    return Dataset(info.id, info.name, info.hash, vectors, path, items, info.image_side)


def _write_items(items: pa.Table, path: Path, progress: Callable[[float], None]) -> None:
    try:
        files.write_table(path, items, progress)
    except pa.ArrowException as error:
        raise InputError(_unkept(items, error)) from error


def _unkept(items: pa.Table, error: Exception) -> str:
    """Say which column it is that Parquet cannot hold."""
    what = "The items hold what"
    for name in items.column_names:
        try:
            pq.write_table(items.select([name]), pa.MockOutputStream())
        except pa.ArrowException as found:
            what, error = (
                f"The column {name!r} of the items holds {items.schema.field(name).type}, which",
                found,
            )
            break
    reason = str(error).splitlines()[0].rstrip(".")
    return f"{what} cannot be kept ({reason}): leave it out, or write it as text or numbers."


def _write_vectors(source: Source, path: Path, progress: Callable[[float], None]) -> tuple[str, int | None]:
    """Write the blocks one after the other; return their hash and the side of the images they may be.

    Not through a memory map: on a full disk that would kill the process instead of raising.
    """
    digest = hashlib.blake2b(f"{source.n} {source.dims} float32".encode(), digest_size=16)
    images = _ImageTest(source.dims)
    row = 0
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (source.n, source.dims)}
        np.lib.format.write_array_header_1_0(file, header)
        for block in source.blocks():
            data = np.ascontiguousarray(block, "<f4")
            digest.update(data.data)
            file.write(data.data)
            images.look(data)
            row += len(data)
            progress(row / source.n)
    if row != source.n:
        raise InputError(f"{source.label} ended after {row:,} of {source.n:,} rows: the file is truncated.")
    return digest.hexdigest(), images.side


class _ImageTest:
    """Whether vectors look like square grey images: whole numbers up to 255, or 255ths from 0 to 1."""

    def __init__(self, dims: int) -> None:
        side = math.isqrt(dims)
        self._side = side if side * side == dims and side >= SMALLEST_IMAGE_SIDE else None
        self._whole = self._scaled = True
        self._top = 0.0

    def look(self, block: np.ndarray) -> None:
        """Take a few rows of a block into account."""
        if self._side is None:
            return
        rows = block[:: max(1, len(block) // 64)]
        self._top = max(self._top, float(rows.max(initial=0.0)))
        positive = float(rows.min(initial=0.0)) >= 0.0
        self._whole &= positive and bool((rows == np.rint(rows)).all())
        self._scaled &= positive and bool((np.abs(rows * 255 - np.rint(rows * 255)) < 1e-3).all())

    @property
    def side(self) -> int | None:
        """The side of the images, or None."""
        whole = self._whole and 1.0 < self._top <= 255.0
        scaled = self._scaled and 0.0 < self._top <= 1.0
        return self._side if whole or scaled else None


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "data"
