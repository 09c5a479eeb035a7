"""UMAP as plain stages: knn graph, fuzzy simplicial set, initial layout, layout epochs.

Each stage stands alone; `UMAP` joins them. Same inputs and seed give the same bits for any number of threads.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

# numba fixes its largest number of threads at import; the descent needs 8 of them to be reproducible anywhere
# (see core.any_metric). A number chosen by the user stands, and so does an import of numba that came first.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(8, os.cpu_count() or 1)))

from core.cache import StageCache
from core.curve import find_ab
from core.density import Density, local_radii
from core.errors import InputError
from core.fuzzy_set import fuzzy_simplicial_set
from core.initialization import initial_layout
from core.knn import KnnGraph, knn_graph
from core.layout import Checkpoint, Layout, LayoutParameters, default_n_epochs
from core.recall import knn_recall
from core.supervision import supervise
from core.warm import warm_up

if TYPE_CHECKING:
    from core.umap import UMAP

__all__ = [
    "UMAP",
    "Checkpoint",
    "Density",
    "InputError",
    "KnnGraph",
    "Layout",
    "LayoutParameters",
    "StageCache",
    "default_n_epochs",
    "find_ab",
    "fuzzy_simplicial_set",
    "initial_layout",
    "knn_graph",
    "knn_recall",
    "local_radii",
    "supervise",
    "warm_up",
]


def __getattr__(name: str) -> Any:
    """Import the estimator, and with it scikit-learn, only when asked for: the stages do without."""
    if name == "UMAP":
        from core.umap import UMAP

        return UMAP
    raise AttributeError(f"module 'core' has no attribute {name!r}")
