"""What a killed process, or a layout that failed, left of runs: each is brought to its checkpoint."""

from __future__ import annotations

import logging

import numpy as np

from explorer.model.errors import WorkspaceError
from explorer.model.run import Run, RunStatus
from explorer.model.stages import without
from explorer.model.workspace import Workspace

log = logging.getLogger(__name__)


def take_over(workspace: Workspace) -> list[Run]:
    """Remove runs that were deleted, mark as interrupted those that an earlier process left at work.

    Returns
    -------
    list of Run
        All runs as they stand now, the newest first.

    Raises
    ------
    WorkspaceError
        If a record cannot be written.
    """
    workspace.empty_deleted()
    for run in workspace.runs():
        if run.status in (RunStatus.RUNNING, RunStatus.PAUSED):
            workspace.save_run(_at_rest(workspace, run).with_(status=RunStatus.INTERRUPTED))
    return workspace.runs()


def _at_rest(workspace: Workspace, run: Run) -> Run:
    try:
        return returned_to_checkpoint(workspace, run)
    except WorkspaceError as error:
        # One run whose map cannot be read or written must not keep all others from being looked at.
        log.warning("The run %s was not brought to its checkpoint: %s", run.id, error)
        return run


def returned_to_checkpoint(workspace: Workspace, run: Run) -> Run:
    """Return the record of a run as its last checkpoint left it, its map on disk being brought there too.

    A process that is killed, or a layout that fails, leaves a record that may be epochs ahead of the map.

    Raises
    ------
    WorkspaceError
        If the map cannot be written.
    """
    saved = workspace.checkpoint(run.id)
    if saved is None:
        if workspace.embedding(run.id) is not None:
            return run
        costs = run.costs[: run.first_epoch]
        return run.with_(epoch=run.first_epoch, costs=costs, cost=costs[-1] if costs else None)
    workspace.save_embedding(run.id, without(saved.get("lost", np.zeros(0, np.int64)), saved["positions"]))
    costs = tuple(saved["costs"].tolist())
    return run.with_(epoch=int(saved["epoch"]), costs=costs, cost=costs[-1] if costs else None)
