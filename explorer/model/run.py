"""One run of UMAP: its parameters, where it stands, and what it was made with. Frozen records, plain JSON."""

from __future__ import annotations

import dataclasses
import math
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from explorer.model.errors import InputError

SCHEMA = 1
INITIAL_LAYOUTS = ("spectral", "pca", "random")
LARGEST_SEED = 2**32 - 1
FEWEST_ROWS = 3
"""Of a map: each row and two more, the fewest that are neighbours of one another."""


@dataclass(frozen=True)
class RunParameters:
    """The parameters of one run, with umap-learn's names and defaults.

    Attributes
    ----------
    n_neighbors : int
        Neighbours of each point, the point itself counted. Small values show detail, large ones the whole.
    min_dist, spread : float
        The least distance between points on the map, and the scale of the map, in the map's own units.
    metric : str
        Distance between vectors.
    n_components : int
        Dimensions of the map.
    n_epochs : int or None
        Passes over the graph's edges; None leaves the choice to the number of points.
    seed : int
        0 to 2**32 - 1. The same seed, data and parameters give the same bits.
    init : {"spectral", "pca", "random"}
        Where the points start.
    densmap : bool
        Keep on the map what is dense and what is sparse in the data.
    target : str
        The items' column that supervises the map, see ``target``; empty for none.
    negative_sample_rate, learning_rate, repulsion_strength, local_connectivity, set_op_mix_ratio
        As in umap-learn.
    graph_neighbors : int or None
        The n_neighbors that the knn graph is computed for, to be pruned to the run's own, so that the runs of
        a sweep share one; None for the run's own.
    """

    n_neighbors: int = 15
    min_dist: float = 0.1
    spread: float = 1.0
    metric: str = "euclidean"
    n_components: int = 2
    n_epochs: int | None = None
    seed: int = 42
    init: str = "spectral"
    densmap: bool = False
    target: str = ""
    negative_sample_rate: int = 5
    learning_rate: float = 1.0
    repulsion_strength: float = 1.0
    local_connectivity: float = 1.0
    set_op_mix_ratio: float = 1.0
    graph_neighbors: int | None = None

    def validate(self, n: int, dims: int) -> None:
        """Raise InputError if these parameters cannot work on ``n`` vectors of ``dims`` dimensions."""
        if n < FEWEST_ROWS:
            raise InputError(f"A map needs at least {FEWEST_ROWS} rows, and many more to be of use.")
        _check_whole("n_neighbors", self.n_neighbors, 2)
        if self.n_neighbors >= n:
            raise InputError(
                f"n_neighbors is {self.n_neighbors} but the data has {n} rows: "
                f"choose a value from 2 to {n - 1}."
            )
        self._check_graph(n)
        _check_whole("n_components", self.n_components, 1)
        if self.n_components >= n:
            raise InputError(f"n_components is {self.n_components} but the data has {n} rows: choose fewer.")
        if self.init == "pca" and self.n_components > dims:
            raise InputError(
                f"init 'pca' offers at most {dims} components for this data, but n_components is "
                f"{self.n_components}: choose init 'spectral' or 'random'."
            )
        self._check_layout()

    def _check_graph(self, n: int) -> None:
        if self.graph_neighbors is None:
            return
        _check_whole("graph_neighbors", self.graph_neighbors, self.n_neighbors)
        if self.graph_neighbors >= n:
            raise InputError(
                f"graph_neighbors is {self.graph_neighbors} but the data has {n} rows: "
                f"choose a value from {self.n_neighbors} to {n - 1}."
            )

    def _check_layout(self) -> None:
        _check_real("spread", self.spread, above=0.0)
        _check_real("min_dist", self.min_dist, least=0.0, most=self.spread)
        if self.n_epochs is not None:
            _check_whole("n_epochs", self.n_epochs, 1)
        _check_whole("seed", self.seed, 0, LARGEST_SEED)
        _check_whole("negative_sample_rate", self.negative_sample_rate, 0)
        _check_real("learning_rate", self.learning_rate, above=0.0)
        _check_real("repulsion_strength", self.repulsion_strength, least=0.0)
        _check_real("local_connectivity", self.local_connectivity, least=0.0)
        _check_real("set_op_mix_ratio", self.set_op_mix_ratio, least=0.0, most=1.0)
        if not isinstance(self.metric, str) or self.metric in ("", "precomputed"):
            raise InputError(f"metric is {self.metric!r}: give the name of a metric, such as 'euclidean'.")
        if self.init not in INITIAL_LAYOUTS:
            raise InputError(f"init is {self.init!r}: choose one of {', '.join(INITIAL_LAYOUTS)}.")
        if not isinstance(self.densmap, bool):
            raise InputError(f"densmap is {self.densmap!r}: it must be True or False.")
        if not isinstance(self.target, str):
            raise InputError(f"target is {self.target!r}: give the name of a column of the items.")

    @property
    def graph_width(self) -> int:
        """The n_neighbors that the knn graph is computed for."""
        return self.n_neighbors if self.graph_neighbors is None else self.graph_neighbors

    @property
    def label(self) -> str:
        """What tells this run from its neighbours in a list, such as ``k 15 · d 0.1 · seed 42``.

        ``graph 50``: its neighbours are from a graph for 50, which may differ where it is approximate.
        """
        parts = [f"k {self.n_neighbors}", f"d {self.min_dist:g}"]
        parts += [self.metric] if self.metric != "euclidean" else []
        parts += [self.init] if self.init != "spectral" else []
        parts += [f"{self.n_components} dimensions"] if self.n_components != 2 else []
        parts += ["densmap"] if self.densmap else []
        parts += [f"target {self.target}"] if self.target else []
        wider = [f"graph {self.graph_width}"] if self.graph_width != self.n_neighbors else []
        return " · ".join([*parts, f"seed {self.seed}", *wider])

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Parameters from a dictionary of names; an unknown name raises InputError."""
        known = {entry.name for entry in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(
                f"{unknown[0]!r} is no parameter of a run: the names are {', '.join(sorted(known))}."
            )
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return dataclasses.asdict(self)


class RunStatus(StrEnum):
    """Where a run stands. Interrupted: its process ended before it did; it can be resumed."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """Whether a runner is holding this run: it may still change by itself or be steered."""
        return self in (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED)


@dataclass(frozen=True)
class Start:
    """The map of another run of the same data from which a run starts, in place of an initial layout.

    Attributes
    ----------
    run : str
        The id of that run; what was taken of it lies in the folder of the run that starts from it.
    epoch : int
        Its epoch.
    fork : bool
        Whether epochs count on from there, as if that run went on with other parameters. If not, it is a
        warm start: they begin anew.
    exact : bool
        Whether it was the very state of that run, from which the same parameters give the same bits; else
        its keyframe, of 16 bits a coordinate.
    hash : str
        Of what was taken, and of the epoch at which it goes on.
    """

    run: str
    epoch: int
    fork: bool
    exact: bool
    hash: str

    @property
    def label(self) -> str:
        """What it adds to the label of a run.

        >>> Start("k15-d0.1-s42-7f3a2c", 87, True, True, "").label
        'from k15-d0.1-s42 at epoch 87'
        """
        how = "" if self.fork else "warm "
        return f"{how}from {self.run.rpartition('-')[0] or self.run} at epoch {self.epoch:,}"


@dataclass(frozen=True)
class Run:
    """The record of one run, as kept in ``run.json``.

    Attributes
    ----------
    id : str
        Readable and unique in its workspace, such as ``k15-d0.1-s42-7f3a2c``.
    data_hash : str
        The hash of the float32 vectors.
    n : int
        Rows.
    created : str
        ISO 8601, UTC.
    epoch, n_epochs : int
        Epochs done, and to do (0 until the layout begins).
    seconds : dict
        Seconds spent in each stage; a stage found in the cache counts 0.
    cost : float or None
        The last estimate of the cross-entropy per edge.
    costs : tuple of float
        The same after each epoch.
    knn_recall : float or None
        Sampled share of true neighbours in the graph, as wide as it was computed.
    error : str or None
        One sentence if the run failed.
    sweep : str
        The id of the sweep it belongs to; empty for none.
    provenance : dict
        Versions of what computed it and the processor: the same bits are promised for the same of both.
    target_hash : str
        The hash of what the column told that supervises it; empty for none.
    start : Start or None
        What it starts from if that is another run's map.
    name : str
        What the analyst calls it; empty for its label.
    starred : bool
        Whether it is to come first in lists.
    turn : int
        Its turn in the queue: of those that wait the lowest is the next.
    """

    id: str
    dataset_id: str
    data_hash: str
    n: int
    parameters: RunParameters
    status: RunStatus = RunStatus.QUEUED
    created: str = ""
    epoch: int = 0
    n_epochs: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    cost: float | None = None
    costs: tuple[float, ...] = ()
    knn_recall: float | None = None
    error: str | None = None
    sweep: str = ""
    provenance: dict[str, str] = field(default_factory=dict)
    target_hash: str = ""
    start: Start | None = None
    name: str = ""
    starred: bool = False
    turn: int = 0

    @classmethod
    def new(cls, dataset_id: str, data_hash: str, n: int, parameters: RunParameters) -> Self:
        """Return a queued run with a fresh readable id."""
        min_dist = f"{parameters.min_dist:g}".replace("+", "")
        name = f"k{parameters.n_neighbors}-d{min_dist}-s{parameters.seed}"
        return cls(
            id=f"{name}-{secrets.token_hex(3)}",
            dataset_id=dataset_id,
            data_hash=data_hash,
            n=n,
            parameters=parameters,
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )

    @property
    def label(self) -> str:
        """What tells it from its neighbours in a list: its parameters, and what it starts from."""
        started = [] if self.start is None else [self.start.label]
        return " · ".join([self.parameters.label, *started])

    @property
    def title(self) -> str:
        """What it is called: its name, or its label."""
        return self.name or self.label

    @property
    def first_epoch(self) -> int:
        """The epoch at which its layout begins: 0 unless it is a fork."""
        return self.start.epoch if self.start is not None and self.start.fork else 0

    @property
    def total_seconds(self) -> float:
        """Seconds spent in all stages."""
        return sum(self.seconds.values())

    def with_(self, **changes: Any) -> Self:
        """Return the same record with some fields changed."""
        return dataclasses.replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"schema": SCHEMA, **dataclasses.asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the record ``to_dict`` gave; raises KeyError, TypeError or ValueError if it is none."""
        values = dict(values)
        if values.pop("schema") > SCHEMA:
            raise ValueError("it was written by a newer version of UMAP Explorer")
        values["parameters"] = RunParameters.from_dict(values["parameters"])
        values["status"] = RunStatus(values["status"])
        values["costs"] = tuple(values["costs"])
        values["start"] = Start(**values["start"]) if values.get("start") else None
        run = cls(**values)
        if not re.fullmatch(r"[\w.-]+", run.id):
            raise ValueError(f"its id {run.id!r} is no name of a folder")
        return run


def _check_whole(name: str, value: int, least: int, most: int | None = None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):
        upper = "" if most is None else f" and at most {most}"
        raise InputError(f"{name} is {value!r}: it must be a whole number of at least {least}{upper}.")


def _check_real(
    name: str,
    value: float,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> None:
    real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not real:
        raise InputError(f"{name} is {value!r}: it must be a finite number.")
    if above is not None and value <= above:
        raise InputError(f"{name} is {value:g}: it must be greater than {above:g}.")
    if (least is not None and value < least) or (most is not None and value > most):
        limits = f"at least {least:g}" + ("" if most is None else f" and at most {most:g}")
        raise InputError(f"{name} is {value:g}: it must be {limits}.")
