"""What the page shows of a comparison of runs, as plain values for its script."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

from explorer.model.comparing import Comparison
from explorer.model.comparison import Pair
from explorer.model.consensus import Consensus
from explorer.model.fates import DISSOLVED, Fate
from explorer.model.run import Run
from explorer.views.text import count, counted, duration, share, told_apart

CHANGING, CLUSTER, REGION = "changing", "cluster", "region"
MOST_HOMES = 8
NONE = "–"
NO_CLUSTERS = "There is no cluster on the map of A: nothing that could come back."
NO_REGIONS = "No group of items keeps less than a third of its surroundings from run to run."


def comparison_state(found: Comparison) -> dict[str, Any]:
    """What `CompareResult` shows: the runs by letters, A the reference, a row for each pair, and findings.

    The worst findings come first. Each has a key that says what it selects, see `ComparePanel`.
    """
    letters = dict(zip((score.run.id for score in found.scores), string.ascii_uppercase, strict=False))
    names = called(tuple(score.run for score in found.scores))
    runs = [
        {
            "letter": letters[score.run.id],
            "name": names[score.run.id],
            "label": score.run.label,
            "id": score.run.id,
            "trust": f"{score.trustworthiness:.3f}",
            "clusters": count(score.clusters),
            "time": duration(score.seconds),
        }
        for score in found.scores
    ]
    pairs = [_pair(one, letters) for one in found.pairs]
    few = "With a third run, clusters and regions that change from run to run are told here."
    if found.consensus is None:
        return {"runs": runs, "pairs": pairs, "said": found.not_repeated or few, "groups": []}
    groups = _groups(found.consensus, letters, found.not_repeated or NO_CLUSTERS)
    return {"runs": runs, "pairs": pairs, "said": found.consensus.sentence, "groups": groups}


def called(runs: Sequence[Run]) -> dict[str, str]:
    """What runs are called, by their ids: by their titles, told apart where several have the same."""
    return {one: name for name, one in told_apart({run.id: run.title for run in runs}).items()}


def _pair(one: Pair, letters: dict[str, str]) -> dict[str, str]:
    jumped = f", of all but the {share(one.jumped)} of items that jump" if one.jumped else ""
    return {
        "name": f"{letters[one.a]} · {letters[one.b]}",
        "agreement": f"{one.agreement:.3f}",
        "disparity": f"{one.disparity:.3f}",
        "ari": _score(one.ari),
        "ami": _score(one.ami),
        "note": f"Disparity of {letters[one.b]} laid over {letters[one.a]}{jumped}",
    }


def _score(value: float | None) -> str:
    return NONE if value is None else f"{value:z.3f}"


def _groups(found: Consensus, letters: dict[str, str], no_clusters: str) -> list[dict[str, Any]]:
    regions = [
        {
            "key": f"{REGION}:{number}",
            "name": f"region {number + 1}",
            "items": counted(len(region.rows), "item"),
            "value": f"{region.stability:.2f}",
            "about": "Median stability of the surroundings of its items",
            "tone": "bad",
            "sentence": region.sentence,
            "where": "",
        }
        for number, region in enumerate(found.regions)
    ]
    others = [letters[run] for run in found.others]
    fates = [_fate(one, letters, others) for one in found.worst_first]
    return [
        _group("Clusters of A", "survival", fates, no_clusters),
        _group("Unstable regions", "stability", regions, NO_REGIONS),
        _group("Points that change sides", "", _sides(found), found.changing_sentence),
    ]


def _sides(found: Consensus) -> list[dict[str, str]]:
    """All points that change sides and, where they are of several clusters, those of each."""
    if not len(found.changing):
        return []
    told = [(CHANGING, "all of them", len(found.changing), found.changing_sentence)]
    homes = found.changing_of
    for home, rows in list(homes.items())[: MOST_HOMES if len(homes) > 1 else 0]:
        part = f"{share(len(rows) / len(found.rows_of(home)))} of the cluster"
        told.append((f"{CHANGING}:{home}", f"of cluster {home}", len(rows), part))
    rest = {"value": "", "about": "", "tone": "warn", "where": ""}
    return [
        {"key": key, "name": name, "items": counted(n, "item"), "sentence": sentence, **rest}
        for key, name, n, sentence in told
    ]


def _group(title: str, measure: str, findings: list[dict[str, str]], none: str) -> dict[str, Any]:
    return {"title": title, "measure": measure, "findings": findings, "none": none}


def _fate(fate: Fate, letters: dict[str, str], others: Sequence[str]) -> dict[str, str]:
    where = ", ".join(letters[run] for run in fate.where)
    matches = ", ".join(f"{match:.2f} in {run}" for run, match in zip(others, fate.matches, strict=True))
    return {
        "key": f"{CLUSTER}:{fate.cluster}",
        "name": f"cluster {fate.cluster}",
        "items": counted(fate.size, "item"),
        "value": f"{fate.survival:.2f}",
        "about": f"Survival: the best match is {matches} (Jaccard)",
        "tone": "good" if fate.is_stable else "bad" if fate.beyond_chance <= DISSOLVED else "warn",
        "sentence": fate.sentence,
        "where": f"in {where}" if where else "",
    }
