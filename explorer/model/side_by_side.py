"""Maps beside a reference: how each is laid over it, how far it agrees with it, how faithful it is."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.knn import without_self
from core.recall import sample_rows
from explorer.model.comparing import Comparison, trust
from explorer.model.comparison import Alignment, align, overlap
from explorer.model.errors import InputError
from explorer.model.progress import Snapshot
from explorer.model.statistics import NEIGHBOURS

MOST_ALIGNED = 4
MOST_ROWS = 20_000
"""Alignments kept, one for each map beside the first and one more; rows whose neighbours are compared."""

Stand = tuple[str, int]
Two = tuple[Stand, Stand]


@dataclass(frozen=True)
class Figures:
    """What is known of a map: None for what is not yet, NaN for what cannot be told.

    Attributes
    ----------
    trustworthiness : float or None
        As of ``comparing.Score``.
    agreement : float or None
        With the reference: ``comparison.Pair.agreement``, of sampled rows; None for the reference itself.
    disparity, jumped : float or None
        Laid over the reference, see ``comparison.Alignment``; None for the reference itself.
    """

    trustworthiness: float | None
    agreement: float | None = None
    disparity: float | None = None
    jumped: float | None = None


class SideBySide:
    """Computes what is told of maps side by side, each thing once. Safe to use from several threads.

    Maps are at rest and in their own coordinates; one is known by its run and epoch.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aligned: OrderedDict[Two, Future[Alignment]] = OrderedDict()
        self._laid: dict[Two, tuple[float, float]] = {}
        self._agreement: dict[Two, float] = {}
        self._trust: dict[Stand, float] = {}

    def alignment(self, first: Snapshot, other: Snapshot) -> Alignment:
        """How a map is laid over the first; a second for millions of points, then at once.

        Who asks for what another thread is computing waits for that, and for nothing else.
        """
        key = _stand(first), _stand(other)
        with self._lock:
            is_new = key not in self._aligned
            found = self._aligned.setdefault(key, Future())
            self._aligned.move_to_end(key)
            while len(self._aligned) > MOST_ALIGNED:
                self._aligned.popitem(last=False)
        if is_new:
            try:
                found.set_result(align(first.embedding, other.embedding))
            except BaseException as error:
                found.set_exception(error)
                self._aligned.pop(key, None)
                raise
            self._laid[key] = found.result().disparity, found.result().jumped
        return found.result()

    def forget_alignments(self) -> None:
        """Have maps laid over one another anew."""
        with self._lock:
            self._aligned.clear()

    def figures(self, first: Snapshot, other: Snapshot) -> Figures:
        """What is known by now of a map beside the first, or of the first itself; cheap."""
        one, two = _stand(first), _stand(other)
        disparity, jumped = self._laid.get((one, two), (None, None))
        return Figures(self._trust.get(two), self._agreement.get((one, two)), disparity, jumped)

    def find(self, maps: Sequence[Snapshot], vectors: NDArray[np.float32]) -> bool:
        """Compute one figure that is not known yet, the quickest first; seconds, so never on the event loop.

        Parameters
        ----------
        maps : sequence of Snapshot
            The reference and those beside it.
        vectors : float32 (n, d)
            What they are maps of.

        Returns
        -------
        bool
            False if all were known.
        """
        pairs = [(maps[0], other) for other in maps[1:]]
        for first, other in pairs:
            if (_stand(first), _stand(other)) not in self._laid:
                self.alignment(first, other)
                return True
        for first, other in pairs:
            if (key := (_stand(first), _stand(other))) not in self._agreement:
                self._agreement[key] = agreement(first.embedding, other.embedding)
                return True
        for one in maps:
            if _stand(one) not in self._trust:
                self._trust[_stand(one)] = _trust_alone(vectors, one.embedding)
                return True
        return False

    def keep(self, found: Comparison) -> None:
        """Take over what a comparison has found."""
        stands = {score.run.id: (score.run.id, score.run.epoch) for score in found.scores}
        self._trust |= {stands[score.run.id]: score.trustworthiness for score in found.scores}
        for pair in found.pairs:
            two = stands[pair.a], stands[pair.b]
            self._agreement[two], self._laid[two] = pair.agreement, (pair.disparity, pair.jumped)


def agreement(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Mean Jaccard index of neighbours on two maps, as ``comparison.Pair.agreement``, over 20,000 rows.

    Two trees in O(n log n), by this thread alone; up to 20,000 rows it is exact.

    Parameters
    ----------
    one, other : float32 (n, 2)
        Maps of the same rows; those without a place on either (NaN) are left out.

    Returns
    -------
    float
        NaN for fewer than three rows.
    """
    placed = np.flatnonzero(np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1))
    k = min(NEIGHBOURS, (len(placed) - 1) // 2)
    if k < 1:
        return float("nan")
    rows = sample_rows(len(placed), MOST_ROWS, seed=0)
    near = [_nearest(embedding[placed], rows, k) for embedding in (one, other)]
    return float(overlap(*near).mean(dtype=np.float64))


def _trust_alone(vectors: NDArray[np.float32], embedding: NDArray[np.float32]) -> float:
    # What stands over a map takes no processor from a layout.
    try:
        return trust(vectors, embedding, n_threads=1)
    except InputError:
        return float("nan")


def _nearest(points: NDArray[np.float32], rows: NDArray[np.int64], k: int) -> NDArray[np.int32]:
    # Imported here: it takes a fifth of a second, and a page that opens has nothing to compare.
    from scipy.spatial import KDTree

    # A tree that is cut by space and not by medians is made in a third of the time.
    tree = KDTree(points, balanced_tree=False, compact_nodes=False)
    lengths, near = tree.query(points[rows], k + 1)
    return without_self(np.asarray(near), np.asarray(lengths), rows)[0]


def _stand(snapshot: Snapshot) -> Stand:
    return snapshot.run_id, snapshot.epoch
