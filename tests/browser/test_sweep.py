"""A sweep started from the page: it says what it will take, finishes, and its runs share their graphs."""

from pathlib import Path

from playwright.sync_api import Page, expect

from explorer.model import stages
from explorer.model.run import RunStatus
from tests.browser.conftest import Served, fill, until


def test_a_sweep_over_two_seeds_finishes_and_shares_its_graphs(opened: Page, served: Served) -> None:
    session, cache = served.explorer.session, served.app.workspace.path / "cache"
    before = set(cache.glob("*/*"))
    fill(opened, "epochs", 20)
    until(lambda: served.explorer.form.n_epochs.value == 20)
    opened.get_by_label("Sweep").check()
    fill(opened, "n_neighbors values", "6, 6000")
    expect(opened.get_by_text("n_neighbors is 6000 but the data has 3000 rows")).to_be_visible()
    expect(opened.get_by_role("button", name="Run maps")).to_be_disabled()
    fill(opened, "n_neighbors values", "6, 9")
    fill(opened, "min_dist values", "0.2, 0.4")
    opened.get_by_role("textbox", name="seeds").fill("0-1")  # told while it is typed, before it is left
    line = "8 runs: 2 knn graphs, 4 fuzzy sets, 4 initial layouts, 8 layouts; about "
    expect(opened.get_by_text(line)).to_be_visible()

    opened.get_by_role("button", name="Run 8 maps").click()
    until(lambda: len([run for run in session.runs if run.sweep]) == 8)
    runs = [served.app.runner.wait(run.id, timeout=240) for run in session.runs if run.sweep]
    assert {run.status for run in runs} == {RunStatus.DONE}
    assert len({run.sweep for run in runs}) == 1
    assert len({stages.of_run(run)[0].key for run in runs}) == 2
    assert made(before, cache) == {"knn-graph": 2, "fuzzy-set": 4, "initial-layout": 4}
    for run in runs:
        expect(opened.locator(f'[data-run="{run.id}"]')).to_contain_text("done")
    expect(opened.get_by_text("8 runs: 8 layouts; 10 stages kept from before; about ")).to_be_visible()
    first = session.run(session.run_id)
    assert (first.sweep, first.parameters.label) == (runs[0].sweep, "k 6 · d 0.2 · seed 0 · graph 9")


def made(before: set[Path], cache: Path) -> dict[str, int]:
    """How many results each stage before the layout has left since."""
    new = [path.parent.name for path in cache.glob("*/*") if path not in before]
    return {stage: new.count(stage) for stage in ("knn-graph", "fuzzy-set", "initial-layout")}
