"""The history of a run in the browser: scrubbed, played, selected on, and there again after a reload."""

from itertools import groupby

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.separation import separation
from explorer.views.formation import told
from explorer.views.turns import soon
from tests.browser.conftest import MapOnScreen, Served, arrive, said, until
from tests.browser.test_selection import around_digit, inside, last_polygon


@pytest.fixture
def slider(opened_on_run: Page) -> Locator:
    return opened_on_run.get_by_role("slider", name="Epoch shown")


def painted(served: Served, epoch: int) -> bool:
    """Whether the browser has painted the map of an epoch, as it is kept."""
    view, session = served.explorer.map, served.explorer.session
    if not (view.feed.epochs_painted[-1] == epoch and view.feed.idle):
        return False
    kept = session.workspace.keyframes(session.run_id).load(epoch).decode()
    np.testing.assert_array_equal(view._on_screen.snapshot.embedding, kept)
    return True


def test_the_epoch_that_is_scrubbed_to_is_the_one_that_is_drawn(
    opened_on_run: Page, served: Served, slider: Locator
) -> None:
    session, bar = served.explorer.session, opened_on_run.locator(".playback-bar")
    epochs = session.epochs
    n = epochs[-1]
    expect(slider).to_have_attribute("aria-valuetext", f"epoch {n} of {n}")
    slider.focus()
    for key, frame in (("Home", 0), ("ArrowRight", 1), ("PageUp", 11), ("ArrowLeft", 10)):
        slider.press(key)
        until(lambda frame=frame: painted(served, epochs[frame]))
        expect(slider).to_have_attribute("aria-valuetext", f"epoch {epochs[frame]} of {n}")
    expect(bar).to_contain_text(f"epoch {epochs[10]} / {n}")
    expect(bar).to_contain_text(f"cost {session.run(session.run_id).costs[epochs[10] - 1]:.3f}")
    expect(bar.locator(".cursor")).to_have_attribute("x1", f"{120 * epochs[10] / n:.1f}")
    for name, frame in (("Next frame", 11), ("Previous frame", 10)):
        bar.get_by_role("button", name=name).click()
        until(lambda frame=frame: painted(served, epochs[frame]))

    box = slider.locator(".track").bounding_box()
    place = box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2
    opened_on_run.mouse.move(box["x"] + 3, place[1])
    opened_on_run.mouse.down()
    opened_on_run.mouse.move(*place, steps=8)
    opened_on_run.mouse.up()
    nearest = min(epochs, key=lambda epoch: abs(epoch - 0.6 * n))
    until(lambda: painted(served, nearest))
    expect(slider).to_have_attribute("aria-valuenow", str(nearest))

    bar.get_by_role("button", name="Newest map").click()
    until(lambda: session.epoch is None and served.explorer.map.feed.epochs_painted[-1] == n)
    expect(slider).to_have_attribute("aria-valuenow", str(n))
    expect(bar.get_by_role("button", name="Next frame")).to_be_disabled()


def test_a_lasso_on_an_earlier_epoch_selects_the_rows_of_the_places_shown(
    opened_on_run: Page, served: Served, slider: Locator
) -> None:
    session, on_screen = served.explorer.session, MapOnScreen(opened_on_run, served.explorer)
    newest = session.shown(session.run_id).embedding
    epoch = session.epochs[6]
    soon(served.explorer._doc, lambda: session.look_at_epoch(epoch))
    until(lambda: session.epoch == epoch and painted(served, epoch))
    on_screen.choose("Lasso")
    on_screen.drag(around_digit(on_screen, 0))
    until(lambda: session.selection.count > 0)
    shown = session.workspace.keyframes(session.run_id).load(epoch).decode()
    expected = inside(shown, last_polygon(served))
    np.testing.assert_array_equal(session.selection.rows, expected)
    assert set(expected) != set(inside(newest, last_polygon(served)))
    assert session.selection.steps[-1].packed


def test_a_history_plays_every_frame_to_the_end_however_busy_the_browser(
    opened_on_run: Page, served: Served, slider: Locator
) -> None:
    session, feed = served.explorer.session, served.explorer.map.feed
    epochs, seen = session.epochs, len(feed.epochs_painted)
    slider.focus()
    slider.press("Space")
    expect(opened_on_run.get_by_role("button", name="Pause playing")).to_be_visible()
    until(lambda: (session.epoch or 0) > epochs[2])
    opened_on_run.evaluate("() => { const end = Date.now() + 3000; while (Date.now() < end) {} }")
    until(lambda: session.epoch is None and feed.epochs_painted[-1] == epochs[-1] and feed.idle, 90)
    shown = [epoch for epoch, _ in groupby(list(feed.epochs_painted)[seen:])]
    assert shown[-len(epochs) :] == list(epochs)
    play = opened_on_run.get_by_role("button", name="Play", exact=True)
    expect(play).to_be_visible()

    play.click()
    until(lambda: (session.epoch or 0) > epochs[2])
    opened_on_run.get_by_role("button", name="Pause playing").click()
    until(lambda: not served.explorer.playing.at_work)
    until(lambda: feed.idle and feed.epochs_painted[-1] == session.epoch)
    assert epochs[2] < session.epoch < epochs[-1]


def test_a_reload_returns_to_the_epoch(opened_on_run: Page, served: Served, slider: Locator) -> None:
    page, epoch = opened_on_run, served.explorer.session.epochs[20]
    assert "epoch" not in said(page)
    soon(served.explorer._doc, lambda: served.explorer.session.look_at_epoch(epoch))
    until(lambda: said(page).get("epoch") == str(epoch))
    arrive(page, served, page.reload)
    assert served.explorer.session.epoch == epoch
    until(lambda: painted(served, epoch))
    expect(slider).to_have_attribute("aria-valuenow", str(epoch))
    slider.press("End")
    until(lambda: "epoch" not in said(page))
    assert served.explorer.session.epoch is None


def test_when_a_selection_formed_is_told_and_shown(
    opened_on_run: Page, served: Served, slider: Locator
) -> None:
    page, session = opened_on_run, served.explorer.session
    soon(served.explorer._doc, lambda: session.select_category("digit", 0))
    page.get_by_role("button", name="When did it form?").click()
    until(lambda: session.formed is not None)
    found = separation(session.selection.mask, session.past())
    assert session.formed == found
    assert found.since is not None
    expect(page.get_by_text(told(found, session.selection.count))).to_be_visible()
    points = page.locator(".playback-bar .apart").get_attribute("points")
    assert len(points.split()) == len(found.epochs)
    page.get_by_role("button", name=f"Show epoch {found.since}").click()
    until(lambda: painted(served, found.since))
    expect(slider).to_have_attribute("aria-valuenow", str(found.since))
    page.keyboard.press("Escape")
    until(lambda: session.formed is None)
    expect(page.locator(".playback-bar .apart")).to_have_attribute("points", "")
