"""Who may see a page, what a server does by itself, and where it writes what went wrong."""

import errno
import logging
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import param
import pytest
from bokeh.settings import _Unset, settings

from explorer import app, notebook
from explorer.app import App, _is_loopback, come_alive, logging_to
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.selection import Step
from explorer.model.source import source_of
from explorer.model.strategies import Plan
from explorer.model.workspace import Workspace
from explorer.visits import Visits


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.5", False)],
)
def test_only_this_machine_needs_no_token(address: str, loopback: bool) -> None:
    assert _is_loopback(address) is loopback


def test_a_name_is_no_address() -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        _is_loopback("everywhere")


def test_a_page_asks_nobody_but_its_own_server_for_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def serve(*_: object, **options: object) -> SimpleNamespace:
        asked.append(settings.resources(default="server"))
        return SimpleNamespace(start=lambda: None, io_loop=SimpleNamespace(start=lambda: None))

    monkeypatch.setattr(pn, "serve", serve)
    monkeypatch.setenv("BOKEH_RESOURCES", "cdn")
    monkeypatch.setattr(settings.resources, "_user_value", _Unset)
    app._listen(SimpleNamespace(token="", page=None, pages=[]), 5006, "127.0.0.1", False, lambda: None)
    assert asked == ["server"]


@pytest.mark.parametrize("show", [True, False])
def test_the_browser_is_opened_at_the_address_that_holds_the_token(
    show: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)

    def serve(*_: object, show: bool, **options: object) -> SimpleNamespace:
        assert not show
        assert not opened, "nothing listens yet"
        assert capsys.readouterr().out == ""
        return SimpleNamespace(start=lambda: None, io_loop=SimpleNamespace(start=lambda: None))

    monkeypatch.setattr(pn, "serve", serve)
    app._listen(SimpleNamespace(token="secret", page=None, pages=[]), 5006, "0.0.0.0", show, lambda: None)
    told = capsys.readouterr().out
    assert len(opened) == show
    assert all(url in told and url.endswith(":5006/?token=secret") for url in opened)


@pytest.mark.parametrize("is_taken", [True, False])
def test_a_server_takes_no_run_out_of_the_queue_before_it_listens(
    is_taken: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def serve(*_: object, **options: object) -> SimpleNamespace:
        done.append("listens")
        if is_taken:
            raise OSError(errno.EADDRINUSE, "Address already in use")
        loop = SimpleNamespace(start=lambda: done.append("serves"))
        return SimpleNamespace(start=lambda: None, io_loop=loop)

    monkeypatch.setattr(pn, "serve", serve)
    monkeypatch.setattr(app, "warm_up_drawing", lambda: None)
    monkeypatch.setattr(Runner, "continue_queue", lambda _: done.append("goes on"))
    monkeypatch.setattr(app, "come_alive", lambda *_: done.append("comes alive"))
    refused = pytest.raises(InputError, match=r"listen on 127\.0\.0\.1:5006 \(Address already in use\)")
    with Workspace(tmp_path) as workspace, refused if is_taken else nullcontext():
        app.serve(workspace, SimpleNamespace(), show=False, first_run=True)
    assert done == (["listens"] if is_taken else ["listens", "goes on", "comes alive", "serves"])


def test_a_server_at_no_address_of_this_machine_touches_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no address of this machine"):
        app.serve(Workspace(tmp_path / "w"), None, address="everywhere")
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("statuses", [(), ("interrupted",), ("stopped",), ("interrupted", "done")])
def test_a_map_comes_alive_unless_there_is_something_to_see(
    tmp_path: Path, statuses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "data.npy", np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32))
    done: list[tuple[str, object]] = []
    with Workspace(tmp_path / "w") as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(tmp_path / "data.npy")
        for status in statuses:
            run = Run.new(dataset.id, dataset.hash, dataset.n, RunParameters())
            workspace.save_run(run.with_(status=RunStatus(status)))
        monkeypatch.setattr(runner, "start", lambda *_: done.append(("start", None)))
        monkeypatch.setattr(runner, "resume", lambda run_id: done.append(("resume", run_id)))
        come_alive(runner, dataset)
        (only,) = runner.runs() if len(statuses) == 1 else [None]
    expected = {(): [("start", None)], ("interrupted",): [("resume", only and only.id)]}
    assert done == expected.get(statuses, [])


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[App, dict[str, str]]]:
    """An app on one of two small data sets without runs, and what the next page's address says."""
    said: dict[str, str] = {}
    monkeypatch.setattr(app, "_argument", lambda name: said.get(name, ""))
    with Workspace(tmp_path / "w") as workspace:
        damaged, dataset = (
            workspace.add_source(source_of(pd.DataFrame({"a": [1.0, 2.0, seed], "b": [seed, 0.0, 1.0]})))
            for seed in (3.0, 4.0)
        )
        damaged.vectors_path.write_bytes(b"")
        said["damaged"] = damaged.id
        yield App(workspace, SimpleNamespace(runs=lambda _: []), dataset), said


def test_an_address_of_what_is_gone_opens_something_else_and_says_so(
    small: tuple[App, dict[str, str]],
) -> None:
    opened, said = small
    for argument, value, told in (
        ("data", opened.dataset.id, None),
        ("data", "gone", app.DATA_GONE),
        ("data", said["damaged"], "is damaged"),
        ("run", "gone", app.RUN_GONE),
        ("beside", "gone,gone", app.RUN_GONE),
        ("item", "9" * 5000, None),
    ):
        said[argument] = value
        session, amiss = opened._session()
        assert session.dataset is opened.dataset
        assert len(amiss) == (told is not None)
        assert all(told in sentence for sentence in amiss)
        del said[argument]


def test_an_address_of_a_comparison_takes_it_up_unless_a_run_is_gone() -> None:
    taken: list[list[str]] = []
    session = SimpleNamespace(run=lambda name: None if name == "gone" else name, compare_with=taken.append)
    assert app._compare_again(session, "") == []
    assert app._compare_again(session, "a,gone") == [app.COMPARED_GONE]
    assert taken == []
    assert app._compare_again(session, "a,b,c") == []
    assert app._compare_again(session, "a,b,c,d,e,f,gone") == []
    assert taken == [["a", "b", "c"], ["a", "b", "c", "d", "e"]]


class Look(param.Parameterized):
    """What a page has beside its session."""

    tool = param.String("pan")
    active = param.Integer(0)


def visiting(visits: Visits, opened: App, visit_id: str = "") -> Any:
    """A page whose address names a visit."""
    session, look = opened._session()[0], Look()
    visit_id, visit = visits.take_up(session, visit_id)
    one = SimpleNamespace(session=session, tools=look, tabs=look, is_watched=False, visit_id=visit_id)
    one.return_to = lambda tool, tab: look.param.update(tool=tool, active=tab)
    visits.hold(visit_id, one, visit)
    return one


def test_a_reload_takes_all_of_a_visit_and_the_page_before_it_changes_nothing_any_more(
    small: tuple[App, dict[str, str]],
) -> None:
    visits, opened = Visits(), small[0]
    first = visiting(visits, opened)
    first.session.select(np.array([True, False, True]), Step("rows", rows=(0, 2)))
    first.session.param.update(isolated=frozenset({1}), water=0.35)
    first.tools.tool, first.tabs.active = "lasso", 2
    second = visiting(visits, opened, first.visit_id)
    assert second.visit_id == first.visit_id
    first.session.clear_selection()
    first.tools.tool = "box"
    for one in (second, visiting(visits, opened, first.visit_id)):
        np.testing.assert_array_equal(one.session.selection.rows, [0, 2])
        assert one.session.history.can_undo
        assert (one.session.isolated, one.session.water) == ({1}, 0.35)
        assert (one.tools.tool, one.tabs.active) == ("lasso", 2)


def test_a_reload_finds_other_data_as_they_were_left(
    small: tuple[App, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    visits, (opened, said) = Visits(), small
    first = visiting(visits, opened)
    data = first.session.dataset
    other = opened.workspace.add_source(source_of(pd.DataFrame({"a": [5.0, 2.0, 4.0], "b": [1.0, 7.0, 3.0]})))
    first.session.select(np.array([True, False, True]), Step("rows", rows=(0, 2)))
    first.session.draw_sample(Plan("random", 1))
    drawn = first.session.drawn
    first.session.open(other)
    said["data"] = other.id
    second = visiting(visits, opened, first.visit_id)
    first.session.open(data)
    first.session.clear_selection()
    assert second.session.dataset.id == other.id
    assert second.session.selection.count == 0
    second.session.open(data)
    np.testing.assert_array_equal(second.session.selection.rows, [0, 2])
    assert second.session.drawn is drawn
    second.session.undo()
    assert second.session.selection.count == 0

    # What is kept of them counts.
    second.session.open(other)
    own = visits._visits[first.visit_id].history.nbytes
    monkeypatch.setattr("explorer.visits.MOST_BYTES", own * 2)
    third = visiting(visits, opened)
    third.session.invert_selection()
    assert list(visits._visits) == [third.visit_id]


def test_what_goes_wrong_is_written_to_a_file(tmp_path: Path) -> None:
    root, path = logging.getLogger(), tmp_path / "explorer.log"
    before = list(root.handlers)
    with logging_to(path):
        logging.getLogger("explorer.views.aside").error("It did not work out.")
        logging.getLogger("explorer").info("Not of interest.")
    assert root.handlers == before
    (line,) = path.read_text().splitlines()
    assert line.endswith("ERROR explorer.views.aside: It did not work out.")


def test_an_app_in_a_notebook_writes_it_to_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[Callable[[], object]] = []
    monkeypatch.setattr(notebook, "_listen", lambda _, listens: listens.set_result(5006))
    monkeypatch.setattr(notebook, "warm_up_drawing", lambda: None)
    monkeypatch.setattr(
        notebook, "Runner", lambda _: SimpleNamespace(close=lambda **_: None, continue_queue=lambda: None)
    )
    monkeypatch.setattr(notebook, "atexit", SimpleNamespace(register=ends.append))
    notebook._server.__wrapped__(tmp_path)
    logging.getLogger("explorer.views.aside").error("It did not work out.")
    for end in ends:
        end()
    assert "It did not work out." in (tmp_path / "explorer.log").read_text()
