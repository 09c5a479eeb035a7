"""Which metrics a run may have, and the sentence for one that it may not, before any data is read."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from explorer.model.errors import InputError

USUAL = ("euclidean", "cosine", "correlation", "manhattan")
"""What is named to whoever names something that is like no metric."""
LIKE = 0.5
"""How alike, from 0 to 1, names are that may have been meant."""


def refuse_unusable_metric(metric: str) -> None:
    """Raise InputError where there is no such metric, or it needs parameters, which runs have not.

    Examples
    --------
    >>> refuse_unusable_metric("nearest")
    Traceback (most recent call last):
    core.errors.InputError: metric is 'nearest', which is unknown: use ...
    """
    from core.knn import OWN

    if metric in OWN:
        return
    # Only now: it is slow to import.
    from pynndescent.distances import named_distances

    if metric not in named_distances:
        names = [name for name in named_distances if _takes_nothing(name)]
        near = get_close_matches(metric.lower(), names, n=3, cutoff=LIKE) or USUAL
        raise InputError(f"metric is {metric!r}, which is unknown: use {_either(near)}.")
    if not _takes_nothing(metric):
        raise InputError(
            f"metric is {metric!r}, which needs parameters that runs do not have: use {_either(USUAL)}, or "
            "fit core.UMAP with metric_kwds."
        )


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _takes_nothing(metric: str) -> bool:
    """Whether a metric works without parameters."""
    from core.any_metric import compiled_metric

    try:
        compiled_metric(metric, None)
    except InputError:
        return False
    return True
