"""An analyst's hour with all of MNIST in one test: open, colour, lasso, filter, sample, export, compare.

It makes README's pictures too, with ``--pictures explorer/assets/screenshots`` after the name of this file.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from playwright.sync_api import Page, expect

from explorer.model.clusters import find
from explorer.model.drawing import redraw
from explorer.model.run import RunParameters
from explorer.model.statistics import CLUSTER
from tests.browser.conftest import SIZE, MapOnScreen, Served, fill, serving, show, until, watch
from tests.browser.test_selection import ask, inside, last_polygon

Take = Callable[..., None]


@pytest.fixture
def mnist(tmp_path: Path, mnist_path: Path) -> Iterator[Served]:
    """The app on all 70,000 digits with a finished run of seed 0."""
    with serving(tmp_path / "workspace", mnist_path) as served:
        runner = served.app.runner
        runner.wait(runner.start(served.app.dataset, RunParameters(seed=0)).id, timeout=240)
        yield served


@pytest.fixture
def walker(page: Page, mnist: Served) -> Iterator[Page]:
    """A browser on that app that must stay quiet and at home."""
    faults: list[str] = []
    watch(page, mnist, faults)
    page.set_viewport_size(SIZE)
    show(page, mnist)
    yield page
    assert not faults


@pytest.fixture
def take(walker: Page, tmp_path: Path, request: pytest.FixtureRequest) -> Take:
    """Takes a picture of the page at rest, by its name."""
    folder = request.config.getoption("--pictures") or tmp_path
    folder.mkdir(parents=True, exist_ok=True)

    def picture(name: str, rest: float = 1500) -> None:
        walker.mouse.move(720, 890)
        walker.wait_for_timeout(rest)
        walker.screenshot(path=folder / f"{name}.png")

    return picture


def tab(page: Page, name: str) -> None:
    """Open a tab of the inspector."""
    page.get_by_role("tab", name=name).click()
    expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")


def colour(page: Page, served: Served, name: str, column: str) -> None:
    """Colour by what the menu calls so."""
    tab(page, "Colour")
    page.get_by_role("combobox", name="Colour by").click()
    page.get_by_role("menuitem", name=name, exact=True).click()
    until(lambda: served.explorer.session.colour_by == column)


@pytest.mark.timeout(600)
def test_from_a_file_to_a_sample_and_its_export(
    walker: Page, mnist: Served, take: Take, tmp_path: Path
) -> None:
    page, explorer = walker, mnist.explorer
    session, workspace = explorer.session, mnist.app.workspace
    first = session.run_id
    digit = session.dataset.items.numbers("digit").astype(int)
    split = np.array(
        session.dataset.items.fetch(np.arange(session.dataset.n), ["split"])["split"].to_pylist()
    )
    embedding = session.shown(first).embedding

    # Open, and colour.
    expect(page.get_by_role("application", name="Map of 70,000 items")).to_be_visible()
    colour(page, mnist, "digit", "digit")
    take("dark")
    page.get_by_role("button", name="Toggle theme").click()
    take("light")
    page.get_by_role("button", name="Toggle theme").click()
    colour(page, mnist, "cluster (of this map)", CLUSTER)
    expect(page.get_by_role("button", name="cluster 0")).to_be_visible(timeout=120_000)
    clusters = find(workspace, session.run(first)).labels
    expect(page.get_by_role("button", name=re.compile(f"^noise.*{(clusters == -1).sum():,}"))).to_be_visible()
    take("clusters")
    colour(page, mnist, "digit", "digit")

    # Lasso the island of the 4s.
    on_screen = MapOnScreen(page, explorer)
    on_screen.choose("Lasso")
    low, high = np.percentile(embedding[digit == 4], [3, 97], axis=0)
    angles = np.linspace(0, 2 * np.pi, 49)
    ring = (low + high) / 2 + 0.58 * (high - low) * np.column_stack([np.cos(angles), np.sin(angles)])
    on_screen.drag([(float(x), float(y)) for x, y in ring])
    until(lambda: session.selection.count > 0)
    lassoed = inside(embedding, last_polygon(mnist))
    np.testing.assert_array_equal(session.selection.rows, lassoed)
    expect(page.get_by_text(f"{len(lassoed):,} selected").first).to_be_visible()
    take("selected")

    # Refine by a filter.
    tab(page, "Selection")
    ask(page, "digit <> 4 AND split = 'train'", "Keep only")
    refined = lassoed[(digit[lassoed] != 4) & (split[lassoed] == "train")]
    until(lambda: session.selection.count == len(refined))
    np.testing.assert_array_equal(session.selection.rows, refined)
    assert len(refined) > 24

    # Sample, and look at one of the sample.
    tab(page, "Sample")
    fill(page, "Size", 24)
    page.get_by_role("button", name="Draw").click()
    page.locator(".tabulator-row img").first.wait_for()
    sampled = session.sample.rows
    assert len(sampled) == 24
    assert set(sampled) <= set(refined)
    take("sample")
    session_row = int(sampled[0])
    page.locator('.tabulator-row [tabulator-field="row_id"]').first.click()
    until(lambda: session.pinned == session_row)
    page.locator(".near-row").first.wait_for()
    take("item")

    # Export: the file holds the sample, and its manifest draws it again.
    tab(page, "Sample")
    for button, name in (("CSV", "sample.csv"), ("Manifest", "manifest.json")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        download.value.save_as(tmp_path / name)
    np.testing.assert_array_equal(pyarrow.csv.read_csv(tmp_path / "sample.csv")["row_id"], sampled)
    _, again = redraw(json.loads((tmp_path / "manifest.json").read_text()), workspace)
    np.testing.assert_array_equal(again.sample.rows, sampled)

    # Doubt: another seed, watched while it forms, then beside the first with the selection back in both.
    tab(page, "Item")
    page.get_by_role("button", name="Unpin").click()
    tab(page, "Sample")
    page.get_by_role("button", name="Clear").click()
    tab(page, "Colour")
    page.keyboard.press("Escape")
    until(lambda: session.selection.count == 0)
    fill(page, "seed", 1)
    until(lambda: explorer.form.seed.value == 1)
    page.get_by_role("button", name="Run", exact=True).click()
    until(lambda: session.run_id != first)
    second = session.run_id
    until(lambda: mnist.app.runner.progress(second).epoch > 40, 120)
    take("running", 0)
    mnist.app.runner.wait(second, timeout=240)
    page.get_by_role("button", name="Undo the last change").click()
    until(lambda: session.selection.count == len(refined))
    page.get_by_role("button", name="Undo the last change").click()
    until(lambda: session.selection.count == len(lassoed))
    np.testing.assert_array_equal(session.selection.rows, lassoed)
    page.locator(f'[data-run="{first}"] .run-beside').click()
    until(lambda: session.beside_ids == (first,))
    expect(page.get_by_text("selected in both")).to_be_visible()
    faithful = page.locator(".map-label", has_text=re.compile(r"trust\s0\.9"))
    expect(faithful).to_have_count(2, timeout=120_000)
    take("side-by-side")
