"""Clusters in the making: what parameters choose of a condensed tree, changed by hand, not yet a run's."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from explorer.model import condensed_tree
from explorer.model.clusters import ClusterParameters, Clusters, apply, grouped, preview
from explorer.model.condensed_tree import CondensedTree
from explorer.model.icicle import Icicle, icicle
from explorer.model.run import Run
from explorer.model.workspace import Workspace


@dataclass(frozen=True, eq=False)
class Draft:
    """Clusters with the tree they are branches of; immutable, every change gives a new one.

    Attributes
    ----------
    run : Run
        Whose embedding was clustered.
    parameters : ClusterParameters
    clusters : Clusters
    tree : CondensedTree
    drawing : Icicle
        Of the tree, or of a branch of it.
    level : float or None
        The density λ that the tree is cut at, None while it is not.
    """

    run: Run
    parameters: ClusterParameters
    clusters: Clusters
    tree: CondensedTree
    drawing: Icicle
    level: float | None = None

    @classmethod
    def find(
        cls,
        workspace: Workspace,
        run: Run,
        parameters: ClusterParameters,
        progress: Callable[[float], None] = lambda _: None,
    ) -> Self:
        """Find the clusters of a run; see `clusters.preview`."""
        found = preview(workspace, run, parameters, progress)
        assert found.tree is not None
        return cls(run, parameters, found, found.tree, icicle(found.tree))

    @property
    def branches(self) -> tuple[int, ...]:
        """The branches that are clusters, ascending."""
        return tuple(sorted(self.clusters.branches.tolist()))

    @cached_property
    def usual(self) -> tuple[int, ...]:
        """Those that the parameters choose."""
        return condensed_tree.select(self.tree, self.parameters.selection, self.parameters.epsilon)

    @property
    def by_hand(self) -> bool:
        """Whether these are not the clusters that the parameters choose."""
        return self.level is not None or self.branches != self.usual

    def zoom(self, branch: int) -> Self:
        """Draw a branch and what is below it, as wide as the whole; the clusters stay."""
        return replace(self, drawing=icicle(self.tree, root=branch))

    def cut(self, level: float) -> Self:
        """Make every branch a cluster that is there at a density λ."""
        return self._with(condensed_tree.cut(self.tree, level), level)

    def split(self, branch: int) -> Self:
        """Split a cluster; see `condensed_tree.split`."""
        return self._with(condensed_tree.split(self.tree, self.branches, branch))

    def merge(self, branch: int) -> Self:
        """Make one cluster of a branch, or of what a cluster parted from; see `condensed_tree.merge`."""
        return self._with(condensed_tree.merge(self.tree, self.branches, self.merged_at(branch)))

    def start_over(self) -> Self:
        """Take the clusters that the parameters choose."""
        return self._with(self.usual)

    def can_split(self, branch: int) -> bool:
        """Whether a branch is a cluster that parts."""
        return branch in self.branches and bool(self.tree.children[branch])

    def can_merge(self, branch: int) -> bool:
        """Whether a branch, or what it parted from when it is a cluster, holds clusters to be made one."""
        at = self.merged_at(branch)
        inside = condensed_tree.below(self.tree, at)
        return at not in self.branches and bool(inside[list(self.branches)].any())

    def merged_at(self, branch: int) -> int:
        """The branch that is made one cluster when a branch is merged."""
        above = int(self.tree.parent[branch])
        return above if branch in self.branches and above >= 0 else branch

    def rows(self, branch: int) -> NDArray[np.int64]:
        """The rows of a branch, int64, ascending."""
        return condensed_tree.rows(self.tree, branch)

    def apply(self, workspace: Workspace, run: Run, names: tuple[str, ...] = ()) -> None:
        """Make these the clusters of a run of the same data; see `clusters.apply`."""
        apply(workspace, run, self.clusters, self.parameters, self.run, self.by_hand, names)

    def _with(self, chosen: Iterable[int], level: float | None = None) -> Self:
        # What it took stays told: the tree is the same.
        now = grouped(self.tree, chosen, self.clusters.method, level, self.clusters.seconds)
        return replace(self, clusters=now, level=level)


class Drafting:
    """A draft that is changed step by step: steps are asked for on one thread and made on another.

    Each step is made of the draft that those before it leave, so none is lost while another is made. Only a
    cut that is asked for while one waits, with nothing between, takes its place.

    Parameters
    ----------
    draft : Draft
        To begin with.
    """

    def __init__(self, draft: Draft) -> None:
        self._newest, self._lock = draft, threading.Lock()
        self._waiting: deque[tuple[Callable[[Draft], Draft], bool]] = deque()

    def ask(self, step: Callable[[Draft], Draft], is_cut: bool = False) -> None:
        """Have a step wait for its turn."""
        with self._lock:
            if is_cut and self._waiting and self._waiting[-1][1]:
                self._waiting.pop()
            self._waiting.append((step, is_cut))

    def advance(self) -> Draft:
        """Make the next step, if one waits, and return the newest draft; by one thread at a time.

        What the step raises is raised, and the draft stays as it was.
        """
        with self._lock:
            step = self._waiting.popleft()[0] if self._waiting else None
        if step is not None:
            self._newest = step(self._newest)
        return self._newest
