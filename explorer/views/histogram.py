"""A column of numbers or times as two histograms: the selection, if there is one, before the whole."""

from __future__ import annotations

from typing import ClassVar, TypedDict

import param

from explorer.model.selection import Share
from explorer.views.part import Part
from explorer.views.text import count, counted
from explorer.views.theme import script


class HistogramColumn(TypedDict):
    """One range: its counts, and its shares of the selection and of the whole, 0 to 1."""

    key: int
    name: str
    selected: int
    total: int
    chosen: float
    all: float
    note: str


class Histogram(Part):
    """Ranges side by side, the whole behind and the selection in front.

    Parameters
    ----------
    columns : list of HistogramColumn
        What is shown, in order.
    label : str
        What the chart is, for screen readers.
    on_message : callable
        Called with {"key", "toggle"}: the range that was clicked, and whether Ctrl or Cmd was held.
    """

    columns = param.List(default=[], item_type=dict)
    label = param.String("")

    _esm: ClassVar[str] = script("histogram.js")


def histogram_columns(shares: tuple[Share, ...]) -> list[HistogramColumn]:
    """Return the columns of a composition by ranges: both histograms have one area, whatever they count."""
    selected = sum(share.selected for share in shares)
    total = sum(share.total for share in shares) or 1
    return [
        HistogramColumn(
            key=share.code,
            name=share.name,
            selected=share.selected,
            total=share.total,
            chosen=share.selected / (selected or 1),
            all=share.total / total,
            note=note(share, selected > 0),
        )
        for share in shares
    ]


def note(share: Share, chosen: bool) -> str:
    """What a bar of a composition tells of its category, and what a click on it does.

    Parameters
    ----------
    share : Share
    chosen : bool
        Whether anything is selected.
    """
    if not chosen:
        return f"{counted(share.total, 'item')}; click selects {'it' if share.total == 1 else 'them'}"
    return (
        f"{count(share.selected)} of {count(share.total)} selected, {share.lift:.2f}× its share of "
        "the whole; click keeps only these, Ctrl-click adds all"
    )
