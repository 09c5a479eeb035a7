"""Runs of a workspace compared: neighbours and clusters of their maps, what each pair and all share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.quality import map_graph, trustworthiness
from explorer.model import clusters
from explorer.model.comparison import Map, Pair, pair, stability
from explorer.model.consensus import FEWEST_RUNS, Consensus, Region, consensus
from explorer.model.doing import in_parts
from explorer.model.errors import InputError
from explorer.model.fates import Fate
from explorer.model.repeating import repeated
from explorer.model.run import Run
from explorer.model.statistics import NEIGHBOURS
from explorer.model.workspace import Workspace
from explorer.model.written import counted

RANKING_EFFORT = 2e10
"""Rows × dimensions × sampled rows of trustworthiness; about a second."""
FEWEST_RANKED, MOST_RANKED = 100, 1000
FEWEST_ROWS = 11
"""What clusters can be found of."""
MOST_IDS = 1000
"""Row ids told of a finding."""
SECONDS_TO_LINK, SECONDS_TO_PAIR, SECONDS_TO_RANK = 5e-6, 2e-6, 1.0
"""For a row of one map, for a row of two, and for a run."""


@dataclass(frozen=True)
class Score:
    """What one run is like.

    Attributes
    ----------
    run : Run
    trustworthiness : float
        Of its map, as of ``core.quality``: sampled, by euclidean distance between the vectors whatever the
        run's metric, so that runs can be compared.
    clusters : int
        How many there are on it.
    """

    run: Run
    trustworthiness: float
    clusters: int

    @property
    def seconds(self) -> float:
        """What the run took."""
        return self.run.total_seconds


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two runs or more of the same items, the first of them the reference.

    Attributes
    ----------
    scores : tuple of Score
        One a run.
    pairs : tuple of Pair
        Each two of them, those with the reference first.
    consensus : Consensus or None
        Of three runs or more.
    not_repeated : str
        Why no other run can have clusters as the reference has, in a sentence; empty where they can. If
        not, no pair with the reference tells how clusters agree, and the consensus nothing of clusters.
    """

    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    consensus: Consensus | None
    not_repeated: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON: ``pairs``, ``runs`` and, of three runs or more, ``consensus``."""
        told: dict[str, Any] = {
            "pairs": [_pair_told(one) for one in self.pairs],
            "runs": [
                {
                    "run": score.run.id,
                    "trustworthiness": score.trustworthiness,
                    "seconds": score.seconds,
                    "clusters": score.clusters,
                }
                for score in self.scores
            ],
        }
        told |= {"not_repeated": self.not_repeated} if self.not_repeated else {}
        return told if self.consensus is None else told | {"consensus": _consensus_told(self.consensus)}


def compare(
    workspace: Workspace, runs: Sequence[Run], progress: Callable[[float], None] = lambda _: None
) -> Comparison:
    """Compare runs of the same data; slow, so never on the event loop.

    The reference's clusters are those of `clusters.find`, and the other runs' are found by the same
    parameters, whatever was applied to them; all are kept. Trustworthiness is that of the same sampled rows
    for all.
    A million rows and five runs take about a minute beside the clusters.

    Parameters
    ----------
    workspace : Workspace
    runs : sequence of Run
        Two or more, each at rest with a flat map; the first is the reference.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If they cannot be compared.
    """
    embeddings = _comparable(workspace, runs)
    n, placed = len(embeddings[0]), min(_n_placed(embedding) for embedding in embeddings)
    k = min(NEIGHBOURS, (placed - 1) // 2)
    n_pairs = len(runs) * (len(runs) - 1) // 2
    alike, not_repeated = repeated(workspace, runs[0], "compare")
    chosen = (None, *[alike] * (len(runs) - 1))
    parts = in_parts(
        progress,
        [
            *(clusters.seconds_to_find(workspace, run, how) for run, how in zip(runs, chosen, strict=True)),
            *[SECONDS_TO_LINK * n] * len(runs),
            *[SECONDS_TO_PAIR * n] * n_pairs,
            *[SECONDS_TO_RANK] * len(runs),
        ],
    )
    labels = [
        clusters.find(workspace, run, how, parts()).labels for run, how in zip(runs, chosen, strict=True)
    ]
    maps = [
        Map(run.id, embedding, map_graph(embedding, k, progress=parts()).indices, found)
        for run, embedding, found in zip(runs, embeddings, labels, strict=True)
    ]
    pairs = []
    for one, other in combinations(maps, 2):
        parts()
        pairs.append(pair(one, other))
    vectors, scores = workspace.dataset(runs[0].dataset_id).vectors, []
    for run, one in zip(runs, maps, strict=True):
        parts()
        scores.append(Score(run, trust(vectors, one.embedding), int(one.labels.max(initial=-1)) + 1))
    agreed = consensus(maps, stability(pairs)) if len(maps) >= FEWEST_RUNS else None
    progress(1.0)
    found = Comparison(tuple(scores), tuple(pairs), agreed, not_repeated)
    return _without_clusters(found) if not_repeated else found


def trust(
    vectors: NDArray[np.float32], embedding: NDArray[np.float32], n_threads: int | None = None
) -> float:
    """Trustworthiness of a map, of so many sampled rows that it takes about a second: see `Score`.

    Parameters
    ----------
    vectors : float32 (n, d)
    embedding : float32 (n, 2)
        Rows without a place (NaN) are left out.
    n_threads : int, optional
        Never changes the result.

    Raises
    ------
    InputError
        For fewer than three rows with a place, or squared distances beyond float32.
    """
    k = min(NEIGHBOURS, (_n_placed(embedding) - 1) // 2)
    n_rows = int(np.clip(RANKING_EFFORT / vectors.size, FEWEST_RANKED, MOST_RANKED))
    return trustworthiness(vectors, embedding, k=k, n_rows=n_rows, n_threads=n_threads)


def _without_clusters(found: Comparison) -> Comparison:
    """A comparison that says nothing of how the reference's clusters agree with others."""
    reference, agreed, why = found.scores[0].run.id, found.consensus, found.not_repeated
    pairs = (replace(one, ari=None, ami=None) if one.a == reference else one for one in found.pairs)
    if agreed is not None:
        agreed = replace(agreed, clusters=(), changing=agreed.changing[:0], changing_sentence=why)
    return replace(found, pairs=tuple(pairs), consensus=agreed)


def _comparable(workspace: Workspace, runs: Sequence[Run]) -> list[NDArray[np.float32]]:
    """The maps of runs that can be compared; raises InputError if they cannot."""
    if len(runs) < 2:
        raise InputError(f"To compare takes two runs or more, got {len(runs)}: name one more of this data.")
    names = [run.id for run in runs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"The run {twice} is named twice: each can be compared with others only.")
    first, embeddings = runs[0], []
    if first.n < FEWEST_ROWS:
        raise InputError(f"The runs have {first.n} rows: to compare takes {FEWEST_ROWS} or more.")
    for run in runs:
        if (run.data_hash, run.n) != (first.data_hash, first.n):
            raise InputError(
                f"The runs {first.id} and {run.id} are of different data: compare runs of the same vectors."
            )
        embedding = None if run.status.active else workspace.embedding(run.id)
        if embedding is None or embedding.shape[1] != 2:
            raise InputError(f"The run {run.id} has no flat map to compare: it is {run.status}" + _why(run))
        if (placed := _n_placed(embedding)) < FEWEST_ROWS:
            few = f"only {counted(placed, 'item')} {'lies' if placed == 1 else 'lie'}"
            raise InputError(f"On the map of {run.id} {few}: to compare takes {FEWEST_ROWS} or more.")
        embeddings.append(np.asarray(embedding))
    return embeddings


def _n_placed(embedding: NDArray[np.float32]) -> int:
    return int(np.isfinite(embedding).all(axis=1).sum())


def _why(run: Run) -> str:
    dims = run.parameters.n_components
    return "." if dims == 2 else f", of {dims} dimensions."


def _pair_told(one: Pair) -> dict[str, Any]:
    return {
        "a": one.a,
        "b": one.b,
        "agreement": one.agreement,
        "disparity": one.disparity,
        "jumped": one.jumped,
        "ari": one.ari,
        "ami": one.ami,
    }


def _consensus_told(one: Consensus) -> dict[str, Any]:
    return {
        "run": one.run_id,
        "stability_median": one.median,
        "sentence": one.sentence,
        "clusters": [_fate_told(fate) for fate in one.clusters],
        "regions": [_region_told(region) for region in one.regions],
        "changing": {
            "count": len(one.changing),
            "clusters": [{"cluster": home, "count": len(rows)} for home, rows in one.changing_of.items()],
            "rows": one.changing[:MOST_IDS].tolist(),
            "sentence": one.changing_sentence,
        },
    }


def _fate_told(fate: Fate) -> dict[str, Any]:
    lists = ("torn_in", "merged_in", "merged_with", "lost_in")
    told = {name: list(getattr(fate, name)) for name in lists}
    about = {
        "cluster": fate.cluster,
        "size": fate.size,
        "survival": fate.survival,
        "matches": list(fate.matches),
        "beyond_chance": fate.beyond_chance,
        "worst_run": fate.worst,
    }
    return about | told | {"sentence": fate.sentence}


def _region_told(region: Region) -> dict[str, Any]:
    return {
        "count": len(region.rows),
        "rows": region.rows[:MOST_IDS].tolist(),
        "stability": region.stability,
        "clusters": list(region.clusters),
        "sentence": region.sentence,
    }
