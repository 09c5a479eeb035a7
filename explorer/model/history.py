"""Keyframes of a run: the layout at up to 60 epochs, in 16 bits a coordinate, to scrub through afterwards."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

MOST_FRAMES = 60
"""Frames of one run: those of a flat map of a million points take 240 MB on disk."""
MOST_COMPONENTS = 3
LEVELS = 65_535
SMALLEST_SPAN = 1e-30
MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Keyframe:
    """A layout quantised within its own bounds: ``position = low + level / 65535 · span``.

    Attributes
    ----------
    positions : uint16 (n, d)
        Levels; d is at most 3, further components are not kept.
    low, span : float32 (d,)
        The least coordinate and the extent in each component.
    """

    positions: np.ndarray
    low: np.ndarray
    span: np.ndarray

    @classmethod
    def encode(cls, embedding: np.ndarray) -> Keyframe:
        """Quantise a layout, float32 (n, n_components); each coordinate is off by at most span / 131070.

        What has no place is somewhere on its edge: see ``decode``.
        """
        components = np.array(embedding[:, :MOST_COMPONENTS].T, np.float32, order="C")
        low = components.min(axis=1)
        if np.isnan(low).any():
            low = np.nanmin(components, axis=1)
            components = np.where(np.isnan(components), low[:, None], components)
        span = components.max(axis=1) - low
        components -= low[:, None]
        components *= np.divide(LEVELS, span, out=np.zeros_like(span), where=span > SMALLEST_SPAN)[:, None]
        np.rint(components, out=components)
        return cls(np.ascontiguousarray(components.T, np.uint16), low, span)

    def decode(self, newest: np.ndarray | None = None) -> NDArray[np.float32]:
        """Return the layout, float32 (n, d), read-only as every map: one compiled pass, without the lock.

        Parameters
        ----------
        newest : float32 (n, d), optional
            The run's last map: a row without a place on it has none on any of its maps.
        """
        layout = np.empty(self.positions.shape, np.float32)
        _decode(self.positions, self.low, self.step, layout)
        if newest is not None:
            layout[np.isnan(newest)] = np.nan
        layout.setflags(write=False)
        return layout

    @property
    def step(self) -> NDArray[np.float32]:
        """How far apart two levels are, float32 (d,)."""
        return np.asarray(self.span / np.float32(LEVELS), np.float32)

    @property
    def record(self) -> np.ndarray:
        """The keyframe as one value with the fields low, span and positions, to be kept in one ``.npy``."""
        n, d = self.positions.shape
        fields = [("low", "<f4", (d,)), ("span", "<f4", (d,)), ("positions", "<u2", (n, d))]
        record = np.empty(1, np.dtype(fields))
        record["low"], record["span"], record["positions"] = self.low, self.span, self.positions
        return record

    @classmethod
    def of_record(cls, record: np.ndarray) -> Keyframe:
        """Return the keyframe of such a value, perhaps memory-mapped; raises ValueError if it is none."""
        if record.shape != (1,) or record.dtype.names != ("low", "span", "positions"):
            raise ValueError("it holds no keyframe")
        return cls(record["positions"][0], record["low"][0], record["span"][0])


@njit(nogil=True, cache=True)
def _decode(positions, low, step, layout):  # type: ignore[no-untyped-def]
    for i in range(len(positions)):
        for c in range(positions.shape[1]):
            layout[i, c] = np.float32(positions[i, c]) * step[c] + low[c]


@dataclass(frozen=True)
class History:
    """The keyframes of one run, read one at a time.

    Attributes
    ----------
    epochs : tuple of int
        The epoch of each frame, ascending.
    load : callable
        Reads the keyframe of an epoch.
    """

    epochs: tuple[int, ...]
    load: Callable[[int], Keyframe]

    def __len__(self) -> int:
        return len(self.epochs)

    def decode(self, frame: int) -> NDArray[np.float32]:
        """Return the layout of frame 0 to len - 1, float32 (n, d)."""
        return self.load(self.epochs[frame]).decode()


class Decoded:
    """The frames decoded last; the same one is the same array. Safe to use from several threads.

    Parameters
    ----------
    most : int, default 64 MiB
        Bytes kept; the last frame is, whatever its size.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most, self._lock = most, threading.Lock()
        self._kept: OrderedDict[Hashable, NDArray[np.float32]] = OrderedDict()

    def get(self, key: Hashable, decode: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the frame known by a key, decoded if it is not there."""
        with self._lock:
            if key not in self._kept:
                self._kept[key] = decode()
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and self.nbytes > self._most:
                self._kept.popitem(last=False)
            return self._kept[key]

    @property
    def nbytes(self) -> int:
        """What the frames take."""
        return sum(frame.nbytes for frame in self._kept.values())


def keyframe_epochs(n_epochs: int) -> frozenset[int]:
    """Return the epochs to keep of a run: the first, the last, and more early on, when the map moves most.

    The i-th of m frames is at epoch n_epochs · (i / (m−1))^1.5. It depends on nothing but ``n_epochs``, so
    that a resumed run keeps the same frames as a straight one.
    """
    if n_epochs < MOST_FRAMES:
        return frozenset(range(n_epochs + 1))
    share = np.linspace(0.0, 1.0, MOST_FRAMES)
    return frozenset(np.rint(n_epochs * share**1.5).astype(int).tolist())
