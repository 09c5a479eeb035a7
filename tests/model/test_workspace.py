"""The folder survives crashes, full disks, damage and a second writer."""

import errno
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import textwrap
import weakref
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from explorer.model import files
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.history import Keyframe
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.source import source_of
from explorer.model.workspace import Workspace, csv_bytes, write_json, write_table

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace


def new_run(**changes) -> Run:
    return Run.new("data-1", "hash", 10, RunParameters()).with_(**changes)


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


# Atomic writes


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt()])
def test_an_exception_in_the_middle_of_a_write_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file.json"
    write_json(path, {"version": 1})

    def interrupted_write():
        with files.replacing(path) as temporary:
            temporary.write_text('{"version": 2')
            raise error

    with pytest.raises(type(error)):
        interrupted_write()
    assert json.loads(path.read_text()) == {"version": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_refused_write_is_one_sentence_and_leaves_the_old_file(tmp_path):
    path = tmp_path / "file.npy"
    files.write_array(path, np.arange(10))

    def refused_write():
        with files.replacing(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(WorkspaceError, match=r"Could not write .*: File name too long"):
        files.write_text(tmp_path / ("n" * 300), "what the system refuses to look for, too")
    with pytest.raises(WorkspaceError, match=r"Could not write .*file\.npy: No space left on device"):
        refused_write()
    assert (np.load(path) == np.arange(10)).all()
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def small_files():
    """No file may grow beyond 100 kB: the system refuses, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_whatever_the_system_refuses_to_write_leaves_the_old_file(tmp_path, small_files):
    large = np.random.default_rng(0).normal(size=100_000)
    writes = {
        "a.npy": lambda path: files.write_array(path, large),
        "end.npy": lambda path: files.write_array(path, large[:12_500]),  # beyond by its header
        "a.npz": lambda path: files.write_arrays(path, {"a": large}),
        "a.json": lambda path: write_json(path, {"text": "x" * 1_000_000}),
        "a.csv": lambda path: write_table(path, pa.table({"a": large})),
        "a.parquet": lambda path: write_table(path, pa.table({"a": large})),
    }
    for name, write in writes.items():
        (tmp_path / name).write_text("old")
        with pytest.raises(WorkspaceError, match="Could not write"):
            write(tmp_path / name)
        assert (tmp_path / name).read_text() == "old"
    with pytest.raises(WorkspaceError, match="Could not write"):
        files.write_folder_of_arrays(tmp_path / "folder", {"a": large}, {})
    assert {path.name for path in tmp_path.iterdir()} == set(writes)


def test_an_import_that_the_disk_refuses_leaves_no_dataset(workspace, tmp_path, small_files):
    (tmp_path / "d.csv").write_text("x0,x1\n" + "1,2\n" * 20_000)
    with pytest.raises(WorkspaceError, match="Could not write"):
        workspace.add_dataset(tmp_path / "d.csv")
    assert workspace.datasets() == []
    assert workspace.problems() == []
    assert not list(workspace.path.rglob("*.npy"))


def test_what_a_killed_writer_left_is_removed_by_the_next(workspace):
    workspace.save_run(new_run())
    leftover = workspace.path / "runs" / ".run.json.0123abcd.part"
    leftover.write_text("{")
    staged = workspace.path / "datasets" / ".staging.0123abcd.part"
    staged.mkdir(parents=True)
    (staged / "vectors.npy").write_bytes(b"half")
    of_others = workspace.path / ".download.part"
    of_others.write_text("")
    workspace.close()
    with Workspace(workspace.path) as reader:
        assert len(reader.runs()) == 1
        assert leftover.exists()
        reader.claim()
        assert not leftover.exists()
        assert not staged.exists()
        assert of_others.exists()


def test_a_folder_whose_successor_never_took_its_place_comes_back(workspace, monkeypatch):
    run, rename = new_run(), Path.rename
    workspace.save_run(run)
    folder = workspace.run_folder(run.id) / "audit"

    def write(text):
        with files.staging(folder.parent) as staged:
            (staged / "audit.json").write_text(text)
            files.supersede(staged, folder)

    def killed(path, target):
        if target == folder:
            raise KeyboardInterrupt
        return rename(path, target)

    write("first")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            write("second")
    assert not folder.exists()
    workspace.close()
    workspace.claim()
    assert (folder / "audit.json").read_text() == "first"
    # Killed one rename later, before the earlier one is removed.
    shutil.copytree(folder, folder.with_name(".audit.0123abcd.earlier"))
    write("second")
    workspace.close()
    workspace.claim()
    assert (folder / "audit.json").read_text() == "second"
    assert {path.name for path in folder.parent.iterdir()} == {"run.json", "audit"}


def test_a_run_whose_record_was_never_written_is_nowhere_and_its_folder_goes(workspace):
    run, begun, empty = new_run(), new_run(), new_run()
    workspace.save_run(run)
    workspace.save_start(run.id, {"initial": np.zeros((10, 2), np.float32)})
    workspace.save_start(begun.id, {"initial": np.zeros((10, 2), np.float32)})
    workspace.run_folder(empty.id).mkdir()
    noted = workspace.run_folder("k15-notes")
    noted.mkdir()
    (noted / "log.txt").write_text("what somebody may look for")
    workspace.delete_run(run.id)
    workspace.restore_run(run.id)
    workspace.close()
    with Workspace(workspace.path) as reader:
        assert reader.runs() == [run]
        assert reader.problems() == []
        with pytest.raises(InputError, match="has no run"):
            reader.run(begun.id)
        assert reader.run_folder(begun.id).exists(), "reading writes nothing"
        reader.claim()
        left = {path.name for path in (workspace.path / "runs").glob("[!.]*")}
        assert left == {run.id, noted.name}
        assert set(reader.start(run.id)) == {"initial"}


# One writer, many readers


def test_a_second_writer_is_refused_and_a_reader_is_not(workspace):
    run = new_run()
    workspace.save_run(run)
    code = """
        import sys
        from explorer.model.workspace import Workspace
        workspace = Workspace(sys.argv[1])
        print(workspace.runs()[0].id)
        workspace.save_run(workspace.runs()[0])
    """
    second = python(code, str(workspace.path))
    assert second.stdout.strip() == run.id
    assert second.returncode != 0
    assert "is in use by another UMAP Explorer that writes to it" in second.stderr
    workspace.close()
    assert python(code, str(workspace.path)).returncode == 0


def test_the_death_of_a_writer_frees_the_workspace(tmp_path):
    code = """
        import os, signal, sys
        from explorer.model.workspace import Workspace
        Workspace(sys.argv[1]).claim()
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert python(code, str(tmp_path / "w")).returncode == -9
    with Workspace(tmp_path / "w") as workspace:
        workspace.save_run(new_run())


def test_reading_writes_nothing(tmp_path):
    workspace = Workspace(tmp_path / "none")
    assert workspace.runs() == []
    assert workspace.datasets() == []
    assert workspace.problems() == []
    assert workspace.cached("knn graph", "0") is None
    assert not (tmp_path / "none").exists()


def test_a_folder_that_cannot_be_a_workspace_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkspaceError, match="is a file: give a folder"):
        Workspace(tmp_path / "file")
    with Workspace(tmp_path / "w") as workspace:
        workspace.claim()
    write_json(tmp_path / "w" / "workspace.json", {"schema": 99})
    with pytest.raises(WorkspaceError, match="written by a newer version"):
        Workspace(tmp_path / "w")


# Damage


@pytest.mark.parametrize(
    "content",
    ["", '{"schema": 1, "id": ', "[]", "[" * 100_000, "{}", '{"schema": 99}', '{"schema": 1}', "\x00\x01"],
)
def test_a_damaged_run_is_told_of_and_hides_no_other(workspace, caplog, content):
    good, bad = new_run(), new_run()
    workspace.save_run(good)
    workspace.save_run(bad)
    path = workspace.run_folder(bad.id) / "run.json"
    path.write_text(content)
    with caplog.at_level(logging.WARNING):
        assert workspace.runs() == [good]
        assert workspace.runs() == [good]
    assert len(caplog.messages) == 1
    (problem,) = workspace.problems()
    assert str(path) in problem
    assert "is damaged" in problem
    assert "\n" not in problem
    assert workspace.run(good.id) == good
    with pytest.raises(WorkspaceError, match="is damaged"):
        workspace.run(bad.id)


def test_a_copy_of_a_run_under_another_name_is_no_second_run_of_that_id(workspace):
    run = new_run()
    workspace.save_run(run)
    shutil.copytree(workspace.run_folder(run.id), workspace.run_folder("copy"))
    assert workspace.runs() == [run]
    (problem,) = workspace.problems()
    assert "is not the name of its folder" in problem
    with pytest.raises(WorkspaceError, match="not the name of its folder"):
        workspace.run("copy")


def test_a_damaged_dataset_is_told_of_and_hides_no_other(workspace, tmp_path):
    made = []
    for seed in range(3):
        np.savez(
            tmp_path / f"{seed}.npz", v=np.random.default_rng(seed).normal(size=(9, 2)), label=np.arange(9)
        )
        made.append(workspace.add_dataset(tmp_path / f"{seed}.npz"))
    good, bad, worse = made
    with bad.vectors_path.open("rb+") as file:
        file.truncate(100)
    with pytest.raises(WorkspaceError, match=r"The data set in .* is damaged"):
        workspace.dataset(bad.id)
    (worse.vectors_path.parent / "items.parquet").write_bytes(b"PAR1")
    with pytest.raises(WorkspaceError, match=r"The data set in .* is damaged"):
        Workspace(workspace.path).dataset(worse.id)
    (bad.vectors_path.parent / "dataset.json").write_text("{")
    assert {info.id for info in workspace.datasets()} == {good.id, worse.id}
    assert len(workspace.problems()) == 1


def test_data_that_lost_its_record_is_imported_anew(workspace, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(9, 2)).astype("f4"))
    dataset = workspace.add_dataset(tmp_path / "a.npy")
    folder = dataset.vectors_path.parent
    (folder / "dataset.json").unlink()
    (folder / "vectors.npy").write_bytes(b"lost too")
    assert workspace.datasets() == []
    again = workspace.add_dataset(tmp_path / "a.npy")
    assert again.id == dataset.id
    np.testing.assert_array_equal(again.vectors, np.load(tmp_path / "a.npy"))


def test_an_open_dataset_is_shared_by_who_asks(workspace, tmp_path):
    np.save(tmp_path / "a.npy", np.random.default_rng(0).normal(size=(9, 2)))
    dataset = workspace.add_dataset(tmp_path / "a.npy")
    assert workspace.dataset(dataset.id) is dataset
    assert workspace.dataset(dataset.id[:3]) is dataset
    other = Workspace(workspace.path)
    with ThreadPoolExecutor(8) as threads:
        asked = list(threads.map(other.dataset, [dataset.id] * 8))
    assert {id(one) for one in asked} == {id(asked[0])}


def test_data_that_nobody_uses_is_let_go(workspace, tmp_path):
    used, *left = (
        workspace.add_source(source_of(pd.DataFrame({"a": [i, 1.0, 0], "b": [2.0, i, 0]}))) for i in range(6)
    )
    unused = weakref.ref(left.pop(0))
    assert unused() is None
    assert workspace.dataset(used.id) is used
    last = left[-1].id
    kept = weakref.ref(left[-1])
    left.clear()
    assert workspace.dataset(last) is kept()


def test_a_damaged_cache_entry_counts_as_none(workspace):
    workspace.store("knn graph", "key", indices=np.arange(1_000))
    path = workspace.cache_folder("knn graph", "key") / "indices.npy"
    path.write_bytes(path.read_bytes()[:200])
    assert workspace.cached("knn graph", "key") is None


@pytest.mark.parametrize("gone", ["about.json", "indices.npy", "distances.npy"])
def test_a_cache_entry_of_which_a_part_is_gone_counts_as_none(workspace, gone):
    workspace.store("knn graph", "key", indices=np.arange(9), distances=np.arange(9))
    (workspace.cache_folder("knn graph", "key") / gone).unlink()
    assert workspace.cached("knn graph", "key") is None


def test_a_cache_entry_is_forgotten_whole_though_the_process_is_killed(workspace, monkeypatch):
    workspace.store("knn graph", "key", indices=np.arange(9), distances=np.arange(9))

    def killed(folder, **_):
        next(Path(folder).glob("*.npy")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            workspace.discard("knn graph", "key")
    folder = workspace.cache_folder("knn graph", "key")
    assert not folder.exists()
    workspace.close()
    workspace.claim()
    assert list(folder.parent.iterdir()) == []


def test_a_damaged_map_is_one_sentence(workspace):
    run = new_run()
    workspace.save_run(run)
    workspace.save_embedding(run.id, np.zeros((10, 2), np.float32))
    (workspace.run_folder(run.id) / "embedding.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(WorkspaceError, match=r"embedding\.npy is damaged"):
        workspace.embedding(run.id)


def test_a_damaged_checkpoint_counts_as_none(workspace):
    run = new_run()
    workspace.save_checkpoint(run.id, {"epoch": np.array(3), "positions": np.ones((10, 2), np.float32)})
    path = workspace.run_folder(run.id) / "checkpoint.npz"
    whole = path.read_bytes()
    place = whole.index(np.ones(20, np.float32).tobytes())
    for damaged in (b"PK", b"", whole[:-30], whole[:place] + b"\0\0\0\0" + whole[place + 4 :]):
        path.write_bytes(damaged)
        assert workspace.checkpoint(run.id) is None
    (workspace.run_folder(run.id) / "start.npz").write_bytes(whole[:-30])
    with pytest.raises(WorkspaceError, match=r"start\.npz is damaged"):
        workspace.start(run.id)


# What is kept comes back


def test_everything_of_a_run_comes_back_in_another_workspace_object(workspace):
    rng = np.random.default_rng(0)
    run, embedding = (
        new_run(status=RunStatus.DONE, costs=(1.5, 0.1 + 0.2)),
        rng.normal(size=(10, 2)).astype("f4"),
    )
    workspace.save_run(run)
    workspace.save_embedding(run.id, embedding)
    workspace.save_checkpoint(run.id, {"epoch": np.array(7), "positions": embedding, "key": np.array("abc")})
    for epoch in (40, 0, 7):
        workspace.save_keyframe(run.id, epoch, Keyframe.encode(embedding * (epoch + 1)))
    workspace.close()
    other = Workspace(workspace.path)
    assert other.run(run.id) == run
    np.testing.assert_array_equal(other.embedding(run.id), embedding)
    checkpoint = other.checkpoint(run.id)
    assert int(checkpoint["epoch"]) == 7
    assert str(checkpoint["key"]) == "abc"
    assert checkpoint["positions"].tobytes() == embedding.tobytes()
    history = other.keyframes(run.id)
    assert history.epochs == (0, 7, 40)
    np.testing.assert_allclose(history.decode(2), embedding * 41, atol=0.01)


def test_keyframes_are_mapped_and_those_of_old_are_read_all_the_same(workspace):
    run, old = new_run(), Keyframe.encode(np.random.default_rng(0).normal(size=(10, 2)).astype("f4"))
    folder = workspace.run_folder(run.id) / "keyframes"
    files.write_arrays(folder / "000003.npz", vars(old))
    new = Keyframe.encode(np.random.default_rng(1).normal(size=(10, 2)).astype("f4"))
    workspace.save_keyframe(run.id, 12, new)
    history = workspace.keyframes(run.id)
    assert history.epochs == (3, 12)
    for epoch, frame in ((3, old), (12, new)):
        assert history.load(epoch).decode().tobytes() == frame.decode().tobytes()
    base = history.load(12).positions
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    # Where both are, as of a run of old that went on, the frame is there once.
    workspace.save_keyframe(run.id, 3, new)
    assert workspace.keyframes(run.id).epochs == (3, 12)
    assert workspace.keyframes(run.id).load(3).decode().tobytes() == new.decode().tobytes()


def test_a_damaged_keyframe_is_told_and_a_missing_one_is_named(workspace):
    run, frame = new_run(), Keyframe.encode(np.ones((10, 2), np.float32))
    workspace.save_keyframe(run.id, 5, frame)
    path = workspace.run_folder(run.id) / "keyframes" / "000005.npy"
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) - 8], b"", np.lib.format.magic(1, 0)):
        path.write_bytes(damaged)
        with pytest.raises(WorkspaceError, match=r"000005\.npy is damaged"):
            workspace.keyframes(run.id).load(5)
    with pytest.raises(WorkspaceError, match="keeps no epoch 6"):
        workspace.keyframes(run.id).load(6)


def test_runs_are_listed_newest_first_by_dataset_and_by_prefix(workspace):
    runs = [new_run(dataset_id=f"data-{i % 2}", created=f"2024-01-0{i + 1}") for i in range(4)]
    for run in runs:
        workspace.save_run(run)
    assert workspace.runs() == runs[::-1]
    assert workspace.runs("data-1") == [runs[3], runs[1]]
    assert workspace.run(runs[2].id[:-1]) == runs[2]
    with pytest.raises(InputError, match="'k15' is the beginning of several runs"):
        workspace.run("k15")
    with pytest.raises(InputError, match="has no run 'k16'"):
        workspace.run("k16")
    with pytest.raises(InputError):
        workspace.run("")


def test_a_deleted_run_is_listed_nowhere_and_comes_back_whole(workspace):
    stays, goes = new_run(), new_run()
    for run in (stays, goes):
        workspace.save_run(run)
        workspace.save_embedding(run.id, np.full((10, 2), 7, np.float32))
    workspace.save_keyframe(goes.id, 3, Keyframe.encode(np.eye(10, 2, dtype=np.float32)))

    def files_of(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    before = files_of(workspace.run_folder(goes.id))
    workspace.runs()
    workspace.delete_run(goes.id)
    assert workspace.runs() == [stays]
    assert workspace.problems() == []
    for ask in (workspace.run, workspace.delete_run):
        with pytest.raises(InputError, match="has no run"):
            ask(goes.id)
    assert Workspace(workspace.path).runs() == [stays]
    workspace.restore_run(goes.id)
    assert files_of(workspace.run_folder(goes.id)) == before
    assert workspace.run(goes.id) == goes
    assert workspace.keyframes(goes.id).epochs == (3,)
    workspace.delete_run(goes.id)
    workspace.empty_deleted()
    for gone in (goes.id, "", "..", f"../{stays.id}"):
        with pytest.raises(InputError, match="cannot be brought back"):
            workspace.restore_run(gone)
    assert workspace.runs() == [stays]


def test_a_deleted_run_comes_back_though_something_was_still_kept_of_it(workspace):
    run = new_run()
    workspace.save_run(run)
    workspace.delete_run(run.id)
    workspace.save_embedding(run.id, np.zeros((10, 2), np.float32))
    workspace.restore_run(run.id)
    assert workspace.runs() == [run]
    assert workspace.embedding(run.id) is None


def test_a_listed_run_follows_its_file(workspace):
    run = new_run()
    for epoch in range(5):
        workspace.save_run(run.with_(epoch=epoch))
        assert [known.epoch for known in workspace.runs()] == [epoch]
        assert workspace.run(run.id).epoch == epoch


def test_a_known_run_is_asked_for_without_a_look_at_the_others(workspace, monkeypatch):
    runs = [new_run() for _ in range(3)]
    for run in runs:
        workspace.save_run(run)
    workspace.runs()
    monkeypatch.setattr(workspace._runs, "_paths", None)
    monkeypatch.setattr(files, "read_json", None)
    assert [workspace.run(run.id) for run in runs] == runs


def test_the_stage_cache_gives_back_the_same_bits_and_keeps_the_first(workspace):
    arrays = {
        "indices": np.arange(12, dtype=np.int32).reshape(4, 3),
        "distances": np.ones((4, 3), np.float32),
    }
    workspace.store("knn graph", "key", {"n_neighbors": 4}, **arrays)
    workspace.store("knn graph", "key", {}, indices=np.zeros(3))
    cached = workspace.cached("knn graph", "key")
    assert set(cached) == set(arrays)
    for name, array in arrays.items():
        assert cached[name].dtype == array.dtype
        assert cached[name].tobytes() == array.tobytes()
    cached["indices"][:] = -1
    assert (workspace.cached("knn graph", "key")["indices"] == arrays["indices"]).all()
    about = json.loads((workspace.cache_folder("knn graph", "key") / "about.json").read_text())
    assert about == {"n_neighbors": 4, "arrays": ["distances", "indices"]}
    workspace.discard("knn graph", "key")
    assert workspace.cached("knn graph", "key") is None


def test_a_stage_is_forgotten_while_others_are_being_written_beside_it(workspace):
    ends = Event()

    def write(writer: int) -> None:
        for at in count():
            if ends.is_set():
                return
            workspace.store("fuzzy set", f"{writer}-{at}", data=np.ones(2))

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, writer) for writer in range(2)]
        try:
            for _ in range(1000):
                workspace.discard("fuzzy set", "key")
        finally:
            ends.set()
        for one in writing:
            one.result()
    kept = workspace.cache_folder("fuzzy set", "key").parent
    assert all(workspace.cached("fuzzy set", folder.name) for folder in kept.iterdir())


def test_a_mapped_map_outlives_its_replacement(workspace):
    workspace.save_embedding("r", np.zeros((5, 2), np.float32))
    old = workspace.embedding("r")
    workspace.save_embedding("r", np.ones((5, 2), np.float32))
    assert (old == 0).all()
    assert (workspace.embedding("r") == 1).all()


def test_a_sample_is_two_files_other_tools_read(workspace):
    table = pa.table({"row_id": [3, 1], "title": ["a", "b"]})
    path = workspace.write_sample("my sample", table, {"seed": 7})
    assert pd.read_parquet(path)["title"].tolist() == ["a", "b"]
    assert json.loads(path.with_suffix(".json").read_text()) == {"seed": 7}
    with pytest.raises(InputError, match="cannot name a sample"):
        workspace.write_sample("../escape", table, {})


def test_a_table_is_written_as_its_suffix_says(tmp_path):
    table = pa.table(
        {
            "a": [1, 2],
            "text": ['comma, "quote"', None],
            "tags": [["x"], []],
            "picture": [b"\x89PNG", None],
            "vector": [[0.5], [1.5]],
        }
    )
    assert write_table(tmp_path / "t.parquet", table) == ()
    assert write_table(tmp_path / "t.CSV", table) == ("picture", "vector")
    assert pa.parquet.read_table(tmp_path / "t.parquet").equals(table)
    frame = pd.read_csv(tmp_path / "t.CSV")
    assert list(frame) == ["a", "text", "tags"]
    assert csv_bytes(table) == (tmp_path / "t.CSV").read_bytes()
    assert frame["text"][0] == 'comma, "quote"'
    assert frame["tags"].tolist() == ['["x"]', "[]"]
    with pytest.raises(
        InputError, match=r"t.xlsx ends in '.xlsx': name a file that ends in .csv or .parquet"
    ):
        write_table(tmp_path / "t.xlsx", table)
