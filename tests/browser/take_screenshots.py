"""Make the pictures of README from the shipped MNIST: running, dark, light, selected, side by side.

python tests/browser/take_screenshots.py [--to explorer/assets/screenshots]
"""

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

from explorer.app import App, warm_up_drawing
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from tests.benchmarks.stream import FLAGS, served, until

CORNER = """id => {
  const box = Bokeh.index.find_one_by_id(id).el.getBoundingClientRect()
  return [box.left, box.top]
}"""
ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Drive the page and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workspace", type=Path, default=Path(tempfile.gettempdir()) / "umap-explorer-pictures"
    )
    parser.add_argument("--to", type=Path, default=ROOT / "explorer" / "assets" / "screenshots")
    args = parser.parse_args()
    args.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder)) as (app, page):
        take(app, page, args.to)


@contextmanager
def opened(folder: Path) -> Iterator[tuple[App, Page]]:
    """The app on MNIST with a finished run of seed 0, in a browser."""
    workspace = Workspace(folder)
    dataset = workspace.add_dataset(ROOT / "sample_data" / "mnist.parquet")
    runner = Runner(workspace)
    warm_up_drawing()
    runner.wait(runner.start(dataset, RunParameters(seed=0)).id)
    app = App(workspace, runner, dataset)
    with served(app) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        until(lambda: bool(app.pages) and app.pages[-1].map.feed.painted > 0)
        yield app, page
        browser.close()
    runner.close()


def take(app: App, page: Page, folder: Path) -> None:
    """Walk through the page and take a picture at each stop."""
    explorer = app.pages[-1]
    session = explorer.session
    first = session.run_id
    shot(page, folder, "dark")
    page.get_by_role("button", name="Toggle theme").click()
    shot(page, folder, "light")
    page.get_by_role("button", name="Toggle theme").click()

    explorer._doc.add_next_tick_callback(lambda: session.start(RunParameters(seed=1)))
    page.mouse.move(720, 890)
    until(lambda: session.run_id != first and app.runner.progress(session.run_id).epoch > 40)
    page.screenshot(path=folder / "running.png")
    second = app.runner.wait(session.run_id).id

    explorer._doc.add_next_tick_callback(lambda: session.look_at(first))
    until(lambda: session.run_id == first)
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Lasso").click()
    page.wait_for_timeout(1000)
    ring(page, explorer)
    until(lambda: session.selection.count > 0)
    shot(page, folder, "selected")
    page.get_by_role("tab", name="Sample").click()
    page.get_by_role("button", name="Draw").click()
    page.locator(".tabulator-row img").first.wait_for()
    shot(page, folder, "sample")
    page.get_by_role("tab", name="Selection").click()
    page.locator(f'[data-run="{second}"] .run-beside').click()
    until(lambda: session.beside_id == second)
    shot(page, folder, "side-by-side")


def ring(page: Page, explorer) -> None:
    """Draw a lasso around the island of the digits 4."""
    session, view = explorer.session, explorer.map.viewport
    island = session.shown(session.run_id).embedding[session.categories("digit").codes == 4]
    left, top = page.evaluate(CORNER, explorer.map.figure.id)
    low, high = np.percentile(island, [3, 97], axis=0)
    angles = np.linspace(0, 2 * np.pi, 49)
    places = (low + high) / 2 + 0.58 * (high - low) * np.column_stack([np.cos(angles), np.sin(angles)])
    across = left + (places[:, 0] - view.x0) / view.unit
    down = top + (view.y1 - places[:, 1]) / view.unit
    page.mouse.move(across[0], down[0])
    page.mouse.down()
    for place in zip(across[1:], down[1:], strict=True):
        page.mouse.move(*place)
    page.mouse.up()


def shot(page: Page, folder: Path, name: str) -> None:
    """Let the page settle and take its picture."""
    page.mouse.move(720, 890)
    page.wait_for_timeout(2000)
    page.screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    main()
