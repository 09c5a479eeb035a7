"""The stages of one run, and their results in the cache of the workspace."""

from __future__ import annotations

from explorer.model import stages
from explorer.model.errors import RunError
from explorer.model.run import Run
from explorer.model.target import target_of
from explorer.model.workspace import Workspace


class RunStages:
    """The stages of one run.

    Parameters
    ----------
    workspace : Workspace
        Whose cache has their results.
    run : Run

    Attributes
    ----------
    before : tuple of Stage
        Those before the layout, in their order.
    layout : Stage
    """

    def __init__(self, workspace: Workspace, run: Run) -> None:
        self._workspace, self._run = workspace, run
        *before, self.layout = stages.of_run(run)
        self.before = tuple(before)

    @property
    def keys(self) -> set[str]:
        """What the results before the layout are kept under, that which supervises the map among them."""
        return {stage.key for stage in self.before} | ({self._run.target_hash} - {""})

    def named(self, name: str) -> stages.Stage:
        """Return the stage before the layout of this name, which the run has."""
        return next(stage for stage in self.before if stage.name == name)

    def folder(self, stage: stages.Stage) -> str:
        """Return the folder of a result, whether it is there or not."""
        return str(self._workspace.cache_folder(stage.name, stage.key))

    def result(self, stage: stages.Stage) -> stages.Arrays:
        """Return the arrays of a result that was computed or found before; raises RunError if it is gone."""
        arrays = self._workspace.cached(stage.name, stage.key)
        if arrays is None:
            raise RunError(
                f"The result of the {stage.name} cannot be read back from the workspace: run it again."
            )
        return arrays

    def keep_target(self) -> dict[str, str]:
        """Return the folder of what supervises the map, by its name; made of the items if it is not there.

        Empty for a map that nothing supervises.

        Raises
        ------
        InputError
            If the items have no such column any more.
        WorkspaceError
            If the data or the cache cannot be read, or not be written.
        """
        key, column = self._run.target_hash, self._run.parameters.target
        if not key:
            return {}
        if self._workspace.cached(stages.TARGET, key) is None:
            self._workspace.discard(stages.TARGET, key)
            items = self._workspace.dataset(self._run.dataset_id).items
            self._workspace.store(stages.TARGET, key, values=target_of(items, column))
        return {stages.TARGET: str(self._workspace.cache_folder(stages.TARGET, key))}
