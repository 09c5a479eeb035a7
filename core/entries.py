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
        """The first point of each connected part, ascending: int32 (parts,); found when first asked for."""
        firsts = np.empty(self.fuzzy_set.shape[0], np.int32)
        return firsts[: _first_of_parts(self.fuzzy_set.indptr, self.fuzzy_set.indices, firsts)].copy()

    def entries(self, seed: int) -> NDArray[np.int32]:
        """Where walks begin, ascending: int32 (m,).

        All points up to 4,096; beyond, 512 drawn by `seed`, and where the graph falls into parts, between
        which no edge leads, one of each part.
        """
        n = self.fuzzy_set.shape[0]
        if n <= EXACT_UP_TO:
            return np.arange(n, dtype=np.int32)
        drawn = np.sort(np.random.default_rng(seed).choice(n, N_ENTRIES, replace=False)).astype(np.int32)
        return drawn if len(self.firsts) == 1 else np.union1d(drawn, self.firsts)


@njit(nogil=True, cache=True)
def _first_of_parts(indptr: Any, tails: Any, firsts: Any) -> int:
    """Flood one connected part after the other, each from its first point; return how many there are.

    Not by scipy, whose connected_components holds the interpreter's lock and copies the weights as float64.
    """
    n, n_parts = len(firsts), 0
    reached, waiting = np.zeros(n, np.bool_), np.empty(n, np.int32)
    for first in range(n):
        if reached[first]:
            continue
        firsts[n_parts] = first
        n_parts += 1
        reached[first], waiting[0], n_waiting = True, first, 1
        while n_waiting > 0:
            n_waiting -= 1
            middle = waiting[n_waiting]
            for e in range(indptr[middle], indptr[middle + 1]):
                if not reached[tails[e]]:
                    reached[tails[e]] = True
                    waiting[n_waiting] = tails[e]
                    n_waiting += 1
    return n_parts
