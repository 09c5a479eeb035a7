"""Stability over seeds beside GhostUMAP2's (r, d)-stability within one run: where they agree.

``python tests/benchmarks/bench_stability.py --peer PYTHON [--cases blobs bridge noise mnist]``, with PYTHON
the interpreter of an environment as `peer_ghostumap.py` asks for. Planted are three blobs far apart; two
discs that are the same with eight points between them, each as near to one as to the other; and uniform noise
of ten dimensions. MNIST is every seventh digit.

Theirs is d: how far a row's ghosts end from it. Ours are of five seeds, 1 for what keeps nothing:
``neighbours``, 1 - stability; ``surroundings``, the same of the coarse neighbours that regions are found by;
``place``, how far the row lies from its place on the other maps laid over, on average. Of each are printed
its rank correlation with d, and the share of the rows they call unstable that is among as many of our least
stable ones, beside what chance gives, and in our least stable tenth; where points were planted, the share of
these that is among as many of the least stable.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.stats import spearmanr

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

SEEDS, K = (42, 0, 1, 2, 3), 15
Case = tuple[np.ndarray, np.ndarray]


def blobs(rng: np.random.Generator) -> Case:
    """Three blobs of 500 rows, none of them planted as unstable."""
    centres = 20 * np.eye(3, 10)
    return np.repeat(centres, 500, axis=0) + rng.normal(size=(1500, 10)), np.zeros(1500, np.bool_)


def bridge(rng: np.random.Generator) -> Case:
    """Two discs of 800 rows that are the same, and eight rows as near to one as to the other.

    Each of the eight has the same distances to both discs, so that nothing but chance decides on which side
    of a map it ends, and an axis of its own along which it is far from the other seven.
    """
    n, between, away = 800, 8, 6.0
    disc = around(rng.uniform(0, 2 * np.pi, n), 5 * np.sqrt(rng.uniform(size=n)))
    middle = around(rng.uniform(0, 2 * np.pi, between), rng.uniform(2, 4.5, between))
    rows = np.zeros((2 * n + between, 5 + between))
    rows[:n, 0:2], rows[n : 2 * n, 2:4] = disc, disc
    rows[: 2 * n, 4] = np.repeat([-1.0, 1.0], n)
    rows[2 * n :, 0:2] = rows[2 * n :, 2:4] = middle
    rows[2 * n :, 5:] = away * np.eye(between)
    return rows, np.arange(len(rows)) >= 2 * n


def around(angles: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Places in a plane by their angles and their distances from the middle, (n, 2)."""
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


def noise(rng: np.random.Generator) -> Case:
    """1,500 rows at random."""
    return rng.uniform(size=(1500, 10)), np.zeros(1500, np.bool_)


def mnist(_: np.random.Generator) -> Case:
    """10,000 digits."""
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet").take(np.arange(0, 70_000, 7))
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(10_000, -1)
    return pixels, np.zeros(10_000, np.bool_)


CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    one.__name__: one for one in (blobs, bridge, noise, mnist)
}


def ours(vectors: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
    """Instability of each row by our measures, and the seconds of runs and measures."""
    from core import UMAP
    from core.quality import map_graph
    from explorer.model.comparison import Map, displacement, pair, stability
    from explorer.model.consensus import surroundings

    start, none = time.perf_counter(), np.zeros(len(vectors), np.int32)
    embeddings = [UMAP(random_state=seed).fit_transform(vectors) for seed in SEEDS]
    maps = [Map(str(s), e, map_graph(e, K).indices, none) for s, e in zip(SEEDS, embeddings, strict=True)]
    moved = [displacement(*two) for two in combinations(embeddings, 2)]
    found = {
        "neighbours": 1 - stability([pair(*two) for two in combinations(maps, 2)]),
        "surroundings": 1 - surroundings(maps),
        "place": np.mean(moved, axis=0),
    }
    return found, time.perf_counter() - start


def theirs(peer: str, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """d and whether it is too far, of each row, and the seconds of the run, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "vectors.npy", Path(folder) / "found.npz"
        np.save(path, vectors)
        command = [peer, Path(__file__).with_name("peer_ghostumap.py"), path, out]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        with np.load(out) as found:
            return found["d"], found["unstable"], told["seconds"]


def share_of(rows: np.ndarray, values: np.ndarray, most: int = 0) -> str:
    """The share of some rows, bool (n,), that is among as many, or so many, with the largest values."""
    if not rows.any():
        return "–"
    largest = np.argsort(-values, kind="stable")[: most or rows.sum()]
    return f"{rows[largest].sum() / rows.sum():.2f}"


def main() -> None:
    """Print a block for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    for case in arguments.cases:
        made, planted = CASES[case](np.random.default_rng(0))
        vectors = np.ascontiguousarray(made, np.float32)
        d, unstable, took = theirs(arguments.peer, vectors)
        measures, seconds = ours(vectors)
        print(f"{case}: {len(vectors):,} rows; theirs {took:.0f} s, ours {seconds:.0f} s with five runs")
        medians = ", ".join(f"{name} {np.median(values):.3f}" for name, values in measures.items())
        print(f"  unstable to them {unstable.mean():.1%}; medians: d {np.median(d):.3f}, {medians}")
        heads = ("rank corr.", "of theirs", "chance", "in a tenth", "planted")
        print(f"  {'':<14} " + " ".join(f"{head:>10}" for head in heads))
        print(f"  {'their d':<14} {share_of(planted, d):>54}")
        for name, values in measures.items():
            told = (
                f"{spearmanr(d, values).statistic:.2f}",
                share_of(unstable, values),
                f"{unstable.mean():.3f}",
                share_of(unstable, values, len(vectors) // 10),
                share_of(planted, values),
            )
            print(f"  {name:<14} " + " ".join(f"{one:>10}" for one in told), flush=True)


if __name__ == "__main__":
    main()
