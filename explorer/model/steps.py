"""A layout that is advanced by steps: from what it begins, and how far a step goes where it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core import Checkpoint, Layout
from explorer.model import stages
from explorer.model.run import RunParameters


class Steps(Protocol):
    """A layout under way, wherever that is."""

    @property
    def epoch(self) -> int:
        """Epochs done."""
        ...

    @property
    def embedding(self) -> NDArray[np.float32]:
        """The map after them, float32 (n, d)."""
        ...

    @property
    def here(self) -> bool:
        """Whether it lives in this process, where it may rest between two steps."""
        ...

    @property
    def provenance(self) -> dict[str, str] | None:
        """What computes it (see ``provenance``), if that is not this process."""
        ...

    def step(self, to_epoch: int) -> tuple[float, ...]:
        """Advance by an epoch or several, to ``to_epoch`` at most; return the cost after each."""
        ...


@dataclass(frozen=True, eq=False)
class Beginning:
    """From what a layout begins, beside the arrays of the stages before it.

    Attributes
    ----------
    parameters : RunParameters
    n : int
        Rows.
    initial : float32 (n, d)
        The initial layout.
    state : Checkpoint or None
        Where to go on, if that is not the initial layout.
    """

    parameters: RunParameters
    n: int
    initial: NDArray[np.float32]
    state: Checkpoint | None

    @property
    def needed(self) -> frozenset[str]:
        """The stages whose arrays the layout reads."""
        edges = stages.SUPERVISION if self.parameters.target else stages.FUZZY_SET
        density = (stages.KNN_GRAPH, stages.FUZZY_SET) if self.parameters.densmap else ()
        return frozenset((edges, *density))

    def layout(self, arrays: Mapping[str, stages.Arrays], n_threads: int | None) -> Layout:
        """Return the layout, from the arrays of the stages it needs."""
        p = self.parameters
        edges = arrays[stages.SUPERVISION if p.target else stages.FUZZY_SET]
        density = None
        if p.densmap:
            density = stages.density_of(arrays[stages.KNN_GRAPH], arrays[stages.FUZZY_SET], p)
        inputs = stages.read_fuzzy_set(edges), self.initial, stages.layout_parameters(p, self.n)
        if self.state is None:
            return Layout(*inputs, density=density, seed=p.seed, n_threads=n_threads)
        return Layout.restore(*inputs, self.state, density=density, seed=p.seed, n_threads=n_threads)


class StepsHere:
    """The steps of a layout in this process: an epoch each, so that every map can be seen."""

    here, provenance = True, None

    def __init__(self, layout: Layout) -> None:
        self._layout, self.embedding = layout, layout.embedding

    @property
    def epoch(self) -> int:
        """Epochs done."""
        return self._layout.epoch

    def step(self, to_epoch: int) -> tuple[float, ...]:
        """Advance by an epoch, unless ``to_epoch`` are done."""
        self.embedding = self._layout.run(min(self._layout.epoch + 1, to_epoch))
        return (self._layout.cost(),)
