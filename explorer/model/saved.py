"""Selections saved under a name, in one folder a data set: they outlast the page, the run and the server.

::

    <key>.json        {"schema": 1, "name", "rows", "count", "digest", "created", "steps"}
    <digest>.npy      uint8 (ceil(rows / 8),): the mask, packed by numpy.packbits

A name's key is the BLAKE2b of the name in small letters. Rows are written before the record that refers to
them, so a reader never meets a record without; rows that no record refers to any more are removed.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.names import LONGEST_NAME, plain_name
from explorer.model.selection import Selection, Step

SCHEMA = 1
log = logging.getLogger(__name__)
# What one page renames or deletes must not go from under what another saves.
_changing = threading.RLock()


@dataclass(frozen=True)
class SavedSelection:
    """The record of a saved selection.

    Attributes
    ----------
    name : str
        What it is called.
    rows : int
        Rows of the data.
    count : int
        Rows selected.
    digest : str
        Which ones (see ``Selection.digest``).
    created : str
        When it was saved, in ISO 8601.
    steps : tuple of Step
        How it had come about.
    """

    name: str
    rows: int
    count: int
    digest: str
    created: str
    steps: tuple[Step, ...] = ()

    @property
    def key(self) -> str:
        """What its file is called."""
        return _key(self.name)

    def step(self, mode: str) -> Step:
        """The step of restoring it."""
        return Step("saved", mode, name=self.name, digest=self.digest, steps=self.steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema": SCHEMA, **vars(self), "steps": [step.to_dict() for step in self.steps]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the record ``to_dict`` gave; raises KeyError, TypeError or ValueError if it is none."""
        values = dict(values)
        if values.pop("schema") > SCHEMA:
            raise ValueError("it was written by a newer version of UMAP Explorer")
        if not re.fullmatch(r"[0-9a-f]{32}", values["digest"]):
            raise ValueError(f"its digest {values['digest']!r} is none of rows")
        return cls(**{**values, "steps": tuple(Step.from_dict(step) for step in values["steps"])})


class SavedSelections:
    """The selections saved of one data set.

    Parameters
    ----------
    folder : Path
        Where they are, made at the first save.
    n : int
        Rows of the data.
    claim : callable
        Called before each write; raises WorkspaceError when another process writes to the workspace.
    """

    def __init__(self, folder: Path, n: int, claim: Callable[[], None] = lambda: None) -> None:
        self._folder, self._n, self._claim = folder, n, claim

    def all(self) -> tuple[SavedSelection, ...]:
        """Every one that can be read, the newest first; others are logged and left out."""
        found = []
        for path in sorted(self._folder.glob("[!.]*.json")):
            try:
                found.append(SavedSelection.from_dict(files.read_json(path)))
            except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("%s is damaged (%s): restore or delete it.", path, error)
        return tuple(sorted(found, key=lambda saved: (saved.created, saved.name), reverse=True))

    def named(self, name: str) -> SavedSelection:
        """Return the one of this name; raises InputError if there is none."""
        found = next((saved for saved in self.all() if saved.key == _key(name)), None)
        if found is None:
            raise InputError(
                f"No selection of this data is saved as {name[:LONGEST_NAME]!r}: it was renamed or deleted."
            )
        return found

    def save(self, name: str, selection: Selection) -> SavedSelection:
        """Save a selection under a new name.

        Raises
        ------
        InputError
            When the name is none or taken, or nothing is selected.
        """
        if not selection.count:
            raise InputError("Nothing is selected to save: draw a lasso around some points first.")
        name = plain_name(name)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        saved = SavedSelection(name, selection.n, selection.count, selection.digest, now, selection.steps)
        return self.put(saved, selection)

    def put(self, saved: SavedSelection, selection: Selection) -> SavedSelection:
        """Write a record with its rows, as they were before it was deleted."""
        with _changing:
            self._free(saved.name)
            self._claim()
            files.write_array(self._rows_path(saved), np.packbits(selection.mask))
            files.write_json(self._folder / f"{saved.key}.json", saved.to_dict())
        return saved

    def load(self, saved: SavedSelection) -> Selection:
        """Return the rows saved, and how they came about.

        Raises
        ------
        WorkspaceError
            When they cannot be read, or are not the rows that were saved.
        """
        path = self._rows_path(saved)
        try:
            packed = np.asarray(files.map_array(path))
            if packed.dtype != np.uint8 or packed.shape != (-(-self._n // 8),) or saved.rows != self._n:
                raise ValueError(f"it does not hold {self._n:,} rows")
            selection = Selection(np.unpackbits(packed, count=self._n).view(np.bool_), saved.steps)
            if selection.digest != saved.digest:
                raise ValueError("other rows than those saved are in it")
        except (OSError, ValueError, EOFError) as error:
            raise WorkspaceError(
                f"The selection {saved.name!r} cannot be restored: {path} is damaged ({error})."
            ) from error
        return selection

    def rename(self, saved: SavedSelection, name: str) -> SavedSelection:
        """Give it another name; raises InputError when that is none or taken, or it is there no more."""
        with _changing:
            renamed = replace(self.named(saved.name), name=self._free(name, but=saved.key))
            self._claim()
            files.write_json(self._folder / f"{renamed.key}.json", renamed.to_dict())
            if renamed.key != saved.key:
                files.remove(self._folder / f"{saved.key}.json")
        return renamed

    def delete(self, saved: SavedSelection) -> None:
        """Remove it, and its rows if no other has the same."""
        with _changing:
            self._claim()
            files.remove(self._folder / f"{saved.key}.json")
            if saved.digest not in {other.digest for other in self.all()}:
                files.remove(self._rows_path(saved))

    def _rows_path(self, saved: SavedSelection) -> Path:
        return self._folder / f"{saved.digest}.npy"

    def _free(self, name: str, but: str = "") -> str:
        """Return a name in its plain form if it is one and not taken by another than ``but``."""
        name = plain_name(name)
        if not name:
            raise InputError("A selection needs a name: write one.")
        if _key(name) != but and (self._folder / f"{_key(name)}.json").exists():
            raise InputError(f"There is a selection called {name!r} already: choose another name.")
        return name


def _key(name: str) -> str:
    return hashlib.blake2b(name.casefold().encode(), digest_size=8).hexdigest()
