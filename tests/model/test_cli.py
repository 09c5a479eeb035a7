"""The real command in processes of its own: what it prints, what it leaves, how it ends."""

import gc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from explorer.cli.serve import serve
from explorer.model.clusters import find
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
N = 300
FEW_EPOCHS = ("--n-epochs", "30")
Command = Callable[..., subprocess.CompletedProcess[str]]


def start(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Start the command in a folder, apart from the test's own process group."""
    return subprocess.Popen(
        [sys.executable, "-m", "explorer", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 120) -> subprocess.CompletedProcess[str]:
    out, err = process.communicate(timeout=timeout)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs the command to its end."""
    return lambda *arguments: finish(start(*arguments, folder=tmp_path))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Parquet file of 300 rows: vectors `v`, and items."""
    path = tmp_path_factory.mktemp("source") / "songs.parquet"
    rng = np.random.default_rng(5)
    labels = np.repeat(["folk", "jazz", "punk"], N // 3)
    vectors = (rng.normal(size=(N, 8)) + 6 * np.repeat(np.eye(3, 8), N // 3, axis=0)).astype(np.float32)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 8)
    pq.write_table(pa.table({"v": column, "genre": labels, "year": np.arange(N) % 40 + 1980}), path)
    return path


@pytest.fixture(scope="module")
def fitted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A workspace with one run of it, and what `fit --json` said."""
    folder = tmp_path_factory.mktemp("fitted")
    done = finish(start("fit", source, *FEW_EPOCHS, "--workspace", "ws", "--json", folder=folder))
    assert done.returncode == 0, done.stderr
    return folder / "ws", json.loads(done.stdout.splitlines()[-1])


def embedding_bytes(workspace: Path) -> bytes:
    (path,) = workspace.glob("runs/*/embedding.npy")
    return path.read_bytes()


# What works


def test_fit_tells_what_it_did_as_json(fitted: tuple[Path, dict[str, Any]]) -> None:
    _, told = fitted
    assert list(told) == ["run", "n", "epochs", "seed", "seconds", "cost", "knn_recall"]
    assert told["run"].startswith("k15-d0.1-s42-")
    assert (told["n"], told["epochs"], told["seed"]) == (N, 30, 42)
    assert list(told["seconds"]) == ["knn graph", "fuzzy set", "initial layout", "layout"]
    assert all(seconds >= 0 for seconds in told["seconds"].values())
    assert np.isfinite(told["cost"])
    assert told["knn_recall"] == pytest.approx(1)


def test_two_fits_with_one_seed_and_the_app_give_the_same_bits(
    command: Command, source: Path, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    done = command("fit", source, *FEW_EPOCHS, "--workspace", "again")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    with Workspace(tmp_path / "app") as workspace, Runner(workspace, n_threads=1) as runner:
        run = runner.start(workspace.add_dataset(source), RunParameters(n_epochs=30))
        runner.wait(run.id)
    expected = embedding_bytes(fitted[0])
    assert embedding_bytes(tmp_path / "again") == expected
    assert embedding_bytes(tmp_path / "app") == expected


def test_fit_hands_every_option_on(command: Command, source: Path, tmp_path: Path) -> None:
    options = (
        "--n-neighbors",
        "7",
        "--min-dist",
        "0.3",
        "--metric",
        "cosine",
        "--n-components",
        "3",
        "--seed",
        "9",
    )
    done = command(
        "fit", source, *options, "--init", "pca", "--densmap", "--target", "genre", *FEW_EPOCHS,
        "--workspace", "ws", "--vectors", "v",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = Workspace(tmp_path / "ws").runs()
    assert run.parameters == RunParameters(
        n_neighbors=7, min_dist=0.3, metric="cosine", n_components=3, seed=9, init="pca", n_epochs=30,
        densmap=True, target="genre",
    )  # fmt: skip
    assert "densmap · target genre" in command("runs", "--workspace", "ws").stdout
    assert Workspace(tmp_path / "ws").embedding(run.id).shape == (N, 3)  # type: ignore[union-attr]


def test_fit_starts_from_the_map_of_another_run(
    command: Command, source: Path, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    space = shutil.copytree(fitted[0], tmp_path / "ws")
    given = ("--workspace", space, "--json", "--from", fitted[1]["run"][:-1])
    told = []
    for options in (FEW_EPOCHS, (*FEW_EPOCHS, "--from-epoch", "7"), (*FEW_EPOCHS, "--from-epoch", "0")):
        done = command("fit", source, *options, *given)
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout.splitlines()[-1])["run"])
    with Workspace(space) as workspace:
        starts = [workspace.run(run).start for run in told]
        straight, *_, again = (workspace.embedding(run).tobytes() for run in (fitted[1]["run"], *told))
    assert [(start.run, start.epoch, start.fork, start.exact) for start in starts] == [
        (fitted[1]["run"], 30, False, True),
        (fitted[1]["run"], 7, True, False),
        (fitted[1]["run"], 0, True, True),
    ]
    assert again == straight
    listed = command("runs", "--workspace", space).stdout
    assert "warm from k15-d0.1-s42 at epoch 30" in listed
    assert " from k15-d0.1-s42 at epoch 7" in listed


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (("--from", "gone"), "has no run 'gone'"),
        (("--from", "k15", "--from-epoch", "31"), "nothing is left of 30 epochs"),
        (("--from", "k15", "--n-components", "3"), "set n_components to 2"),
        (("--from-epoch", "3"), "name that with --from"),
    ],
)
def test_a_start_that_cannot_be_ends_with_one_sentence(
    command: Command, source: Path, fitted: tuple[Path, dict[str, Any]], options: tuple[str, ...], fact: str
) -> None:
    done = command("fit", source, *FEW_EPOCHS, *options, "--workspace", fitted[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert fact in done.stderr
    assert done.stderr.count("\n") == 1
    assert len(Workspace(fitted[0]).runs()) == 1


def test_runs_lists_as_text_and_as_json(command: Command, fitted: tuple[Path, dict[str, Any]]) -> None:
    workspace, told = fitted
    text = command("runs", "--workspace", workspace)
    assert told["run"] in text.stdout
    assert "songs" in text.stdout
    (run,) = json.loads(command("runs", "--workspace", workspace, "--json").stdout.splitlines()[-1])["runs"]
    assert {"id", "dataset", "data_hash", "n", "parameters", "status", "created", "epoch", "seconds"} <= set(
        run
    )
    assert (run["id"], run["dataset"], run["status"]) == (told["run"], "songs", "done")
    assert RunParameters.from_dict(run["parameters"]) == RunParameters(n_epochs=30)


SWEEP_KEYS = ["run", "n_neighbors", "min_dist", "metric", "seed", "status", "error", "seconds", "cost"]


def test_a_sweep_tells_what_it_will_compute_and_then_that_it_did(
    command: Command, source: Path, tmp_path: Path
) -> None:
    lists = ("--n-neighbors", "5,15", "--min-dist", "0,0.5", "--seeds", "0-1", "--workspace", "ws")
    given = ("sweep", source, *lists, *FEW_EPOCHS)
    expected = "8 runs: 2 knn graphs, 4 fuzzy sets, 4 initial layouts, 8 layouts; about "
    dry = command(*given, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.startswith(expected)
    planned = json.loads(command(*given, "--dry-run", "--json").stdout.splitlines()[-1])
    assert not (tmp_path / "ws" / "runs").exists()

    done = command(*given, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(expected)
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == list(planned) == ["sweep", "runs", "computed", "seconds"]
    assert told["computed"] == planned["computed"]
    assert told["computed"] == {"knn graph": 2, "fuzzy set": 4, "initial layout": 4, "layout": 8}
    for run, plan in zip(told["runs"], planned["runs"], strict=True):
        assert list(run) == list(plan) == SWEEP_KEYS
        assert all(run[name] == plan[name] for name in SWEEP_KEYS[1:5])
        assert (run["status"], run["error"]) == ("done", None)
    grid = {(run["n_neighbors"], run["min_dist"], run["seed"]) for run in told["runs"]}
    assert grid == {(k, d, seed) for k in (5, 15) for d in (0.0, 0.5) for seed in (0, 1)}

    assert command("fit", source, *FEW_EPOCHS, "--workspace", "ws").returncode == 0
    assert command("runs", "--workspace", "ws").stdout.count(told["sweep"]) == 8
    listed = command("runs", "--sweep", told["sweep"][:9], "--workspace", "ws", "--json")
    found = json.loads(listed.stdout.splitlines()[-1])["runs"]
    assert {run["id"] for run in found} == {run["run"] for run in told["runs"]}
    assert {run["sweep"] for run in found} == {told["sweep"]}


def test_a_sweep_of_which_a_run_fails_goes_on_and_ends_with_1(
    command: Command, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal, which shows the bar
    done = command("sweep", source, "--metric", "haversine,cosine", *FEW_EPOCHS, "--workspace", "ws")
    assert done.returncode == 1
    assert "run 1/2: " in done.stderr
    assert "haversine" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    *_, last = done.stdout.splitlines()
    assert "1 of 2 runs done, 1 knn graph, 1 fuzzy set, 1 initial layout, 1 layout computed in " in last


def test_an_interrupted_sweep_leaves_its_runs_to_be_resumed(
    command: Command, source: Path, tmp_path: Path
) -> None:
    process = start(
        "sweep", source, "--seeds", "0,1", "--n-epochs", "200000", "--workspace", "ws", folder=tmp_path
    )
    try:
        until = time.monotonic() + 120
        while not list(tmp_path.glob("ws/runs/*/keyframes/*.npy")) and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        done = finish(process, timeout=60)
    finally:
        process.kill()
        process.wait()
    assert done.returncode == 130
    runs = Workspace(tmp_path / "ws").runs()
    assert [run.status for run in runs] == ["queued", "interrupted"]
    assert f"the runs of {runs[0].sweep} can be resumed" in done.stderr


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_export_writes_every_row_with_place_and_items(
    command: Command, fitted: tuple[Path, dict[str, Any]], source: Path, tmp_path: Path, suffix: str
) -> None:
    workspace, told = fitted
    out = tmp_path / f"map.{suffix}"
    done = command("export", told["run"][:6], "--out", out, "--workspace", workspace, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {
        "run": told["run"],
        "rows": N,
        "file": str(out),
        "columns": ["row_id", "x", "y", "genre", "year"],
    }
    table = pq.read_table(out) if suffix == "parquet" else pyarrow.csv.read_csv(out)
    assert table.column_names == said["columns"]
    assert table["row_id"].to_pylist() == list(range(N))
    assert table["genre"].to_pylist() == pq.read_table(source)["genre"].to_pylist()
    (path,) = workspace.glob("runs/*/embedding.npy")
    assert np.column_stack([table["x"], table["y"]]) == pytest.approx(np.load(path), rel=1e-6)


def test_export_writes_the_clusters_when_asked_for_them(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, told = fitted
    done = command("export", told["run"], "--clusters", "--out", "map.parquet", "--workspace", workspace)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    table = pq.read_table(tmp_path / "map.parquet")
    assert table.column_names == ["row_id", "x", "y", "cluster", "genre", "year"]
    with Workspace(workspace) as space:
        labels = find(space, space.run(told["run"])).labels
    assert table["cluster"].type == pa.int32()
    np.testing.assert_array_equal(table["cluster"], labels)


def test_cluster_tells_sizes_that_add_up_and_keeps_the_labels(
    command: Command, fitted: tuple[Path, dict[str, Any]]
) -> None:
    workspace, told = fitted
    before = set(workspace.glob("cache/clusters/*/labels.npy"))
    done = command("cluster", told["run"][:6], "--min-cluster-size", "40", "--workspace", workspace, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert list(said) == ["run", "method", "clusters", "noise_share", "sizes", "persistence"]
    assert said["run"] == told["run"]
    assert said["clusters"] == len(said["sizes"])
    assert said["sizes"] == sorted(said["sizes"], reverse=True)
    (path,) = set(workspace.glob("cache/clusters/*/labels.npy")) - before
    labels = np.load(path)
    assert labels.dtype == np.int32
    assert np.bincount(labels[labels >= 0]).tolist() == said["sizes"]
    assert said["noise_share"] == pytest.approx((labels == -1).mean())


def test_a_sample_of_a_cluster_holds_no_row_of_another_and_is_drawn_again(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, told = fitted
    given = ("--cluster", "0", "--size", "12", "--workspace", workspace)
    assert command("sample", told["run"], *given, "--out", "one.csv").returncode == 0
    again = ("--manifest", "one.json", "--out", "two.csv", "--workspace", workspace)
    assert command("sample", *again).returncode == 0
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()
    with Workspace(workspace) as space:
        labels = find(space, space.run(told["run"])).labels
    rows = pyarrow.csv.read_csv(tmp_path / "one.csv")["row_id"].to_numpy()
    assert len(rows) == 12
    assert set(labels[rows]) == {0}


def test_clusters_that_are_applied_are_those_of_every_command(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, told = fitted
    coarse = ("--min-cluster-size", "60", "--selection", "leaf", "--apply-to", told["run"])
    done = command("cluster", told["run"], *coarse, "--workspace", workspace, "--json")
    assert done.returncode == 0, done.stderr
    sizes = json.loads(done.stdout.splitlines()[-1])["sizes"]
    where = ("--workspace", workspace)
    try:
        assert command("export", told["run"], "--clusters", "--out", "all.parquet", *where).returncode == 0
        drawn = ("sample", told["run"], "--cluster", "0", "--size", "9", "--out", "one.csv", *where)
        assert command(*drawn).returncode == 0
    finally:
        with Workspace(workspace) as space:
            space.save_clustering(told["run"], None)
    labels = pq.read_table(tmp_path / "all.parquet")["cluster"].to_numpy()
    assert np.bincount(labels[labels >= 0]).tolist() == sizes
    assert set(labels[pyarrow.csv.read_csv(tmp_path / "one.csv")["row_id"].to_numpy()]) == {0}
    # Also when they are the run's own no longer.
    assert command("sample", "--manifest", "one.json", "--out", "two.csv", *where).returncode == 0
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()


def test_items_may_be_a_second_file(command: Command, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).normal(size=(40, 5)))
    (tmp_path / "items.csv").write_text("name\n" + "".join(f"n{row}\n" for row in range(40)))
    done = command("fit", "v.npy", "--items", "items.csv", *FEW_EPOCHS, "--workspace", "ws")
    assert done.returncode == 0, done.stderr
    assert command("export", "k15", "--out", "map.csv", "--workspace", "ws").returncode == 0
    assert pyarrow.csv.read_csv(tmp_path / "map.csv")["name"].to_pylist() == [f"n{row}" for row in range(40)]


def test_a_folder_of_media_that_is_not_there_is_told(command: Command, source: Path) -> None:
    done = command("serve", source, "--media", "nowhere", "--no-show")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("There is no folder nowhere: give the one")


def test_serve_is_the_default_answers_and_ends_when_interrupted(source: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(source, "--no-show", "--port", str(port), "--workspace", "ws", folder=tmp_path)
    try:
        assert process.stdout is not None
        assert str(port) in process.stdout.readline()
        assert b"<html" in answer(f"http://127.0.0.1:{port}/")
        process.send_signal(signal.SIGINT)
        done = finish(process, timeout=60)
    finally:
        process.kill()
        process.wait()
    assert done.returncode in (0, 130)
    assert "Traceback" not in done.stderr
    assert "leaked" not in done.stderr  # of DuckDB, which looks for what is left of its database


def test_a_server_that_is_interrupted_while_it_begins_leaves_nothing_to_complain_of(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB tells at length of what the collector of garbage was told to leave."""
    monkeypatch.setitem(sys.modules, "explorer.app", None)
    try:
        with pytest.raises(ImportError):
            serve(source, workspace=tmp_path / "ws")
        assert gc.get_freeze_count() == 0
    finally:
        gc.unfreeze()


def answer(url: str, seconds: float = 60) -> bytes:
    """Ask until the server listens."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=seconds) as response:
                body: bytes = response.read()
                return body
        except (ConnectionError, urllib.error.URLError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_interrupting_a_fit_leaves_a_run_that_can_be_resumed(
    command: Command, mnist_small_path: Path, tmp_path: Path
) -> None:
    process = start("fit", mnist_small_path, "--n-epochs", "200000", "--workspace", "ws", folder=tmp_path)
    try:
        until = time.monotonic() + 120
        while not list(tmp_path.glob("ws/runs/*/keyframes/*.npy")) and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        done = finish(process, timeout=60)
    finally:
        process.kill()
        process.wait()
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "can be resumed" in done.stderr
    (run,) = Workspace(tmp_path / "ws").runs()
    assert run.status == "interrupted"
    assert Workspace(tmp_path / "ws").checkpoint(run.id) is not None
    assert command("export", run.id, "--out", "map.csv", "--workspace", "ws").returncode == 0


# What is refused

GOOD = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)


def broken(row: int, value: float) -> np.ndarray:
    vectors = GOOD.copy()
    vectors[row, 1] = value
    return vectors


def write_bad_files(folder: Path) -> None:
    """One file for each thing that can be wrong with data."""
    lists = pa.FixedSizeListArray.from_arrays(pa.array(GOOD.ravel()), 3)
    words = pa.array([["a", "b", "c"]] * 20)
    np.save(folder / "good.npy", GOOD)
    np.save(folder / "nan.npy", broken(7, np.nan))
    np.save(folder / "inf.npy", broken(11, np.inf))
    np.save(folder / "none.npy", GOOD[:0])
    np.save(folder / "one.npy", GOOD[:1])
    np.save(folder / "text.npy", np.array([["a", "b"]] * 20))
    np.save(folder / "pickled.npy", np.array([{}] * 20, object))
    np.savez(folder / "pickled.npz", vectors=np.array([[{}]] * 20, object))
    pq.write_table(pa.table({"v": lists, "w": lists}), folder / "two.parquet")
    pq.write_table(pa.table({"v": words}), folder / "words.parquet")
    (folder / "text.csv").write_text("a,b\n1,2\n3,x\n5,6\n")
    (folder / "short.csv").write_text("name\n" + "n\n" * 19)
    (folder / "truncated.npy").write_bytes((folder / "good.npy").read_bytes()[:150])
    (folder / "truncated.parquet").write_bytes((folder / "two.parquet").read_bytes()[:-40])


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ("fit missing.npy", ["no file", "missing.npy"]),
        ("missing.npy --no-show", ["no file", "missing.npy"]),
        ("fit good.npy --items missing.csv", ["missing.csv"]),
        ("fit two.parquet --vectors z", ["two.parquet", "'z'", "v, w"]),
        ("fit two.parquet", ["v, w"]),
        ("fit nan.npy", ["nan.npy", "row 7"]),
        ("fit inf.npy", ["inf.npy", "row 11"]),
        ("fit text.npy", ["text.npy", "numbers"]),
        ("fit words.parquet", ["words.parquet", "'v'", "numbers"]),
        ("fit text.csv --vectors a,b", ["text.csv", "'b'", "row 1", "'x'"]),
        ("fit none.npy", ["none.npy", "no rows"]),
        ("fit one.npy", ["one.npy", "one row"]),
        ("fit good.npy --items short.csv", ["short.csv", "19", "20"]),
        ("fit truncated.npy", ["truncated.npy"]),
        ("fit truncated.parquet", ["truncated.parquet"]),
        ("fit pickled.npy", ["pickled.npy", "pickled"]),
        ("fit pickled.npz", ["pickled.npz", "pickled"]),
        ("fit good.npy --n-neighbors 20", ["n_neighbors", "20 rows"]),
        ("fit good.npy --n-neighbors 1", ["n_neighbors"]),
        ("fit good.npy --min-dist -1", ["min_dist"]),
        ("fit good.npy --init best", ["init", "'best'"]),
        ("fit good.npy --target mood", ["no column 'mood'"]),
        ("fit good.npy --metric nearest", ["metric", "nearest", "unknown"]),
        ("sweep missing.npy --metric cosine,euclidian", ["'euclidian'", "use euclidean"]),
        ("fit missing.npy --metric mahalanobis", ["'mahalanobis'", "needs parameters", "metric_kwds"]),
        ("sweep good.npy --n-neighbors 5,20", ["n_neighbors is 20", "20 rows"]),
        ("sweep good.npy --seeds 0-999 --min-dist 0,0.5", ["2,000 runs", "1,000 runs at most"]),
        ("sweep good.npy --target mood --n-neighbors 5", ["no column 'mood'"]),
        ("fit .", ["folder"]),
    ],
)
def test_bad_input_ends_with_one_sentence_and_leaves_nothing_half_written(
    command: Command, tmp_path: Path, arguments: str, facts: list[str]
) -> None:
    write_bad_files(tmp_path)
    before = set(tmp_path.rglob("*"))
    done = command(*arguments.split(), "--workspace", "ws")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert all(fact in done.stderr for fact in facts), done.stderr
    left = {path.relative_to(tmp_path / "ws") for path in set(tmp_path.rglob("*")) - before if path.is_file()}
    assert not [path for path in left if path.name.endswith(".part")]
    assert {path.name for path in left if path.parts[0] == "datasets"} in (
        set(),
        {"dataset.json", "vectors.npy", "items.parquet"},
    )
    assert not [path for path in left if path.name == "embedding.npy"]


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ("export nope --out map.csv", ["no run", "'nope'"]),
        ("export k15 --out map.xlsx", [".xlsx", ".csv or .parquet"]),
        ("export k15 --out no/such/folder/map.csv", []),
        ("sample k15 --out .", [". is a folder: name a file"]),
        (f"export k15 --out {'n' * 300}.csv", ["nnn… has 304 letters"]),
        ("transform k15 new.npy --out map.xlsx --workspace nowhere", [".xlsx", ".csv or .parquet"]),
        ("cluster k15 --min-samples 300", ["min_samples is 300", "300 points", "1 to 299"]),
        ("cluster k15 --min-cluster-size 1", ["min_cluster_size is 1", "2 points"]),
        ("cluster k15 --selection best", ["selection is 'best'", "eom, leaf"]),
        ("sample k15 --cluster 77 --out map.csv", ["@cluster has no category 'cluster 77'"]),
        ("runs --workspace nowhere", ["no workspace", "nowhere"]),
        ("export k15 --out map.csv --workspace nowhere", ["no workspace", "nowhere"]),
        ("runs --sweep nope", ["no sweep", "'nope'"]),
        ("fit", ["DATA"]),
        ("sweep x.npy --n-neighbors 5,many", ["n_neighbors holds 'many'"]),
        ("sweep x.npy --min-dist 0,2", ["min_dist is 2"]),
        ("sweep x.npy --seeds 4-0", ["write 0-4"]),
        ("fit x.npy --n-neighbors many", ["--n-neighbors", "integer"]),
        ("serve --port 99999", ["--port", "65535"]),
        ("serve --layouts 0", ["--layouts", "greater than or equal to 1"]),
        ("--colour", ["--colour"]),
    ],
)
def test_bad_arguments_exit_with_2_and_say_which(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path, arguments: str, facts: list[str]
) -> None:
    given = arguments.split()
    if given[0] in ("runs", "cluster", "sample", "export") and "--workspace" not in given:
        given += ["--workspace", str(fitted[0])]
    done = command(*given)
    if not facts:
        assert done.returncode == 0  # folders on the way are made
        return
    assert done.returncode == 2
    assert all(fact in done.stderr for fact in facts), done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_workspace_in_use_is_refused(command: Command, source: Path, tmp_path: Path) -> None:
    with Workspace(tmp_path / "ws") as workspace:
        workspace.claim()
        done = command("fit", source, "--workspace", "ws")
        assert command("runs", "--workspace", "ws").returncode == 0  # reading never waits
    assert done.returncode == 2
    assert "in use by another" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_damaged_run_does_not_hide_the_others(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    broken_run = fitted[0] / "runs" / "k9-damaged"
    broken_run.mkdir()
    (broken_run / "run.json").write_text("{")
    done = command("runs", "--workspace", fitted[0])
    assert done.returncode == 0
    assert fitted[1]["run"] in done.stdout
    assert "damaged" in done.stderr
    (broken_run / "run.json").unlink()
    broken_run.rmdir()


def test_help_and_version(command: Command) -> None:
    help_text = command("--help").stdout
    assert all(name in help_text for name in ("serve", "fit", "sweep", "runs", "cluster", "export"))
    assert command("--version").stdout.startswith("umap-explorer ")


# Samples


def test_sample_writes_rows_that_its_manifest_draws_again(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, told = fitted
    (tmp_path / "all.json").write_text("[[-99, -99], [99, -99], [99, 99], [-99, 99]]")
    drawn = command(
        "sample", told["run"], "--polygon", "all.json", "--strategy", "strat", "--column", "genre",
        "--quota", "jazz=3", "--quota", "punk=2", "--seed", "7", "--out", "a.csv",
        "--workspace", workspace, "--json",
    )  # fmt: skip
    assert drawn.returncode == 0, drawn.stderr
    assert json.loads(drawn.stdout.splitlines()[-1]) == {"rows": 5, "file": "a.csv", "manifest": "a.json"}
    genres = pyarrow.csv.read_csv(tmp_path / "a.csv")["genre"].to_pylist()
    assert genres == ["jazz"] * 3 + ["punk"] * 2
    again = command("sample", "--manifest", "a.json", "--out", "b.csv", "--workspace", workspace)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_a_manifest_takes_the_place_of_nothing_but_an_earlier_one(
    command: Command, fitted: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    workspace, told = fitted
    region, record = tmp_path / "region.json", tmp_path / "a.json"
    region.write_text("[[-99, -99], [99, -99], [99, 99], [-99, 99]]")
    before = region.read_bytes()
    given = ("sample", told["run"], "--polygon", "region.json", "--size", "3", "--workspace", workspace)
    refused = command(*given, "--out", "region.csv")
    assert refused.returncode == 2
    assert "would take the place of region.json" in refused.stderr
    assert region.read_bytes() == before
    assert not (tmp_path / "region.csv").exists()
    for seed in ("1", "2"):
        assert command(*given, "--seed", seed, "--out", "a.csv").returncode == 0
    before = record.read_bytes()
    again = command("sample", "--manifest", "a.json", "--out", "a.csv", "--workspace", workspace)
    assert again.returncode == 2
    assert record.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("k15", "--strategy", "best"), "no strategy 'best'"),
        (("k15", "--size", "0"), "at least 1 row, not 0"),
        (("k15", "--polygon", "none.json"), "There is no file none.json"),
        (("--manifest", "none.json"), "There is no file none.json"),
        ((), "Name either a run to draw from or, with --manifest"),
        (("k15", "--strategy", "boundary"), "Everything is selected"),
    ],
)
def test_what_cannot_be_sampled_ends_with_a_sentence(
    command: Command, fitted: tuple[Path, dict[str, Any]], arguments: tuple[str, ...], sentence: str
) -> None:
    done = command("sample", *arguments, "--out", "a.csv", "--workspace", fitted[0])
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
