"""A server that ends in the middle of a queue and starts again: the queue goes on, and the page tells all."""

import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from explorer.model.run import RunStatus
from explorer.model.workspace import Workspace
from tests.browser.conftest import SIZE, fill, until
from tests.model.test_cli import start

EPOCHS = 5000
"""Some seconds of 3,000 digits: enough to be in the middle of."""
Serve = Callable[[], subprocess.Popen[str]]


@pytest.fixture
def url() -> str:
    """Where nothing listens yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}/"


@pytest.fixture
def serve(url: str, tmp_path: Path, mnist_small_path: Path) -> Iterator[Serve]:
    """Starts the command, always on the same workspace and port, and returns once it listens."""
    started: list[subprocess.Popen[str]] = []
    port = url.rstrip("/").rpartition(":")[2]

    def serve() -> subprocess.Popen[str]:
        where = ("--workspace", tmp_path / "workspace", "--port", port, "--no-show")
        process = start("serve", mnist_small_path, *where, folder=tmp_path)
        started.append(process)
        assert url in process.stdout.readline()
        return process

    yield serve
    for process in started:
        process.kill()
        process.communicate()


def in_the_middle(folder: Path) -> bool:
    """Whether the first run is at its layout, while the second is ready for its own and waits.

    By what is on disk: the page may be seconds late, and the run over.
    """
    with Workspace(folder) as workspace:
        first, second = sorted(workspace.runs(), key=lambda run: run.parameters.seed)
        begun = first.status is RunStatus.RUNNING and bool(workspace.keyframes(first.id).epochs)
        return begun and second.status is RunStatus.QUEUED and bool(second.seconds)


@pytest.fixture
def card(page: Page) -> Callable[[int], Locator]:
    """The card of the run of a seed."""
    return lambda seed: page.locator(".run-card", has_text=f"seed {seed}")


@pytest.fixture
def server(
    page: Page, card: Callable[[int], Locator], serve: Serve, url: str, tmp_path: Path
) -> subprocess.Popen[str]:
    """One in the middle of the first of two runs, which were asked for on its page."""
    page.set_viewport_size(SIZE)
    server = serve()
    page.goto(url)
    fill(page, "epochs", EPOCHS)
    page.get_by_label("Sweep").check()
    for name, value in (("n_neighbors values", "15"), ("min_dist values", "0.1"), ("seeds", "0-1")):
        fill(page, name, value)
    page.get_by_role("button", name="Run 2 maps").click()
    expect(card(1)).to_contain_text("queued")
    until(lambda: in_the_middle(tmp_path / "workspace"), 60)
    return server


def assert_all_done(folder: Path) -> None:
    """Nothing was left out, and each map is there."""
    with Workspace(folder) as workspace:
        runs = workspace.runs()
        assert [(run.status, run.epoch) for run in runs] == [(RunStatus.DONE, EPOCHS)] * 2
        assert all(workspace.embedding(run.id) is not None for run in runs)


def test_a_queue_goes_on_by_itself_after_its_server_was_ended(
    page: Page,
    card: Callable[[int], Locator],
    server: subprocess.Popen[str],
    serve: Serve,
    url: str,
    tmp_path: Path,
) -> None:
    server.terminate()
    assert server.wait(60) == 0
    expect(page.get_by_text("The connection to the server is lost.")).to_be_visible()
    page.goto("about:blank")
    serve()
    page.goto(url)
    for seed in (0, 1):
        expect(card(seed)).to_contain_text("done", timeout=60_000)
    assert_all_done(tmp_path / "workspace")


def test_a_queue_goes_on_after_its_server_was_killed_and_all_of_it_is_done(
    page: Page,
    card: Callable[[int], Locator],
    server: subprocess.Popen[str],
    serve: Serve,
    url: str,
    tmp_path: Path,
) -> None:
    server.kill()
    server.wait()

    page.goto("about:blank")  # else the page of the dead server asks for it again and again
    serve()
    faults: list[str] = []
    page.on("console", lambda m: faults.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(url)
    expect(card(0)).to_contain_text("interrupted")
    card(0).locator(".run-show").click()
    page.get_by_role("button", name="Resume").click()
    for seed in (1, 0):
        expect(card(seed)).to_contain_text("done", timeout=60_000)
    expect(page.locator(".playback-bar")).to_contain_text("epoch 5,000 / 5,000")
    assert not faults
    assert_all_done(tmp_path / "workspace")
