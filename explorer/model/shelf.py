"""Records of one kind, each a JSON file in a folder of its own name; what was read is remembered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError

Version = tuple[int, ...]


class Named(Protocol):
    """A record with the name of its folder."""

    @property
    def id(self) -> str:
        """The name."""
        ...


V = TypeVar("V")
R = TypeVar("R", bound=Named)


class Remembered(Generic[V]):
    """What was made of files, as long as none of them is replaced. Safe to use from any thread."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[Version, V]] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._known

    def get(self, path: Path, make: Callable[[], V]) -> V:
        """Return what was made of a file before, unless that has been replaced since; raises as ``make``."""
        version = version_of([path])
        if version is None:
            return make()
        known = self._known.get(path)
        if known is None or known[0] != version:
            known = self._known[path] = (version, make())
        return known[1]


class Shelf(Generic[R]):
    """The records of one kind in a workspace. Safe to use from any thread.

    Parameters
    ----------
    folder : Path
        That of the workspace in which each has a folder; it need not be there.
    file : str
        What the record is called in its folder.
    noun : str
        What to call it in a sentence.
    parse : callable
        Makes the record of a JSON object; raises ValueError, TypeError, KeyError or AttributeError if it is
        none.
    """

    def __init__(self, folder: Path, file: str, noun: str, parse: Callable[[dict[str, Any]], R]) -> None:
        self._folder, self._file, self._noun, self._parse = folder, file, noun, parse
        self._remembered: Remembered[R] = Remembered()

    def all(self, amiss: Callable[[str], None]) -> list[R]:
        """Return the records that can be read; of each other one ``amiss`` is told, in a sentence."""
        found = []
        for path in self._paths():
            try:
                found.append(self._read(path))
            except WorkspaceError as error:
                amiss(str(error))
        return found

    def named(self, prefix: str) -> R:
        """Return the record of this name or of any unique beginning of one.

        Raises
        ------
        InputError
            If there is none, or several.
        WorkspaceError
            If it is damaged.
        """
        return self._read(self.folder(prefix) / self._file)

    def folder(self, prefix: str) -> Path:
        """Return the one folder whose name is, or else begins with, the prefix; raises InputError if none."""
        known = self._folder / prefix / self._file
        if known in self._remembered and known.exists():
            # What asks for every frame and every card must not look through all folders each time.
            return known.parent
        names = [path.parent.name for path in self._paths()]
        matches = [name for name in names if name == prefix] or [
            name for name in names if name.startswith(prefix)
        ]
        if len(matches) == 1 and prefix:
            return self._folder / matches[0]
        if not matches:
            raise InputError(f"The workspace {self._folder.parent} has no {self._noun} {prefix!r}.")
        some = ", ".join(matches[:4])
        raise InputError(f"{prefix!r} is the beginning of several {self._noun}s ({some}): give more of it.")

    def _paths(self) -> Iterator[Path]:
        found = sorted(self._folder.glob(f"*/{self._file}"))
        return (path for path in found if path.parent.name[0] != ".")

    def _read(self, path: Path) -> R:
        return self._remembered.get(path, partial(self._made, path))

    def _made(self, path: Path) -> R:
        try:
            record = self._parse(files.read_json(path))
            if record.id != path.parent.name:
                raise ValueError(f"its id {record.id!r} is not the name of its folder")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise WorkspaceError(f"{path} is damaged ({error}): restore it, or delete its folder.") from error
        return record


def version_of(paths: Sequence[Path]) -> Version | None:
    """What files are as long as none of them is replaced; None when one is missing."""
    try:
        stats = [path.stat() for path in paths]
    except OSError:
        return None
    return tuple(number for stat in stats for number in (stat.st_ino, stat.st_mtime_ns, stat.st_size))
