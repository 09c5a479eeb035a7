"""What a map is drawn on: a figure without axes, the tools that dragging uses, outlines of the dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import (
    BoxAnnotation,
    BoxSelectTool,
    LassoSelectTool,
    PanTool,
    PolyAnnotation,
    Range1d,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from explorer.model.comparison import Alignment
from explorer.model.progress import Snapshot
from explorer.model.projection import Viewport
from explorer.model.selection import Selection
from explorer.views import palette

DASHED: dict[str, Any] = {"line_dash": [5, 4], "line_width": 1.3}
NO_OUTLINE: dict[str, list[Any]] = {"xs": [], "ys": []}


def bare_figure(viewport: Viewport) -> figure:
    """A figure that shows nothing of its own: the axes of a map mean nothing."""
    plot = figure(
        x_range=Range1d(viewport.x0, viewport.x1),
        y_range=Range1d(viewport.y0, viewport.y1),
        tools=[],
        toolbar_location=None,
        sizing_mode="stretch_both",
        # A canvas of fractional size is not cleared in full along its rim: nothing is drawn there.
        min_border=2,
        outline_line_color=None,
        stylesheets=[".bk-Canvas { --outline-width: var(--map-outline, 0px); }"],
        background_fill_alpha=0,
        border_fill_alpha=0,
    )
    plot.axis.visible = False
    plot.grid.visible = False
    return plot


def drag_tools(colours: palette.Tokens) -> dict[str, Any]:
    """The tools that dragging may use, by name."""
    look = {"line_color": colours.text, "fill_color": colours.accent, **DASHED}
    no_renderers: dict[str, Any] = {"renderers": []}
    lasso = PolyAnnotation(syncable=False, visible=False, fill_alpha=0.08, **look)
    box = BoxAnnotation(syncable=False, visible=False, fill_alpha=0.08, **look)
    return {
        "pan": PanTool(),
        "lasso": LassoSelectTool(continuous=False, overlay=lasso, **no_renderers),
        "box": BoxSelectTool(continuous=False, overlay=box, **no_renderers),
    }


def outlines(
    selection: Selection, run_id: str, alignment: Alignment | None = None, shown: Snapshot | None = None
) -> dict[str, list[Any]]:
    """The lassos and boxes of a selection that were drawn on this very map: others have no place on it.

    Steps hold the run's own places; `alignment` tells where the map shows them. A run at rest has a map for
    each epoch, of which one is `shown`; one at work moves on beneath them.
    """
    steps = [step for step in selection.steps if step.run_id == run_id and step.polygon]
    if shown is not None and (shown.final or shown.past):
        here = (None, shown.epoch) if shown.final else (shown.epoch,)
        steps = [step for step in steps if step.epoch in here]
    polygons = [np.array(step.polygon) for step in steps]
    if not polygons:
        return NO_OUTLINE
    polygons = [_rectangle(p) if len(p) == 2 else p for p in polygons]
    if alignment is not None:
        polygons = [alignment.apply(p) for p in polygons]
    return {"xs": [p[:, 0] for p in polygons], "ys": [p[:, 1] for p in polygons]}


def _rectangle(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    (x0, y0), (x1, y1) = corners
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
