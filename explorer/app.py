"""The app: one workspace and one runner shared by all pages, a session for each."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
import panel as pn

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.projection import Viewport
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.selection import SelectionHistory
from explorer.model.session import Drawn, Session
from explorer.model.workspace import Workspace
from explorer.views.page import Explorer
from explorer.views.palette import categorical, lookup
from explorer.views.shading import Colouring, Style, density_colouring, shade
from explorer.views.thumbnail import map_picture

MOST_VISITS = 16
DENSITY = "-"

pn.extension("tabulator", notifications=True)


@dataclass
class Visit:
    """What a page had that its address does not say, kept so that a reload finds it again."""

    dataset_id: str
    history: SelectionHistory
    drawn: Drawn | None = None


class App:
    """What all pages of one server share.

    Parameters
    ----------
    workspace : Workspace
        Where data and runs are kept.
    runner : Runner
        Works the runs; it outlives every page.
    dataset : Dataset or None
        What a new page opens.
    token : str
        What the address of a page must carry; empty when none is needed.
    """

    def __init__(
        self, workspace: Workspace, runner: Runner, dataset: Dataset | None, token: str = ""
    ) -> None:
        self.workspace, self.runner, self.dataset, self.token = workspace, runner, dataset, token
        self.pages: list[Explorer] = []
        self._visits: OrderedDict[str, Visit] = OrderedDict()

    def page(self) -> pn.viewable.Viewable:
        """Make the page of the browser that asks."""
        if self.token and not secrets.compare_digest(_argument("token").encode(), self.token.encode()):
            return pn.pane.Str("This address needs the token that the server printed when it started.")
        doc = pn.state.curdoc
        if pn.state.notifications is not None:
            pn.state.notifications.position = "top-center"  # where it covers neither map nor progress
        session = self._session()
        self._follow_address(session)
        explorer = Explorer(session, doc)
        self.pages.append(explorer)
        pn.state.on_session_destroyed(lambda _: self._leave(explorer))
        return explorer.__panel__()

    def _session(self) -> Session:
        wanted = next((info.id for info in self.workspace.datasets() if info.id == _argument("data")), None)
        dataset = self.workspace.dataset(wanted) if wanted else self.dataset
        session = Session(self.workspace, self.runner, dataset)
        if dataset is not None:
            run_ids = {run.id for run in session.runs}
            columns = {column.name for column in dataset.items.columns}
            for name, argument, known in (
                ("run_id", "run", run_ids), ("beside_id", "beside", run_ids), ("colour_by", "colour", columns)
            ):  # fmt: skip
                if _argument(argument) in known:
                    setattr(session, name, _argument(argument))
            if _argument("colour") == DENSITY:
                session.colour_by = ""
            session.refresh()
        return session

    def _follow_address(self, session: Session) -> None:
        # The address holds what to show; the visit it names holds the selection.
        location = pn.state.location
        visit_id = _argument("visit") or secrets.token_urlsafe(6)
        visit = self._visits.get(visit_id)
        if visit is not None and session.dataset is not None and visit.dataset_id == session.dataset.id:
            session.restore(visit.history, visit.drawn)

        def keep(*_: object) -> None:
            if session.dataset is not None and session.history is not None:
                self._visits[visit_id] = Visit(session.dataset.id, session.history, session.drawn)
                self._visits.move_to_end(visit_id)
                while len(self._visits) > MOST_VISITS:
                    self._visits.popitem(last=False)

        def write(*_: object) -> None:
            values = {
                "token": self.token,
                "visit": visit_id,
                "data": session.dataset.id if session.dataset else "",
                "run": session.run_id, "beside": session.beside_id, "colour": session.colour_by or DENSITY,
            }  # fmt: skip
            location.search = "?" + urlencode({name: value for name, value in values.items() if value})

        session.param.watch(keep, ["dataset", "selection", "drawn"])
        if location is not None:
            session.param.watch(write, ["dataset", "run_id", "beside_id", "colour_by"])
            pn.state.onload(write)

    def _leave(self, explorer: Explorer) -> None:
        explorer.close()
        if explorer in self.pages:
            self.pages.remove(explorer)


def serve(
    workspace: Workspace,
    dataset: Dataset | None,
    *,
    port: int = 5006,
    address: str = "127.0.0.1",
    show: bool = True,
    first_run: bool = False,
) -> None:
    """Serve the app until it is interrupted.

    Parameters
    ----------
    workspace : Workspace
        Where data and runs are kept.
    dataset : Dataset or None
        What a new page opens.
    port : int
        TCP port.
    address : str
        Address to listen on; beyond this machine every page needs a token, which is printed.
    show : bool
        Open a browser.
    first_run : bool
        Start a run by itself if the data has none, so that the map is alive at once.

    Raises
    ------
    InputError
        If the port is taken or the address is not one of this machine.
    """
    runner = Runner(workspace)
    try:
        token = "" if _is_loopback(address) else secrets.token_urlsafe(16)
        app = App(workspace, runner, dataset, token)
        threading.Thread(target=warm_up_drawing, daemon=True).start()
        if first_run and dataset is not None and not workspace.runs(dataset.id):
            runner.start(dataset, RunParameters())
        _listen(app, port, address, show)
    finally:
        runner.close()


def _listen(app: App, port: int, address: str, show: bool) -> None:
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(  # noqa: S104 - said, not bound
        address, f"[{address}]" if ":" in address else address
    )
    origins = [f"{host}:{port}", f"localhost:{port}"] if app.token == "" else ["*"]
    query = f"?token={app.token}" if app.token else ""
    sys.stdout.write(f"UMAP Explorer is at http://{host}:{port}/{query}\n")
    sys.stdout.flush()
    try:
        pn.serve(
            {"/": app.page},
            port=port,
            address=address,
            show=show,
            title="UMAP Explorer",
            websocket_origin=origins,
            # Maps are mostly empty: the quickest compression makes a frame a twentieth of its size. Within
            # this machine it only takes time from the layout.
            websocket_compression_level=1 if app.token else None,
            verbose=False,
        )
    except OSError as error:
        raise InputError(
            f"The server cannot listen on {address}:{port} ({error.strerror}): choose another --port."
        ) from error


def warm_up_drawing() -> None:
    """Compile the drawing on a few points, so that the first frame of a page does not wait for it."""
    points = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    points.setflags(write=False)  # as snapshots are: compiled code is of one kind or the other
    codes = Colouring(np.zeros(64, np.int32), lookup(categorical(2, True), "#808080"))
    for colouring in (density_colouring(True), codes):
        map_picture(points, colouring, True)
    viewport = Viewport.around(points, 90, 70)
    shade(points, viewport, codes, np.arange(64) % 2 == 0, Style(True, False))
    shade(points, viewport, density_colouring(True), style=Style(True, False))


def _argument(name: str) -> str:
    values = (pn.state.session_args or {}).get(name, [b""])
    return str(values[0].decode("utf-8", "replace"))


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError as error:
        raise InputError(
            f"{address!r} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all."
        ) from error
