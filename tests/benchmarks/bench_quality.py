"""How true maps of MNIST are, ours beside umap-learn's: medians over seeds of three scores.

``python tests/benchmarks/bench_quality.py --peer PYTHON [--seeds 42 0 1]``, with PYTHON the interpreter of an
environment that holds umap-learn. The scores are scikit-learn's or plain formulas, none of the core's own:
of the 15 nearest digits by their pixels the share that is among the 15 nearest on the map, the share of
digits whose 15 nearest on the map are mostly of their own kind, and trustworthiness among 2,000 digits.
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
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

ROOT = Path(__file__).parents[2]
K, N_SCORED = 15, 2000
OURS = "from core import UMAP"
PEERS = "from umap import UMAP"
FIT = """
import sys, warnings, numpy as np
sys.path.insert(0, sys.argv[4]); warnings.filterwarnings("ignore")
{}
np.save(sys.argv[2], UMAP(random_state=int(sys.argv[3])).fit_transform(np.load(sys.argv[1])))
"""


def scores(embedding: np.ndarray, pixels: np.ndarray, digits: np.ndarray) -> tuple[float, float, float]:
    """Neighbour preservation, label accuracy and trustworthiness of the same 2,000 rows."""
    rows = np.random.default_rng(0).choice(len(pixels), N_SCORED, replace=False)
    true = neighbours(pixels, rows)
    near = neighbours(embedding, rows)
    shared = np.mean([len(set(a) & set(b)) / K for a, b in zip(true, near, strict=True)])
    votes = np.array([np.bincount(line, minlength=10).argmax() for line in digits[near]])
    return (
        float(shared),
        float(np.mean(votes == digits[rows])),
        float(trustworthiness(pixels[rows], embedding[rows], n_neighbors=K)),
    )


def neighbours(points: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The 15 nearest others of some rows, exactly."""
    found = NearestNeighbors(n_neighbors=K + 1).fit(points).kneighbors(points[rows], return_distance=False)
    return np.array([[j for j in line if j != i][:K] for i, line in zip(rows, found, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 0, 1])
    arguments = parser.parse_args()
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).astype(np.float32)
    digits = table["digit"].to_numpy()
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
                found.append(scores(np.load(made), pixels, digits))
            preservation, accuracy, trust = (median(column) for column in zip(*found, strict=True))
            print(f"{name:<12} {preservation:12.4f} {accuracy:9.4f} {trust:7.4f}", flush=True)


if __name__ == "__main__":
    main()
