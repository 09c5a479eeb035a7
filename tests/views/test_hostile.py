"""Whatever columns are called and hold: they can be imported, coloured, counted, searched and looked at."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model.categories import NO_VALUE
from explorer.model.errors import InputError
from explorer.model.runner import Runner
from explorer.model.search import search, searchable
from explorer.model.selection import composition
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.colour_panel import OTHER, hint, legend_rows, unlisted
from explorer.views.colouring import Colours, colourable
from explorer.views.composition import findings
from explorer.views.item_state import SHORT, item_state

N = 60
SCRIPT = "<img src=x onerror=alert(1)>"
COLUMNS = {
    SCRIPT: [f"<script>alert({row % 3})</script>" for row in range(N)],
    "quote\"d' name": ["'; DROP TABLE items; --"] * N,
    "عنوان": [f"شعر {row % 7}" for row in range(N)],
    "Ärger 😀": [f"ü{row % 3}" for row in range(N)],
    "\u202eevil": ["a\u202eb"] * N,
    "new\nline": ["one\ntwo"] * N,
    " ": [" "] * N,
    "big": ["x" * 2**20 + "end" if row == 3 else f"small {row}" for row in range(N)],
    "null": pa.nulls(N),
    "null text": pa.nulls(N, pa.string()),
    "day": [dt.date(2024, 1, 1) + dt.timedelta(row) for row in range(N)],
    "time": pa.array(np.arange(N) * 10**15, pa.timestamp("ns")),
    "far": pa.array([2**62] * N, pa.timestamp("us")),
    "zone": pa.array(np.arange(N, dtype=np.int64)).cast(pa.timestamp("s", "Europe/Berlin")),
    "clock": pa.array(np.arange(N, dtype=np.int32)).cast(pa.time32("s")),
    "yes": [row % 2 == 0 for row in range(N)],
    "maybe": [None, True] * (N // 2),
    "list": [[1, 2, row] for row in range(N)],
    "texts": [["a", "<b>"], []] * (N // 2),
    "record": [{"a": row, "b": "x"} for row in range(N)],
    "map": pa.array([[("k", 1)]] * N, pa.map_(pa.string(), pa.int32())),
    "not a number": [np.nan] * N,
    "infinite": [np.inf, -np.inf, 1.5] * (N // 3),
    "largest": pa.array([2**64 - 1] * N, pa.uint64()),
    "decimal": pa.array([1] * N).cast(pa.decimal128(30, 3)),
    "half": pa.array(np.linspace(0, 1, N).astype(np.float16)),
    "bytes": [b"\x89PNG", b"<script>"] * (N // 2),
    "nul": ["a\0b"] * N,
    "view": pa.array(["a"] * N, pa.string_view()),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([bytes(16), None] * (N // 2), pa.binary(16))),
    "small boolean": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0] * (N // 2), pa.int8())),
    "file_row_number": list(range(N)),
    "row_id": list(range(N)),
    "x": list(range(N)),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("hostile")
    vectors = list(np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))
    pq.write_table(pa.table({"vector": vectors} | COLUMNS), folder / "hostile.parquet")
    workspace = Workspace(folder / "workspace")
    runner = Runner(workspace)
    yield Session(workspace, runner, workspace.add_dataset(folder / "hostile.parquet", vectors="vector"))
    runner.close()
    workspace.close()


def named(session: Session, name: str) -> str:
    """What a column is called once it is imported: names of our own get a stroke."""
    return name if name in [column.name for column in session.dataset.items.columns] else f"{name}_"


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_can_colour_be_counted_and_be_searched_or_says_why_not(
    session: Session, name: str
) -> None:
    column = named(session, name)
    if column not in colourable(session):
        with pytest.raises(InputError, match="bytes or vectors"):
            session.categories(column)
        return
    session.param.update(colour_by=column, isolated=frozenset())
    rows = [row for row in legend_rows(session, dark=True) if row["key"] != OTHER]
    categories = session.categories(column)
    missing = int((categories.codes < 0).sum())
    assert sum(row["total"] for row in rows) == (N if missing < N else 0)
    assert sum(row["total"] for row in rows if row["name"] == NO_VALUE) == missing % N
    assert ("No item has a value" in hint(session)) is (missing == N)
    assert len(Colours(session).now(dark=True).codes) == N
    shares = composition(np.arange(N) < 30, categories)
    assert sum(share.selected for share in shares) <= 30
    assert "<script" not in findings(shares)
    session.select_category(column, 0) if rows else session.clear_selection()
    assert session.selection.count == (rows[0]["total"] if rows else 0)
    search(session.dataset.items, "a", [column])


def test_an_item_shows_every_column_and_sends_nothing_but_text(session: Session) -> None:
    state = item_state(session, 3)
    fields = {field["name"]: field for field in state["fields"]}
    assert list(fields) == [named(session, name) for name in COLUMNS]
    json.dumps(state)  # what the page is sent is plain values
    shown = {name: fields[named(session, name)]["text"] for name in COLUMNS}
    assert shown[SCRIPT] == "<script>alert(0)</script>"
    assert shown["null"] == shown["null text"] == "no value"
    assert shown["day"] == "2024-01-04"
    assert shown["yes"] == "false"
    assert shown["list"] == "[1, 2, 3]"
    assert shown["texts"] == "[]"
    assert shown["record"] == '{"a": 3, "b": "x"}'
    assert shown["not a number"] == "not a number"
    assert shown["infinite"] == "∞"
    assert shown["bytes"] == "8 bytes"
    assert shown["far"] == f"{2**62:,} as timestamp[us]"
    assert shown["عنوان"] == "شعر 3"
    assert shown["largest"] == "18,446,744,073,709,551,615"
    assert shown["big"] == "x" * SHORT + "…"
    assert fields["big"]["length"] == 2**20 + 3


def test_the_end_of_a_text_of_a_megabyte_is_found(session: Session) -> None:
    found = search(session.dataset.items, "XEND", ["big"])
    assert found.rows.tolist() == [3]
    assert (found.hits[0].match, found.hits[0].after) == ("xend", "")
    assert len(found.hits[0].before) < 100


def test_a_hundred_thousand_names_are_searched_and_the_commonest_listed(tmp_path: Path) -> None:
    n = 200_000
    names = [f"name {row % 100_000:06d}" for row in range(n)]
    vectors = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    table = {"v0": vectors[:, 0], "v1": vectors[:, 1], "name": names}
    pq.write_table(pa.table(table), tmp_path / "names.parquet")
    with Workspace(tmp_path / "w") as workspace, Runner(workspace) as runner:
        session = Session(workspace, runner, workspace.add_dataset(tmp_path / "names.parquet"))
        session.colour_by = "name"
        rows = legend_rows(session, dark=True)
        assert len(rows) == 201
        assert rows[-1]["key"] == OTHER
        assert "have no row here" in unlisted(session.categories("name"))
        found = search(session.dataset.items, "name 0123")
        assert found.rows.tolist() == [*range(12_300, 12_400), *range(112_300, 112_400)]
        assert item_state(session, 112_345)["title"] == "name 012345"


def test_five_hundred_columns_are_all_shown_and_searched(tmp_path: Path) -> None:
    columns = {f"column <{place}>": [f"value {place} {row % 4}" for row in range(40)] for place in range(500)}
    vectors = list(np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    pq.write_table(pa.table({"vector": vectors} | columns), tmp_path / "wide.parquet")
    with Workspace(tmp_path / "w") as workspace, Runner(workspace) as runner:
        session = Session(workspace, runner, workspace.add_dataset(tmp_path / "wide.parquet"))
        assert [field["text"] for field in item_state(session, 6)["fields"]] == [
            f"value {place} 2" for place in range(500)
        ]
        assert len(searchable(session.dataset.items)) == 500
        found = search(session.dataset.items, "VALUE 499 2")
        assert found.rows.tolist() == list(range(2, 40, 4))
        assert found.hits[0].column == "column <499>"


def test_mixed_types_of_a_csv_are_text(tmp_path: Path) -> None:
    lines = ["v0,v1,mixed", "1,2,7", "2,3,seven", "3,4,", "4,5,2024-01-01", "5,6,true"]
    (tmp_path / "mixed.csv").write_text("\n".join(lines))
    with Workspace(tmp_path / "w") as workspace, Runner(workspace) as runner:
        session = Session(workspace, runner, workspace.add_dataset(tmp_path / "mixed.csv"))
        texts = [item_state(session, row)["fields"][0]["text"] for row in range(5)]
    assert texts == ["7", "seven", "no value", "2024-01-01", "true"]
