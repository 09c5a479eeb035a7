"""How well clusters agree with a column that is held to be the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.recall import sample_rows
from explorer.model.comparison import AMI_EFFORT
from explorer.model.errors import InputError
from explorer.model.items import Items


@dataclass(frozen=True)
class LabelScores:
    """Agreement of clusters with labels, over the rows that have one.

    Attributes
    ----------
    rows : int
        Rows with a label.
    clustered_share : float
        Share of these that are in a cluster.
    ari, ami, homogeneity : float
        Adjusted Rand index (Hubert and Arabie 1985), adjusted mutual information (Vinh et al. 2010) and
        homogeneity (Rosenberg and Hirschberg 2007), noise being one more cluster.
    ari_clustered, ami_clustered, homogeneity_clustered : float or None
        The same of the rows in clusters alone; None without any.
    """

    rows: int
    clustered_share: float
    ari: float
    ami: float
    homogeneity: float
    ari_clustered: float | None
    ami_clustered: float | None
    homogeneity_clustered: float | None

    def to_dict(self) -> dict[str, float | None]:
        """Plain values for JSON."""
        return dict(vars(self))


def truth_codes(items: Items, column: str) -> NDArray[np.int32]:
    """Return a column that is held to be the truth as categories: int32 (n,), -1 for no value.

    Raises
    ------
    InputError
        If there is no such column, or fewer than two rows have a value to be scored by.
    """
    codes = items.categories(column).codes
    if (known := int((codes >= 0).sum())) < 2:
        raise InputError(
            f"The column {column!r} has a value in {known or 'no'} row{'' if known else 's'}, and to score "
            "clusters takes two or more: name another column to be the truth."
        )
    return codes


def label_scores(labels: NDArray[np.int32], codes: NDArray[np.int32]) -> LabelScores:
    """Compare clusters with labels.

    Mutual information is adjusted by as many sampled rows as ``comparison.agreement_of_clusters`` takes.

    Parameters
    ----------
    labels, codes : int32 (n,)
        The cluster of each row, -1 for noise, and its label, -1 for none.

    Raises
    ------
    InputError
        If fewer than two rows have a label.
    """
    known = codes >= 0
    if known.sum() < 2:
        raise InputError("Fewer than two rows have a value in the column that is to be the truth.")
    found, truth = labels[known], codes[known]
    inside = found >= 0
    clustered = _scores(found[inside], truth[inside]) if inside.sum() > 1 else (None, None, None)
    return LabelScores(len(found), float(inside.mean()), *_scores(found, truth), *clustered)


def _scores(found: NDArray[np.int32], truth: NDArray[np.int32]) -> tuple[float, float, float]:
    from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score, homogeneity_score

    groups = max(int(one.max(initial=-1)) for one in (found, truth)) + 2
    rows = sample_rows(len(found), max(2, AMI_EFFORT // groups), seed=0)
    return (
        float(adjusted_rand_score(truth, found)),
        float(adjusted_mutual_info_score(truth[rows], found[rows])),
        float(homogeneity_score(truth, found)),
    )
