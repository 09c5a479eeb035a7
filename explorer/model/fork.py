"""What a run takes of another whose map it starts from: a fork, or a warm start.

A fork goes on from an epoch of the other run with parameters of its own: its epochs and its learning rate
count on from there. A warm start takes the other's last map for its initial layout: its epochs begin anew.

Of a run there are kept, exactly, the state at which it rests (its map when it is done, else its checkpoint)
and the one at which it began, and at up to 64 epochs a keyframe of 16 bits a coordinate (see ``history``). A
fork takes the exact state if there is one of the epoch asked for; then the same parameters end in the same
bits as the run itself. Else it starts from the keyframe and says so: ``Start.exact`` is False.

What is taken is copied into the folder of the new run, which needs the other no longer:

::

    initial     float32 (n, d): the initial layout, which orders the points in memory
    positions   float32 (n, d): where the points of a fork are at its first epoch
    costs       float64 (epoch,): of the epochs before it
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import Checkpoint
from explorer.model import stages
from explorer.model.errors import InputError, RunError
from explorer.model.history import MOST_COMPONENTS
from explorer.model.run import Run, RunParameters, RunStatus, Start
from explorer.model.workspace import Workspace

Taken = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class State:
    """A run at one of its epochs: its map, float32 (n, d), whether that is exact, and the costs so far."""

    epoch: int
    positions: NDArray[np.float32]
    exact: bool
    costs: tuple[float, ...]


def kept_epochs(workspace: Workspace, run: Run) -> tuple[int, ...]:
    """Return the epochs from which another run can start, ascending; the last of one that is done is warm."""
    # A checkpoint of a run at work is replaced before anybody could ask for it.
    resting = None if run.status is RunStatus.RUNNING else _resting(workspace, run)
    return tuple(sorted({*_keyframes(workspace, run), *([] if resting is None else [resting.epoch])}))


def take(
    workspace: Workspace, source: Run, epoch: int | None, parameters: RunParameters, n_epochs: int
) -> tuple[Start, Taken]:
    """Take what a new run starts from.

    Parameters
    ----------
    workspace : Workspace
    source : Run
        The other run, of the same data.
    epoch : int or None
        The epoch at which to fork it; None for a warm start from its last map, as is the last of a run that
        is done.
    parameters : RunParameters
        Those of the new run.
    n_epochs : int
        Its epochs.

    Raises
    ------
    InputError
        If the run has no such epoch or no map, one of other dimensions, or nothing is left to do from there.
    """
    dims = source.parameters.n_components
    if dims != parameters.n_components:
        raise InputError(
            f"The map of {source.id} has {dims} dimensions: set n_components to {dims} to start from it, "
            f"not to {parameters.n_components}."
        )
    if epoch is None or (source.status is RunStatus.DONE and epoch == source.epoch):
        return _warm(source, _last(workspace, source))
    if epoch >= n_epochs:
        raise InputError(
            f"From epoch {epoch:,} of {source.id} nothing is left of {n_epochs:,} epochs: "
            "choose an earlier epoch, or more epochs."
        )
    return _fork(workspace, source, epoch)


def beginning(
    workspace: Workspace, run: Run
) -> tuple[NDArray[np.float32], Checkpoint | None, tuple[float, ...]]:
    """Return the initial layout of a run that starts from another, the state of a fork, and its costs."""
    taken = workspace.start(run.id)
    if taken is None:
        raise RunError("What this run starts from is gone from its folder: start it anew from the other run.")
    if "positions" not in taken:
        return taken["initial"], None, ()
    return taken["initial"], Checkpoint(run.first_epoch, taken["positions"]), tuple(taken["costs"].tolist())


def _warm(source: Run, last: State) -> tuple[Start, Taken]:
    taken = {"initial": _placed(last.positions)}
    return Start(source.id, last.epoch, False, last.exact, _hash(0, taken)), taken


def _placed(positions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a map on which rows without a place, which have no neighbours either, lie in the middle."""
    positions = np.asarray(positions)
    lost = ~np.isfinite(positions).all(axis=1)
    if not lost.any():
        return positions
    placed = positions.copy()
    placed[lost] = positions[~lost].mean(axis=0) if not lost.all() else 0
    return placed


def _fork(workspace: Workspace, source: Run, epoch: int) -> tuple[Start, Taken]:
    initial, first = _began(workspace, source)
    if first is not None and first.epoch == epoch:
        state = first
    elif (resting := _resting(workspace, source)) is not None and resting.epoch == epoch:
        state = resting
    else:
        state = _keyframe(workspace, source, epoch)
    # Without its initial layout the points lie in another order in memory, which changes the last bits.
    exact = state.exact and initial is not None
    taken = {
        "initial": np.asarray(state.positions if initial is None else initial),
        "positions": np.asarray(state.positions),
    }
    start = Start(source.id, epoch, True, exact, _hash(epoch, taken))
    return start, taken | {"costs": np.array(state.costs, np.float64)}


def _last(workspace: Workspace, source: Run) -> State:
    """Return the last map that is kept of a run."""
    resting, epochs = _resting(workspace, source), _keyframes(workspace, source)
    if resting is None and not epochs:
        raise InputError(f"The run {source.id} has no map to start from yet: it is {source.status}.")
    return _keyframe(workspace, source, epochs[-1]) if resting is None else resting


def _resting(workspace: Workspace, run: Run) -> State | None:
    """Return the exact state from which a run would go on, or in which it ended."""
    if run.status is RunStatus.DONE:
        embedding = workspace.embedding(run.id)
        return None if embedding is None else State(run.epoch, np.asarray(embedding), True, run.costs)
    saved = workspace.checkpoint(run.id)
    if saved is None or str(saved["key"]) != stages.of_run(run)[-1].key:
        return None
    return State(int(saved["epoch"]), saved["positions"], True, tuple(saved["costs"].tolist()))


def _began(workspace: Workspace, run: Run) -> tuple[NDArray[np.float32] | None, State | None]:
    """Return the initial layout of a run and the exact state in which it began, each if it is kept."""
    if run.start is not None:
        initial, begun, costs = beginning(workspace, run)
        return initial, State(run.first_epoch, initial if begun is None else begun.positions, True, costs)
    stage = next(one for one in stages.of_run(run) if one.name == stages.INITIAL_LAYOUT)
    cached = workspace.cached(stage.name, stage.key)
    if cached is None:
        return None, None
    return cached["positions"], State(0, cached["positions"], True, ())


def _keyframes(workspace: Workspace, run: Run) -> tuple[int, ...]:
    # Beyond its epoch lie those of another version, from before the run was begun anew.
    if run.parameters.n_components > MOST_COMPONENTS:
        return ()
    return tuple(epoch for epoch in workspace.keyframes(run.id).epochs if epoch <= run.epoch)


def _keyframe(workspace: Workspace, run: Run, epoch: int) -> State:
    epochs = _keyframes(workspace, run)
    if epoch not in epochs:
        before, after = ([e for e in epochs if e < epoch], [e for e in epochs if e > epoch])
        near = " or ".join(f"{e:,}" for e in (*before[-1:], *after[:1]))
        advice = f"choose {near}." if near else "it has no map yet."
        raise InputError(f"The run {run.id} keeps no epoch {epoch:,}: {advice}")
    positions = workspace.keyframes(run.id).load(epoch).decode()
    return State(epoch, positions, False, run.costs[:epoch])


def _hash(epoch: int, taken: Taken) -> str:
    digest = hashlib.blake2b(str(epoch).encode(), digest_size=16)
    for array in taken.values():
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
