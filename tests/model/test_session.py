"""One analyst's view without any screen: selecting, sampling, comparing on a real run."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.path
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model import sampling
from explorer.model.drawing import redraw
from explorer.model.errors import InputError
from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Runner, Snapshot
from explorer.model.sampling import check_exportable
from explorer.model.session import Session
from explorer.model.source import source_of
from explorer.model.statistics import STABILITY
from explorer.model.strategies import Plan
from explorer.model.workspace import Workspace


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session over three blobs with two finished runs."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(["a", "b", "c"], 120)
    vectors = rng.normal(size=(360, 6)).astype(np.float32) + 8 * np.repeat(np.eye(3, 6), 120, axis=0)
    table = pa.table({"vector": list(vectors.astype(np.float32)), "kind": kinds})
    folder = tmp_path_factory.mktemp("session")
    pq.write_table(table, folder / "blobs.parquet")
    workspace = Workspace(folder / "workspace")
    runner = Runner(workspace)
    dataset = workspace.add_dataset(folder / "blobs.parquet")
    for seed in (0, 1):
        run = runner.wait(runner.start(dataset, RunParameters(seed=seed, n_epochs=60)).id, timeout=240)
        assert run.status is RunStatus.DONE
    yield Session(workspace, runner, dataset)
    runner.close()
    workspace.close()


@pytest.fixture
def session(bench: Session) -> Session:
    """The same without a selection."""
    bench.show(bench.dataset)
    return bench


SQUARE = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)


def around(points: np.ndarray, grow: float = 1.2) -> np.ndarray:
    half = np.ptp(points, axis=0) / 2 * grow
    return (points.max(0) + points.min(0)) / 2 + SQUARE * half


def test_it_opens_on_the_newest_run_coloured_by_the_first_categories(session: Session) -> None:
    assert session.run_id == session.runs[0].id
    assert session.colour_by == "kind"
    assert session.selection.count == 0


def test_a_lasso_holds_rows_that_another_run_still_knows(session: Session) -> None:
    embedding = session.shown(session.run_id).embedding
    polygon = around(embedding[:120])
    session.lasso(session.run_id, polygon)
    rows = session.selection.rows
    np.testing.assert_array_equal(
        rows, np.flatnonzero(matplotlib.path.Path(polygon).contains_points(embedding))
    )
    session.look_at(session.runs[1].id)
    np.testing.assert_array_equal(session.selection.rows, rows)


def test_a_lasso_on_the_aligned_map_is_kept_in_that_run_s_own_coordinates(session: Session) -> None:
    other = session.runs[1].id
    session.put_beside(other)
    shown, own = session.shown(other).embedding, session.snapshot(other).embedding
    assert not np.allclose(shown, own)
    session.lasso(other, around(shown[120:240]))
    polygon = np.array(session.selection.steps[-1].polygon)
    np.testing.assert_array_equal(
        session.selection.rows, np.flatnonzero(matplotlib.path.Path(polygon).contains_points(own))
    )


def test_what_is_outlined_on_the_aligned_map_is_drawn_again_from_its_manifest(session: Session) -> None:
    other = session.runs[1].id
    session.put_beside(other)
    shown = session.shown(other).embedding
    # Corners and vertices on points: what rounding could put in or out.
    low, high = np.quantile(shown, [0.1, 0.6], axis=0, method="nearest").astype(float)
    expected = ((low <= shown) & (shown <= high)).all(1)
    assert 0 < expected.sum() < 360
    session.box(other, np.array([[high[0], low[1]], [low[0], high[1]]]))
    assert (session.selection.mask != expected).sum() <= 4  # rows on its border
    assert "packed" not in session.selection.steps[-1].to_dict()
    session.lasso(other, shown[120:240:17].astype(float), "union")
    session.draw_sample(Plan("random", 30, 2))
    _, again = redraw(json.loads(json.dumps(session.sample_manifest())), session.workspace)
    np.testing.assert_array_equal(again.population.mask, session.selection.mask)
    np.testing.assert_array_equal(again.sample.rows, session.sample.rows)


def test_select_invert_invert_and_undo_all(session: Session) -> None:
    session.select_category("kind", 1)
    before = session.selection.mask.copy()
    session.invert_selection()
    np.testing.assert_array_equal(session.selection.mask, ~before)
    session.invert_selection()
    np.testing.assert_array_equal(session.selection.mask, before)
    for _ in range(3):
        session.undo()
    assert session.selection.count == 0
    session.redo()
    np.testing.assert_array_equal(session.selection.mask, before)


def test_a_category_that_is_not_there_is_refused(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.derived, "known", lambda *_: None)
    monkeypatch.setattr(session.derived, "state", lambda *_: "computing stability…")
    for column, code, why in (
        ("kind", -1, "kind has no such category"),
        ("kind", 3, "kind has no such category"),
        (STABILITY, 0, "computing stability"),
    ):
        with pytest.raises(InputError, match=why):
            session.select_category(column, code)
    assert session.selection.count == 0


def test_ranges_that_change_with_the_runs_are_kept_with_their_rows(session: Session) -> None:
    session.categories(STABILITY)
    session.derived.wait()
    code = int(np.argmax(session.categories(STABILITY).counts))
    session.select_category(STABILITY, code)
    session.draw_sample(Plan("random", 5))
    about = json.loads(json.dumps(session.sample_manifest()))
    (step,) = about["selection"]["steps"]
    step["values"] = ["a range of before"]
    _, again = redraw(about, session.workspace)
    np.testing.assert_array_equal(again.sample.rows, session.sample.rows)


def test_a_condition_selects_rows_and_is_kept_as_a_step(session: Session) -> None:
    session.select_where("kind = 'b'")
    np.testing.assert_array_equal(session.selection.rows, np.arange(120, 240))
    session.select_where("row_id < 130", "intersect")
    session.select_where("kind = 'c' AND row_id > 357", "union")
    np.testing.assert_array_equal(session.selection.rows, [*range(120, 130), 358, 359])
    with pytest.raises(InputError, match='no column "kimd"'):
        session.select_where("kimd = 'b'")
    assert [(step.kind, step.mode, step.condition) for step in session.selection.steps] == [
        ("condition", "replace", "kind = 'b'"),
        ("condition", "intersect", "row_id < 130"),
        ("condition", "union", "kind = 'c' AND row_id > 357"),
    ]


def test_a_water_level_selects_what_is_above_it_and_single_regions(session: Session) -> None:
    run_id, embedding = session.run_id, session.snapshot(session.run_id).embedding
    assert session.water_level(run_id) is None
    session.select_above(run_id)
    assert session.selection.count == 0
    session.water = 0.9
    level = session.water_level(run_id)
    session.select_above(run_id)
    np.testing.assert_array_equal(session.selection.mask, level.above())
    assert session.selection.count >= 0.9 * 360
    middle = np.median(embedding[:120], axis=0)
    session.select_region(run_id, *middle)
    np.testing.assert_array_equal(session.selection.mask, level.region(*middle))
    assert 0 < session.selection.mask[:120].sum() == session.selection.count
    session.select_region(run_id, *np.median(embedding[240:], axis=0), mode="union")
    assert [(step.kind, step.mode, step.share) for step in session.selection.steps] == [
        ("region", "replace", 0.9),
        ("region", "union", 0.9),
    ]
    with pytest.raises(InputError, match="no region here"):
        session.select_region(run_id, *(embedding.max(0) + 100))


def test_a_region_of_the_aligned_map_is_found_in_that_run_s_own_coordinates(session: Session) -> None:
    other = session.runs[1].id
    session.put_beside(other)
    session.water = 0.9
    shown, own = session.shown(other).embedding, session.snapshot(other).embedding
    session.select_region(other, *np.median(shown[120:240], axis=0))
    step = session.selection.steps[-1]
    np.testing.assert_allclose(step.point, np.median(own[120:240], axis=0), atol=0.3)
    np.testing.assert_array_equal(session.selection.mask, session.water_level(other).region(*step.point))
    assert session.selection.mask[120:240].sum() == session.selection.count > 60


def test_a_saved_selection_is_restored_on_another_run_and_combined(session: Session) -> None:
    session.select_category("kind", 0)
    saved = session.saved().save("the first", session.selection)
    session.look_at(session.runs[1].id)
    session.select_category("kind", 1)
    session.select(session.saved().load(saved).mask, saved.step("union"))
    np.testing.assert_array_equal(session.selection.rows, np.arange(240))
    assert session.saved_name == ""
    session.undo()
    session.select(session.saved().load(saved).mask, saved.step("intersect"))
    assert session.selection.count == 0
    session.select_saved("THE first")
    np.testing.assert_array_equal(session.selection.rows, np.arange(120))
    assert session.saved_name == "the first"
    session.select_category("kind", 1)
    assert session.saved_name == ""
    session.select_where("row_id < 120")
    assert session.saved_name == "the first"
    session.undo()
    session.undo()
    session.draw_sample(Plan("random", 5))
    (step,) = session.sample_manifest()["selection"]["steps"]
    assert (step["kind"], step["name"], step["digest"]) == ("saved", "the first", saved.digest)
    assert step["steps"][0]["values"] == ("a",)
    session.saved().delete(saved)
    with pytest.raises(InputError, match="saved as 'the first': it was renamed or deleted"):
        session.select_saved("the first")


def test_a_sample_comes_from_the_selection_or_from_all_and_is_kept(session: Session) -> None:
    session.draw_sample(Plan("random", 50, 3))
    assert len(set(session.sample.rows)) == 50
    session.select_category("kind", 2)
    session.draw_sample(Plan("random", 50, 3))
    assert session.selection.mask[session.sample.rows].all()
    path = session.keep_sample()
    table = session.sample_table()
    assert pq.read_table(path).equals(table)
    assert set(table["kind"].to_pylist()) == {"c"}
    np.testing.assert_allclose(table["inclusion_probability"], 50 / 120)
    embedding = session.snapshot(session.run_id).embedding
    np.testing.assert_array_equal(table["x"], embedding[session.sample.rows, 0])


def test_what_is_chosen_and_drawn_on_a_moving_map_is_drawn_again_on_the_final_one(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, final = session.run_id, session.snapshot(session.run_id)
    moving = Snapshot(run_id, 7, final.embedding[::-1].copy(), final=False)
    with monkeypatch.context() as live:
        live.setattr(session.runner, "snapshot", lambda _: moving)
        session.water = 0.9
        session.lasso(run_id, around(moving.embedding[:120]))
        assert session.selection.mask[:120].all()
        session.select_region(run_id, *np.median(moving.embedding[120:240], axis=0), mode="union")
        session.box(run_id, moving.embedding[:2].astype(float), mode="subtract")
        session.box(run_id, np.full((2, 2), 1e6), mode="union")
        session.draw_sample(Plan("random", 20, 1))
    about = json.loads(json.dumps(session.sample_manifest()))
    assert about["run"]["epoch"] == 7
    assert [step["kind"] for step in about["selection"]["steps"]] == ["lasso", "region", "box", "box"]
    _, again = redraw(about, session.workspace)
    np.testing.assert_array_equal(again.sample.rows, session.sample.rows)
    session.lasso(run_id, around(final.embedding[:120]))
    assert "packed" not in session.selection.steps[-1].to_dict()


def test_a_sample_remembers_what_it_was_drawn_from(session: Session) -> None:
    session.select_category("kind", 0)
    session.draw_sample(Plan("random", 20, 1))
    before, rows = session.sample_manifest(), session.sample.rows
    session.clear_selection()
    session.look_at(session.runs[1].id)
    assert session.sample_manifest() == before
    assert before["selection"]["rows"] == 120
    session.look_at(session.runs[0].id)
    session.undo()
    session.draw_sample(Plan("random", 20, 1))
    np.testing.assert_array_equal(session.sample.rows, rows)


def test_a_sample_keeps_the_places_of_the_map_it_was_drawn_on(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = session.snapshot(session.run_id)
    moving = Snapshot(session.run_id, 7, final.embedding + 5, final=False)
    with monkeypatch.context() as live:
        live.setattr(session.runner, "snapshot", lambda _: moving)
        session.draw_sample(Plan("random", 20, 1))
    session.look_at(session.runs[1].id)
    assert session.run_id != session.drawn.run_id
    for table in (session.sample_table(), pq.read_table(session.keep_sample())):
        np.testing.assert_array_equal(
            np.column_stack([table["x"], table["y"]]), moving.embedding[session.sample.rows]
        )


def test_without_a_sample_there_is_nothing_to_keep(session: Session) -> None:
    with pytest.raises(InputError, match="No sample is drawn yet"):
        session.sample_table()


def test_a_path_must_be_given_and_a_missing_file_changes_nothing(session: Session, tmp_path: Path) -> None:
    dataset = session.dataset
    with pytest.raises(InputError, match="Which file"):
        session.load("")
    with pytest.raises(InputError, match="There is no file"):
        session.load(str(tmp_path / "nowhere.npy"))
    assert session.dataset is dataset


def test_data_that_is_opened_again_is_as_it_was_left(session: Session) -> None:
    first = session.dataset
    other = session.workspace.add_source(
        source_of(pd.DataFrame({"a": [1.0, 2.0, 0.0], "b": [2.0, 1.0, 0.0]}))
    )
    session.look_at(session.runs[1].id)
    session.select_category("kind", 1)
    session.draw_sample(Plan("random", 5))
    session.param.update(isolated=frozenset({1}), pinned=7)
    drawn = session.drawn
    for dataset in (first, other, first):
        session.open(dataset)
        assert session.dataset is dataset
        if dataset is other:
            assert (session.run_id, session.drawn, session.pinned) == ("", None, None)
            assert (session.selection.n, session.selection.count) == (3, 0)
    assert session.run_id == session.runs[1].id == session.progress.run_id
    assert (session.drawn, session.pinned, session.isolated) == (drawn, 7, {1})
    np.testing.assert_array_equal(session.selection.rows, np.arange(120, 240))
    session.undo()
    assert session.selection.count == 0


def test_the_first_run_of_data_without_any_comes_onto_the_map_whoever_started_it(session: Session) -> None:
    frame = pd.DataFrame(np.random.default_rng(4).normal(size=(40, 3)), columns=list("abc"))
    empty = session.workspace.add_source(source_of(frame))
    here, there = (Session(session.workspace, session.runner, empty) for _ in range(2))
    here.refresh()
    assert here.run_id == ""
    first = there.start(RunParameters(n_neighbors=5, n_epochs=5))
    here.refresh()
    assert here.run_id == here.progress.run_id == first.id
    here.look_at("")
    second = there.start(RunParameters(n_neighbors=6, n_epochs=5))
    here.refresh()
    assert (here.run_id, len(here.runs)) == ("", 2), "none is shown on purpose"
    for run in (first, second):
        session.runner.wait(run.id, timeout=240)
        session.runner.delete(run.id)


def test_a_run_is_put_beside_others_once_and_by_the_same_act_taken_away(session: Session) -> None:
    session.put_beside(session.run_id)
    assert session.run_ids == (session.run_id,)
    session.put_beside(session.runs[1].id)
    assert session.beside_ids == (session.runs[1].id,)
    session.put_beside(session.runs[1].id)
    assert session.beside_ids == ()
    with pytest.raises(InputError, match="was deleted"):
        session.put_beside("gone")


def test_a_run_is_looked_at_no_sooner_than_it_is_listed(session: Session) -> None:
    before, seen = session.runs, []
    watcher = session.param.watch(lambda *_: seen.append(session.has_other_runs), ["run_id", "runs"])
    run = session.start(RunParameters(seed=2, n_epochs=5))
    session.param.unwatch(watcher)
    session.runner.wait(run.id, timeout=240)
    assert (session.run_id, session.runs[1:]) == (run.id, before)
    assert all(seen)


def test_a_map_too_large_for_a_browser_is_left_to_the_command(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_bytes = session.dataset.items.nbytes
    assert n_bytes > 360 / 8
    check_exportable(session.dataset, "k15")
    monkeypatch.setattr(sampling, "MOST_BYTES", n_bytes - 1)
    with pytest.raises(InputError, match=r"360 rows with .* umap-explorer export k15 --out map.parquet"):
        check_exportable(session.dataset, "k15")


def test_a_damaged_map_is_no_map_and_says_why(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged, other = session.runs[0], session.runs[1]
    path = session.workspace.run_folder(damaged.id) / "embedding.npy"
    whole = path.read_bytes()
    # A runner that has not seen the run at work reads it from the disk.
    runner = Runner(session.workspace)
    with monkeypatch.context() as no_more_disk:
        no_more_disk.setattr(session.workspace, "run", None)
        assert runner.runs() == list(session.runs)
    later = Session(session.workspace, runner, session.dataset)
    try:
        path.write_bytes(whole[: len(whole) // 2])
        assert later.snapshot(damaged.id) is None
        assert "is damaged" in later.faults[damaged.id]
        assert later.snapshot(other.id) is not None
        assert other.id not in later.faults
    finally:
        path.write_bytes(whole)
        runner.close()


# Its history


@pytest.fixture
def looking(session: Session) -> Session:
    """The same, at one of the first two runs."""
    session.look_at(next(run.id for run in session.runs if run.n_epochs == 60))
    return session


def others(session: Session) -> list[str]:
    """The others of 60 epochs."""
    return [run.id for run in session.runs if run.n_epochs == 60 and run.id != session.run_id]


def test_a_run_at_rest_is_looked_at_as_it_was_at_an_epoch_it_kept(looking: Session) -> None:
    run_id, newest = looking.run_id, looking.shown(looking.run_id)
    kept = looking.workspace.keyframes(run_id)
    assert looking.epochs == kept.epochs
    assert looking.epochs[-1] == newest.epoch == 60
    for frame in (0, 7, len(kept) - 2):
        looking.look_at_epoch(kept.epochs[frame])
        shown = looking.shown(run_id)
        assert (shown.epoch, shown.final, shown.past) == (kept.epochs[frame], False, True)
        np.testing.assert_array_equal(shown.embedding, kept.decode(frame))
        assert looking.shown(run_id).embedding is shown.embedding, "it is decoded once"
    with pytest.raises(InputError, match="keeps no epoch 61"):
        looking.look_at_epoch(61)
    assert looking.epoch == kept.epochs[-2]
    for end in (60, None):
        looking.look_at_epoch(kept.epochs[3])
        looking.look_at_epoch(end)
        assert looking.epoch is None
        np.testing.assert_array_equal(looking.shown(run_id).embedding, newest.embedding)


def test_another_run_and_a_new_one_are_looked_at_where_they_are_now(looking: Session) -> None:
    first, other = looking.run_id, others(looking)[0]
    looking.look_at_epoch(5)
    looking.look_at(first)
    assert looking.epoch == 5
    looking.look_at(other)
    assert (looking.epoch, looking.shown(other).epoch) == (None, 60)
    looking.look_at_epoch(5)
    run = looking.start(RunParameters(seed=9, n_epochs=5))
    assert looking.epoch is None
    looking.runner.wait(run.id, timeout=240)
    looking.refresh()
    assert looking.epochs == (0, 1, 2, 3, 4, 5)


def test_a_run_that_goes_on_is_looked_at_as_it_goes_and_then_at_where_it_stopped(
    looking: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = looking.runner.run(looking.run_id)
    looking.look_at_epoch(5)
    with monkeypatch.context() as at_work:
        status = {"status": RunStatus.RUNNING}
        at_work.setattr(looking.runner, "runs", lambda _: [record.with_(**status)])
        progress = looking.runner.progress(record.id)
        at_work.setattr(looking.runner, "progress", lambda _: replace(progress, **status))
        looking.refresh()
        assert (looking.epoch, looking.epochs) == (None, ())
    with monkeypatch.context() as stopped:
        kept = looking.workspace.keyframes(record.id).epochs
        epoch = max(set(range(60)) - set(kept))
        status = {"status": RunStatus.STOPPED, "epoch": epoch}
        stopped.setattr(looking.runner, "runs", lambda _: [record.with_(**status)])
        looking.refresh()
        assert looking.epochs == (*(one for one in kept if one < epoch), epoch)
        newest = looking.snapshot(record.id).embedding
        assert (np.abs(looking.past().decode(-1) - newest) <= np.ptp(newest, axis=0) / 65_535).all()


def test_a_lasso_on_an_earlier_epoch_means_the_places_shown_and_is_drawn_again(looking: Session) -> None:
    run_id, newest = looking.run_id, looking.shown(looking.run_id).embedding
    looking.look_at_epoch(looking.epochs[4])
    embedding = looking.shown(run_id).embedding
    polygon = around(embedding[:60], 0.8)
    expected = matplotlib.path.Path(polygon).contains_points(embedding)
    assert (expected != matplotlib.path.Path(polygon).contains_points(newest)).any()
    looking.lasso(run_id, polygon)
    np.testing.assert_array_equal(looking.selection.mask, expected)
    looking.box(run_id, embedding[[3, 200]].astype(float), "union")
    low, high = np.sort(embedding[[3, 200]], axis=0)
    expected = expected | ((low <= embedding) & (embedding <= high)).all(axis=1)
    np.testing.assert_array_equal(looking.selection.mask, expected)
    looking.water = 0.6
    level = looking.water_level(run_id)
    np.testing.assert_array_equal(level.density.embedding, embedding)
    looking.select_above(run_id, "intersect")
    expected = expected & level.above()
    np.testing.assert_array_equal(looking.selection.mask, expected)
    looking.look_at_epoch(None)
    np.testing.assert_array_equal(looking.selection.mask, expected)
    looking.draw_sample(Plan("random", 5, 1))
    _, again = redraw(json.loads(json.dumps(looking.sample_manifest())), looking.workspace)
    np.testing.assert_array_equal(again.population.mask, expected)


def test_the_run_beside_stays_where_it_lies_over_the_newest_map_of_the_first(looking: Session) -> None:
    other = others(looking)[0]
    looking.put_beside(other)
    laid = looking.shown(other).embedding
    looking.look_at_epoch(looking.epochs[2])
    np.testing.assert_array_equal(looking.shown(other).embedding, laid)
    assert looking.shown(other).epoch == 60


def test_an_epoch_that_cannot_be_read_says_why_and_the_others_can(looking: Session) -> None:
    run_id, (epoch, other) = looking.run_id, looking.epochs[5:7]
    path = looking.workspace.run_folder(run_id) / "keyframes" / f"{epoch:06d}.npy"
    whole = path.read_bytes()
    later = Session(looking.workspace, looking.runner, looking.dataset)
    later.look_at(run_id)
    path.write_bytes(whole[:200])
    try:
        later.look_at_epoch(epoch)
        assert later.shown(run_id) is None
        assert path.name in later.faults[run_id]
        later.look_at_epoch(other)
        assert later.shown(run_id).epoch == other
        assert later.faults == {}
    finally:
        path.write_bytes(whole)


def test_data_that_is_opened_again_is_at_the_epoch_it_was_left_at(looking: Session) -> None:
    first, epoch = looking.dataset, looking.epochs[3]
    other = looking.workspace.add_source(
        source_of(pd.DataFrame({"a": [1.0, 2.0, 0.0], "b": [2.0, 1.0, 0.0]}))
    )
    looking.look_at_epoch(epoch)
    looking.open(other)
    assert looking.epoch is None
    looking.open(first)
    assert looking.epoch == epoch
