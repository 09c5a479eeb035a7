"""Saved selections come back as the same rows, in this process and the next, or say why not."""

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.saved import SavedSelections
from explorer.model.selection import Selection, Step
from explorer.model.workspace import Workspace

N = 19  # no multiple of 8: packed masks must not grow rows
STEPS = (
    Step("lasso", run_id="run", polygon=((0.0, 0.5), (1.0, 0.0), (1.0, 1.0))),
    Step("condition", "intersect", condition="digit = 4"),
    Step("region", "union", run_id="run", share=0.4, point=(0.25, 1.0)),
    Step("categories", "subtract", column="genre", values=("jazz", "<b>")),
)
masks = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda bits: np.array(bits, bool))


@pytest.fixture
def folder(tmp_path: Path) -> SavedSelections:
    return SavedSelections(tmp_path / "data", N)


def chosen(*rows: int) -> Selection:
    return Selection(np.isin(np.arange(N), rows), STEPS)


@given(masks.filter(np.any), st.text(min_size=1, max_size=40))
def test_what_is_saved_comes_back(tmp_path_factory, mask: np.ndarray, name: str) -> None:
    path = tmp_path_factory.mktemp("saved")
    folder = SavedSelections(path, N)
    try:
        saved = folder.save(name, Selection(mask, STEPS))
    except InputError:
        assert not folder.all()
        return
    later = SavedSelections(path, N)
    assert later.all() == (saved,)
    again = later.load(later.all()[0])
    np.testing.assert_array_equal(again.mask, mask)
    assert again.steps == STEPS
    assert again.digest == saved.digest


def test_the_files_are_plain(folder: SavedSelections, tmp_path: Path) -> None:
    saved = folder.save("  the   cafe\u0301 songs ", chosen(1, 8, 18))
    assert saved.name == "the café songs"
    record = json.loads((tmp_path / "data" / f"{saved.key}.json").read_text())
    assert (record["schema"], record["rows"], record["count"]) == (1, N, 3)
    assert [step["kind"] for step in record["steps"]] == ["lasso", "condition", "region", "categories"]
    bits = np.unpackbits(np.load(tmp_path / "data" / f"{record['digest']}.npy"), count=N)
    assert np.flatnonzero(bits).tolist() == [1, 8, 18]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "needs a name"),
        (" \t\n", "needs a name"),
        ("x" * 81, "81 characters"),
        ("a\x00b", "cannot be seen"),
        ("FIRST", "called 'FIRST' already"),
    ],
)
def test_a_name_that_is_none_or_taken_is_refused(folder: SavedSelections, name: str, sentence: str) -> None:
    first, second = folder.save("first", chosen(1)), folder.save("second", chosen(2))
    for act in (lambda: folder.save(name, chosen(3)), lambda: folder.rename(second, name)):
        with pytest.raises(InputError, match=sentence):
            act()
    assert set(folder.all()) == {first, second}


def test_names_are_text_and_no_paths(folder: SavedSelections, tmp_path: Path) -> None:
    for name in ("../../../etc/passwd", "<img src=x onerror=alert(1)>", "COM1", "مرحبا", "a/b\\c"):
        assert folder.load(folder.save(name, chosen(4))).rows.tolist() == [4]
    assert {path.parent for path in tmp_path.rglob("*.*")} == {tmp_path / "data"}


def test_nothing_is_not_saved(folder: SavedSelections) -> None:
    with pytest.raises(InputError, match="Nothing is selected"):
        folder.save("empty", Selection.none(N))


def test_rename_keeps_the_rows_and_may_change_just_the_case(folder: SavedSelections) -> None:
    saved = folder.save("first", chosen(1, 2))
    renamed = folder.rename(folder.rename(saved, "other"), "Other")
    assert [one.name for one in folder.all()] == ["Other"]
    assert folder.load(renamed).rows.tolist() == [1, 2]


def test_what_another_page_renamed_or_deleted_cannot_be_renamed(
    folder: SavedSelections, tmp_path: Path
) -> None:
    saved = folder.save("first", chosen(1, 2))
    other = folder.rename(saved, "other")
    with pytest.raises(InputError, match="'first': it was renamed or deleted"):
        folder.rename(saved, "third")
    assert folder.all() == (other,)
    folder.delete(other)
    with pytest.raises(InputError, match="'other': it was renamed or deleted"):
        folder.rename(other, "third")
    assert list((tmp_path / "data").iterdir()) == []


def test_the_same_rows_saved_and_deleted_at_once_keep_what_a_record_refers_to(
    folder: SavedSelections, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, write = folder.save("first", chosen(1, 2)), files.write_json
    deleting = threading.Thread(target=folder.delete, args=(first,))

    def while_the_first_is_deleted(path: Path, values: dict) -> None:
        deleting.start()
        deleting.join(0.2)
        write(path, values)

    monkeypatch.setattr(files, "write_json", while_the_first_is_deleted)
    second = folder.save("second", chosen(1, 2))
    deleting.join()
    assert folder.all() == (second,)
    assert folder.load(second).rows.tolist() == [1, 2]


def test_delete_takes_the_rows_unless_another_has_the_same_and_put_brings_it_back(
    folder: SavedSelections, tmp_path: Path
) -> None:
    first, twin = folder.save("first", chosen(5, 6)), folder.save("twin", chosen(5, 6))
    folder.delete(first)
    assert folder.load(twin).rows.tolist() == [5, 6]
    kept = folder.load(twin)
    folder.delete(twin)
    assert list((tmp_path / "data").iterdir()) == []
    assert folder.put(twin, kept) == twin
    assert folder.all() == (twin,)
    assert folder.load(twin).rows.tolist() == [5, 6]


def test_a_step_of_restoring_tells_how_the_rows_had_been_made(folder: SavedSelections) -> None:
    saved = folder.save("first", chosen(5))
    step = saved.step("union")
    assert (step.kind, step.mode, step.name, step.digest) == ("saved", "union", "first", saved.digest)
    written = json.loads(json.dumps(step.to_dict()))
    assert [part["kind"] for part in written["steps"]] == ["lasso", "condition", "region", "categories"]
    assert Step.from_dict(written) == step


def test_what_is_damaged_is_left_out_or_says_so(folder: SavedSelections, tmp_path: Path, caplog) -> None:
    good, bad = folder.save("good", chosen(1)), folder.save("bad", chosen(2))
    rows = tmp_path / "data" / f"{bad.digest}.npy"
    np.save(rows, np.packbits(chosen(3).mask))
    with pytest.raises(WorkspaceError, match=r"'bad' cannot be restored: .* \(other rows"):
        folder.load(bad)
    rows.write_bytes(b"\x93NUMPY")
    with pytest.raises(WorkspaceError, match="'bad' cannot be restored"):
        folder.load(bad)
    with pytest.raises(WorkspaceError, match="does not hold 20 rows"):
        SavedSelections(tmp_path / "data", N + 1).load(good)
    record = tmp_path / "data" / f"{bad.key}.json"
    for content in ('{"schema": 1', record.read_text().replace(bad.digest, f"../{bad.digest[3:]}")):
        record.write_text(content)
        assert folder.all() == (good,)
    assert "is damaged" in caplog.text


def test_a_workspace_keeps_them_per_data_set_and_claims_the_folder(tmp_path: Path) -> None:
    with Workspace(tmp_path / "workspace") as workspace:
        workspace.selections("one", N).save("first", chosen(1))
        assert workspace.selections("two", N).all() == ()
        with pytest.raises(WorkspaceError, match="in use by another"):
            Workspace(tmp_path / "workspace").selections("one", N).save("second", chosen(1))
    with Workspace(tmp_path / "workspace") as again:
        assert [saved.name for saved in again.selections("one", N).all()] == ["first"]
