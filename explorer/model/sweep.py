"""A sweep: a run for every combination of some parameters, the stages they share, and what it will take."""

from __future__ import annotations

import itertools
import math
import re
import secrets
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from explorer.model import stages
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.estimate import Calibration
from explorer.model.run import RunParameters
from explorer.model.target import hash_of, target_of
from explorer.model.workspace import Workspace
from explorer.model.written import counted

MOST_RUNS, LONGEST_SHOWN = 1_000, 30
EXAMPLES = {
    "n_neighbors": "5, 15, 50",
    "min_dist": "0, 0.1, 0.5",
    "metric": "euclidean, cosine",
    "seeds": "0, 1, 2 or 0-4",
}
"""The lists of a sweep, and how each may be written."""


@dataclass(frozen=True)
class Sweep:
    """Every combination of n_neighbors, min_dist, metric and seed, all else being equal.

    The runs of one metric and seed share one knn graph, for the largest n_neighbors: each takes its nearest
    neighbours from it. Seeds do not share it, though that would be faster: where the graph is approximate,
    its errors are chance too, and what changes with the seed should show all that may be an accident.

    Attributes
    ----------
    n_neighbors, min_dist, metric, seeds : tuple of int, float, str, int
        The values of each; one that is there twice counts once.
    base : RunParameters
        All other parameters.
    """

    n_neighbors: tuple[int, ...] = (RunParameters.n_neighbors,)
    min_dist: tuple[float, ...] = (RunParameters.min_dist,)
    metric: tuple[str, ...] = (RunParameters.metric,)
    seeds: tuple[int, ...] = (RunParameters.seed,)
    base: RunParameters = field(default_factory=RunParameters)

    def __post_init__(self) -> None:
        for name in EXAMPLES:
            object.__setattr__(self, name, tuple(dict.fromkeys(getattr(self, name))))

    @property
    def count(self) -> int:
        """Number of runs."""
        return math.prod(len(getattr(self, name)) for name in EXAMPLES)

    def parameters(self, n: int = sys.maxsize) -> tuple[RunParameters, ...]:
        """Return the parameters of every run on data of n rows, those that share stages one after the other.

        All of one metric and seed follow each other, so that the grid of the first seed is there first. The
        graph they share serves every n_neighbors that the data has rows for.
        """
        width = max((k for k in self.n_neighbors if k < n), default=0)
        return tuple(
            replace(
                self.base,
                n_neighbors=k,
                min_dist=d,
                metric=metric,
                seed=seed,
                graph_neighbors=width if k < width else None,
            )
            for metric, seed, k, d in itertools.product(
                self.metric, self.seeds, self.n_neighbors, self.min_dist
            )
        )

    def check_size(self) -> None:
        """Raise InputError if a list is empty or there are too many runs."""
        for name, example in EXAMPLES.items():
            if not getattr(self, name):
                raise InputError(f"{name} is empty: give at least one value, such as {example}.")
        if self.count > MOST_RUNS:
            sizes = " × ".join(f"{len(getattr(self, name)):,} {name}" for name in EXAMPLES)
            raise InputError(
                f"This sweep would be {self.count:,} runs ({sizes}): give fewer values, for {MOST_RUNS:,} "
                "runs at most."
            )

    def validate(self, n: int = sys.maxsize, dims: int = sys.maxsize) -> None:
        """Raise InputError if this is no sweep, or one of its runs cannot work on such data.

        Parameters
        ----------
        n, dims : int
            Rows and dimensions of the vectors; by default what no data could satisfy is refused.
        """
        self.check_size()
        for why in self.faults(n, dims).values():
            if why:
                raise InputError(why)

    def faults(self, n: int, dims: int) -> dict[RunParameters, str]:
        """Return why each run cannot work on such data, in one sentence; empty for those that can."""
        return {parameters: _fault(parameters, n, dims) for parameters in self.parameters(n)}


def _fault(parameters: RunParameters, n: int, dims: int) -> str:
    try:
        parameters.validate(n, dims)
    except InputError as error:
        return str(error)
    return ""


def new_id() -> str:
    """Return the id of a new sweep, such as ``sweep-7f3a2c``."""
    return f"sweep-{secrets.token_hex(3)}"


# Lists as they are written


def read_list(name: str, text: str) -> tuple[Any, ...]:
    """Return the values of one of a sweep's lists from text: see `EXAMPLES`.

    Parameters
    ----------
    name : str
        Of the list.
    text : str
        Values with commas or blanks between them; a range of seeds as ``0-4``, both ends counted.

    Returns
    -------
    tuple of int, float or str
        Each once, in the order written.

    Raises
    ------
    InputError
        If there is none, or one is no value of this list.

    Examples
    --------
    >>> read_list("min_dist", "0, 0.1 .5"), read_list("seeds", "7, 0-2")
    ((0.0, 0.1, 0.5), (7, 0, 1, 2))
    """
    joined = re.sub(r"\s*[-–]\s*", "-", text) if name == "seeds" else text
    entries = [entry for entry in re.split(r"[,;\s]+", joined) if entry]
    if not entries:
        raise InputError(f"{name} is empty: give at least one value, such as {EXAMPLES[name]}.")
    values = itertools.chain.from_iterable(_READ[name](name, entry) for entry in entries)
    return tuple(dict.fromkeys(values))


def _whole(name: str, entry: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d{1,18}", entry):
        raise InputError(f"{name} holds {_shown(entry)}, which is no whole number: write {EXAMPLES[name]}.")
    return (int(entry),)


def _seeds(name: str, entry: str) -> range | tuple[int, ...]:
    ends = re.fullmatch(r"(\d{1,18})-(\d{1,18})", entry)
    if ends is None:
        return _whole(name, entry)
    first, last = (int(end) for end in ends.groups())
    if last < first:
        raise InputError(
            f"{name} holds the range {entry}, which ends before it begins: write {last}-{first}."
        )
    # Not after it has been written out.
    if last - first >= MOST_RUNS:
        raise InputError(
            f"{name} holds the range {entry} of {last - first + 1:,} seeds: a sweep is of at most "
            f"{MOST_RUNS:,} runs."
        )
    return range(first, last + 1)


def _real(name: str, entry: str) -> tuple[float, ...]:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", entry, re.IGNORECASE):
        raise InputError(f"{name} holds {_shown(entry)}, which is no number: write {EXAMPLES[name]}.")
    # Of -0 and 0 one is enough.
    return (float(entry) + 0.0,)


def _name(name: str, entry: str) -> tuple[str, ...]:  # noqa: ARG001
    return (entry,)


def _shown(entry: str) -> str:
    return repr(entry if len(entry) <= LONGEST_SHOWN else f"{entry[:LONGEST_SHOWN]}…")


_READ: Mapping[str, Callable[[str, str], range | tuple[Any, ...]]] = {
    "n_neighbors": _whole,
    "min_dist": _real,
    "metric": _name,
    "seeds": _seeds,
}


# What it will take


@dataclass(frozen=True)
class Estimate:
    """What a sweep will compute, and how long that is expected to take.

    Attributes
    ----------
    runs : int
    computed : mapping of str to int
        How many results of each stage are yet to be computed, in the order of the stages, with the layouts.
    kept : int
        Results of stages before the layout that the workspace has already.
    seconds : tuple of float (runs,)
        Expected of each run: a result that several share counts for the first of them.
    """

    runs: int
    computed: Mapping[str, int]
    kept: int
    seconds: tuple[float, ...]

    @property
    def words(self) -> str:
        """It in words, such as "4 runs: 1 knn graph, 2 fuzzy sets, 2 initial layouts, 4 layouts"."""
        kept = f"; {counted(self.kept, 'stage')} kept from before" if self.kept else ""
        return f"{counted(self.runs, 'run')}: {counted_stages(self.computed)}{kept}"


def estimate(sweep: Sweep, dataset: Dataset, workspace: Workspace) -> Estimate:
    """Estimate what a sweep of some data will compute; slow for large sweeps, so a page calls it aside.

    Parameters
    ----------
    sweep : Sweep
    dataset : Dataset
    workspace : Workspace
        Whose cache may have some stages already, and whose runs tell how fast this machine is.

    Raises
    ------
    InputError
        If the data has no such target.
    """
    column = sweep.base.target
    target = hash_of(target_of(dataset.items, column)) if column else ""
    calibration = Calibration.learnt(workspace, workspace.runs())
    known: dict[str, bool] = {}
    computed: Counter[str] = Counter()
    seconds = []
    for parameters in sweep.parameters(dataset.n):
        n_epochs = stages.n_epochs(parameters, dataset.n)
        expected = calibration.predict(dataset.n, dataset.dims, parameters, n_epochs)
        *before, layout = stages.plan(dataset.hash, parameters, target)
        own = [layout.name]
        for stage in before:
            if stage.key not in known:
                known[stage.key] = workspace.cache_folder(stage.name, stage.key).is_dir()
                own += [] if known[stage.key] else [stage.name]
        computed.update(own)
        seconds.append(sum(expected[name] for name in own))
    in_order = {name: computed[name] for name in stages.ORDER if computed[name]}
    return Estimate(len(seconds), in_order, sum(known.values()), tuple(seconds))


def counted_stages(counts: Mapping[str, int]) -> str:
    """Say how many results of each stage there are.

    >>> counted_stages({"knn graph": 1, "layout": 2_000})
    '1 knn graph, 2,000 layouts'
    """
    return ", ".join(counted(count, name) for name, count in counts.items())
