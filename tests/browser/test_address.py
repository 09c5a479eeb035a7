"""The address holds what is looked at: after a reload, and for whoever opens a copy of it."""

import re

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.app import RUN_GONE
from explorer.model.selection import Selection
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, arrive, copied_link, said, settle, until, watch

HOSTILE = "<img src=x onerror=alert(1)> & «sélection»=1+1%41 #?"


def test_a_reload_finds_the_zoom_and_the_theme_again(opened_on_run: Page, served: Served) -> None:
    page, view = opened_on_run, served.explorer.map
    assert not {"view", "theme"} & set(said(page))
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Toggle theme").click()
    expect(page).to_have_url(re.compile("view=.*theme=light"))
    zoomed = view.viewport
    arrive(page, served, page.reload)
    again = served.explorer.map.viewport
    assert again is not zoomed
    assert [again.x0, again.x1, again.y0, again.y1] == pytest.approx(
        [zoomed.x0, zoomed.x1, zoomed.y0, zoomed.y1], rel=1e-4
    )
    assert not served.explorer.dark
    page.get_by_role("button", name="Show the whole map").click()
    page.get_by_role("button", name="Toggle theme").click()
    until(lambda: not {"view", "theme"} & set(said(page)))


def test_who_opens_a_copied_link_gets_a_copy_and_takes_nothing_away(
    opened_on_run: Page, served: Served
) -> None:
    session, explorer = served.explorer.session, served.explorer
    digit = session.categories("digit").codes
    soon(explorer._doc, lambda: session.select_category("digit", 4))
    until(lambda: session.selection.count > 0)
    until(lambda: "visit" in said(opened_on_run))
    visit = said(opened_on_run)["visit"]
    tools = opened_on_run.get_by_role("toolbar", name="Map tools")
    tools.get_by_role("button", name="Lasso", exact=True).click()
    soon(explorer._doc, lambda: session.param.update(isolated=frozenset({2})))
    until(lambda: explorer.tools.tool == "lasso" and session.isolated == {2})

    guest = opened_on_run.context.new_page()
    arrive(guest, served, lambda: guest.goto(opened_on_run.url))
    theirs = served.explorer.session
    np.testing.assert_array_equal(theirs.selection.mask, digit == 4)
    until(lambda: said(guest).get("visit", visit) != visit)
    soon(served.explorer._doc, lambda: theirs.select_category("digit", 7))
    until(lambda: theirs.selection.mask[digit == 7].all())
    np.testing.assert_array_equal(session.selection.mask, digit == 4)

    arrive(opened_on_run, served, opened_on_run.reload)
    np.testing.assert_array_equal(served.explorer.session.selection.mask, digit == 4)
    assert served.explorer.session.isolated == {2}
    expect(tools.get_by_role("button", name="Lasso", exact=True)).to_have_attribute("aria-pressed", "true")
    on_screen = MapOnScreen(opened_on_run, served.explorer)
    opened_on_run.bring_to_front()
    settle(opened_on_run, on_screen.view)
    on_screen.drag(on_screen.corners)
    until(lambda: [step.kind for step in served.explorer.session.selection.steps] == ["lasso"])
    expect(opened_on_run.get_by_role("tab", name="Selection")).to_have_attribute("aria-selected", "true")
    arrive(guest, served, guest.reload)
    np.testing.assert_array_equal(served.explorer.session.selection.mask, digit == 7)
    guest.close()


def test_a_copied_link_holds_a_saved_selection_and_tells_what_is_gone(
    opened_on_run: Page, served: Served, browser: Browser
) -> None:
    session, doc = served.explorer.session, served.explorer._doc
    digit = session.categories("digit").codes
    session.saved().save(HOSTILE, Selection(digit == 4))
    soon(doc, lambda: session.select_saved(HOSTILE))
    until(lambda: said(opened_on_run).get("selection") == HOSTILE)
    link = copied_link(opened_on_run)

    elsewhere, faults = browser.new_context(), []
    other = elsewhere.new_page()
    watch(other, served, faults)
    arrive(other, served, lambda: other.goto(link))
    theirs = served.explorer.session
    np.testing.assert_array_equal(theirs.selection.mask, digit == 4)
    until(lambda: said(other).get("selection") == HOSTILE)
    soon(served.explorer._doc, theirs.invert_selection)
    until(lambda: "selection" not in said(other))

    saved = session.saved()
    saved.delete(saved.named(HOSTILE))
    arrive(other, served, lambda: other.goto(f"{link}&beside=gone"))
    assert served.explorer.session.selection.count == 0
    for sentence in (RUN_GONE, "it was renamed or deleted"):
        expect(other.get_by_text(sentence)).to_be_visible()
    expect(other.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    elsewhere.close()
    assert not faults


def test_back_goes_to_the_page_before_and_not_to_an_address_of_this_one(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page = opened_on_run
    until(lambda: said(page)["run"] == finished[0] and "visit" in said(page))
    arrive(page, served, lambda: page.goto(f"{served.url}?run={finished[1]}"))
    page.keyboard.press("+")
    until(lambda: "view" in said(page))
    zoomed = said(page)["view"]
    arrive(page, served, page.go_back)
    assert served.explorer.session.run_id == said(page)["run"] == finished[0]
    arrive(page, served, page.go_forward)
    assert served.explorer.session.run_id == said(page)["run"] == finished[1]
    assert said(page)["view"] == zoomed


def test_the_zoom_is_of_one_run_and_goes_with_it(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page, on_screen = opened_on_run, MapOnScreen(opened_on_run, served.explorer)
    page.keyboard.press("+")
    until(lambda: "view" in said(page))
    page.locator(f'[data-run="{finished[1]}"] .run-show').click()
    until(lambda: said(page)["run"] == finished[1] and "view" not in said(page))
    assert on_screen.explorer.session.view is None
