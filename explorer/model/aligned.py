"""Maps of many runs laid over one of them, to be looked at side by side."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.comparison import Alignment, align
from explorer.model.extent import Extent
from explorer.model.progress import Snapshot

MOST_FITTED = 4_096
MOST_BYTES = 256 * 2**20


@dataclass(frozen=True, eq=False)
class AlignedMap:
    """A map of a run, laid over a reference.

    Attributes
    ----------
    snapshot : Snapshot
        The map in the run's own coordinates.
    alignment : Alignment or None
        How it is laid over the reference; None if it stays as it is.
    extent : Extent
        Where its points lie then.
    """

    snapshot: Snapshot
    alignment: Alignment | None
    extent: Extent

    @classmethod
    def of(cls, snapshot: Snapshot, reference: Snapshot | None) -> AlignedMap:
        """Lay a flat map over another of the same rows, or over none.

        The fit is that of ``comparison.align`` to at most 4,096 evenly spaced rows: all of them would change
        its few numbers by less than a small picture shows.
        """
        if reference is None or reference.run_id == snapshot.run_id:
            return cls(snapshot, None, Extent.of(snapshot.embedding))
        every = slice(None, None, -(-len(snapshot.embedding) // MOST_FITTED))
        fit = align(np.asarray(reference.embedding[every]), np.asarray(snapshot.embedding[every]))
        moved = (snapshot.embedding @ fit.matrix + fit.shift).astype(np.float32)
        moved.setflags(write=False)  # as snapshots are: compiled code is of one kind or the other
        return cls(snapshot, dataclasses.replace(fit, embedding=moved), Extent.of(moved))

    @property
    def embedding(self) -> NDArray[np.float32]:
        """Places over the reference, float32 (n, 2)."""
        return self.snapshot.embedding if self.alignment is None else self.alignment.embedding

    def own(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return places over the reference, float (m, 2), in the run's own coordinates."""
        return places if self.alignment is None else self.alignment.undo(places)


class AlignedMaps:
    """The maps laid over a reference last, those at rest kept. Safe to use from several threads.

    Parameters
    ----------
    most : int, default 256 MiB
        Bytes kept.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], AlignedMap] = OrderedDict()

    def get(self, snapshot: Snapshot, reference: Snapshot | None) -> AlignedMap:
        """Return a map laid over another, see `AlignedMap.of`."""
        if not snapshot.final:
            return AlignedMap.of(snapshot, reference)
        over = None if reference is None else (reference.run_id, reference.epoch)
        key = (snapshot.run_id, snapshot.epoch, over)
        with self._lock:
            found = self._kept.pop(key, None)
        found = found or AlignedMap.of(snapshot, reference)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > 1 and self.nbytes > self._most:
                self._kept.popitem(last=False)
        return found

    @property
    def nbytes(self) -> int:
        """What the kept maps take beside the runs' own."""
        return sum(0 if one.alignment is None else one.embedding.nbytes for one in self._kept.values())
