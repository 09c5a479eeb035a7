"""Measures of a run: those of the core, computed once, and one sentence where there is none."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.quality import stability, trustworthiness
from explorer.model import scores
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.scores import score
from explorer.model.workspace import Workspace


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[tuple[Workspace, list[Run]]]:
    """Five blobs, two seeds."""
    folder: Path = tmp_path_factory.mktemp("scores")
    np.save(folder / "blobs.npy", blobs[0])
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "blobs.npy")
        chosen = [RunParameters(seed=seed, n_epochs=30) for seed in (0, 1)]
        yield workspace, [runner.wait(runner.start(dataset, one).id, timeout=240) for one in chosen]


def test_scores_are_the_core_s(bench, blobs) -> None:
    workspace, runs = bench
    maps = [np.asarray(workspace.embedding(run.id)) for run in runs]
    first = runs[0]
    assert score("trustworthiness", workspace, first, runs) == trustworthiness(blobs[0], maps[0], k=15)
    expected = float(np.median(stability(maps, k=15)))
    assert score("stability", workspace, first, runs) == pytest.approx(expected)
    assert score("cost", workspace, first, runs) == first.cost
    assert score("time", workspace, first, runs) == first.total_seconds


def test_trustworthiness_is_computed_once(bench, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, runs = bench
    known = score("trustworthiness", workspace, runs[1], runs)
    monkeypatch.setattr(scores, "trust", lambda *_args, **_more: pytest.fail("computed again"))
    assert score("trustworthiness", workspace, runs[1], runs) == known


def test_what_is_not_defined_is_said_in_a_sentence(bench) -> None:
    workspace, runs = bench
    with pytest.raises(InputError, match="has no other run of this data to be compared with"):
        score("stability", workspace, runs[0], runs[:1])
    with pytest.raises(InputError, match=r"The cost of the run .* is not known: cross-entropy per edge\."):
        score("cost", workspace, runs[0].with_(status=RunStatus.RUNNING), runs)
    with pytest.raises(InputError, match="has no flat map yet"):
        score("trustworthiness", workspace, runs[0].with_(id="k15-none"), runs)
