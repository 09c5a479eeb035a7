"""Two runs of the same items, laid one over the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Alignment:
    """A rotation or reflection, a scale and a shift which lay one map over another.

    Parameters
    ----------
    embedding : float32 (n, 2)
        The map laid over the reference.
    disparity : float
        Share of the reference's spread left unexplained, 0 (the same shape) to 1.
    matrix, shift : float64 (2, 2), (2,)
        moved = original @ matrix + shift.
    """

    embedding: NDArray[np.float32]
    disparity: float
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the map as it was, float (m, 2), in the coordinates of the reference."""
        return np.asarray(points @ self.matrix + self.shift, np.float64)

    def undo(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the aligned map, float (m, 2), in the coordinates of the map before it was moved."""
        return np.asarray(np.linalg.solve(self.matrix.T, (points - self.shift).T).T, np.float64)


def align(reference: NDArray[np.float32], embedding: NDArray[np.float32]) -> Alignment:
    """Orthogonal Procrustes alignment with scale (Gower 1975), reflections allowed.

    A UMAP map has no north: two seeds may differ by any rotation or mirror image, which is removed here
    before two pictures are compared.

    Parameters
    ----------
    reference, embedding : float32 (n, 2)
        Maps of the same rows in the same order; rows not finite in either are left out of the fit.
    """
    both = np.isfinite(reference).all(1) & np.isfinite(embedding).all(1)
    target, source = reference[both].astype(np.float64), embedding[both].astype(np.float64)
    if len(target) < 2:
        return _unmoved(embedding)
    middle_target, middle_source = target.mean(0), source.mean(0)
    target, source = target - middle_target, source - middle_source
    spread_target, spread_source = (target**2).sum(), (source**2).sum()
    if not spread_target or not spread_source:
        return _unmoved(embedding)
    left, strength, right = np.linalg.svd(source.T @ target)
    matrix = (strength.sum() / spread_source) * (left @ right)
    shift = middle_target - middle_source @ matrix
    disparity = 1 - strength.sum() ** 2 / (spread_target * spread_source)
    return Alignment(
        (embedding @ matrix + shift).astype(np.float32), float(max(disparity, 0.0)), matrix, shift
    )


def _unmoved(embedding: NDArray[np.float32]) -> Alignment:
    return Alignment(embedding.copy(), 1.0, np.eye(2), np.zeros(2))
