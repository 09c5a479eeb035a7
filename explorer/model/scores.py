"""One number for how faithful or how stable the map of a run is: computed once, kept in the workspace."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from explorer.model import stages, statistics
from explorer.model.comparing import trust
from explorer.model.doing import in_turn
from explorer.model.errors import InputError
from explorer.model.run import Run
from explorer.model.wall import MEASURES, STABILITY, TRUSTWORTHINESS, told
from explorer.model.workspace import Workspace

VERSION = 2


def score(name: str, workspace: Workspace, run: Run, runs: Sequence[Run]) -> float:
    """Return a measure of a run at rest; a slow one takes a second or more, so never on the event loop.

    Parameters
    ----------
    name : str
        One of ``wall.MEASURES``. Stability is the median over the rows of ``statistics.STABILITY``.
    workspace : Workspace
    run : Run
        At rest, with a flat map.
    runs : sequence of Run
        All of the same data, with which it is compared for its stability.

    Raises
    ------
    InputError
        If it is not defined for this run: what is missing, in one sentence.
    """
    if name == TRUSTWORTHINESS:
        return trustworthiness_of(workspace, run)
    if name == STABILITY:
        others = statistics.comparable_runs(run, tuple(runs))
        if len(others) < 2:
            raise InputError(f"The run {run.id} has no other run of this data to be compared with.")
        numbers = statistics.compute(statistics.STABILITY, workspace, run, others).numbers
        value = float(np.nanmedian(numbers)) if np.isfinite(numbers).any() else math.nan
    else:
        known = told(name, run)
        value = math.nan if known is None else known
    if not math.isfinite(value):
        raise InputError(f"The {name} of the run {run.id} is not known: {MEASURES[name].about}.")
    return value


def trustworthiness_of(workspace: Workspace, run: Run) -> float:
    """Return the trustworthiness of a run's map as ``comparing.compare`` tells it.

    By euclidean distance between the vectors whatever the run's metric, and of the same sampled rows for all
    runs of some data, so that runs can be compared.

    Raises
    ------
    InputError
        If the run has no flat map, or too few rows with a place on it.
    """
    embedding, vectors = workspace.embedding(run.id), workspace.dataset(run.dataset_id).vectors
    if embedding is None or embedding.shape[1] != 2:
        raise InputError(f"The run {run.id} has no flat map yet: it is {run.status}.")
    stage = stages.of_map(TRUSTWORTHINESS, VERSION, run, {})
    with in_turn(lambda _: None):
        found = workspace.cached(stage.name, stage.key)
        if found is None:
            found = {"value": np.array([trust(vectors, np.asarray(embedding))])}
            workspace.discard(stage.name, stage.key)
            workspace.store(stage.name, stage.key, {"stage": stage.name, "run": run.id}, **found)
    return float(found["value"][0])
