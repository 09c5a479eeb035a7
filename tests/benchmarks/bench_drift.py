"""Drift over time and coverage of a batch: what is found of what is planted, false alarms, and seconds.

``python tests/benchmarks/bench_drift.py [--rows 100000] [--large 1000000] [--seeds 0 1 2] [--map 20000]``.

The catalogue (sample_data) plants a cluster that thins out; the labels are its genres, with that cluster a
label of its own. Without faults nothing is planted. With ``--map`` so many rows are laid out and clustered as
in the app as well: whether the clusters of the map tell it. The hole is a tenth of a map of fifty islands, of
which a batch of a fifth of the rows has nothing; identical batches are drawn of the same map.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "sample_data")]

DIMS = 64
BATCHES = 20


def catalogue(folder: Path, rows: int, seed: int, faults: bool) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels and times of a catalogue, and the label that thins out (-2 for none)."""
    from catalogue import write_catalogue

    path = folder / "catalogue.parquet"
    truth = json.loads(write_catalogue(rows, path, dims=DIMS, seed=seed, faults=faults).read_text())
    table = pq.read_table(path, columns=["genre", "week_added"])
    codes = table["genre"].unify_dictionaries().combine_chunks().indices.fill_null(-1)
    labels, planted = codes.to_numpy().astype(np.int32), -2
    if faults:
        planted = int(labels.max()) + 1
        labels[truth["faults"]["thinning"]["rows"]] = planted
    return labels, 86_400.0 * table["week_added"].cast("int32").to_numpy(), planted


def drift_found(rows: int, seeds: list[int]) -> None:
    """Recall of the planted cluster, and findings beside it, over seeds."""
    from explorer.model.drift import drift

    recall, beside, clean = 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        for seed in seeds:
            labels, times, planted = catalogue(Path(name), rows, seed, faults=True)
            found = [one for one in drift(labels, times).findings if one.severity != "low"]
            recall += any(one.cluster == planted and one.severity == "high" for one in found)
            beside += sum(one.cluster != planted for one in found)
            print(
                f"  seed {seed}: {next((one.sentence for one in found if one.cluster == planted), 'missed')}"
            )
            labels, times, _ = catalogue(Path(name), rows, seed, faults=False)
            clean += len(drift(labels, times).findings)
    print(f"drift, {rows:,} rows: found {recall} of {len(seeds)}, beside it {beside}, without faults {clean}")


def drift_on_map(rows: int, seeds: list[int]) -> None:
    """The worst finding of a catalogue laid out and clustered, and its rows beside those planted."""
    from catalogue import write_catalogue

    from explorer.model.drift import drift_of_run
    from explorer.model.run import RunParameters
    from explorer.model.runner import Runner
    from explorer.model.workspace import Workspace

    for seed in seeds:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "catalogue.parquet"
            truth = json.loads(write_catalogue(rows, path, dims=DIMS, seed=seed).read_text())
            with Workspace(Path(name) / "ws") as workspace, Runner(workspace) as runner:
                run = runner.wait(runner.start(workspace.add_dataset(path), RunParameters()).id, timeout=600)
                found = drift_of_run(workspace, run, "week_added").findings
        worst, planted = found[0], np.array(truth["faults"]["thinning"]["rows"])
        held = np.isin(worst.rows, planted).sum()
        more = sum(one.severity != "low" for one in found) - 1
        print(f"  map of seed {seed}: {worst.severity}, {worst.sentence}")
        print(f"    {held:,} of its {len(worst.rows):,} rows planted, of {len(planted):,}; {more} more found")


def islands(rows: int, seed: int) -> np.ndarray:
    """A map of fifty islands."""
    rng = np.random.default_rng(seed)
    middles = rng.uniform(-20, 20, size=(50, 2))
    return (middles[rng.integers(0, 50, rows)] + rng.normal(size=(rows, 2))).astype(np.float32)


def coverage_found(rows: int) -> None:
    """What is found of a hole, what else is marked, and how often identical batches have any mark."""
    from explorer.model.coverage import coverage

    places, rng = islands(rows, 0), np.random.default_rng(1)
    hole = np.hypot(*(places - places[0]).T) < np.quantile(np.hypot(*(places - places[0]).T), 0.1)
    batch = (rng.random(rows) < 0.2) & ~hole
    found = np.zeros(rows, bool)
    found[coverage(places, batch).rows_in_gaps] = True
    held = hole & ~batch
    false = sum(
        bool(coverage(places, rng.random(rows) < 0.2, seed=one).difference.marked.any())
        for one in range(BATCHES)
    )
    print(
        f"coverage, {rows:,} rows: recall {found[held].mean():.3f}, precision {held[found].mean():.3f} of "
        f"the hole; {false} of {BATCHES} identical batches marked"
    )


def times(rows: int) -> None:
    """Seconds of each at many rows: fifty clusters over two years of days, and a batch of a fifth."""
    from explorer.model.coverage import coverage
    from explorer.model.drift import drift

    rng = np.random.default_rng(0)
    labels, days = rng.integers(-1, 50, rows).astype(np.int32), rng.integers(19_700, 20_430, rows)
    fading = (labels % 10 == 3) & (rng.random(rows) < (days - 19_700) / 1_000)
    places, batch = islands(rows, 0), rng.random(rows) < 0.2
    for what, work in (
        ("drift", lambda: drift(labels[~fading], 86_400.0 * days[~fading])),
        ("coverage", lambda: coverage(places, batch)),
    ):
        work()
        start = time.perf_counter()
        work()
        print(f"{what}, {rows:,} rows: {time.perf_counter() - start:.2f} s")


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--map", type=int, default=0)
    arguments = parser.parse_args()
    times(arguments.large)
    coverage_found(arguments.rows)
    drift_found(arguments.rows, arguments.seeds)
    if arguments.map:
        drift_on_map(arguments.map, arguments.seeds)


if __name__ == "__main__":
    main()
