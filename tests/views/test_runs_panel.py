"""The cards of runs without a browser: what they tell, and what is done with them."""

from collections.abc import Iterator

import numpy as np
import pytest

from explorer.model.errors import InputError
from explorer.model.progress import Progress
from explorer.model.run import Run, RunParameters, RunStatus, Start
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import telling
from explorer.views.colouring import Colours
from explorer.views.run_form import RunForm
from explorer.views.run_list import card
from explorer.views.runs_panel import RunsPanel

N = 60
EPOCHS = 12
RUN = Run.new("data", "hash", N, RunParameters())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session over sixty items and sixty others, the first with two finished runs."""
    folder = tmp_path_factory.mktemp("cards")
    for name in ("some", "other"):
        np.save(folder / f"{name}.npy", np.random.default_rng(len(name)).normal(size=(N, 4)))
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(folder / "some.npy")
        workspace.add_dataset(folder / "other.npy")
        for seed in (0, 1):
            runner.wait(runner.start(dataset, RunParameters(seed=seed, n_epochs=EPOCHS)).id, timeout=240)
        yield Session(workspace, runner, dataset)


@pytest.fixture
def session(bench: Session) -> Iterator[Session]:
    made = Session(bench.workspace, bench.runner, bench.dataset)
    yield made
    made.derived.close()


@pytest.fixture
def panel(session: Session) -> RunsPanel:
    made = RunsPanel(session, Colours(session), RunForm(session), dark=True)
    session.param.watch(lambda *_: made.draw(), ["runs"])
    made.draw()
    return made


def titles(panel: RunsPanel) -> list[str]:
    return [card["title"] for card in panel.list.cards]


def act(panel: RunsPanel, action: str, run: Run, **more: str) -> None:
    panel._on_message({"action": action, "run": run.id, **more})


def test_a_run_is_called_by_its_name_and_a_star_brings_it_to_the_front(
    panel: RunsPanel, session: Session
) -> None:
    newer, older = session.runs
    assert titles(panel) == [newer.label, older.label]
    act(panel, "rename", older, name="<b>good</b>")
    act(panel, "star", older)
    assert titles(panel) == ["<b>good</b>", newer.label]
    first = panel.list.cards[0]
    assert (first["starred"], first["name"], first["label"]) == (True, "<b>good</b>", older.label)
    assert session.run(older.id).title == "<b>good</b>"
    act(panel, "star", older)
    act(panel, "rename", older, name="")
    assert titles(panel) == [newer.label, older.label]


def test_what_was_deleted_comes_back_to_where_it_was(panel: RunsPanel, session: Session) -> None:
    newer, older = session.runs
    session.put_beside(older.id)
    act(panel, "delete", newer)
    assert titles(panel) == [older.label]
    assert panel.list.deleted == newer.label
    assert session.run_ids == (older.id,)
    panel._on_message({"action": "undo"})
    assert titles(panel) == [newer.label, older.label]
    assert (session.run_id, panel.list.deleted) == (newer.id, "")
    session.put_beside(older.id)
    act(panel, "delete", older)
    assert session.run_ids == (newer.id,)
    panel._on_message({"action": "undo"})
    assert session.run_id == newer.id
    assert len(titles(panel)) == 2


def test_another_page_looks_at_another_run_when_its_own_was_deleted(session: Session) -> None:
    newer, older = session.runs
    other = Session(session.workspace, session.runner, session.dataset)
    session.runner.delete(newer.id)
    assert other.snapshot("no-such-run") is None
    with pytest.raises(InputError, match="was deleted"):
        other.look_at(newer.id)
    other.refresh()
    assert (other.run_id, [run.id for run in other.runs]) == (older.id, [older.id])
    session.runner.delete(older.id)
    other.refresh()
    assert (other.run_id, other.runs, other.progress) == ("", (), None)
    for run in (newer, older):
        session.runner.restore(run.id)


def test_other_data_has_nothing_to_bring_back(panel: RunsPanel, session: Session) -> None:
    run = session.runs[0]
    act(panel, "delete", run)
    some = session.dataset
    (other,) = [info.id for info in session.workspace.datasets() if info.id != some.id]
    session.show(session.workspace.dataset(other))
    assert panel.list.deleted == ""
    session.show(some)
    session.runner.restore(run.id)


def test_all_parameters_of_a_run_are_copied(panel: RunsPanel, session: Session) -> None:
    given = RunParameters(
        n_neighbors=230, min_dist=0.00123, metric="minkowski", seed=9, n_epochs=77, init="pca", densmap=True
    )
    run = RUN.with_(parameters=given, dataset_id=session.dataset.id)
    session.workspace.save_run(run)
    session.refresh()
    form = panel._form
    act(panel, "copy", run)
    assert form.parameters == given
    assert form._also_line.visible
    assert "init pca, densmap True" in form._also.object
    form.drop_also.param.trigger("clicks")
    plain = RunParameters(n_neighbors=230, min_dist=0.00123, metric="minkowski", seed=9, n_epochs=77)
    assert form.parameters == plain
    assert not form._also_line.visible
    act(panel, "copy", session.runs[-1])
    assert form.parameters == session.runs[-1].parameters
    session.runner.delete(run.id)


def test_a_field_that_is_emptied_means_the_nought_it_shows(panel: RunsPanel, session: Session) -> None:
    form = panel._form
    act(panel, "fork", session.runs[0])
    form.seed.value = form.from_epoch.value = None
    assert form.parameters.seed == 0
    assert "goes on from epoch 0." in form._from.object
    form.drop_from.param.trigger("clicks")


def test_a_fork_goes_into_the_form_and_runs_from_the_epoch_nearest_to_what_is_asked(
    panel: RunsPanel, session: Session
) -> None:
    source, form = session.runs[0], panel._form
    act(panel, "fork", source)
    assert form.parameters == source.parameters
    assert (form.from_epoch.value, form.from_epoch.start, form.from_epoch.end) == (EPOCHS, 0, EPOCHS)
    assert "its last map, epochs begin anew" in form._from.object
    form.from_epoch.value = 5
    assert "goes on from epoch 5." in form._from.object
    form.min_dist.value = 0.5
    form.run.param.trigger("clicks")
    run = session.run(session.run_id)
    assert (run.start.run, run.start.epoch, run.start.fork) == (source.id, 5, True)
    assert run.parameters.min_dist == 0.5
    assert session.runner.wait(run.id, timeout=240).status is RunStatus.DONE
    form._kept = (0, 4, 12)
    form.from_epoch.value = 6
    assert "goes on from epoch 4, the nearest that is kept" in form._from.object
    form.drop_from.param.trigger("clicks")
    assert not form._from_line.visible
    form.run.param.trigger("clicks")
    assert session.run(session.run_id).start is None
    session.runner.wait(session.run_id, timeout=240)
    act(panel, "fork", source)
    session.show(session.dataset)
    assert not form._from_line.visible


def test_the_number_of_layouts_at_once_is_the_runners(
    panel: RunsPanel, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(telling, "tell", said.append)
    panel.layouts.value = 3
    assert session.runner.n_layouts == 3
    panel.layouts.value = 99
    assert (session.runner.n_layouts, panel.layouts.value, len(said)) == (3, 3, 1)
    panel.layouts.value = 1
    assert session.runner.n_layouts == 1


def test_a_card_tells_the_time_and_the_cost() -> None:
    def at(status: RunStatus, stage: str = "layout") -> Progress:
        return Progress(RUN.id, status, stage, 0.2, 0.4, 87, 500, 12.0, elapsed=3.21, cost=0.2134)

    ended = RUN.with_(epoch=87, n_epochs=500, seconds={"layout": 3.21}, cost=0.2134)
    told = [
        card(RUN, at(RunStatus.RUNNING), ""),
        card(RUN, at(RunStatus.RUNNING, "fuzzy set"), ""),
        card(RUN, at(RunStatus.PAUSED), ""),
        card(ended.with_(status=RunStatus.INTERRUPTED), None, ""),
        card(ended.with_(status=RunStatus.DONE), None, ""),
        card(ended.with_(status=RunStatus.FAILED, error="Too few rows."), None, ""),
    ]
    assert [one["line"] for one in told] == [
        "epoch 87 / 500\n3.2 s · 12.0 s left\ncost 0.213",
        "fuzzy set 40%\n3.2 s · 12.0 s left",
        "paused at epoch 87 / 500\n3.2 s\ncost 0.213",
        "interrupted at epoch 87 / 500\n3.2 s\ncost 0.213",
        "done in 3.2 s\ncost 0.213",
        "Too few rows.",
    ]


def test_a_card_tells_what_its_run_is_and_starts_from() -> None:
    fork = RUN.with_(start=Start("k15-d0.1-s7-7f3a2c", 87, True, True, "hash"))
    plain, started, named = (card(run, None, "") for run in (RUN, fork, fork.with_(name="good")))
    assert (plain["heading"], plain["under"]) == (RUN.label, "")
    assert (started["heading"], started["under"]) == (RUN.label, "from k15-d0.1-s7 at epoch 87")
    assert (named["heading"], named["under"]) == ("good", fork.label)


def test_a_card_tells_its_place_in_the_queue() -> None:
    waits = Progress(RUN.id, RunStatus.QUEUED, "queued", 0.0, 0.0, 0, 500)
    told = [card(RUN, waits, "", before) for before in (-1, 0, 2)]
    assert [(one["line"], one["before"]) for one in told] == [
        ("queued", -1),
        ("queued, next", 0),
        ("queued, 2 before it", 2),
    ]
