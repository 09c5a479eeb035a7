"""What HDBSCAN takes and how well it tells MNIST's digits apart: two libraries, and the app beside them.

``python tests/benchmarks/bench_clusters.py [--seeds 42 0 1 2 3] [--large ROWS] [--maps FOLDER]``. For each
seed a map of MNIST for clustering (n_neighbors 30, min_dist 0) is clustered (min_samples 10,
min_cluster_size 500) by hdbscan with its defaults and with an exact spanning tree, by fast_hdbscan, and by
the app; told are the median seconds, after a first call that compiles, and the adjusted Rand index against
the digits, noise counted as one more group. ``--maps`` keeps the maps there. ``--large`` also times so many
points drawn around those of the last map.
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
from explorer.model.linkage import LIBRARY, linked, spanning_tree

ROOT = Path(__file__).parents[2]
SIZE, SAMPLES = 500, 10


def app(points: np.ndarray, size: int = SIZE) -> np.ndarray:
    """Label points as the app does."""
    began = time.perf_counter()
    tree = spanning_tree(points, SAMPLES)
    found = time.perf_counter()
    merges = linked(tree)
    then = time.perf_counter()
    condensed = condense(merges["left"], merges["right"], merges["distance"], size)
    labels: np.ndarray = grouped(condensed, select(condensed), LIBRARY).labels
    rest = time.perf_counter() - then
    print(f"    spanning tree {found - began:.2f} s, linkage {then - found:.2f} s, the rest {rest:.2f} s")
    return labels


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


def fast(points: np.ndarray, size: int = SIZE) -> np.ndarray:
    from fast_hdbscan import HDBSCAN

    labels: np.ndarray = HDBSCAN(min_cluster_size=size, min_samples=SAMPLES).fit_predict(points)
    return labels


WAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hdbscan": slow,
    "hdbscan, exact": slow_exact,
    "fast_hdbscan": fast,
    "app": app,
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
        for name, way in {"app": app, "fast_hdbscan": fast}.items():
            began = time.perf_counter()
            labels = way(many, len(many) // 140)
            took = time.perf_counter() - began
            print(f"{len(many):,} points: {name} {took:.1f} s, {labels.max() + 1} clusters", flush=True)


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
