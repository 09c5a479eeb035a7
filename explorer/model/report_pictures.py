"""The pictures of a report: the map by cluster, findings and a batch on it, clusters over time as lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.model import difference_pixels, map_png
from explorer.model.audit import Audit
from explorer.model.density_difference import Difference
from explorer.model.drift import ClusterDrift, Drift
from explorer.model.extent import Extent
from explorer.model.findings import ClusterRows, Finding

WIDTH, SMALL = 1400, (440, 330)
LOWEST, HIGHEST = 700, 1050
MOST_NUMBERED = 150
NUMBER_WIDTH, NUMBER_HEIGHT = 36, 24
"""Pixels that the number of a cluster takes."""
IN_CLUSTER, CONCERNED = "#4a8fd6", "#e5603a"
SPARK = (150, 30)


@dataclass(frozen=True)
class Number:
    """The number of a cluster on the picture of the map: where, in pixels from the top left, and how bad."""

    cluster: int
    x: float
    y: float
    severity: str


class Pictures:
    """The pictures of one map.

    Parameters
    ----------
    embedding : float32 (n, 2)
    audit : Audit
    """

    def __init__(self, embedding: NDArray[np.float32], audit: Audit) -> None:
        self._embedding, self._audit = embedding, audit
        self.extent = Extent.of(embedding)
        x0, x1, y0, y1 = self.extent.core
        self.size = WIDTH, int(np.clip(WIDTH * (y1 - y0) / (x1 - x0), LOWEST, HIGHEST))
        self._rows = ClusterRows(audit.labels, len(audit.measured))
        self._small = self.extent.viewport(*SMALL)
        self._small_radius = map_png.radius_of(len(embedding), self._small)

    def overview(self) -> str:
        """All points, coloured by cluster; of noise grey beneath."""
        viewport, labels = self.extent.viewport(*self.size), self._audit.labels
        inside = labels >= 0
        codes = labels[inside] % len(map_png.COLOURS)
        radius = map_png.radius_of(len(labels), viewport)
        noise = map_png.layer(
            self._embedding[~inside], viewport, (map_png.GREY,), faintest=0.25, strongest=0.55, radius=radius
        )
        clusters = map_png.layer(self._embedding[inside], viewport, map_png.COLOURS, codes, radius=radius)
        return map_png.uri([noise, clusters])

    def numbers(self) -> list[Number]:
        """The clusters' numbers, the worst first; what would cover another is left out.

        They stand at the clusters' medians, those of clusters too small to be seen behind them above these.
        """
        viewport, medians = self.extent.viewport(*self.size), self._rows.medians
        x, y = self._embedding[:, 0], self._embedding[:, 1]
        across = (medians(x) - viewport.x0) / viewport.unit
        middles = medians(y)
        down = (viewport.y1 - middles) / viewport.unit
        # Twice the median distance holds nearly all of a round cluster.
        clustered = self._audit.labels >= 0
        away = np.full(len(y), np.nan)
        away[clustered] = np.abs(y[clustered] - middles[self._audit.labels[clustered]])
        reach = 2 * medians(away) / viewport.unit
        down -= np.where(reach < NUMBER_HEIGHT, reach + 0.6 * NUMBER_HEIGHT, 0.0)
        placed: list[Number] = []
        for one in self._audit.clusters:
            at = float(across[one.cluster]), float(down[one.cluster])
            on_it = 0 <= at[0] <= viewport.width and 0 <= at[1] <= viewport.height
            free = all(
                abs(at[0] - other.x) > NUMBER_WIDTH or abs(at[1] - other.y) > NUMBER_HEIGHT
                for other in placed
            )
            if on_it and free and len(placed) < MOST_NUMBERED:
                placed.append(Number(one.cluster, round(at[0], 1), round(at[1], 1), one.severity.label))
        return placed

    def of_finding(self, finding: Finding) -> str:
        """The map in grey, the finding's cluster in blue, the rows concerned in orange."""
        layers = [self._ground]
        if finding.cluster is not None and len(finding.rows) < len(self._rows.of(finding.cluster)):
            layers.append(self._lit(self._rows.of(finding.cluster), IN_CLUSTER, 0.35, 0.7))
        return map_png.uri([*layers, self._lit(finding.rows, CONCERNED, 0.8, 1.0)])

    @cached_property
    def _ground(self) -> map_png.Layer:
        return map_png.layer(
            self._embedding, self._small, (map_png.GREY,),
            faintest=0.14, strongest=0.4, radius=self._small_radius,
        )  # fmt: skip

    def _lit(self, rows: NDArray[np.int64], colour: str, faintest: float, strongest: float) -> map_png.Layer:
        return map_png.layer(
            self._embedding[rows], self._small, (colour,),
            faintest=faintest, strongest=strongest, radius=max(self._small_radius, 1),
        )  # fmt: skip


def difference(found: Difference) -> str:
    """Blue where a batch is significantly lacking, orange where it abounds, the rest of the map grey."""
    steps = np.array([_rgb(colour) for colour in (IN_CLUSTER, map_png.GREY, CONCERNED)])
    at = np.linspace(0, 2, 255)
    ramp = np.stack([np.interp(at, range(3), channel) for channel in steps.T], axis=1)
    return difference_pixels.picture(difference_pixels.difference_pixels(found, ramp, _rgb(map_png.GREY)))


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


@dataclass(frozen=True)
class Change:
    """A cluster over time, ready to be drawn.

    Attributes
    ----------
    cluster : ClusterDrift
    line : str
        Points of a polyline.
    steps : tuple of float
        Where new levels begin, in pixels from the left.
    """

    cluster: ClusterDrift
    line: str
    steps: tuple[float, ...]


def changes(drift: Drift, most: int) -> tuple[Change, ...]:
    """The clusters over time: those that change first, by what is lost or gained, then by number."""
    place = {one.cluster: index for index, one in enumerate(drift.findings)}
    ordered = sorted(drift.clusters, key=lambda one: (place.get(one.cluster, len(place)), one.cluster))
    return tuple(
        Change(one, line(one.shares), tuple(_across(start, len(one.shares)) for start in one.starts))
        for one in ordered[:most]
    )


def line(shares: NDArray[np.float64]) -> str:
    """Shares as the points of a polyline, from 0 at the bottom to the largest at the top.

    >>> line(np.array([0.0, 0.5, 0.25]))
    '2,28 75,2 148,15'
    """
    height, top = SPARK[1] - 4, max(float(shares.max(initial=0.0)), 1e-12)
    ups = [2 + height * (1 - share / top) for share in shares.tolist()]
    return " ".join(f"{_across(place, len(shares)):g},{round(up, 1):g}" for place, up in enumerate(ups))


def _across(place: int, n: int) -> float:
    return round(2 + (SPARK[0] - 4) * place / max(n - 1, 1), 1)
