"""The rows of a sample on a map: rings in the browser around a few, dots in the server's picture for many."""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from numba import njit
from numpy.typing import NDArray

from explorer.model.projection import Viewport

MOST_MARKS = 2_000
NOWHERE = np.zeros((0, 2), np.float32)
# A light ring in a dark one can be told from any colour beneath, on both pages.
HALO, RING = "#0b0e12", "#ffffff"
DARK_DOT, LIGHT_DOT = np.uint32(0xFF120E0B), np.uint32(0xFFFFFFFF)


class SampleMarks:
    """The rings of one map, for samples of up to 2,000 rows; see `dotted` for larger ones.

    Parameters
    ----------
    plot : figure
        The map.
    """

    def __init__(self, plot: figure) -> None:
        self.source = ColumnDataSource(_columns(NOWHERE))
        for colour, width in ((HALO, 4.0), (RING, 1.7)):
            plot.scatter(
                "x", "y", size="size", source=self.source, fill_alpha=0, line_color=colour, line_width=width,
                level="annotation",
            )  # fmt: skip

    def place(self, embedding: NDArray[np.float32] | None, rows: NDArray[np.int64]) -> None:
        """Put the rings where the rows lie on a map, float32 (n, 2); none without a map."""
        places = NOWHERE if embedding is None or len(rows) > MOST_MARKS else embedding[rows]
        if len(places) or len(self.source.data["x"]):
            self.source.data = _columns(places[np.isfinite(places).all(axis=1)])


def dotted(
    image: NDArray[np.uint32],
    embedding: NDArray[np.float32],
    rows: NDArray[np.int64],
    viewport: Viewport,
) -> NDArray[np.uint32]:
    """The picture of a map with a dot at each row of a sample that is too large for rings, else as it is.

    Parameters
    ----------
    image : uint32 (height, width)
        RGBA as `shading.Picture` has it, row 0 at the bottom; changed in place.
    embedding : float32 (n, 2)
    rows : int64 (m,)
    viewport : Viewport
        What the picture shows.
    """
    if len(rows) > MOST_MARKS:
        at = (embedding[rows] - np.array([viewport.x0, viewport.y0])) / viewport.unit
        for reach, colour in ((1, DARK_DOT), (0, LIGHT_DOT)):
            _dot(image, at[np.isfinite(at).all(axis=1)], reach, colour)
    return image


@njit(nogil=True, cache=True)
def _dot(image, at, reach, colour):  # type: ignore[no-untyped-def]
    height, width = image.shape
    for i in range(len(at)):
        x, y = int(np.floor(at[i, 0])), int(np.floor(at[i, 1]))
        for line in range(max(0, y - reach), min(height, y + reach + 1)):
            for column in range(max(0, x - reach), min(width, x + reach + 1)):
                image[line, column] = colour


def _columns(places: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    # Many rings are small ones, so that what they mark can still be seen.
    size = np.float32(np.clip(34 / max(len(places), 1) ** 0.25, 5.5, 11))
    return {"x": places[:, 0], "y": places[:, 1], "size": np.full(len(places), size)}
