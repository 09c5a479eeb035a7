"""The layout alone, ours and umap-learn's, from the same graphs and starts: README's table of layouts.

``python tests/benchmarks/bench_layout.py --peer PYTHON [--seeds 42 0 1 2 3]``, with PYTHON the interpreter of
an environment that holds umap-learn. For each seed our knn graph, fuzzy set and spectral start of MNIST are
made once and given to both layouts. Printed are medians over the seeds of `bench_quality.py`'s scores with
n_neighbors 15 and min_dist 0.1, and in how many maps of n_neighbors 30 and min_dist 0 HDBSCAN (min_samples
10, min_cluster_size 500) parts fours from nines: most fours in one cluster, most nines in another.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench_quality import ROWS, K, scores
from published_tables import hdbscan, mnist
from scipy.sparse import csr_array, save_npz
from sklearn.neighbors import NearestNeighbors

from core import Layout, LayoutParameters, find_ab, fuzzy_simplicial_set, initial_layout, knn_graph

N_EPOCHS = 200
SETTINGS = {"scored": (15, 0.1), "parted": (30, 0.0)}
"""n_neighbors and min_dist of the maps that are scored, and of those whose clusters are looked at."""
PEER = """
import sys, numpy as np
from scipy.sparse import load_npz
from umap.layouts import optimize_layout_euclidean
from umap.umap_ import make_epochs_per_sample
folder, n_epochs, seed, a, b = sys.argv[1], int(sys.argv[2]), *map(float, sys.argv[3:])
edges = load_npz(folder + "/fuzzy_set.npz").tocoo()
edges.data[edges.data < edges.data.max() / n_epochs] = 0
edges.eliminate_zeros()
place = np.load(folder + "/initial.npy")
state = np.random.RandomState(int(seed)).randint(-(2**31) + 1, 2**31 - 2, 3).astype(np.int64)
schedule = make_epochs_per_sample(edges.data, n_epochs)
np.save(folder + "/map.npy", optimize_layout_euclidean(
    place, place, edges.row, edges.col, n_epochs, len(place), schedule, a, b, state, 1.0, 1.0, 5.0,
    parallel=False, move_other=True,
))
"""


def ours(fuzzy_set: csr_array, initial: np.ndarray, min_dist: float, seed: int) -> np.ndarray:
    """Our layout."""
    layout = Layout(fuzzy_set, initial, LayoutParameters(N_EPOCHS, *find_ab(min_dist)), seed=seed)
    return layout.run(N_EPOCHS)


def theirs(peer: str, fuzzy_set: csr_array, initial: np.ndarray, min_dist: float, seed: int) -> np.ndarray:
    """umap-learn's layout, seeded, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        save_npz(Path(folder) / "fuzzy_set.npz", fuzzy_set)
        np.save(Path(folder) / "initial.npy", initial)
        command = [peer, "-c", PEER, folder, str(N_EPOCHS), str(seed), *map(str, find_ab(min_dist))]
        subprocess.run(command, check=True)
        embedding: np.ndarray = np.load(Path(folder) / "map.npy")
        return embedding


def parted(embedding: np.ndarray, digits: np.ndarray) -> bool:
    """Whether most fours share one cluster, and most nines another."""
    clusters = hdbscan(embedding)
    homes = []
    for digit in (4, 9):
        counts = np.bincount(clusters[digits == digit] + 1)
        home = int(counts[1:].argmax()) if len(counts) > 1 else 0
        if len(counts) < 2 or counts[1 + home] < counts.sum() / 2:
            return False
        homes.append(home)
    return homes[0] != homes[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 0, 1, 2, 3])
    parser.add_argument("--rows", type=int, help="of MNIST, the first; default: all")
    arguments = parser.parse_args()
    pixels, digits = (a[: arguments.rows] for a in mnist())
    rows = ROWS[len(pixels) > ROWS]
    true = (
        NearestNeighbors(n_neighbors=K + 1).fit(pixels).kneighbors(pixels[rows], return_distance=False)[:, 1:]
    )
    layouts = {"ours": ours, "umap-learn": lambda *given: theirs(arguments.peer, *given)}
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in layouts}
    n_parted = dict.fromkeys(layouts, 0)
    for seed in arguments.seeds:
        for purpose, (n_neighbors, min_dist) in SETTINGS.items():
            fuzzy_set = fuzzy_simplicial_set(knn_graph(pixels, n_neighbors, seed=seed))
            initial = initial_layout(fuzzy_set, seed=seed)
            for name, lay_out in layouts.items():
                embedding = lay_out(fuzzy_set, initial, min_dist, seed)
                if purpose == "scored":
                    found[name].append(scores(embedding, pixels, digits, true, rows))
                else:
                    n_parted[name] += parted(embedding, digits)
                print(f"seed {seed}, {purpose}, {name}", file=sys.stderr, flush=True)
    print(f"{'':<12} {'accuracy':>9} {'trust':>7} {'preservation':>12} {'4 and 9 parted':>15}")
    for name in layouts:
        preservation, accuracy, trust = (median(column) for column in zip(*found[name], strict=True))
        of_all = f"{n_parted[name]} of {len(arguments.seeds)}"
        print(f"{name:<12} {accuracy:9.4f} {trust:7.4f} {preservation:12.4f} {of_all:>15}")


if __name__ == "__main__":
    main()
