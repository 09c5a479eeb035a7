"""The open data, and opening other data."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.session import Session
from explorer.views.telling import telling
from explorer.views.text import count
from explorer.views.theme import stylesheet


class DataPanel(pn.viewable.Viewer):
    """Name, size and columns of the data, and a form for the path of another file.

    Parameters
    ----------
    session : Session
        Where the data is opened.
    say : callable
        Told what is being done while it lasts, and "" after.
    """

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        super().__init__()
        self._session, self._say = session, say
        self._about = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=0
        )
        self.path = pmui.TextInput(
            label="File",
            placeholder="songs.parquet, vectors.npy …",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.vectors = pmui.TextInput(
            label="Vectors: column or file (optional)",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.items = pmui.TextInput(
            label="Items: file in the same order (optional)",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.open = pmui.Button(
            label="Open", variant="outlined", size="small", sizing_mode="stretch_width", margin=(6, 0)
        )
        self.open.on_click(self._open)
        self.other = pmui.Button(
            label="Open another file …", variant="text", size="small", margin=(4, 0, 0, -5)
        )
        self.other.on_click(self._toggle)
        self._form = pn.Column(
            self.path,
            self.vectors,
            self.items,
            self.open,
            margin=0,
            sizing_mode="stretch_width",
            visible=session.dataset is None,
        )
        session.param.watch(self._describe, ["dataset"])
        self._describe()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self._about, self.other, self._form, sizing_mode="stretch_width", margin=0)

    def _toggle(self, _: Any) -> None:
        self._form.visible = not self._form.visible

    async def _open(self, _: Any) -> None:
        path = self.path.value.strip()
        doc = pn.state.curdoc
        self._say(f"Reading {path} …")
        self.open.disabled = True
        try:
            with telling():
                vectors, items = self.vectors.value.strip() or None, self.items.value.strip() or None
                dataset = await asyncio.to_thread(self._session.load, path, vectors, items)
                self._form.visible = False
                # A coroutine runs without the document's lock, which changing the map needs.
                doc.add_next_tick_callback(lambda: self._session.show(dataset))
        finally:
            self.open.disabled = False
            self._say("")

    def _describe(self, *_: Any) -> None:
        dataset = self._session.dataset
        self.other.visible = dataset is not None
        if dataset is None:
            self._about.object = '<div class="muted">No data is open. Give the path of a file.</div>'
            return
        names = [html.escape(column.name) for column in dataset.items.columns]
        columns = f'<div class="muted">columns: {", ".join(names)}</div>' if names else ""
        self._about.object = (
            f'<div><b>{html.escape(dataset.name)}</b> <span class="muted">· {count(dataset.n)} rows × '
            f"{count(dataset.dims)} dimensions</span></div>{columns}"
        )
