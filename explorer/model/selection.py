"""Selections: sets of row ids with the steps that made them, their algebra, their undo, and what is in them.

A selection holds rows, never places: it means the same rows on every map of the same data.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from explorer.model.categories import Categories
from explorer.model.errors import InputError
from explorer.model.polygon import in_box, in_polygon

MODES = ("replace", "union", "subtract", "intersect")
"""How a selection is changed: the names of the methods of ``Selection`` that do it."""


@dataclass(frozen=True)
class Step:
    """One act of selecting, precise enough to be done again.

    Parameters
    ----------
    kind : str
        What was done: lasso, box, categories, condition, above, region, saved, search, like, rows, all or
        invert.
    mode : {"replace", "union", "subtract", "intersect", "invert"}
        How it changed what was selected.
    run_id : str
        The run on whose map it was drawn; empty for none.
    polygon : tuple of (x, y)
        The lasso's vertices, two opposite corners of the box, or all four of a box that stands aslant as it
        was drawn on a map laid over another; in that map's own units.
    column : str
        The column whose categories were chosen; empty for none.
    values : tuple of str
        Those categories, or the columns searched.
    condition : str
        The condition in SQL that held of them.
    share : float
        The water level, named by the share of points above it (see ``water_level``).
    point : tuple of float
        A place (x, y) in the region, in that map's units.
    name : str
        What the saved selection was called.
    digest : str
        Which rows were saved under that name (see ``Selection.digest``).
    steps : tuple of Step
        What had made them.
    text : str
        What was searched for, or what the rows are like.
    rows : tuple of int
        The rows themselves, where nothing shorter tells them.
    packed : str
        The rows chosen (see ``packed``), where the rest does not tell them: on a map that still moved, or of
        an earlier epoch, and of categories whose names do not last or are not theirs alone.
    epoch : int or None
        The epoch of the map it was drawn on, where that is not the one the run came to rest with.
    """

    kind: str
    mode: str = "replace"
    run_id: str = ""
    polygon: tuple[tuple[float, float], ...] = ()
    column: str = ""
    values: tuple[str, ...] = ()
    condition: str = ""
    share: float = 0.0
    point: tuple[float, ...] = ()
    name: str = ""
    digest: str = ""
    steps: tuple[Step, ...] = ()
    text: str = ""
    rows: tuple[int, ...] = ()
    packed: str = ""
    epoch: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """What JSON needs: the kind, the mode and whatever else is not empty."""
        filled = {name: value for name, value in vars(self).items() if value or (name, value) == ("epoch", 0)}
        return filled | ({"steps": [step.to_dict() for step in self.steps]} if self.steps else {})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the step ``to_dict`` gave; raises KeyError, TypeError or ValueError if it is none."""
        parts: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        parts["polygon"] = tuple((float(x), float(y)) for x, y in values.get("polygon", ()))
        parts["steps"] = tuple(cls.from_dict(step) for step in values.get("steps", ()))
        return cls(**parts)


def inside(step: Step, embedding: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the points of a map, float32 (n, 2), that lie in the lasso or the box of a step: bool (n,)."""
    if step.kind == "box" and len(step.polygon) == 2:
        (x0, y0), (x1, y1) = step.polygon
        return in_box(embedding, min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1))
    return in_polygon(embedding, step.polygon)


def packed(mask: NDArray[np.bool_]) -> str:
    """Rows, bool (n,), in few letters: their bits, compressed, in base64."""
    return base64.b64encode(zlib.compress(np.packbits(mask).tobytes())).decode()


def unpacked(letters: str, n: int) -> NDArray[np.bool_]:
    """Return the rows that ``packed`` wrote, bool (n,).

    Raises
    ------
    InputError
        When these letters are not n rows.
    """
    size = -(-n // 8)
    try:
        # One byte more than is right is enough to know that there are too many.
        bits = zlib.decompressobj().decompress(base64.b64decode(letters, validate=True), size + 1)
    except (ValueError, zlib.error) as error:
        raise InputError("The rows of a step are damaged.") from error
    if len(bits) != size:
        raise InputError(f"A step does not tell of each of the {n:,} rows of the data.")
    return _bits(bits, n)


def _compressed(mask: NDArray[np.bool_]) -> bytes:
    # Quickly: a drag of the lasso waits for it.
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _bits(packed_bits: bytes, n: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(packed_bits, np.uint8), count=n).view(np.bool_)


@dataclass(frozen=True, eq=False)
class Selection:
    """A set of rows; immutable, every change gives a new one.

    Parameters
    ----------
    mask : bool (n,)
        True for the rows selected. Kept read-only; a copy is made of what could still be written to.
    steps : tuple of Step
        How it came about, the oldest first.
    """

    mask: NDArray[np.bool_]
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        mask = np.asarray(self.mask, np.bool_)
        if mask.flags.writeable:
            mask = mask.copy()
            mask.setflags(write=False)
        object.__setattr__(self, "mask", mask)

    @classmethod
    def none(cls, n: int) -> Self:
        """Return the empty selection of n rows."""
        return cls(_owned(np.zeros(n, np.bool_)))

    @classmethod
    def everything(cls, n: int) -> Self:
        """Return the selection of all n rows."""
        return cls(_owned(np.ones(n, np.bool_)), (Step("all"),))

    @property
    def n(self) -> int:
        """Rows of the data."""
        return len(self.mask)

    @cached_property
    def count(self) -> int:
        """Rows selected."""
        return int(np.count_nonzero(self.mask))

    @property
    def share(self) -> float:
        """Rows selected as a share of all, 0 to 1."""
        return self.count / self.n if self.n else 0.0

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Row ids selected, int64 (count,), ascending."""
        return np.flatnonzero(self.mask).astype(np.int64, copy=False)

    @cached_property
    def digest(self) -> str:
        """BLAKE2b of the packed mask: equal for the same rows of the same data, however selected."""
        return hashlib.blake2b(np.packbits(self.mask).tobytes(), digest_size=16).hexdigest()

    def replace(self, mask: ArrayLike, step: Step) -> Self:
        """Select these rows and no others."""
        return type(self)(_owned(self._checked(mask).copy()), (step,))

    def union(self, mask: ArrayLike, step: Step) -> Self:
        """Select these rows too."""
        return self._and_then(self.mask | self._checked(mask), step)

    def subtract(self, mask: ArrayLike, step: Step) -> Self:
        """Select these rows no longer."""
        return self._and_then(self.mask & ~self._checked(mask), step)

    def intersect(self, mask: ArrayLike, step: Step) -> Self:
        """Keep just those of these rows that are selected."""
        return self._and_then(self.mask & self._checked(mask), step)

    def invert(self) -> Self:
        """Select what is not selected."""
        return self._and_then(~self.mask, Step("invert", "invert"))

    def _and_then(self, mask: NDArray[np.bool_], step: Step) -> Self:
        return type(self)(_owned(mask), (*self.steps, step))

    def _checked(self, mask: ArrayLike) -> NDArray[np.bool_]:
        rows = np.asarray(mask, np.bool_)
        if rows.shape != self.mask.shape:
            raise InputError(f"The data has {self.n:,} rows, but {rows.size:,} were told to be in or out.")
        return rows


def _owned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Make a mask that nobody else holds read-only, which spares Selection its copy."""
    mask.setflags(write=False)
    return mask


class SelectionHistory:
    """The selections so far: undo goes back, redo goes forth, a new selection forgets what was undone.

    Parameters
    ----------
    n : int
        Rows of the data; the history begins with none of them selected.
    depth : int, default 100
        How many steps can be undone. Masks are kept packed and compressed, n / 8 bytes each at most.
    """

    def __init__(self, n: int, depth: int = 100) -> None:
        self._n, self._depth = n, depth
        self._kept: list[tuple[bytes, tuple[Step, ...]]] = []
        self._position = 0
        self._current = self.clear()

    @property
    def current(self) -> Selection:
        """The selection now."""
        return self._current

    @property
    def can_undo(self) -> bool:
        """Whether there is a selection to go back to."""
        return self._position > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone selection to go forth to."""
        return self._position < len(self._kept) - 1

    def push(self, selection: Selection) -> Selection:
        """Make this the current selection and return it.

        Raises
        ------
        InputError
            When it is a selection of other data.
        """
        if selection.n != self._n:
            raise InputError(f"The data has {self._n:,} rows, the selection is of {selection.n:,}.")
        del self._kept[self._position + 1 :]
        self._kept.append((_compressed(selection.mask), selection.steps))
        del self._kept[: -self._depth - 1]
        self._position = len(self._kept) - 1
        self._current = selection
        return selection

    def undo(self) -> Selection:
        """Go back one selection, if there is one, and return the current."""
        return self._go(self._position - 1) if self.can_undo else self._current

    def redo(self) -> Selection:
        """Go forth one selection, if there is one, and return the current."""
        return self._go(self._position + 1) if self.can_redo else self._current

    @property
    def nbytes(self) -> int:
        """What the masks take."""
        return sum(len(kept) for kept, _ in self._kept)

    def copy(self) -> Self:
        """Return a history that goes its own way from here; what is selected so far is shared."""
        other = copy.copy(self)
        other._kept = self._kept.copy()
        return other

    def clear(self) -> Selection:
        """Forget everything, select nothing and return that."""
        self._current = Selection.none(self._n)
        self._kept = [(_compressed(self._current.mask), self._current.steps)]
        self._position = 0
        return self._current

    def _go(self, position: int) -> Selection:
        self._position = position
        kept, steps = self._kept[position]
        self._current = Selection(_owned(_bits(zlib.decompress(kept), self._n)), steps)
        return self._current


@dataclass(frozen=True)
class Share:
    """How much of one category is selected.

    Parameters
    ----------
    name, code
        The category, and its code in the column's Categories.
    selected, total : int
        Its rows in the selection and in the data.
    lift : float
        Its share of the selection over its share of the data: 2 is twice as common in here; 0 when nothing is
        selected.
    """

    name: str
    code: int
    selected: int
    total: int
    lift: float


def composition(mask: NDArray[np.bool_], categories: Categories) -> tuple[Share, ...]:
    """Return how many rows of each category of a column are selected: most first, ranges in their order.

    Parameters
    ----------
    mask : bool (n,)
        The rows selected.
    categories : Categories
        The column. Rows without a category count in both wholes and are no category.
    """
    inside = np.bincount(categories.codes[mask] + 1, minlength=len(categories.names) + 1)
    expected = int(inside.sum()) / len(mask) if len(mask) else 0.0
    shares: Iterable[Share] = (
        Share(name, code, selected, total, selected / (total * expected) if selected else 0.0)
        for code, (name, selected, total) in enumerate(
            zip(categories.names, inside[1:].tolist(), categories.counts.tolist(), strict=True)
        )
    )
    if categories.ranges is not None:
        return tuple(shares)
    return tuple(sorted(shares, key=lambda share: (-share.selected, share.code)))
