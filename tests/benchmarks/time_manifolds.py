"""Time manifolds-rs, UMAP in Rust, as a whole; one JSON line. Usage: time_manifolds.py VECTORS.npy.

Runs under the interpreter of an environment that holds manifolds-rs, and imports nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
from manifolds_rs import UMAP


def main(path: str) -> None:
    vectors = np.load(path).astype(np.float32)
    start = time.perf_counter()
    UMAP(n_neighbors=15, min_dist=0.1, ann="nndescent", n_epochs=200, seed=42).fit_transform(vectors)
    print(json.dumps({"seconds": {"all": time.perf_counter() - start}}))


if __name__ == "__main__":
    main(*sys.argv[1:])
