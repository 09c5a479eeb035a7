"""What the page tells of stands where it covers nothing that is to be pressed."""

import pytest
from playwright.sync_api import Page, expect

from explorer.views.telling import tell
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, settle, until

SENTENCE = "The condition holds of no row: " + "it may be that a value is written in another way, " * 4


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1920, 1080)])
def test_a_notification_covers_neither_tools_nor_tabs_nor_progress(
    opened_on_run: Page, served: Served, width: int, height: int
) -> None:
    page, explorer = opened_on_run, served.explorer
    page.set_viewport_size({"width": width, "height": height})
    settle(page, explorer.map)
    told = page.get_by_role("alert")
    for sentence in ("There is no such file.", SENTENCE):
        soon(explorer._doc, lambda sentence=sentence: tell(sentence))
        expect(told.filter(has_text=sentence.strip())).to_be_visible()
        # After ten seconds it goes by itself.
        expect(told).to_have_count(1, timeout=3_000)
        page.wait_for_function(
            "one => one.getAnimations({subtree: true}).length === 0", arg=told.element_handle()
        )
        box = told.bounding_box()
        others = {
            "tools": page.get_by_role("toolbar", name="Map tools"),
            "tabs": page.get_by_role("tablist").first,
            "progress": page.locator(".playback-bar"),
        }
        assert box["width"] > 100
        for name, other in others.items():
            lies = other.bounding_box()
            apart = (
                box["x"] + box["width"] <= lies["x"]
                or lies["x"] + lies["width"] <= box["x"]
                or box["y"] + box["height"] <= lies["y"]
                or lies["y"] + lies["height"] <= box["y"]
            )
            assert apart, name
    soon(explorer._doc, lambda: tell(f"Once more: {SENTENCE}"))
    expect(told.filter(has_text="Once more")).to_be_visible()
    MapOnScreen(page, explorer).choose("Lasso")
    expect(told).to_be_visible()
    until(lambda: explorer.tools.tool == "lasso")
