"""What the page shows of clusters and their condensed tree, as plain values for its scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explorer.model.clusters import Clusters
from explorer.model.condensed_tree import NOISE, ROOT, CondensedTree
from explorer.model.draft import Draft
from explorer.model.icicle import Bar
from explorer.views import palette
from explorer.views.text import count, counted, duration, share


def tree_state(draft: Draft, picked: int | None, dark: bool) -> dict[str, Any]:
    """What `CondensedTree` shows: a bar for each branch that is drawn, in the colour of its cluster.

    Parameters
    ----------
    draft : Draft
    picked : int or None
        The branch that was clicked.
    dark : bool
        The theme.
    """
    drawing, found, level = draft.drawing, draft.clusters, draft.level
    colours = palette.categorical(len(found.branches), dark)
    cluster = {branch: number for number, branch in enumerate(found.branches.tolist())}
    held = _clusters_below(draft.tree, cluster)
    bars = []
    for bar in drawing.bars:
        own, of = cluster.get(bar.branch, NOISE), _cluster_of(draft.tree, cluster, bar.branch)
        bars.append(
            {
                "key": bar.branch,
                "parent": bar.parent,
                "middle": bar.middle,
                "widths": bar.widths,
                "top": bar.top,
                "bottom": bar.bottom,
                "colour": colours[of] if of >= 0 else "",
                "within": own < 0 and of >= 0,
                "said": _said(bar, draft.tree, own, of, held[bar.branch]),
            }
        )
    return {
        "bars": bars,
        "picked": NOISE if picked is None else picked,
        "cut": NOISE if level is None else drawing.depth(level),
        "least": drawing.least,
        "most": drawing.most,
        "zoomed": drawing.root != ROOT,
        "hidden": sum(bar.hidden for bar in drawing.bars),
    }


def list_state(found: Clusters, names: Sequence[str], dark: bool) -> dict[str, Any]:
    """What `ClusterList` shows: a row for each cluster, and what is noise."""
    colours = palette.categorical(len(found.sizes), dark)
    n = len(found.labels)
    rows = [
        {
            "key": number,
            "name": f"{number} · {name}" if name else f"cluster {number}",
            "size": size,
            "share": share(size / n),
            "persistence": round(lasting, 6),
            "probability": round(sure, 3),
            "colour": colours[number],
        }
        for number, (size, lasting, sure, name) in enumerate(
            zip(
                found.sizes.tolist(),
                found.persistence.tolist(),
                found.mean_probabilities.tolist(),
                [*names, *[""] * (len(found.sizes) - len(names))],
                strict=True,
            )
        )
    ]
    noise = n - int(found.sizes.sum())
    grey = palette.tokens(dark).noise
    return {"rows": rows, "noise": {"key": NOISE, "size": noise, "share": share(noise / n), "colour": grey}}


def _said(bar: Bar, tree: CondensedTree, own: int, of: int, held: int) -> str:
    """A branch in words, the same whatever of the tree is drawn."""
    birth, end = float(tree.birth[bar.branch]), f"{1 / float(tree.death[bar.branch]):.3g}"
    lasts = f"from distance {1 / birth:.3g} to {end}" if birth else f"to distance {end}"
    said = f"{count(bar.size)} items, {lasts}"
    if own >= 0:
        said += f", cluster {own}"
    elif of >= 0:
        said += f", part of cluster {of}"
    elif held:
        said += f", holds {count(held)} clusters" if held > 1 else ", holds a cluster"
    hidden = counted(bar.hidden, "smaller branch", "smaller branches")
    return said + (f", {hidden} not drawn" if bar.hidden else "")


def _cluster_of(tree: CondensedTree, cluster: dict[int, int], branch: int) -> int:
    """The cluster that a branch is or is part of, -1 for none."""
    while branch >= 0 and branch not in cluster:
        branch = int(tree.parent[branch])
    return cluster.get(branch, NOISE)


def _clusters_below(tree: CondensedTree, cluster: dict[int, int]) -> list[int]:
    """How many clusters each branch holds."""
    held, parent = [0] * tree.count, tree.parent.tolist()
    for branch in range(tree.count - 1, ROOT, -1):
        held[branch] += branch in cluster
        held[parent[branch]] += held[branch]
    return held


def summary(found: Clusters, by_hand: bool) -> str:
    """What was found, in one line.

    >>> import numpy as np
    >>> labels = np.array([0, 0, 1, -1], np.int32)
    >>> summary(Clusters(labels, np.ones(4, np.float32), "hdbscan", seconds=2.14), by_hand=False)
    '2 clusters · 25% noise · hdbscan, 2.1 s'
    """
    n = len(found.sizes)
    how = "chosen by hand" if by_hand else f"{found.method}, {duration(found.seconds)}"
    return f"{count(n)} cluster{'' if n == 1 else 's'} · {share(found.noise_share)} noise · {how}"
