"""What a strategy is given, a population and a plan, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.checks import raised
from core.knn import ANGULAR, EUCLIDEAN, comparable
from explorer.model.categories import Categories
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.selection import Selection
from explorer.model.written import counted

Space = Literal["vectors", "map"]
SPACES = ("vectors", "map")
EVEN_QUOTAS = ("equal", "proportional")


@dataclass(frozen=True)
class Plan:
    """How a sample is to be drawn: with the population, it decides the rows.

    Parameters
    ----------
    strategy : str, default "random"
        A name in ``STRATEGIES``.
    size : int, default 24
        Rows wanted. Quotas given by name decide instead of it.
    seed : int, default 0
        The same population and plan give the same rows in the same order.
    column : str, default ""
        The column whose categories are the strata of a stratified sample.
    quotas : "equal", "proportional" or tuple of (category, rows), default "equal"
        How many rows each stratum gives.
    space : {"vectors", "map"}, default "vectors"
        Where farthest points and medoids measure distance.
    """

    strategy: str = "random"
    size: int = 24
    seed: int = 0
    column: str = ""
    quotas: str | tuple[tuple[str, int], ...] = "equal"
    space: str = "vectors"

    def __post_init__(self) -> None:
        if not _is_whole(self.size) or self.size < 1:
            raise InputError(f"A sample has at least 1 row, not {_said(self.size)}.")
        if not _is_whole(self.seed) or self.seed < 0:
            raise InputError(f"A seed is a whole number from 0 up, not {_said(self.seed)}.")
        if self.space not in SPACES:
            raise InputError(f"Distances are measured between {' or '.join(SPACES)}, not {self.space!r}.")
        if isinstance(self.quotas, str):
            if self.quotas not in EVEN_QUOTAS:
                raise InputError(f"Quotas are equal, proportional or given by name, not {self.quotas!r}.")
        elif bad := [quota for name, quota in self.quotas if not _is_whole(quota) or quota < 0]:
            raise InputError(f"A quota is a whole number from 0 up, not {_said(bad[0])}.")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: what this strategy looks at and no more."""
        values: dict[str, Any] = {"strategy": self.strategy, "size": self.size, "seed": self.seed}
        if self.strategy == "stratified":
            given = self.quotas if isinstance(self.quotas, str) else dict(self.quotas)
            values |= {"column": self.column, "quotas": given}
        if self.strategy in ("farthest-point", "medoids"):
            values["space"] = self.space
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the plan ``to_dict`` gave; raises KeyError, TypeError or ValueError if it is none."""
        values = dict(values)
        if isinstance(quotas := values.get("quotas", "equal"), Mapping):
            values["quotas"] = tuple((str(name), quota) for name, quota in quotas.items())
        return cls(**values)


@dataclass(frozen=True)
class Stratum:
    """One category of a stratified sample.

    Parameters
    ----------
    name : str
    rows : int
        Rows of the population in it.
    quota : float
        Rows wanted of it.
    drawn : int
        Rows drawn: never more than it has.
    """

    name: str
    rows: int
    quota: float
    drawn: int


@dataclass(frozen=True, eq=False)
class Pick:
    """What a strategy returns.

    Parameters
    ----------
    rows : int64 (m,)
        Row ids in the order drawn or ranked, each once.
    probabilities : float64 (m,) or None
        The probability each had of being in the sample; None where the strategy ranks rows.
    strata : tuple of Stratum
        Of a stratified sample.
    notes : tuple of str
        What came out otherwise than asked, and over which candidates: sentences.
    """

    rows: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None = None
    strata: tuple[Stratum, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Population:
    """The rows to draw from and everything a strategy may look at.

    Parameters
    ----------
    selection : Selection
        The rows.
    vectors : float32 (n, d) or None
        Of all rows of the data.
    items : Items or None
        Their columns.
    embedding : float32 (n, 2) or None
        The map of the run looked at.
    metric : str, default "euclidean"
        That run's metric. Distances between vectors are cosine or correlation distances when it is one of
        them, euclidean otherwise.
    graph : callable, optional
        Returns that run's neighbours, ``indices`` int32 (n, k) and ``distances`` float32 (n, k), or None.
    """

    selection: Selection
    vectors: NDArray[np.float32] | None = None
    items: Items | None = None
    embedding: NDArray[np.float32] | None = None
    metric: str = "euclidean"
    graph: Callable[[], Mapping[str, NDArray[Any]] | None] = lambda: None

    @property
    def rows(self) -> NDArray[np.int64]:
        """Row ids, int64, ascending."""
        return self.selection.rows

    def categories(self, column: str) -> Categories:
        """The strata by a column."""
        if self.items is None or not column:
            raise InputError("A stratified sample needs a column of categories: choose one.")
        return self.items.categories(column)

    def places(self) -> NDArray[np.float32]:
        """The map, float32 (n, 2)."""
        if self.embedding is None:
            raise InputError("This strategy needs a map: wait until the run has one, or draw at random.")
        if self.embedding.shape[1] != 2:
            raise InputError(
                f"This strategy needs a map of 2 dimensions, not {self.embedding.shape[1]}: draw at random."
            )
        return self.embedding

    def placed_rows(self) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """The rows that have a place on the map, and a sentence about the others, if any."""
        rows = self.rows
        kept = rows[np.isfinite(self.places()[rows]).all(axis=1)]
        if not len(kept):
            raise InputError("None of the selected rows has a place on the map: draw at random.")
        lost = len(rows) - len(kept)
        if not lost:
            return kept, ()
        they = f"{counted(lost, 'row')} {'has' if lost == 1 else 'have'}"
        return kept, (f"{they} no place on the map and cannot be drawn.",)

    def points(self, rows: NDArray[np.int64], space: str) -> NDArray[np.float32]:
        """Points of some rows between which euclidean distance ranks as it should, float32 (m, d).

        Rows far smaller than the rest of the data are raised by a power of two, which changes no rank.
        """
        if space == "map":
            return raised(np.ascontiguousarray(self.places()[rows]))[0]
        if self.vectors is None:
            raise InputError("This strategy needs the vectors of the data.")
        vectors = np.asarray(self.vectors[rows])
        metric = self.metric if self.metric in EUCLIDEAN + ANGULAR else "euclidean"
        return raised(comparable(vectors, metric))[0]

    def neighbours(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Each row's nearest others in the original space: indices and distances, (n, k)."""
        found = self.graph()
        if found is None:
            raise InputError(
                "Outliers are told by the neighbours that a run found, and none are kept: start a run of "
                "this data, or draw by another strategy."
            )
        return found["indices"], found["distances"]


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _said(value: Any) -> str:
    return f"{value:,}" if _is_whole(value) else repr(value)
