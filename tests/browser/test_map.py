"""The map under the pointer and the keyboard: what it names, pins, shows and says."""

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.clusters import find
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Snapshot
from explorer.model.statistics import CLUSTER, DENSITY
from explorer.views.map_view import REACH
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, settle, show, until
from tests.browser.test_item import middle


@pytest.fixture
def on_screen(opened_on_run: Page, served: Served) -> MapOnScreen:
    settle(opened_on_run, served.explorer.map)
    return MapOnScreen(opened_on_run, served.explorer)


def embedding(on_screen: MapOnScreen) -> np.ndarray:
    session = on_screen.explorer.session
    return session.shown(session.run_id).embedding.astype(np.float64)


def loneliest(on_screen: MapOnScreen) -> tuple[int, np.ndarray]:
    """The row furthest from all others of the middle of the map, and its place."""
    points, view = embedding(on_screen), on_screen.view.viewport
    middle = (np.abs(points - [view.x0, view.y0] - 0.5 * view.unit * np.array([view.width, view.height]))
              < 0.35 * view.unit * np.array([view.width, view.height])).all(1)  # fmt: skip
    rows = np.flatnonzero(middle)
    gaps = [np.sort(np.hypot(*(points - points[row]).T))[1] for row in rows]
    row = int(rows[int(np.argmax(gaps))])
    return row, points[row]


def tip(on_screen: MapOnScreen) -> Locator:
    return on_screen.page.locator(".map-tip").first


def point_at(on_screen: MapOnScreen, place: np.ndarray, right: float = 0.0) -> tuple[float, float]:
    x, y = on_screen.pixel(*place)
    on_screen.page.mouse.move(x + right - 2, y)
    on_screen.page.mouse.move(x + right, y)
    return x + right, y


def tools(page: Page, name: str) -> Locator:
    return page.get_by_role("toolbar", name="Map tools").get_by_role("button", name=name, exact=True)


def in_page(on_screen: MapOnScreen, act: Callable[[], object]) -> None:
    done: list[object] = []
    soon(on_screen.explorer._doc, lambda: done.append(act()))
    until(lambda: bool(done))


def test_hover_names_the_nearest_item_within_reach_and_no_other(
    on_screen: MapOnScreen, served: Served
) -> None:
    row, place = loneliest(on_screen)
    point_at(on_screen, place, right=REACH - 3)
    nearest = np.hypot(*(embedding(on_screen) - place - [(REACH - 3) * on_screen.view.viewport.unit, 0]).T)
    assert int(nearest.argmin()) == row, "the test's own choice"
    digit = served.explorer.session.categories("digit")
    expect(tip(on_screen)).to_contain_text(f"row {row:,}")
    expect(tip(on_screen).locator("dd").first).to_have_text(digit.names[digit.codes[row]])
    expect(tip(on_screen).locator("img")).to_be_visible()
    on_screen.page.mouse.wheel(0, 0)
    on_screen.page.mouse.move(5, 5)
    expect(tip(on_screen)).to_be_hidden()


def test_hover_names_the_statistic_that_colours_the_map(on_screen: MapOnScreen) -> None:
    session = on_screen.explorer.session
    row, place = loneliest(on_screen)
    point_at(on_screen, place)
    expect(tip(on_screen).locator("dt").first).to_have_text("digit")
    in_page(on_screen, lambda: session.param.update(colour_by=DENSITY))
    until(lambda: np.isfinite(session.numbers(DENSITY)).all())
    point_at(on_screen, place)
    expect(tip(on_screen)).to_contain_text(f"row {row:,}")
    expect(tip(on_screen).locator("dt").first).to_have_text("local density")
    told = float(tip(on_screen).locator("dd").first.inner_text().replace(",", ""))
    assert told == pytest.approx(session.numbers(DENSITY)[row], rel=5e-3)


def test_nothing_is_named_where_nothing_lies(on_screen: MapOnScreen) -> None:
    view = on_screen.view.viewport
    corner = np.array([view.x0 + 6 * view.unit, view.y1 - 6 * view.unit])
    assert np.hypot(*(embedding(on_screen) - corner).T).min() > 30 * view.unit
    _, place = loneliest(on_screen)
    point_at(on_screen, place)
    expect(tip(on_screen)).to_be_visible()
    point_at(on_screen, corner)
    expect(tip(on_screen)).to_be_hidden()


def test_the_tooltip_never_leaves_the_frame(on_screen: MapOnScreen) -> None:
    points, view = embedding(on_screen), on_screen.view.viewport
    for row in (int(points[:, 0].argmax()), int(points[:, 1].argmin()), int(points[:, 0].argmin())):
        point_at(on_screen, points[row])
        # Two rows may share a pixel, which is then that of the first.
        expect(tip(on_screen)).to_contain_text(f"row {on_screen.view.row_at(*points[row]):,}")
        box, frame = tip(on_screen).bounding_box(), on_screen.page.locator(".over-map").first.bounding_box()
        assert frame["width"] == pytest.approx(view.width, abs=1)
        assert frame["x"] <= box["x"]
        assert frame["y"] <= box["y"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 0.5
        assert box["y"] + box["height"] <= frame["y"] + frame["height"] + 0.5


def test_the_tooltip_goes_when_the_map_is_moved_beneath_the_pointer(on_screen: MapOnScreen) -> None:
    page, view = on_screen.page, on_screen.view
    _, place = loneliest(on_screen)
    for key in ("ArrowRight", "-", "+", "s"):
        settle(page, view)
        point_at(on_screen, place)
        expect(tip(on_screen)).to_be_visible()
        page.keyboard.press("Shift")
        expect(tip(on_screen)).to_be_visible()
        page.keyboard.press(key)
        expect(tip(on_screen)).to_be_hidden()
        page.keyboard.press("0")
    settle(page, view)
    point_at(on_screen, place)
    expect(tip(on_screen)).to_be_visible()
    page.mouse.down()
    expect(tip(on_screen)).to_be_hidden()
    page.mouse.up()


def test_the_tooltip_follows_what_moves_beneath_a_pointer_at_rest(on_screen: MapOnScreen) -> None:
    view, points = on_screen.view, embedding(on_screen)
    row, place = loneliest(on_screen)
    point_at(on_screen, place)
    expect(tip(on_screen)).to_contain_text(f"row {row:,}")
    drawn = view.viewport
    other = int(np.hypot(*(points - place).T).argmax())
    # As in a layout that is at work, another item comes to where the pointer is.
    right, up = (points[other] - place) / [drawn.x1 - drawn.x0, drawn.y1 - drawn.y0]
    in_page(on_screen, lambda: view.camera.move(right, up))
    settle(on_screen.page, view)
    expect(tip(on_screen)).to_contain_text(f"row {view.row_at(*points[other]):,}")
    assert view.row_at(*points[other]) != row


def test_a_tap_pins_the_item_and_a_tap_on_nothing_lets_it_go(on_screen: MapOnScreen) -> None:
    session, view = on_screen.explorer.session, on_screen.view.viewport
    row, place = loneliest(on_screen)
    on_screen.page.mouse.click(*point_at(on_screen, place))
    until(lambda: session.pinned == row)
    on_screen.page.mouse.click(*on_screen.pixel(view.x0 + 6 * view.unit, view.y1 - 6 * view.unit))
    until(lambda: session.pinned is None)


def test_a_double_click_shows_the_whole_map_and_pins_nothing(on_screen: MapOnScreen) -> None:
    session, view = on_screen.explorer.session, on_screen.view
    whole = view.viewport
    on_screen.page.keyboard.press("+")
    until(lambda: view.viewport.unit < whole.unit)
    settle(on_screen.page, view)
    row, place = loneliest(on_screen)
    in_page(on_screen, lambda: view.centre_on(row))
    until(lambda: np.allclose(middle(view.viewport), place))
    settle(on_screen.page, view)
    on_screen.page.mouse.dblclick(*on_screen.pixel(*place))
    until(lambda: view.viewport == whole)
    on_screen.page.wait_for_timeout(700)
    assert session.pinned is None


def test_by_keyboard_the_item_in_the_middle_is_pinned(on_screen: MapOnScreen) -> None:
    page, session = on_screen.page, on_screen.explorer.session
    row = loneliest(on_screen)[0]
    in_page(on_screen, lambda: on_screen.view.centre_on(row))
    settle(page, on_screen.view)
    walk_to_map(page)
    page.keyboard.press("Enter")
    until(lambda: session.pinned == row)


def walk_to_map(page: Page) -> None:
    """Go by Tab from the tools to the map."""
    cross = page.locator(".map-cross").first
    tools(page, "Keys of the map").focus()
    for _ in range(4):
        page.keyboard.press("Tab")
        if cross.get_attribute("hidden") is None:
            break
    expect(cross).not_to_have_attribute("hidden", "")


def test_letters_are_the_menu_s_while_it_is_open_and_then_the_map_s(on_screen: MapOnScreen) -> None:
    page = on_screen.page
    page.get_by_role("tab", name="Sample").click()
    menu = page.get_by_role("combobox", name="Strategy")
    menu.click()
    page.get_by_role("menuitem").first.wait_for()
    page.keyboard.press("b")
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert on_screen.explorer.tools.tool == "pan"
    expect(menu).to_be_focused()
    chosen = menu.inner_text()
    page.keyboard.press("l")
    until(lambda: on_screen.explorer.tools.tool == "lasso")
    assert menu.inner_text() == chosen


def test_a_drag_pins_nothing(on_screen: MapOnScreen) -> None:
    _, place = loneliest(on_screen)
    on_screen.drag([tuple(place), tuple(place + 30 * on_screen.view.viewport.unit)])
    on_screen.page.wait_for_timeout(300)
    assert on_screen.explorer.session.pinned is None


def test_keys_take_tools_zoom_move_and_fit(on_screen: MapOnScreen) -> None:
    page, view = on_screen.page, on_screen.view
    for key, tool in (("l", "lasso"), ("b", "box"), ("p", "pan")):
        page.keyboard.press(key)
        until(lambda tool=tool: on_screen.explorer.tools.tool == tool)
        expect(tools(page, tool.capitalize())).to_have_attribute("aria-pressed", "true")
    whole = view.viewport
    page.keyboard.press("+")
    until(lambda: view.viewport.unit == pytest.approx(whole.unit / 1.5))
    near = view.viewport
    settle(page, view)
    page.keyboard.press("ArrowRight")
    until(lambda: view.viewport.x0 == pytest.approx(near.x0 + 0.15 * (near.x1 - near.x0)))
    page.keyboard.press("ArrowUp")
    until(lambda: view.viewport.y0 == pytest.approx(near.y0 + 0.15 * (near.y1 - near.y0)))
    page.keyboard.press("-")
    until(lambda: view.viewport.unit == pytest.approx(whole.unit))
    page.keyboard.press("0")
    until(lambda: view.viewport == whole)


def test_question_mark_lists_the_keys_and_escape_closes_the_list(on_screen: MapOnScreen) -> None:
    page = on_screen.page
    keys = page.get_by_role("dialog", name="Keys of the map")
    page.keyboard.press("?")
    expect(keys).to_be_visible()
    expect(keys).to_contain_text("undo, redo")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_mode_buttons_do_what_held_keys_do(on_screen: MapOnScreen) -> None:
    page, session = on_screen.page, on_screen.explorer.session
    x, y = np.median(embedding(on_screen), axis=0)
    unit = on_screen.view.viewport.unit
    left, right = (
        [(x + a * unit, y - 120 * unit), (x + b * unit, y + 120 * unit)] for a, b in ((-200, 40), (-40, 200))
    )
    on_screen.choose("Box")
    masks = []
    for corners in (left, right):
        before = session.selection
        on_screen.drag(corners)
        until(lambda before=before: session.selection is not before)
        masks.append(session.selection.mask)
    one, other = masks
    assert (one & other).any()
    assert (one & ~other).any()
    for name, expected in (
        ("Add to the selection", one | other),
        ("Subtract from the selection", (one | other) & ~one),
        ("Keep the overlap", (one | other) & ~one & one),
    ):
        tools(page, name).click()
        expect(tools(page, name)).to_have_attribute("aria-pressed", "true")
        before = session.selection
        on_screen.drag(left)
        until(lambda before=before: session.selection is not before)
        np.testing.assert_array_equal(session.selection.mask, expected)


def test_with_the_lasso_in_hand_a_click_selects_the_cluster_and_with_the_hand_it_pins(
    on_screen: MapOnScreen, served: Served
) -> None:
    page, session, points = on_screen.page, on_screen.explorer.session, embedding(on_screen)
    in_page(on_screen, lambda: session.param.update(colour_by=CLUSTER))
    labels = find(served.app.workspace, session.run(session.run_id)).labels
    until(lambda: bool(session.categories(CLUSTER).names) and on_screen.view.feed.idle, seconds=60)

    def inner(cluster: int) -> tuple[float, float]:
        # The place furthest from what is of other clusters, so that no pixel is shared with them.
        own, others = points[labels == cluster], points[labels != cluster]
        gaps = [np.hypot(*(others - point).T).min() for point in own]
        return on_screen.pixel(*own[int(np.argmax(gaps))])

    whole = on_screen.view.viewport
    on_screen.choose("Lasso")
    expect(page.locator(".hint .doing")).to_have_text("Drag around items or click clusters to select them")
    page.mouse.click(*inner(0))
    until(lambda: session.selection.count > 0)
    np.testing.assert_array_equal(session.selection.mask, labels == 0)
    page.keyboard.down("Shift")
    page.mouse.click(*inner(1))
    page.keyboard.up("Shift")
    until(lambda: len(session.selection.steps) == 2)
    np.testing.assert_array_equal(session.selection.mask, np.isin(labels, (0, 1)))
    page.mouse.dblclick(*inner(0))
    page.wait_for_timeout(700)
    assert session.pinned is None
    assert len(session.selection.steps) == 2

    in_page(on_screen, lambda: on_screen.view.centre_on(int(np.flatnonzero(labels == 2)[0])))
    settle(page, on_screen.view)
    walk_to_map(page)
    page.keyboard.press("Enter")
    until(lambda: len(session.selection.steps) == 1)
    nearest = on_screen.view.row_at(*middle(on_screen.view.viewport))
    np.testing.assert_array_equal(session.selection.mask, labels == labels[nearest])

    page.keyboard.press("0")
    until(lambda: on_screen.view.viewport == whole)
    settle(page, on_screen.view)
    on_screen.choose("Pan")
    page.mouse.click(*inner(0))
    until(lambda: session.pinned is not None)
    assert labels[session.pinned] == 0
    assert len(session.selection.steps) == 1


def test_the_hint_says_what_dragging_does_now(on_screen: MapOnScreen) -> None:
    page = on_screen.page
    doing = page.locator(".hint .doing")
    expect(doing).to_have_text("Drag to move the map")
    page.keyboard.press("l")
    expect(doing).to_have_text("Drag around items to select them")
    page.keyboard.down("Shift")
    expect(doing).to_have_text("Drag around items to add them")
    page.keyboard.up("Shift")
    expect(doing).to_have_text("Drag around items to select them")
    in_page(on_screen, lambda: setattr(on_screen.explorer.session, "water", 0.6))
    expect(doing).to_have_text("Drag around items or click regions to select them")
    page.keyboard.press("p")
    expect(doing).to_have_text("Drag to move the map, click regions to select them")
    expect(page.locator(".hint .keys")).to_contain_text("Ctrl+Z undoes · Ctrl+Shift+Z redoes")


def test_screen_readers_are_told_of_the_map_and_of_what_is_selected(on_screen: MapOnScreen) -> None:
    page, session = on_screen.page, on_screen.explorer.session
    application = page.get_by_role("application").first
    expect(application).to_have_attribute(
        "aria-label", f"Map of 3,000 items, {session.run(session.run_id).parameters.label}"
    )
    assert "question mark lists all keys" in application.get_attribute("aria-description")
    in_page(on_screen, lambda: session.select_category("digit", 0))
    spoken = page.locator("[aria-live=polite].unseen").first
    expect(spoken).to_have_text(f"{session.selection.count:,} of 3,000 items selected")


def test_sixty_selections_are_undone_and_redone_one_by_one(on_screen: MapOnScreen) -> None:
    page, session = on_screen.page, on_screen.explorer.session
    in_page(on_screen, lambda: [session.select_category("digit", i % 10) for i in range(60)])
    for _ in range(59):
        page.keyboard.press("Control+z")
    digit = session.categories("digit")
    until(lambda: session.selection.steps[-1].values == (digit.names[0],))
    np.testing.assert_array_equal(session.selection.mask, digit.codes == 0)
    page.keyboard.press("Control+z")
    until(lambda: session.selection.count == 0)
    expect(tools(page, "Undo the last change of the selection (Ctrl+Z)")).to_be_disabled()
    for _ in range(60):
        page.keyboard.press("Control+Shift+Z")
    until(lambda: session.selection.steps != () and session.selection.steps[-1].values == (digit.names[9],))


def test_points_far_away_are_told_of_and_shown_on_request(
    on_screen: MapOnScreen, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, view = on_screen.explorer.session, on_screen.view
    whole = session.snapshot(session.run_id)
    thrown = whole.embedding.copy()
    thrown[:1] = [900, 0]
    far = Snapshot(whole.run_id, whole.epoch, thrown, True)
    monkeypatch.setattr(session, "snapshot", lambda run_id: far if run_id == whole.run_id else None)
    in_page(on_screen, view.fit)
    note = on_screen.page.locator(".map-outside").first
    expect(note).to_have_text("1 point far outside · show all")
    assert view.viewport.x1 < 100
    in_page(on_screen, lambda: session.look_at(""))
    expect(note).to_be_hidden()  # nothing is outside of no map
    in_page(on_screen, lambda: session.look_at(whole.run_id))
    note.get_by_role("button", name="show all").click()
    until(lambda: view.viewport.x1 > 900)
    expect(note).to_be_hidden()


def test_the_button_that_shows_all_stays_while_the_points_far_away_become_more(
    on_screen: MapOnScreen, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, session, view = on_screen.page, on_screen.explorer.session, on_screen.view
    whole, maps = session.snapshot(session.run_id), []
    thrown = whole.embedding.copy()
    for row, x in ((0, 900), (-1, -900)):
        thrown = thrown.copy()
        thrown[row] = [x, 0]
        maps.append(Snapshot(whole.run_id, whole.epoch, thrown, True))
    shown = maps[0]
    monkeypatch.setattr(session, "snapshot", lambda run_id: shown if run_id == whole.run_id else None)
    in_page(on_screen, view.fit)
    note = page.locator(".map-outside").first
    button = note.get_by_role("button", name="show all")
    expect(note).to_have_text("1 point far outside · show all")
    settle(page, view)
    button.focus()
    button.hover()
    page.mouse.down()
    shown = maps[1]
    in_page(on_screen, view.fit)
    expect(note).to_have_text("2 points far outside · show all")
    expect(button).to_be_focused()
    page.mouse.up()
    until(lambda: view.viewport.x1 > 900)


def test_the_scale_tells_how_many_items_the_lightest_and_the_darkest_pixel_hold(
    on_screen: MapOnScreen,
) -> None:
    view, session, scale = on_screen.view, on_screen.explorer.session, on_screen.page.locator(".map-scale")
    in_page(on_screen, lambda: session.param.update(colour_by=""))
    settle(on_screen.page, view)
    expect(scale.first).to_be_hidden()  # so few that each is a dot of its own
    for _ in range(8):
        on_screen.page.keyboard.press("-")
    expect(scale.first).to_be_visible()
    settle(on_screen.page, view)
    drawn = view.viewport
    across = ((embedding(on_screen) - [drawn.x0, drawn.y0]) / drawn.unit).astype(int)
    _, counts = np.unique(across, axis=0, return_counts=True)
    expect(scale.locator("span").first).to_have_text("1")
    expect(scale.locator("span").nth(2)).to_have_text(f"{counts.max()}")
    expect(scale.first).to_contain_text("items per pixel")


def test_a_place_without_a_map_says_what_comes(quiet: Page, served: Served, finished: list[str]) -> None:
    show(quiet, served, f"?run={finished[0]}")
    session, state = served.explorer.session, quiet.locator(".map-state").first
    on_screen, runner = MapOnScreen(quiet, served.explorer), served.app.runner
    in_page(on_screen, lambda: session.look_at(""))
    expect(state).to_contain_text("No map is shown")
    expect(state).to_contain_text("press Run")
    at_work = runner.start(served.app.dataset, RunParameters(seed=5, n_epochs=100_000))
    waiting = runner.start(served.app.dataset, RunParameters(seed=6))
    in_page(on_screen, lambda: session.look_at(waiting.id))
    expect(state).to_contain_text("Waiting for its turn")
    expect(state.get_by_role("progressbar", name="Waiting for its turn")).to_be_visible()
    until(lambda: runner.progress(at_work.id).epoch > 0)
    for run in (waiting, at_work):
        runner.stop(run.id)
        runner.wait(run.id, timeout=60)
    expect(state).to_contain_text("This run was stopped")
    in_page(on_screen, lambda: session.look_at(at_work.id))
    expect(state).to_be_hidden()


def test_a_page_without_data_says_how_to_open_some(
    quiet: Page, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.app, "dataset", None)
    quiet.goto(served.url)
    expect(quiet.locator(".map-state").first).to_contain_text("No data is open")
    expect(quiet.get_by_placeholder("Open data to search its items")).to_be_disabled()
    expect(quiet.get_by_role("list", name="Runs")).to_contain_text("No run yet.")
    expect(quiet.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    for tab in ("Selection", "Sample", "Item", "Colour"):
        quiet.get_by_role("tab", name=tab).click()
        expect(quiet.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        if tab == "Sample":
            expect(quiet.get_by_role("button", name="Draw")).to_be_disabled()
    quiet.keyboard.press("+")
    quiet.keyboard.press("s")
    quiet.wait_for_timeout(500)


def test_what_has_no_map_says_why(quiet: Page, served: Served, finished: list[str]) -> None:
    dataset, workspace = served.app.dataset, served.app.workspace
    run = Run.new(dataset.id, dataset.hash, dataset.n, RunParameters(seed=77))
    workspace.save_run(run.with_(status=RunStatus.FAILED, error="The disk <b>is</b> full."))
    try:
        show(quiet, served, f"?run={run.id}")
        state = quiet.locator(".map-state.error")
        expect(state).to_contain_text("This run failed")
        expect(state).to_contain_text("The disk <b>is</b> full.")
    finally:
        (workspace.run_folder(run.id) / "run.json").unlink()
