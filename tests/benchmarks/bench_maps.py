"""How long an analyst waits for several maps side by side, from the event to the repaint of the last of them.

    python tests/benchmarks/bench_maps.py [--n 1000000] [--maps 2] [--rounds 5] [--workspace DIR]

The first map is that of `bench_map.py`, those beside it are the same turned, mirrored, grown and shaken. One
line of JSON has medians: of a lasso on the last map until all show what it took, of a turn of the wheel on
the first until all are there, of the mark of an item on the second; and when all figures over them are known.
"""

import argparse
import json
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.workspace import Workspace
from tests.benchmarks.bench_map import Subject, browser, median, memory, opened, prepare, serving

# Every map's own source, and how many frames it got.
PROBE_ALL = """n => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const sources = models.filter((m) => m.type === "ColumnDataSource" && m.data.image?.[0]?.length > 1)
  if (sources.length < n) { return false }
  window.maps = sources.map((source) => {
    const one = {source, frames: 0, seen: 0}
    source.properties.data.change.connect(() => { one.frames += 1 })
    return one
  })
  maps.look = () => { for (const one of maps) { one.seen = one.frames } }
  maps.drawn = () => maps.every((one) => one.frames > one.seen)
  return true
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--maps", type=int, default=2, choices=(2, 3, 4))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workspace", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.workspace or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        embedding = prepare(folder, args.n)
        runs = beside(folder, embedding, args.maps)
        found = measured(folder, args.n, runs, args.rounds)
        print(json.dumps({"n": args.n, "maps": args.maps} | found), flush=True)


def beside(folder: Path, embedding: np.ndarray, maps: int) -> list[str]:
    """The ids of so many finished runs of the data, the first of them that of the map; written if missing."""
    n = len(embedding)
    with Workspace(folder / "workspace") as workspace:
        first = next(run for run in workspace.runs() if run.n == n and run.parameters.seed == 42)
        known = {run.parameters.seed: run.id for run in workspace.runs(first.dataset_id)}
        for seed in range(1, maps):
            if seed in known:
                continue
            turn = np.array([[np.cos(seed), -np.sin(seed)], [np.sin(seed), np.cos(seed)]])
            shaken = embedding + 0.1 * np.random.default_rng(seed).normal(size=(n, 2))
            run = Run.new(first.dataset_id, first.data_hash, n, RunParameters(seed=seed))
            done = run.with_(status=RunStatus.DONE, n_epochs=200, epoch=200, seconds={"layout": 1.0})
            workspace.save_embedding(run.id, ((1 + seed) * shaken * [1, -1] @ turn).astype(np.float32))
            workspace.save_run(done)
            known[seed] = run.id
    return [first.id, *(known[seed] for seed in range(1, maps))]


def measured(folder: Path, n: int, runs: list[str], rounds: int) -> dict[str, float | None]:
    """Every gesture of the line."""
    data = ["--items", str(folder / f"items-{n}.parquet"), "--workspace", str(folder / "workspace")]
    vectors = str(folder / f"vectors-{n}.npy")
    command = [sys.executable, "-m", "explorer", "serve", vectors, *data, "--no-show"]
    with serving(command) as (url, server), browser() as page, memory(server) as peak:
        address = f"{url}?run={runs[0]}&beside={','.join(runs[1:])}"
        with suppress(Exception):  # the first page is for the compilers
            opened(page, address)
        started = time.perf_counter()
        opened(page, address)
        page.wait_for_function(PROBE_ALL, arg=len(runs), timeout=120_000)
        labels = page.locator(".map-label:visible")
        figures = "all => all.length > 0 && all.every(one => !one.textContent.includes('…'))"
        while not labels.evaluate_all(figures):
            page.wait_for_timeout(50)
        figures_s = time.perf_counter() - started
        page.wait_for_timeout(1000)
        subject = Subject(page, rounds)
        page.keyboard.press("l")
        page.wait_for_timeout(500)
        found = {"lasso_ms": lasso(subject, labels.count() - 1)}
        page.keyboard.press("Escape")
        page.wait_for_timeout(1000)
        found |= {"zoom_ms": zoom(subject), "mark_ms": mark(subject)}
        return found | {"figures_s": round(figures_s, 1), "server_peak_mib": peak()}


def lasso(subject: Subject, which: int) -> float | None:
    """Draw rings of 200 vertices on one map; from letting go until all maps show a newer image."""
    page, times = subject.page, []
    x, y = centre(page, which)
    for turn in range(subject.rounds):
        radius = 60 + 12 * turn
        angles = np.linspace(0, 2 * np.pi, 201)
        ring = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]
        page.evaluate("() => maps.look()")
        times.append(subject.wait(lambda ring=ring: subject.drag(ring), "() => maps.drawn()"))
    return median(times)


def zoom(subject: Subject) -> float | None:
    """Turn the wheel by one notch over the first map, in and out; until all maps show a newer image."""
    page, times = subject.page, []
    page.mouse.move(*centre(page, 0))
    for turn in (-120, 120) * subject.rounds:
        page.evaluate("() => maps.look()")
        times.append(subject.wait(lambda turn=turn: page.mouse.wheel(0, turn), "() => maps.drawn()"))
    return median(times)


def mark(subject: Subject) -> float | None:
    """Point at places of the first map; until its item is marked on the second elsewhere than before."""
    page, times = subject.page, []
    x, y = centre(page, 0)
    page.evaluate("() => { probe.mark = [...probe.all('.map-mark')][1] }")
    for step in range(3 * subject.rounds):
        page.evaluate("() => { probe.said = probe.mark.hidden ? '' : probe.mark.style.transform }")
        condition = "() => !probe.mark.hidden && probe.mark.style.transform !== probe.said"
        place = x + 9 * (step % 6) - 27, y + 7 * (step % 5) - 14
        times.append(subject.wait(lambda place=place: page.mouse.move(*place), condition))
    return median(times)


def centre(page: Page, which: int) -> tuple[float, float]:
    """The middle of one of the maps on the page."""
    box = page.locator(".over-map").nth(which).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


if __name__ == "__main__":
    main()
