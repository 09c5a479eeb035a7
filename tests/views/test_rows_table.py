"""A page of the table of a sample: pictures, sounds and links where columns hold them, all else as text."""

import asyncio
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bokeh.document import Document
from panel.io.state import set_curdoc
from PIL import Image

from explorer.model.errors import InputError
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import telling
from explorer.views.item_state import _pictures
from explorer.views.rows_table import ROW, SOUND, Rows, RowsTable
from tests.model.test_media import picture, tone
from tests.views.test_media import decoded

N = 40
MARKUP = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Items of every kind, the files below a folder of media."""
    folder = tmp_path_factory.mktemp("table")
    (folder / "media").mkdir()
    (folder / "media" / "a.png").write_bytes(picture("PNG"))
    (folder / "media" / "a.wav").write_bytes(tone())
    columns = {
        "title": [MARKUP] * N,
        "photo": [picture("JPEG")] * (N - 1) + [picture("JPEG")[:60]],
        "path": ["a.png"] * (N - 1) + ["../<b>.png"],
        "song": [tone()] * N,
        "sound": ["a.wav"] * N,
        "address": ["https://a.example/?q=\"'<b>"] * (N - 1) + ["javascript:alert(1)"],
        "plays": [1_234_567 * (row + 1) for row in range(N)],
        "probability": [None] * N,
        "index": [f"no. {row}" for row in range(N)],
    }
    vectors = list(np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))
    pq.write_table(pa.table({"vector": vectors} | columns), folder / "all.parquet")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "all.parquet", vectors="vector")
        yield Session(workspace, runner, dataset, folder / "media")


def rows(session: Session, media: Path | None) -> Rows:
    return Rows(session.dataset, np.arange(N), {"chance": np.linspace(0.5, 1, N)}, media)


def test_pictures_of_bytes_and_of_files_are_small_and_made_anew(session: Session) -> None:
    page = rows(session, session.media).page(0, 2)
    for name in ("photo", "path"):
        assert page.media[name] in ("image", "image file")
        source = page.frame[name][0].split('src="')[1].removesuffix('">')
        assert decoded(source).startswith(b"\x89PNG")
        with Image.open(io.BytesIO(decoded(source))) as image:
            assert image.size == (9, 5)
    assert page.frame["song"][0] == page.frame["sound"][0] == SOUND


def test_what_cannot_be_shown_is_text_that_says_why(session: Session) -> None:
    last = rows(session, session.media).page(N - 1, 1).frame.iloc[0]
    assert last["photo"].startswith('<span title="The picture is damaged.">')
    assert "../&lt;b&gt;.png</span>" in last["path"]
    assert last["address"] == "javascript:alert(1)"
    closed = rows(session, None).page(0, 1).frame.iloc[0]
    assert closed["path"].endswith(">a.png</span>")
    assert closed["sound"].endswith(">a.wav</span>")
    assert "--media" in closed["path"]


def test_links_lead_away_and_give_nothing_away(session: Session) -> None:
    link = rows(session, None).page(0, 1).frame["address"][0]
    assert link.startswith('<a href="https://a.example/?q=&quot;&#x27;&lt;b&gt;" target="_blank"')
    assert 'rel="noopener noreferrer">https://a.example/' in link


def test_markup_of_the_data_stays_text(session: Session) -> None:
    page = rows(session, None).page(0, 1)
    assert "title" not in page.media
    assert page.frame["title"][0] == MARKUP


def test_neighbours_have_the_pictures_of_files(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    items = session.dataset.items
    media = {"photo": "bytes"}
    known = items.media
    monkeypatch.setattr(items, "media", lambda name: media.get(name) or known(name))
    pictures = _pictures(session, np.array([0, N - 1]))
    assert pictures[0].startswith("data:image/png;base64,")
    assert pictures[1] == ""


def test_numbers_are_written_with_thousands_and_sorted_as_numbers(session: Session) -> None:
    page = rows(session, None).sorted_by("plays", descending=True).page(0, 2)
    assert page.frame["plays"].tolist() == ["49,382,680", "48,148,113"]
    assert {"row_id", "chance", "plays"} == page.numbers
    assert page.frame["chance"][0] == "1"
    assert page.frame["probability"][0] == "—"


def test_an_order_is_sorted_once_for_all_its_pages(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    sorted_by, of_them, sorts = Rows.sorted_by, rows(session, None), []
    monkeypatch.setattr(Rows, "sorted_by", lambda *given: sorts.append(given[1:]) or sorted_by(*given))
    table, order = RowsTable(lambda _: None), (("title", "asc"), ("plays", "desc"))
    ids = [row for page in range(1, 6) for row in table._fetch(of_them, page, order).ids]
    assert ids == list(range(N))[::-1]
    assert sorts == [("plays", True), ("title", False)]
    assert table._fetch(of_them, 1, ()).ids.tolist() == list(range(8))
    assert table._fetch(rows(session, None), 1, order).ids[0] == N - 1
    assert len(sorts) == 4


def test_which_page_of_how_many_is_told(session: Session) -> None:
    table, all_rows = RowsTable(lambda _: None), rows(session, None)
    table.show(all_rows, all_rows.page(0, 8))
    assert '"1 of 5"' in table.stylesheets[-1]
    assert table._page.frame["row_id"][7] == ROW.format(7)
    markup = {name for name, how in table.formatters.items() if how["type"] == "html"}
    assert markup == {"row_id", *table._page.media}
    few = Rows(session.dataset, np.arange(3), {})
    table.show(few, few.page(0, 8))
    assert '"1 of 1"' in table.stylesheets[-1]


def test_a_column_called_index_is_shown(session: Session) -> None:
    table, all_rows = RowsTable(lambda _: None), rows(session, None)
    table.show(all_rows, all_rows.page(0, 8))
    model = table.get_root()
    assert {column.field for column in model.columns} >= {"index", "title"}
    assert not {column.field for column in model.columns} & {*model.hidden_columns}
    assert list(model.source.data["index"]) == [f"no. {row}" for row in range(8)]


def turned(table: RowsTable, page: int) -> None:
    """Turn to a page as a browser does."""
    doc = Document()

    async def turn() -> None:
        table.page = page
        async with asyncio.timeout(60):
            while not doc.session_callbacks:
                await asyncio.sleep(0.01)
        (shown,) = doc.session_callbacks
        shown.callback()
        await asyncio.sleep(0.05)

    def work() -> None:
        with set_curdoc(doc):
            asyncio.run(turn())

    # On a thread of its own: the browser's tests leave a running loop on this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def test_a_page_that_cannot_be_read_is_told_and_the_one_before_stays(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InputError("The items cannot be read.")

    said: list[str] = []
    monkeypatch.setattr(telling, "tell", said.append)
    table, all_rows = RowsTable(lambda _: None), rows(session, None)
    table.show(all_rows, all_rows.page(0, 8))
    turned(table, 3)
    assert table._page.ids.tolist() == list(range(16, 24))
    with monkeypatch.context() as broken:
        broken.setattr(session.dataset.items, "look_up", fail)
        turned(table, 4)
    assert said == ["The items cannot be read."]
    assert table.page == 3
    assert '"3 of 5"' in table.stylesheets[-1]
    assert table._page.ids.tolist() == list(range(16, 24))
    turned(table, 4)
    assert table._page.ids.tolist() == list(range(24, 32))
