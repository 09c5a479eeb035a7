"""What leaves the page from its bar: the address of the view, and the map as a file."""

from __future__ import annotations

import asyncio
import io
from typing import Any, ClassVar

import numpy as np
import panel as pn
import panel_material_ui as pmui
import pyarrow.parquet as pq

from explorer.model.errors import InputError
from explorer.model.sampling import rows_table
from explorer.model.session import Session
from explorer.views.part import Part
from explorer.views.telling import telling
from explorer.views.theme import script

MOST_ROWS = 2_000_000


class ShareLink(Part):
    """A button that copies the address of what is on the screen."""

    _esm: ClassVar[str] = script("share.js")


class ShareBar(pn.viewable.Viewer):
    """The buttons at the end of the bar.

    Parameters
    ----------
    session : Session
        Whose map is exported.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.link = ShareLink(lambda _: None, margin=0, align="center")
        self.export = pmui.FileDownload(
            label="Export map",
            callback=self._parquet,
            filename="map.parquet",
            size="small",
            margin=0,
            width=120,
            description="Row ids, places on the map and columns of all items, as Parquet.",
        )
        self.export.variant = "text"  # given at once, the library warns of a parameter it adds itself
        session.param.watch(self._name, ["run_id", "dataset"])
        self._name()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Row(self.link, self.export, margin=0, align="center", styles={"gap": "4px"})

    def _name(self, *_: Any) -> None:
        self.export.param.update(
            filename=f"{self._session.run_id or 'map'}.parquet", disabled=not self._session.run_id
        )

    async def _parquet(self) -> io.BytesIO | None:
        with telling():
            return await asyncio.to_thread(self._made)
        return None

    def _made(self) -> io.BytesIO:
        session = self._session
        dataset, run_id, snapshot = session.dataset, session.run_id, session.snapshot(session.run_id)
        if dataset is None or snapshot is None:
            raise InputError("There is no map to export yet: start a run.")
        if dataset.n > MOST_ROWS:
            raise InputError(
                f"{dataset.n:,} rows are too many for a browser: umap-explorer export {run_id} writes them."
            )
        file = io.BytesIO()
        pq.write_table(rows_table(dataset, np.arange(dataset.n), snapshot.embedding), file)
        file.seek(0)
        return file
