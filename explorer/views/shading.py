"""A map as an image: projection, colouring and viewport in, RGBA out. Pure, and lock-free while it works."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from explorer.model.extent import Box
from explorer.model.projection import BENEATH, NOTHING, Viewport, bounds, count, rasterize
from explorer.views import palette

CONTEXT_FLOOR, CONTEXT_RANGE = 0.05, 0.15
LEAST_SPAN = 4.0


@dataclass(frozen=True)
class Colouring:
    """Which colour each point has.

    Parameters
    ----------
    codes : int32 (n,)
        Row of `table` for each point, -1 for missing; empty to draw density.
    table : float32 (m, 4)
        Made by `palette.lookup`; for density the ramp from few to many.
    """

    codes: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    table: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 4), np.float32))

    @property
    def is_density(self) -> bool:
        """Whether points have no colour of their own."""
        return len(self.codes) == 0


@dataclass(frozen=True)
class Style:
    """How a map is drawn.

    Parameters
    ----------
    dark : bool
        The theme.
    fixed_span : bool
        Log shading against a span that depends on the number of points, the size of the map and the zoom
        alone, so that colours do not flicker while a layout moves; otherwise histogram equalisation.
    """

    dark: bool = True
    fixed_span: bool = True


def density_colouring(dark: bool) -> Colouring:
    """Colouring of a map by the number of points in each pixel."""
    return Colouring(table=palette.lookup(palette.density(dark), palette.tokens(dark).missing))


@dataclass(frozen=True)
class Picture:
    """A map as drawn.

    Parameters
    ----------
    image : uint32 (height, width)
        RGBA, red in the lowest byte as Bokeh takes it, row 0 at the bottom.
    first : int32 (height, width)
        The first row in each pixel, -1 where there is none.
    most : int
        Points in a pixel of the last colour of the density's ramp; 0 when colours mean something else, or
        points are so few that each is a dot of its own.
    """

    image: NDArray[np.uint32]
    first: NDArray[np.int32]
    most: int = 0


def shade(
    embedding: NDArray[np.float32],
    viewport: Viewport,
    colouring: Colouring,
    selected: NDArray[np.bool_] = NOTHING,
    style: Style = Style(),
) -> NDArray[np.uint32]:
    """The image alone of what `draw` draws, uint32 (height, width)."""
    return draw(embedding, viewport, colouring, selected, style).image


def draw(
    embedding: NDArray[np.float32],
    viewport: Viewport,
    colouring: Colouring,
    selected: NDArray[np.bool_] = NOTHING,
    style: Style = Style(),
    box: Box | None = None,
) -> Picture:
    """Draw the points of a map.

    A selection keeps its colours; everything else dims to 10 to 20%, by its density, and loses its
    saturation, but stays.

    Parameters
    ----------
    embedding : float32 (n, 2)
        Map coordinates.
    viewport : Viewport
        What is on the screen.
    colouring : Colouring
        Colour of each point.
    selected : bool (n,), optional
        The selection; empty when there is none.
    style : Style
        Theme and shading.
    box : (x0, x1, y0, y1), optional
        Where nearly all points lie, which sets the span; all of them if not given.
    """
    span = _span(len(embedding), viewport, box or bounds(embedding))
    if colouring.is_density and not len(selected):
        counts = count(embedding, viewport)
        share, most = _share(counts.counts, style.fixed_span, span)
        image, first = _shade_counts(share, colouring.table), counts.first
    else:
        codes, table, most = colouring.codes, colouring.table, 0
        if colouring.is_density:
            codes = np.zeros(len(embedding), np.int32)
            table = palette.lookup((palette.tokens(style.dark).accent,), palette.tokens(style.dark).missing)
        raster = rasterize(embedding, viewport, codes, table, selected)
        context = np.array(palette.rgb(palette.tokens(style.dark).context), np.float32)
        image = _shade_colours(raster.sums, context, np.float32(span), np.float32(_faintest(span)))
        first = raster.first
    radius = _dot_radius(image)
    return Picture(_spread(image, radius), first, 0 if radius else most)


def _share(counts: NDArray[np.uint32], fixed: bool, span: float) -> tuple[NDArray[np.float32], int]:
    # Share of the way from few points to many, 0 to 1, NaN where there is none; and how many are many.
    share = np.full(counts.shape, np.nan, np.float32)
    drawn = counts > 0
    some = counts[drawn]
    if fixed or not len(some):
        share[drawn] = np.minimum(np.log(some.astype(np.float32)) / np.float32(np.log(span)), 1)
        return share, round(span)
    # Imported late: it takes as long as a fifth of the start.
    from datashader.transfer_functions import eq_hist

    share[drawn] = eq_hist(some.astype(np.float64))[0]
    return share, int(some.max())


def _span(n: int, viewport: Viewport, box: Box) -> float:
    # The count that is drawn in full: many times that of an even spread of all points over the whole map.
    x0, x1, y0, y1 = box
    even = n * viewport.unit**2 / ((x1 - x0) * (y1 - y0))
    return max(24 * even, LEAST_SPAN)


def _faintest(span: float) -> float:
    # Opacity of one point: where points are few each must be seen, where they crowd the range tells density.
    return float(np.clip(0.95 - 0.19 * np.log(span / LEAST_SPAN), 0.35, 0.95))


def _dot_radius(image: NDArray[np.uint32]) -> int:
    # Dots grow as they thin out: the rule of dynspread, decided before any spreading is paid for.
    drawn = image != 0
    occupied = int(np.count_nonzero(drawn))
    if not occupied:
        return 0
    crowded = np.count_nonzero(drawn[:, 1:-1] & (drawn[:, :-2] | drawn[:, 2:])) / occupied
    return 0 if crowded > 0.45 else 1 if crowded > 0.08 else 2 if crowded > 0.01 else 3


def _spread(image: NDArray[np.uint32], radius: int) -> NDArray[np.uint32]:
    return _stamp(image, radius) if radius else image


@njit(nogil=True, cache=True)
def _stamp(image, radius):  # type: ignore[no-untyped-def]
    # Each pixel becomes a disc. Where discs meet the more opaque lies on top: a selection, the denser spot.
    height, width = image.shape
    spread = np.zeros((height, width), np.uint32)
    reach = (radius + 0.5) ** 2
    for y in range(height):
        for x in range(width):
            pixel = image[y, x]
            if not pixel:
                continue
            for line in range(max(0, y - radius), min(height, y + radius + 1)):
                for column in range(max(0, x - radius), min(width, x + radius + 1)):
                    near = (line - y) ** 2 + (column - x) ** 2 <= reach
                    if near and pixel >> 24 > spread[line, column] >> 24:
                        spread[line, column] = pixel
    return spread


@njit(nogil=True, cache=True)
def _shade_counts(share, ramp):  # type: ignore[no-untyped-def]
    height, width = share.shape
    image = np.zeros((height, width), np.uint32)
    last = len(ramp) - 2
    for y in range(height):
        for x in range(width):
            if np.isnan(share[y, x]):
                continue
            colour = ramp[int(share[y, x] * last)]
            image[y, x] = _pack(colour[0], colour[1], colour[2], np.float32(1))
    return image


@njit(nogil=True, cache=True)
def _shade_colours(sums, context, span, faintest):  # type: ignore[no-untyped-def]
    planes, height, width = sums.shape[:3]
    image = np.zeros((height, width), np.uint32)
    for y in range(height):
        for x in range(width):
            chosen = planes - 1
            if planes == 2 and sums[1, y, x, 3] <= 0:
                chosen = 0
            weight = sums[chosen, y, x, 3]
            if weight <= 0:
                continue
            red, green, blue = (
                sums[chosen, y, x, 0] / weight,
                sums[chosen, y, x, 1] / weight,
                sums[chosen, y, x, 2] / weight,
            )
            count = weight if weight >= 1 else weight / BENEATH
            alpha = faintest + (1 - faintest) * min(np.log(count) / np.log(span), 1.0)
            if planes == 2 and chosen == 0:
                # Half-way to grey is colour still hinted at, without competing with the selection.
                red, green, blue = (
                    0.25 * red + 0.75 * context[0],
                    0.25 * green + 0.75 * context[1],
                    0.25 * blue + 0.75 * context[2],
                )
                alpha = CONTEXT_FLOOR + CONTEXT_RANGE * alpha
            image[y, x] = _pack(red, green, blue, alpha)
    return image


@njit(nogil=True, cache=True, inline="always")
def _pack(red, green, blue, alpha):  # type: ignore[no-untyped-def]
    return np.uint32(
        (np.uint32(alpha * 255) << 24)
        | (np.uint32(blue * 255) << 16)
        | (np.uint32(green * 255) << 8)
        | np.uint32(red * 255)
    )
