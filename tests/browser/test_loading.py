"""What is seen and can be done while a page loads."""

import pytest
from playwright.sync_api import Browser, Page, expect

from explorer.views.palette import tokens
from tests.browser.conftest import MapOnScreen, Served, until


def test_a_map_is_drawn_on_while_the_page_around_it_loads(opened_on_run: Page, served: Served) -> None:
    session, on_screen = served.explorer.session, MapOnScreen(opened_on_run, served.explorer)
    spinner = opened_on_run.locator("#loader")
    spinner.evaluate("one => { one.style.display = 'flex' }")  # as it is until all of the page is at rest
    expect(spinner).to_be_hidden()
    opened_on_run.keyboard.press("l")
    on_screen.drag(on_screen.corners)
    until(lambda: session.selection.count > 0)
    assert [step.kind for step in session.selection.steps] == ["lasso"]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_page_has_its_colours_before_it_is_made(browser: Browser, served: Served, theme: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{served.url}?theme={theme}")
    colour = tokens(theme == "dark").page
    expect(page.locator("html")).to_have_css("background-color", f"rgb{tuple(bytes.fromhex(colour[1:]))}")
    context.close()
