"""The form of a sweep without a browser: what the fields come to, where a fault is told, what is started."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from panel_material_ui.widgets.base import MaterialWidget

from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import sweep_form
from explorer.views.run_form import RunForm
from explorer.views.sweep_form import SweepForm
from tests.views.bench import Page

N = 90


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session over ninety rows of four dimensions."""
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(N, 4)).astype(np.float32))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        yield Session(workspace, runner, workspace.add_dataset(tmp_path / "rows.npy"))


@pytest.fixture
def form(session: Session) -> SweepForm:
    """The form, switched on, of lists that ninety rows have room for."""
    made = SweepForm(session, RunForm(session))
    made.use.value = True
    write(made, n_neighbors="5, 15", min_dist="0, 0.5", seeds="0-1")
    return made


def write(form: SweepForm, **texts: str) -> None:
    for name, text in texts.items():
        form.fields[name].value = text


def test_it_asks_nothing_until_it_is_switched_on(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(sweep_form, "estimate", lambda *given: asked.append(given))
    form = SweepForm(session, RunForm(session))
    form.fields["seeds"].value = "0-3"
    assert asked == []
    assert not form._tools.visible
    assert form._tools.objects == []
    assert form.run.disabled


def test_every_field_says_what_it_does(form: SweepForm) -> None:
    widgets = form.__panel__().select(MaterialWidget)
    assert len(widgets) == 6
    assert all(widget.label and widget.description for widget in widgets)


def test_it_tells_runs_shared_stages_and_time(form: SweepForm) -> None:
    assert form.run.label == "Run 8 maps"
    assert not form.run.disabled
    assert "8 runs: 2 knn graphs, 4 fuzzy sets, 4 initial layouts, 8 layouts; about " in form._said.object
    form.metric.value = ["euclidean", "cosine"]
    assert "16 runs: 4 knn graphs, 8 fuzzy sets" in form._said.object
    write(form, n_neighbors="5", min_dist="0.1", seeds="3")
    form.metric.value = ["cosine"]
    assert form.run.label == "Run 1 map"


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("n_neighbors", "5, many", "n_neighbors holds 'many', which is no whole number"),
        ("n_neighbors", "5, 90", "n_neighbors is 90 but the data has 90 rows: choose a value from 2 to 89."),
        ("n_neighbors", "", "n_neighbors is empty"),
        ("min_dist", "0, 1.5", "min_dist is 1.5: it must be at least 0 and at most 1."),
        ("seeds", "4-0", "write 0-4"),
        ("seeds", "5000000000", "seed is 5000000000"),
    ],
)
def test_a_fault_is_told_under_its_field_alone_until_it_is_mended(
    form: SweepForm, name: str, text: str, sentence: str
) -> None:
    before = form.fields[name].value
    write(form, **{name: text})
    assert sentence in form.fields[name].helper_text
    assert {other for other, field in form.fields.items() if field.error_state} == {name}
    assert {other for other, field in form.fields.items() if field.helper_text} == {name}
    assert form.run.disabled
    assert form._said.object == ""
    write(form, **{name: before})
    assert not any(field.error_state or field.helper_text for field in form.fields.values())
    assert form.run.label == "Run 8 maps"
    assert not form.run.disabled


def test_data_of_few_rows_has_sweeps_of_few_neighbours(
    form: SweepForm, session: Session, tmp_path: Path
) -> None:
    np.save(tmp_path / "few.npy", np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32))
    session.show(session.workspace.add_dataset(tmp_path / "few.npy"))
    assert {name for name, field in form.fields.items() if field.error_state} == {"n_neighbors"}
    write(form, n_neighbors="3, 5")
    assert form.run.label == "Run 8 maps"


def test_what_no_single_field_is_to_blame_for_is_told_in_the_line(form: SweepForm) -> None:
    write(form, seeds="0-999")
    assert "This sweep would be 4,000 runs" in form._said.object
    assert 'role="alert"' in form._said.object
    assert form.run.disabled
    write(form, seeds="0")
    form.metric.value = []
    assert "metric is empty" in form._said.object
    assert not any(field.error_state for field in form.fields.values())


def test_an_estimate_is_made_by_a_worker_and_the_newest_lists_win(
    form: SweepForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began, threads = threading.Event(), threading.Event(), set()
    estimate = sweep_form.estimate

    def held(*given: object) -> object:
        threads.add(threading.current_thread())
        began.set()
        assert go.wait(60)
        return estimate(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sweep_form, "estimate", held)
    form._estimating._doc = Page()
    write(form, seeds="0-2")
    assert began.wait(60)
    assert "Estimating" in form._said.object
    write(form, seeds="0-3")
    write(form, seeds="0-4")
    go.set()
    until(lambda: "Estimating" not in form._said.object)
    assert "20 runs: 5 knn graphs" in form._said.object
    assert threading.current_thread() not in threads


def test_the_button_runs_what_the_form_says_and_looks_at_the_first(form: SweepForm, session: Session) -> None:
    form._form.n_epochs.value = 12
    form._start(None)
    runs = [session.runner.wait(run.id, timeout=240) for run in session.runs]
    assert {run.status for run in runs} == {RunStatus.DONE}
    grid = {(run.parameters.n_neighbors, run.parameters.min_dist, run.parameters.seed) for run in runs}
    assert grid == {(k, d, seed) for k in (5, 15) for d in (0.0, 0.5) for seed in (0, 1)}
    assert len(runs) == 8
    assert {run.n_epochs for run in runs} == {12}
    assert {run.parameters.graph_width for run in runs} == {15}
    assert len({run.sweep for run in runs}) == 1
    first = session.run(session.run_id)
    assert first is not None
    assert (first.parameters.n_neighbors, first.parameters.min_dist, first.parameters.seed) == (5, 0.0, 0)
    session.refresh()
    assert "8 runs: 8 layouts; 10 stages kept from before; about " in form._said.object
    form.fields["seeds"].value = "0-2"
    assert "12 runs: 1 knn graph, 2 fuzzy sets, 2 initial layouts, 12 layouts" in form._said.object
    assert "10 stages kept from before" in form._said.object


def test_what_is_copied_of_a_run_and_has_no_field_is_of_all_its_runs(
    form: SweepForm, session: Session
) -> None:
    dataset = session.dataset
    copied = RunParameters(n_neighbors=5, densmap=True, spread=2.0, graph_neighbors=15)
    form._form.copy(Run.new(dataset.id, dataset.hash, dataset.n, copied))
    write(form, min_dist="0, 1.5")
    assert form.run.label == "Run 8 maps", "min_dist may be as large as the spread"
    assert {(one.densmap, one.spread) for one in form._wanted.parameters(N)} == {(True, 2.0)}
    assert {one.graph_width for one in form._wanted.parameters(N)} == {15}
    form._form.drop_also.param.trigger("clicks")
    assert "min_dist is 1.5" in form.fields["min_dist"].helper_text


def test_what_hinders_the_start_leaves_the_button(form: SweepForm, session: Session) -> None:
    session.runner.close()
    form._start(None)
    assert session.runs == ()
    assert form.run.label == "Run 8 maps"
    assert not form.run.disabled


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(3000):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError("the condition never held")
