"""What stands over each of several maps: its run, how faithful it is, how far it agrees with the first."""

from __future__ import annotations

from typing import Any

from explorer.model.run import Run
from explorer.model.session import Session
from explorer.model.side_by_side import Figures
from explorer.views.text import share

TRUST = "Trustworthiness: 1 when all neighbours on the map are so in the data. Estimated on sampled items."
AGREEMENT = "Neighbours shared with the reference: mean Jaccard index of an item's nearest 15 on both."
DISPARITY = (
    "What turn, mirror and scale leave of the difference to the reference (Procrustes); 0: same shape."
)
JUMP = "Items far from their place on the reference; the alignment leaves them out."
DOT = " · "
REFERENCE = "The others are laid over this one; another becomes the reference by a click on its card."
UNALIGNED = "Once both runs are at rest this one is laid over the first."


def map_label(session: Session, run_id: str, used: bool) -> dict[str, Any]:
    """What the overlay shows of one of several maps; empty for a map that stands alone.

    Parameters
    ----------
    session : Session
    run_id : str
        The run on the map.
    used : bool
        Whether the buttons move this map alone.

    Returns
    -------
    dict
        name, that of the run or what its parameters have that others beside it have not; title, in full;
        figures, each its words and what they mean; used.
    """
    run = session.run(run_id)
    if run is None or not session.beside_ids:
        return {}
    is_first, figures = run_id == session.run_id, session.figures(run_id)
    told = [] if figures is None else _told(figures, is_first)
    if is_first:
        told.append(("reference", REFERENCE))
    elif figures is None and session.snapshot(run_id) is not None:
        told.append(("not aligned while a run works", UNALIGNED))
    return {"name": _name(session, run), "title": run.title, "figures": told, "used": used}


def _name(session: Session, run: Run) -> str:
    if run.name:
        return run.name
    shown = [one for one in session.runs if one.id in session.run_ids]
    common = set.intersection(*(set(one.label.split(DOT)) for one in shown))
    return DOT.join(part for part in run.label.split(DOT) if part not in common) or run.title


def _told(figures: Figures, is_first: bool) -> list[tuple[str, str]]:
    told = [(f"trust {_number(figures.trustworthiness, 3)}", TRUST)]
    if is_first:
        return told
    told += [
        (f"agreement {_number(figures.agreement, 2)}", AGREEMENT),
        (f"disparity {_number(figures.disparity, 2)}", DISPARITY),
    ]
    return [*told, (f"{share(figures.jumped)} jump", JUMP)] if figures.jumped else told


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return "…"
    return "–" if value != value else f"{value:.{digits}f}"  # NaN alone is not itself
