"""Tables published for umap-learn on MNIST, made with the core and printed beside theirs.

``python tests/benchmarks/published_tables.py [clusters] [grid] [reproducibility] [--peer PYTHON]``, all three
without a choice. The published figures are those of umap-learn's documentation: "UMAP for clustering" and
"Precomputed k-nn". Clusters are scored by the code that scores them in the app. ``--peer``, the interpreter
of an environment that holds umap-learn, also times the grid with it on this machine, unseeded: one min_dist
for each n_neighbors, counted four times.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq
from hdbscan import HDBSCAN
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

sys.path.insert(0, str(Path(__file__).parents[2]))

from core import UMAP, KnnGraph, StageCache, knn_graph, warm_up
from explorer.model.label_scores import label_scores

ROOT = Path(__file__).parents[2]
SEEDS = (42, 0, 1, 2, 3)
NEIGHBOURS, DISTANCES = (5, 50, 100, 250), (0.0, 0.2, 0.5, 0.9)
SCORES = ("ARI", "AMI", "homogeneity", "clustered")
PUBLISHED_CLUSTERS = {
    "K-Means on the pixels": (0.367, 0.496, None, 1.0),
    "HDBSCAN on 50 components": (0.054, 0.198, None, 0.18),
    "  the clustered points alone": (0.998, 0.994, None, None),
    "UMAP, then HDBSCAN": (0.924, 0.903, None, 0.99),
    "  the clustered points alone ": (0.932, 0.919, None, None),
}
PUBLISHED_GRID = {"each map by itself": 31 * 60 + 57, "one knn graph for all": 17 * 60 + 54}
PEER_GRID = """
import sys, time, warnings, numpy as np
warnings.filterwarnings("ignore")
from umap import UMAP
from umap.umap_ import nearest_neighbors
x = np.load(sys.argv[1])
UMAP(n_epochs=5).fit(x[:6000])
start = time.perf_counter()
knn = nearest_neighbors(x, 250, "euclidean", None, False, None)
print("knn graph", time.perf_counter() - start, file=sys.stderr, flush=True)
seconds = time.perf_counter() - start
for k in (5, 50, 100, 250):
    start = time.perf_counter()
    UMAP(n_neighbors=k, min_dist=0.2, precomputed_knn=knn).fit_transform(x)
    seconds += 4 * (time.perf_counter() - start)
    print(k, time.perf_counter() - start, file=sys.stderr, flush=True)
print(seconds)
"""

Scores = tuple[float, ...]


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Pixels, float32 (70000, 784), and digits."""
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    return pixels.astype(np.float32), np.asarray(table["digit"])


def scores(digits: np.ndarray, clusters: np.ndarray) -> tuple[Scores, Scores]:
    """`SCORES` of all points and of the clustered ones alone, as the app tells them of a column."""
    found = label_scores(clusters.astype(np.int32), digits.astype(np.int32))
    alone = (found.ari_clustered, found.ami_clustered, found.homogeneity_clustered)
    return (
        (found.ari, found.ami, found.homogeneity, found.clustered_share),
        (*(np.nan if one is None else one for one in alone), 1.0),
    )


def hdbscan(points: np.ndarray) -> np.ndarray:
    clusters: np.ndarray = HDBSCAN(min_samples=10, min_cluster_size=500).fit_predict(points)
    return clusters


def show_clusters(pixels: np.ndarray, digits: np.ndarray) -> None:
    """`SCORES` against the digits, three ways to cluster."""
    k_means, _ = scores(digits, KMeans(10, n_init=1, random_state=42).fit_predict(pixels))
    components = scores(digits, hdbscan(PCA(50, random_state=42).fit_transform(pixels)))
    of_seeds = []
    for seed in SEEDS:
        embedding = UMAP(n_neighbors=30, min_dist=0.0, random_state=seed).fit_transform(pixels)
        of_seeds.append(scores(digits, hdbscan(embedding)))
        print(f"seed {seed}: ARI {of_seeds[-1][0][0]:.3f}", file=sys.stderr, flush=True)
    maps = [tuple(map(median, zip(*(found[part] for found in of_seeds), strict=True))) for part in (0, 1)]
    print("\nClusters of MNIST against its digits: ours | published")
    print(f"{'':<30} " + " ".join(f"{name:>15}" for name in SCORES))
    for (name, published), ours in zip(
        PUBLISHED_CLUSTERS.items(), (k_means, *components, *maps), strict=True
    ):
        cells = [
            f"{own:6.3f} | {'' if their is None else their:<6}"
            for own, their in zip(ours, published, strict=True)
        ]
        print(f"{name:<30} " + " ".join(f"{cell:>15}" for cell in cells))
    lowest, *_, highest = sorted(found[0][0] for found in of_seeds)
    print(f"UMAP: medians of seeds {SEEDS}; ARI from {lowest:.3f} to {highest:.3f}.")


def show_grid(pixels: np.ndarray, peer: str | None) -> None:
    """Seconds for n_neighbors 5, 50, 100, 250 times min_dist 0, 0.2, 0.5, 0.9."""
    warm_up(descent=True)
    knn_graph(pixels[:6000], 15)
    seconds: dict[str, float] = {}
    for name, cache in (("each map by itself", None), ("one knn graph for all", StageCache(max(NEIGHBOURS)))):
        start = time.perf_counter()
        for n_neighbors in NEIGHBOURS:
            for min_dist in DISTANCES:
                UMAP(n_neighbors=n_neighbors, min_dist=min_dist, cache=cache, random_state=42).fit(pixels)
                print(n_neighbors, min_dist, time.perf_counter() - start, file=sys.stderr, flush=True)
        seconds[name] = time.perf_counter() - start
    theirs: dict[str, float] = {}
    if peer:
        with tempfile.TemporaryDirectory() as folder:
            np.save(Path(folder) / "mnist.npy", pixels)
            command = [peer, "-c", PEER_GRID, str(Path(folder) / "mnist.npy")]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            theirs["one knn graph for all"] = float(done.stdout)
    print("\nSixteen maps of MNIST, seconds: ours | umap-learn, here | published, on another machine")
    for name, published in PUBLISHED_GRID.items():
        here = f"{theirs[name]:.0f} ({theirs[name] / seconds[name]:.1f}×)" if name in theirs else "-"
        print(f"{name:<30} {seconds[name]:8.1f} | {here:>14} | {published}")


def show_reproducibility() -> None:
    """Whether two fits agree bit for bit: by the seed and width of their knn graph, and the map's seed."""
    y = np.random.default_rng(0).uniform(size=(1700, 60))
    x = np.concatenate([y + 20, y, y - 20]).astype(np.float32)

    def fit(graph: KnnGraph | None, seed: int) -> np.ndarray:
        embedding: np.ndarray = UMAP(30, precomputed_knn=graph, random_state=seed).fit_transform(x)
        return embedding

    first = fit(knn_graph(x, 50, seed=10), 10)
    answers = {
        "equal in all three values": (fit(knn_graph(x, 50, seed=10), 10), first, True),
        "another n_neighbors of the graph": (fit(knn_graph(x, 40, seed=10), 10), first, False),
        "another seed": (fit(knn_graph(x, 50, seed=15), 15), first, False),
        "no graph given, the seed alone": (fit(None, 12), fit(knn_graph(x, 30, seed=12), 12), True),
    }
    print("\nThe same map, bit for bit? Ours | published")
    for name, (one, other, published) in answers.items():
        print(f"{name:<34} {np.array_equal(one, other)!s:>5} | {published}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", help="clusters, grid, reproducibility; default: all")
    parser.add_argument("--peer")
    arguments = parser.parse_args()
    wanted = arguments.tables or ["clusters", "grid", "reproducibility"]
    pixels, digits = mnist()
    if "reproducibility" in wanted:
        show_reproducibility()
    if "clusters" in wanted:
        show_clusters(pixels, digits)
    if "grid" in wanted:
        show_grid(pixels, arguments.peer)


if __name__ == "__main__":
    main()
