"""The clustering of a run that an analyst has put in place of what HDBSCAN finds on its map by itself.

It is kept in the run's folder and means the same for every page, for the command line and for what is
computed of clusters::

    runs/<id>/clustering.json          what was applied (see ``Applied``)
              clustering/<key>/*.npy   labels, probabilities and persistence, as of ``Clusters``

The arrays are written before the record that refers to them. Without them there is nothing applied: their
names belong to no other clusters.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model import files
from explorer.model.run import Run
from explorer.model.workspace import Workspace

STAGE = "applied clusters"
"""Where in the stage cache the arrays are of runs of old."""
ARRAYS = {"labels", "probabilities", "persistence"}
log = logging.getLogger(__name__)
# Two pages that apply at once would each remove what the other wrote.
_applying = threading.Lock()


@dataclass(frozen=True)
class Applied:
    """What was applied to a run.

    Attributes
    ----------
    key : str
        What the arrays are kept under.
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
    """Return what was applied to a run as it is now; None for nothing, or if its arrays are there no more."""
    told = workspace.clustering(run.id)
    if told is None:
        return None
    try:
        found = Applied(**told | {"names": tuple(told["names"])})
    except (TypeError, KeyError):
        return None  # of another version
    return found if found.epoch == run.epoch and arrays_of(workspace, run, found) else None


def arrays_of(workspace: Workspace, run: Run, now: Applied) -> dict[str, NDArray[Any]]:
    """Return the arrays that were applied by name, memory-mapped; none if they are gone or damaged."""
    return _read(_folder(workspace, run) / now.key) or _read(workspace.cache_folder(STAGE, now.key))


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
    now = Applied(_hash(arrays), run.epoch, method, ground, parameters, by_hand, names)
    folder = _folder(workspace, run)
    workspace.claim()
    with _applying:
        if not _read(folder / now.key):
            files.remove(folder / now.key)
            files.write_folder_of_arrays(folder / now.key, arrays, {"run": run.id, "ground": ground})
        workspace.save_clustering(run.id, dataclasses.asdict(now) | {"names": list(names)})
        for other in folder.iterdir():
            if other.name != now.key:
                files.remove(other)
    return now


def _folder(workspace: Workspace, run: Run) -> Path:
    return workspace.run_folder(run.id) / "clustering"


def _read(folder: Path) -> dict[str, NDArray[Any]]:
    try:
        kept = files.read_folder_of_arrays(folder)
    except (OSError, ValueError, EOFError) as error:
        log.warning("The clusters in %s are damaged (%s): apply them again.", folder, error)
        return {}
    return kept if kept.keys() >= ARRAYS else {}


def _hash(arrays: dict[str, NDArray[Any]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()
