"""What is said of a user's file that cannot be read: one sentence, whatever the reader raised."""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.model.errors import InputError

SUFFIXES = (".npy", ".npz", ".parquet", ".csv", ".tsv", ".arrow", ".feather")
DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    EOFError,
    NotImplementedError,  # of zipfile: a way of compression that it does not know
    OverflowError,
    RecursionError,  # of json: a file of brackets
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    pa.ArrowException,
)


def check_exists(path: Path) -> None:
    """Raise InputError unless the path is a file of a known kind."""
    if not path.exists():
        raise InputError(f"There is no file {path}.")
    if path.is_dir():
        raise InputError(f"{path} is a folder: give a file.")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path.name} is of no known kind: the kinds are {', '.join(SUFFIXES)}.")


def read_given_json(path: Path) -> Any:
    """Return what a user's JSON file holds; raises InputError if there is none or it is damaged."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    with explained(path):
        return json.loads(path.read_text(encoding="utf-8"))


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what a reader raises on a damaged or dangerous file into InputError."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{path.name} is damaged, or needs more memory than there is.") from error
    except DAMAGED as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).split(". ")[0].rstrip(".")
        if isinstance(error, ValueError) and ("pickle" in reason or "Python objects" in reason):
            raise InputError(
                f"{path.name} holds pickled Python objects, which could run any program when opened: "
                "save plain arrays of numbers instead."
            ) from error
        raise InputError(f"{path.name} is damaged or not what its name says: {reason}.") from error
