"""What an audit finds: one thing that is wrong with a cluster or with the data, and the rows concerned."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from explorer.model.run import Run
from explorer.model.severity import Severity

Kind = Literal[
    "mixed",
    "missing",
    "over_represented",
    "mislabelled_region",
    "duplicates",
    "unstable",
    "distorted",
    "thinning",
    "growing",
    "gap",
]
LONGEST_CATEGORY = 40
TOLD = ("cluster", "kind", "aspect", "column", "category", "value", "expected", "p", "sentence", "key")
"""What a finding tells of itself beside its severity and how many rows it concerns."""


@dataclass(frozen=True, eq=False)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    kind : str
    severity : Severity
    sentence : str
        What is wrong, by what numbers, what to do.
    rows : int64 (m,)
        The rows concerned, ascending; of duplicates group by group.
    cluster : int or None
        None where it is of the data as a whole.
    column, category : str or None
        What it is told by, if by a column.
    value, expected : float
        The share found and the one expected, or the measure that its kind goes by and what is usual.
    aspect : str
        What of its kind, where one cluster can have several: a distorted one may be torn from another, joined
        of parts, or unfaithful; of categories that are written the same, which: empty for the first.
    p : float or None
        Corrected for all tests of the audit (Benjamini and Hochberg 1995); None where nothing was tested.
    groups : int32 (m,) or None
        Of duplicates: the group of each row.
    key : str
        The same for the same finding on the same data, run and cluster, see `identified`.
    """

    kind: Kind
    severity: Severity
    sentence: str
    rows: NDArray[np.int64]
    cluster: int | None = None
    column: str | None = None
    category: str | None = None
    value: float = 0.0
    expected: float = 0.0
    aspect: str = ""
    p: float | None = None
    groups: NDArray[np.int32] | None = None
    key: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the rows."""
        told = {name: getattr(self, name) for name in TOLD}
        return told | {"severity": self.severity.label, "rows": len(self.rows)}

    @classmethod
    def from_dict(
        cls, told: dict[str, Any], rows: NDArray[np.int64], groups: NDArray[np.int32] | None = None
    ) -> Self:
        """Return the finding that told this of itself, with its rows."""
        severity = Severity[told["severity"].upper()]
        return cls(severity=severity, rows=rows, groups=groups, **{name: told[name] for name in TOLD})


class ClusterRows:
    """The rows of each cluster.

    Parameters
    ----------
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    n_clusters : int
    """

    def __init__(self, labels: NDArray[np.int32], n_clusters: int) -> None:
        self._order = np.argsort(labels, kind="stable")
        self._bounds = np.searchsorted(labels[self._order], np.arange(n_clusters + 1))

    def of(self, cluster: int) -> NDArray[np.int64]:
        """Rows of a cluster, ascending."""
        rows = self._order[self._bounds[cluster] : self._bounds[cluster + 1]]
        return rows.astype(np.int64, copy=False)

    def medians(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Median of each cluster's known values; NaN without any: float64 (n_clusters,)."""
        known = [values[self.of(cluster)] for cluster in range(len(self._bounds) - 1)]
        known = [part[np.isfinite(part)] for part in known]
        return np.array([np.median(part) if len(part) else np.nan for part in known], np.float64)

    def means(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """The same of means."""
        known = [values[self.of(cluster)] for cluster in range(len(self._bounds) - 1)]
        known = [part[np.isfinite(part)] for part in known]
        return np.array([part.mean(dtype=np.float64) if len(part) else np.nan for part in known], np.float64)


def identified(findings: Iterable[Finding], run: Run, rows: ClusterRows) -> tuple[Finding, ...]:
    """Give findings their keys: hashes of the data, the run, the cluster's rows and what is found there."""
    digests: dict[int | None, str] = {None: ""}
    found = []
    for one in findings:
        if one.cluster is not None and one.cluster not in digests:
            digests[one.cluster] = hashlib.blake2b(rows.of(one.cluster).tobytes()).hexdigest()
        about = [run.data_hash, run.id, digests[one.cluster], one.kind, one.aspect, one.column, one.category]
        key = hashlib.blake2b(json.dumps(about).encode(), digest_size=8).hexdigest()
        found.append(replace(one, key=key))
    return tuple(found)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by falling severity; of equal severity each complaint once, then once more, and so on.

    A complaint is what is said, of whatever cluster: kind, column and category. A map that tears what is
    wrong into ten clusters says it ten times, and all else that is as severe would be far down. Within each
    round those that concern most rows come first.
    """
    said: Counter[tuple[object, ...]] = Counter()
    rounds: list[tuple[int, int, int, Finding]] = []
    for one in sorted(findings, key=lambda one: (-len(one.rows), one.key)):
        complaint = (one.severity, one.kind, one.aspect, one.column, one.category)
        rounds.append((-one.severity, said[complaint], len(rounds), one))
        said[complaint] += 1
    return tuple(one for *_, one in sorted(rounds, key=lambda entry: entry[:3]))


def percent(share: float) -> str:
    """A share as it is written in a sentence.

    >>> percent(0.1234), percent(0.01234), percent(0.0001), percent(0), percent(0.9999), percent(1)
    ('12%', '1.2%', '<0.1%', '0%', '>99%', '100%')
    """
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share:.0%}" if share >= 0.1 or not share else f"{share:.1%}"


def short(name: str) -> str:
    """A category's name, not too long for a sentence, without breaks of line."""
    name = " ".join(name.split())
    return name if len(name) <= LONGEST_CATEGORY else f"{name[: LONGEST_CATEGORY - 1]}…"


def listed(words: Sequence[str]) -> str:
    """Words as they are enumerated in a sentence.

    >>> listed(["folk"]), listed(["folk", "jazz", "punk"])
    ('folk', 'folk, jazz and punk')
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
