"""The core beside its peers, in turn, in one session: ratios of medians.

``python tests/benchmarks/bench_core.py [--peer PYTHON] [--vectors FILE.npy] [--rounds 3]``, with PYTHON the
interpreter of an environment that holds umap-learn and manifolds-rs; without it ours stands alone. Without
vectors it takes the sample's MNIST digits. Ours is seeded throughout; of umap-learn's stages the layout alone
depends on it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).parent
STAGES = ("knn", "fuzzy_set", "spectral", "layout")
MODES = ("parallel", "seeded")


def run(python: str, script: str, *arguments: str) -> dict[str, Any]:
    """What a script measures, in a process of its own."""
    done = subprocess.run([python, HERE / script, *arguments], stdout=subprocess.PIPE, text=True, check=True)
    measured: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    print(script, *arguments[1:], measured, file=sys.stderr, flush=True)
    return measured


def mnist(folder: Path) -> Path:
    """The sample's digits as an array."""
    table = pq.read_table(HERE.parents[1] / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    np.save(folder / "mnist.npy", pixels.astype(np.float32))
    return folder / "mnist.npy"


def of_mode(seconds: dict[str, float], mode: str) -> dict[str, float]:
    """Seconds of umap-learn's stages with the layout of one mode, and of all together."""
    stages = {stage: seconds[f"layout {mode}" if stage == "layout" else stage] for stage in STAGES}
    return {**stages, "all": sum(stages.values())}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer")
    parser.add_argument("--vectors", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layout-epochs", default="0", help="of umap-learn, scaled to all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        vectors = str(arguments.vectors or mnist(Path(folder)))
        results: dict[str, list[dict[str, float]]] = {
            name: [] for name in ("ours", "one thread", *MODES, "manifolds")
        }
        peaks = []
        for _ in range(arguments.rounds):
            for name, threads in (("ours", "0"), ("one thread", "1")):
                ours = run(sys.executable, "time_core.py", vectors, threads)
                results[name].append({**ours["seconds"], "all": sum(ours["seconds"].values())})
                peaks.append(max(ours["gib_beyond_vectors"].values()))
            if not arguments.peer:
                continue
            seconds = run(arguments.peer, "time_umap_learn.py", vectors, arguments.layout_epochs)["seconds"]
            for mode in MODES:
                results[mode].append(of_mode(seconds, mode))
            results["manifolds"].append(run(arguments.peer, "time_manifolds.py", vectors)["seconds"])
    print("Seconds, medians; in brackets how many times as long as ours:")
    print(f"{'':<10} {'ours':>8} {'one thread':>16} {'umap-learn':>16} {'seeded':>16} {'manifolds-rs':>16}")
    for stage in (*STAGES, "all"):
        medians = {name: [r[stage] for r in rounds if stage in r] for name, rounds in results.items()}
        ours = median(medians.pop("ours"))
        others = [f"{median(v):8.2f} ({median(v) / ours:4.1f}×)" if v else "" for v in medians.values()]
        print(f"{stage:<10} {ours:8.2f} " + " ".join(f"{other:>16}" for other in others))
    print(f"Memory of ours beyond the vectors: {max(peaks):.2f} GiB at most.")


if __name__ == "__main__":
    main()
