"""What the map says: of an item under the pointer, and in its own place while there is no map."""

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model import sampling
from explorer.model.errors import InputError
from explorer.model.progress import Progress
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.hovering import tip_of
from explorer.views.map_state import map_state
from explorer.views.share_bar import ShareBar

N = 40


@pytest.fixture
def session(tmp_path: Path):
    table = {
        "title": [f"<b>{row}</b>" for row in range(N)],
        "story": ["x" * 1_000_000 if row == 3 else None for row in range(N)],
        "added": [datetime.datetime(2024, 5, 1)] * N,
        **{f"extra {i}": list(range(N)) for i in range(9)},
    }
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    np.save(tmp_path / "data.npy", np.random.default_rng(0).normal(size=(N, 5)).astype(np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "data.npy", items=tmp_path / "items.parquet")
        yield Session(workspace, runner, dataset)


def at_rest(session: Session, status: RunStatus, error: str | None = None, **parameters: int) -> str:
    dataset = session.dataset
    run = Run.new(dataset.id, dataset.hash, dataset.n, RunParameters(**parameters))
    session.workspace.save_run(run.with_(status=status, error=error))
    session.look_at(run.id)
    return run.id


def test_a_tip_names_the_row_and_its_first_columns_shortened(session: Session) -> None:
    session.colour_by = "added"
    tip = tip_of(session, 3)
    assert tip["row"] == 3
    assert tip["title"] == "row 3"
    assert tip["values"][:3] == [["added", "2024-05-01"], ["title", "<b>3</b>"], ["story", "x" * 79 + "…"]]
    assert len(tip["values"]) + tip["more"] == 12
    assert "picture" not in tip


def test_a_tip_unpacks_no_row_but_its_own(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        session.dataset.items, "fetch", lambda *_: pytest.fail("whole groups of rows were read")
    )
    session.colour_by = "title"
    assert tip_of(session, 3)["values"][0] == ["title", "<b>3</b>"]


def test_data_without_a_run_says_how_to_get_a_map(session: Session) -> None:
    assert map_state(session, "")["title"] == "No map yet"


def test_runs_none_of_which_is_shown_are_told_of(session: Session) -> None:
    at_rest(session, RunStatus.STOPPED)
    state = map_state(session, "")
    assert state["title"] == "No map is shown"
    assert state["detail"].startswith("Choose a run on the left")


def test_no_data_says_how_to_open_some(session: Session) -> None:
    session.dataset = None
    assert map_state(session, "")["title"] == "No data is open"


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (RunStatus.FAILED, "error", "too few rows"),
        (RunStatus.STOPPED, "empty", "resume it below"),
        (RunStatus.INTERRUPTED, "empty", "resume it below"),
        (RunStatus.DONE, "error", "Start it again"),
    ],
)
def test_a_run_that_ended_without_a_map_says_why(
    session: Session, status: RunStatus, kind: str, words: str
) -> None:
    run_id = at_rest(session, status, error="There were too few rows." if kind == "error" else None)
    state = map_state(session, run_id)
    assert state["kind"] == kind
    assert words in state["detail"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("own,b,c", "Another run is at work; this one is the next."),
        ("a,own,b", "1 run waits before it: it starts when its turn comes."),
        ("a,b,c,d,own", "4 runs wait before it: it starts when its turn comes."),
        ("", "It starts when its turn comes."),
    ],
)
def test_a_run_that_waits_says_how_many_are_before_it(
    session: Session, line: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = at_rest(session, RunStatus.QUEUED)
    waiting = tuple(line.replace("own", run_id).split(","))
    monkeypatch.setattr(Runner, "waiting", property(lambda _: waiting))
    state = map_state(session, run_id)
    assert (state["title"], state["detail"]) == ("Waiting for its turn", told)


def test_what_a_run_that_waits_will_take_is_told_as_what_comes_after(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = at_rest(session, RunStatus.QUEUED)
    progress = Progress(run_id, RunStatus.QUEUED, "queued", 0.0, 0.0, 0, 200, 9.8)
    monkeypatch.setattr(Runner, "progress", lambda *_: progress)
    assert map_state(session, run_id)["note"] == "then about 9.8 s"
    monkeypatch.setattr(Runner, "progress", lambda *_: replace(progress, status=RunStatus.RUNNING))
    assert map_state(session, run_id)["note"] == "about 9.8 s left in all"


def test_a_finished_map_needs_no_words(session: Session) -> None:
    run_id = at_rest(session, RunStatus.DONE)
    session.workspace.save_embedding(run_id, np.zeros((N, 2), np.float32))
    assert map_state(session, run_id) == {}


@pytest.mark.parametrize(("dimensions", "title"), [(1, "A run of 1 dimension"), (3, "A run of 3 dimensions")])
def test_what_is_not_flat_is_not_drawn(session: Session, dimensions: int, title: str) -> None:
    run_id = at_rest(session, RunStatus.DONE, n_components=dimensions)
    assert map_state(session, run_id)["title"] == title


def test_a_damaged_map_is_an_error_that_names_the_file(session: Session) -> None:
    run_id = at_rest(session, RunStatus.DONE)
    (session.workspace.run_folder(run_id) / "embedding.npy").write_bytes(b"no array")
    state = map_state(session, run_id)
    assert state["kind"] == "error"
    assert "embedding.npy is damaged" in state["detail"]


@pytest.mark.parametrize(
    ("status", "dimensions", "words"),
    [
        (RunStatus.DONE, 3, "A run of 3 dimensions has no map on a page: umap-explorer export"),
        (RunStatus.QUEUED, 2, "no map to export yet: it is queued"),
        (RunStatus.DONE, 2, "embedding.npy is damaged"),
    ],
)
def test_an_export_of_what_is_no_map_says_why(
    session: Session, status: RunStatus, dimensions: int, words: str
) -> None:
    run_id = at_rest(session, status, n_components=dimensions)
    if status is RunStatus.DONE and dimensions == 2:
        (session.workspace.run_folder(run_id) / "embedding.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match=words):
        ShareBar(session)._made()


def test_a_map_too_large_for_a_browser_is_left_to_the_command_line(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = at_rest(session, RunStatus.DONE)
    places = np.zeros((N, 2), np.float32)
    session.workspace.save_embedding(run_id, places)
    assert len(ShareBar(session)._made().getvalue()) > 0
    # One story is a megabyte long, however well a file may pack it.
    monkeypatch.setattr(sampling, "MOST_BYTES", 900_000)
    with pytest.raises(InputError, match=f"1 MB of items are too many .*: umap-explorer export {run_id} "):
        ShareBar(session)._made()
