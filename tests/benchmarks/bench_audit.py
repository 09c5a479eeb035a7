"""Audits of music catalogues: which planted faults are found at what rank, false alarms, and the time.

``python tests/benchmarks/bench_audit.py [--cases planted clean large] [--rows 100000] [--worlds 1]
[--seeds 1 2 3 4 5] [--folder DIR]``. `planted` and `clean` lay a catalogue out once a seed and audit each
run with the others as its witnesses; a world is a catalogue of its own. `large` times the audit of a million
items, fifty clusters and four columns, asked to take 20 s: islands on a map, whose clusters and neighbours
are given, as finding those is the time of the run and of HDBSCAN. With --folder what was laid out is kept for
the next time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "sample_data")]

from catalogue import write_catalogue  # noqa: E402

from core.quality import map_graph  # noqa: E402
from explorer.model import clusters, stages  # noqa: E402
from explorer.model.audit import Audit, audit  # noqa: E402
from explorer.model.findings import Finding  # noqa: E402
from explorer.model.run import Run, RunParameters, RunStatus  # noqa: E402
from explorer.model.runner import Runner  # noqa: E402
from explorer.model.severity import Severity  # noqa: E402
from explorer.model.workspace import Workspace  # noqa: E402

COLUMNS = ("genre", "mood", "language", "popularity")
TOP = 10
ASKED = 20


def laid_out(
    folder: Path, rows: int, world: int, seeds: list[int], faults: bool
) -> Iterator[tuple[Audit, float]]:
    """Audit a run of each seed; the others are there by then. Yields audits and their seconds."""
    name = f"{'planted' if faults else 'clean'}-{rows}-{world}"
    path = folder / f"{name}.parquet"
    if not path.exists():
        write_catalogue(rows, path, seed=world, faults=faults)
    with Workspace(folder / name) as workspace:
        dataset = workspace.add_dataset(path)
        known = {run.parameters.seed: run for run in workspace.runs() if run.status is RunStatus.DONE}
        with Runner(workspace) as runner:
            for seed in seeds:
                if seed not in known:
                    run = runner.start(dataset, RunParameters(seed=seed))
                    known[seed] = runner.wait(run.id, timeout=3600)
        for seed in seeds:
            audit(workspace, known[seed], COLUMNS[:1])  # clusters and distortion of all, compiled code
            began = time.perf_counter()
            yield audit(workspace, known[seed], COLUMNS), time.perf_counter() - began


def ranks(found: Audit, planted: dict[str, Any]) -> dict[str, int | None]:
    """The place of the first finding that tells of each planted fault, from 1; None for one not found."""
    copies = [row for group in planted["near_duplicates"]["groups"] for row in group]
    tells = {
        "near_duplicates": ("duplicates", None, None, copies),
        "mislabelled": ("mislabelled_region", "genre", "metal", planted["mislabelled"]["rows"]),
        "mixed": ("mixed", "genre", None, planted["mixed"]["rows"]),
        "missing": ("missing", "language", "Spanish", planted["missing"]["rows"]),
    }
    return {name: _rank(found.findings, *what) for name, what in tells.items()}


def _rank(
    findings: tuple[Finding, ...], kind: str, column: str | None, category: str | None, rows: list[int]
) -> int | None:
    for place, one in enumerate(findings, 1):
        named = one.kind == kind and one.column == column and category in (None, one.category)
        if named and np.isin(one.rows, rows).mean() > 0.5:
            return place
    return None


def planted(folder: Path, rows: int, worlds: list[int], seeds: list[int]) -> None:
    """Print the rank of each fault by world and seed, and how many clusters are flagged."""
    found_all, asked_all = 0, 0
    for world in worlds:
        for seed, (found, seconds) in zip(seeds, laid_out(folder, rows, world, seeds, True), strict=True):
            truth = json.loads((folder / f"planted-{rows}-{world}.truth.json").read_text())["faults"]
            places = ranks(found, truth)
            found_all += sum(place is not None and place <= TOP for place in places.values())
            asked_all += len(places)
            told = "  ".join(f"{name} {place or 'none'}" for name, place in places.items())
            print(
                f"world {world} seed {seed}: {_flagged(found)}; {seconds:.1f} s; rank of {told}", flush=True
            )
    print(f"recall in the first {TOP}: {found_all} of {asked_all}", flush=True)


def clean(folder: Path, rows: int, worlds: list[int], seeds: list[int]) -> None:
    """Print how many clusters of catalogues without faults are flagged."""
    high, of_all = 0, 0
    for world in worlds:
        for seed, (found, seconds) in zip(seeds, laid_out(folder, rows, world, seeds, False), strict=True):
            high += sum(one.severity is Severity.HIGH for one in found.clusters)
            of_all += len(found.clusters)
            print(f"world {world} seed {seed}: {_flagged(found)}; {seconds:.1f} s", flush=True)
            for one in found.findings[:5]:
                print(f"    {one.severity.label} {one.kind}: {one.sentence}", flush=True)
    print(f"false alarms: {high} of {of_all} clusters flagged high ({high / of_all:.1%})", flush=True)


def _flagged(found: Audit) -> str:
    counts = {
        level.label: sum(one.severity is level for one in found.clusters) for level in reversed(Severity)
    }
    return f"{len(found.clusters)} clusters, " + ", ".join(f"{n} {name}" for name, n in counts.items())


def large(folder: Path, rows: int) -> None:
    """Print the seconds of an audit of islands, its distortion computed anew."""
    time_islands(folder / "few", 5_000)  # compiled code
    seconds, n_clusters = time_islands(folder / "many", rows)
    print(f"{rows:,} items, {n_clusters} clusters, 4 columns: {seconds:.1f} s, asked {ASKED} s", flush=True)


def time_islands(folder: Path, rows: int) -> tuple[float, int]:
    """Audit a map of fifty islands, whose clusters are given: seconds and clusters."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    island = np.sort(rng.integers(0, 50, rows)).astype(np.int32)
    middles = rng.uniform(-20, 20, size=(50, 2))
    places = (middles[island] + rng.normal(0, 0.3, size=(rows, 2))).astype(np.float32)
    near = map_graph(places + rng.normal(0, 0.01, places.shape).astype(np.float32), 14)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(places.ravel()), 2)
    columns = {f"of {k}": _labels(rng, island, k) for k in (4, 16, 50, 900)}
    pq.write_table(pa.table({"v": vectors} | columns), folder / "islands.parquet")
    with Workspace(folder / "islands") as workspace:
        dataset = workspace.add_dataset(folder / "islands.parquet")
        run = Run.new(dataset.id, dataset.hash, rows, RunParameters()).with_(status=RunStatus.DONE)
        workspace.save_run(run)
        workspace.save_embedding(run.id, places)
        first = stages.of_run(run)[0]
        workspace.store(first.name, first.key, indices=near.indices, distances=near.distances)
        given = clusters.Clusters(island, np.ones(rows, np.float32), "given")
        with patch.object(clusters, "find", lambda *_, **__: given):
            began = time.perf_counter()
            found = audit(workspace, run, tuple(columns))
            return time.perf_counter() - began, len(found.clusters)


def _labels(rng: np.random.Generator, island: np.ndarray, k: int) -> pa.Array:
    """One of k names a row: that of its island, but for a tenth of the rows."""
    thrown = rng.random(len(island)) < 0.1
    codes = np.where(thrown, rng.integers(0, k, len(island)), island % k).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([f"name {one}" for one in range(k)]))


def main() -> None:
    """Print the cases asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", nargs="+", default=["planted", "clean", "large"])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--worlds", nargs="+", type=int, default=[1])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.folder or Path(name)
        for case in given.cases:
            if case == "large":
                large(Path(name), max(given.rows, 1_000_000))
            else:
                {"planted": planted, "clean": clean}[case](folder, given.rows, given.worlds, given.seeds)


if __name__ == "__main__":
    main()
