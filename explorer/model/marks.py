"""What an analyst has made of an audit's findings: accepted, fixed or to do, each with a note.

::

    runs/<id>/marks.json     {"schema": 1, "marks": {<key of the finding>: {state, note, changed}}}

A finding's key depends on the data, the run, the rows of its cluster and what is found there (see
``findings.identified``), so a mark is found again by every audit that finds the same, whatever its numbers.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.workspace import Workspace

State = Literal["accepted", "fixed", "to do"]
STATES: tuple[State, ...] = get_args(State)
SCHEMA = 1
LONGEST_NOTE = 2_000
log = logging.getLogger(__name__)
# Two pages that mark at once would each write what they read over what the other wrote.
_changing = threading.Lock()


@dataclass(frozen=True)
class Mark:
    """What was made of one finding.

    Attributes
    ----------
    state : {"accepted", "fixed", "to do"}
    note : str
        May be empty.
    changed : str
        When, in ISO 8601.
    """

    state: State
    note: str
    changed: str

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the mark ``vars`` gave; raises KeyError, TypeError or ValueError if it is none."""
        mark = cls(**values)
        if mark.state not in STATES:
            raise ValueError(f"{mark.state!r} is no state of a finding")
        return mark


class Marks:
    """The marks of one run's findings.

    Parameters
    ----------
    workspace : Workspace
    run_id : str
    """

    def __init__(self, workspace: Workspace, run_id: str) -> None:
        self._workspace = workspace
        self._path = workspace.run_folder(run_id) / "marks.json"

    def all(self) -> dict[str, Mark]:
        """Return the marks by the findings' keys; of a damaged file none, which is logged."""
        try:
            return self._read()
        except WorkspaceError as error:
            log.warning("%s", error)
            return {}

    def _read(self) -> dict[str, Mark]:
        try:
            values = files.read_json(self._path)
            if values["schema"] > SCHEMA:
                raise ValueError("it was written by a newer version of UMAP Explorer")
            return {str(key): Mark.from_dict(mark) for key, mark in values["marks"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise WorkspaceError(f"{self._path} is damaged ({error}): restore or delete it.") from error

    def set(self, key: str, state: str, note: str = "") -> Mark:
        """Mark a finding, in place of what it was marked before.

        Raises
        ------
        InputError
            If there is no such state, or the note is too long.
        WorkspaceError
            If the marks made before cannot be read, which would be lost, or these not be written.
        """
        chosen = next((one for one in STATES if one == state), None)
        if chosen is None:
            raise InputError(f"A finding cannot be marked {state!r}: choose {', '.join(STATES)}.")
        if len(note) > LONGEST_NOTE:
            raise InputError(f"The note has {len(note):,} characters: {LONGEST_NOTE:,} are the most.")
        mark = Mark(chosen, note.strip(), datetime.now(UTC).isoformat(timespec="seconds"))
        with _changing:
            self._write(self._read() | {key: mark})
        return mark

    def clear(self, key: str) -> None:
        """Take a finding's mark away, if it has one; raises WorkspaceError as ``set``."""
        with _changing:
            self._write({other: mark for other, mark in self._read().items() if other != key})

    def _write(self, marks: dict[str, Mark]) -> None:
        self._workspace.claim()
        told = {key: vars(mark) for key, mark in marks.items()}
        files.write_json(self._path, {"schema": SCHEMA, "marks": told})
