"""How long an analyst waits for the map, from the event to the repaint in a real Chromium.

    python tests/benchmarks/bench_map.py [--n 1000000] [--rounds 5] [--workspace DIR] [--peer PYTHON]

The data is a random mixture of 60 islands; its finished run is written into the workspace as it is. The
server is a process of its own. With --peer, the Python of an environment with HoloViews, Datashader and
spatialpandas, the same points are shown by `rasterize` and `datashade` with `link_selections` and measured
the same way. Each median is printed as one line of JSON.
"""

import argparse
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.workspace import Workspace
from tests.benchmarks.stream import FLAGS

ISLANDS, CATEGORIES = 60, 50
HERE = Path(__file__).parent

# The map's figure and image, the moment of the last gesture, and promises of the first repaint that fits.
PROBE = """() => {
  const models = [...Bokeh.documents[0]._all_models.values()]
  const source = models.find((m) => m.type === "ColumnDataSource" && m.data.image?.[0]?.length > 1)
  if (!source) { return false }
  const glyph = (m) => m.renderers.some((one) => one.data_source === source)
  const figures = models.filter((m) => m.type === "Figure")
  const plot = figures.find(glyph) ?? figures[0]
  const view = Bokeh.index.find_one_by_id(plot.id)
  // Our frames lie on a canvas of their own, others' are drawn with the figure.
  const painted = () => figures.some(glyph) || view.canvas_view.underlays_el.querySelector("canvas")
  if (!view || !painted()) { return false }
  const probe = {source, plot, frames: 0, at: 0}
  const on = (names, act) => names.forEach((name) => document.addEventListener(name, act, {capture: true}))
  on(["wheel", "pointerup", "pointermove"], (event) => {
    if (event.type !== "pointermove" || !event.buttons) { probe.at = performance.now() }
  })
  source.properties.data.change.connect(() => { probe.frames += 1 })
  probe.fits = () => {
    const {x, dw} = probe.source.data, {start, end} = plot.x_range
    return Math.abs(x[0] - start) + Math.abs(dw[0] - end + start) < 1e-3 * Math.abs(end - start)
  }
  probe.all = function* (selector, root = document) {
    yield* root.querySelectorAll(selector)
    for (const one of root.querySelectorAll("*")) {
      if (one.shadowRoot) { yield* probe.all(selector, one.shadowRoot) }
    }
  }
  probe.deep = (selector) => probe.all(selector).next().value
  // Several tables wait in tabs that are not shown.
  probe.row = () => [...probe.all(".tabulator-row")].find((one) => one.getClientRects().length)?.textContent
  probe.when = (condition) => {
    const began = performance.now(), before = probe.at
    return new Promise((done) => {
      const look = () => {
        if (performance.now() - began > 60000) { return done(null) }
        if (probe.at > before && condition()) {
          return requestAnimationFrame(() => setTimeout(() => done(performance.now() - probe.at), 0))
        }
        requestAnimationFrame(look)
      }
      look()
    })
  }
  window.probe = probe
  return true
}"""
WHERE = """() => {
  const view = Bokeh.index.find_one_by_id(probe.plot.id), frame = view.frame.bbox
  const rect = view.el.getBoundingClientRect(), {x_range, y_range} = probe.plot
  return [rect.left + frame.left, rect.top + frame.top, frame.width, frame.height,
          x_range.start, x_range.end, y_range.start, y_range.end]
}"""


@dataclass
class Subject:
    """A page under measurement.

    Parameters
    ----------
    page : Page
        Open, with the probe in it.
    rounds : int
        How often each gesture is made; the median counts.
    """

    page: Page
    rounds: int

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """The place on the page of a point of the map."""
        left, top, width, height, x0, x1, y0, y1 = self.page.evaluate(WHERE)
        return left + (x - x0) / (x1 - x0) * width, top + (y1 - y) / (y1 - y0) * height

    def middle(self) -> tuple[float, float]:
        """The middle of the map on the page."""
        left, top, width, height, *_ = self.page.evaluate(WHERE)
        return left + width / 2, top + height / 2

    def wait(self, act: Callable[[], object], condition: str) -> float | None:
        """Milliseconds from the last event of a gesture until a condition holds and is painted."""
        self.page.evaluate(f"() => {{ window.waited = probe.when({condition}) }}")
        act()
        waited: float | None = self.page.evaluate("() => window.waited")
        self.page.wait_for_timeout(700)
        return waited

    def zoom(self) -> float | None:
        """Turn the wheel by one notch, in and out again."""
        self.page.mouse.move(*self.middle())
        times = []
        for turn in (-120, 120) * self.rounds:
            self.page.evaluate("() => { probe.was = probe.plot.x_range.start }")
            condition = "() => probe.plot.x_range.start !== probe.was && probe.fits()"
            times.append(self.wait(lambda turn=turn: self.page.mouse.wheel(0, turn), condition))
        return median(times)

    def pan(self) -> float | None:
        """Drag the map by 60 pixels, to and fro; from letting go."""
        x, y = self.middle()
        times = []
        for step in (60, -60) * self.rounds:
            times.append(
                self.wait(lambda step=step: self.drag([(x, y), (x + step, y)]), "() => probe.fits()")
            )
        return median(times)

    def lasso(self, shown: str) -> float | None:
        """Draw a ring of 200 vertices; until a newer image and what counts the selection are there."""
        x, y = self.middle()
        angles, times = np.linspace(0, 2 * np.pi, 201), []
        for turn in range(self.rounds):
            radius = 90 + 15 * turn
            ring = [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in angles]
            self.page.evaluate(f"() => {{ probe.seen = probe.frames; probe.said = ({shown})() }}")
            condition = f"() => probe.frames > probe.seen && ({shown})() !== probe.said"
            times.append(self.wait(lambda ring=ring: self.drag(ring), condition))
        return median(times)

    def drag(self, path: list[tuple[float, float]]) -> None:
        """Drag along a path."""
        mouse = self.page.mouse
        mouse.move(*path[0])
        mouse.down()
        for place in path[1:]:
            mouse.move(*place)
        mouse.up()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--peer", help="python of an environment with HoloViews")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = args.workspace or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        embedding = prepare(folder, args.n)
        found = ours(folder, embedding, args.rounds)
        print(json.dumps({"n": args.n, "who": "UMAP Explorer"} | found), flush=True)
        for way in ("rasterize", "datashade") if args.peer else ():
            print(
                json.dumps({"n": args.n, "who": way} | peer(args.peer, way, folder, args.rounds)), flush=True
            )


def prepare(folder: Path, n: int) -> np.ndarray:
    """Write data and a finished run into a workspace, unless they are there."""
    path = folder / f"map-{n}.npy"
    rng = np.random.default_rng(0)
    island = rng.integers(0, ISLANDS, n)
    spread = rng.uniform(0.2, 1.2, ISLANDS)[island][:, None]
    middle = rng.normal(scale=6, size=(ISLANDS, 2))[island]
    embedding = (middle + spread * rng.normal(size=(n, 2))).astype(np.float32)
    if path.exists():
        return embedding
    numbers = pa.array(np.arange(n)).cast(pa.string())
    items = {
        "group": pa.DictionaryArray.from_arrays(
            pa.array((island % CATEGORIES).astype(np.int32)), [f"group {i}" for i in range(CATEGORIES)]
        ),
        "title": pa.compute.binary_join_element_wise("item", numbers, " "),
        "value": rng.normal(size=n),
    }
    pq.write_table(pa.table(items), folder / f"items-{n}.parquet")
    np.save(folder / f"vectors-{n}.npy", rng.normal(size=(n, 4)).astype(np.float32))
    with Workspace(folder / "workspace") as workspace:
        dataset = workspace.add_dataset(folder / f"vectors-{n}.npy", items=folder / f"items-{n}.parquet")
        run = Run.new(dataset.id, dataset.hash, n, RunParameters())
        done = run.with_(status=RunStatus.DONE, n_epochs=200, epoch=200, seconds={"layout": 1.0})
        workspace.save_embedding(run.id, embedding)
        workspace.save_run(done)
    np.save(folder / f"groups-{n}.npy", (island % CATEGORIES).astype(np.uint8))
    np.save(path, embedding)
    return embedding


def ours(folder: Path, embedding: np.ndarray, rounds: int) -> dict[str, float | None]:
    """Every gesture of the table on our page."""
    n = len(embedding)
    data = ["--items", str(folder / f"items-{n}.parquet"), "--workspace", str(folder / "workspace")]
    command = [
        sys.executable,
        "-m",
        "explorer",
        "serve",
        str(folder / f"vectors-{n}.npy"),
        *data,
        "--no-show",
    ]
    with serving(command) as (url, server), browser() as page, memory(server) as peak:
        with suppress(Exception):  # the first page is for the compilers
            opened(page, url)
        first = statistics.median(opened(page, url) for _ in range(3))
        page.evaluate("() => { probe.live = probe.deep('[aria-live]') }")
        subject = Subject(page, rounds)
        found = {
            "first_picture_s": round(first / 1000, 2),
            "zoom_ms": subject.zoom(),
            "pan_ms": subject.pan(),
        }
        found["hover_ms"] = hover(subject, embedding)
        page.keyboard.press("l")
        page.wait_for_timeout(500)
        found["lasso_ms"] = subject.lasso("() => probe.live.textContent")
        page.keyboard.press("Escape")
        found["colour_ms"] = colour(subject)
        found["sample_ms"] = sample(subject)
        return found | {"server_peak_mib": peak()}


def hover(subject: Subject, embedding: np.ndarray) -> float | None:
    """Point at items far apart; until the tooltip names another one."""
    subject.page.evaluate("() => { probe.tip = probe.deep('.map-tip') }")
    times = []
    for row in range(0, 40 * subject.rounds, 40):
        subject.page.evaluate("() => { probe.said = probe.tip.hidden ? '' : probe.tip.textContent }")
        condition = "() => !probe.tip.hidden && probe.tip.textContent !== probe.said"
        x, y = subject.pixel(*embedding[row].astype(float))
        times.append(subject.wait(lambda x=x, y=y: subject.page.mouse.move(x, y), condition))
    return median(times)


def colour(subject: Subject) -> float | None:
    """Choose density and the column of 50 categories in turn; only the column is timed."""
    page, times = subject.page, []
    page.get_by_role("tab", name="Colour").click()
    for _ in range(subject.rounds):
        for name in ("density of points", "group"):
            page.get_by_role("combobox", name="Colour by").click()
            option = page.get_by_role("menuitem", name=name, exact=True)
            option.wait_for()
            page.evaluate("() => { probe.seen = probe.frames }")
            taken = subject.wait(option.click, "() => probe.frames > probe.seen")
            times += [taken] if name == "group" else []
    return median(times)


def sample(subject: Subject) -> float | None:
    """Draw 1,000 rows at random; until the table shows the first of them."""
    page, times = subject.page, []
    page.get_by_role("tab", name="Sample").click()
    for seed in range(subject.rounds):
        for label, value in ((r"^Size", 1000), (r"^Seed", seed)):
            # A thousand is written anew as the field is entered; what is typed then takes its place.
            page.get_by_role("textbox", name=re.compile(label)).click(click_count=3)
            page.keyboard.type(str(value))
        page.keyboard.press("Tab")
        page.wait_for_timeout(300)
        page.evaluate("() => { probe.said = probe.row() }")
        condition = "() => (probe.row() || probe.said) !== probe.said"
        times.append(subject.wait(page.get_by_role("button", name="Draw").click, condition))
    return median(times)


def peer(python: str, way: str, folder: Path, rounds: int) -> dict[str, float | None]:
    """The gestures HoloViews has, on a page as its user would write it."""
    n = max(int(path.stem.split("-")[1]) for path in folder.glob("map-*.npy"))
    files = [str(folder / f"map-{n}.npy"), str(folder / f"groups-{n}.npy")]
    command = [python, str(HERE / "holoviews_page.py"), way, *files]
    with serving(command) as (url, server), browser() as page, memory(server) as peak:
        with suppress(Exception):
            opened(page, url)
        first = statistics.median(opened(page, url) for _ in range(3))
        subject = Subject(page, rounds)
        found = {
            "first_picture_s": round(first / 1000, 2),
            "zoom_ms": subject.zoom(),
            "pan_ms": subject.pan(),
        }
        page.evaluate(
            "() => { probe.plot.toolbar.tools.find((tool) => /Lasso/.test(tool.type)).active = true }"
        )
        found["lasso_ms"] = subject.lasso("() => probe.frames")
        return found | {"server_peak_mib": peak()}


def opened(page: Page, url: str) -> float:
    """Milliseconds from asking for a page to its first picture."""
    start = time.perf_counter()
    page.goto(url)
    page.wait_for_function(f"() => window.Bokeh && Bokeh.documents.length && ({PROBE})()", timeout=120_000)
    taken = 1000 * (time.perf_counter() - start)
    page.wait_for_timeout(3000)
    return taken


@contextmanager
def serving(command: list[str]) -> Iterator[tuple[str, int]]:
    """Run a server on a free port; yield its address and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([*command, "--port", str(port)], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            with suppress(OSError):
                urllib.request.urlopen(url + "favicon.ico", timeout=5).close()
                break
            time.sleep(0.2)
        time.sleep(3)
        yield url, server.pid
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def browser() -> Iterator[Page]:
    """A Chromium of 1440 × 900."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium.new_page(viewport={"width": 1440, "height": 900})
        chromium.close()


@contextmanager
def memory(pid: int) -> Iterator[Callable[[], int]]:
    """Look at a process all the time; yields what tells the most memory of its own it held, in MiB.

    Files that are mapped, as the vectors are, do not count.
    """
    most, over = 0, threading.Event()

    def look() -> None:
        nonlocal most
        while not over.wait(0.05):
            lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
            most = max(most, *(int(line.split()[1]) // 1024 for line in lines if line.startswith("RssAnon")))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: most
    finally:
        over.set()
        thread.join()


def median(times: list[float | None]) -> float | None:
    """The median of what was reached in time, None if a gesture never was."""
    return None if None in times else round(statistics.median(times))


if __name__ == "__main__":
    main()
