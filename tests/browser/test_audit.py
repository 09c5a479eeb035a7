"""The Audit tab in the browser: a catalogue is run and audited, the worst finding seen, marked, reported."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from catalogue import write_catalogue
from playwright.sync_api import Locator, Page, expect

from explorer.model.audit import audit
from explorer.model.kept_audit import keep
from explorer.model.measures import OF_CLUSTER
from explorer.model.run import RunParameters, RunStatus
from explorer.views.turns import soon
from tests.browser.conftest import SIZE, Served, arrive, serving, show, until, watch

N = 3_000
NOTE = "ask <b>the curators</b>"


@pytest.fixture(scope="module")
def served_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The app on a small music catalogue with planted faults."""
    folder = tmp_path_factory.mktemp("catalogue")
    write_catalogue(N, folder / "songs.parquet", dims=64)
    with serving(folder / "ws", folder / "songs.parquet") as app:
        yield app


def test_the_worst_finding_is_looked_at_sampled_marked_and_reported(
    page: Page, served_catalogue: Served, tmp_path: Path
) -> None:
    served, faults = served_catalogue, []
    watch(page, served, faults)
    page.set_viewport_size(SIZE)
    page.goto(served.url)
    page.get_by_role("button", name="Run", exact=True).click()
    until(lambda: served.app.pages != [] and served.explorer.session.run_id != "")
    served.app.runner.wait(served.explorer.session.run_id, timeout=240)
    show(page, served)
    tabs = page.get_by_role("tab")
    expect(tabs).to_have_count(8)
    for tab in tabs.all():
        expect(tab).to_be_in_viewport(ratio=1)
    page.get_by_role("tab", name="Audit").click()
    page.get_by_role("button", name="Audit", exact=True).click()
    findings = page.get_by_role("list", name="Findings").get_by_role("listitem")
    expect(findings.first).to_contain_text("high", timeout=120_000)
    session, found = served.explorer.session, served.explorer.audit.found

    # The worst is flown to, and exactly its rows are selected.
    worst, before = found.findings[0], served.explorer.map.viewport
    findings.first.get_by_role("button").first.click()
    until(lambda: session.selection.count > 0)
    kept = served.app.workspace.run_folder(session.run_id) / "audit" / f"{worst.key}.parquet"
    np.testing.assert_array_equal(session.selection.rows, np.sort(pq.read_table(kept)["row_id"].to_numpy()))
    until(lambda: served.explorer.map.viewport != before)
    view, places = served.explorer.map.viewport, session.snapshot(session.run_id).embedding[worst.rows]
    inside = (places > [view.x0, view.y0]) & (places < [view.x1, view.y1])
    assert inside.all(axis=1).mean() > 0.99
    expect(findings.first).to_contain_text(worst.sentence)

    # Levels and marks choose what is listed.
    low = page.get_by_role("button", name=re.compile("^low"))
    low.click()
    n_low = sum(one.severity.label == "low" for one in found.findings)
    expect(findings).to_have_count(min(n_low, 60))
    # A level that is gone from the findings chooses no more, nor once it is back.
    result = served.explorer.audit.result
    whole, others = result.state, len(found.findings) - n_low
    without = whole | {"findings": [one for one in whole["findings"] if one["severity"] != "low"]}
    for state, n in ((without, others), (whole, len(found.findings))):
        soon(served.explorer._doc, lambda state=state: result.param.update(state=state))
        expect(findings).to_have_count(min(n, 60))

    findings.first.get_by_role("button", name="to do", exact=True).click()
    note = findings.first.get_by_role("textbox", name="Note on this finding")
    note.fill(NOTE)
    note.press("Enter")
    until(lambda: served.explorer.audit.result.state["findings"][0]["note"] == NOTE)

    findings.first.get_by_role("button", name="Medoids").click()
    until(lambda: session.drawn is not None)
    assert session.drawn.sample.plan.strategy == "medoids"
    assert np.isin(session.drawn.sample.rows, worst.rows).all()
    expect(page.get_by_role("tab", name="Sample")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_text("medoids (representative) · seed 0")).to_be_visible()

    page.get_by_role("tab", name="Audit").click()
    until(lambda: served.explorer.tabs.shows(served.explorer.audit))
    arrive(page, served, page.reload)
    expect(findings.first).to_contain_text("to do")
    findings.first.get_by_role("button").first.click()
    expect(findings.first.get_by_role("textbox", name="Note on this finding")).to_have_value(NOTE)
    expect(page.get_by_role("combobox", name="Findings of which mark")).to_contain_text("to do 1")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0

    with page.expect_download(timeout=120_000) as download:
        page.get_by_role("button", name="Export report").click()
    download.value.save_as(tmp_path / "report.html")
    assert download.value.suggested_filename == f"audit-{session.run_id}.html"
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<html" in text
    assert html.escape(worst.sentence) in text
    assert not faults


def test_a_choice_of_no_column_says_what_to_do_and_keeps_its_label(
    page: Page, served_catalogue: Served
) -> None:
    served, faults = served_catalogue, []
    app = served.app
    known = [run for run in app.workspace.runs(app.dataset.id) if run.status is RunStatus.DONE]
    run = (
        known[0] if known else app.runner.wait(app.runner.start(app.dataset, RunParameters()).id, timeout=240)
    )
    watch(page, served, faults)
    page.set_viewport_size(SIZE)
    show(page, served, f"?run={run.id}")
    page.get_by_role("tab", name="Audit").click()
    expect(page.get_by_role("button", name="Audit", exact=True)).to_be_enabled()
    columns = served.explorer.audit.columns
    soon(served.explorer._doc, lambda: columns.param.update(value=[]))
    expect(page.get_by_text("Choose the columns to audit by first.")).to_be_visible()
    expect(page.get_by_role("button", name="Audit", exact=True)).to_be_disabled()
    label, field = page.locator("label", has_text="Audit by"), page.get_by_role("combobox", name="Audit by")

    def middle_of(part: Locator) -> float:
        box = part.bounding_box()
        return box["y"] + box["height"] / 2

    until(lambda: abs(middle_of(label) - middle_of(field)) < 3)
    assert not faults


def test_all_that_is_measured_of_a_cluster_unfolds_by_keyboard(page: Page, served_catalogue: Served) -> None:
    served, faults = served_catalogue, []
    app = served.app
    known = [run for run in app.workspace.runs(app.dataset.id) if run.status is RunStatus.DONE]
    run = (
        known[0] if known else app.runner.wait(app.runner.start(app.dataset, RunParameters()).id, timeout=240)
    )
    found = audit(app.workspace, run)
    keep(app.workspace, found)
    watch(page, served, faults)
    page.set_viewport_size(SIZE)
    show(page, served, f"?run={run.id}")
    page.get_by_role("tab", name="Audit").click()
    told = [place for place, one in enumerate(found.findings) if one.cluster is not None and one.column]
    place, following = told[:2]
    findings = page.get_by_role("list", name="Findings").get_by_role("listitem")
    entry, cluster = findings.nth(place), found.measured[found.findings[place].cluster]
    entry.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    of_cluster = entry.locator("dl").first
    expect(of_cluster.get_by_role("term")).to_have_text([one.name for one in OF_CLUSTER])
    expect(of_cluster).to_contain_text(f"{cluster.density:,.0f}items nearby")
    expect(of_cluster).to_contain_text(f"{cluster.probability:.2f}of 1")
    expect(entry.get_by_text(f"median of {len(found.measured)}", exact=True)).to_be_visible()

    # A column's part that is not the finding's own unfolds by a key, and stays so for what is looked at next.
    own = found.columns.index(found.findings[place].column)
    other = (own + 1) % len(found.columns)
    parts = entry.get_by_role("group").filter(has=page.locator("summary"))
    expect(parts.nth(own)).to_contain_text("entropy")
    expect(parts.nth(own).get_by_text("effective")).to_be_visible()
    expect(parts.nth(other).get_by_text("effective")).to_be_hidden()
    parts.nth(other).locator("summary").focus()
    page.keyboard.press("Enter")
    expect(parts.nth(other).get_by_text("effective")).to_be_visible()
    made = cluster.columns[other]
    expect(parts.nth(other)).to_contain_text(f"{made.entropy:.2f}by chance {made.entropy_by_chance:.2f}")
    # In the place of that part another column's is folded, until its own is back.
    result = served.explorer.audit.result
    was, columns = result.measures, list(result.measures["columns"])
    columns[other] = columns[other] | {"title": "By another"}
    for measures, shown in ((was | {"columns": columns}, False), (was, True)):
        soon(served.explorer._doc, lambda measures=measures: result.param.update(measures=measures))
        expect(parts.nth(other).locator("summary")).to_have_text(measures["columns"][other]["title"])
        expect(parts.nth(other).get_by_text("effective")).to_be_visible(visible=shown)
    findings.nth(following).get_by_role("button").first.click()
    parts = findings.nth(following).get_by_role("group").filter(has=page.locator("summary"))
    expect(parts.nth(other).get_by_text("effective")).to_be_visible()
    assert not faults
