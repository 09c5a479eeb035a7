"""Three maps side by side in the browser: put there from the cards, linked or free, all of one item."""

import matplotlib.path
import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.run import RunParameters
from explorer.views.map_overlay import density_scale
from explorer.views.map_view import MapView
from explorer.views.turns import soon
from tests.browser.conftest import WHERE, MapOnScreen, Served, arrive, said, settle, until
from tests.browser.test_map import loneliest


@pytest.fixture(scope="module")
def three(served: Served, finished: list[str]) -> list[str]:
    """Ids of three finished runs."""
    runner = served.app.runner
    others = [run.id for run in runner.runs(served.app.dataset.id) if run.parameters.seed == 2]
    third = others[0] if others else runner.start(served.app.dataset, RunParameters(seed=2)).id
    return [*finished, runner.wait(third, timeout=240).id]


@pytest.fixture
def maps(opened_on_run: Page, served: Served, three: list[str]) -> list[MapOnScreen]:
    """Three maps on the screen, the others put beside the first from their cards."""
    page, explorer = opened_on_run, served.explorer
    for run_id in three[1:]:
        page.locator(f'[data-run="{run_id}"] .run-beside').click()
    until(lambda: explorer.session.run_ids == tuple(three) and len(explorer.maps) == 3)
    made = [MapOnScreen(page, explorer, which) for which in range(3)]
    at_rest(made)
    return made


def at_rest(maps: list[MapOnScreen]) -> None:
    for one in maps:
        until(lambda one=one: one.view.feed.painted > 0)
    for _ in range(2):  # one that is drawn may make another have room for it
        for one in maps:
            settle(one.page, one.view)


def places(maps: list[MapOnScreen]) -> list[list[float]]:
    """The middle and the width of a pixel of each map as the browser shows it."""
    found = [one.page.evaluate(WHERE, one.view.figure.id) for one in maps]
    return [[(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / width] for _, _, width, _, x0, x1, y0, y1 in found]


def shown(view: MapView) -> np.ndarray:
    return view._session.shown(view.run_id).embedding.astype(np.float64)


def overlay(one: MapOnScreen, name: str) -> Locator:
    return one.page.locator(".map-parts").nth(one.which).locator(name)


def wheel(one: MapOnScreen, place: np.ndarray, turn: int = -240) -> None:
    """Turn the wheel over a place of a map until it answers: a figure that has just come listens later."""
    before = one.view.viewport.unit
    one.page.mouse.move(*one.pixel(*place))

    def scroll() -> bool:
        one.page.mouse.wheel(0, turn)
        one.page.wait_for_timeout(300)
        return one.view.viewport.unit < 0.9 * before

    until(scroll)


def test_a_map_that_comes_later_has_the_tool_in_hand(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page, explorer = opened_on_run, served.explorer
    page.keyboard.press("b")
    page.locator(f'[data-run="{finished[1]}"] .run-beside').click()
    until(lambda: len(explorer.maps) == 2)
    first, second = maps = [MapOnScreen(page, explorer, which) for which in range(2)]
    at_rest(maps)
    for one, tool in ((second, "box"), (first, "lasso"), (second, "lasso")):
        page.keyboard.press(tool[0])
        shown = one.view.viewport
        one.drag(one.corners)
        expected = [(tool, one.view.run_id)]
        until(lambda e=expected: [(step.kind, step.run_id) for step in explorer.session.selection.steps] == e)
        assert one.view.viewport == shown


def test_three_maps_are_one_selection_and_one_place_or_three(maps: list[MapOnScreen], served: Served) -> None:
    page, session, (first, second, third) = maps[0].page, served.explorer.session, maps
    boxes = [page.evaluate(WHERE, one.view.figure.id) for one in maps]
    assert boxes[0][0] == pytest.approx(boxes[2][0], abs=1), "the third lies under the first"
    assert boxes[2][1] > boxes[0][1] + boxes[0][3]
    assert [box[2] for box in boxes] == pytest.approx([boxes[0][2]] * 3, abs=2)
    assert [box[3] for box in boxes] == pytest.approx([boxes[0][3]] * 3, abs=2)
    expect(page.get_by_text("One more run has room here")).to_be_visible()
    expect(page.get_by_title("One map, or up to four side by side")).to_be_visible()
    expect(overlay(first, ".map-label")).to_contain_text("reference")
    expect(overlay(first, ".map-label")).not_to_contain_text("…")
    for one in (second, third):
        expect(overlay(one, ".map-label")).not_to_contain_text("…")
        told = session.figures(one.view.run_id)
        for words in (f"agreement {told.agreement:.2f}", f"disparity {told.disparity:.2f}"):
            expect(overlay(one, ".map-label")).to_contain_text(words)

    # On a narrow map what lies far outside is told where it hides nothing.
    scale = density_scale(1234, dark=True)
    soon(served.explorer._doc, lambda: second.view.overlay.param.update(scale=scale, outside=1234))
    notes = [overlay(second, name) for name in (".map-outside", ".map-scale")]
    for note in notes:
        expect(note).to_be_visible()
    above, below = (note.bounding_box() for note in notes)
    assert above["y"] + above["height"] <= below["y"]

    # A lasso on the third takes the rows in it, in that run's own coordinates, and is drawn on all.
    first.choose("Lasso")
    digits = session.categories("digit").codes
    middle = np.median(shown(third.view)[digits == 0], axis=0)
    radius = 45 * third.view.viewport.unit
    ring = [tuple(middle + radius * np.array([np.cos(a), np.sin(a)])) for a in np.linspace(0, 6.2, 16)]
    painted = [one.view.feed.painted for one in maps]
    third.drag(ring)
    until(lambda: session.selection.count > 20)
    step = session.selection.steps[-1]
    assert step.run_id == third.view.run_id
    own = served.app.workspace.embedding(step.run_id)
    inside = matplotlib.path.Path(np.array(step.polygon)).contains_points(own)
    np.testing.assert_array_equal(session.selection.mask, inside)
    until(lambda: all(one.view.feed.painted > was for one, was in zip(maps, painted, strict=True)))
    expect(page.get_by_text("selected in all three")).to_be_visible()

    # Linked: a wheel over the second, keys and a double-click move all.
    whole = places(maps)
    for place in whole:
        assert place == pytest.approx(whole[0], rel=1e-6)
    wheel(second, np.array(whole[0][:2]) + 30 * whole[0][2])
    at_rest(maps)
    near = places(maps)
    assert near[1][2] < 0.9 * whole[1][2]
    for place in near:
        assert place == pytest.approx(near[1], rel=1e-6, abs=1e-6 * near[1][2])
    page.keyboard.press("+")
    until(lambda: third.view.viewport.unit < 0.8 * near[2][2])
    at_rest(maps)
    assert places(maps)[0] == pytest.approx(places(maps)[2], rel=1e-6, abs=1e-6 * near[1][2])
    page.keyboard.press("0")
    until(lambda: all(one.view.viewport.unit == pytest.approx(whole[0][2], rel=0.05) for one in maps))

    # Free: a wheel moves one, and so do the keys after it.
    at_rest(maps)
    button = page.get_by_role("toolbar", name="Map tools").get_by_role("button", name="Linked zoom")
    expect(button).to_have_attribute("aria-pressed", "true")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_attribute("aria-pressed", "false")
    at_rest(maps)  # the first no longer makes room for what the others have beyond it
    whole = places(maps)
    wheel(third, np.array(whole[2][:2]))
    at_rest(maps)
    assert places(maps)[:2] == whole[:2]
    unit = third.view.viewport.unit
    page.keyboard.press("+")
    until(lambda: third.view.viewport.unit < 0.8 * unit)
    at_rest(maps)
    assert places(maps)[:2] == whole[:2]
    until(lambda: said(page).get("zoom") == "free" and said(page).get("view", "").startswith(";;"))
    assert said(page)["beside"].split(",") == [one.view.run_id for one in maps[1:]]

    # A reload finds them again; a run that is taken away leaves its place.
    arrive(page, served, page.reload)
    explorer = served.explorer
    until(lambda: len(explorer.maps) == 3)
    assert explorer.session.run_ids == session.run_ids
    assert not explorer.session.linked
    until(lambda: explorer.maps[2].viewport.unit == pytest.approx(third.view.viewport.unit, rel=1e-4))
    np.testing.assert_array_equal(explorer.session.selection.mask, inside)
    again = [MapOnScreen(page, explorer, which) for which in range(3)]
    at_rest(again)
    page.keyboard.press("z")
    until(lambda: explorer.session.linked)
    page.locator(f'[data-run="{session.run_ids[1]}"] .run-beside').click()
    until(lambda: explorer.session.run_ids == (session.run_ids[0], session.run_ids[2]))
    expect(page.locator(".over-map:visible")).to_have_count(2)
    page.keyboard.press("Escape")


def test_an_item_under_the_pointer_is_ringed_on_the_other_maps_and_an_arrow_leads_to_it_beyond_them(
    maps: list[MapOnScreen], served: Served
) -> None:
    page, (first, second, third) = maps[0].page, maps
    row, _ = loneliest(first)

    def point_at(one: MapOnScreen, row: int) -> None:
        x, y = one.pixel(*shown(one.view)[row])
        page.mouse.move(x - 2, y)
        page.mouse.move(x, y)

    def ringed(one: MapOnScreen, row: int) -> None:
        mark = overlay(one, ".map-mark span")
        expect(mark).to_be_visible()
        x, y = one.pixel(*shown(one.view)[row])
        until(lambda: centre(mark) == pytest.approx((x, y), abs=1.5))

    sent = [one.view.feed.sent for one in maps]
    point_at(first, row)
    expect(overlay(first, ".map-tip")).to_contain_text(f"row {row:,}")
    for one in (second, third):
        ringed(one, row)
        expect(overlay(one, ".map-tip")).to_be_hidden()
        expect(overlay(one, ".map-mark")).not_to_have_class("map-mark away")
    expect(overlay(first, ".map-mark span")).to_be_hidden()
    assert [one.view.feed.sent for one in maps] == sent, "no frame is drawn for it"
    page.mouse.move(5, 5)
    for one in maps:
        expect(overlay(one, ".map-mark span")).to_be_hidden()

    # Free, and zoomed far away from the item: an arrow at the edge.
    page.keyboard.press("z")
    until(lambda: not served.explorer.session.linked)
    x, y = shown(third.view)[row]
    far = third.view.viewport
    away = far.centred(x - 2 * far.width * far.unit, y, far.unit)
    soon(served.explorer._doc, lambda: third.view.look(away))
    until(lambda: third.view.viewport == away)
    at_rest(maps)
    point_at(first, row)
    expect(overlay(third, ".map-mark")).to_have_class("map-mark away")
    mark = overlay(third, ".map-mark span")
    expect(mark).to_be_visible()
    left, _, width, *_ = page.evaluate(WHERE, third.view.figure.id)
    assert centre(mark)[0] == pytest.approx(left + width - 14, abs=2)
    ringed(second, row)
    page.keyboard.press("z")
    until(lambda: served.explorer.session.linked)


def centre(mark: Locator) -> tuple[float, float]:
    """The middle of a mark on the page."""
    box = mark.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
