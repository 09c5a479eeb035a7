"""What HDBSCAN takes and how well it tells MNIST's digits apart, by the library that finds the spanning tree.

``python tests/benchmarks/bench_clusters.py [--seeds 42 0 1 2 3] [--large ROWS] [--maps FOLDER]``. For each
seed a map of MNIST for clustering (n_neighbors 30, min_dist 0) is clustered (min_samples 10,
min_cluster_size 500) by both libraries alone and by this app with the spanning tree of either; told are the
median seconds, after a first call that compiles, and the adjusted Rand index against the digits, noise
counted as one more group. ``--maps`` keeps the maps there. ``--large`` also times the app on so many points
drawn around those of the last map.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow.parquet as pq
from sklearn.metrics import adjusted_rand_score

sys.path.insert(0, str(Path(__file__).parents[2]))

from core import UMAP
from explorer.model.clusters import grouped
from explorer.model.condensed_tree import condense, select
from explorer.model.linkage import library_for, single_linkage

ROOT = Path(__file__).parents[2]
SIZE, SAMPLES = 500, 10


def ours(library: str, size: int = SIZE) -> Callable[[np.ndarray], np.ndarray]:
    """Label points as the app does, with the spanning tree of a library."""

    def label(points: np.ndarray) -> np.ndarray:
        began = time.perf_counter()
        merges = single_linkage(points, SAMPLES, library)
        linked = time.perf_counter() - began
        tree = condense(merges["left"], merges["right"], merges["distance"], size)
        labels: np.ndarray = grouped(tree, select(tree), library).labels
        print(f"    linked {linked:.2f} s, then {time.perf_counter() - began - linked:.2f} s", flush=True)
        return labels

    return label


def slow(points: np.ndarray) -> np.ndarray:
    from hdbscan import HDBSCAN

    labels: np.ndarray = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES).fit_predict(
        points.astype(np.float64)
    )
    return labels


def slow_exact(points: np.ndarray) -> np.ndarray:
    from hdbscan import HDBSCAN

    model = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES, approx_min_span_tree=False)
    labels: np.ndarray = model.fit_predict(points.astype(np.float64))
    return labels


def fast(points: np.ndarray) -> np.ndarray:
    from fast_hdbscan import HDBSCAN

    labels: np.ndarray = HDBSCAN(min_cluster_size=SIZE, min_samples=SAMPLES).fit_predict(points)
    return labels


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hdbscan": slow,
    "hdbscan, exact": slow_exact,
    "fast_hdbscan": fast,
    "app, hdbscan": ours("hdbscan"),
    "app, fast_hdbscan": ours("fast_hdbscan"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 0, 1, 2, 3])
    parser.add_argument("--large", type=int, default=0)
    parser.add_argument("--maps", type=Path)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    arguments = parser.parse_args()
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).astype(np.float32)
    digits = np.asarray(table["digit"])
    seconds: dict[str, list[float]] = {name: [] for name in arguments.ways}
    scores: dict[str, list[float]] = {name: [] for name in arguments.ways}
    for seed in arguments.seeds:
        points = embedding(pixels, seed, arguments.maps)
        for name in arguments.ways:
            if not seconds[name]:
                WAYS[name](points[::20])
            began = time.perf_counter()
            labels = WAYS[name](points)
            seconds[name].append(time.perf_counter() - began)
            scores[name].append(float(adjusted_rand_score(digits, labels)))
            print(
                f"seed {seed:<3} {name:<18} {seconds[name][-1]:6.2f} s  ARI {scores[name][-1]:.3f}",
                flush=True,
            )
    for name in arguments.ways:
        told = " ".join(f"{score:.3f}" for score in scores[name])
        print(f"{name:<18} {median(seconds[name]):6.2f} s  median ARI {median(scores[name]):.3f}  ({told})")
    if arguments.large:
        rng = np.random.default_rng(0)
        many = points[rng.integers(len(points), size=arguments.large)]
        many += rng.normal(scale=0.02, size=many.shape).astype(np.float32)
        library = library_for(len(many))
        began = time.perf_counter()
        labels = ours(library, len(many) // 140)(many)
        n_clusters, took = labels.max() + 1, time.perf_counter() - began
        print(f"{len(many):,} points: {took:.1f} s by {library}, {n_clusters} clusters")


def embedding(pixels: np.ndarray, seed: int, folder: Path | None) -> np.ndarray:
    """The map of a seed, from the folder if it is there."""
    path = None if folder is None else folder / f"map-{seed}.npy"
    if path is not None and path.exists():
        kept: np.ndarray = np.load(path)
        return kept
    made: np.ndarray = UMAP(n_neighbors=30, min_dist=0.0, random_state=seed).fit_transform(pixels)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, made)
    return made


if __name__ == "__main__":
    main()
