"""The open data, and opening other data."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.dataset import Dataset
from explorer.model.doing import Doing, StoppedError
from explorer.model.session import Session
from explorer.views.line_input import LineInput
from explorer.views.status_bar import under_way
from explorer.views.telling import telling
from explorer.views.text import count, counted
from explorer.views.theme import stylesheet
from explorer.views.turns import soon

UPDATE_SECONDS = 0.25


class DataPanel(pn.viewable.Viewer):
    """Name, size and columns of the data, a form for the path of another file, and how far its import is.

    Parameters
    ----------
    session : Session
        Where the data is opened.
    tell : callable
        Told of an import again and again while it lasts, and None after.
    """

    def __init__(self, session: Session, tell: Callable[[Doing | None], None]) -> None:
        super().__init__()
        self._session, self._tell = session, tell
        self._doing: Doing | None = None
        self._about = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=0
        )
        self.path = LineInput(
            label="File",
            placeholder="songs.parquet, vectors.npy …",
            description="Path on the server of a .parquet, .arrow, .feather, .csv, .tsv, .npz or .npy file.",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.vectors = LineInput(
            label="Vectors: column or file (optional)",
            description="What is laid out: a column or array, several as a,b or x*, or another file.",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.items = LineInput(
            label="Items: another file (optional)",
            description="Columns to colour, count and export by: a row for each vector, in their order.",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self.open = pmui.Button(
            label="Open",
            variant="outlined",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
            description="Reads the file into the workspace and shows its newest map.",
        )
        self.open.on_click(self._open)
        for field in (self.path, self.vectors, self.items):
            field.param.watch(self._on_enter, ["enter_pressed"])
        self.cancel = pmui.Button(
            label="Cancel",
            variant="outlined",
            size="small",
            sizing_mode="stretch_width",
            margin=(6, 0),
            description="Ends the import. The workspace stays as it was.",
        )
        self.cancel.on_click(self._cancel)
        self.share = pmui.LinearProgress(
            max=100,
            sizing_mode="stretch_width",
            margin=(6, 0),
            description="Share of the bytes that are written into the workspace.",
        )
        self._words = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=0
        )
        self._importing = pn.Column(
            self._words, self.share, self.cancel, margin=0, sizing_mode="stretch_width", visible=False
        )
        self.other = pmui.Button(
            label="Open another file …",
            variant="text",
            size="small",
            margin=(4, 0, 0, -5),
            description="Shows the fields for its path. The open data and its runs are kept.",
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
        return pn.Column(
            self._about, self.other, self._form, self._importing, sizing_mode="stretch_width", margin=0
        )

    def _toggle(self, _: Any) -> None:
        self._form.visible = not self._form.visible

    async def _on_enter(self, event: Any) -> None:
        event.obj.value = event.obj.entered
        if self.path.value.strip() and self._doing is None:
            await self._open(event)

    async def _open(self, _: Any) -> None:
        path = self.path.value.strip()
        doc = pn.state.curdoc
        vectors, items = self.vectors.value.strip() or None, self.items.value.strip() or None
        doing = Doing(f"reading {Path(path).name}")
        self._show(doing)
        try:
            with telling(), suppress(StoppedError):
                work = asyncio.to_thread(self._session.load, path, vectors, items, doing)
                dataset = await self._followed(asyncio.ensure_future(work), doing)
                self._form.visible = False
                # A coroutine runs without the document's lock, which changing the map needs.
                soon(doc, lambda: self._session.open(dataset))
        finally:
            self._show(None)

    async def _followed(self, work: asyncio.Future[Dataset], doing: Doing) -> Dataset:
        """Return what comes of work, showing how far it is meanwhile."""
        while not work.done():
            await asyncio.wait([work], timeout=UPDATE_SECONDS)
            self._show(doing)
        return work.result()

    def _cancel(self, _: Any) -> None:
        if self._doing is not None:
            self._doing.stop()
            self._show(self._doing)

    def _show(self, doing: Doing | None) -> None:
        """Show how far an import is, or that there is none."""
        self._doing = doing
        self._tell(doing)
        self.open.disabled = self._importing.visible = doing is not None
        if doing is not None:
            self._words.object = f'<div class="muted">{html.escape(under_way(doing))}</div>'
            # Until a share is known the bar shows that something is done, not how much.
            self.share.param.update(
                value=round(100 * doing.share), variant="determinate" if doing.share else "indeterminate"
            )
            self.cancel.param.update(
                disabled=doing.stopped, label="Cancelling …" if doing.stopped else "Cancel"
            )

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
            f"{counted(dataset.dims, 'dimension')}</span></div>{columns}"
        )
