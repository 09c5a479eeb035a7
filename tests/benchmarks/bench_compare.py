"""Five seeds compared: agreement of each pair, stability and consensus, in what time and memory.

``python tests/benchmarks/bench_compare.py [--cases mnist large] [--rows 1000000]``. Asked for are 10 s for
MNIST and 90 s for a million points. MNIST is laid out by the core with five seeds; the large maps are fifty
islands that each seed turns, shifts and jitters. Clusters are given (the digits, the islands): finding them
is HDBSCAN's time, and the app keeps them. Each case is measured in a process of its own, so that its peak of
memory is that of the comparison.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.memory import peak_mib

ROOT = Path(__file__).parents[2]
SEEDS, K = (42, 0, 1, 2, 3), 15
ASKED = {"mnist": 10, "large": 90}


def prepare_mnist(folder: Path, _rows: int) -> None:
    """Five maps of MNIST, and the digits."""
    from core import UMAP, StageCache

    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1).astype(np.float32)
    cache = StageCache(n_neighbors=K)
    for seed in SEEDS:
        np.save(folder / f"{seed}.npy", UMAP(random_state=seed, cache=cache).fit_transform(pixels))
    np.save(folder / "labels.npy", table["digit"].to_numpy().astype(np.int32))


def prepare_large(folder: Path, rows: int) -> None:
    """Five maps of fifty islands, and the islands."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 50, rows).astype(np.int32)
    places = rng.uniform(-20, 20, size=(50, 2))[labels] + rng.normal(size=(rows, 2))
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), np.sin(angle)], [np.sin(angle), -np.cos(angle)]])
        shifts = rng.normal(0, 2, size=(50, 2))[labels]
        moved = (places + shifts + rng.normal(0, 0.005, size=(rows, 2))) @ turn
        np.save(folder / f"{seed}.npy", moved.astype(np.float32))
    np.save(folder / "labels.npy", labels)


def measure(folder: Path) -> dict[str, Any]:
    """Seconds by step, and the peak of the process's memory in MiB: 400 or so are its libraries."""
    from core.quality import map_graph
    from explorer.model.comparison import Map, pair, stability
    from explorer.model.consensus import consensus

    tiny = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    warm = Map("", tiny, map_graph(tiny, K).indices, np.zeros(200, np.int32))
    consensus([warm] * 3, stability([pair(warm, warm)]))
    labels = np.load(folder / "labels.npy")
    embeddings = [np.load(folder / f"{seed}.npy") for seed in SEEDS]
    start = time.perf_counter()
    maps = [Map(str(s), e, map_graph(e, K).indices, labels) for s, e in zip(SEEDS, embeddings, strict=True)]
    linked = time.perf_counter()
    pairs = [pair(*two) for two in combinations(maps, 2)]
    paired = time.perf_counter()
    found = consensus(maps, stability(pairs))
    end = time.perf_counter()
    return {
        "rows": len(labels),
        "neighbours": linked - start,
        "pairs": paired - linked,
        "consensus": end - paired,
        "all": end - start,
        "memory": peak_mib(),
        "agreement": float(np.median([one.agreement for one in pairs])),
        "stability": found.median,
        "said": found.sentence,
    }


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", choices=list(ASKED), default=list(ASKED))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    names = ("neighbours", "pairs", "consensus", "all", "asked", "memory", "agreement", "stability")
    print(f"{'rows':>10} " + " ".join(f"{name:>10}" for name in names))
    prepare = {"mnist": prepare_mnist, "large": prepare_large}
    for case in arguments.cases:
        with tempfile.TemporaryDirectory() as name:
            prepare[case](Path(name), arguments.rows)
            command = [sys.executable, __file__, "--measure", name]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
        told = json.loads(done.stdout)
        seconds = (f"{told[step]:8.1f} s" for step in names[:4])
        rest = (f"{told['memory']:6.0f} MiB", f"{told['agreement']:10.3f}", f"{told['stability']:10.3f}")
        print(f"{told['rows']:>10,}", *seconds, f"{ASKED[case]:8d} s", *rest, flush=True)
        print(f"{'':>10} {told['said']}", flush=True)


if __name__ == "__main__":
    main()
