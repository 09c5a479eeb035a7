"""A sample with what it was drawn from, the record of it, and the same sample drawn again from the record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from explorer.model import stages, statistics
from explorer.model.applied import applied
from explorer.model.categories import Categories
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.provenance import provenance
from explorer.model.reading import read_given_json
from explorer.model.replay import Material, cluster_step, no_category, replayed
from explorer.model.run import Run, RunParameters
from explorer.model.sampling import Sample, draw, sample_table
from explorer.model.selection import Selection, Step, packed
from explorer.model.strategies import STRATEGIES, Plan, Population
from explorer.model.workspace import Workspace

SCHEMA = 2
NO_PROBABILITIES = "This strategy ranks rows: inclusion probabilities are not defined."


@dataclass(frozen=True, eq=False)
class Drawn:
    """A sample with what it was drawn from, which may have changed on the screen since.

    Parameters
    ----------
    sample : Sample
        The rows.
    population : Selection
        What they were drawn from.
    run : Run or None
        The record of the run on the map, as it was at the time.
    map_hash : str
        Of that run's map at the time; empty for none.
    places : float32 (m, d) or None
        Where the rows were on it.
    """

    sample: Sample
    population: Selection
    run: Run | None
    map_hash: str = ""
    places: NDArray[np.float32] | None = None

    @property
    def run_id(self) -> str:
        """The run on the map at the time, empty for none."""
        return self.run.id if self.run else ""

    def table(self, dataset: Dataset) -> pa.Table:
        """The rows with their places at the time and their items."""
        return sample_table(self.sample, dataset, self.places)


@dataclass(frozen=True, eq=False)
class Ground:
    """Where samples are drawn: data, and a run's map of it.

    Parameters
    ----------
    workspace : Workspace
    dataset : Dataset
    run : Run or None
        The run on the map.
    embedding : float32 (n, d) or None
        Its map now.
    """

    workspace: Workspace
    dataset: Dataset
    run: Run | None = None
    embedding: NDArray[np.float32] | None = None

    @classmethod
    def of_run(cls, workspace: Workspace, run_id: str) -> Self:
        """The ground of a run that the workspace keeps, by any unique beginning of its id."""
        run = workspace.run(run_id)
        return cls(workspace, workspace.dataset(run.dataset_id), run, workspace.embedding(run.id))

    @property
    def run_id(self) -> str:
        """The run on the map, empty for none."""
        return self.run.id if self.run else ""

    def select(self, steps: Sequence[Step]) -> Selection:
        """Do the steps of a selection again; see ``replayed``."""
        return replayed(steps, Material(self.dataset.n, self.dataset.items, self._map, self._statistic))

    def draw(self, selection: Selection, plan: Plan) -> Drawn:
        """Draw a sample of a selection; some strategies take seconds, and none holds the interpreter."""
        population = Population(
            selection,
            self.dataset.vectors,
            self.dataset.items,
            self.embedding,
            self.run.parameters.metric if self.run else "euclidean",
            self._graph,
        )
        sample = draw(population, plan)
        if self.embedding is None:
            return Drawn(sample, selection, self.run)
        places = np.asarray(self.embedding[sample.rows])
        return Drawn(sample, selection, self.run, hash_of(self.embedding), places)

    def _graph(self) -> Mapping[str, NDArray[Any]] | None:
        if self.run is None:
            return None
        knn = stages.of_run(self.run)[0]
        found = self.workspace.cached(knn.name, knn.key)
        if found is None:
            return None
        graph = stages.read_graph(found, self.run.parameters.n_neighbors)
        return {"indices": graph.indices, "distances": graph.distances}

    def _statistic(self, name: str, run_id: str) -> Categories:
        run = self.workspace.run(run_id)
        # Of what two maps differ in a step tells the rows: which the other one was nobody knows any more.
        known = name in statistics.STATISTICS and name != statistics.DISPLACEMENT
        if not known or run.data_hash != self.dataset.hash:
            raise InputError(f"The run {run.id} does not tell {name!r} of the rows of this data.")
        runs = tuple(self.workspace.runs(run.dataset_id))
        # Of clusters that were applied a step tells the rows: others may have been since.
        others = statistics.compared_with(name, run, runs)
        return statistics.compute(name, self.workspace, run, others, by_default=True).categories

    def cluster(self, cluster: str) -> Step:
        """The step that keeps one cluster of the run as it is coloured: its number, or "noise".

        Raises
        ------
        InputError
            When it is neither, or there is none of that number among those applied.
        """
        step = cluster_step(cluster, self.run_id)
        if self.run is None or applied(self.workspace, self.run) is None:
            return step
        found = statistics.compute(step.column, self.workspace, self.run, ()).categories
        if step.values[0] not in found.names:
            raise no_category(step.column, step.values[0], found.names)
        return replace(step, packed=packed(found.codes == found.names.index(step.values[0])))

    def _map(self, run_id: str) -> NDArray[np.float32]:
        """The map kept of a run of this data, float32 (n, 2)."""
        run, embedding = self.workspace.run(run_id), self.workspace.embedding(run_id)
        if embedding is None or run.data_hash != self.dataset.hash or embedding.shape[1] != 2:
            raise InputError(f"The run {run.id} has no flat map of this data to select on.")
        return embedding


def hash_of(array: NDArray[Any]) -> str:
    """BLAKE2b of an array's bytes."""
    return hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=16).hexdigest()


def manifest(drawn: Drawn, dataset: Dataset) -> dict[str, Any]:
    """Return the record of a sample, ready for JSON: enough to draw it again and to know that it is the same.

    Parameters
    ----------
    drawn : Drawn
        The sample.
    dataset : Dataset
        From which data.
    """
    sample, population = drawn.sample, drawn.population
    return {
        "schema": SCHEMA,
        "dataset": {
            "id": dataset.id,
            "name": dataset.name,
            "hash": dataset.hash,
            "rows": dataset.n,
            "dims": dataset.dims,
        },
        "run": drawn.run and _about(drawn.run, drawn.map_hash),
        "selection": {
            "rows": population.count,
            "digest": population.digest,
            "steps": [step.to_dict() for step in population.steps],
        },
        **sample.plan.to_dict(),
        "rows": {"count": len(sample.rows), "digest": hash_of(sample.rows)},
        "strata": [vars(stratum) for stratum in sample.strata],
        "notes": list(sample.notes),
        **_probabilities(sample),
        "versions": provenance(),
    }


def _about(run: Run, map_hash: str) -> dict[str, Any]:
    return {
        "id": run.id,
        "parameters": run.parameters.to_dict(),
        "status": str(run.status),
        "epoch": run.epoch,
        "n_epochs": run.n_epochs,
        "map_hash": map_hash,
    }


def _probabilities(sample: Sample) -> dict[str, Any]:
    known = sample.probabilities
    if known is None:
        return {"inclusion_probability": None, "inclusion_probability_note": NO_PROBABILITIES}
    return {"inclusion_probability": {"smallest": float(known.min()), "largest": float(known.max())}}


def is_manifest(path: Path) -> bool:
    """Whether a file holds the record of a sample."""
    try:
        _understood(read_given_json(path))
    except InputError:
        return False
    return True


def redraw(record: Mapping[str, Any], workspace: Workspace) -> tuple[Ground, Drawn]:
    """Draw the sample of a manifest again.

    Parameters
    ----------
    record : mapping
        What ``manifest`` returned.
    workspace : Workspace
        Holds its data and runs.

    Returns
    -------
    Ground, Drawn
        Where it was drawn, and the sample: the same rows in the same order.

    Raises
    ------
    InputError
        One sentence that says why the same rows cannot be drawn: the record is none, or the data, the run or
        what its steps select is not the same any more.
    """
    plan, steps = _understood(record)
    ground = _ground(workspace, record["dataset"], record["run"], plan)
    selection = ground.select(steps)
    if selection.digest != record["selection"]["digest"]:
        raise InputError(
            f"The manifest's steps select other rows now ({selection.count:,}): the map or the columns they "
            "were made on have changed."
        )
    drawn = ground.draw(selection, plan)
    if "rows" in record and hash_of(drawn.sample.rows) != record["rows"]["digest"]:
        raise InputError(
            "The manifest draws other rows than it did: it was written with other versions of the program or "
            "its libraries, which are listed in it under versions."
        )
    return ground, drawn


def _understood(record: Mapping[str, Any]) -> tuple[Plan, tuple[Step, ...]]:
    """The plan and the steps of a manifest that has all that is looked at."""
    try:
        if record["schema"] > SCHEMA:
            raise InputError("it was written by a newer version")
        run = record["run"]
        plan = Plan.from_dict({name: record[name] for name in Plan.__dataclass_fields__ if name in record})
        # Manifests of old do not tell the rows.
        rows = record.get("rows", {"digest": ""})
        names = [record["dataset"][name] for name in ("id", "name", "hash")]
        names += [record["selection"]["digest"], rows["digest"], plan.strategy, plan.column]
        names += [] if run is None else [run["id"], *run["parameters"].keys()]
        if not all(isinstance(name, str) for name in names) or (run and not isinstance(run["epoch"], int)):
            raise TypeError("a name is no text")
        return plan, tuple(Step.from_dict(step) for step in record["selection"]["steps"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            f"This is no manifest of a sample ({error}): give the JSON beside a sample."
        ) from error


def _ground(
    workspace: Workspace, about_data: Mapping[str, Any], about_run: Mapping[str, Any] | None, plan: Plan
) -> Ground:
    same = [info.id for info in workspace.datasets() if info.hash == about_data["hash"]]
    if not same:
        raise InputError(
            f"The workspace {workspace.path} does not hold the data of this manifest, {about_data['name']!r} "
            f"with the hash {about_data['hash'][:12]}: add it first, or look whether it has changed."
        )
    dataset = workspace.dataset(about_data["id"] if about_data["id"] in same else same[0])
    if about_run is None:
        return Ground(workspace, dataset)
    run = workspace.run(about_run["id"])
    if run.parameters != RunParameters.from_dict(about_run["parameters"]) or run.data_hash != dataset.hash:
        raise InputError(f"The run {run.id} has other parameters or data than when the sample was drawn.")
    embedding = workspace.embedding(run.id)
    if STRATEGIES.get(plan.strategy, STRATEGIES["random"]).on_map or plan.space == "map":
        _check_map(run, embedding, about_run)
    return Ground(workspace, dataset, run, embedding)


def _check_map(run: Run, embedding: NDArray[np.float32] | None, about_run: Mapping[str, Any]) -> None:
    if embedding is None or hash_of(embedding) != about_run.get("map_hash"):
        raise InputError(
            f"The map of the run {run.id} is not the one the sample was drawn on: it was at epoch "
            f"{about_run['epoch']}, and is at epoch {run.epoch}."
        )
