"""Selections saved under a name: save, restore, combine, rename, delete and take that back."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, ClassVar, TypedDict

import panel as pn
import param

from explorer.model.names import LONGEST_NAME
from explorer.model.saved import SavedSelection
from explorer.model.selection import MODES, Selection
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.line_input import LineInput
from explorer.views.part import Part
from explorer.views.small_button import small_button
from explorer.views.theme import script, stylesheet


class SavedRow(TypedDict):
    """One saved selection; its name is shown as text, never as markup."""

    key: str
    name: str
    count: int


class SavedList(Part):
    """The saved selections, one a line.

    Parameters
    ----------
    rows : list of SavedRow
        What is shown, in order.
    on_message : callable
        Called with {"action", "key"}, for a "rename" with "name" too; {"action": "look"} when the list comes
        into sight or the page is returned to.
    """

    rows = param.List(default=[], item_type=dict)

    _esm: ClassVar[str] = script("saved_list.js")


class SavedPanel(pn.viewable.Viewer):
    """A field that saves the selection under a name, and the list of those saved of this data.

    Parameters
    ----------
    session : Session
        Whose selection is saved and restored.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._aside = session, Aside(every=True)
        self._saved: dict[str, SavedSelection] = {}
        self._deleted: tuple[SavedSelection, Selection] | None = None
        self.field = LineInput(
            label="Save selection as",
            size="small",
            sizing_mode="stretch_width",
            margin=0,
            max_length=LONGEST_NAME,
            description="A name under which every map of this data can select the same items again.",
        )
        self.save = small_button(
            "Save", "Keeps the selected items in the workspace under this name.", width=64
        )
        self._form = pn.Row(
            self.field, self.save, sizing_mode="stretch_width", margin=(6, 0), styles={"gap": "8px"}
        )
        sheets = [stylesheet("panels.css")]
        self._head = pn.pane.HTML(
            '<div class="section">Saved selections</div>', stylesheets=sheets, margin=(6, 0, 0, 0)
        )
        self._said = pn.pane.HTML(stylesheets=sheets, sizing_mode="stretch_width", margin=(2, 0, 0, 0))
        self.list = SavedList(self._on_message, sizing_mode="stretch_width", margin=0)
        self.undo = small_button("Undo", "Brings the deleted selection back.", "text", visible=False)
        self.field.param.watch(lambda _: self._save(self.field.entered), ["enter_pressed"])
        self.save.on_click(lambda _: self._save(self.field.value_input))
        self.undo.on_click(lambda _: self._put_back())
        session.param.watch(self._on_data, ["dataset"])
        session.param.watch(self._on_selection, ["selection"])
        self._on_data()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self._form,
            self._head,
            self.list,
            pn.Row(self._said, self.undo, sizing_mode="stretch_width", margin=0),
            sizing_mode="stretch_width",
            margin=0,
        )

    def _on_data(self, *_: Any) -> None:
        self._show(())
        self._remember(None)
        self._look()
        self._on_selection()

    def _look(self) -> None:
        # Another page may have saved or deleted some meanwhile.
        self._do(lambda: None)

    def _on_selection(self, *_: Any) -> None:
        self._form.visible = self._session.selection is not None and self._session.selection.count > 0

    # What the analyst does

    def _save(self, name: str) -> None:
        selection, saved = self._session.selection, self._session.saved()
        if selection is not None:
            self._do(lambda: saved.save(name, selection), lambda _: self.field.clear())

    def _on_message(self, message: dict[str, str]) -> None:
        action = message["action"]
        if action == "look":
            self._look()
        elif one := self._saved.get(message["key"]):
            self._act(one, action, message)

    def _act(self, one: SavedSelection, action: str, message: dict[str, str]) -> None:
        saved = self._session.saved()
        if action in MODES:
            self._do(lambda: saved.load(one), lambda rows: self._session.select(rows.mask, one.step(action)))
        elif action == "rename":
            self._do(lambda: saved.rename(one, message["name"]))
        elif action == "delete":

            def delete() -> tuple[SavedSelection, Selection]:
                rows = saved.load(one)
                saved.delete(one)
                return one, rows

            self._do(delete, self._remember)

    def _remember(self, deleted: tuple[SavedSelection, Selection] | None) -> None:
        """Offer to bring a deleted selection back, until another is deleted or other data opens."""
        self._deleted = deleted
        self._say("")

    def _put_back(self) -> None:
        if self._deleted is not None:
            saved, deleted = self._session.saved(), self._deleted
            self._do(lambda: saved.put(*deleted), lambda _: self._remember(None))

    # Done on another thread, as disks may be slow

    def _do(self, work: Callable[[], Any], then: Callable[[Any], None] = lambda _: None) -> None:
        dataset = self._session.dataset
        if dataset is None:
            return
        saved = self._session.saved()

        def show(done: tuple[Any, tuple[SavedSelection, ...]]) -> None:
            if self._session.dataset is dataset:
                self._show(done[1])
                self._say("")
                then(done[0])

        def fail(why: str) -> None:
            if self._session.dataset is dataset:
                self._say(why)

        self._aside.ask(lambda: (work(), saved.all()), show, fail)

    def _show(self, saved: tuple[SavedSelection, ...]) -> None:
        self._saved = {one.key: one for one in saved}
        self._session.saved_as = {one.digest: one.name for one in saved}
        self.list.rows = [SavedRow(key=one.key, name=one.name, count=one.count) for one in saved]
        self._head.visible = bool(saved)

    def _say(self, fault: str) -> None:
        """Tell what went wrong, and what was deleted and can come back."""
        told = f'<div role="alert" class="bad">{html.escape(fault)}</div>' if fault else ""
        if self._deleted is not None:
            told += f'<div role="status" class="muted">Deleted “{html.escape(self._deleted[0].name)}”.</div>'
        self._said.object = told
        self.undo.visible = self._deleted is not None
