"""What lies over a map: its label, the tooltip, the scale of density, and in its place what is waited for."""

from __future__ import annotations

from typing import Any, ClassVar

import param

from explorer.views import palette
from explorer.views.part import Part
from explorer.views.text import count
from explorer.views.theme import script, stylesheet


class MapOverlay(Part):
    """Drawn by the browser over the frame of a map, which it never leaves and whose gestures it lets through.

    Parameters
    ----------
    at : int
        The number of the map on its page.
    figure : str
        The id of the figure beneath.
    drag_tools : dict of str to str
        The ids of its tools for drags, by the names that `MapTools` has for them.
    label : dict
        Made by `map_label.map_label`; empty for none.
    view : list of float
        x of the left edge and y of the upper one, and the width of a pixel, in units of the map; empty while
        there is no other map.
    tip : dict
        Made by `hovering.tip_of`, the number of the question it answers, and "elsewhere": where the item lies
        on other maps, in their units by their numbers. They mark it as long as the tip is shown.
    scale : dict
        Made by `density_scale`; empty for none.
    legend : dict
        What other colours over the map mean, made by `difference_overlay.difference_legend`; empty for none.
    outside : int
        Points that a fitted view leaves out.
    state : dict
        Made by `map_state.map_state`; empty when there is a map.
    title, chosen : str
        What a screen reader calls the map, and what it says when the selection changes.
    on_message : callable
        Called with {"action"}: "hover" (x, y, number), "tap" (x, y, mode, tool), "everything", "give up" when
        the drag under way is to select nothing, or "use" when the map is touched or walked to; x and y in
        pixels from the upper left corner of the frame, the mode that of the keys held, empty for none, the
        tool the one in hand when the button went down.
    """

    at = param.Integer(0)
    figure = param.String("")
    drag_tools = param.Dict(default={})
    label = param.Dict(default={})
    view = param.List(default=[])
    tip = param.Dict(default={})
    scale = param.Dict(default={})
    legend = param.Dict(default={})
    outside = param.Integer(0)
    state = param.Dict(default={})
    title = param.String("Map")
    chosen = param.String("")

    _esm: ClassVar[str] = script("map_overlay.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("map.css")]


def density_scale(most: int, dark: bool) -> dict[str, Any]:
    """The ramp from one item to `most` items in a pixel; empty when colours mean something else."""
    if most < 2:
        return {}
    return {"colours": list(palette.density(dark)[::15]), "low": "1", "high": count(most)}
