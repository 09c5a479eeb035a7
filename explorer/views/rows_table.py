"""A table of many rows of which just the page on the screen is ever fetched."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.model.dataset import Dataset
from explorer.model.item import python_value
from explorer.model.items import ROW_ID, is_number
from explorer.model.media import Media, audio_type, content_of
from explorer.model.pictures import item_picture
from explorer.model.sampling import free_name
from explorer.views.media import shown
from explorer.views.telling import telling
from explorer.views.text import count as number
from explorer.views.text import shortened
from explorer.views.theme import stylesheet
from explorer.views.turns import soon

PAGE_SIZE = 8
LONGEST_CELL = 300
SHOWN_SIDE = 32
ROW = '<button type="button" title="Look at this item">{}</button>'
SOUND = '<button type="button" title="Look at this item and play its sound">▶ sound</button>'


Asked = tuple[int, tuple[tuple[str, str], ...]]
"""The number of a page, from 1, and the order: each column with "asc" or "desc"."""


@dataclass(frozen=True, eq=False)
class Page:
    """Some rows as a table shows them.

    Attributes
    ----------
    ids : int64 (m,)
    frame : pandas.DataFrame
        Every cell as text, or as markup made here.
    media : dict of Media
        What the columns show whose cells are markup.
    numbers : frozenset of str
        The columns of numbers.
    """

    ids: NDArray[np.int64]
    frame: pd.DataFrame
    media: dict[str, Media]
    numbers: frozenset[str]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of the data in the order shown, with what is told of them beside their items.

    Parameters
    ----------
    dataset : Dataset
    ids : int64 (m,)
    beside : dict of array (m,)
        Columns of numbers that come first.
    media : Path, optional
        The folder whose pictures and sounds may be shown when items name them by a path.
    """

    dataset: Dataset
    ids: NDArray[np.int64]
    beside: dict[str, NDArray[np.float64]]
    media: Path | None = None

    def sorted_by(self, column: str, descending: bool) -> Rows:
        """The same rows by the values of one column, the missing ones last; just that column is read."""
        values = self._column(column)
        if values is None:
            return self
        order = pc.sort_indices(
            pa.table({"by": values}), sort_keys=[("by", "descending" if descending else "ascending")]
        ).to_numpy()
        beside = {name: numbers[order] for name, numbers in self.beside.items()}
        return replace(self, ids=self.ids[order], beside=beside)

    def _column(self, column: str) -> pa.ChunkedArray | pa.Array | None:
        if column in (ROW_ID, *self.beside):
            return pa.array(self.ids if column == ROW_ID else self.beside[column])
        if column not in self.dataset.items.names:
            return None
        values = self.dataset.items.fetch(self.ids, [column]).column(1)
        kind = values.type
        if pa.types.is_nested(kind) or pa.types.is_binary(kind):
            return None
        return values.cast(kind.value_type) if pa.types.is_dictionary(kind) else values

    def page(self, first: int, count: int) -> Page:
        """Some rows as shown: a picture if vectors are images, the id, what is beside, the items."""
        here = slice(first, first + count)
        ids, items = self.ids[here], self.dataset.items
        table = items.look_up(ids.tolist())
        columns = {ROW_ID: [ROW.format(number(row)) for row in ids.tolist()]}
        columns |= {
            name: [shortened(value, LONGEST_CELL) for value in told[here].tolist()]
            for name, told in self.beside.items()
        }
        numbers, media = set(columns), dict[str, Media]()
        for name in table.column_names[1:]:
            values, kind = [python_value(value) for value in table[name]], items.media(name)
            if kind in ("text", "bytes"):
                columns[name] = [shortened(value, LONGEST_CELL) for value in values]
            else:
                columns[name] = [_cell(value, kind, self.media) for value in values]
                media[name] = kind
            if is_number(table[name].type):
                numbers.add(name)
        if side := self.dataset.image_side:
            sources = [item_picture(vector, side) for vector in self.dataset.vectors[ids]]
            name = free_name("picture", columns)
            columns = {name: [_image(source, "pixelated") for source in sources]} | columns
            media[name] = "image"
        frame = pd.DataFrame(columns, dtype=object)
        return Page(ids, frame, media, frozenset(numbers))


def _cell(value: Any, media: Media, folder: Path | None) -> str:
    """A picture, sound or link as markup of ours; what is none of these as text that says why."""
    if _is_sound(value, media, folder):
        return SOUND
    cell = shown(value, media, folder, side=2 * SHOWN_SIDE)
    if cell.kind == "image":
        return _image(cell.source)
    text, note = html.escape(shortened(value, LONGEST_CELL)), html.escape(cell.note)
    if cell.kind == "link":
        return f'<a href="{html.escape(cell.source)}" target="_blank" rel="noopener noreferrer">{text}</a>'
    return f'<span title="{note}">{text}</span>' if note else text


def _is_sound(value: Any, media: Media, folder: Path | None) -> bool:
    # Sounds are megabytes: a page of a table sends none, the item does.
    if media == "audio file":
        return folder is not None and value is not None
    return media == "audio" and bool(audio_type(content_of(value)))


def _image(source: str, look: str = "") -> str:
    return f'<img class="{look}" alt="" width="{SHOWN_SIDE}" height="{SHOWN_SIDE}" src="{source}">'


class RowsTable(pn.widgets.Tabulator):
    """Tabulator over ``Rows``: pages and the order come from the server, one page at a time.

    Tabulator's own remote paging keeps all rows in a frame, Python objects and all, and cuts the page from
    it; here ``value`` holds the columns without any row, and the page is fetched.

    Parameters
    ----------
    pick : callable
        Called with the id of a row that is clicked.
    """

    def __init__(self, pick: Callable[[int], None], **params: Any) -> None:
        self._pick = pick
        self._rows: Rows | None = None
        self._page: Page | None = None
        self._shown: Asked = (1, ())
        self._ordered: dict[object, Rows] = {}
        super().__init__(
            pagination="remote",
            page_size=PAGE_SIZE,
            show_index=False,
            disabled=True,
            selectable=False,
            layout="fit_data_stretch",
            theme="simple",
            stylesheets=[stylesheet("table.css")],
            **params,
        )

    def fits(self, page: Page) -> bool:
        """Whether rows with the columns of a page can be shown.

        Columns that change while a browser builds the table get lost, and with them all rows: those of other
        columns need a table of their own.
        """
        known = self._page
        return known is None or (
            list(known.frame) == list(page.frame)
            and (known.media, known.numbers) == (page.media, page.numbers)
        )

    def show(self, rows: Rows, first: Page) -> None:
        """Show other rows, whose first page was fetched already and fits."""
        if self._page is None:
            self._lay_out(rows, first)
        self._rows, self._page, self._shown = rows, first, (1, ())
        self.param.update(sorters=[], page=1)
        self._update_cds()
        self._update_max_page()
        self._tell_page()

    def _lay_out(self, rows: Rows, first: Page) -> None:
        names = [str(name) for name in first.frame]
        picture = names[0] if rows.dataset.image_side else None
        # Text stays text: cells by their formatter, titles, which Tabulator takes for markup, by escaping.
        formatters: dict[str, Any] = {
            name: {"type": "html" if name in (ROW_ID, *first.media) else "plaintext"} for name in names
        }
        titles = {name: html.escape(name) for name in names} | {ROW_ID: "row"}
        if picture is not None:
            titles[picture] = ""
        # Panel hides every column that is called as the index is.
        self.param.update(
            value=first.frame.iloc[:0].rename_axis(free_name("index", first.frame)),
            formatters=formatters,
            titles=titles,
            sortable={name: name != picture for name in names},
            text_align={name: "right" for name in names if name in first.numbers},
        )

    def _tell_page(self) -> None:
        # Tabulator's own counter waits for an answer of its server, which here is none; of its `styles` Panel
        # makes those of cells.
        pages = f"{self.page:,} of {-(-self._length // PAGE_SIZE):,}"
        self.stylesheets = [stylesheet("table.css"), f':host {{ --pages: "{pages}"; }}']

    @property
    def _asked(self) -> Asked:
        """The page and the order that the browser asks for."""
        return self.page, tuple((sorter["field"], sorter["dir"]) for sorter in self.sorters)

    @property
    def _length(self) -> int:
        return 0 if self._rows is None else len(self._rows.ids)

    def _update_cds(self, *events: Any) -> None:
        asked = {event.name for event in events}
        if self._rows is not None and asked and asked <= {"page", "page_size", "sorters"}:
            pn.state.execute(self._turn)
        else:
            super()._update_cds(*events)

    def _process_event(self, event: Any) -> None:
        # A link leads to its page and nowhere else.
        page = self._page
        if event.event_name == "cell-click" and page is not None and page.media.get(event.column) != "link":
            self._pick(int(page.ids[event.row]))

    async def _turn(self) -> None:
        """Fetch the page asked for on another thread, then show it unless another was asked for meanwhile."""
        rows, asked, doc = self._rows, self._asked, pn.state.curdoc
        if rows is None or asked == self._shown:
            return

        def show(page: Page) -> None:
            if rows is self._rows and asked == self._asked:
                self._page, self._shown = page, asked
                super(RowsTable, self)._update_cds()
                self._tell_page()

        def put_back() -> None:
            if rows is self._rows and asked == self._asked:
                page, order = self._shown
                sorters = [{"field": field, "dir": direction} for field, direction in order]
                self.param.update(page=page, sorters=sorters)

        act: Callable[[], None] = put_back
        with telling():
            act = partial(show, await asyncio.to_thread(self._fetch, rows, *asked))
        soon(doc, act)

    def _get_data(self) -> tuple[pd.DataFrame, dict[str, Any]]:
        if self._rows is None or self._page is None:
            return super()._get_data()
        frame = self._page.frame
        index = {str(self.value.index.name): np.arange(len(frame))}
        return frame, index | {
            name: self._process_column(frame[name].to_numpy(), name, frame) for name in frame.columns
        }

    def _fetch(self, rows: Rows, page: int, order: tuple[tuple[str, str], ...]) -> Page:
        """The rows of a page in the order of the columns whose heads were clicked, sorted once."""
        key = rows, order
        ordered = self._ordered.get(key)
        if ordered is None:
            ordered = rows
            for field, direction in reversed(order):
                ordered = ordered.sorted_by(field, direction == "desc")
            self._ordered = {key: ordered}
        return ordered.page((page - 1) * PAGE_SIZE, PAGE_SIZE)
