"""One row by itself: the same cells that fetching gives, a name, and what is like it."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model.errors import InputError
from explorer.model.item import like_row, like_selection, name_column, names_of, read_cells
from explorer.model.neighbours import nearest
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace

N = 300


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("item")
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "vector": list(rng.normal(size=(N, 5)).astype(np.float32)),
            "link": [f"https://a.example/{row}" for row in range(N)],
            "title": [f"title {row}" if row != 9 else None for row in range(N)],
            "day": [dt.date(2024, 1, 1) + dt.timedelta(row) for row in range(N)],
            "far": pa.array([2**62] * N, pa.timestamp("us")),
            "score": np.arange(N) / 7,
        }
    )
    pq.write_table(table, folder / "items.parquet")
    workspace = Workspace(folder / "workspace")
    runner = Runner(workspace)
    yield Session(workspace, runner, workspace.add_dataset(folder / "items.parquet"))
    runner.close()
    workspace.close()


def test_looking_up_gives_what_fetching_gives(session: Session) -> None:
    items = session.dataset.items
    names = ["link", "title", "day", "score"]
    for rows in ([5], [299, 0, 7, 7], []):
        fetched = items.fetch(np.array(rows, np.int64), names)
        assert items.look_up(rows, names).to_pydict() == fetched.to_pydict()
    assert items.look_up([3], ["title"]).to_pydict() == {"row_id": [3], "title": ["title 3"]}
    with pytest.raises(InputError, match="there is no row 300"):
        items.look_up([300])
    with pytest.raises(InputError, match="There is no column 'x'"):
        items.look_up([3], ["x"])


def test_a_row_has_all_its_columns_even_a_time_that_python_cannot_name(session: Session) -> None:
    cells = {cell.name: cell for cell in read_cells(session.dataset.items, 4)}
    assert list(cells) == ["link", "title", "day", "far", "score"]
    assert cells["day"].value == dt.date(2024, 1, 5)
    assert cells["far"].value == f"{2**62:,} as timestamp[us]"
    assert cells["link"].media == "link"


def test_an_item_is_called_by_its_first_text_that_is_no_link(session: Session) -> None:
    items = session.dataset.items
    assert name_column(items) == "title"
    assert names_of(items, np.array([12, 9])) == ["title 12", None]


def test_what_is_like_a_row_are_its_nearest_without_itself(session: Session) -> None:
    vectors = session.dataset.vectors
    step = like_row(session.dataset, 17, 20, "cosine")
    assert step.rows == tuple(nearest(vectors, vectors[17], 20, "cosine", leave_out=17).rows)
    session.select_rows(np.array(step.rows), step)
    assert session.selection.rows.tolist() == sorted(step.rows)
    assert session.selection.steps[-1].to_dict()["rows"] == step.rows
    near_centre = like_selection(session.dataset, session.selection, 8, "euclidean")
    mean = vectors[list(step.rows)].mean(axis=0, dtype=float)
    order = np.argsort(np.linalg.norm(vectors - mean, axis=1))
    assert near_centre.rows == tuple(order[:8])
    assert near_centre.text == "centre of 20 items"
    session.select_rows(np.array([17]), step)
    assert like_selection(session.dataset, session.selection, 8, "euclidean").text == "centre of 1 item"
    session.undo()
    session.undo()
    assert session.selection.count == 0


def test_a_row_that_is_not_there_cannot_be_pinned(session: Session) -> None:
    session.pin(299)
    assert session.pinned == 299
    for row in (300, -1):
        with pytest.raises(InputError, match="there is no row"):
            session.pin(row)
    assert session.pinned == 299
    session.pin(None)
    assert session.pinned is None


def test_a_sample_of_no_size_is_refused(session: Session) -> None:
    with pytest.raises(InputError, match="From 1 to 100,000"):
        like_row(session.dataset, 0, 0, "euclidean")


def test_names_that_the_program_uses_itself_are_made_others(tmp_path: Path) -> None:
    names = ["file_row_number", "FILE_ROW_NUMBER", "row_id", "Title", "title", ""]
    table = {"v0": np.arange(6.0), "v1": np.arange(6.0)} | {name: [f"{name}!"] * 6 for name in names}
    pq.write_table(pa.table(table), tmp_path / "names.parquet")
    with Workspace(tmp_path / "w") as workspace:
        items = workspace.add_dataset(tmp_path / "names.parquet").items
        cells = read_cells(items, 2)
    assert [cell.value for cell in cells] == [f"{name}!" for name in names]
    assert len({cell.name.lower() for cell in cells}) == len(names)


def test_views_of_text_become_text(tmp_path: Path) -> None:
    made = pa.array(["a", None, "c"], pa.string_view())
    pq.write_table(pa.table({"v0": [1.0, 2, 3], "v1": [1.0, 2, 3], "t": made}), tmp_path / "v.parquet")
    with Workspace(tmp_path / "w") as workspace:
        items = workspace.add_dataset(tmp_path / "v.parquet").items
        assert items.fetch(np.array([0, 1]))["t"].to_pylist() == ["a", None]
