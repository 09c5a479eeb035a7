"""Where the search for a new point's neighbours enters the graph that it walks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from core.knn import EXACT_UP_TO

N_ENTRIES = 512
"""Points drawn at random: few of them lie far from all."""
MOST_PARTS = EXACT_UP_TO
"""Parts entered by a point of their own, the largest: each such point is compared with every new row."""


@dataclass(frozen=True, eq=False)
class WalkedGraph:
    """The fuzzy set that a search walks, and the points where it may begin.

    Parameters
    ----------
    fuzzy_set : csr_array (n, n)
        Symmetric: its rows are the neighbours to walk to. One that was supervised leads past many.
    """

    fuzzy_set: csr_array

    @cached_property
    def firsts(self) -> NDArray[np.int32]:
        """The first point of each connected part, of more than 4,096 only of the largest: int32 (parts,).

        Ascending; of parts as large as one another the first count. Found when first asked for.
        """
        firsts, sizes = np.empty((2, self.fuzzy_set.shape[0]), np.int32)
        n_parts = _first_of_parts(self.fuzzy_set.indptr, self.fuzzy_set.indices, firsts, sizes)
        largest = np.argsort(-sizes[:n_parts], kind="stable")[:MOST_PARTS]
        return firsts[np.sort(largest)]

    def entries(self, seed: int) -> NDArray[np.int32]:
        """Where walks begin, ascending: int32 (m,).

        All points up to 4,096; beyond, 512 drawn by `seed`, and where the graph falls into parts, between
        which no edge leads, one of each part, but of no more than the 4,096 largest: a new row near another
        one alone finds its neighbours among these.
        """
        n = self.fuzzy_set.shape[0]
        if n <= EXACT_UP_TO:
            return np.arange(n, dtype=np.int32)
        drawn = np.sort(np.random.default_rng(seed).choice(n, N_ENTRIES, replace=False)).astype(np.int32)
        return drawn if len(self.firsts) == 1 else np.union1d(drawn, self.firsts)


@njit(nogil=True, cache=True)
def _first_of_parts(indptr: Any, tails: Any, firsts: Any, sizes: Any) -> int:
    """Flood one connected part after the other, each from its first point; return how many there are.

    Sets the first point and the size of each.

    Not by scipy, whose connected_components holds the interpreter's lock and copies the weights as float64.
    """
    n, n_parts = len(firsts), 0
    reached, waiting = np.zeros(n, np.bool_), np.empty(n, np.int32)
    for first in range(n):
        if reached[first]:
            continue
        firsts[n_parts], sizes[n_parts] = first, 0
        reached[first], waiting[0], n_waiting = True, first, 1
        while n_waiting > 0:
            n_waiting -= 1
            middle = waiting[n_waiting]
            sizes[n_parts] += 1
            for e in range(indptr[middle], indptr[middle + 1]):
                if not reached[tails[e]]:
                    reached[tails[e]] = True
                    waiting[n_waiting] = tails[e]
                    n_waiting += 1
        n_parts += 1
    return n_parts
