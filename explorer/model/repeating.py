"""How the clusters of one run are found on others, so that what differs is chance and no parameter."""

from __future__ import annotations

from explorer.model.applied import applied
from explorer.model.clusters import ClusterParameters
from explorer.model.run import Run
from explorer.model.workspace import Workspace


def repeated(workspace: Workspace, run: Run, act: str) -> tuple[ClusterParameters, str]:
    """Return the parameters by which other runs have clusters as this one has, and why they cannot.

    Parameters
    ----------
    workspace : Workspace
    run : Run
        With the clusters that were applied to it, else those for its number of rows.
    act : str
        What asks for it, such as "audit".

    Returns
    -------
    parameters : ClusterParameters
        Where other runs cannot have the same, those for the number of rows.
    why : str
        A sentence that says why not and what to do; empty where they can.
    """
    usual, now = ClusterParameters.for_rows(run.n), applied(workspace, run)
    if now is None:
        return usual, ""
    if now.by_hand:
        return usual, (
            "These clusters were changed by hand, which no other run can repeat, so nothing is told of which "
            f"are chance: apply clusters that parameters choose on this map, and {act} again."
        )
    if now.ground != run.id:
        return usual, (
            "These clusters were found on a separate embedding, which maps of other seeds cannot repeat, so "
            f"nothing is told of which are chance: apply clusters found on this map, and {act} again."
        )
    return ClusterParameters.for_rows(run.n, **now.parameters), ""
