"""How fast the history of a run plays, what it takes on disk, how soon it is told when a cluster formed.

    python tests/benchmarks/play.py [--n 1000000] [--rounds 3] [--workspace DIR]

The run is made up: 60 islands that part from one cloud, kept at the epochs a run of 200 keeps. A real
Chromium is on the page, coloured by a column of 50 categories and then by density. One line of JSON:
megabytes on disk, milliseconds to map and decode a frame, frames painted a second, seconds to find when an
island formed.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[2]))

from explorer.app import App, warm_up_drawing
from explorer.model.history import Keyframe, keyframe_epochs
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.separation import Separation, separation
from explorer.model.workspace import Workspace
from explorer.views.page import Explorer
from explorer.views.turns import soon
from tests.benchmarks.stream import served, until, watching

ISLANDS, CATEGORIES, EPOCHS = 60, 50, 200


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workspace", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        print(json.dumps(measured(args.workspace or Path(scratch), args.n, args.rounds)))


def measured(folder: Path, n: int, rounds: int) -> dict[str, float]:
    """Everything, of one made-up run."""
    with Workspace(folder / "workspace") as workspace:
        run, island = made_up(workspace, folder, n)
        found = {"n": n, "frames": len(workspace.keyframes(run.id)), **on_disk(workspace, run)}
        found["decode_ms"] = decoding(workspace, run)
        found |= asking(workspace, run, island)
        with Runner(workspace) as runner:
            app = App(workspace, runner, workspace.dataset(run.dataset_id))
            warm_up_drawing()
            with served(app) as url:
                for colour in ("group", ""):
                    rates = [playing(app, url, colour) for _ in range(rounds)]
                    found[f"frames_per_s_{colour or 'density'}"] = round(statistics.median(rates), 1)
        return found


def made_up(workspace: Workspace, folder: Path, n: int) -> tuple[Run, np.ndarray]:
    """Write data and a finished run whose islands part; return the run and each row's island."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    island = rng.integers(0, ISLANDS, n)
    middle = rng.normal(scale=6, size=(ISLANDS, 2))[island]
    around = rng.uniform(0.2, 0.7, ISLANDS)[island][:, None] * rng.normal(size=(n, 2))
    group = pa.array((island % CATEGORIES).astype(np.int32))
    names = [f"group {i}" for i in range(CATEGORIES)]
    pq.write_table(
        pa.table({"group": pa.DictionaryArray.from_arrays(group, names)}), folder / "items.parquet"
    )
    np.save(folder / "vectors.npy", rng.normal(size=(n, 4)).astype(np.float32))
    dataset = workspace.add_dataset(folder / "vectors.npy", items=folder / "items.parquet")
    run = Run.new(dataset.id, dataset.hash, n, RunParameters(n_epochs=EPOCHS))
    for epoch in sorted(keyframe_epochs(EPOCHS)):
        embedding = (np.sqrt(epoch / EPOCHS) * middle + around).astype(np.float32)
        workspace.save_keyframe(run.id, epoch, Keyframe.encode(embedding))
    workspace.save_embedding(run.id, embedding)
    costs = tuple((1 + 1 / np.arange(1, EPOCHS + 1)).tolist())
    done = {"status": RunStatus.DONE, "n_epochs": EPOCHS, "epoch": EPOCHS, "costs": costs}
    run = run.with_(**done, seconds={"layout": 1.0})
    workspace.save_run(run)
    return run, island


def on_disk(workspace: Workspace, run: Run) -> dict[str, float]:
    """What the keyframes take, as blocks of the disk."""
    files = (workspace.run_folder(run.id) / "keyframes").iterdir()
    return {"disk_mb": round(sum(512 * path.stat().st_blocks for path in files) / 1e6, 1)}


def decoding(workspace: Workspace, run: Run) -> float:
    """Milliseconds to map a frame and decode it."""
    history, taken = workspace.keyframes(run.id), []
    for frame in range(len(history)):
        start = time.perf_counter()
        history.decode(frame)
        taken.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(taken), 2)


def asking(workspace: Workspace, run: Run, island: np.ndarray) -> dict[str, float]:
    """Seconds to find since when one island stands apart, compiled before."""
    history, found = workspace.keyframes(run.id), Separation((), ())
    for _ in range(2):
        start = time.perf_counter()
        found = separation(island == 0, history)
        taken = time.perf_counter() - start
    return {"formed_s": round(taken, 2), "since": -1 if found.since is None else found.since}


def playing(app: App, url: str, colour: str) -> float:
    """Frames painted a second from the first to the last."""
    before = list(app.pages)
    with watching(url):
        until(lambda: bool(app.pages) and app.pages[-1] not in before)
        explorer = app.pages[-1]
        until(lambda: explorer.map.feed.painted > 0)
        soon(explorer._doc, lambda: explorer.session.param.update(colour_by=colour))
        time.sleep(3)
        return rate(explorer)


def rate(explorer: Explorer) -> float:
    """Play it all; the mean rate."""
    feed, session = explorer.map.feed, explorer.session
    times: list[float] = []
    told = feed.on_painted

    def tell() -> None:
        times.append(time.perf_counter())
        told()

    feed.on_painted = tell
    soon(explorer._doc, lambda: explorer._on_playback({"action": "play"}))
    until(lambda: explorer.playing.at_work)
    until(lambda: not explorer.playing.at_work and feed.idle, 120)
    feed.on_painted = told
    assert session.epoch is None
    assert len(times) >= len(session.epochs)
    return (len(times) - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    main()
