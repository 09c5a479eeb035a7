"""The wall in the browser: a sweep watched there, one lasso brushing all its maps, a click that enlarges."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from explorer.model.polygon import in_polygon
from explorer.model.run import RunStatus
from explorer.model.wall import Choice, reference
from explorer.views.turns import soon
from explorer.views.wall import WallView
from tests.browser.conftest import Served, fill, said, settle, until

# The pictures as painted: bytes of a canvas, the upper line first.
PAINTED = """() => {
  const found = {}
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.matches(".wall-tile")) {
        const canvas = one.querySelector("canvas"), {width, height} = canvas
        if (width && canvas.dataset.frame) {
          const copy = new OffscreenCanvas(width, height).getContext("2d", {willReadFrequently: true})
          copy.drawImage(canvas, 0, 0)
          found[one.dataset.run] = [...copy.getImageData(0, 0, width, height).data]
        }
      }
      if (one.shadowRoot) { look(one.shadowRoot) }
    }
  }
  look(document)
  return found
}"""


def opacity(page: Page) -> dict[str, np.ndarray]:
    """How opaque each pixel of each picture is: a canvas keeps that to the bit, colours nearly."""
    return {run: np.array(data, np.uint8)[3::4] for run, data in page.evaluate(PAINTED).items()}


def expected(wall: WallView, run_id: str) -> np.ndarray:
    """What the server last sent of a run."""
    return np.frombuffer(wall.pictures[run_id].pixels, np.uint8)[3::4]


def painted(page: Page, wall: WallView) -> bool:
    """Whether every picture in sight is out and on the screen."""
    pictures, over = wall.pictures, reference(wall._wall.runs, wall._session.run_id)
    if not pictures.idle or pictures._out_of_date(pictures._look(over)):
        return False
    shown = opacity(page)
    return bool(shown) and all(np.array_equal(alpha, expected(wall, run)) for run, alpha in shown.items())


def test_a_sweep_is_watched_on_the_wall_and_one_lasso_brushes_it(opened: Page, served: Served) -> None:
    page, explorer = opened, served.explorer
    session, wall, runner = explorer.session, explorer.wall, served.app.runner
    fill(page, "epochs", 300)
    until(lambda: explorer.form.n_epochs.value == 300)
    page.get_by_label("Sweep").check()
    fill(page, "n_neighbors values", "6, 9")
    fill(page, "min_dist values", "0.1, 0.5")
    page.get_by_role("textbox", name="seeds").fill("0-1")
    known = {run.id for run in session.runs}
    page.get_by_role("button", name="Run 8 maps").click()
    page.get_by_role("button", name="Wall", exact=True).click()
    until(lambda: len(session.runs) == len(known) + 8)
    runs = [run for run in session.runs if run.id not in known]
    tiles = page.locator(".wall-tile")
    expect(tiles).to_have_count(8)
    for head in ("n_neighbors 6", "n_neighbors 9", "min_dist 0.1", "min_dist 0.5"):
        expect(page.locator(".wall-grid th", has_text=head)).to_be_visible()
    expect(page.get_by_text("queued, next").first).to_be_visible()
    first = page.locator(".wall-tile canvas[data-frame]").first
    first.wait_for()  # a map that forms
    assert {runner.wait(run.id, timeout=240).status for run in runs} == {RunStatus.DONE}
    expect(page.get_by_text("8 runs done")).to_be_visible()
    until(lambda: painted(page, wall))
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 1920, "height": 1080})
    first, second = (tiles.nth(place) for place in (0, 1))  # the seeds of one cell
    until(lambda: first.bounding_box()["y"] == second.bounding_box()["y"])  # one above the other is smaller
    page.set_viewport_size(size)
    until(lambda: painted(page, wall))

    other = next(run for run in wall._wall.runs if run.id != session.run_id)
    canvas = page.locator(f'.wall-tile[data-run="{other.id}"] canvas')
    canvas.scroll_into_view_if_needed()
    until(lambda: painted(page, wall))
    before = opacity(page)
    box = canvas.bounding_box()
    corners = [(0.2, 0.2), (0.75, 0.15), (0.8, 0.6), (0.3, 0.7)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]

    def drag(path: list[tuple[float, float]]) -> None:
        page.mouse.move(*path[0])
        page.mouse.down()
        for place in path[1:]:
            page.mouse.move(*place, steps=5)

    drag(places)
    expect(page.locator(".wall-lasso")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".wall-lasso")).to_have_count(0)
    page.mouse.up()
    assert (session.selection.count, wall.shown) == (0, True)

    drag(places)
    page.mouse.up()
    until(lambda: session.selection.count > 0)
    (step,) = session.selection.steps
    assert step.run_id == other.id
    inside = in_polygon(session.snapshot(other.id).embedding, step.polygon)
    np.testing.assert_array_equal(session.selection.mask, inside)
    # The polygon is the one that was drawn: its corners are where the pointer turned.
    picture = wall.pictures[other.id]
    view, drawn = picture.viewport, picture.aligned.alignment.apply(np.array(step.polygon))
    shares = [(drawn[:, 0] - view.x0) / (view.x1 - view.x0), (view.y1 - drawn[:, 1]) / (view.y1 - view.y0)]
    for corner in corners:
        assert np.hypot(shares[0] - corner[0], shares[1] - corner[1]).min() < 0.02
    until(lambda: painted(page, wall))
    after = opacity(page)
    seen = [run for run in runs if {run.id} <= before.keys() & after.keys()]
    assert other.id in {run.id for run in seen}
    assert len(seen) > 1
    for run in seen:
        assert not np.array_equal(before[run.id], after[run.id])
        # What is selected stands out, what is not is faint.
        assert after[run.id].max() > 128 > after[run.id][after[run.id] > 0].min()

    page.keyboard.down("Alt")
    drag(places)
    page.mouse.up()
    page.keyboard.up("Alt")
    until(lambda: session.selection.count == 0)
    until(lambda: painted(page, wall))

    canvas.click()
    until(lambda: session.run_id == other.id and not wall.shown)
    expect(page.get_by_role("toolbar", name="Map tools")).to_be_visible()
    settle(page, explorer.map)
    assert explorer.map._on_screen.snapshot.run_id == other.id
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


@pytest.mark.usefixtures("finished")
def test_a_reload_finds_the_wall_and_its_choices_again(opened: Page, served: Served) -> None:
    page, session = opened, served.explorer.session
    button = page.get_by_role("button", name="Wall", exact=True)
    button.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("toolbar", name="Map tools")).to_be_hidden()
    expect(page.locator(".map-row").first).to_be_hidden()
    until(lambda: said(page).get("wall") == "-")
    for name, value in (("sweep", "all"), ("ring", "time"), ("sort", "cost")):
        page.locator(f'select[data-key="{name}"]').select_option(value)
    until(lambda: said(page).get("wall") == "sweep:all,sort:cost,ring:time")
    page.reload()
    until(lambda: served.explorer.session is not session)
    wall = served.explorer.wall
    expect(page.locator('select[data-key="sort"]')).to_have_value("cost")
    until(lambda: painted(page, wall), seconds=120)  # all runs that there are
    costs = [run.cost for run in wall._wall.runs if run.cost is not None]
    assert costs == sorted(costs)
    tile = page.locator(".wall-tile").nth(1)
    run_id = tile.get_attribute("data-run")
    tile.focus()
    page.keyboard.press("Enter")
    until(lambda: served.explorer.session.run_id == run_id)
    until(lambda: "wall" not in said(page))
    expect(page.get_by_role("button", name="Map", exact=True)).to_have_attribute("aria-pressed", "true")


def test_a_lasso_is_drawn_to_its_end_though_the_runs_are_to_hang_elsewhere(
    opened: Page, served: Served, finished: list[str]
) -> None:
    page, session, wall, doc = opened, served.explorer.session, served.explorer.wall, served.explorer._doc

    def hang(rows: str, columns: str) -> None:
        soon(doc, lambda: setattr(wall, "choice", Choice(sweep="all", rows=rows, columns=columns)))
        expect(page.locator('select[data-key="rows"]')).to_have_value(rows)

    page.get_by_role("button", name="Wall", exact=True).click()
    hang("seed", "none")
    across = page.locator(".wall-grid th[scope=col]")
    expect(page.locator(".wall-grid th[scope=row]").first).to_be_visible()
    run_id = finished[0]  # other tests may have left runs without a map
    canvas = page.locator(f'.wall-tile[data-run="{run_id}"] canvas')

    def lasso(halfway: Callable[[], None]) -> None:
        canvas.scroll_into_view_if_needed()
        until(lambda: painted(page, wall))
        box, before = canvas.bounding_box(), session.selection
        places = [
            (box["x"] + x * box["width"], box["y"] + y * box["height"])
            for x, y in ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9))
        ]
        page.mouse.move(*places[0])
        page.mouse.down()
        page.mouse.move(*places[1], steps=4)
        halfway()
        for place in places[2:]:
            page.mouse.move(*place, steps=4)
        page.mouse.up()
        until(lambda: session.selection is not before)
        (step,) = session.selection.steps
        assert step.run_id == run_id
        assert 0 < session.selection.count < session.selection.n
        expect(page.locator(".wall-lasso")).to_have_count(0)

    lasso(lambda: hang("none", "seed"))
    expect(across.first).to_be_visible()
    expect(page.locator(".wall-grid th[scope=row]")).to_have_count(0)
    lasso(lambda: None)
    assert wall.shown
