"""Draw a sample, look at it, take it away."""

from __future__ import annotations

import asyncio
import html
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
import pyarrow.parquet as pq

from explorer.model.drawing import Drawn
from explorer.model.sampling import free_name
from explorer.model.session import Session
from explorer.model.strategies import MOST, STRATEGIES
from explorer.model.workspace import csv_bytes
from explorer.views.download import CANCEL, Download, Pressed
from explorer.views.rows_table import PAGE_SIZE, Page, Rows, RowsTable
from explorer.views.small_button import small_button
from explorer.views.strategy_form import StrategyForm
from explorer.views.telling import telling
from explorer.views.text import count, counted, probability
from explorer.views.theme import stylesheet
from explorer.views.turns import soon


class SamplePanel(pn.viewable.Viewer):
    """The strategy, size and seed, the rows drawn as a table with pictures, and CSV, Parquet and manifest.

    Parameters
    ----------
    session : Session
        Whose selection is sampled.
    jump : callable
        Called with a row of the sample to look at.
    """

    def __init__(self, session: Session, jump: Callable[[int], None]) -> None:
        super().__init__()
        self._session = session
        small: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": 0}
        self.form = StrategyForm(session)
        self.size = pmui.IntInput(
            label="Size",
            value=24,
            start=1,
            end=MOST,
            description=f"How many items to draw, at most {count(MOST)}.",
            **small,
        )
        self.seed = pmui.IntInput(
            label="Seed", value=0, start=0, description="The same seed draws the same items.", **small
        )
        self.draw = pmui.Button(
            label="Draw",
            color="primary",
            variant="contained",
            size="small",
            margin=0,
            width=84,
            description="Draws the items, rings them on the map and lists them below.",
        )
        self._drawing = Pressed(self.draw)
        self.draw.on_click(self._draw)
        self.draw.param.watch(self._describe, ["label"])
        self._head = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(8, 0)
        )
        self._jump = jump
        self._table: RowsTable | None = None
        rows = "The rows with place on the map, probability and all columns"
        self.csv = self._download("CSV", "csv", self._csv, f"{rows}, as text.")
        self.parquet = self._download("Parquet", "parquet", self._parquet, f"{rows}, each of its own type.")
        self.manifest = self._download(
            "Manifest", "json", self._manifest, "How they were drawn: enough to draw the same rows again."
        )
        self.clear = small_button("Clear", "Takes the rings and the list away.", "text", width=64)
        self.clear.on_click(lambda _: session.param.update(drawn=None))
        self._out = pn.Row(
            self.csv, self.parquet, self.manifest, self.clear, margin=(0, 0, 10, 0), styles={"gap": "4px"}
        )
        # Never a hidden table: in a page it waits to be drawn in a loop that takes a whole core.
        self._rows = pn.Column(sizing_mode="stretch_width", margin=0)
        self._fetched: tuple[Drawn, Page] | None = None
        session.param.watch(self._show, ["drawn", "dataset"])
        session.param.watch(self._describe, ["selection"])
        self.form.watch(self._describe)
        self._show()

    def _table_for(self, page: Page) -> RowsTable:
        # Not before there are rows: a table brings libraries that a page which loads need not wait for.
        if self._table is None or not self._table.fits(page):
            self._table = RowsTable(self._jump, sizing_mode="stretch_width", margin=0)
        return self._table

    def __panel__(self) -> pn.viewable.Viewable:
        last = pn.Row(
            self.size,
            self.seed,
            self.draw,
            margin=(10, 0, 0, 0),
            sizing_mode="stretch_width",
            styles={"gap": "8px"},
        )
        return pn.Column(
            self.form, last, self._head, self._out, self._rows, sizing_mode="stretch_width", margin=0
        )

    def draw_by(self, strategy: str) -> None:
        """Draw by another strategy, in place of what is being drawn."""
        self.form.strategy.value = strategy
        pn.state.execute(self._draw_instead)

    async def _draw_instead(self) -> None:
        await self._drawing.stop()
        await self._draw(None)

    async def _draw(self, _: Any) -> None:
        session, doc, dataset = self._session, pn.state.curdoc, self._session.dataset
        with telling():
            made = await self._drawing.do(self._drawn_with_page)

            if made is None:
                return
            drawn = made[0]

            def show() -> None:
                if session.dataset is dataset:
                    self._fetched, session.drawn = made, drawn

            soon(doc, show)

    async def _drawn_with_page(self) -> tuple[Drawn, Page]:
        plan = self.form.plan(self.size.value or 0, self.seed.value or 0)

        def draw() -> tuple[Drawn, Page]:
            drawn = self._session.draw(plan)
            return drawn, self._rows_of(drawn).page(0, PAGE_SIZE)

        # On another thread: medoids of a million take a second, and the page stays alive.
        return await asyncio.to_thread(draw)

    def _rows_of(self, drawn: Drawn) -> Rows:
        known, dataset = drawn.sample.probabilities, self._session.dataset
        assert dataset is not None
        name = free_name("probability", dataset.items.names)
        # A probability that is the same for all is told once, above the table.
        told = {} if known is None or known.min() == known.max() else {name: known}
        return Rows(dataset, drawn.sample.rows, told, self._session.media)

    def _show(self, *_: Any) -> None:
        drawn = self._session.drawn
        self._out.visible = drawn is not None
        tables: list[RowsTable] = []
        if drawn is not None:
            stem = f"sample-{drawn.run_id or 'data'}-{drawn.sample.plan.strategy}-{drawn.sample.plan.seed}"
            for download, suffix in ((self.csv, "csv"), (self.parquet, "parquet"), (self.manifest, "json")):
                download.filename = f"{stem}.{suffix}"
            rows = self._rows_of(drawn)
            fetched = self._fetched
            here = fetched is not None and fetched[0] is drawn
            page = fetched[1] if fetched and here else rows.page(0, PAGE_SIZE)
            tables = [self._table_for(page)]
            tables[0].show(rows, page)
        self._fetched = None
        if self._rows.objects != tables:
            self._rows.objects = tables
        self._describe()

    def _describe(self, *_: Any) -> None:
        session = self._session
        self.draw.disabled = session.dataset is None
        if session.dataset is None:
            self._head.object = '<div class="muted">Open data on the left to draw from it.</div>'
            return
        chosen = session.selection.count
        source = (
            f"the {counted(chosen, 'selected item')}" if chosen else f"all {count(session.dataset.n)} items"
        )
        if self.draw.label == CANCEL:
            self._head.object = f'<div class="muted" role="status">Drawing from {source} …</div>'
        elif session.drawn is None:
            self._head.object = f'<div class="muted">Draws from {source}.</div>'
        else:
            self._head.object = (
                told(session.drawn) + f'<div class="muted">Draw again takes from {source}.</div>'
            )

    def _download(
        self, label: str, suffix: str, content: Callable[[], Awaitable[io.BytesIO]], description: str
    ) -> Download:
        return Download(
            label=label,
            callback=content,
            filename=f"sample.{suffix}",
            size="small",
            margin=0,
            width=78,
            description=description,
        )

    async def _csv(self) -> io.BytesIO:
        return await self._made(lambda: csv_bytes(pq.read_table(self._session.keep_sample())))

    async def _parquet(self) -> io.BytesIO:
        return await self._made(lambda: self._session.keep_sample().read_bytes())

    async def _manifest(self) -> io.BytesIO:
        about = self._session.sample_manifest()
        return io.BytesIO(json.dumps(about, indent=2, ensure_ascii=False).encode())

    async def _made(self, make: Callable[[], bytes]) -> io.BytesIO:
        return io.BytesIO(await asyncio.to_thread(make))


def told(drawn: Drawn) -> str:
    """What was drawn, how, and what came out otherwise than asked, as HTML."""
    sample = drawn.sample
    plan, rows, known = sample.plan, len(sample.rows), sample.probabilities
    how = STRATEGIES[plan.strategy].title.lower() + (f": {plan.column}" if plan.column else "")
    if known is None:
        chance = "inclusion probabilities are not defined"
    elif known.min() == known.max():
        chance = f"each with probability {probability(known[0])}"
    else:
        chance = f"probabilities {probability(known.min(), 2)} to {probability(known.max(), 2)}"
    lines = "".join(f'<div class="muted">{html.escape(note)}</div>' for note in sample.notes)
    return (
        f'<div><b>{counted(rows, "item")}</b> <span class="muted">· {html.escape(how)} · seed {plan.seed} · '
        f"{chance}</span></div>{lines}"
    )
