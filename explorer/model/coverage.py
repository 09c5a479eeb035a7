"""Coverage: which regions of a map a batch lacks that the rest of the data fills, and in which it abounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.progress import part
from explorer.model import placing
from explorer.model.dataset import Dataset
from explorer.model.density_difference import LACKING, SURPLUS, Difference, difference
from explorer.model.errors import InputError
from explorer.model.placing import Reference
from explorer.model.run import Run
from explorer.model.shares import GAP, SEVERITIES, Finding, factor, percent, severity_of, worst_first
from explorer.model.workspace import Workspace
from explorer.model.written import counted

FEWEST = 20
"""Items of a batch, and of what it is compared with."""
MOST_REGIONS = 50
LARGE = 0.01
"""Share of the reference that a gap holds at least to be of high severity."""
MOST_PLACED = 100_000
"""Old rows placed anew, so that new rows are compared with what was placed by the same rule."""
NO_CLUSTERS: NDArray[np.int32] = np.zeros(0, np.int32)


@dataclass(frozen=True, eq=False)
class Region:
    """A region where the batch is significantly lacking, or abounds.

    Attributes
    ----------
    sign : {-1, 1}
        -1 where it is lacking.
    batch, expected : int, float
        Its items there, and how many there would be if it were like the reference.
    batch_share, reference_share : float
        Shares of the batch and of the reference that lie there.
    p : float
        That the map shows so much anywhere by chance.
    severity : {"high", "medium", "low"}
    cluster : int
        The cluster most of its rows are in; -1 for none, or where clusters are not known.
    rows : int64 (k,)
        The rows of the map there, ascending: of a gap those of the reference; of a surplus those of the
        batch, or of the reference where the batch is other data.
    sentence : str
    """

    sign: int
    batch: int
    expected: float
    batch_share: float
    reference_share: float
    p: float
    severity: str
    cluster: int
    rows: NDArray[np.int64]
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        told = {name: value for name, value in vars(self).items() if name not in ("rows", "sign")}
        return told | {"count": len(self.rows)}


@dataclass(frozen=True, eq=False)
class Coverage:
    """A batch on a map against the reference.

    Attributes
    ----------
    batch : str
        What the batch is called: a condition, a category, the name of other data.
    size, reference_size : int
        Their items.
    difference : Difference
    gaps, surpluses : tuple of Region
        Where the batch is lacking, and where it abounds, the most severe first.
    labels : int32 (n,)
        The cluster of each row of the map, -1 for noise; empty where clusters are not known.
    """

    batch: str
    size: int
    reference_size: int
    difference: Difference
    gaps: tuple[Region, ...]
    surpluses: tuple[Region, ...]
    labels: NDArray[np.int32]

    @property
    def rows_in_gaps(self) -> NDArray[np.int64]:
        """The rows of the reference that lie where the batch is lacking, ascending: to be sampled from."""
        rows = [one.rows for one in self.gaps]
        return np.sort(np.concatenate(rows)) if rows else np.zeros(0, np.int64)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The gaps, worst first; the rows are those of the reference there."""
        return worst_first(
            Finding(
                GAP, one.severity, one.cluster, self.batch, one.batch_share, one.reference_share, one.p,
                one.sentence, one.rows,
            )
            for one in self.gaps
        )  # fmt: skip

    @property
    def sentence(self) -> str:
        """All of it in one."""
        if not self.gaps:
            return self._no_gap
        share = sum(one.reference_share for one in self.gaps)
        regions = "1 region" if len(self.gaps) == 1 else f"{len(self.gaps):,} regions"
        return (
            f"The {self.size:,} items of the batch leave gaps in {regions}, where {percent(share)} of the "
            f"{self.reference_size:,} others lie."
        )

    @property
    def _no_gap(self) -> str:
        """What it means that none was found: that depends on where there were enough items to ask."""
        found, batch = self.difference, f"The {self.size:,} items of the batch"
        if not found.asked.any():
            if self.size > self.reference_size:
                return f"The {self.reference_size:,} other items are too few to tell what the batch lacks."
            return f"{batch} are too few to tell on this map where they are lacking."
        untold = float(found.reference[~found.asked].sum() / found.reference.sum())
        but = f"; where {percent(untold)} of the others lie there are too few items to tell" if untold else ""
        return f"{batch} leave no gap beyond chance{but}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "batch": self.batch,
            "size": self.size,
            "reference_size": self.reference_size,
            "sentence": self.sentence,
            "gaps": [one.to_dict() for one in self.gaps],
            "surpluses": [one.to_dict() for one in self.surpluses],
            "findings": [one.to_dict() for one in self.findings],
        }


def coverage(
    embedding: NDArray[np.float32],
    batch: NDArray[np.bool_],
    name: str = "batch",
    labels: NDArray[np.int32] = NO_CLUSTERS,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Coverage:
    """Compare some rows of a map with all others.

    Parameters
    ----------
    embedding : float32 (n, 2)
        The map.
    batch : bool (n,)
        The rows compared.
    name : str, default "batch"
        What to call them.
    labels : int32 (n,), optional
        The cluster of each row, -1 for noise.
    seed : int, default 0
        Of the draws that tell what is chance.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        When they, or all others, are fewer than 20.
    """
    _check(int(np.count_nonzero(batch)), int(np.count_nonzero(~batch)), name)
    found = difference(embedding[~batch], embedding[batch], seed=seed, progress=progress)
    cells = found.cells_of(embedding)
    return _told(found, np.where(batch, -1, cells), np.where(batch, cells, -1), name, labels)


def coverage_of_new(
    workspace: Workspace,
    run: Run,
    dataset: Dataset,
    labels: NDArray[np.int32] = NO_CLUSTERS,
    *,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Coverage:
    """Compare other data, placed on a run's map, with the data of the map.

    Placed rows lie nearer to the middle of their neighbours than those the map was made of. So the reference
    is placed too, each old row by its neighbours as if it were not there itself: 100,000 of them at most.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        At rest, with a flat map.
    dataset : Dataset
        The new data, with vectors of the same dimensions.
    labels, seed, progress
        As of `coverage`.

    Raises
    ------
    InputError
        When it cannot be placed on the map, or either data has fewer than 20 rows.
    """
    reference = Reference.of_run(workspace, run)
    _check_flat(reference.embedding, run)
    _check(dataset.n, run.n, dataset.name)
    new = placing.placed(workspace, run, dataset, part(progress, 0.0, 0.5))
    graph, k = reference.graph, reference.graph.k
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(run.n)[:MOST_PLACED])
    old_places = reference.settle(graph.indices[some], graph.distances[some])
    progress(0.6)
    new_places = reference.settle(new.indices[:, :k], new.distances[:, :k])
    found = difference(old_places, new_places, seed=seed, progress=part(progress, 0.7, 1.0))
    cells = found.cells_of(reference.embedding)
    return _told(found, cells, cells, dataset.name, labels)


def map_of(workspace: Workspace, run: Run) -> NDArray[np.float32]:
    """The flat map of a run, float32 (n, 2); raises InputError if it has none."""
    embedding = None if run.status.active else workspace.embedding(run.id)
    if embedding is None:
        raise InputError(f"The run {run.id} has no map yet: it is {run.status}.")
    _check_flat(embedding, run)
    return np.asarray(embedding)


def _check_flat(embedding: NDArray[np.float32], run: Run) -> None:
    dims = embedding.shape[1]
    if dims != 2:
        raise InputError(f"The map of {run.id} has {dims} dimensions: coverage needs a flat one.")


def _check(batch: int, others: int, name: str) -> None:
    there = "is" if others == 1 else "are"
    few, what = (
        (batch, f"The batch {name!r} has") if batch < FEWEST else (others, f"Beside {name!r} there {there}")
    )
    if few < FEWEST:
        raise InputError(f"{what} {counted(few, 'item')}: coverage compares {FEWEST} or more with as many.")


def _told(
    found: Difference,
    reference: NDArray[np.int64],
    abounding: NDArray[np.int64],
    name: str,
    labels: NDArray[np.int32],
) -> Coverage:
    """All regions; the cell of each row of the map, -1 for none of the reference, or of what may abound."""
    gaps = _regions(found, LACKING, reference, labels)
    surpluses = _regions(found, SURPLUS, abounding, labels)
    reference_size = int(np.count_nonzero(reference >= 0))
    return Coverage(name, int(found.batch.sum()), reference_size, found, gaps, surpluses, labels)


def _regions(
    found: Difference, sign: int, cells: NDArray[np.int64], labels: NDArray[np.int32]
) -> tuple[Region, ...]:
    numbered = found.regions(sign)
    numbers = np.arange(1, int(numbered.max(initial=0)) + 1)
    inside = np.where(cells >= 0, numbered.ravel()[cells], 0)
    members = np.argsort(inside, kind="stable").astype(np.int64, copy=False)
    starts, ends = (np.searchsorted(inside[members], numbers, side=side) for side in ("left", "right"))
    regions = [
        one
        for number, start, end in zip(numbers, starts, ends, strict=True)
        if (one := _region(found, numbered == number, sign, members[start:end], labels)) is not None
    ]
    regions.sort(key=lambda one: (SEVERITIES.index(one.severity), -abs(one.expected - one.batch)))
    return tuple(regions[:MOST_REGIONS])


def _region(
    found: Difference,
    here: NDArray[np.bool_],
    sign: int,
    rows: NDArray[np.int64],
    labels: NDArray[np.int32],
) -> Region | None:
    """What is to be told of some cells.

    None where as a whole they differ too little, or the other way; and on the fringe of what the kernel sees,
    where nothing lies that could be lacking, or abound.
    """
    size, others = int(found.batch.sum()), int(found.reference.sum())
    there, present = int(found.batch[here].sum()), int(found.reference[here].sum())
    if not (present if sign == LACKING else there):
        return None
    times = float(factor(there, size, present, others))
    severity = severity_of(times)
    if not severity or (times < 1) != (sign == LACKING):
        return None
    if severity == "high" and max(present / others, there / size) < LARGE:
        severity = "medium"
    expected, cluster = size * present / others, _cluster_of(rows, labels)
    where = "" if cluster < 0 else f", mostly in cluster {cluster}"
    sentence = (
        f"The batch {'lacks' if sign == LACKING else 'crowds'} a region where {percent(present / others)} of "
        f"the others lie{where}: {there:,} of its items {'is' if there == 1 else 'are'} there, "
        f"{expected:,.0f} expected."
    )
    p = float(found.p[here].min())
    return Region(sign, there, expected, there / size, present / others, p, severity, cluster, rows, sentence)


def _cluster_of(rows: NDArray[np.int64], labels: NDArray[np.int32]) -> int:
    """The label that more than half of the rows have, -1 for none."""
    if not len(labels) or not len(rows):
        return -1
    values, counts = np.unique(labels[rows], return_counts=True)
    return int(values[counts.argmax()]) if 2 * counts.max() > len(rows) else -1
