"""Gestures on the map select exactly the rows a reference polygon test selects."""

import time
from collections.abc import Callable

import matplotlib.path
import numpy as np
import pyarrow as pa
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.statistics import CLUSTER
from explorer.model.water_level import Level
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, said, settle, show, until


@pytest.fixture
def on_screen(opened_on_run: Page, served: Served) -> MapOnScreen:
    settle(opened_on_run, served.explorer.map)
    return MapOnScreen(opened_on_run, served.explorer)


def around_digit(on_screen: MapOnScreen, digit: int, radius: float = 1.5) -> list[tuple[float, float]]:
    """Draw a ring around the middle of a digit's island, cut off where the screen ends."""
    settle(on_screen.page, on_screen.view)
    session, view = on_screen.explorer.session, on_screen.view.viewport
    embedding = session.shown(on_screen.view.run_id).embedding
    x, y = np.median(embedding[session.categories("digit").codes == digit], axis=0)
    angles, rim = np.linspace(0, 2 * np.pi, 12), 4 * view.unit
    across = np.clip(x + radius * np.cos(angles), view.x0 + rim, view.x1 - rim)
    up = np.clip(y + radius * np.sin(angles), view.y0 + rim, view.y1 - rim)
    return list(zip(across.tolist(), up.tolist(), strict=True))


def last_polygon(served: Served) -> np.ndarray:
    return np.array(served.explorer.session.selection.steps[-1].polygon)


def inside(embedding: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    return np.flatnonzero(matplotlib.path.Path(polygon).contains_points(embedding))


def test_a_lasso_selects_the_rows_inside_its_polygon(on_screen: MapOnScreen, served: Served) -> None:
    session = served.explorer.session
    on_screen.choose("Lasso")
    drawn = around_digit(on_screen, 0)
    on_screen.drag(drawn)
    until(lambda: session.selection.count > 0)
    polygon = last_polygon(served)
    np.testing.assert_allclose(polygon.min(0), np.min(drawn, axis=0), atol=0.1)
    np.testing.assert_allclose(polygon.max(0), np.max(drawn, axis=0), atol=0.1)
    expected = inside(session.shown(session.run_id).embedding, polygon)
    np.testing.assert_array_equal(session.selection.rows, expected)
    expect(on_screen.page.get_by_text(f"{len(expected):,}", exact=True).first).to_be_visible()


def test_shift_adds_alt_subtracts_escape_clears_and_undo_brings_back(
    on_screen: MapOnScreen, served: Served
) -> None:
    session, page = served.explorer.session, on_screen.page
    on_screen.choose("Lasso")
    on_screen.drag(around_digit(on_screen, 0))
    until(lambda: session.selection.count > 0)
    first = session.selection.mask.copy()
    embedding = session.shown(session.run_id).embedding

    on_screen.drag(around_digit(on_screen, 1), "Shift")
    until(lambda: len(session.selection.steps) == 2)
    second = np.isin(np.arange(len(embedding)), inside(embedding, last_polygon(served)))
    np.testing.assert_array_equal(session.selection.mask, first | second)

    on_screen.drag(around_digit(on_screen, 0, 0.7), "Alt")
    until(lambda: len(session.selection.steps) == 3)
    third = np.isin(np.arange(len(embedding)), inside(embedding, last_polygon(served)))
    assert third.any()
    np.testing.assert_array_equal(session.selection.mask, (first | second) & ~third)

    page.keyboard.press("Escape")
    until(lambda: session.selection.count == 0)
    page.keyboard.press("Control+z")
    until(lambda: session.selection.count > 0)
    np.testing.assert_array_equal(session.selection.mask, (first | second) & ~third)
    page.keyboard.press("Control+z")
    until(lambda: len(session.selection.steps) == 2)
    page.keyboard.press("Control+Shift+Z")
    until(lambda: len(session.selection.steps) == 3)


def test_a_tool_is_in_hand_before_the_server_hears_of_it(on_screen: MapOnScreen, served: Served) -> None:
    session, page, view = served.explorer.session, on_screen.page, on_screen.view
    embedding, shown = session.shown(session.run_id).embedding, view.viewport
    path = [on_screen.pixel(*corner) for corner in around_digit(on_screen, 0)]

    def drag_at_once(take: Callable[[], None], path: list[tuple[float, float]]) -> None:
        soon(served.explorer._doc, lambda: time.sleep(1))
        take()
        on_screen.follow(path)

    drag_at_once(lambda: page.keyboard.press("l"), path)
    until(lambda: [step.kind for step in session.selection.steps] == ["lasso"])
    np.testing.assert_array_equal(session.selection.rows, inside(embedding, last_polygon(served)))
    drag_at_once(lambda: on_screen.choose("Box"), path[:7])
    until(lambda: [step.kind for step in session.selection.steps] == ["box"])
    low, high = last_polygon(served)
    within = ((low <= embedding) & (embedding <= high)).all(1)
    np.testing.assert_array_equal(session.selection.rows, np.flatnonzero(within))
    assert session.selection.count > 0
    assert view.viewport == shown
    drag_at_once(lambda: on_screen.choose("Pan"), path[:7])
    until(lambda: view.viewport != shown)
    assert [step.kind for step in session.selection.steps] == ["box"]


def test_a_drag_ends_with_the_tool_it_began_with(on_screen: MapOnScreen, served: Served) -> None:
    session, page, view = served.explorer.session, on_screen.page, on_screen.view
    shown, ring = view.viewport, around_digit(on_screen, 0)
    path = [on_screen.pixel(*corner) for corner in ring]

    def moved() -> list[float]:
        return [shown.x0 - view.viewport.x0, shown.y0 - view.viewport.y0]

    way = (np.array(ring[6]) - ring[0]).tolist()
    on_screen.follow(path[:7], lambda: page.keyboard.press("l"))
    until(lambda: moved() == pytest.approx(way, abs=shown.unit))
    expect(page.get_by_role("button", name="Lasso", exact=True)).to_have_attribute("aria-pressed", "true")
    on_screen.follow(path, lambda: page.keyboard.press("p"))
    until(lambda: [step.kind for step in session.selection.steps] == ["lasso"])
    embedding = session.shown(session.run_id).embedding
    np.testing.assert_array_equal(session.selection.rows, inside(embedding, last_polygon(served)))
    assert moved() == pytest.approx(way, abs=shown.unit)
    selected = session.selection
    on_screen.follow(path[6::-1])
    until(lambda: moved() == pytest.approx([0, 0], abs=2 * shown.unit))
    assert session.selection is selected


def test_a_drag_may_rest_before_it_moves(on_screen: MapOnScreen, served: Served) -> None:
    session, mouse = served.explorer.session, on_screen.page.mouse
    on_screen.choose("Lasso")
    path = [on_screen.pixel(*corner) for corner in around_digit(on_screen, 0)]
    mouse.move(*path[0])
    mouse.down()
    on_screen.page.wait_for_timeout(600)
    for place in path[1:]:
        mouse.move(*place, steps=3)
    mouse.up()
    until(lambda: session.selection.count > 0)
    embedding = session.shown(session.run_id).embedding
    np.testing.assert_array_equal(session.selection.rows, inside(embedding, last_polygon(served)))
    assert session.pinned is None


def test_a_click_is_of_the_tool_it_was_made_with(on_screen: MapOnScreen, served: Served) -> None:
    session, page = served.explorer.session, on_screen.page
    soon(served.explorer._doc, lambda: setattr(session, "colour_by", CLUSTER))
    until(lambda: session.shows_clusters and bool(session.categories(CLUSTER).names))
    settle(page, on_screen.view)
    found, points = session.categories(CLUSTER), session.shown(session.run_id).embedding.tolist()
    place = on_screen.pixel(*next(x for x in points if found.codes[on_screen.view.row_at(*x)] != found.noise))
    page.keyboard.press("l")
    page.mouse.click(*place)
    page.keyboard.press("p")
    until(lambda: session.selection.count > 0)
    assert [step.kind for step in session.selection.steps] == ["categories"]
    assert session.pinned is None
    page.wait_for_timeout(600)  # a second click sooner would be a double-click
    page.mouse.click(*place)
    page.keyboard.press("l")
    until(lambda: session.pinned is not None)
    assert len(session.selection.steps) == 1


def test_escape_gives_up_a_drag_and_leaves_the_selection(on_screen: MapOnScreen, served: Served) -> None:
    session, page, doc = served.explorer.session, on_screen.page, served.explorer._doc
    soon(doc, lambda: session.select_category("digit", 4))
    until(lambda: session.selection.count > 0)
    fours, band = (
        session.selection.mask,
        """([id, shown]) =>
      Bokeh.index.find_one_by_id(id).model.toolbar.active_drag.overlay.visible === shown""",
    )
    for tool in ("Box", "Lasso"):
        on_screen.choose(tool)
        path = [on_screen.pixel(*corner) for corner in around_digit(on_screen, 0)]
        page.mouse.move(*path[0])
        page.mouse.down()
        for place in path[1:6]:
            page.mouse.move(*place, steps=3)
        page.wait_for_function(band, arg=[on_screen.view.figure.id, True])
        page.keyboard.press("Escape")
        page.wait_for_function(band, arg=[on_screen.view.figure.id, False])
        for place in path[6:]:
            page.mouse.move(*place, steps=3)
        assert page.evaluate(band, [on_screen.view.figure.id, False])
        page.mouse.up()
    # Events come in their order: whatever those drags did is there with what the next one adds.
    on_screen.drag(around_digit(on_screen, 1), "Shift")
    until(lambda: session.selection.steps[-1].kind == "lasso")
    assert [step.kind for step in session.selection.steps] == ["categories", "lasso"]
    added = inside(session.shown(session.run_id).embedding, last_polygon(served))
    np.testing.assert_array_equal(session.selection.rows, np.union1d(np.flatnonzero(fours), added))
    page.keyboard.press("Escape")
    until(lambda: session.selection.count == 0)


def test_the_keys_held_count_for_what_is_on_the_screen(on_screen: MapOnScreen, served: Served) -> None:
    session, page = served.explorer.session, on_screen.page
    page.keyboard.press("s")
    until(lambda: session.selection.count > 0)
    for keys, mode in (("Shift+s", "union"), ("Alt+s", "subtract"), ("Shift+Alt+s", "intersect")):
        before = len(session.selection.steps)
        page.keyboard.press(keys)
        until(lambda before=before: len(session.selection.steps) > before)
        assert session.selection.steps[-1].mode == mode
    assert session.selection.count == 0


def test_a_box_selects_the_rows_between_its_corners(on_screen: MapOnScreen, served: Served) -> None:
    session = served.explorer.session
    corners = np.array(around_digit(on_screen, 6))
    low, high = corners.min(0), corners.max(0)
    on_screen.choose("Box")
    on_screen.drag([tuple(low), tuple(high)])
    until(lambda: session.selection.count > 0)
    (x0, y0), (x1, y1) = last_polygon(served).min(0), last_polygon(served).max(0)
    x, y = session.shown(session.run_id).embedding.T
    np.testing.assert_allclose([x0, y0, x1, y1], [*low, *high], atol=0.1)
    np.testing.assert_array_equal(session.selection.mask, (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1))


def test_the_composition_counts_the_digits_selected(on_screen: MapOnScreen, served: Served) -> None:
    session, page = served.explorer.session, on_screen.page
    on_screen.choose("Lasso")
    on_screen.drag(around_digit(on_screen, 1))
    until(lambda: session.selection.count > 0)
    codes = session.categories("digit").codes[session.selection.rows]
    counts = np.bincount(codes, minlength=10)
    most = int(counts.argmax())
    total = int((session.categories("digit").codes == most).sum())
    row = page.get_by_role("list", name="Composition by digit").get_by_role("button").first
    expect(row).to_contain_text(f"{counts[most]} / {total}")


def test_zoom_pan_and_reset_change_what_is_drawn(on_screen: MapOnScreen, served: Served) -> None:
    view, page = on_screen.view, on_screen.page
    until(lambda: view.viewport.width > 0)
    whole = view.viewport
    painted = view.feed.painted
    place = whole.x0 + 0.4 * (whole.x1 - whole.x0), whole.y0 + 0.3 * (whole.y1 - whole.y0)
    cursor = on_screen.pixel(*place)
    page.mouse.move(*cursor)

    def scroll() -> bool:
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(500)
        return view.viewport.unit < 0.9 * whole.unit

    until(scroll)
    until(lambda: view.feed.painted > painted)
    page.wait_for_timeout(1000)
    zoomed = view.viewport
    assert on_screen.pixel(*place) == pytest.approx(cursor, abs=1)
    assert zoomed.unit == pytest.approx((zoomed.y1 - zoomed.y0) / zoomed.height, rel=1e-3)
    middle = ((zoomed.x0 + zoomed.x1) / 2, (zoomed.y0 + zoomed.y1) / 2)
    on_screen.drag([middle, (middle[0] + 20 * zoomed.unit, middle[1])])
    until(lambda: view.viewport.x0 < zoomed.x0 - 10 * zoomed.unit)
    page.get_by_role("button", name="Show the whole map").click()
    until(lambda: abs(view.viewport.unit - whole.unit) < 0.25 * whole.unit)


def test_one_selection_is_drawn_in_two_maps_side_by_side(
    on_screen: MapOnScreen, served: Served, finished: list[str]
) -> None:
    session, page = served.explorer.session, on_screen.page
    page.locator(f'[data-run="{finished[1]}"] .run-beside').click()
    until(lambda: session.beside_ids == (finished[1],) and len(served.explorer.maps) == 2)
    beside = served.explorer.maps[1]
    until(lambda: beside.feed.painted > 0)
    expect(page.get_by_text("disparity 0.")).to_be_visible()
    settle(page, served.explorer.map)
    settle(page, beside)
    first, second = served.explorer.map.feed.painted, beside.feed.painted
    on_screen.choose("Lasso")
    other = MapOnScreen(page, served.explorer, 1)
    other.drag(around_digit(other, 0))
    until(lambda: session.selection.count > 0)
    until(lambda: served.explorer.map.feed.painted > first and beside.feed.painted > second)
    own = served.app.workspace.embedding(finished[1])
    np.testing.assert_array_equal(session.selection.rows, inside(own, last_polygon(served)))
    expect(page.get_by_text("selected in both")).to_be_visible()


def inspect(page: Page) -> None:
    """Open the inspector's Selection."""
    page.get_by_role("tab", name="Selection").click()


def ask(page: Page, condition: str, way: str = "Replace") -> None:
    """Write a condition and press Enter."""
    if page.get_by_role("combobox", name="Enter will").inner_text().strip() != way:
        page.get_by_role("combobox", name="Enter will").click()
        page.get_by_role("menuitem", name=way, exact=True).click()
    field = page.get_by_role("textbox", name="Condition in SQL")
    field.fill(condition)
    field.press("Enter")


def alert(page: Page, sentence: str) -> Locator:
    """A fault told on the page."""
    return page.get_by_role("alert").filter(has_text=sentence)


def test_a_condition_selects_the_rows_it_holds_of(
    on_screen: MapOnScreen, served: Served, mnist_small_table: pa.Table
) -> None:
    session, page = served.explorer.session, on_screen.page
    digit = mnist_small_table["digit"].to_numpy()
    test = np.array(mnist_small_table["split"].to_pylist()) == "test"
    inspect(page)
    ask(page, "digit = 4 AND split = 'test'")
    until(lambda: session.selection.count > 0)
    expected = (digit == 4) & test
    np.testing.assert_array_equal(session.selection.mask, expected)
    for way, condition, change in (
        ("Add", "digit = 9", lambda mask: mask | (digit == 9)),
        ("Subtract", "split <> 'test'", lambda mask: mask & test),
        ("Keep only", "digit > 4", lambda mask: mask & (digit > 4)),
    ):
        before = len(session.selection.steps)
        ask(page, condition, way)
        until(lambda before=before: len(session.selection.steps) > before)
        expected = change(expected)
        np.testing.assert_array_equal(session.selection.mask, expected)
    assert session.selection.steps[0].condition == "digit = 4 AND split = 'test'"
    page.get_by_role("button", name="Invert").focus()
    page.keyboard.press("Control+z")
    until(lambda: len(session.selection.steps) == 3)


def test_a_condition_that_is_none_is_told_and_changes_nothing(on_screen: MapOnScreen, served: Served) -> None:
    session, page = served.explorer.session, on_screen.page
    inspect(page)
    ask(page, "digit = 4")
    until(lambda: session.selection.count > 0)
    before = session.selection
    ask(page, "digt = 5")
    expect(alert(page, 'did you mean "digit"?')).to_be_visible(timeout=20_000)
    ask(page, "split = '<img src=x onerror=alert(1)>' AND")
    expect(alert(page, "cannot be read")).to_be_visible(timeout=20_000)
    ask(page, "read_csv('/etc/passwd') IS NULL")
    expect(alert(page, "cannot call read_csv()")).to_be_visible(timeout=20_000)
    assert session.selection is before
    ask(page, "digit = 4", "Keep only")
    until(lambda: session.selection is not before)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_water_level_draws_shores_and_a_click_selects_a_region(
    on_screen: MapOnScreen, served: Served
) -> None:
    session, page, lines = served.explorer.session, on_screen.page, served.explorer.map.water
    inspect(page)
    assert lines.source.data["xs"] == []
    page.get_by_label("Density level").check()
    until(lambda: len(lines.source.data["xs"]) > 0)
    level = session.water_level(session.run_id)
    np.testing.assert_allclose(lines.source.data["xs"][0], level.outlines()[0][:, 0])

    page.get_by_role("button", name="Select everything above").click()
    until(lambda: session.selection.count > 0)
    np.testing.assert_array_equal(session.selection.mask, level.above())

    embedding = session.snapshot(session.run_id).embedding
    digits, density = session.categories("digit").codes, at_points(level, embedding)
    densest = [embedding[np.argmax(np.where(digits == digit, density, -1))].tolist() for digit in (0, 1)]
    page.mouse.click(*on_screen.pixel(*densest[0]))
    until(lambda: session.selection.steps[-1].kind == "region")
    first = session.selection
    np.testing.assert_array_equal(first.mask, level.region(*first.steps[0].point))
    np.testing.assert_allclose(first.steps[0].point, densest[0], atol=2 * served.explorer.map.viewport.unit)
    assert 0 < first.count < level.count

    page.keyboard.down("Shift")
    page.mouse.click(*on_screen.pixel(*densest[1]))
    page.keyboard.up("Shift")
    until(lambda: len(session.selection.steps) == 2)
    second = level.region(*session.selection.steps[1].point)
    np.testing.assert_array_equal(session.selection.mask, first.mask | second)

    page.get_by_role("button", name="Select everything above").click(modifiers=["Alt"])
    until(lambda: len(session.selection.steps) == 3)
    assert session.selection.steps[-1].mode == "subtract"
    assert session.selection.count == 0

    page.get_by_label("Density level").uncheck()
    until(lambda: len(lines.source.data["xs"]) == 0)
    page.mouse.click(*on_screen.pixel(*densest[0]))
    page.wait_for_timeout(300)
    assert len(session.selection.steps) == 3


def at_points(level: Level, embedding: np.ndarray) -> np.ndarray:
    """The smoothed density at each point."""
    grid = level.density
    cells = ((embedding - [grid.x0, grid.y0]) / grid.cell).astype(int)
    return grid.smooth[cells[:, 1], cells[:, 0]]


def test_the_water_follows_its_slider(on_screen: MapOnScreen, served: Served) -> None:
    session, page, lines = served.explorer.session, on_screen.page, served.explorer.map.water
    inspect(page)
    page.get_by_label("Density level").check()
    until(lambda: len(lines.source.data["xs"]) > 0)
    slider = page.get_by_role("slider", name="Items above the level")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    until(lambda: session.water == pytest.approx(0.57))
    expected = [line[:, 1] for line in session.water_level(session.run_id).outlines()]

    def drawn() -> bool:
        shown = lines.source.data["ys"]
        return len(shown) == len(expected) and all(map(np.array_equal, shown, expected))

    until(drawn)


def test_a_saved_selection_is_restored_combined_renamed_and_outlives_the_page(
    on_screen: MapOnScreen, served: Served, finished: list[str]
) -> None:
    session, page = served.explorer.session, on_screen.page
    digit = session.categories("digit").codes
    hostile = "<img src=x onerror=alert(1)>"

    def save(name: str) -> None:
        field = page.get_by_role("textbox", name="Save selection as")
        field.fill(name)
        field.press("Enter")

    inspect(page)
    ask(page, "digit = 1")
    until(lambda: session.selection.count > 0)
    save("ones")
    page.get_by_role("button", name="Select ones").wait_for()
    expect(page.get_by_role("textbox", name="Save selection as")).to_have_value("")
    ask(page, "digit IN (1, 7)")
    until(lambda: session.selection.steps[0].condition == "digit IN (1, 7)")
    save("ONES")
    expect(alert(page, "called 'ONES' already")).to_be_visible(timeout=20_000)
    save("   ")
    expect(alert(page, "needs a name")).to_be_visible(timeout=20_000)
    save(hostile)
    page.get_by_role("button", name=f"Select {hostile}").wait_for()
    until(lambda: said(page).get("selection") == hostile)

    # What can be done with a selection comes and goes with it, and moves the list beneath.
    field = page.get_by_role("textbox", name="Save selection as")
    page.get_by_role("button", name="Clear").click()
    until(lambda: session.selection.count == 0)
    expect(field).to_be_hidden()
    page.get_by_role("button", name="Select ones").click()
    until(lambda: session.selection.count > 0)
    until(lambda: said(page).get("selection") == "ones")
    expect(field).to_be_visible()
    np.testing.assert_array_equal(session.selection.mask, digit == 1)
    page.get_by_role("button", name=f"Add to the selection: {hostile}").click()
    until(lambda: len(session.selection.steps) == 2)
    np.testing.assert_array_equal(session.selection.mask, np.isin(digit, (1, 7)))
    page.get_by_role("button", name="Keep only these in the selection: ones").click()
    until(lambda: len(session.selection.steps) == 3)
    np.testing.assert_array_equal(session.selection.mask, digit == 1)
    page.get_by_role("button", name=f"Select {hostile}").click()
    until(lambda: len(session.selection.steps) == 1)
    page.get_by_role("button", name="Take away from the selection: ones").click()
    until(lambda: len(session.selection.steps) == 2)
    np.testing.assert_array_equal(session.selection.mask, digit == 7)

    page.get_by_role("button", name="Rename: ones").click()
    page.get_by_role("button", name=f"Select {hostile}").click()
    until(lambda: len(session.selection.steps) == 1)  # the click that leaves a name counts
    page.get_by_role("button", name="Rename: ones").click()
    renaming = page.get_by_role("textbox", name="New name of ones")
    expect(renaming).to_have_attribute("maxlength", "80")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rename: ones")).to_be_focused()
    page.keyboard.press("Enter")
    renaming.fill("the ones")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Select the ones").wait_for()
    expect(page.get_by_role("button", name="Rename: the ones")).to_be_focused()
    page.get_by_role("button", name=f"Delete: {hostile}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Select {hostile}")).to_have_count(0)
    expect(page.get_by_role("button", name="Select the ones")).to_be_focused()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("button", name=f"Select {hostile}").wait_for()

    show(page, served, f"?run={finished[1]}")
    session = served.explorer.session
    inspect(page)
    page.get_by_role("button", name="Select the ones").click()
    until(lambda: session.selection.count > 0)
    expect(field).to_be_visible()
    assert session.run_id == finished[1]
    np.testing.assert_array_equal(session.selection.mask, digit == 1)
    assert session.selection.steps[0].steps[0].condition == "digit = 1"
    for name in ("the ones", hostile):
        page.get_by_role("button", name=f"Delete: {name}").click()
        expect(page.get_by_role("button", name=f"Select {name}")).to_have_count(0)
    expect(page.get_by_role("list", name="Saved selections")).to_be_focused()
