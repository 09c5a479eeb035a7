"""Audits of catalogues: which planted faults are found at what rank, false alarms without any, and the time.

``python tests/benchmarks/bench_audit.py [--cases planted clean large] [--worlds music shop]
[--seeds 8 9 10 11 12] [--layouts 1] [--rows 100000] [--folder DIR]``. Each seed is a catalogue of its own,
made by sample_data's generator (music) or otherwise (shop, see ``held_out_world.py``), and audited as
``audit --time`` does. Seeds below 8 were looked at when rules and thresholds were set; all others, by default
all, are held out and summed up by themselves. Of three layouts or more each is audited with the others as
witnesses, which tell what is chance. With --folder what was laid out is kept for the next time, else a
catalogue is gone once it is audited: one of a million rows takes some 2 GB on disk.

`large` times the audit of a million items, fifty clusters and four columns, asked to take 20 s: islands on a
map, whose clusters and neighbours are given, as finding those is the time of the run and of HDBSCAN.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "sample_data")]

import held_out_world  # noqa: E402
from catalogue import write_catalogue  # noqa: E402
from memory import peak_mib  # noqa: E402

from core.quality import map_graph  # noqa: E402
from explorer.model import clusters, stages  # noqa: E402
from explorer.model.audit import Audit, audit  # noqa: E402
from explorer.model.categories import NO_VALUE  # noqa: E402
from explorer.model.drift import drift, times  # noqa: E402
from explorer.model.drift_findings import of_drift  # noqa: E402
from explorer.model.findings import Finding  # noqa: E402
from explorer.model.run import Run, RunParameters, RunStatus  # noqa: E402
from explorer.model.runner import Runner  # noqa: E402
from explorer.model.severity import Severity  # noqa: E402
from explorer.model.workspace import Workspace  # noqa: E402

TOP = 10
ASKED, ASKED_HIGH = 20, 0.05
SHOWN = 5
LOOKED_AT = range(8)
"""Seeds that set rules and thresholds."""


@dataclass(frozen=True)
class World:
    """Where catalogues come from.

    Attributes
    ----------
    write : callable
        Writes so many rows, with faults or without, to a file, and the truth beside it.
    columns : tuple of str
        To audit by.
    time : str
        The column of times.
    """

    write: Callable[..., Path]
    columns: tuple[str, ...]
    time: str


WORLDS = {
    "music": World(write_catalogue, ("genre", "mood", "language", "popularity"), "week_added"),
    "shop": World(held_out_world.write_shop, held_out_world.COLUMNS, held_out_world.TIME),
}


@dataclass
class Sums:
    """What is added up over catalogues."""

    places: dict[str, list[int | None]] = field(default_factory=lambda: defaultdict(list))
    high: int = 0
    clusters: int = 0

    def told(self, name: str) -> str:
        """Recall of planted faults, or false alarms where none were planted."""
        if not self.places:
            share = self.high / max(1, self.clusters)
            return (
                f"{name}, without faults: {self.high} of {self.clusters} clusters flagged high ({share:.1%}, "
                f"asked at most {ASKED_HIGH:.0%})"
            )
        asked = sum(map(len, self.places.values()))
        top = {fault: [one for one in of if one and one <= TOP] for fault, of in self.places.items()}
        each = ", ".join(f"{fault} {len(of)}" for fault, of in top.items())
        worst = max(one or 10**6 for of in self.places.values() for one in of)
        last = "one not at all" if worst == 10**6 else f"the last at rank {worst}"
        return (
            f"{name}, planted: {sum(map(len, top.values()))} of {asked} faults in the first {TOP} findings "
            f"({each}), {last}"
        )


def audits(path: Path, world: World, layouts: int) -> Iterator[tuple[Audit, float]]:
    """Lay a catalogue out so many times and audit each: yields audits and their seconds."""
    with Workspace(path.with_suffix("")) as workspace:
        dataset = workspace.add_dataset(path)
        known = {run.parameters.seed: run for run in workspace.runs() if run.status is RunStatus.DONE}
        seeds = range(1, layouts + 1)
        with Runner(workspace) as runner:
            for seed in seeds:
                if seed not in known:
                    run = runner.start(dataset, RunParameters(seed=seed))
                    known[seed] = runner.wait(run.id, timeout=3600)
        seconds = times(dataset.items, world.time)
        for seed in seeds:
            audit(workspace, known[seed], world.columns[:1])  # clusters and distortion of all, compiled code
            began = time.perf_counter()
            found = audit(workspace, known[seed], world.columns)
            by_time = of_drift(drift(found.labels, seconds, world.time))
            yield found.joined(by_time), time.perf_counter() - began


def ranks(found: Audit, planted: dict[str, Any]) -> dict[str, int | None]:
    """The place of the first finding that tells of each planted fault, from 1; None for one not found."""
    copies = [row for group in planted["near_duplicates"]["groups"] for row in group]
    wrong, missing = planted["mislabelled"], planted["missing"]
    tells = {
        "near_duplicates": ("duplicates", None, None, copies),
        "mislabelled": ("mislabelled_region", wrong["column"], wrong["labelled"], wrong["rows"]),
        "mixed": ("mixed", planted["mixed"]["column"], None, planted["mixed"]["rows"]),
        "missing": ("missing", missing["column"], missing["category"], missing["rows"]),
        "thinning": ("thinning", planted["thinning"]["column"], None, planted["thinning"]["rows"]),
    }
    if "junk" in planted:
        junk = [row for rows in planted["junk"]["kinds"].values() for row in rows]
        tells["junk"] = ("over_represented", "genre", NO_VALUE, junk)
    return {name: _rank(found.findings, *what) for name, what in tells.items()}


def _rank(
    findings: tuple[Finding, ...], kind: str, column: str | None, category: str | None, rows: list[int]
) -> int | None:
    for place, one in enumerate(findings, 1):
        named = one.kind == kind and one.column == column and category in (None, one.category)
        if named and np.isin(one.rows, rows).mean() > 0.5:
            return place
    return None


def measure(given: argparse.Namespace, folder: Path, faults: bool) -> None:
    """Print what is found in each catalogue, then the sums of each world, seeds held out by themselves."""
    sums: dict[str, Sums] = defaultdict(Sums)
    for name in given.worlds:
        world = WORLDS[name]
        for seed in given.seeds:
            path = folder / name / f"{'planted' if faults else 'clean'}-{given.rows}-{seed}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                world.write(given.rows, path, seed=seed, faults=faults)
            truth = json.loads(path.with_suffix(".truth.json").read_text())["faults"]
            add_to = sums[f"{name}, {'looked at' if seed in LOOKED_AT else 'held out'}"]
            for layout, (found, seconds) in enumerate(audits(path, world, given.layouts), 1):
                told = _added(add_to, found, truth)
                print(
                    f"{name} {seed}, layout {layout}: {_flagged(found)}; {seconds:.1f} s; {told}", flush=True
                )
            if given.folder is None:
                shutil.rmtree(path.with_suffix(""))
                path.unlink()
    for name, one in sums.items():
        print(one.told(name), flush=True)


def _added(sums: Sums, found: Audit, truth: dict[str, Any]) -> str:
    """Add an audit to the sums; what it tells of the faults, or the worst that it told without any."""
    if truth:
        places = ranks(found, truth)
        for fault, place in places.items():
            sums.places[fault].append(place)
        return "rank of " + ", ".join(f"{fault} {place or 'none'}" for fault, place in places.items())
    sums.high += sum(one.severity is Severity.HIGH for one in found.clusters)
    sums.clusters += len(found.clusters)
    worst = (f"\n    {one.severity.label} {one.kind}: {one.sentence}" for one in found.findings[:SHOWN])
    return f"{len(found.findings)} findings{''.join(worst)}"


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
    parser.add_argument("--worlds", nargs="+", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[8, 9, 10, 11, 12])
    parser.add_argument("--layouts", type=int, default=1)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        for case in given.cases:
            if case == "large":
                large(Path(name), max(given.rows, 1_000_000))
            else:
                measure(given, given.folder or Path(name), faults=case == "planted")
    print(f"at most {peak_mib():,.0f} MiB in this process", flush=True)


if __name__ == "__main__":
    main()
