"""What leaves the page from its bar: the address of the view, and the map as a file."""

from __future__ import annotations

import asyncio
import io
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
import pyarrow.parquet as pq

from explorer.model.errors import InputError
from explorer.model.sampling import check_exportable, rows_table
from explorer.model.session import Session
from explorer.views.download import Download
from explorer.views.part import Part
from explorer.views.text import counted
from explorer.views.theme import script


class ShareLink(Part):
    """A button that copies the address of what is on the screen, and keeps that in the browser's bar.

    Parameters
    ----------
    address : str
        The query of the address, "?" and all; empty as long as it is not known.
    """

    # Panel's own location adds an entry to the browser's history at each change: Back would take the address
    # back and leave the view where it is.
    address = param.String("")

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
        self.export = Download(
            label="Export map",
            callback=self._parquet,
            filename="map.parquet",
            size="small",
            variant="text",
            sx={"color": "var(--text)"},
            margin=0,
            width=120,
            description="Row ids, places on the map and columns of all items, as Parquet.",
        )
        session.param.watch(self._name, ["run_id", "dataset", "epoch"])
        self._name()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Row(self.link, self.export, margin=0, align="center", styles={"gap": "4px"})

    def _name(self, *_: Any) -> None:
        run_id, epoch = self._session.run_id, self._session.epoch
        at = "" if epoch is None else f"-epoch-{epoch}"
        self.export.param.update(filename=f"{run_id or 'map'}{at}.parquet", disabled=not run_id)

    async def _parquet(self) -> io.BytesIO:
        return await asyncio.to_thread(self._made)

    def _made(self) -> io.BytesIO:
        session = self._session
        dataset, run = session.dataset, session.run(session.run_id)
        snapshot = session.looked_at(session.run_id)
        if dataset is None or run is None:
            raise InputError("There is no map to export yet: start a run.")
        write = f"umap-explorer export {run.id} writes"
        if run.parameters.n_components != 2:
            raise InputError(
                f"A run of {counted(run.parameters.n_components, 'dimension')} has no map on a page: {write} "
                "its places."
            )
        if snapshot is None:
            fault = session.faults.get(run.id)
            raise InputError(fault or f"The run {run.id} has no map to export yet: it is {run.status}.")
        check_exportable(dataset, run.id)
        file = io.BytesIO()
        pq.write_table(rows_table(dataset, np.arange(dataset.n), snapshot.embedding), file)
        file.seek(0)
        return file
