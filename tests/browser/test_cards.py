"""Cards of runs in the browser: named, starred, deleted and back, copied, forked, moved up in the queue."""

import re

from playwright.sync_api import Locator, Page, expect

from explorer.model.run import RunParameters, RunStatus
from tests.browser.conftest import Served, fill, show, until

HOSTILE = "<img src=x onerror=alert(1)>"


def card_of(page: Page, run_id: str) -> Locator:
    return page.locator(f'[data-run="{run_id}"]')


def press(page: Page, run_id: str, name: str) -> None:
    """Press one of a card's small buttons."""
    card = card_of(page, run_id)
    card.hover()
    card.get_by_role("button", name=name).click()


def test_a_run_is_renamed_starred_deleted_and_comes_back(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page, runner, session = opened_on_run, served.app.runner, served.explorer.session
    first = finished[0]
    cards = page.locator(".run-card")
    for run in finished:
        expect(card_of(page, run).locator("img")).to_have_attribute("src", re.compile("^data:image/"))
    press(page, first, "Rename")
    field = page.get_by_role("textbox", name="New name of")
    expect(field).to_be_focused()
    field.fill("no, rather not")
    field.press("Escape")
    expect(field).to_have_count(0)
    # The row of buttons is reached by the keyboard alone: the focus is on the button that opened the field.
    page.keyboard.press("Enter")
    field.fill(HOSTILE)
    field.press("Enter")
    expect(card_of(page, first).locator(".run-title")).to_have_text(HOSTILE)
    expect(field).to_have_count(0)
    expect(card_of(page, first).get_by_role("button", name="Rename")).to_be_focused()
    expect(card_of(page, first).locator(".run-label")).to_have_text(runner.run(first).label)
    assert runner.run(first).name == HOSTILE

    press(page, first, "Star, which")
    expect(cards.first).to_have_attribute("data-run", first)
    expect(card_of(page, first).locator(".run-title")).to_have_text(f"★ {HOSTILE}")
    page.reload()
    expect(cards.first).to_have_attribute("data-run", first)
    session = served.explorer.session

    until(lambda: session.run_id == first)
    card_of(page, first).evaluate("card => { card.dataset.seen = true }")
    card_of(page, first).get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(card_of(page, first)).to_have_count(0)
    expect(page.get_by_text(f"Deleted “{HOSTILE}”.")).to_be_visible()
    until(lambda: session.run_id != first)
    undo = page.get_by_role("button", name="Undo", exact=True)
    expect(undo).to_be_focused()
    page.keyboard.press("Enter")
    expect(cards.first).to_have_attribute("data-run", first)
    until(lambda: session.run_id == first)
    expect(undo).to_have_count(0)
    # Nothing of a run is kept without its card; its picture comes anew.
    expect(card_of(page, first)).not_to_have_attribute("data-seen", "true")
    expect(card_of(page, first).locator("img")).to_have_attribute("src", re.compile("^data:image/"))

    press(page, first, "Take the star away")
    # Back in its place before the next press: a card that moves closes the field of its name.
    expect(card_of(page, first).locator(".run-title")).to_have_text(HOSTILE)
    press(page, first, "Rename")
    field.fill("")
    field.press("Enter")
    expect(card_of(page, first).locator(".run-title")).to_have_text(runner.run(first).label)
    until(lambda: not runner.run(first).starred)


def test_a_number_of_layouts_that_is_refused_leaves_its_field(opened: Page, served: Served) -> None:
    fill(opened, "At once", 99)
    expect(opened.get_by_text("choose 1 to")).to_be_visible()
    expect(opened.get_by_role("textbox", name="At once")).to_have_value("1")
    assert served.app.runner.n_layouts == 1


def test_parameters_are_copied_and_a_fork_runs_from_its_epoch(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page, runner, session = opened_on_run, served.app.runner, served.explorer.session
    source = runner.run(finished[1])
    press(page, source.id, "Copy its parameters")
    seed = page.get_by_role("textbox", name="seed")
    expect(seed).to_have_value("1")
    expect(page.locator(".muted", has_text="Starts from")).to_be_hidden()

    press(page, source.id, "Fork")
    expect(page.get_by_text("its last map, epochs begin anew")).to_be_visible()
    form, kept = served.explorer.form, runner.kept_epochs(source.id)
    wanted = kept[-2] + 1
    fill(page, "at epoch", wanted)
    expect(page.get_by_text(f"goes on from epoch {kept[-2]}, the nearest that is kept")).to_be_visible()
    fill(page, "seed", 77)
    until(lambda: form.seed.value == 77)
    page.get_by_role("button", name="Run", exact=True).click()
    until(lambda: session.run_id not in finished)
    run = runner.wait(session.run_id, timeout=240)
    assert run.status is RunStatus.DONE
    assert (run.start.run, run.start.epoch, run.start.fork) == (source.id, kept[-2], True)
    assert run.parameters.seed == 77
    expect(card_of(page, run.id).locator(".run-title")).to_have_text("k 15 · d 0.1 · seed 77")
    expect(card_of(page, run.id).locator(".run-label")).to_have_text(run.start.label)
    expect(card_of(page, run.id)).to_contain_text("done in")

    page.get_by_role("button", name="Remove").click()
    expect(page.locator(".muted", has_text="Starts from")).to_be_hidden()
    runner.delete(run.id)
    expect(card_of(page, run.id)).to_have_count(0)


def test_a_run_that_waits_is_moved_up_and_taken_out_of_the_queue(
    quiet: Page, served: Served, finished: list[str]
) -> None:
    page, runner, dataset = quiet, served.app.runner, served.app.dataset
    runs = [runner.start(dataset, RunParameters(seed=90, n_epochs=50_000)) for _ in range(3)]
    at_work, second, third = (run.id for run in runs)
    # Whose stages are being computed does not wait meanwhile.
    until(
        lambda: (
            all("initial layout" in runner.run(run_id).seconds for run_id in (second, third))
            and runner.waiting == (second, third)
        ),
        240,
    )
    show(page, served, f"?run={finished[0]}")
    expect(card_of(page, third)).to_contain_text("queued, 1 before it")
    press(page, third, "Move up in the queue")
    expect(card_of(page, third)).to_contain_text("queued, next")
    assert runner.waiting == (third, second)
    press(page, second, "Take out of the queue")
    expect(card_of(page, second)).to_contain_text("stopped")
    fill(page, "At once", 2)
    until(lambda: runner.n_layouts == 2)
    until(lambda: runner.progress(third).epoch > 0, 240)
    expect(card_of(page, third)).to_contain_text("left")
    fill(page, "At once", 1)
    until(lambda: runner.n_layouts == 1)
    for run_id in (at_work, second, third):
        runner.delete(run_id)
        expect(card_of(page, run_id)).to_have_count(0)
