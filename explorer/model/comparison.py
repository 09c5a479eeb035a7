"""Runs of the same items side by side: one map laid over another, and how far two maps agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.quality import shared
from core.recall import sample_rows
from explorer.model.extent import Extent

JUMP, LEAST_JUMP = 5.0, 1e-3
"""Of the median distance from their places, and of the map's size: what is farther off jumps."""
MOST_ROUNDS = 30
AMI_EFFORT = 5_000_000
"""Rows × clusters up to which mutual information is adjusted exactly; a quarter of a second."""


@dataclass(frozen=True, eq=False)
class Alignment:
    """A rotation or reflection, a scale and a shift which lay one map over another.

    Parameters
    ----------
    embedding : float32 (n, 2)
        The map laid over the reference.
    disparity : float
        Share of the reference's spread left unexplained, 0 (the same shape) to 1, over the points that do
        not jump.
    matrix, shift : float64 (2, 2), (2,)
        moved = original @ matrix + shift.
    jumped : float
        Share of the points that jump, 0 to a half.
    """

    embedding: NDArray[np.float32]
    disparity: float
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    jumped: float = 0.0

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the map as it was, float (m, 2), in the coordinates of the reference."""
        return np.asarray(points @ self.matrix + self.shift, np.float64)

    def undo(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points of the aligned map, float (m, 2), in the coordinates of the map before it was moved."""
        return np.asarray(np.linalg.solve(self.matrix.T, (points - self.shift).T).T, np.float64)


def align(reference: NDArray[np.float32], embedding: NDArray[np.float32]) -> Alignment:
    """Resistant Procrustes alignment with scale, reflections allowed: points that jump do not pull.

    A UMAP map has no north: two seeds may differ by any rotation or mirror image, which is removed here
    before two pictures are compared. The fit is that of Gower (1975) to the points that do not jump, found as
    in Verboon and Heiser (1992) by fitting and weighing in turn, with weights 0 and 1: a point jumps when it
    ends farther from its place on the reference than five times the median distance, and than a thousandth
    of the map. Errors that are Gaussian never reach that far (4.5 medians among a million points), so without
    jumps this is Gower's least-squares fit to all points. The first fit turns by the directions from the
    medians of both maps and scales by the median distances from them, so that a point counts the same there
    however far it was thrown.

    Each of at most 30 rounds, mostly fewer than ten, is linear in n.

    Parameters
    ----------
    reference, embedding : float32 (n, 2)
        Maps of the same rows in the same order; rows not finite in either are left out of the fit.
    """
    both = np.isfinite(reference).all(1) & np.isfinite(embedding).all(1)
    target, source = reference[both].astype(np.float64), embedding[both].astype(np.float64)
    plain = _least_squares(target, source)
    if plain is None:
        return Alignment(embedding.copy(), 1.0, np.eye(2), np.zeros(2))
    own, other = _Size.of(target), _Size.of(source)
    fit, kept = _by_directions(target, own, source, other) or plain, np.zeros(0, np.bool_)
    for _ in range(MOST_ROUNDS):
        off = np.linalg.norm(source @ fit.matrix + fit.shift - target, axis=1)
        still = off <= max(JUMP * float(np.median(off)), LEAST_JUMP * own.radius)
        if np.array_equal(still, kept):
            break
        kept, fit = still, _least_squares(target[still], source[still]) or plain
    moved = (embedding @ fit.matrix + fit.shift).astype(np.float32)
    return Alignment(moved, fit.disparity, fit.matrix, fit.shift, 1 - float(kept.mean()))


def displacement(reference: NDArray[np.float32], embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far each row lies from its place on the reference once one map is laid over the other.

    Parameters
    ----------
    reference, embedding : float32 (n, 2)
        Maps of the same rows in the same order.

    Returns
    -------
    displacement : float32 (n,)
        As a share of the reference's width, the larger side of its middle 99.9%; NaN without a place.
    """
    x0, x1, y0, y1 = Extent.of(reference).bulk
    off = np.linalg.norm(align(reference, embedding).embedding - reference, axis=1)
    return np.asarray(off / np.float32(max(x1 - x0, y1 - y0)), np.float32)


@dataclass(frozen=True)
class _Fit:
    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]
    disparity: float


def _least_squares(target: NDArray[np.float64], source: NDArray[np.float64]) -> _Fit | None:
    """Gower's fit; None for maps without extent."""
    if len(target) < 2:
        return None
    middle_target, middle_source = target.mean(0), source.mean(0)
    target, source = target - middle_target, source - middle_source
    spread_target, spread_source = (target**2).sum(), (source**2).sum()
    if not spread_target or not spread_source:
        return None
    left, strength, right = np.linalg.svd(source.T @ target)
    matrix = (strength.sum() / spread_source) * (left @ right)
    disparity = 1 - strength.sum() ** 2 / (spread_target * spread_source)
    return _Fit(matrix, middle_target - middle_source @ matrix, float(max(disparity, 0.0)))


@dataclass(frozen=True, eq=False)
class _Size:
    """Medians of a map: its middle, the distance from there, and the distance of each point."""

    middle: NDArray[np.float64]
    radius: float
    far: NDArray[np.float64]

    @classmethod
    def of(cls, points: NDArray[np.float64]) -> _Size:
        middle = np.median(points, axis=0)
        far = np.linalg.norm(points - middle, axis=1)
        return cls(middle, float(np.median(far)), far)


def _by_directions(
    target: NDArray[np.float64], own: _Size, source: NDArray[np.float64], other: _Size
) -> _Fit | None:
    """A first fit on which no point has much weight; None where most points lie on one spot."""
    if not own.radius or not other.radius:
        return None
    units = _units(source, other).T @ _units(target, own)
    left, _, right = np.linalg.svd(units)
    matrix = (own.radius / other.radius) * (left @ right)
    return _Fit(matrix, own.middle - other.middle @ matrix, 0.0)


def _units(points: NDArray[np.float64], size: _Size) -> NDArray[np.float64]:
    # A point in the very middle has no direction.
    return (points - size.middle) / np.where(size.far, size.far, 1.0)[:, None]


@dataclass(frozen=True, eq=False)
class Map:
    """The map of one run with what is compared of it.

    Attributes
    ----------
    run_id : str
        The run.
    embedding : float32 (n, 2)
    near : int32 (n, k)
        The nearest neighbours of each row on it, as of ``core.quality.map_graph``.
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    """

    run_id: str
    embedding: NDArray[np.float32]
    near: NDArray[np.int32]
    labels: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Pair:
    """How far two maps of the same items agree.

    Attributes
    ----------
    a, b : str
        Their runs.
    overlap : float32 (n,)
        Jaccard index of each row's nearest neighbours on the two maps; NaN without a place on one of them.
    disparity, jumped : float
        Of b laid over a, see `Alignment`.
    ari, ami : float or None
        Adjusted Rand index and adjusted mutual information of their clusters, see `agreement_of_clusters`.
    """

    a: str
    b: str
    overlap: NDArray[np.float32]
    disparity: float
    jumped: float
    ari: float | None
    ami: float | None

    @property
    def agreement(self) -> float:
        """Mean overlap over the rows that have a place on both maps; 0 without any."""
        known = self.overlap[np.isfinite(self.overlap)]
        return float(known.mean(dtype=np.float64)) if len(known) else 0.0


def pair(one: Map, other: Map) -> Pair:
    """Compare two maps of the same rows: O(n k^2) for the neighbours, linear in n for the rest."""
    alignment = align(one.embedding, other.embedding)
    return Pair(
        one.run_id,
        other.run_id,
        overlap(one.near, other.near),
        alignment.disparity,
        alignment.jumped,
        *agreement_of_clusters(one.labels, other.labels),
    )


def overlap(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.float32]:
    """Jaccard index ``|M_i & M'_i| / |M_i | M'_i|`` of each row's neighbours: float32 (n,).

    Parameters
    ----------
    one, other : int32 (n, k)
        Neighbours on two maps, -1 for a row without a place, whose index is NaN.
    """
    common = shared(one, other)
    index = common / (2 - common)
    index[other[:, 0] < 0] = np.nan
    return index


def stability(pairs: Sequence[Pair]) -> NDArray[np.float32]:
    """Mean overlap of each row over all pairs of maps, float32 (n,): ``core.quality.stability`` of them."""
    total = np.zeros(len(pairs[0].overlap), np.float32)
    for one in pairs:
        total += one.overlap
    return total / np.float32(len(pairs))


def agreement_of_clusters(
    one: NDArray[np.int32], other: NDArray[np.int32]
) -> tuple[float | None, float | None]:
    """Adjusted Rand index (Hubert and Arabie 1985) and adjusted mutual information (Vinh et al. 2010).

    Noise counts as one more group. Where a map has no cluster there is nothing to agree on: both are None.

    What is expected of mutual information by chance takes time by rows × clusters and holds the interpreter
    meanwhile; beyond five millions it is told by as many sampled rows as stay below, always the same ones.

    Parameters
    ----------
    one, other : int32 (n,)
        The cluster of each row, -1 for noise.
    """
    # Imported here: it takes a second, and a page that opens has nothing to compare.
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

    fewer, more = sorted(int(labels.max(initial=-1)) + 1 for labels in (one, other))
    if not fewer:
        return None, None
    rows = sample_rows(len(one), max(1, AMI_EFFORT // (more + 1)), seed=0)
    ari = adjusted_rand_score(one, other)
    return float(ari), float(adjusted_mutual_info_score(one[rows], other[rows]))
