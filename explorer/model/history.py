"""Keyframes of a run: the layout at up to 64 epochs, in 16 bits a coordinate, to scrub through afterwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_FRAMES = 64
MOST_COMPONENTS = 3
LEVELS = 65_535
SMALLEST_SPAN = 1e-30


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
        """Quantise a layout, float32 (n, n_components); each coordinate is off by at most span / 131070."""
        components = np.array(embedding[:, :MOST_COMPONENTS].T, np.float32, order="C")
        low = components.min(axis=1)
        span = components.max(axis=1) - low
        components -= low[:, None]
        components *= np.divide(LEVELS, span, out=np.zeros_like(span), where=span > SMALLEST_SPAN)[:, None]
        np.rint(components, out=components)
        return cls(np.ascontiguousarray(components.T, np.uint16), low, span)

    def decode(self) -> np.ndarray:
        """Return the layout, float32 (n, d)."""
        step = (self.span / np.float32(LEVELS)).astype(np.float32)
        layout: np.ndarray = self.positions * step + self.low
        return layout


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

    def decode(self, frame: int) -> np.ndarray:
        """Return the layout of frame 0 to len - 1, float32 (n, d)."""
        return self.load(self.epochs[frame]).decode()


def keyframe_epochs(n_epochs: int) -> frozenset[int]:
    """Return the epochs to keep of a run: the first, the last, and more early on, when the map moves most.

    The i-th of m frames is at epoch n_epochs · (i / (m−1))^1.5. It depends on nothing but ``n_epochs``, so
    that a resumed run keeps the same frames as a straight one.
    """
    if n_epochs < MOST_FRAMES:
        return frozenset(range(n_epochs + 1))
    share = np.linspace(0.0, 1.0, MOST_FRAMES)
    return frozenset(np.rint(n_epochs * share**1.5).astype(int).tolist())
