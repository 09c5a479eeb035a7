"""Draw a sample, look at it, take it away."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Callable
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from explorer.model.session import Session
from explorer.model.workspace import csv_bytes
from explorer.views.telling import telling
from explorer.views.text import count
from explorer.views.theme import stylesheet
from explorer.views.thumbnail import item_picture

PAGE_SIZE, MOST = 8, 5000


class SamplePanel(pn.viewable.Viewer):
    """Size and seed, the rows drawn as a table with pictures, and CSV, Parquet and manifest.

    Parameters
    ----------
    session : Session
        Whose selection is sampled.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        small: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": 0}
        self.size = pmui.IntInput(
            label="Size",
            value=24,
            start=1,
            end=MOST,
            description="How many items to draw, at most 5,000.",
            **small,
        )
        self.seed = pmui.IntInput(
            label="Seed", value=0, start=0, description="The same seed draws the same items.", **small
        )
        self.draw = pmui.Button(label="Draw", color="primary", variant="contained", margin=(4, 0), width=84)
        self.draw.on_click(self._draw)
        self._head = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(8, 0)
        )
        self.table = pn.widgets.Tabulator(
            pagination="remote",
            page_size=PAGE_SIZE,
            show_index=False,
            disabled=True,
            selectable=False,
            layout="fit_data_stretch",
            sizing_mode="stretch_width",
            theme="simple",
            stylesheets=[stylesheet("table.css")],
            margin=0,
        )
        self.csv = self._download("CSV", "csv", self._csv)
        self.parquet = self._download("Parquet", "parquet", self._parquet)
        self.manifest = self._download("Manifest", "json", self._manifest)
        self._out = pn.Row(self.csv, self.parquet, self.manifest, margin=(0, 0, 10, 0), styles={"gap": "8px"})
        # Never a hidden table: in a page it waits to be drawn in a loop that takes a whole core.
        self._rows = pn.Column(sizing_mode="stretch_width", margin=0)
        session.param.watch(self._show, ["drawn", "dataset"])
        session.param.watch(self._describe, ["selection"])
        self._show()

    def __panel__(self) -> pn.viewable.Viewable:
        form = pn.Row(
            self.size,
            self.seed,
            self.draw,
            margin=(10, 0, 0, 0),
            sizing_mode="stretch_width",
            styles={"gap": "8px"},
        )
        return pn.Column(form, self._head, self._out, self._rows, sizing_mode="stretch_width", margin=0)

    def _draw(self, _: Any) -> None:
        with telling():
            self._session.draw_sample(self.size.value or 1, self.seed.value or 0)

    def _show(self, *_: Any) -> None:
        self._out.visible = drawn = self._session.sample is not None
        if drawn:
            stem = f"sample-{self._session.drawn.run_id or 'data'}-{self._session.sample.seed}"
            for download, suffix in ((self.csv, "csv"), (self.parquet, "parquet"), (self.manifest, "json")):
                download.filename = f"{stem}.{suffix}"
            self.table.param.update(value=pd.DataFrame(), page=1)
            self._fill()
        if drawn != bool(self._rows.objects):
            self._rows.objects = [self.table] if drawn else []
        self._describe()

    def _fill(self) -> None:
        session = self._session
        frame = (
            session.sample_table()
            .to_pandas()
            .drop(columns=["x", "y", "inclusion_probability"], errors="ignore")
        )
        # Text stays text: cells by their formatter, titles, which Tabulator takes for markup, by escaping.
        formatters: dict[str, Any] = {name: {"type": "plaintext"} for name in frame.columns}
        titles = {name: html.escape(name) for name in frame.columns} | {"row_id": "row"}
        if side := session.dataset.image_side:
            picture = "picture"
            while picture in frame.columns:
                picture += "_"
            frame.insert(
                0, picture, [item_picture(session.dataset.vectors[row], side) for row in session.sample.rows]
            )
            formatters[picture] = {"type": "image", "height": "32px", "width": "32px"}
            titles[picture] = ""
        self.table.formatters, self.table.titles = formatters, titles
        self.table.value = frame

    def _describe(self, *_: Any) -> None:
        session = self._session
        if session.dataset is None:
            self._head.object = ""
            return
        chosen = session.selection.count
        source = f"the {count(chosen)} selected items" if chosen else f"all {count(session.dataset.n)} items"
        if session.sample is None:
            self._head.object = (
                f'<div class="muted">Draws at random from {source}, each equally likely.</div>'
            )
        else:
            self._head.object = (
                f"<div><b>{count(len(session.sample.rows))} items</b> "
                f'<span class="muted">drawn at random, seed {session.sample.seed}. '
                f"Draw again takes from {source}.</span></div>"
            )

    def _download(self, label: str, suffix: str, content: Callable[[], io.BytesIO | None]) -> Any:
        download = pmui.FileDownload(
            label=label, callback=content, filename=f"sample.{suffix}", size="small", margin=0, width=96
        )
        download.variant = "outlined"  # given at once, the library warns of a parameter it adds itself
        return download

    def _csv(self) -> io.BytesIO | None:
        with telling():
            self._session.keep_sample()
            return io.BytesIO(csv_bytes(self._session.sample_table()))
        return None

    def _parquet(self) -> io.BytesIO | None:
        with telling():
            return io.BytesIO(self._session.keep_sample().read_bytes())
        return None

    def _manifest(self) -> io.BytesIO:
        return io.BytesIO(json.dumps(self._session.sample_manifest(), indent=2, ensure_ascii=False).encode())
