"""Audits of small music catalogues: what was planted is found, at the top; without faults little is."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from catalogue import write_catalogue

from explorer.model import audit as audits
from explorer.model import files
from explorer.model.audit import Audit, audit
from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.findings import Finding
from explorer.model.kept_audit import finding_key, keep, last
from explorer.model.marks import Marks
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.severity import Severity
from explorer.model.workspace import Workspace

N = 4_000
COLUMNS = ("genre", "mood", "language", "popularity")
TOP = 8


@dataclass(frozen=True)
class Audited:
    """A catalogue, its run, the audit of that and what was planted."""

    workspace: Workspace
    run: Run
    found: Audit
    planted: dict[str, Any]

    def top(self, kind: str) -> list[Finding]:
        return [one for one in self.found.findings[:TOP] if one.kind == kind]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Audited]]:
    folder = tmp_path_factory.mktemp("audit")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        made = {}
        for name in ("faulty", "clean"):
            truth = write_catalogue(N, folder / f"{name}.parquet", dims=64, faults=name == "faulty")
            dataset = workspace.add_dataset(folder / f"{name}.parquet")
            run = runner.wait(runner.start(dataset, RunParameters(seed=1)).id, timeout=240)
            found = audit(workspace, run, COLUMNS, truth=("genre",))
            made[name] = Audited(workspace, run, found, json.loads(truth.read_text())["faults"])
        yield made


@pytest.fixture
def faulty(bench: dict[str, Audited]) -> Audited:
    return bench["faulty"]


def mostly(rows: np.ndarray, planted: list[int]) -> bool:
    return bool(np.isin(rows, planted).mean() > 0.5)


def test_every_planted_fault_is_among_the_top_findings(faulty: Audited) -> None:
    planted = faulty.planted
    (copies,) = faulty.top("duplicates")
    in_groups = [row for group in planted["near_duplicates"]["groups"] for row in group]
    assert copies.cluster is None
    assert np.isin(in_groups, copies.rows).mean() > 0.95
    assert np.isin(copies.rows, in_groups).all()
    missing, *_ = faulty.top("missing")
    assert (missing.column, missing.category) == ("language", "Spanish")
    assert mostly(missing.rows, planted["missing"]["rows"])
    region, *_ = faulty.top("mislabelled_region")
    assert (region.column, region.category) == ("genre", "metal")
    assert mostly(region.rows, planted["mislabelled"]["rows"])
    mixed, *_ = faulty.top("mixed")
    assert mixed.column == "genre"
    assert mostly(mixed.rows, planted["mixed"]["rows"])
    (junk,) = (one for one in faulty.top("over_represented") if one.cluster is None)
    assert junk.rows.tolist() == sorted(row for kind in planted["junk"]["kinds"].values() for row in kind)
    assert "no value in genre, language and mood" in junk.sentence
    found = (region, mixed, missing, copies, junk)
    assert {one.severity for one in found} == {Severity.HIGH}


def test_without_faults_hardly_a_cluster_is_flagged_high(bench: dict[str, Audited]) -> None:
    found = bench["clean"].found
    flagged = [one for one in found.clusters if one.severity is Severity.HIGH]
    assert len(found.clusters) > 20
    assert len(flagged) <= 0.05 * len(found.clusters)
    assert not [one for one in found.findings if one.kind == "duplicates"]


def test_clusters_are_told_the_worst_first_with_the_reason(faulty: Audited) -> None:
    clusters, findings = faulty.found.clusters, faulty.found.findings
    assert sorted(one.cluster for one in clusters) == list(range(len(clusters)))
    assert [one.severity for one in clusters] == sorted((one.severity for one in clusters), reverse=True)
    for one in clusters:
        own = [finding for finding in findings if finding.cluster == one.cluster]
        assert one.severity == max((finding.severity for finding in own), default=Severity.NONE)
        assert one.reason in [finding.sentence for finding in own] or not own


def test_a_row_tells_what_its_cluster_is_made_of(faulty: Audited) -> None:
    table = pq.read_table(faulty.workspace.path.parent / "faulty.parquet", columns=["genre"])
    genre = table["genre"].to_pandas()
    for one in faulty.found.clusters:
        shares = genre[faulty.found.labels == one.cluster].value_counts(normalize=True)
        shares = shares[shares > 0]
        by_genre = one.columns[0]
        assert one.size == (faulty.found.labels == one.cluster).sum()
        assert shares[by_genre.dominant] == by_genre.purity == shares.max()
        assert by_genre.effective == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))
        assert by_genre.purity_by_chance < by_genre.purity
        assert 0 < one.probability <= 1
        assert 0 < one.agreement < 1
        assert one.density >= 1
        assert one.stability is None
    assert faulty.found.scores["genre"].homogeneity_clustered > 0.8


def test_marks_survive_an_audit_done_again_and_not_other_clusters(faulty: Audited) -> None:
    workspace, run = faulty.workspace, faulty.run
    told = keep(workspace, faulty.found)
    first, second = told["findings"][:2]
    marks = Marks(workspace, run.id)
    marks.set(first["key"], "accepted", " as agreed ")
    marks.set(second["key"], "to do")
    again = keep(workspace, audit(workspace, run, COLUMNS[::-1]))
    by_key = {one["key"]: one["mark"] for one in again["findings"]}
    assert (by_key[first["key"]]["state"], by_key[first["key"]]["note"]) == ("accepted", "as agreed")
    assert by_key[second["key"]]["state"] == "to do"
    assert sum(mark is not None for mark in by_key.values()) == 2
    assert finding_key(workspace, run.id, first["key"][:8]) == first["key"]
    with pytest.raises(
        InputError, match=f"No key of a finding begins with 'no' in the last audit of {run.id}"
    ):
        finding_key(workspace, run.id, "no")
    with pytest.raises(InputError, match="Several keys begin with ''"):
        finding_key(workspace, run.id, "")
    one = next(finding for finding in faulty.found.findings if finding.cluster is not None)
    grown = faulty.found.labels.copy()
    grown[np.flatnonzero(grown != one.cluster)[0]] = one.cluster
    keys = [finding.key for finding in replace(faulty.found, labels=grown).joined([one]).findings]
    assert len(set(keys)) == len(faulty.found.findings) + 1
    marks.clear(first["key"])
    assert set(marks.all()) == {second["key"]}


def test_the_last_audit_is_read_as_it_was_for_the_map_it_is_of(faulty: Audited) -> None:
    workspace, run, found = faulty.workspace, faulty.run, faulty.found
    keep(workspace, found)
    again = last(workspace, run)
    assert again.to_dict() == found.to_dict()
    for one, kept in zip(found.findings, again.findings, strict=True):
        np.testing.assert_array_equal(kept.rows, one.rows)
        assert (kept.groups is None) == (one.groups is None)
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.duplicates.rows, found.duplicates.rows)
    np.testing.assert_array_equal(again.duplicates.groups, found.duplicates.groups)
    assert last(workspace, run.with_(epoch=run.epoch - 1)) is None


def test_an_audit_takes_the_place_of_the_last_once_it_is_whole(
    faulty: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run, found = faulty.workspace, faulty.run, faulty.found
    other = replace(found, columns=("genre",))
    keep(workspace, other)
    write = files.write_array

    def full(path: Path, array: np.ndarray) -> None:
        raise WorkspaceError("Could not write labels.npy: No space left on device.")

    def while_another_is_kept(path: Path, array: np.ndarray) -> None:
        monkeypatch.setattr(files, "write_array", write)
        keep(workspace, other)
        write(path, array)

    monkeypatch.setattr(files, "write_array", full)
    with pytest.raises(WorkspaceError, match="No space left"):
        keep(workspace, found)
    assert last(workspace, run).columns == other.columns
    monkeypatch.setattr(files, "write_array", while_another_is_kept)
    keep(workspace, found)
    assert last(workspace, run).columns == found.columns
    assert not list(workspace.run_folder(run.id).glob(".*"))


def test_an_audit_that_the_disk_refuses_at_last_leaves_the_last_one(
    faulty: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run, found = faulty.workspace, faulty.run, faulty.found
    other, rename = replace(found, columns=("genre",)), Path.rename
    keep(workspace, other)

    def refused(path: Path, target: Path) -> Path:
        if not target.name.startswith(".") and (path / "audit.json").exists() and not refusals:
            refusals.append(path)
            raise OSError(28, "No space left on device")
        return rename(path, target)

    refusals: list[Path] = []
    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(WorkspaceError, match="No space left on device"):
        keep(workspace, found)
    assert len(refusals) == 1
    assert last(workspace, run).columns == other.columns
    assert not list(workspace.run_folder(run.id).glob(".*"))


def test_rows_of_findings_are_kept_with_their_groups(faulty: Audited) -> None:
    told = keep(faulty.workspace, faulty.found)
    json.dumps(told, allow_nan=False)
    for finding, about in zip(faulty.found.findings, told["findings"], strict=True):
        table = pq.read_table(about["rows_file"])
        assert table["row_id"].to_pylist() == finding.rows.tolist()
        assert about["rows"] == len(finding.rows) > 0
        assert ("group" in table.column_names) == (finding.kind == "duplicates")
    kept = {path.name for path in Path(told["findings"][0]["rows_file"]).parent.iterdir()}
    rows = {Path(about["rows_file"]).name for about in told["findings"]}
    assert kept - rows == {"audit.json", "duplicates.parquet", "labels.npy"}


def test_findings_of_another_maker_join_and_judge_the_clusters(faulty: Audited) -> None:
    quiet = next(one for one in faulty.found.clusters if one.severity is Severity.NONE)
    rows = np.flatnonzero(faulty.found.labels == quiet.cluster)
    more = Finding("thinning", Severity.HIGH, "It thins out.", rows, quiet.cluster)
    joined = faulty.found.joined([more])
    assert len(joined.findings) == len(faulty.found.findings) + 1
    (judged,) = (one for one in joined.clusters if one.cluster == quiet.cluster)
    assert (judged.severity, judged.reason) == (Severity.HIGH, "It thins out.")


def test_progress_rises_to_the_end_and_whoever_stops_it_ends_it(faulty: Audited) -> None:
    shares: list[float] = []
    audit(faulty.workspace, faulty.run, ("genre",), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    doing = Doing("auditing")
    doing.stop()
    with pytest.raises(StoppedError):
        audit(faulty.workspace, faulty.run, ("genre",), progress=doing)


def test_what_cannot_be_audited_is_refused_in_a_sentence(
    faulty: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, run = faulty.workspace, faulty.run
    monkeypatch.setattr(audits.clusters, "find", lambda *_, **__: pytest.fail("it is refused before that"))
    with pytest.raises(InputError, match="no column 'style'"):
        audit(workspace, run, ("style",))
    with pytest.raises(InputError, match="no flat map to audit: it is running"):
        audit(workspace, replace(run, status=RunStatus.RUNNING))
    with pytest.raises(InputError, match="no longer kept: run it again"):
        audit(workspace, replace(run, parameters=replace(run.parameters, n_neighbors=7)))
    with pytest.raises(InputError, match="cannot be marked 'done'"):
        Marks(workspace, run.id).set("a", "done")
