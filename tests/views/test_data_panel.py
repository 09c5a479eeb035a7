"""The panel of the data while a file is imported: how far it is, and an end to it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from explorer.model.doing import Doing
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.data_panel import DataPanel
from explorer.views.status_bar import StatusBar, under_way


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session without data, beside a file of five blocks."""
    np.save(tmp_path / "long.npy", np.zeros((70_000, 64), np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        workspace.claim()
        yield Session(workspace, runner)


def opened(panel: DataPanel, meanwhile: Callable[[], None]) -> Document:
    """Press Open, do something while the import stands at its second block, and let it go on."""
    reached, go = threading.Event(), threading.Event()
    load = panel._session.load

    def held(path: str, vectors: str | None, items: str | None, doing: Doing) -> Any:
        def told(share: float) -> None:
            doing(share)
            if share > 0.3 and not reached.is_set():
                reached.set()
                assert go.wait(60)

        return load(path, vectors, items, told)

    async def follow() -> None:
        panel._session.load = held
        importing = asyncio.create_task(panel._open(None))
        async with asyncio.timeout(60):
            while panel.share.value < 30:
                await asyncio.sleep(0.02)
            meanwhile()
            go.set()
            await importing

    doc = Document()

    def work() -> None:
        with set_curdoc(doc):
            asyncio.run(follow())

    # On a thread of its own: the browser's tests leave a running loop on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()
    return doc


def test_an_import_shows_how_far_it_is_and_then_the_data(session: Session, tmp_path: Path) -> None:
    told: list[Doing | None] = []
    panel = DataPanel(session, told.append)
    panel.path.value = str(tmp_path / "long.npy")

    def look() -> None:
        assert panel._importing.visible
        assert panel.open.disabled
        assert panel.share.variant == "determinate"
        assert "reading long.npy: 46.8%" in panel._words.object

    doc = opened(panel, look)
    assert told[-2].share == 1
    assert told[-1] is None
    assert not panel._importing.visible
    (shown,) = doc.session_callbacks
    shown.callback()
    assert session.dataset.n == 70_000


def test_a_cancelled_import_leaves_page_and_workspace_as_they_were(session: Session, tmp_path: Path) -> None:
    panel = DataPanel(session, lambda _: None)
    panel.path.value = str(tmp_path / "long.npy")
    before = [path for path in session.workspace.path.rglob("*") if path.is_file()]

    def cancel() -> None:
        panel._cancel(None)
        assert panel.cancel.disabled
        assert panel.cancel.label == "Cancelling …"

    doc = opened(panel, cancel)
    assert [path for path in session.workspace.path.rglob("*") if path.is_file()] == before
    assert doc.session_callbacks == []
    assert not panel._importing.visible
    assert not panel.open.disabled
    assert panel._form.visible


def test_the_status_bar_tells_an_import_and_its_share(session: Session) -> None:
    bar, doing = StatusBar(session), Doing("reading long.npy")
    bar.show(doing)
    assert "reading long.npy…" in bar._pane.object
    doing(0.4)
    bar.show(doing)
    assert under_way(doing) in bar._pane.object
    bar.show(None)
    assert "reading" not in bar._pane.object
