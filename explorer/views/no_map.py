"""What a tab says while there is no map to work on, and what to do first."""

from __future__ import annotations

from explorer.model.session import Session


def no_map(session: Session, title: str, after: str) -> str:
    """What stands in a tab's place, as HTML.

    Parameters
    ----------
    session : Session
        Of which no run is on the map.
    title : str
        What is missing, without a full stop.
    after : str
        What the map is good for, told after what to do first; it goes on the sentence.
    """
    if session.dataset is None:
        first = "Open data on the left and run it first"
    else:
        first = "Choose a run on the left" if session.runs else "Run the data first"
    return f"<b>{title}.</b><br>{first}{after}"
