"""Which metrics a run may have: all that pynndescent knows and that need no parameters."""

import pytest
from pynndescent.distances import named_distances

from explorer.model.errors import InputError
from explorer.model.metrics import refuse_unusable_metric

NEED_PARAMETERS = {
    "seuclidean", "standardised_euclidean", "wminkowski", "weighted_minkowski", "mahalanobis", "kantorovich",
    "wasserstein", "sinkhorn",
}  # fmt: skip


def test_what_needs_no_parameters_is_taken_and_what_needs_some_is_refused_in_one_sentence():
    for metric in named_distances:
        if metric in NEED_PARAMETERS:
            with pytest.raises(InputError, match=f"^metric is '{metric}', which needs parameters .*[.]$"):
                refuse_unusable_metric(metric)
        else:
            refuse_unusable_metric(metric)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("euclidian", "euclidean"),
        ("cosin", "cosine"),
        ("Manhattan", "manhattan"),
        ("jacard", "jaccard"),
        ("zzz", "euclidean, cosine, correlation or manhattan"),
    ],
)
def test_an_unknown_name_is_answered_with_names_like_it(wrong, meant):
    with pytest.raises(InputError, match=f"^metric is '{wrong}', which is unknown: use .*{meant}.*[.]$"):
        refuse_unusable_metric(wrong)
