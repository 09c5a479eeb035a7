"""A condensed tree laid out to be drawn: each branch hangs below its parent, as wide as it has points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.condensed_tree import ROOT, CondensedTree, below

MOST_BARS = 1_000
"""Branches that are drawn: of more the largest, and a bar tells how many it holds that are not."""
STEPS = 8
"""Steps in which a bar narrows as its points leave."""
DENSEST = 0.99
"""The drawing ends at the λ that this share of the points has left by: a few dense pairs would stretch it."""
ABOVE = 0.05
"""Room above the first event, where all is one, as a share of the height below it."""


@dataclass(frozen=True)
class Bar:
    """One branch in the drawing.

    Attributes
    ----------
    branch, parent : int
        Itself, and the branch it parts from, -1 for the root. The parent of a bar is drawn before it.
    size : int
        Points at its birth.
    middle : float
        Where its middle is, 0 to 1 across.
    widths : tuple of float
        Its width in `STEPS` steps of equal height from top to bottom, 1 for all points that are drawn.
    top, bottom : float
        Where it begins and ends: 0 above where the first point leaves, 1 at the end, by log λ.
    hidden : int
        Branches below it that are not drawn by themselves.
    """

    branch: int
    parent: int
    size: int
    middle: float
    widths: tuple[float, ...]
    top: float
    bottom: float
    hidden: int


@dataclass(frozen=True)
class Icicle:
    """A tree to be drawn.

    Attributes
    ----------
    bars : tuple of Bar
        Parents first.
    least, most : float
        The λ at the top and at the bottom.
    root : int
        The branch that is drawn with all below it.
    """

    bars: tuple[Bar, ...]
    least: float
    most: float
    root: int = ROOT

    def level(self, depth: float) -> float:
        """Return the λ at a depth of the drawing, 0 to 1."""
        return float(self.least * (self.most / self.least) ** depth)

    def depth(self, level: float) -> float:
        """Return the depth of a λ in the drawing, 0 to 1: beyond its ends it is at the end."""
        return float(_depths(np.array([level]), self.least, self.most)[0])


def icicle(tree: CondensedTree, most: int = MOST_BARS, root: int = ROOT) -> Icicle:
    """Lay a tree out.

    Parameters
    ----------
    tree : CondensedTree
    most : int, default 1,000
        Bars at most. The largest are drawn, so that what a bar hangs below is always drawn too.
    root : int, default 0
        The branch to draw, with what is below it, as wide as the whole.
    """
    inside = below(tree, root)
    branches, leaves_at = np.flatnonzero(inside), tree.leaves_at[inside[tree.branch]]
    births = tree.birth[branches[1:]]
    first = float(min(leaves_at.min(), births.min(initial=np.inf)))
    # A tree that parts beyond where most points have left shows that too.
    last = max(float(np.quantile(leaves_at, DENSEST)), float(births.max(initial=0)), first * (1 + 1e-6))
    first *= (first / last) ** ABOVE
    drawn = np.sort(branches[np.lexsort((branches, -tree.size[branches]))[:most]])
    top = _depths(tree.birth, first, last)
    top[root] = 0
    bottom = np.maximum(top, _depths(tree.death, first, last))
    widths = (tree.size[:, None] - _left_at(tree, first, last, top, bottom)) / tree.size[root]
    middles, hidden = _middles(tree, drawn, root), _hidden(tree, drawn, inside)
    bars = tuple(
        Bar(
            branch,
            int(tree.parent[branch]),
            int(tree.size[branch]),
            middles[branch],
            tuple(widths[branch].tolist()),
            float(top[branch]),
            float(bottom[branch]),
            hidden[branch],
        )
        for branch in drawn.tolist()
    )
    return Icicle(bars, first, last, root)


def _depths(levels: NDArray[np.float64], least: float, most: float) -> NDArray[np.float64]:
    depths: NDArray[np.float64] = np.log(np.maximum(levels, least) / least) / np.log(most / least)
    return np.minimum(depths, 1)


def _left_at(
    tree: CondensedTree,
    least: float,
    most: float,
    top: NDArray[np.float64],
    bottom: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Points that have left each branch before each of its steps: int64 (b, STEPS), 0 first."""
    height = np.maximum(bottom - top, 1e-12)[tree.branch]
    at = (_depths(tree.leaves_at, least, most) - top[tree.branch]) / height
    step = np.clip((at * STEPS).astype(np.int64), 0, STEPS - 1)
    counts = np.bincount(tree.branch.astype(np.int64) * STEPS + step, minlength=tree.count * STEPS)
    left: NDArray[np.int64] = np.cumsum(counts.reshape(tree.count, STEPS), axis=1)
    return np.column_stack([np.zeros(tree.count, np.int64), left[:, :-1]])


def _middles(tree: CondensedTree, drawn: NDArray[np.int64], root: int) -> dict[int, float]:
    """Where each bar's middle is: those below a bar lie side by side under its middle, the larger first."""
    shown, whole, middles = set(drawn.tolist()), int(tree.size[root]), {root: 0.5}
    for branch in drawn.tolist():
        parts = sorted(tree.children[branch], key=lambda one: (-int(tree.size[one]), one))
        start = middles[branch] - sum(int(tree.size[one]) for one in parts) / whole / 2
        for one in (one for one in parts if one in shown):
            width = int(tree.size[one]) / whole
            middles[one] = start + width / 2
            start += width
    return middles


def _hidden(tree: CondensedTree, drawn: NDArray[np.int64], inside: NDArray[np.bool_]) -> dict[int, int]:
    """How many branches below each bar are not drawn, each counted for the last bar above it."""
    hidden, parent = dict.fromkeys(drawn.tolist(), 0), tree.parent.tolist()
    bar: dict[int, int] = {}
    for branch in np.flatnonzero(inside).tolist():
        bar[branch] = branch if branch in hidden else bar[parent[branch]]
        hidden[bar[branch]] += branch not in hidden
    return hidden
