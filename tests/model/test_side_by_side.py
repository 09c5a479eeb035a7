"""Up to four maps of one session: where they lie, what is selected on them, and what is told of them."""

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import matplotlib.path
import numpy as np
import pytest

from core.quality import map_graph, trustworthiness
from core.recall import sample_rows
from explorer.model import side_by_side
from explorer.model.comparing import Comparison, Score
from explorer.model.comparison import Pair, align, overlap
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.side_by_side import agreement
from explorer.model.workspace import Workspace

N, RUNS = 150, 5
RNG = np.random.default_rng(5)
PLACES = RNG.normal(size=(N, 2)).astype(np.float32)


def laid_elsewhere(seed: int) -> np.ndarray:
    """The same map turned, mirrored by odd seeds, grown, moved, and its points shaken a little."""
    turn = 1.1 * seed
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * (1 + seed)
    mirrored = PLACES * [1 - 2 * (seed % 2), 1]
    shaken = mirrored + 0.02 * seed * np.random.default_rng(seed).normal(size=(N, 2))
    return (shaken @ matrix + 7 * seed).astype(np.float32)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session over five maps at rest, the first shown."""
    np.save(tmp_path / "vectors.npy", np.hstack([PLACES, RNG.normal(size=(N, 3))]).astype(np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "vectors.npy")
        for seed in range(RUNS):
            run = Run.new(dataset.id, dataset.hash, N, RunParameters(seed=seed))
            workspace.save_embedding(run.id, laid_elsewhere(seed))
            workspace.save_run(run.with_(status=RunStatus.DONE, n_epochs=9, epoch=9))
        made = Session(workspace, runner, dataset)
        made.look_at(by_seed(made)[0])
        yield made
        made.derived.close()


def by_seed(session: Session) -> list[str]:
    return [run.id for run in sorted(session.runs, key=lambda run: run.parameters.seed)]


@pytest.fixture
def four(session: Session) -> list[str]:
    """The ids of the runs, of which three lie beside the first now."""
    ids = by_seed(session)
    for run_id in ids[1:4]:
        session.put_beside(run_id)
    return ids


def test_three_runs_lie_beside_the_first_and_a_fifth_is_refused_in_a_sentence(
    session: Session, four: list[str]
) -> None:
    assert session.run_ids == tuple(four[:4])
    with pytest.raises(InputError, match=r"^Four maps lie side by side: take one away.*\.$"):
        session.put_beside(four[4])
    assert session.run_ids == tuple(four[:4])
    session.put_beside(four[2])
    session.put_beside(four[4])
    assert session.beside_ids == (four[1], four[3], four[4])
    session.look_at(four[3])
    assert session.run_ids == (four[3], four[1], four[4])


def test_all_maps_lie_over_the_first_and_a_lasso_on_the_third_takes_its_own_rows(
    session: Session, four: list[str]
) -> None:
    for seed, run_id in enumerate(four[:4]):
        assert session.is_aligned(run_id)
        np.testing.assert_allclose(session.shown(run_id).embedding, PLACES, atol=0.1 * seed + 1e-6)
    third = four[2]
    corners = np.array([[-1.2, -0.7], [0.8, -0.9], [0.6, 1.1], [-0.4, 0.3]])
    session.lasso(third, corners)
    polygon = np.array(session.selection.steps[-1].polygon)
    inside = matplotlib.path.Path(polygon).contains_points(session.snapshot(third).embedding)
    assert 10 < inside.sum() < N
    np.testing.assert_array_equal(session.selection.mask, inside)
    np.testing.assert_array_equal(
        inside, matplotlib.path.Path(corners).contains_points(session.shown(third).embedding)
    )


def test_a_run_that_is_deleted_leaves_its_place_to_the_next(session: Session, four: list[str]) -> None:
    session.runner.delete(four[2])
    session.refresh()
    assert session.run_ids == (four[0], four[1], four[3])
    session.runner.delete(four[0])
    session.refresh()
    newest = session.runs[0].id
    assert session.run_id == newest
    assert session.beside_ids == tuple(one for one in (four[1], four[3]) if one != newest)


def test_data_that_is_opened_again_has_the_maps_beside_that_are_still_there(
    session: Session, four: list[str], tmp_path: Path
) -> None:
    np.save(tmp_path / "other.npy", RNG.normal(size=(20, 3)).astype(np.float32))
    first, other = session.dataset, session.workspace.add_dataset(tmp_path / "other.npy")
    session.open(other)
    assert session.run_ids == ("",)
    session.runner.delete(four[1])
    session.open(first)
    assert session.run_ids == (four[0], four[2], four[3])


def test_nothing_is_aligned_or_told_while_the_first_moves(session: Session, four: list[str]) -> None:
    workspace, first = session.workspace, session.run(four[0])
    workspace.save_run(first.with_(status=RunStatus.RUNNING))
    assert [session.is_aligned(run_id) for run_id in four[:3]] == [True, False, False]
    assert session.figures(four[1]) is session.figures(four[0]) is None
    assert not session.find_figures()


def test_figures_come_one_by_one_and_are_those_of_a_comparison(session: Session, four: list[str]) -> None:
    session.put_beside(four[3])
    known = [session.figures(run_id) for run_id in session.run_ids]
    assert all(one.trustworthiness is one.agreement is one.disparity is None for one in known)
    steps = 0
    while session.find_figures():
        steps += 1
    assert steps == 3 + 2 + 2, "trustworthiness of three, agreement and disparity of two"
    vectors, maps = session.dataset.vectors, [session.snapshot(one).embedding for one in session.run_ids]
    near = [map_graph(one, 15).indices for one in maps]
    for run_id, embedding, own in zip(session.run_ids, maps, near, strict=True):
        told = session.figures(run_id)
        assert told.trustworthiness == trustworthiness(vectors, embedding, k=15, n_rows=1000)
        if run_id == session.run_id:
            assert told.agreement is told.disparity is told.jumped is None
            continue
        laid = align(maps[0], embedding)
        assert (told.disparity, told.jumped) == (laid.disparity, laid.jumped)
        assert told.agreement == pytest.approx(overlap(near[0], own).mean(), rel=1e-6)


def test_agreement_of_many_rows_is_that_of_the_sampled_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = [laid_elsewhere(seed) for seed in (0, 3)]
    maps[1][7] = np.nan
    placed = np.arange(N) != 7
    each = overlap(*(map_graph(one[placed], 15).indices for one in maps))
    assert agreement(*maps) == pytest.approx(each.mean(), rel=1e-6)
    monkeypatch.setattr(side_by_side, "MOST_ROWS", 40)
    rows = sample_rows(N - 1, 40, seed=0)
    assert agreement(*maps) == pytest.approx(each[rows].mean(), rel=1e-6)
    assert math.isnan(agreement(maps[0][:2], maps[1][:2]))


def test_what_a_comparison_has_found_is_not_computed_again(
    session: Session, four: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("align", "agreement", "trust"):
        monkeypatch.setattr(side_by_side, name, lambda *_, **__: pytest.fail("it was known"))
    one, two = (session.run(run_id) for run_id in four[:2])
    session.beside_ids = (two.id,)
    pair = Pair(one.id, two.id, np.array([0.25, 0.5, np.nan], np.float32), 0.125, 0.0625, None, None)
    session.side_by_side.keep(Comparison((Score(one, 0.9, 1), Score(two, 0.8, 1)), (pair,), None))
    told = session.figures(two.id)
    assert (told.trustworthiness, told.agreement, told.disparity, told.jumped) == (0.8, 0.375, 0.125, 0.0625)
    assert session.figures(one.id).trustworthiness == 0.9
    assert not session.find_figures()


def test_an_alignment_is_computed_once_and_another_is_not_held_up_by_it(
    session: Session, four: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun, slow = threading.Event(), [], session.snapshot(four[1]).embedding[0, 0]

    def counted(reference: np.ndarray, embedding: np.ndarray) -> object:
        begun.append(embedding)
        if embedding[0, 0] == slow:
            assert go.wait(30)
        return align(reference, embedding)

    monkeypatch.setattr(side_by_side, "align", counted)
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(session.shown, four[1]) for _ in range(2)]
        end = time.monotonic() + 30
        while not begun and time.monotonic() < end:
            time.sleep(0.005)
        session.shown(four[2])
        assert not any(one.done() for one in waiting)
        go.set()
        first, second = (one.result(30).embedding for one in waiting)
    assert first is second
    assert len(begun) == 2


def test_an_alignment_that_fails_is_tried_again(
    session: Session, four: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(side_by_side, "align", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            session.shown(four[1])
    np.testing.assert_allclose(session.shown(four[1]).embedding, PLACES, atol=0.1)
