"""Ways to draw rows from a selection: each a function of a population and a plan, in a table by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from explorer.model.strategies import farthest, medoids
from explorer.model.strategies.boundary import boundary
from explorer.model.strategies.chance import dense, random, sparse
from explorer.model.strategies.outliers import outliers
from explorer.model.strategies.population import Pick, Plan, Population, Stratum
from explorer.model.strategies.strata import stratified

__all__ = ["MOST", "STRATEGIES", "Pick", "Plan", "Population", "Strategy", "Stratum"]

MOST = 100_000


@dataclass(frozen=True)
class Strategy:
    """One way to draw, and what an analyst should know of it.

    Parameters
    ----------
    title : str
        What an analyst calls it.
    draw : callable
        Returns the rows of a population by a plan whose size it can give.
    meaning : str
        What it draws, in one line.
    cost : str
        What it takes.
    most : int
        Rows it draws at most.
    on_map : bool
        Whether the rows depend on where they lie on the map.
    """

    title: str
    draw: Callable[[Population, Plan], Pick]
    meaning: str
    cost: str
    most: int = MOST
    on_map: bool = False


STRATEGIES = {
    "random": Strategy("Random", random, "Every item is equally likely.", "At once, at any size."),
    "stratified": Strategy(
        "Stratified by a column",
        stratified,
        "At random within each category of a column, by quota.",
        "At once, at any size.",
    ),
    "density-weighted": Strategy(
        "Weighted by density",
        dense,
        "The more crowded its place on the map, the likelier an item.",
        "Well under a second.",
        on_map=True,
    ),
    "inverse-density": Strategy(
        "Weighted against density",
        sparse,
        "The emptier its place on the map, the likelier an item.",
        "Well under a second.",
        on_map=True,
    ),
    "farthest-point": Strategy(
        "Farthest points (diverse)",
        farthest.farthest,
        "Diverse: each next item is the one farthest from those drawn.",
        "A second or two; at most 5,000, of large selections among random candidates.",
        farthest.MOST,
    ),
    "medoids": Strategy(
        "Medoids (representative)",
        medoids.medoids,
        "Representative: the items nearest, in sum, to all others.",
        "A second or two; at most 2,000, of large selections among 4,096 random candidates.",
        medoids.MOST,
    ),
    "boundary": Strategy(
        "Boundary of the selection",
        boundary,
        "The items with the most unselected neighbours on the map.",
        "About a second for a million.",
        on_map=True,
    ),
    "outliers": Strategy(
        "Outliers",
        outliers,
        "The items farthest from their neighbours in the data, by local outlier factor.",
        "About a second for a million.",
    ),
}
"""By name, in the order offered."""
