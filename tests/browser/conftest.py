"""The real app on a real port, and a browser that must stay quiet and at home."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import panel as pn
import pytest
from bokeh.server.server import Server
from bokeh.settings import settings
from playwright.sync_api import BrowserContext, BrowserType, Page, expect

from explorer.app import App, warm_up_drawing
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from explorer.views.camera import START_SIZE
from explorer.views.map_view import MapView
from explorer.views.page import Explorer

SIZE = {"width": 1440, "height": 900}
expect.set_options(timeout=40_000)  # two cores may be shared with other tests, and be slow
# A frame's image as a number: enough to tell two pictures apart.
COUNT_PICTURES = """id => {
  window.pictures = new Set()
  const source = Bokeh.documents[0].get_model_by_id(id)
  source.properties.data.change.connect(() => {
    const image = source.data.image[0]
    let hash = 0
    for (let i = 0; i < image.length; i += 7) { hash = (hash * 31 + image[i]) | 0 }
    window.pictures.add(hash)
  })
}"""

# Where a map's frame lies on the page, its size in pixels, and the bounds it shows.
WHERE = """id => {
  const view = Bokeh.index.find_one_by_id(id), frame = view.frame.bbox
  const rect = view.el.getBoundingClientRect()
  const {x_range, y_range} = view.model
  return [rect.left + frame.left, rect.top + frame.top, frame.width, frame.height,
          x_range.start, x_range.end, y_range.start, y_range.end]
}"""


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for a condition of the server."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the server did not get there in time"
        time.sleep(0.02)


def said(page: Page) -> dict[str, str]:
    """What the page's address says."""
    values = parse_qs(page.evaluate("location.search.slice(1)"))
    return {name: first for name, (first, *_) in values.items()}


def fill(page: Page, label: str, value: int | str) -> None:
    """Type into the field whose label begins so, and leave it."""
    field = page.get_by_role("textbox", name=re.compile(f"^{label}"))
    field.fill(str(value))
    field.press("Tab")


def copied_link(page: Page) -> str:
    """Press the button that copies the link and wait for the clipboard: it tells of it but briefly."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('')")
    page.get_by_role("button", name="Copy link").click()
    until(lambda: page.evaluate("navigator.clipboard.readText()") != "")
    return page.evaluate("navigator.clipboard.readText()")


@dataclass
class Served:
    """The running app and its address."""

    app: App
    url: str

    @property
    def explorer(self) -> Explorer:
        """The page opened last."""
        return self.app.pages[-1]


@contextmanager
def serving(folder: Path, data: Path) -> Iterator[Served]:
    """Serve a workspace in a folder, with a file open, on a free port."""
    workspace = Workspace(folder)
    dataset = workspace.add_dataset(data)
    runner = Runner(workspace)
    app = App(workspace, runner, dataset)
    warm_up_drawing()
    servers: list[Server] = []

    settings.resources = "server"  # as the command line has it

    def listen() -> None:
        server = pn.io.server.get_server(
            {"/": app.page}, address="127.0.0.1", show=False, start=False,
            check_unused_sessions_milliseconds=1_000,
        )  # fmt: skip
        servers.append(server)
        server.start()
        server.io_loop.start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    until(lambda: bool(servers))
    yield Served(app, f"http://127.0.0.1:{servers[0].port}/")
    loop = servers[0].io_loop
    loop.add_callback(loop.stop)
    thread.join(10)
    runner.close()
    workspace.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, mnist_small_path: Path) -> Iterator[Served]:
    """The app on 3,000 digits, shared by the tests of a process."""
    with serving(tmp_path_factory.mktemp("workspace"), mnist_small_path) as app:
        yield app


@pytest.fixture(scope="session")
def profile(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BrowserContext]:
    """A browser that keeps what it compiled of the page's scripts, which takes long."""
    folder = tmp_path_factory.mktemp("profile")
    with browser_type.launch_persistent_context(folder, **browser_type_launch_args) as context:
        yield context


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """The same browser for each test, which leaves no page and no setting to the next."""
    blank = len(profile.pages)
    yield profile
    for page in profile.pages[blank:]:
        if page.url.startswith("http"):
            page.evaluate("localStorage.clear()")
        page.close()
    profile.clear_permissions()
    profile.clear_cookies()


@pytest.fixture
def quiet(page: Page, served: Served) -> Iterator[Page]:
    """A browser's page; a console error or a request that leaves the machine fails the test."""
    faults: list[str] = []
    watch(page, served, faults)
    page.set_viewport_size(SIZE)
    yield page
    assert not faults


@pytest.fixture
def opened(quiet: Page, served: Served) -> Page:
    """The page, open and drawn."""
    show(quiet, served)
    return quiet


@pytest.fixture
def opened_on_run(quiet: Page, served: Served, finished: list[str]) -> Page:
    """The page, open on the first finished run."""
    show(quiet, served, f"?run={finished[0]}")
    return quiet


def watch(page: Page, served: Served, faults: list[str]) -> None:
    """Collect what must not happen in a page."""
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    home = (served.url, served.url.replace("http", "ws", 1), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(home) else faults.append(request.url))


def show(page: Page, served: Served, query: str = "") -> None:
    """Open the app and wait for its map."""
    arrive(page, served, lambda: page.goto(served.url + query))


def arrive(page: Page, served: Served, go: Callable[[], object]) -> None:
    """Go to a page of the app and wait for its map."""
    before = list(served.app.pages)
    go()
    page.get_by_role("toolbar", name="Map tools").wait_for()
    page.get_by_role("application").first.wait_for()  # the map hears the pointer
    until(lambda: served.app.pages != [] and served.explorer not in before)
    until(lambda: served.explorer.map.feed.painted > 0)
    settle(page, served.explorer.map)


def settle(page: Page, view: MapView) -> None:
    """Wait until the browser shows the very viewport that the server draws, and no longer moves it."""
    was: list[float] = []

    def at_rest() -> bool:
        nonlocal was
        page.wait_for_timeout(100)  # a page is laid out anew when words wrap, a legend or a map comes
        now, before, drawn = page.evaluate(WHERE, view.figure.id), was, view.viewport
        was = now
        same = now[2:] == pytest.approx(
            [drawn.width, drawn.height, drawn.x0, drawn.x1, drawn.y0, drawn.y1], rel=1e-6
        )
        return same and now == before

    # A map that has been given its size is fitted to it by the next frame.
    until(lambda: view.viewport.width != START_SIZE[0] and view.feed.idle and at_rest())


@pytest.fixture(scope="session")
def finished(served: Served) -> list[str]:
    """Ids of two finished runs, seeds 0 and 1."""
    from explorer.model.run import RunParameters

    runs = [served.app.runner.start(served.app.dataset, RunParameters(seed=seed)) for seed in (0, 1)]
    return [served.app.runner.wait(run.id, timeout=240).id for run in runs]


@dataclass
class MapOnScreen:
    """Where the points of a map lie on the page."""

    page: Page
    explorer: Explorer
    which: int = 0

    @property
    def view(self):
        return self.explorer.maps[self.which]

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """The place on the page of a point of the map."""
        left, top, width, height, x0, x1, y0, y1 = self.page.evaluate(WHERE, self.view.figure.id)
        return left + (x - x0) / (x1 - x0) * width, top + (y1 - y) / (y1 - y0) * height

    @property
    def corners(self) -> list[tuple[float, float]]:
        """Three corners of what the map shows, a fifth of the way in."""
        shown = self.view.viewport
        across, up = 0.2 * (shown.x1 - shown.x0), 0.2 * (shown.y1 - shown.y0)
        left, right, low, high = shown.x0 + across, shown.x1 - across, shown.y0 + up, shown.y1 - up
        return [(left, low), (right, low), (right, high)]

    def drag(self, corners: list[tuple[float, float]], key: str | None = None) -> None:
        """Drag through points of the map, with a key held."""
        settle(self.page, self.view)
        path = [self.pixel(*corner) for corner in corners]
        if key:
            self.page.keyboard.down(key)
        self.follow(path)
        if key:
            self.page.keyboard.up(key)

    def follow(self, path: list[tuple[float, float]], halfway: Callable[[], None] = lambda: None) -> None:
        """Drag through places of the page, and do something on the way."""
        mouse = self.page.mouse
        mouse.move(*path[0])
        mouse.down()
        for at, place in enumerate(path[1:], 1):
            mouse.move(*place, steps=6)
            if at == len(path) // 2:
                halfway()
        mouse.up()

    def choose(self, tool: str) -> None:
        """Take a tool in hand."""
        bar = self.page.get_by_role("toolbar", name="Map tools")
        bar.get_by_role("button", name=tool, exact=True).click()
