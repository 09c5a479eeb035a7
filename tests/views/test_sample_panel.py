"""The Sample tab without a browser: what it says of few items, and of a size that is none."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc

from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.strategies import Plan
from explorer.views import telling
from explorer.views.sample_panel import SamplePanel, told
from tests.views.bench import laid_out


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Blobs without a run."""
    with laid_out(tmp_path_factory.mktemp("sample"), blobs[0]) as made:
        yield made


def draw(panel: SamplePanel) -> None:
    """Press Draw and wait until it is done."""
    doc = Document()

    def work() -> None:
        with set_curdoc(doc):
            asyncio.run(panel._draw(None))

    # On a thread of its own: the browser's tests leave a running loop on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()
    for one in doc.session_callbacks:
        one.callback()


def test_a_size_that_is_none_is_refused_and_draws_nothing(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(telling, "tell", said.append)
    panel = SamplePanel(session, lambda _: None)
    for none in (0, None):
        panel.size.value = none
        draw(panel)
        assert said.pop() == "A sample has at least 1 row, not 0."
        assert session.drawn is None
    panel.size.value = 3
    draw(panel)
    assert len(session.drawn.sample.rows) == 3
    assert said == []


def test_one_item_is_told_as_one(session: Session) -> None:
    session.select(np.arange(session.dataset.n) == 7, Step("rows"))
    panel = SamplePanel(session, lambda _: None)
    assert "Draws from the 1 selected item." in panel._head.object
    assert "<b>1 item</b>" in told(session.draw(Plan(size=1)))
