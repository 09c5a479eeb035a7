"""The clustering of a run that an analyst has put in place of what HDBSCAN finds on its map by itself.

It is told in the run's folder and means the same for every page, for the command line and for what is
computed of clusters: their labels are kept in the stage cache, under a hash of their own.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.run import Run
from explorer.model.workspace import Workspace

STAGE = "applied clusters"


@dataclass(frozen=True)
class Applied:
    """What was applied to a run.

    Attributes
    ----------
    key : str
        What the labels are kept under.
    epoch : int
        The epoch of the run's map at the time: with another map it no longer counts.
    method : str
        The library that found them.
    ground : str
        The run whose embedding they were found on.
    parameters : dict
        The parameters they were found with.
    by_hand : bool
        Whether branches were cut, split or merged since.
    names : tuple of str
        What each cluster is called beside its number; empty for none.
    """

    key: str
    epoch: int
    method: str
    ground: str
    parameters: dict[str, Any] = field(default_factory=dict)
    by_hand: bool = False
    names: tuple[str, ...] = ()


def applied(workspace: Workspace, run: Run) -> Applied | None:
    """Return what was applied to a run as it is now; None for nothing."""
    told = workspace.clustering(run.id)
    if told is None:
        return None
    try:
        found = Applied(**told | {"names": tuple(told["names"])})
    except (TypeError, KeyError):
        return None  # of another version
    return found if found.epoch == run.epoch else None


def apply(
    workspace: Workspace,
    run: Run,
    arrays: dict[str, NDArray[Any]],
    method: str,
    ground: str,
    parameters: dict[str, Any],
    by_hand: bool = False,
    names: tuple[str, ...] = (),
) -> Applied:
    """Make these the clusters of a run from now on.

    Parameters
    ----------
    workspace : Workspace
    run : Run
    arrays : dict
        ``labels``, ``probabilities`` and ``persistence`` as of `Clusters`.
    method, ground, parameters, by_hand, names
        As of `Applied`.
    """
    key = _hash(arrays)
    now = Applied(key, run.epoch, method, ground, parameters, by_hand, names)
    if workspace.cached(STAGE, key) is None:
        workspace.discard(STAGE, key)
        workspace.store(STAGE, key, {"stage": STAGE, "run": run.id}, **arrays)
    workspace.save_clustering(run.id, dataclasses.asdict(now) | {"names": list(names)})
    return now


def _hash(arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
