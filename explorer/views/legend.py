"""The legend's part of the page: rows that can be picked, pointed at and searched."""

from __future__ import annotations

from typing import ClassVar, TypedDict

import param

from explorer.views.part import Part
from explorer.views.theme import script


class LegendRow(TypedDict):
    """One row; every text is shown as text, never as markup."""

    key: int
    name: str
    colour: str
    shade: tuple[str, str] | None
    selected: int
    total: int
    dim: bool


class LegendList(Part):
    """A list of categories, each with the share that is selected, or the ranges of a scale of numbers.

    Not called Legend: Bokeh has a model of that name, which a browser would make of it.

    Parameters
    ----------
    rows : list of LegendRow
        What is shown, in order; ``shade`` is where the colours of a range begin and end.
    label : str
        What the list is, for screen readers.
    of : str
        What the categories are of: when it changes, the field to search in is emptied.
    searchable : bool
        Whether there is a field to search names in.
    isolating : bool
        Whether some categories are hidden, and a button shows all again.
    on_message : callable
        Called with {"act": "pick", "key", "toggle"}, {"act": "point", "key"}, whose key is None when the
        pointer has left, {"act": "search", "text"} or {"act": "all"}.
    """

    rows = param.List(default=[], item_type=dict)
    label = param.String("")
    of = param.String("")
    searchable = param.Boolean(False)
    isolating = param.Boolean(False)

    _esm: ClassVar[str] = script("bar_rows.js", "legend.js")
