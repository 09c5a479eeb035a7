"""How long an analyst waits for the wall: 4 × 4 maps of MNIST painted, brushed, and refreshed while two form.

    python tests/benchmarks/bench_wall.py [--rounds 5] [--workspace DIR]

Sixteen runs of 20 epochs are laid out once. Asked for are 1 s from the click to all pictures painted, 300 ms
from the end of a lasso to all repainted, and a picture a second of each run at work. The server is a process
of its own, the browser a real Chromium; one line of JSON is printed.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

sys.path.insert(0, str(Path(__file__).parents[2]))

from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.sweep import Sweep
from explorer.model.workspace import Workspace
from tests.benchmarks.bench_map import browser, memory, serving

MNIST = Path(__file__).parents[2] / "sample_data" / "mnist.parquet"
GRID = Sweep((5, 10, 15, 30), (0.0, 0.1, 0.25, 0.5), base=RunParameters(n_epochs=20))

PROBE = """() => {
  const all = function* (selector, root = document) {
    yield* root.querySelectorAll(selector)
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) { yield* all(selector, one.shadowRoot) }
    }
  }
  // To walk through all of a page takes as long as to paint a picture: once is enough.
  const probe = {at: 0, times: {}}
  probe.wall = () => probe.grid?.isConnected ? probe.grid : (probe.grid = all(".wall-grid").next().value)
  probe.tiles = () => [...probe.wall()?.querySelectorAll(".wall-tile") ?? []]
  probe.canvases = () => probe.tiles().map((tile) => tile.querySelector("canvas"))
  probe.frames = () => probe.canvases().map((one) => Number(one.dataset.frame ?? 0))
  for (const name of ["click", "pointerup"]) {
    document.addEventListener(name, () => { probe.at = performance.now() }, true)
  }
  // All pictures are newer than they were when it was asked for.
  probe.painted = (n) => new Promise((done) => {
    const before = probe.at, since = Math.max(0, ...probe.frames())
    const look = () => {
      const now = probe.frames()
      if (probe.at > before && now.length >= n && now.every((frame) => frame > since)) {
        return requestAnimationFrame(() => setTimeout(() => done(performance.now() - probe.at), 0))
      }
      requestAnimationFrame(look)
    }
    look()
  })
  // When each picture was painted.
  probe.watch = () => {
    const was = new Map()
    const look = () => {
      for (const one of probe.tiles()) {
        const frame = one.querySelector("canvas").dataset.frame
        if (frame && was.get(one.dataset.run) !== frame) {
          was.set(one.dataset.run, frame)
          const working = one.classList.contains("running")
          ;(probe.times[one.dataset.run] ??= []).push([performance.now(), working])
        }
      }
      requestAnimationFrame(look)
    }
    look()
  }
  window.probe = probe
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workspace", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.workspace or Path(scratch)
        n = prepare(folder)
        command = [sys.executable, "-m", "explorer", "serve", str(MNIST), "--workspace", str(folder)]
        with serving([*command, "--layouts", "2", "--no-show"]) as (url, server), browser() as page:
            with memory(server) as peak:
                asked = [hang(page, url) for _ in range(args.rounds + 1)][
                    1:
                ]  # the first is for the compilers
                brushed = [brush(page, turn) for turn in range(args.rounds)]
                gaps, frames = form(page)
            found = {
                "n": n,
                "runs": GRID.count,
                "painted_ms": round(statistics.median(asked)),
                "brushed_ms": round(statistics.median(brushed)),
                "longest_gap_ms": round(max(gaps)),
                "gap_95_ms": round(float(np.quantile(gaps, 0.95))),
                "refreshes_per_s": round(frames, 1),
                "server_peak_mib": peak(),
            }
            print(json.dumps(found), flush=True)


def prepare(folder: Path) -> int:
    """Lay the grid out in a workspace, unless it is there; return the rows."""
    with Workspace(folder) as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(MNIST)
        for run in runner.runs(dataset.id):
            if run.n_epochs != GRID.base.n_epochs:
                runner.delete(run.id)  # of an earlier measurement: the newest sweep is what hangs first
        if len(runner.runs(dataset.id)) < GRID.count:
            for run in runner.start_sweep(dataset, GRID):
                assert runner.wait(run.id).status is RunStatus.DONE
        return dataset.n


def hang(page: Page, url: str) -> float:
    """Milliseconds from the press of the button to sixteen pictures, on a page that was just opened."""
    page.goto(url)
    page.get_by_role("toolbar", name="Map tools").wait_for(timeout=60_000)
    page.wait_for_timeout(3000)
    page.evaluate(PROBE)
    page.evaluate(f"() => {{ window.waited = probe.painted({GRID.count}) }}")
    page.get_by_role("button", name="Wall", exact=True).click()
    taken: float = page.evaluate("() => window.waited")
    page.wait_for_timeout(1000)
    return taken


def brush(page: Page, turn: int) -> float:
    """Milliseconds from the end of a lasso of 60 vertices on one picture to all sixteen repainted."""
    box = page.locator(".wall-tile canvas").nth(turn).bounding_box()
    assert box is not None
    across, down = box["width"], box["height"]
    ring = [
        (box["x"] + across * (0.5 + 0.3 * np.cos(a)), box["y"] + down * (0.5 + 0.3 * np.sin(a)))
        for a in np.linspace(0, 2 * np.pi, 60)
    ]
    page.mouse.move(*ring[0])
    page.mouse.down()
    for place in ring[1:]:
        page.mouse.move(*place)
    page.evaluate(f"() => {{ window.waited = probe.painted({GRID.count}) }}")
    page.mouse.up()
    taken: float = page.evaluate("() => window.waited")
    page.wait_for_timeout(1000)
    return taken


def form(page: Page) -> tuple[list[float], float]:
    """Start two runs that work at once; milliseconds between their pictures, and pictures a second of one."""
    page.locator('select[data-key="sweep"]').select_option("all")
    page.get_by_role("textbox", name="epochs").fill("800")
    page.get_by_role("textbox", name="epochs").press("Tab")
    page.get_by_role("switch", name="Sweep").check()
    for name, value in (("n_neighbors values", "15"), ("min_dist values", "0.05, 0.4"), ("seeds", "42")):
        field = page.get_by_role("textbox", name=name)
        field.fill(value)
        field.press("Tab")
    page.evaluate("() => probe.watch()")
    page.get_by_role("button", name="Run 2 maps").click()
    tiles = page.locator(".wall-tile")
    page.wait_for_function(f"n => probe.canvases().length >= {GRID.count + 2}", timeout=60_000)
    working = page.locator(".wall-tile.running")
    working.first.wait_for(timeout=60_000)
    while working.count() or page.locator(".wall-tile.queued").count():
        page.wait_for_timeout(500)
    assert tiles.count() == GRID.count + 2
    times = page.evaluate("() => probe.times")
    lives = [[at for at, at_work in one if at_work] for one in times.values()]
    lives = [life for life in lives if len(life) > 3]
    assert len(lives) == 2, "two runs were seen at work"
    gaps = [float(gap) for life in lives for gap in np.diff(life)]
    return gaps, statistics.median(1000 * (len(life) - 1) / (life[-1] - life[0]) for life in lives)


if __name__ == "__main__":
    main()
