"""One item: all its columns, its picture or sound, and its neighbours in the data beside those on the map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param

from explorer.model.item import like_row, like_selection, python_value
from explorer.model.neighbours import Neighbours
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.item_state import item_state, neighbour_state
from explorer.views.part import Part
from explorer.views.telling import tell, telling
from explorer.views.text import counted, written
from explorer.views.theme import script, stylesheet

MOST_TEXT = 2_000_000
NO_DATA = ["There is no item to look at.", "Open data on the left first."]
NOT_PINNED = [
    "No item is pinned.",
    "Tap a point of the map or search for one to see all its columns and its neighbours. Press / to search.",
]
NOT_FOUND = [
    "No item is pinned.",
    "Search for one to see all its columns and its neighbours in the data. Press / to search.",
]
FEWEST, MOST_NEAR = 5, 50
LIKE = 50


class ItemCard(Part):
    """The item drawn.

    Parameters
    ----------
    item : dict
        Title, media and fields; empty for none.
    none : list of str
        What stands in the place of an item: a heading, and what to do.
    near : dict
        The neighbours, by `neighbour_rows`.
    whole : dict
        The column whose whole text was asked for, and the text; without it, it could not be read.
    selected : bool
        Whether there is a selection to be like.
    size : int
        How many similar items are selected unless another number is typed.
    busy : bool
        Whether similar items are being looked for.
    on_message : callable
        Called with {"action"}: "jump" with "row", "whole" with "column", "like" or "centre" with "size",
        "cancel" of these two, or "unpin".
    """

    item = param.Dict(default={})
    none = param.List(default=["", ""])
    near = param.Dict(default={"sentence": ""})
    whole = param.Dict(default={})
    selected = param.Boolean(False)
    size = param.Integer(LIKE)
    busy = param.Boolean(False)

    _esm: ClassVar[str] = script("item.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("item.css")]


class ItemPanel(pn.viewable.Viewer):
    """What is pinned, and ways to go on from it.

    Parameters
    ----------
    session : Session
        Whose `pinned` is shown; it is given the neighbours once they are found.
    jump : callable
        Called with a row to look at next.
    dark : bool
        The theme.
    """

    def __init__(self, session: Session, jump: Callable[[int], None], dark: bool = True) -> None:
        super().__init__()
        self._session, self._jump, self._dark = session, jump, dark
        self._cells, self._near, self._drawing, self._likes = (Aside() for _ in range(4))
        self._wholes = Aside(every=True)
        self._key: tuple[object, ...] = ()
        self._fault = ""
        self.card = ItemCard(self._on_message, sizing_mode="stretch_width", margin=0)
        session.param.watch(self._show, ["pinned", "dataset"])
        session.param.watch(self._tell_none, ["dataset", "run_id", "progress"])
        session.param.watch(self._relate, ["pinned", "run_id", "progress", "dataset"])
        session.param.watch(self._draw_near, ["near", "colour_by"])
        session.param.watch(self._on_selection, ["selection"])
        self._tell_none()
        self._show()
        self._relate()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.card

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw_near()

    # The item

    def _show(self, *_: Any) -> None:
        session, row = self._session, self._session.pinned
        self._wholes.forget()
        if row is None or session.dataset is None:
            self._cells.forget()
            self.card.item = {}
            return
        self._cells.ask_instead(lambda: item_state(session, row), self._put)

    def _put(self, item: dict[str, Any]) -> None:
        self.card.whole = {}
        self.card.item = item

    def _tell_none(self, *_: Any) -> None:
        session = self._session
        has_map = session.snapshot(session.run_id) is not None
        self.card.none = NO_DATA if session.dataset is None else NOT_PINNED if has_map else NOT_FOUND

    def _on_selection(self, *_: Any) -> None:
        selection = self._session.selection
        self.card.selected = selection is not None and selection.count > 0

    # Its neighbours

    def _relate(self, *_: Any) -> None:
        # Anew for another item, run or data, and once more when the layout has come to rest.
        session, row = self._session, self._session.pinned
        snapshot = session.snapshot(session.run_id)
        at_rest = snapshot is not None and snapshot.final
        key = (session.dataset and session.dataset.id, row, session.run_id, snapshot is None, at_rest)
        if key == self._key:
            return
        self._key, self._fault = key, ""
        session.near = None
        self._draw_near()
        if row is None or session.dataset is None:
            self._near.forget()
            return
        k = self._neighbours_counted()

        def show(found: Neighbours) -> None:
            session.near = found

        self._near.ask_instead(lambda: session.neighbours(row, k), show, self._no_neighbours)

    def _neighbours_counted(self) -> int:
        # As many as the run tried to keep together.
        run = self._session.run(self._session.run_id)
        return 14 if run is None else int(np.clip(run.parameters.n_neighbors - 1, FEWEST, MOST_NEAR))

    def _no_neighbours(self, sentence: str) -> None:
        self._fault = sentence
        self._draw_near()

    def _draw_near(self, *_: Any) -> None:
        session, near, dark = self._session, self._session.near, self._dark
        if near is None or near.row != session.pinned:
            self._drawing.forget()
            self.card.near = {"sentence": self._fault}
            return
        self._drawing.ask_instead(
            lambda: neighbour_state(session, near, dark), lambda state: setattr(self.card, "near", state)
        )

    # What the analyst does

    def _on_message(self, message: dict[str, Any]) -> None:
        session, action = self._session, message["action"]
        if action == "jump":
            self._jump(int(message["row"]))
        elif action == "unpin":
            session.pin(None)
        elif action == "whole":
            self._show_whole(str(message["column"]))
        elif action == "cancel":
            self._likes.forget()
            self.card.busy = False
        elif action in ("like", "centre"):
            with telling():
                self._select_like(action, int(message["size"]))

    def _show_whole(self, column: str) -> None:
        dataset, row = self._session.dataset, self._session.pinned
        if dataset is None or row is None:
            return  # it was closed meanwhile
        items = dataset.items

        def read() -> str:
            text = written(python_value(items.look_up([row], [column])[column][0]))
            rest = len(text) - MOST_TEXT
            return text if rest <= 0 else f"{text[:MOST_TEXT]}\n… and {counted(rest, 'character')} more"

        def show(text: str) -> None:
            self.card.whole = {"column": column, "text": text}

        def fail(sentence: str) -> None:
            tell(sentence)
            self.card.whole = {"column": column}

        self.card.whole = {}
        self._wholes.ask(read, show, fail)

    def _select_like(self, action: str, size: int) -> None:
        session, dataset, metric = self._session, self._session.dataset, self._session.metric
        row, selection, mode = session.pinned, session.selection, session.mode
        if dataset is None or selection is None or (row is None and action == "like"):
            return  # it was closed meanwhile

        def find() -> Step:
            if row is not None and action == "like":
                return like_row(dataset, row, size, metric)
            return like_selection(dataset, selection, size, metric)

        def select(step: Step) -> None:
            self.card.busy = False
            if session.dataset is dataset:
                session.select_rows(np.array(step.rows, np.int64), replace(step, mode=mode))

        def fail(sentence: str) -> None:
            self.card.busy = False
            tell(sentence)

        if dataset is not None and (row is not None or action == "centre"):
            self.card.busy = True
            self._likes.ask_instead(find, select, fail)
