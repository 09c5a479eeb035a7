"""Real runs compared: blobs that are there and noise that is not, progress, an end, what is refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from core.quality import stability, trustworthiness
from explorer.model import comparing
from explorer.model.comparing import Comparison, compare, trust
from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace

Bench = tuple[Workspace, dict[str, list[Run]]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Bench]:
    """Five blobs and uniform noise, three seeds of each, and a run of three dimensions."""
    folder = tmp_path_factory.mktemp("comparing")
    noise = np.random.default_rng(3).uniform(size=(600, 12)).astype(np.float32)
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        runs: dict[str, list[Run]] = {}
        for name, vectors in (("blobs", blobs[0]), ("noise", noise)):
            np.save(folder / f"{name}.npy", vectors)
            dataset = workspace.add_dataset(folder / f"{name}.npy")
            chosen = [RunParameters(seed=seed, n_epochs=200) for seed in (0, 1, 2)]
            runs[name] = [runner.wait(runner.start(dataset, one).id, timeout=240) for one in chosen]
        deep = runner.start(dataset, RunParameters(n_components=3, n_epochs=20))
        runs["deep"] = [runner.wait(deep.id, timeout=240)]
        yield workspace, runs


@pytest.fixture(scope="module")
def compared(bench) -> Comparison:
    """The three runs of the blobs, compared."""
    workspace, runs = bench
    return compare(workspace, runs["blobs"])


def test_each_pair_and_each_run_has_the_core_s_scores(bench, compared: Comparison, blobs) -> None:
    workspace, runs = bench
    ids = [run.id for run in runs["blobs"]]
    assert [(one.a, one.b) for one in compared.pairs] == list(combinations(ids, 2))
    embeddings = [np.asarray(workspace.embedding(name)) for name in ids]
    np.testing.assert_allclose(compared.consensus.stability, stability(embeddings, k=15))
    for one in compared.pairs:
        maps = [embeddings[ids.index(name)] for name in (one.a, one.b)]
        assert one.agreement == pytest.approx(stability(maps, k=15).mean(), rel=1e-5)
    for score, embedding in zip(compared.scores, embeddings, strict=True):
        assert score.trustworthiness == trustworthiness(blobs[0], embedding, k=15, n_rows=1000)
        assert score.seconds == score.run.total_seconds


def test_rows_without_a_place_do_not_count_for_the_trustworthiness_of_a_map(blobs) -> None:
    vectors, embedding = blobs[0], blobs[0][:, :2].copy()
    placed = np.arange(len(vectors)) % 50 == 0
    embedding[~placed] = np.nan
    assert trust(vectors, embedding) == trust(vectors[placed], embedding[placed])


def test_blobs_survive_every_seed(compared: Comparison, blobs) -> None:
    found = compared.consensus
    assert len(found.clusters) == 5
    assert min(fate.survival for fate in found.clusters) > 0.9
    assert all(fate.is_stable for fate in found.clusters)
    assert all(one.ari > 0.9 for one in compared.pairs)
    for cluster in range(5):
        assert len(np.unique(blobs[1][found.rows_of(cluster)])) == 1


def test_noise_shows_no_cluster_that_every_seed_shows(bench) -> None:
    workspace, runs = bench
    found = compare(workspace, runs["noise"]).consensus
    assert not any(fate.is_stable for fate in found.clusters)
    assert found.median < 0.2
    assert found.sentence.startswith("This map is unstable")
    assert sum(len(region.rows) for region in found.regions) > 300


def test_json_has_the_documented_keys_and_no_more_rows_than_it_says(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_IDS", 3)
    found = replace(compared.consensus, changing=np.arange(5))
    told = json.loads(json.dumps(replace(compared, consensus=found).to_dict(), allow_nan=False))
    assert list(told) == ["pairs", "runs", "consensus"]
    assert list(told["pairs"][0]) == ["a", "b", "agreement", "disparity", "jumped", "ari", "ami"]
    assert list(told["runs"][0]) == ["run", "trustworthiness", "seconds", "clusters"]
    consensus = told["consensus"]
    assert list(consensus) == ["run", "stability_median", "sentence", "clusters", "regions", "changing"]
    assert (consensus["changing"]["count"], consensus["changing"]["rows"]) == (5, [0, 1, 2])
    assert sum(one["count"] for one in consensus["changing"]["clusters"]) == 5
    assert {"cluster", "survival", "torn_in", "merged_in", "sentence"} <= set(consensus["clusters"][0])
    assert np.mean(consensus["clusters"][0]["matches"]) == consensus["clusters"][0]["survival"]


def test_two_runs_have_no_consensus(bench) -> None:
    workspace, runs = bench
    found = compare(workspace, runs["blobs"][:2])
    assert found.consensus is None
    assert list(found.to_dict()) == ["pairs", "runs"]


def test_progress_rises_to_the_end_and_whoever_stops_it_ends_it(bench) -> None:
    workspace, runs = bench
    shares: list[float] = []
    compare(workspace, runs["blobs"], shares.append)
    assert shares == sorted(shares)
    assert len(set(shares)) > 8
    assert shares[-1] == 1
    doing = Doing("comparing")

    def stop(share: float) -> None:
        if share > 0.5:
            doing.stop()
        doing(share)

    with pytest.raises(StoppedError):
        compare(workspace, runs["blobs"], stop)
    assert doing.share < 1


def test_what_cannot_be_compared_is_refused_in_a_sentence(bench, tmp_path: Path) -> None:
    workspace, runs = bench
    first, second, third = runs["blobs"]
    refused = [
        ([], "two runs or more, got 0"),
        ([first], "two runs or more, got 1"),
        ([first, second, first], f"{first.id} is named twice"),
        ([first, runs["noise"][0]], "are of different data"),
        ([runs["noise"][0], runs["deep"][0]], "no flat map to compare: it is done, of 3 dimensions"),
        ([first, replace(second, status=RunStatus.RUNNING)], "no flat map to compare: it is running"),
        ([first, replace(third, id="k15-gone")], "k15-gone has no flat map"),
        ([replace(first, n=5), replace(second, n=5)], "have 5 rows: to compare takes 11"),
    ]
    for some, sentence in refused:
        with pytest.raises(InputError, match=sentence):
            compare(workspace, some)
