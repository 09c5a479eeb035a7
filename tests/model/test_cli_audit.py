"""The commands that audit a run and mark what was found, in processes of their own."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.cli.audit import audit
from explorer.cli.cluster import cluster
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from tests.model.test_cli import finish, start


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> tuple[Path, str, set[int]]:
    """A workspace with one run of five blobs, its id, and the rows of the blob whose labels are thrown."""
    folder = tmp_path_factory.mktemp("audit-cli")
    vectors, blob = blobs
    label = np.array(["folk", "jazz", "punk", "soul", "rock"])[blob]
    thrown = np.flatnonzero(blob == 2)
    label[thrown[::2]] = "metal"
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    weeks = np.random.default_rng(0).integers(0, np.where(blob == 3, 5, 20))
    added = pa.array(np.datetime64("2024-01-01") + 7 * weeks)
    pq.write_table(pa.table({"v": column, "genre": label, "added": added}), folder / "blobs.parquet")
    with Workspace(folder / "ws") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "blobs.parquet")
        run = runner.wait(runner.start(dataset, RunParameters(n_epochs=150)).id, timeout=240)
    return folder / "ws", run.id, set(thrown.tolist())


def command(workspace: Path, name: str, *arguments: str):
    return finish(start(name, *arguments, "--workspace", workspace, folder=workspace.parent))


def test_a_mixed_cluster_fails_the_audit_until_it_is_accepted(made: tuple[Path, str, set[int]]) -> None:
    workspace, run, thrown = made
    done = command(
        workspace, "audit", run, "--by", "genre", "--truth", "genre", "--fail-on", "high", "--json"
    )
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == ["run", "columns", "findings", "clusters", "scores"]
    (mixed,) = (one for one in told["findings"] if one["severity"] == "high")
    assert {"cluster", "kind", "severity", "column", "category", "value", "expected", "p", "sentence"} <= set(
        mixed
    )
    assert (mixed["kind"], mixed["column"]) == ("mixed", "genre")
    assert mixed["value"] == pytest.approx(0.5, abs=0.05)
    rows = set(pq.read_table(mixed["rows_file"])["row_id"].to_pylist())
    assert len(rows & thrown) > 0.9 * len(thrown)
    worst = told["clusters"][0]
    assert (worst["cluster"], worst["severity"], worst["reason"]) == (
        mixed["cluster"],
        "high",
        mixed["sentence"],
    )
    assert told["scores"]["genre"]["clustered_share"] > 0.8

    text = command(workspace, "audit", run, "--by", "genre")
    assert text.returncode == 0, text.stderr
    assert mixed["sentence"] in text.stdout
    marked = command(workspace, "mark", run, mixed["key"], "accepted", "--note", "known", "--json")
    assert json.loads(marked.stdout)["mark"]["state"] == "accepted", marked.stderr
    assert command(workspace, "audit", run, "--by", "genre", "--fail-on", "high").returncode == 0
    assert json.loads(command(workspace, "mark", run, mixed["key"], "none", "--json").stdout)["mark"] is None


def test_a_report_tells_of_time_too_and_fails_by_it(made: tuple[Path, str, set[int]]) -> None:
    workspace, run, _ = made
    report = workspace.parent / "reports" / "monthly.html"
    asked = ("audit", run, "--by", "genre", "--time", "added", "--html", str(report))
    done = command(workspace, *asked, "--fail-on", "high", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == ["run", "columns", "findings", "clusters", "drift", "file"]
    assert [one["kind"] for one in told["findings"] if one["severity"] == "high"].count("thinning") == 1
    thinning = next(one for one in told["findings"] if one["kind"] == "thinning")
    rows = pq.read_table(thinning["rows_file"])["row_id"]
    assert len(rows) == thinning["rows"] == 120
    assert (told["drift"]["unit"], len(told["drift"]["clusters"])) == ("week", len(told["clusters"]))
    assert told["file"] == str(report)
    text = report.read_text(encoding="utf-8")
    assert all(f"finding-{one['key']}" in text for one in told["findings"])
    for one in told["findings"]:
        if one["severity"] == "high":
            command(workspace, "mark", run, one["key"], "fixed", "--note", "until June")
    calm = command(workspace, *asked, "--fail-on", "high")
    assert calm.returncode == 0, calm.stderr
    assert f"The report is in {report}." in calm.stdout
    assert told["drift"]["sentence"] in calm.stdout
    assert "until June" in report.read_text(encoding="utf-8")
    assert [path.name for path in report.parent.iterdir()] == ["monthly.html"]
    for one in told["findings"]:
        command(workspace, "mark", run, one["key"], "none")


def test_what_was_applied_is_audited_unless_a_parameter_is_given(
    made: tuple[Path, str, set[int]], capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, run, _ = made
    about = {"workspace": workspace, "as_json": True}

    def told(**asked: int) -> int:
        audit(run, by="genre", **asked, **about)
        return len(json.loads(capsys.readouterr().out.splitlines()[-1])["clusters"])

    usual = told()
    cluster(run, epsilon=100.0, apply_to=run, **about)
    applied = len(json.loads(capsys.readouterr().out.splitlines()[-1])["sizes"])
    assert applied < usual
    assert told() == applied
    assert told(min_samples=10) == usual
    with Workspace(workspace) as space:
        space.save_clustering(run, None)


def test_clusters_are_scored_by_a_column(made: tuple[Path, str, set[int]]) -> None:
    workspace, run, _ = made
    told = json.loads(command(workspace, "cluster", run, "--truth", "genre", "--json").stdout)
    assert list(told) == ["run", "method", "clusters", "noise_share", "sizes", "persistence", "scores"]
    scores = told["scores"]["genre"]
    assert 0.7 < scores["ari_clustered"] < 1
    assert "ari" in command(workspace, "cluster", run, "--truth", "genre").stdout


def test_what_cannot_be_ends_with_one_sentence(made: tuple[Path, str, set[int]]) -> None:
    workspace, run, _ = made
    for arguments, sentence in (
        (("audit", run, "--by", "style"), "no column 'style'"),
        (("audit", run, "--fail-on", "worse"), "no severity 'worse'"),
        (("audit", run, "--time", "genre"), "no column of times"),
        (("audit", run, "--html", str(workspace)), "is a folder"),
        (("mark", run, "zz", "fixed"), "No key of a finding begins with 'zz'"),
        (("cluster", run, "--truth", "style"), "no column 'style'"),
    ):
        done = command(workspace, *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.count("\n") == 1
        assert sentence in done.stderr
