"""Runs that tell which clusters are chance: by the same parameters, from places of their own, or not."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model import audit as audits
from explorer.model.audit import Audit, audit
from explorer.model.clusters import ClusterParameters, apply, find
from explorer.model.comparing import compare
from explorer.model.comparison import Map, agreement_of_clusters
from explorer.model.errors import InputError
from explorer.model.fates import Meeting
from explorer.model.kept_audit import keep, last
from explorer.model.report_words import cautions
from explorer.model.run import Run, RunParameters, Start
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from explorer.terminal_audit import print_audit

Bench = tuple[Workspace, list[Run]]
FINE = ClusterParameters(8, 4, "leaf")
"""Parameters whose clusters are not those for the number of rows."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Bench]:
    """Five blobs with three seeds."""
    folder = tmp_path_factory.mktemp("repeating")
    vectors, blob = blobs
    columns = {
        "v": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
        "genre": np.array(["folk", "jazz", "punk", "soul", "rock"])[blob],
        "checked": pa.array(["yes"] + [None] * (len(blob) - 1)),
    }
    pq.write_table(pa.table(columns), folder / "blobs.parquet")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "blobs.parquet")
        wanted = [RunParameters(seed=seed, n_epochs=100) for seed in (0, 1, 2)]
        yield workspace, [runner.wait(runner.start(dataset, one).id, timeout=240) for one in wanted]


@pytest.fixture
def bench(made: Bench) -> Iterator[Bench]:
    """The same, of which nothing that a test applies stays."""
    yield made
    for run in made[1]:
        made[0].save_clustering(run.id, None)


def put(
    bench: Bench, number: int, parameters: ClusterParameters, ground: int | None = None, by_hand: bool = False
) -> None:
    """Apply clusters to a run, found on it or on another."""
    workspace, runs = bench
    on = runs[number if ground is None else ground]
    apply(workspace, runs[number], find(workspace, on, parameters), parameters, on, by_hand)


def by_genre(bench: Bench) -> Audit:
    return audit(bench[0], bench[1][0], ("genre",))


def stabilities(found: Audit) -> list[float | None]:
    return [one.stability for one in found.measured]


def expected(bench: Bench, parameters: ClusterParameters) -> list[float]:
    """How far the clusters of the first run come back in the others, all found by the same."""
    workspace, runs = bench
    none = np.zeros((runs[0].n, 0), np.float32)
    maps = [Map(run.id, none, none.astype(np.int32), find(workspace, run, parameters).labels) for run in runs]
    meetings = [Meeting.of(maps[0], other) for other in maps[1:]]
    n = len(meetings[0].sizes)
    return [float(np.mean([one.beyond_chance(cluster) for one in meetings])) for cluster in range(n)]


def test_other_seeds_are_clustered_as_the_run_is(bench: Bench) -> None:
    usual = ClusterParameters.for_rows(bench[1][0].n)
    assert stabilities(by_genre(bench)) == pytest.approx(expected(bench, usual))
    put(bench, 1, FINE)
    put(bench, 2, FINE, by_hand=True)
    found = by_genre(bench)
    assert stabilities(found) == pytest.approx(expected(bench, usual)), "whatever was applied to them"
    assert not [one for one in found.findings if one.kind == "unstable"]
    put(bench, 0, FINE)
    put(bench, 1, usual)
    found = by_genre(bench)
    np.testing.assert_array_equal(found.labels, find(bench[0], bench[1][0], FINE).labels)
    assert stabilities(found) == pytest.approx(expected(bench, FINE))
    assert found.not_repeated == ""


@pytest.mark.parametrize(
    ("ground", "by_hand", "words"), [(0, True, "changed by hand"), (1, False, "separate embedding")]
)
def test_clusters_that_no_run_can_repeat_are_called_neither_stable_nor_not(
    bench: Bench, ground: int, by_hand: bool, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace, runs = bench
    put(bench, 0, FINE, ground, by_hand)
    found = by_genre(bench)
    assert set(stabilities(found)) == {None}
    assert not [one for one in found.findings if one.kind == "unstable"]
    assert words in found.not_repeated
    said = list(cautions(found, workspace.dataset(runs[0].dataset_id)))
    assert found.not_repeated in said
    assert not any("another seed" in one or "Stability compares" in one for one in said)
    print_audit(keep(workspace, found))
    assert found.not_repeated in capsys.readouterr().out.splitlines()
    assert last(workspace, runs[0]).not_repeated == found.not_repeated
    given = audit(workspace, runs[0], ("genre",), parameters=ClusterParameters.for_rows(runs[0].n))
    assert given.not_repeated == ""
    assert None not in stabilities(given), "parameters that are given can be repeated"


def test_a_run_that_starts_from_the_very_map_is_no_witness(bench: Bench) -> None:
    workspace, (run, *_) = bench
    # Of these parameters there is no other seed with places of its own.
    alone = run.with_(id="alone", parameters=RunParameters(n_neighbors=7))
    starts = {name: Start(alone.id, 50, name == "fork", True, name) for name in ("fork", "warm")}
    grown = [
        alone.with_(id=name, parameters=RunParameters(n_neighbors=7, seed=9), start=start)
        for name, start in starts.items()
    ]
    other = grown[0].with_(id="seed", parameters=RunParameters(n_neighbors=7, seed=10))
    for one in (alone, *grown):
        workspace.save_run(one)
    assert audits._witnesses(workspace, alone) == ()
    workspace.save_run(other)
    # What both have from the map they start from is no chance of theirs.
    assert audits._witnesses(workspace, grown[0]) == ()
    for one in (alone, *grown, other):
        workspace.delete_run(one.id)


def test_runs_are_compared_by_the_clusters_of_the_reference(bench: Bench) -> None:
    workspace, runs = bench
    put(bench, 0, FINE)
    put(bench, 2, FINE, by_hand=True, ground=1)
    found = compare(workspace, runs)
    labels = [find(workspace, run, FINE).labels for run in runs]
    for pair, two in zip(found.pairs, combinations(labels, 2), strict=True):
        assert (pair.ari, pair.ami) == pytest.approx(agreement_of_clusters(*two))
    assert [one.beyond_chance for one in found.consensus.clusters] == pytest.approx(expected(bench, FINE))
    assert "not_repeated" not in found.to_dict()


def test_a_comparison_says_nothing_of_clusters_that_no_run_can_repeat(bench: Bench) -> None:
    workspace, runs = bench
    put(bench, 0, FINE, by_hand=True)
    found = compare(workspace, runs)
    told = found.to_dict()
    assert "changed by hand" in told["not_repeated"]
    assert "compare again" in told["not_repeated"]
    assert [one["ari"] is None for one in told["pairs"]] == [True, True, False]
    assert (told["consensus"]["clusters"], told["consensus"]["changing"]["count"]) == ([], 0)
    assert told["consensus"]["changing"]["sentence"] == told["not_repeated"]
    np.testing.assert_array_equal(found.consensus.labels, find(workspace, runs[0]).labels)
    assert "changed by hand" in compare(workspace, runs[:2]).to_dict()["not_repeated"]


def test_a_truth_of_one_row_is_refused_before_any_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, (run, *_) = bench
    monkeypatch.setattr(audits.clusters, "find", lambda *_, **__: pytest.fail("it is refused before that"))
    with pytest.raises(InputError, match=r"'checked' has a value in 1 row, .* name another column"):
        audit(workspace, run, ("genre",), truth=("genre", "checked"))
