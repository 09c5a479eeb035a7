"""The list of saved selections without a browser: what was deleted comes back, what others save is seen."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.model.names import LONGEST_NAME
from explorer.model.runner import Runner
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views.saved_panel import SavedList, SavedPanel

N = 20


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session with the first five of twenty items selected."""
    for name in ("some", "other"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(len(name)).normal(size=(N, 3)))
    with Workspace(tmp_path / "workspace") as workspace, Runner(workspace) as runner:
        made = Session(workspace, runner, workspace.add_dataset(tmp_path / "some.npy"))
        made.select(np.arange(N) < 5, Step("rows"))
        yield made


def names(panel: SavedPanel) -> list[str]:
    return [row["name"] for row in panel.list.rows]


def act(panel: SavedPanel, action: str, name: str) -> None:
    (key,) = (row["key"] for row in panel.list.rows if row["name"] == name)
    panel._on_message({"action": action, "key": key})


def test_a_field_takes_no_name_that_would_be_refused(session: Session) -> None:
    panel = SavedPanel(session)
    assert panel.field.max_length == LONGEST_NAME
    assert SavedList._esm.startswith(f"const LONGEST_NAME = {LONGEST_NAME}\n")
    assert "maxLength = LONGEST_NAME" in SavedList._esm
    panel._save("x" * panel.field.max_length)
    assert names(panel) == ["x" * LONGEST_NAME]


def test_a_name_that_was_saved_leaves_its_field_though_its_value_comes_after_enter(session: Session) -> None:
    panel = SavedPanel(session)
    field = panel.field
    for name in ("first", "second"):
        field._handle_enter(SimpleNamespace(data={"target": {"value": name}}))
        field.value = name
        assert (field.value, field.value_input) == ("", "")
    assert sorted(names(panel)) == ["first", "second"]
    field._handle_enter(SimpleNamespace(data={"target": {"value": "second"}}))
    field.value = "second"
    assert field.value_input == "second", "a name that was refused can be mended"
    field.value = "first"
    assert field.value_input == "first"


def test_what_was_deleted_can_come_back_whatever_is_done_meanwhile(session: Session) -> None:
    panel = SavedPanel(session)
    panel._save("first")
    act(panel, "delete", "first")
    assert names(panel) == []
    panel._save("second")
    act(panel, "replace", "second")
    panel._on_message({"action": "look"})
    assert panel.undo.visible
    assert "Deleted “first”." in panel._said.object
    panel._put_back()
    assert sorted(names(panel)) == ["first", "second"]
    assert not panel.undo.visible
    act(panel, "replace", "first")
    np.testing.assert_array_equal(session.selection.rows, np.arange(5))


def test_what_cannot_come_back_yet_is_not_lost(session: Session) -> None:
    panel = SavedPanel(session)
    panel._save("first")
    act(panel, "delete", "first")
    session.saved().save("first", session.selection)
    panel._put_back()
    assert "There is a selection called" in panel._said.object
    assert panel.undo.visible
    session.saved().delete(session.saved().all()[0])
    panel._put_back()
    assert names(panel) == ["first"]


def test_other_data_has_nothing_to_bring_back(session: Session, tmp_path: Path) -> None:
    panel = SavedPanel(session)
    panel._save("first")
    act(panel, "delete", "first")
    session.show(session.workspace.add_dataset(tmp_path / "other.npy"))
    assert not panel.undo.visible
    assert panel._said.object == ""


def test_a_look_shows_what_another_page_saved(session: Session) -> None:
    panel, other = SavedPanel(session), SavedPanel(session)
    other._save("elsewhere")
    assert names(panel) == []
    panel._on_message({"action": "look"})
    assert names(panel) == ["elsewhere"]
