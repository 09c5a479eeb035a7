"""A run in the browser: it streams, pauses, goes on, and ends in the bits of an uninterrupted run."""

from pathlib import Path

import numpy as np
from playwright.sync_api import Page, expect

from explorer.model.run import RunParameters, RunStatus
from tests.browser.conftest import COUNT_PICTURES, Served, fill, show, until


def start_run(page: Page, served: Served, seed: int, epochs: int) -> str:
    form = served.explorer.form
    if not form.n_epochs.value:
        expect(page.get_by_role("textbox", name="epochs")).to_have_value("auto")
    fill(page, "epochs", epochs)
    fill(page, "seed", seed)
    until(lambda: (form.n_epochs.value, form.seed.value) == (epochs, seed))
    before = served.explorer.session.run_id
    page.get_by_role("button", name="Run", exact=True).click()
    until(lambda: served.explorer.session.run_id != before)
    return served.explorer.session.run_id


def test_a_page_at_rest_does_nothing(quiet: Page, served: Served, finished: list[str]) -> None:
    # What waits in a loop waits by messages to itself, thousands a second, and takes a core from the layout.
    quiet.add_init_script("""
        window.messages = 0
        const post = MessagePort.prototype.postMessage
        MessagePort.prototype.postMessage = function (...what) {
          window.messages += 1
          return post.apply(this, what)
        }
    """)
    show(quiet, served, f"?run={finished[0]}")
    quiet.wait_for_timeout(2000)
    assert quiet.evaluate("messages") > 0
    quiet.evaluate("messages = 0")
    quiet.wait_for_timeout(1000)
    assert quiet.evaluate("messages") < 100


def test_at_least_ten_distinct_frames_arrive_while_a_run_works(opened: Page, served: Served) -> None:
    opened.evaluate(COUNT_PICTURES, served.explorer.map.feed.source.id)
    run_id = start_run(opened, served, seed=11, epochs=8000)
    runner = served.app.runner
    until(lambda: runner.progress(run_id).stage == "layout", 240)
    while runner.progress(run_id).status is RunStatus.RUNNING and opened.evaluate("pictures.size") < 10:
        opened.wait_for_timeout(20)
    assert runner.progress(run_id).status is RunStatus.RUNNING
    assert opened.evaluate("pictures.size") >= 10
    runner.stop(run_id)


def test_the_last_epoch_is_on_the_map_when_the_run_is_done(opened: Page, served: Served) -> None:
    run_id = start_run(opened, served, seed=12, epochs=60)
    run = served.app.runner.wait(run_id, timeout=240)
    assert run.status is RunStatus.DONE
    until(lambda: served.explorer.map.feed.epochs_painted[-1] == 60)
    expect(opened.locator(".playback-bar")).to_contain_text("epoch 60 / 60")
    expect(opened.locator(f'[data-run="{run_id}"]')).to_contain_text("done")
    expect(opened.locator(f'[data-run="{run_id}"] img')).to_be_visible()


def test_pause_freezes_and_resume_ends_in_the_same_bits(opened: Page, served: Served) -> None:
    runner, epochs = served.app.runner, 1200
    run_id = start_run(opened, served, seed=13, epochs=epochs)
    until(lambda: runner.progress(run_id).epoch > 3, 240)
    opened.get_by_role("button", name="Pause").click()
    opened.get_by_role("button", name="Resume").wait_for()
    frozen = runner.snapshot(run_id)
    until(lambda: served.explorer.map.feed.epochs_painted[-1] == frozen.epoch)
    opened.wait_for_timeout(700)
    assert runner.snapshot(run_id).epoch == frozen.epoch < epochs
    expect(opened.locator(".playback-bar")).to_contain_text(f"epoch {frozen.epoch:,} / {epochs:,}")
    opened.get_by_role("button", name="Resume").click()
    assert runner.wait(run_id, timeout=240).status is RunStatus.DONE
    straight = runner.start(served.app.dataset, RunParameters(seed=13, n_epochs=epochs))
    runner.wait(straight.id, timeout=240)
    np.testing.assert_array_equal(runner.snapshot(run_id).embedding, runner.snapshot(straight.id).embedding)


def test_a_stopped_run_keeps_its_map(opened: Page, served: Served) -> None:
    runner = served.app.runner
    run_id = start_run(opened, served, seed=14, epochs=4000)
    until(lambda: runner.progress(run_id).epoch > 3, 240)
    opened.get_by_role("button", name="Stop").click()
    run = runner.wait(run_id, timeout=60)
    assert run.status is RunStatus.STOPPED
    assert 3 < run.epoch < 4000
    assert served.app.workspace.embedding(run_id).shape == (served.app.dataset.n, 2)
    expect(opened.locator(f'[data-run="{run_id}"]')).to_contain_text(f"stopped at epoch {run.epoch:,}")


def test_bad_parameters_are_told_in_one_sentence(opened: Page, served: Served, tmp_path: Path) -> None:
    np.save(tmp_path / "few.npy", np.random.default_rng(0).normal(size=(3, 4)))
    opened.get_by_role("button", name="Open another file").click()
    fill(opened, "File", str(tmp_path / "few.npy"))
    opened.get_by_role("button", name="Open", exact=True).click()
    expect(opened.get_by_text("3 rows × 4 dimensions")).to_be_visible()
    opened.get_by_role("button", name="Run", exact=True).click()
    expect(opened.get_by_text("n_neighbors is 3 but the data has 3 rows")).to_be_visible()
