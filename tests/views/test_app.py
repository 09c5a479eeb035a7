"""Who may see a page, what a server does by itself, and where it writes what went wrong."""

import logging
import webbrowser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import panel as pn
import pytest

from explorer import app
from explorer.app import _is_loopback, come_alive, logging_to
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.5", False)],
)
def test_only_this_machine_needs_no_token(address: str, loopback: bool) -> None:
    assert _is_loopback(address) is loopback


def test_a_name_is_no_address() -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        _is_loopback("everywhere")


@pytest.mark.parametrize("show", [True, False])
def test_the_browser_is_opened_at_the_address_that_holds_the_token(
    show: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)

    waiting: list[Callable[[], object]] = []
    loop = SimpleNamespace(add_callback=lambda call, *given: waiting.append(partial(call, *given)))
    monkeypatch.setattr(app, "IOLoop", SimpleNamespace(current=lambda: loop))

    def serve(*_: object, show: bool, **options: object) -> None:
        assert not show
        assert not opened, "nothing listens yet"
        assert capsys.readouterr().out == ""
        for call in waiting:
            call()

    monkeypatch.setattr(pn, "serve", serve)
    app._listen(SimpleNamespace(token="secret", page=None, pages=[]), 5006, "0.0.0.0", show)
    told = capsys.readouterr().out
    assert len(opened) == show
    assert all(url in told and url.endswith(":5006/?token=secret") for url in opened)


@pytest.mark.parametrize("statuses", [(), ("interrupted",), ("stopped",), ("interrupted", "done")])
def test_a_map_comes_alive_unless_there_is_something_to_see(
    tmp_path: Path, statuses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "data.npy", np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    done: list[tuple[str, object]] = []
    with Workspace(tmp_path / "w") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "data.npy")
        for status in statuses:
            run = Run.new(dataset.id, dataset.hash, dataset.n, RunParameters())
            workspace.save_run(run.with_(status=RunStatus(status)))
        monkeypatch.setattr(runner, "start", lambda *_: done.append(("start", None)))
        monkeypatch.setattr(runner, "resume", lambda run_id: done.append(("resume", run_id)))
        come_alive(runner, dataset)
        (only,) = runner.runs() if len(statuses) == 1 else [None]
    expected = {(): [("start", None)], ("interrupted",): [("resume", only and only.id)]}
    assert done == expected.get(statuses, [])


def test_what_goes_wrong_is_written_to_a_file(tmp_path: Path) -> None:
    root, path = logging.getLogger(), tmp_path / "explorer.log"
    before = list(root.handlers)
    with logging_to(path):
        logging.getLogger("explorer.views.aside").error("It did not work out.")
        logging.getLogger("explorer").info("Not of interest.")
    assert root.handlers == before
    (line,) = path.read_text().splitlines()
    assert line.endswith("ERROR explorer.views.aside: It did not work out.")
