"""How true maps of MNIST are, ours beside umap-learn's: medians over seeds of three scores.

``python tests/benchmarks/bench_quality.py --peer PYTHON [--seeds 42 0 1 2 3]``, with PYTHON the interpreter
of an environment that holds umap-learn. The scores are scikit-learn's or plain formulas, none of the core's
own: of the 15 nearest digits by their pixels the share that is among the 15 nearest on the map, over 2,000
digits; the share of all digits whose 15 nearest on the map are mostly of their own kind; and trustworthiness
among the 2,000.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq
from scipy.spatial import cKDTree
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

ROOT = Path(__file__).parents[2]
K = 15
ROWS = np.random.default_rng(0).choice(70_000, 2000, replace=False)
OURS = "from core import UMAP"
PEERS = "from umap import UMAP"
FIT = """
import sys, warnings, numpy as np
sys.path.insert(0, sys.argv[4]); warnings.filterwarnings("ignore")
{}
np.save(sys.argv[2], UMAP(random_state=int(sys.argv[3])).fit_transform(np.load(sys.argv[1])))
"""


def scores(
    embedding: np.ndarray, pixels: np.ndarray, digits: np.ndarray, true: np.ndarray, rows: np.ndarray = ROWS
) -> tuple[float, float, float]:
    """Neighbour preservation, label accuracy and trustworthiness; `true` are the sampled rows' neighbours."""
    near = cKDTree(embedding).query(embedding, K + 1, workers=-1)[1][:, 1:]
    shared = np.mean([len(set(a) & set(b)) / K for a, b in zip(true, near[rows], strict=True)])
    votes = np.zeros((len(digits), 10), np.int64)
    for column in near.T:
        votes[np.arange(len(digits)), digits[column]] += 1
    return (
        float(shared),
        float(np.mean(votes.argmax(axis=1) == digits)),
        float(trustworthiness(pixels[rows], embedding[rows], n_neighbors=K)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 0, 1, 2, 3])
    arguments = parser.parse_args()
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).astype(np.float32)
    digits = table["digit"].to_numpy()
    search = NearestNeighbors(n_neighbors=K + 1).fit(pixels)
    true = search.kneighbors(pixels[ROWS], return_distance=False)[:, 1:]
    print(f"{'':<12} {'preservation':>12} {'accuracy':>9} {'trust':>7}")
    with tempfile.TemporaryDirectory() as folder:
        vectors, made = Path(folder) / "mnist.npy", Path(folder) / "map.npy"
        np.save(vectors, pixels)
        for name, python, library in (
            ("ours", sys.executable, OURS),
            ("umap-learn", arguments.peer, PEERS),
        ):
            found = []
            for seed in arguments.seeds:
                command = [python, "-c", FIT.format(library), vectors, made, str(seed), ROOT]
                subprocess.run(command, check=True)
                found.append(scores(np.load(made), pixels, digits, true))
            preservation, accuracy, trust = (median(column) for column in zip(*found, strict=True))
            print(f"{name:<12} {preservation:12.4f} {accuracy:9.4f} {trust:7.4f}", flush=True)


if __name__ == "__main__":
    main()
