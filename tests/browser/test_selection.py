"""Gestures on the map select exactly the rows a reference polygon test selects."""

import matplotlib.path
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import MapOnScreen, Served, settle, until


@pytest.fixture
def on_screen(opened_on_run: Page, served: Served) -> MapOnScreen:
    return MapOnScreen(opened_on_run, served.explorer)


def around_digit(
    served: Served, digit: int, radius: float = 1.5, which: int = 0
) -> list[tuple[float, float]]:
    """Draw a ring around the middle of a digit's island, cut off where the screen ends."""
    session, view = served.explorer.session, served.explorer.maps[which].viewport
    embedding = session.shown(served.explorer.maps[which].run_id).embedding
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
    drawn = around_digit(served, 0)
    on_screen.choose("Lasso")
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
    on_screen.drag(around_digit(served, 0))
    until(lambda: session.selection.count > 0)
    first = session.selection.mask.copy()
    embedding = session.shown(session.run_id).embedding

    on_screen.drag(around_digit(served, 1), "Shift")
    until(lambda: len(session.selection.steps) == 2)
    second = np.isin(np.arange(len(embedding)), inside(embedding, last_polygon(served)))
    np.testing.assert_array_equal(session.selection.mask, first | second)

    on_screen.drag(around_digit(served, 0, 0.7), "Alt")
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


def test_a_box_selects_the_rows_between_its_corners(on_screen: MapOnScreen, served: Served) -> None:
    session = served.explorer.session
    corners = np.array(around_digit(served, 6))
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
    on_screen.drag(around_digit(served, 1))
    until(lambda: session.selection.count > 0)
    codes = session.categories("digit").codes[session.selection.rows]
    counts = np.bincount(codes, minlength=10)
    most = int(counts.argmax())
    total = int((session.categories("digit").codes == most).sum())
    row = page.get_by_role("list", name="Composition of the selection").get_by_role("button").first
    expect(row).to_contain_text(f"{counts[most]} / {total}")


def test_zoom_pan_and_reset_change_what_is_drawn(on_screen: MapOnScreen, served: Served) -> None:
    view, page = on_screen.view, on_screen.page
    until(lambda: view.viewport.width > 0)
    whole = view.viewport
    painted = view.feed.painted
    page.mouse.move(*on_screen.pixel(whole.x0 + 0.4 * (whole.x1 - whole.x0), (whole.y0 + whole.y1) / 2))

    def scroll() -> bool:
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(500)
        return view.viewport.unit < 0.9 * whole.unit

    until(scroll)
    until(lambda: view.feed.painted > painted)
    page.wait_for_timeout(1000)
    zoomed = view.viewport
    assert zoomed.unit == pytest.approx((zoomed.y1 - zoomed.y0) / zoomed.height, rel=1e-3)
    middle = ((zoomed.x0 + zoomed.x1) / 2, (zoomed.y0 + zoomed.y1) / 2)
    on_screen.drag([middle, (middle[0] + 20 * zoomed.unit, middle[1])])
    until(lambda: view.viewport.x0 < zoomed.x0 - 10 * zoomed.unit)
    page.get_by_role("button", name="Show the whole map").click()
    until(lambda: abs(view.viewport.unit - whole.unit) < 0.25 * whole.unit)


def test_one_selection_is_drawn_in_two_maps_side_by_side(
    on_screen: MapOnScreen, served: Served, finished: list[str]
) -> None:
    session, page, beside = served.explorer.session, on_screen.page, served.explorer.beside
    painted = beside.feed.painted
    page.locator(f'[data-run="{finished[1]}"] .run-beside').click()
    until(lambda: session.beside_id == finished[1] and beside.feed.painted > painted)
    expect(page.get_by_text("aligned · disparity")).to_be_visible()
    settle(page, served.explorer.map)
    settle(page, beside)
    first, second = served.explorer.map.feed.painted, beside.feed.painted
    on_screen.choose("Lasso")
    other = MapOnScreen(page, served.explorer, 1)
    other.drag(around_digit(served, 0, which=1))
    until(lambda: session.selection.count > 0)
    until(lambda: served.explorer.map.feed.painted > first and beside.feed.painted > second)
    own = served.app.workspace.embedding(finished[1])
    np.testing.assert_array_equal(session.selection.rows, inside(own, last_polygon(served)))
    expect(page.get_by_text("selected in both")).to_be_visible()
