"""The layout: stochastic gradient descent on the map, advanced epoch by epoch by its caller.

Minimises C = sum w log(w / z) + (1 - w) log((1 - w) / (1 - z)) with z = 1 / (1 + a |y_i - y_j|^2b)
(McInnes, Healy, Melville 2018), the second sum by negative sampling.

Law: the same graph, initial layout, parameters and seed give the same bits, whatever the number of threads
and whether or not the run was paused, or restored from a checkpoint. It holds because each vertex moves
only itself and reads all others as they stood when the turn began, because the schedule of the edges and all
random numbers are functions of (seed, epoch, vertex or edge), and because no sum crosses rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.checks import Range, refuse_other_than_csr, refuse_other_than_seed, refuse_out_of_range
from core.curve_order import curve_order
from core.density import Density, DensityTerm
from core.edges import count_edges, order_edges
from core.errors import InputError
from core.forces import attraction_shares, attraction_table
from core.kernels import ROOM, advance, advance_plane, draw_pool
from core.threads import for_rows

VERSION = 5
EPOCHS = Range(0, whole=True)
FEW_EPOCHS = 10
TURNS = 6
"""Parts of an epoch, in each of which a vertex walks a part of its row."""
POOL_SIZE = 2048
N_COST_PAIRS = 2048
NO_DENSITY = np.zeros((0, 2), np.float32)


def default_n_epochs(n: int, densmap: bool = False) -> int:
    """500 epochs up to 10,000 points, 200 beyond, with densMAP 200 more, like umap-learn."""
    return (500 if n <= 10_000 else 200) + 200 * densmap


@dataclass(frozen=True)
class LayoutParameters:
    """What shapes a layout.

    Parameters
    ----------
    n_epochs : int
        Epochs of the whole run; the learning rate falls linearly to 0 at its end. >= 0.
    a, b : float
        The curve's parameters, see `core.curve.find_ab`.
    learning_rate : float, default 1.0
        Step size of the first epoch; > 0.
    negative_sample_rate : int, default 5
        Points repelled for each edge attracted; >= 0.
    repulsion_strength : float, default 1.0
        Weight of the repulsion; >= 0.
    """

    n_epochs: int
    a: float
    b: float
    learning_rate: float = 1.0
    negative_sample_rate: int = 5
    repulsion_strength: float = 1.0

    def __post_init__(self) -> None:
        refuse_out_of_range(vars(self))


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a run needs to go on: everything else follows from its inputs.

    Attributes
    ----------
    epoch : int
        Epochs done.
    positions : float32 (n, d)
        The map after them, rows in the order of the data.
    """

    epoch: int
    positions: NDArray[np.float32]


class Layout:
    """One run of the layout.

    Parameters
    ----------
    fuzzy_set : csr_array, float32 (n, n)
        Symmetric membership strengths in [0, 1].
    initial : float32 (n, d)
        Where the points start.
    parameters : LayoutParameters
    density : Density, optional
        What the density of the data adds in the last epochs (densMAP).
    seed : int, default 42
        Chooses the random numbers; from 0 to 2^64 - 1.
    n_threads : int, optional
        Threads to use (default: all processors); never changes a result.

    Attributes
    ----------
    epoch : int
        Epochs done so far.

    Raises
    ------
    InputError
        If an argument cannot be used; the sentence names it.
    """

    def __init__(
        self,
        fuzzy_set: csr_array,
        initial: NDArray[np.float32],
        parameters: LayoutParameters,
        *,
        density: Density | None = None,
        seed: int = 42,
        n_threads: int | None = None,
    ) -> None:
        initial = _checked_initial(initial, fuzzy_set)
        refuse_other_than_seed(seed)
        self.parameters = parameters
        self.epoch = 0
        self._seed = np.uint64(seed)
        self._n_threads = n_threads
        self._order = curve_order(initial)
        self._rank = np.empty(len(initial), np.int32)
        self._rank[self._order] = np.arange(len(initial), dtype=np.int32)
        self._places = self._rank.astype(np.int64)
        # Like umap-learn: a few epochs would leave a few edges.
        usual = default_n_epochs(len(initial), density is not None)
        n_epochs = self.n_epochs if self.n_epochs > FEW_EPOCHS else usual
        self._indptr, self._tails, self._rates = self._ordered_edges(fuzzy_set, n_epochs)
        self._room = max(ROOM, int(np.diff(self._indptr).max(initial=0)))
        self._positions = initial.take(self._order, axis=0)
        self._spare = np.empty_like(self._positions), np.empty_like(self._positions)
        self._table = attraction_table(parameters.a, parameters.b)
        self._pool = np.empty((initial.shape[1], POOL_SIZE), np.float32)
        self._cost_sample = self._sample_pairs(fuzzy_set)
        self._density_term = None if density is None else self._ordered_density(density)

    @classmethod
    def restore(
        cls,
        fuzzy_set: csr_array,
        initial: NDArray[np.float32],
        parameters: LayoutParameters,
        checkpoint: Checkpoint,
        *,
        density: Density | None = None,
        seed: int = 42,
        n_threads: int | None = None,
    ) -> Layout:
        """Continue from `checkpoint`: with the run's own arguments to the same bits, with others as a fork.

        Parameters
        ----------
        fuzzy_set, initial, parameters, density, seed, n_threads
            Those of a layout.
        checkpoint : Checkpoint
            Of a run on as many points in as many dimensions.

        Returns
        -------
        layout : Layout
            At the checkpoint's epoch.

        Raises
        ------
        InputError
            If the checkpoint's shape is not the initial layout's, or it lies beyond ``parameters.n_epochs``.
        """
        layout = cls(fuzzy_set, initial, parameters, density=density, seed=seed, n_threads=n_threads)
        if checkpoint.positions.shape != layout._positions.shape:
            raise InputError(
                f"The checkpoint's positions have shape {checkpoint.positions.shape}, but the initial layout "
                f"has {layout._positions.shape}; restore it with the run's own data."
            )
        if not 0 <= checkpoint.epoch <= parameters.n_epochs:
            raise InputError(
                f"The checkpoint is at epoch {checkpoint.epoch}, outside 0..{parameters.n_epochs}; raise "
                "n_epochs."
            )
        layout.epoch = checkpoint.epoch
        layout._positions = np.ascontiguousarray(checkpoint.positions, np.float32).take(layout._order, axis=0)
        return layout

    @property
    def n_epochs(self) -> int:
        """Epochs of the whole run."""
        return self.parameters.n_epochs

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The map as it stands: float32 (n, d), rows in the order of the data, a copy."""
        # `take` by int64 copies rows whole: a tenth of the time of indexing.
        return self._positions.take(self._places, axis=0)

    def run(self, to_epoch: int) -> NDArray[np.float32]:
        """Advance until `to_epoch` epochs are done (at most `n_epochs`) and return the map.

        Parameters
        ----------
        to_epoch : int
            Counted from the start of the run; where they are done already, nothing happens.

        Returns
        -------
        embedding : float32 (n, d)
            Rows in the order of the data; the caller may keep it.

        Raises
        ------
        InputError
            If `to_epoch` is not a whole number of at least 0.
        """
        if to_epoch not in EPOCHS:
            raise InputError(f"to_epoch must be {EPOCHS}, got {to_epoch!r}.")
        while self.epoch < min(to_epoch, self.n_epochs):
            self._advance()
        return self.embedding

    def checkpoint(self) -> Checkpoint:
        """The state of the run, detached from it.

        Returns
        -------
        checkpoint : Checkpoint
        """
        return Checkpoint(self.epoch, self.embedding)

    def cost(self) -> float:
        """Estimate C per edge, up to a constant, from a seeded sample of edges and of pairs of points.

        What the layout lowers is ``mean(-w log z)`` over the edges plus ``-log(1 - z)`` of the pairs that
        negative sampling draws for them, ``negative_sample_rate * mean(w)`` an edge (Damrich and Hamprecht
        2021); the terms of C that the positions do not change are left out.

        Returns
        -------
        cost : float
            0 without edges.
        """
        heads, tails, weights, strangers, rate = self._cost_sample
        if not len(heads):
            return 0.0
        attraction = -weights * np.log(np.maximum(self._closeness(heads, tails), 1e-12))
        repulsion = -np.log(np.maximum(1 - self._closeness(heads, strangers), 1e-4))
        return float(attraction.mean() + rate * repulsion.mean())

    def _closeness(self, heads: NDArray[np.int64], tails: NDArray[np.int64]) -> NDArray[np.float64]:
        """``z = 1 / (1 + a d^2b)`` of each pair."""
        squared = ((self._positions[heads].astype(np.float64) - self._positions[tails]) ** 2).sum(1)
        z: NDArray[np.float64] = 1 / (1 + self.parameters.a * squared**self.parameters.b)
        return z

    def _advance(self) -> None:
        """One epoch, which is done as a whole: what is interrupted leaves the positions as they were."""
        p = self.parameters
        alpha = p.learning_rate * (1 - self.epoch / p.n_epochs)
        shares = attraction_shares(self._table, alpha)
        density = self._density_now()
        plane = self._positions.shape[1] == 2 and density is None
        n = len(self._positions)
        source, (target, other) = self._positions, self._spare
        for part in range(TURNS):
            turn = self.epoch * TURNS + part
            draw_pool(source, self._seed, turn, self._pool)
            for_rows(
                advance_plane if plane else advance,
                n,
                self._indptr[part * n : (part + 1) * n + 1],
                self._tails,
                self._rates,
                source,
                target,
                self._pool,
                self._seed,
                self.epoch,
                turn,
                np.float32(alpha),
                shares,
                np.float32(p.a),
                np.float32(p.b),
                np.float32(p.repulsion_strength),
                p.negative_sample_rate,
                self._room if plane else NO_DENSITY if density is None else density,
                n_threads=self._n_threads,
            )
            source, target, other = target, other, target
        self._positions, self._spare, self.epoch = source, (self._positions, target), self.epoch + 1

    def _ordered_density(self, density: Density) -> DensityTerm:
        if len(density.radii) != len(self._order):
            raise InputError(
                f"The density has {len(density.radii)} radii, the layout {len(self._order)} points; give one "
                "for each."
            )
        n_edges = (float(self._rates.sum(dtype=np.float64)) + len(self._rates)) / 65536 / 2
        return DensityTerm(replace(density, radii=density.radii[self._order]), n_edges)

    def _density_now(self) -> NDArray[np.float32] | None:
        """What the density adds in this epoch, None where it does not count."""
        p = self.parameters
        if self._density_term is None or not self._density_term.density.counts_at(self.epoch, p.n_epochs):
            return None
        return self._density_term.at(self._positions, self._indptr, self._tails, p.a, p.b, self._n_threads)

    def _ordered_edges(
        self, fuzzy_set: csr_array, n_epochs: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint16]]:
        """Edges as 6 bytes each, int32 tail and uint16 probability; turn after turn, along the curve.

        Those are left out that would fire less than once in so many epochs.
        """
        weights = fuzzy_set.data
        heaviest = float(weights.max(initial=0.0))
        smallest = np.float32(heaviest / n_epochs)
        counts = np.empty((TURNS, len(self._order)), np.int64)
        for_rows(
            count_edges,
            len(self._order),
            fuzzy_set.indptr,
            weights,
            self._order,
            smallest,
            counts,
            n_threads=self._n_threads,
        )
        indptr = np.zeros(counts.size + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        tails, rates = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.uint16)
        for_rows(
            order_edges,
            len(self._order),
            fuzzy_set.indptr,
            fuzzy_set.indices,
            weights,
            self._order,
            self._rank,
            smallest,
            65536 / heaviest if heaviest else 0.0,
            self._seed,
            indptr[:-1].reshape(counts.shape),
            tails,
            rates,
            n_threads=self._n_threads,
        )
        return indptr, tails, rates

    def _sample_pairs(
        self, fuzzy_set: csr_array
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], float]:
        """Heads, tails, strengths of sampled edges, a stranger to each head, and strangers for each edge."""
        rng = np.random.default_rng(int(self._seed))
        if not fuzzy_set.nnz:
            empty = np.zeros(0, np.int64)
            return empty, empty, empty.astype(np.float64), empty, 0.0
        edges = rng.integers(0, fuzzy_set.nnz, N_COST_PAIRS)
        heads = self._places[np.searchsorted(fuzzy_set.indptr, edges, side="right") - 1]
        tails = self._places[fuzzy_set.indices[edges]]
        strangers = rng.integers(0, len(self._rank), N_COST_PAIRS)
        weights = fuzzy_set.data[edges].astype(np.float64)
        return heads, tails, weights, strangers, self.parameters.negative_sample_rate * float(weights.mean())


def _checked_initial(initial: NDArray[np.float32], fuzzy_set: csr_array) -> NDArray[np.float32]:
    refuse_other_than_csr(fuzzy_set)
    initial = np.ascontiguousarray(initial, np.float32)
    if initial.ndim != 2 or len(initial) != fuzzy_set.shape[0] or not initial.size:
        raise InputError(
            f"The initial layout has shape {initial.shape}, but the fuzzy set has {fuzzy_set.shape[0]} "
            "points; give one row of coordinates for each point, of which there is at least one."
        )
    bad = np.flatnonzero(~np.isfinite(initial).all(1))
    if len(bad):
        raise InputError(f"Row {bad[0]} of the initial layout is not finite; give finite coordinates.")
    return initial
