"""The item under the pointer: which row, and what to say of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bokeh.document import Document

from explorer.model.errors import InputError
from explorer.model.item import python_value
from explorer.model.pictures import item_picture
from explorer.model.session import Session
from explorer.model.statistics import CLUSTER, STATISTICS
from explorer.views.text import count, shortened, written
from explorer.views.turns import soon

MOST_COLUMNS, MOST_LETTERS = 6, 80

_log = logging.getLogger(__name__)
# A disk that is slow to answer must keep neither the event loop nor a painter waiting.
_readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="hover")


class Hover:
    """Answers the browser's questions about places, one at a time, away from the event loop.

    Parameters
    ----------
    doc : Document
        The page, in whose turns answers are given.
    find : callable
        From a place (x, y) in pixels to a row, -1 for none.
    session : Session
        Whose items they are, and what colours the map.
    answer : callable
        Takes a tip, in a turn of the document.
    more : callable
        From a row to what else its tip holds.
    """

    def __init__(
        self,
        doc: Document,
        find: Callable[[float, float], int],
        session: Session,
        answer: Callable[[dict[str, Any]], None],
        more: Callable[[int], dict[str, Any]] = lambda _: {},
    ) -> None:
        self._doc, self._find, self._session, self._answer = doc, find, session, answer
        self._more = more

    def ask(self, x: float, y: float, number: int) -> None:
        """Have the item nearest to a place told."""
        _readers.submit(self._look, x, y, number)

    def _look(self, x: float, y: float, number: int) -> None:
        tip: dict[str, Any] = {}
        try:
            row = self._find(x, y)
            if row >= 0:
                tip = tip_of(self._session, row) | self._more(row)
        except (InputError, IndexError):
            _log.debug("The data was switched under the pointer.")
        except Exception:
            _log.exception("The item under the pointer could not be read")
        soon(self._doc, lambda: self._answer(tip | {"number": number}))


def tip_of(session: Session, row: int) -> dict[str, Any]:
    """What to say of an item: its row id, what colours it, its first columns, the picture that its vector is.

    Parameters
    ----------
    session : Session
        With open data.
    row : int
        From 0 to n - 1.
    """
    dataset, first = session.dataset, session.colour_by
    if dataset is None:
        return {}
    names = [column.name for column in dataset.items.columns if column.kind != "other"]
    chosen = [*[name for name in names if name == first], *[name for name in names if name != first]]
    chosen = chosen[:MOST_COLUMNS]
    item = dataset.items.look_up([row], chosen)
    tip: dict[str, Any] = {
        "row": row,
        "title": f"row {count(row)}",
        "values": [
            *_statistic(session, row),
            *([shortened(name, 28), shortened(python_value(item[name][0]), MOST_LETTERS)] for name in chosen),
        ],
        "more": len(names) - len(chosen),
    }
    if dataset.image_side is not None:
        tip["picture"] = item_picture(dataset.vectors[row], dataset.image_side)
    return tip


def _statistic(session: Session, row: int) -> list[list[str]]:
    # What the run on the map tells of the row, if that is what colours it and it is there.
    name = session.colour_by
    if not session.is_statistic(name):
        return []
    if name == CLUSTER:
        names, code = session.categories(name).names, session.categories(name).codes[row]
        return [[STATISTICS[name].label, names[code]]] if names else []
    value = float(session.numbers(name)[row])
    return [] if value != value else [[STATISTICS[name].label, written(float(f"{value:.3g}"))]]
