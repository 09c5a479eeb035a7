"""The core beside umap-learn, in turn, in one session: ratios of medians.

``python tests/benchmarks/bench_core.py --peer PYTHON [--vectors FILE.npy] [--rounds 3]``, with PYTHON the
interpreter of an environment that holds umap-learn. Without vectors it takes the sample's MNIST digits.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

HERE = Path(__file__).parent
STAGES = ("knn", "fuzzy_set", "spectral", "layout")


def run(python: str, script: str, *arguments: str) -> dict[str, float]:
    """Seconds of each stage and of all, measured in a process of its own."""
    done = subprocess.run([python, HERE / script, *arguments], capture_output=True, text=True, check=True)
    seconds = json.loads(done.stdout.strip().splitlines()[-1])["seconds"]
    return {**seconds, "all": sum(seconds.values())}


def mnist(folder: Path) -> Path:
    """The sample's digits as an array."""
    import pyarrow.parquet as pq

    table = pq.read_table(HERE.parents[1] / "sample_data" / "mnist.parquet")
    lists = next(c for c in table.columns if str(c.type).endswith("[784]") or "list" in str(c.type))
    flat = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    np.save(folder / "mnist.npy", flat.reshape(len(table), -1).astype(np.float32))
    return folder / "mnist.npy"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vectors = str(arguments.vectors or mnist(Path(folder)))
        results: dict[str, list[dict[str, float]]] = {"ours": [], "parallel": [], "seeded": []}
        for _ in range(arguments.rounds):
            results["ours"].append(run(sys.executable, "time_core.py", vectors))
            for mode in ("parallel", "seeded"):
                results[mode].append(run(arguments.peer, "time_umap_learn.py", vectors, mode))
    print(f"{'stage':<10} {'ours':>8} {'parallel':>9} {'ratio':>6} {'seeded':>9} {'ratio':>6}")
    for stage in (*STAGES, "all"):
        ours, parallel, seeded = (
            median(r[stage] for r in results[k]) for k in ("ours", "parallel", "seeded")
        )
        print(
            f"{stage:<10} {ours:8.2f} {parallel:9.2f} {parallel / ours:6.1f} "
            f"{seeded:9.2f} {seeded / ours:6.1f}"
        )


if __name__ == "__main__":
    main()
