"""The command that compares runs, in processes of its own: its tables, its JSON, how it ends."""

import json
from pathlib import Path

import numpy as np
import pytest

from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from tests.model.test_cli import finish, start


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, blobs) -> tuple[Path, list[str], str]:
    """A workspace with three runs of five blobs and one of other data: the folder and their ids."""
    folder = tmp_path_factory.mktemp("compare")
    np.save(folder / "blobs.npy", blobs[0])
    np.save(folder / "other.npy", blobs[0][::-1])
    with Workspace(folder / "ws") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "blobs.npy")
        started = [runner.start(dataset, RunParameters(seed=seed, n_epochs=150)) for seed in (0, 1, 2)]
        other = runner.start(workspace.add_dataset(folder / "other.npy"), RunParameters(seed=7, n_epochs=10))
        for run in (*started, other):
            runner.wait(run.id, timeout=240)
    return folder / "ws", [run.id for run in started], other.id


def compare(workspace: Path, *arguments: str):
    return finish(start("compare", *arguments, "--workspace", workspace, folder=workspace.parent))


def test_three_runs_are_told_as_json_and_again_as_tables(made: tuple[Path, list[str], str]) -> None:
    workspace, ids, _ = made
    done = compare(workspace, *ids, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == ["pairs", "runs", "consensus"]
    assert [(one["a"], one["b"]) for one in told["pairs"]] == [
        (ids[0], ids[1]), (ids[0], ids[2]), (ids[1], ids[2])
    ]  # fmt: skip
    for one in told["pairs"]:
        assert 0 < one["agreement"] < 1
        assert 0 <= one["disparity"] < 1
        assert one["ari"] > 0.9
        assert one["ami"] > 0.9
    assert [run["run"] for run in told["runs"]] == ids
    assert all(0.8 < run["trustworthiness"] <= 1 and run["seconds"] > 0 for run in told["runs"])
    consensus = told["consensus"]
    assert 0 < consensus["stability_median"] < 1
    assert [(one["cluster"], one["torn_in"]) for one in consensus["clusters"]] == [(i, []) for i in range(5)]
    assert all(one["survival"] > 0.9 for one in consensus["clusters"])

    text = compare(workspace, "k15-d0.1-s0", "k15-d0.1-s1", "k15-d0.1-s2")
    assert text.returncode == 0, text.stderr
    assert all(name in text.stdout for name in ids)
    assert f"{told['pairs'][0]['agreement']:.3f}" in text.stdout
    assert "Cluster 4 comes back in every run" in text.stdout
    assert consensus["sentence"] in text.stdout


def test_two_runs_are_a_pair_without_a_consensus(made: tuple[Path, list[str], str]) -> None:
    workspace, ids, _ = made
    told = json.loads(compare(workspace, *ids[:2], "--json").stdout.splitlines()[-1])
    assert list(told) == ["pairs", "runs"]
    assert len(told["pairs"]) == 1


def test_what_cannot_be_compared_ends_with_one_sentence(made: tuple[Path, list[str], str]) -> None:
    workspace, ids, other = made
    for arguments, sentence in (
        ([], "To compare takes two runs or more, got 0"),
        (ids[:1], "To compare takes two runs or more, got 1"),
        ([ids[0], other], "are of different data"),
        ([ids[0], "nope"], "no run 'nope'"),
        ([ids[0], ids[0]], "is named twice"),
    ):
        done = compare(workspace, *arguments, "--json")
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert done.stderr.count("\n") == 1
        assert sentence in done.stderr
