"""The tools of the map as visible buttons, and the keys that reach them."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from explorer.views.part import Part
from explorer.views.theme import script


class MapTools(Part):
    """Pan, lasso, box, how to change the selection, undo, redo, fit, the keys, and what dragging does now.

    Parameters
    ----------
    tool : {"pan", "lasso", "box"}
        The tool in hand.
    aim : {"", "region", "cluster"}
        What a click on the map selects; a cluster when the tool is not pan.
    can_undo, can_redo : bool
        Whether there is a change of the selection to take back or to make again.
    several, linked : bool
        Whether there are maps to link, and whether all show the same place.
    on_message : callable
        Called with {"action"}: "undo", "redo", "clear", "fit", "nearer", "farther", "left", "right", "up",
        "down", "screen" or "link"; or "mode" with "mode", by the buttons and the keys held, before the
        gesture it is meant for.
    """

    tool: Any = param.Selector(default="pan", objects=["pan", "lasso", "box"])
    aim: Any = param.Selector(default="", objects=["", "region", "cluster"])
    can_undo = param.Boolean(False)
    can_redo = param.Boolean(False)
    several = param.Boolean(False)
    linked = param.Boolean(True)

    _esm: ClassVar[str] = script("map_tools.js")
