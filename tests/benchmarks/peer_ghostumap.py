"""How unstable GhostUMAP2 finds each row; one JSON line. Usage: peer_ghostumap.py VECTORS.npy OUT.npz [SEED].

Runs under the interpreter of an environment with ``ghostumap==2.0.0`` and ``scikit-learn<1.8``, whose older
argument it passes; the 2.0.1 on PyPI holds no code. Eight ghosts a row, r = 0.1 and d = 0.1 are its defaults;
none is dropped on the way, so that every row has its d.

OUT.npz holds ``d``, how far from a row its farthest ghost ends, in widths of the map, float32 (n,), and
``unstable``, bool (n,): which rows are not (0.1, 0.1)-stable.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
from ghostumap import GhostUMAP2

GHOSTS, R, D = 8, 0.1, 0.1


def main(path: str, out: str, seed: str = "42") -> None:
    warnings.filterwarnings("ignore")
    vectors = np.load(path).astype(np.float32)
    np.random.seed(int(seed))  # noqa: NPY002 - where its ghosts start is drawn from this
    mapper = GhostUMAP2(random_state=int(seed))
    start = time.perf_counter()
    mapper.fit_transform(vectors, n_ghosts=GHOSTS, r=R, dropping=False)
    seconds = time.perf_counter() - start
    unstable = mapper.get_unstable_ghosts(distance=D)
    np.savez(out, d=mapper.get_distances().astype(np.float32), unstable=unstable)
    print(json.dumps({"rows": len(vectors), "unstable": int(unstable.sum()), "seconds": round(seconds, 1)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
