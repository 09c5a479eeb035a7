"""Rows of swatch, name, bar, counts and lift: the composition of a selection, or of the whole."""

from __future__ import annotations

from typing import ClassVar, TypedDict

import param

from explorer.views.part import Part
from explorer.views.theme import script


class BarRow(TypedDict):
    """One row; every text is shown as text, never as markup.

    With a selection, ``expected`` is how many of it there would be by the category's share of the whole, and
    ``lift`` says in writing how many times as many there are.
    """

    key: int
    name: str
    colour: str
    selected: int
    total: int
    dim: bool
    note: str
    expected: float
    lift: str


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

    _esm: ClassVar[str] = script("bar_rows.js", "bars.js")
