"""The report of an audit of a large music catalogue: its seconds and its size.

``python tests/benchmarks/bench_report.py [--rows 1000000]``. Asked are 30 s and 5 MB at a million items. The
map is an island for each genre and language, whose clusters and neighbours are given, as laying it out and
finding those is the time of the run and of HDBSCAN. Two runs of it: the first compiles.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "sample_data")]

from catalogue import write_catalogue  # noqa: E402

from core.quality import map_graph  # noqa: E402
from explorer.model import clusters, stages  # noqa: E402
from explorer.model.audit import audit  # noqa: E402
from explorer.model.drift import drift, times  # noqa: E402
from explorer.model.report import report_of  # noqa: E402
from explorer.model.run import Run, RunParameters, RunStatus  # noqa: E402
from explorer.model.workspace import Workspace  # noqa: E402

COLUMNS = ("genre", "mood", "language", "popularity")
DIMS = 64


def measured(folder: Path, rows: int) -> tuple[float, int, int, int]:
    """Report on a catalogue: seconds, bytes, clusters and findings."""
    folder.mkdir()
    write_catalogue(rows, folder / "songs.parquet", dims=DIMS)
    with Workspace(folder / "workspace") as workspace:
        dataset = workspace.add_dataset(folder / "songs.parquet")
        genre, language = (dataset.items.categories(name) for name in ("genre", "language"))
        pairs = genre.codes * len(language.names) + language.codes
        pairs[(genre.codes < 0) | (language.codes < 0)] = -1
        _, labels = np.unique(pairs, return_inverse=True)
        labels = (labels - (pairs.min() < 0)).astype(np.int32)
        rng = np.random.default_rng(0)
        middles = rng.uniform(-20, 20, size=(labels.max() + 2, 2))
        places = (middles[labels] + rng.normal(0, 0.4, size=(rows, 2))).astype(np.float32)
        run = Run.new(dataset.id, dataset.hash, rows, RunParameters()).with_(status=RunStatus.DONE)
        workspace.save_run(run)
        workspace.save_embedding(run.id, places)
        near, first = map_graph(places, 14), stages.of_run(run)[0]
        workspace.store(first.name, first.key, indices=near.indices, distances=near.distances)
        given = clusters.Clusters(labels, np.ones(rows, np.float32), "given")
        with patch.object(clusters, "find", lambda *_, **__: given):
            found = audit(workspace, run, COLUMNS, truth=("genre",))
        by_time = drift(found.labels, times(dataset.items, "week_added"), "week_added")
        began = time.perf_counter()
        text = report_of(workspace, found, drift=by_time)
        seconds = time.perf_counter() - began
        return seconds, len(text.encode()), len(found.clusters), len(found.findings)


def main() -> None:
    """Print seconds and size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measured(Path(name) / "few", 5_000)
        seconds, size, n_clusters, n_findings = measured(Path(name) / "many", given.rows)
    print(
        f"{given.rows:,} items, {n_clusters:,} clusters, {n_findings:,} findings: "
        f"{seconds:.1f} s, asked 30 s; {size / 1e6:.2f} MB, asked 5 MB",
        flush=True,
    )


if __name__ == "__main__":
    main()
