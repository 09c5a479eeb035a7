"""The commands that tell what changes, in processes of their own: JSON, tables, and how they end."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.cli.drift import coverage, drift
from explorer.model.errors import InputError
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from tests.model.test_cli import finish, start

WEEKS, THIN = 20, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> tuple[Path, str]:
    """A workspace with a run of five blobs, one of which comes in the first weeks only; the run's id."""
    folder = tmp_path_factory.mktemp("drift")
    vectors, labels = blobs
    weeks = np.random.default_rng(0).integers(0, np.where(labels == THIN, WEEKS // 4, WEEKS))
    days = pa.array(np.datetime64("2024-01-01") + 7 * weeks)
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 12)
    table = pa.table({"v": column, "kind": [f"kind {one}" for one in labels], "added": days})
    pq.write_table(table, folder / "blobs.parquet")
    np.save(folder / "new.npy", vectors[labels != THIN][::3])
    with Workspace(folder / "ws") as workspace, Runner(workspace) as runner:
        run = runner.start(workspace.add_dataset(folder / "blobs.parquet"), RunParameters(n_epochs=100))
        return folder, runner.wait(run.id, timeout=240).id


def run(made: tuple[Path, str], command: str, *arguments: str):
    folder, name = made
    return finish(start(command, name, *arguments, "--workspace", folder / "ws", folder=folder))


def told(made: tuple[Path, str], command: str, *arguments: str) -> dict:
    done = run(made, command, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_drift_over_time_and_to_new_data(made: tuple[Path, str]) -> None:
    by_time = told(made, "drift", "--time", "added")
    assert list(by_time) == [
        "run", "column", "unit", "periods", "totals", "left_out", "sentence", "clusters", "findings",
    ]  # fmt: skip
    assert (by_time["unit"], len(by_time["periods"]), sum(by_time["totals"])) == ("week", WEEKS, 600)
    worst = by_time["findings"][0]
    assert (worst["kind"], worst["severity"], worst["column"]) == ("thinning", "high", "added")
    assert worst["count"] == len(worst["rows"]) == 120
    text = run(made, "drift", "--time", "added").stdout
    assert worst["sentence"] in text
    by_data = told(made, "drift", "--new", "new.npy")
    assert list(by_data) == ["run", "data", "sentence", "far", "appeared", "clusters", "findings"]
    worst = by_data["findings"][0]
    assert (worst["kind"], worst["severity"], worst["value"]) == ("thinning", "high", 0)
    assert "vanished" in worst["sentence"]


def test_coverage_tells_the_gap_and_writes_its_rows(made: tuple[Path, str]) -> None:
    found = told(made, "coverage", "--batch", "kind <> 'kind 3' AND row_id % 2 = 0", "--out", "gap.parquet")
    assert list(found) == [
        "run", "batch", "size", "reference_size", "sentence", "gaps", "surpluses", "findings", "file",
    ]  # fmt: skip
    assert (found["size"], found["findings"][0]["kind"]) == (240, "gap")
    rows = pq.read_table(made[0] / "gap.parquet")
    assert rows.column_names[:4] == ["row_id", "x", "y", "cluster"]
    assert rows.num_rows == sum(one["count"] for one in found["gaps"])
    assert rows["kind"].to_pylist().count("kind 3") >= 110
    text = run(made, "coverage", "--new", "new.npy").stdout
    assert "The batch lacks a region" in text


def test_new_rows_are_placed_where_those_they_equal_lie(made: tuple[Path, str], blobs) -> None:
    found = told(made, "transform", "new.npy", "--out", "placed.parquet")
    assert list(found) == ["run", "rows", "file", "columns"]
    table = pq.read_table(made[0] / "placed.parquet")
    assert table.column_names == found["columns"] == ["row_id", "x", "y", "nearest_row", "novelty"]
    own = np.flatnonzero(blobs[1] != THIN)[::3]
    np.testing.assert_array_equal(table["nearest_row"].to_numpy(), own)
    embedding = Workspace(made[0] / "ws").embedding(made[1])
    np.testing.assert_array_equal(np.stack([table["x"], table["y"]], axis=1), embedding[own])


def test_one_new_row_has_a_place_and_is_no_data_to_fit(made: tuple[Path, str], blobs) -> None:
    np.save(made[0] / "one.npy", blobs[0][5:6])
    found = told(made, "transform", "one.npy", "--out", "one.parquet")
    assert found["rows"] == 1
    assert pq.read_table(made[0] / "one.parquet")["nearest_row"].to_pylist() == [5]
    with pytest.raises(InputError, match="A map needs at least 3 rows"):
        RunParameters().validate(1, 10)


def test_few_new_rows_are_compared_though_no_map_is_made_of_them(
    made: tuple[Path, str], blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, name = made
    np.save(folder / "single.npy", blobs[0][5:6])
    drift(name, new=folder / "single.npy", workspace=folder / "ws")
    assert "0% of 1 new item lies farther from the known ones" in capsys.readouterr().out
    with pytest.raises(InputError, match="The batch 'single' has 1 item: coverage compares 20 or more"):
        coverage(name, new=folder / "single.npy", workspace=folder / "ws")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("drift",), "Compare either over time"),
        (("drift", "--time", "kind"), "'kind' is no column of times: choose one of added."),
        (("coverage",), "Name the batch"),
        (("coverage", "--batch", "row_id < 5"), "has 5 items"),
        (("transform", "missing.npy", "--out", "x.csv"), "There is no file"),
    ],
)
def test_what_cannot_be_told_ends_with_one_sentence(
    made: tuple[Path, str], arguments: tuple[str, ...], sentence: str
) -> None:
    done = run(made, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert sentence in done.stderr
