"""The Compare tab in the browser: three seeds compared, and what they agree on selected on the map."""

import numpy as np
from playwright.sync_api import Page, expect

from explorer.model.run import RunParameters
from tests.browser.conftest import Served, until


def test_runs_are_compared_and_a_cluster_is_selected_from_the_keyboard(
    opened_on_run: Page, served: Served, finished: list[str]
) -> None:
    page, session, runner = opened_on_run, served.explorer.session, served.app.runner
    third = runner.start(served.app.dataset, RunParameters(seed=2))
    runner.wait(third.id, timeout=240)
    page.get_by_role("tab", name="Compare").click()
    panel = served.explorer.compare
    until(lambda: third.id in panel.others.value)
    page.get_by_role("button", name="Compare", exact=True).click()
    numbers = page.get_by_role("table", name="What each two maps have in common")
    expect(numbers).to_be_visible(timeout=60_000)
    shown = panel.result.state
    n_pairs = len(panel.others.value) * (len(panel.others.value) + 1) // 2
    expect(numbers.locator("tbody tr")).to_have_count(n_pairs)
    expect(numbers.locator("tbody tr").first).to_contain_text(shown["pairs"][0]["agreement"])
    expect(page.get_by_role("table", name="Runs compared")).to_contain_text("k 15 · d 0.1 · seed 0")
    first = shown["groups"][0]["findings"][0]
    group = page.get_by_role("region", name="Clusters of A")
    row = group.get_by_role("button").first
    expect(row).to_contain_text(first["sentence"])
    row.focus()
    page.keyboard.press("Enter")
    cluster = int(first["key"].split(":")[1])
    until(lambda: session.selection.count > 0)
    np.testing.assert_array_equal(session.selection.rows, panel.found.rows_of(cluster))
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
