"""The Clusters tab in the browser: the tree cut by keys, a branch clicked, split, and put on the map."""

import numpy as np
from playwright.sync_api import Page, expect

from explorer.model.statistics import CLUSTER
from explorer.views.turns import soon
from tests.browser.conftest import Served, until


def test_a_tree_is_cut_clicked_split_and_applied(opened_on_run: Page, served: Served) -> None:
    page, session, panel = opened_on_run, served.explorer.session, served.explorer.clusters
    page.get_by_role("tab", name="Clusters").click()
    rows = page.get_by_role("list", name="Clusters").get_by_role("button")
    until(lambda: panel._draft is not None, seconds=60)
    expect(rows).to_have_count(len(panel._draft.clusters.sizes) + 1)
    bars = page.get_by_role("listbox", name="Branches of the condensed tree").get_by_role("option")
    expect(bars).to_have_count(len(panel._draft.drawing.bars))

    until(lambda: panel._named)  # names draw the tree anew
    for hidden, words in ((1, "1 small branch is not"), (2000, "2,000 small branches are not")):
        soon(
            served.explorer._doc,
            lambda hidden=hidden: setattr(panel.tree, "state", {**panel.tree.state, "hidden": hidden}),
        )
        expect(page.get_by_text(f"{words} drawn.")).to_be_visible()

    slider = page.get_by_role("slider", name="Cut of the tree")
    slider.focus()
    page.keyboard.press("PageDown")
    until(lambda: panel._draft.level is not None)
    expect(page.get_by_text("chosen by hand")).to_be_visible()
    expect(rows).to_have_count(len(panel._draft.clusters.sizes) + 1)

    page.get_by_role("button", name="Start over").click()
    until(lambda: not panel._draft.by_hand)
    tree = panel._draft.tree
    split = page.get_by_role("button", name="Split", exact=True)
    branch = panel._draft.drawing.bars[1].branch
    bars.nth(1).click()
    until(lambda: session.selection.count == tree.size[branch])
    for key in ("ArrowUp", "Enter"):
        page.get_by_role("listbox", name="Branches of the condensed tree").press(key)
    until(lambda: session.selection.count == session.dataset.n)
    bars.nth(1).dblclick()
    until(lambda: panel._draft.drawing.root == branch)
    whole = page.get_by_role("button", name="Whole tree")
    whole.click()
    until(lambda: panel._draft.drawing.root == 0)
    expect(whole).to_be_hidden()  # the browser has the parent of the branch again
    for key in ("ArrowUp", "Enter"):
        page.get_by_role("listbox", name="Branches of the condensed tree").press(key)
    until(lambda: session.selection.count == session.dataset.n)
    merge = page.get_by_role("button", name="Merge", exact=True)
    expect(merge).to_be_enabled()
    merge.click()
    until(lambda: panel._draft.branches == (0,))
    expect(split).to_be_enabled()
    split.click()
    until(lambda: panel._draft.branches == tree.children[0])
    expect(rows).to_have_count(3)

    page.get_by_role("button", name="Apply", exact=True).click()
    until(lambda: session.colour_by == CLUSTER and bool(session.categories(CLUSTER).names))
    found = session.categories(CLUSTER)
    labels = panel._draft.clusters.labels
    np.testing.assert_array_equal(np.where(found.codes == found.noise, -1, found.codes), labels)
    rows.first.click()
    until(lambda: session.selection.count == panel._draft.clusters.sizes[0])
    served.app.workspace.save_clustering(session.run_id, None)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
