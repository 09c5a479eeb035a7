"""Random bits as functions of counters: no state, so none depends on who asks for it, or when."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(nogil=True, inline="always")
def mix(key: Any) -> Any:
    """The finaliser of splitmix64: a bijection of uint64 whose output bits all depend on all input bits."""
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit(nogil=True, inline="always")
def stream(seed: Any, epoch: Any, vertex: Any) -> Any:
    """Counter-based random bits (uint64) of one vertex in one epoch."""
    return mix(
        seed
        + np.uint64(epoch) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(vertex) * np.uint64(0xD1B54A32D192ED03)
    )
