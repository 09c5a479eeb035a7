"""The search field in the bar: what was typed, the rows found, and what becomes of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import panel as pn
import param

from explorer.model.dataset import Dataset
from explorer.model.search import Found, search, searchable
from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.part import Part
from explorer.views.theme import script, stylesheet

NOTHING: dict[str, Any] = {}


class SearchField(Part):
    """The field and the list beneath it. "/" goes to it, Enter searches, arrows move, Escape closes.

    Parameters
    ----------
    dataset : str
        The id of what is searched; another one empties the field.
    columns : list of str
        Those that can be searched.
    result : dict
        What was found, by `result_of`; empty before the first search.
    busy : bool
        Whether a search is at work.
    fault : str
        Why the last search came to nothing.
    on_message : callable
        Called with {"action"}: "search" with "text" and "columns", "cancel", "pick" with "row", or "select".
    """

    dataset = param.String("")
    columns = param.List(default=[], item_type=str)
    result = param.Dict(default=NOTHING)
    busy = param.Boolean(False)
    fault = param.String("")

    _esm: ClassVar[str] = script("search.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("search.css")]


class SearchBar(pn.viewable.Viewer):
    """Searches the open data's items.

    Parameters
    ----------
    session : Session
        Whose data is searched and whose selection all matches become.
    jump : callable
        Called with the row that was picked.
    """

    def __init__(self, session: Session, jump: Callable[[int], None]) -> None:
        super().__init__()
        self._session, self._jump = session, jump
        self._aside = Aside()
        self._found: tuple[Dataset, Found] | None = None
        self.field = SearchField(self._on_message, width=420, margin=(0, 0, 0, 24))
        session.param.watch(self._offer, ["dataset"])
        self._offer()

    def __panel__(self) -> pn.viewable.Viewable:
        return self.field

    def _offer(self, *_: Any) -> None:
        dataset = self._session.dataset
        self._aside.forget()
        self._found = None
        columns = [] if dataset is None else list(searchable(dataset.items))
        self.field.param.update(
            dataset="" if dataset is None else dataset.id,
            columns=columns,
            result=NOTHING,
            busy=False,
            fault="",
        )

    def _on_message(self, message: dict[str, Any]) -> None:
        action = message["action"]
        if action == "search":
            self._search(str(message["text"]), [str(name) for name in message["columns"]])
        elif action == "cancel":
            self._aside.forget()
            self._failed("The search was cancelled.")
        elif action == "pick":
            self._jump(int(message["row"]))
        elif action == "select":
            self._select()

    def _search(self, text: str, columns: list[str]) -> None:
        dataset = self._session.dataset
        if dataset is None:
            return
        self.field.param.update(busy=True, fault="")

        def show(found: Found) -> None:
            self._found = (dataset, found)
            self.field.param.update(busy=False, result=result_of(found))

        self._aside.ask_instead(lambda: search(dataset.items, text, columns), show, self._failed)

    def _failed(self, sentence: str) -> None:
        self._found = None
        self.field.param.update(busy=False, result=NOTHING, fault=sentence)

    def _select(self) -> None:
        if self._found is None or self._found[0] is not self._session.dataset:
            return
        found, mode = self._found[1], self._session.mode
        self._session.select_rows(found.rows, Step("search", mode, text=found.text, values=found.columns))


def result_of(found: Found) -> dict[str, Any]:
    """What `SearchField` shows of a search."""
    return {
        "text": found.text,
        "total": len(found.rows),
        "hits": [dataclasses.asdict(hit) for hit in found.hits],
    }
