"""Rows of swatch, name, bar and counts: the legend and the composition of a selection."""

from __future__ import annotations

from typing import TypedDict

import param

from explorer.views.part import Part
from explorer.views.theme import ASSETS


class BarRow(TypedDict):
    """One row; every text is shown as text, never as markup."""

    key: int
    name: str
    colour: str
    selected: int
    total: int
    dim: bool
    note: str


class Bars(Part):
    """A list of categories with the share that is selected of each.

    Parameters
    ----------
    rows : list of BarRow
        What is shown, in order.
    label : str
        What the list is, for screen readers.
    on_message : callable
        Called with {"key", "toggle"}: the row that was clicked, and whether Ctrl or Cmd was held.
    """

    rows = param.List(default=[], item_type=dict)
    label = param.String("")

    _esm = ASSETS / "bars.js"
