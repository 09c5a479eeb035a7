"""The app: one workspace and one runner shared by all pages, a session for each."""

from __future__ import annotations

import ipaddress
import logging
import math
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import panel as pn
from bokeh.settings import settings

from explorer.model.dask_worker import DaskWorkers
from explorer.model.dataset import Dataset
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.history import Keyframe
from explorer.model.projection import Viewport
from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.session import Session
from explorer.model.statistics import STATISTICS
from explorer.model.viewed import MOST_BESIDE
from explorer.model.water_level import density_of
from explorer.model.workspace import Workspace
from explorer.views.compare_panel import MOST_COMPARED
from explorer.views.page import Explorer
from explorer.views.palette import categorical, lookup
from explorer.views.shading import Colouring, Style, density_colouring, shade
from explorer.views.telling import tell
from explorer.views.thumbnail import map_picture
from explorer.views.turns import later
from explorer.visits import Visits

DENSITY, FREE = "-", "free"
VIEW_MS = 600
WARM_UP_AFTER = 1.5
"""Seconds: by then the server has made the first page, and the browser is busy with reading it."""
DATA_GONE = "The data of this address is not in the workspace any more: open its file again under Data."
COMPARED_GONE = "A run that was compared in this address is gone: choose others under Compare."
RUN_GONE = "A run of this address is gone: choose another among the runs, or start it again."

SERVER_GONE = (
    "The connection to the server is lost. If it has ended, start it again and open the address it prints: "
    "the runs are kept."
)

pn.extension("tabulator", notifications=True, disconnect_notification=SERVER_GONE)


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
    media : Path or None
        The folder whose pictures and sounds may be shown when items name them by a path.
    """

    def __init__(
        self,
        workspace: Workspace,
        runner: Runner,
        dataset: Dataset | None,
        token: str = "",
        media: Path | None = None,
    ) -> None:
        self.media = media
        self.workspace, self.runner, self.dataset, self.token = workspace, runner, dataset, token
        self.pages: list[Explorer] = []
        self._visits = Visits()

    def page(self) -> pn.viewable.Viewable:
        """Make the page of the browser that asks."""
        if self.token and not secrets.compare_digest(_argument("token").encode(), self.token.encode()):
            return pn.pane.Str("This address needs the token that the server printed when it started.")
        doc = pn.state.curdoc
        if pn.state.notifications is not None:
            pn.state.notifications.position = "top-center"  # see document.css
        session, amiss = self._session()
        gone = _compare_again(session, _argument("compare"))
        amiss = amiss or gone
        visit_id, visit = self._visits.take_up(session, _argument("visit"))
        if visit is None:
            amiss += _select_saved(session, _argument("selection"))
        explorer = Explorer(session, doc, _argument("theme") != "light", _argument("wall"))
        self.pages.append(explorer)
        self._visits.hold(visit_id, explorer, visit)
        if amiss:
            pn.state.onload(partial(tell, " ".join(amiss)))
        self._write_address(explorer, visit_id)
        pn.state.on_session_destroyed(lambda _: self._leave(explorer))
        return explorer.__panel__()

    def _dataset(self) -> tuple[Dataset | None, list[str]]:
        """What the address names, else what a new page opens; and what is amiss, in sentences."""
        wanted = _argument("data")
        if not wanted:
            return self.dataset, []
        if all(info.id != wanted for info in self.workspace.datasets()):
            return self.dataset, [DATA_GONE]
        try:
            return self.workspace.dataset(wanted), []
        except WorkspaceError as error:
            return self.dataset, [str(error)]

    def _session(self) -> tuple[Session, list[str]]:
        dataset, amiss = self._dataset()
        session = Session(self.workspace, self.runner, dataset, self.media)
        if dataset is not None:
            run_ids = {run.id for run in session.runs}
            beside = [run_id for run_id in _argument("beside").split(",") if run_id]
            if not amiss and not {_argument("run"), *beside} <= {"", *run_ids}:
                amiss.append(RUN_GONE)
            columns = {column.name for column in dataset.items.columns} | set(STATISTICS)
            for name, argument, known in (("run_id", "run", run_ids), ("colour_by", "colour", columns)):
                if _argument(argument) in known:
                    setattr(session, name, _argument(argument))
            wanted = dict.fromkeys(run_id for run_id in beside if run_id in run_ids - {session.run_id})
            session.param.update(beside_ids=tuple(wanted)[:MOST_BESIDE], linked=_argument("zoom") != FREE)
            # No row has so many digits, and Python refuses to read thousands.
            if len(item := _argument("item")) < 20 and item.isdecimal() and int(item) < dataset.n:
                session.pin(int(item))
            if _argument("colour") == DENSITY:
                session.colour_by = ""
            if _argument("run") == session.run_id:
                views = [view_of(text) for text in _argument("view").split(";")]
                views = (views + [None] * MOST_BESIDE)[: 1 + MOST_BESIDE]
                session.param.update(view=views[0], beside_views=tuple(views[1:]))
                kept = {str(epoch): epoch for epoch in session.epochs}
                session.look_at_epoch(kept.get(_argument("epoch")))
            session.refresh()
        return session, amiss

    def _write_address(self, explorer: Explorer, visit_id: str) -> None:
        # The address holds what to show, a selection if it is saved; the visit it names holds any.
        session, doc = explorer.session, pn.state.curdoc
        moves = 0

        def write(*_: object) -> None:
            values = {
                "token": self.token,
                "visit": visit_id,
                "data": session.dataset.id if session.dataset else "",
                "run": session.run_id,
                "beside": ",".join(session.beside_ids),
                "zoom": "" if session.linked else FREE,
                "colour": session.colour_by or DENSITY,
                "item": "" if session.pinned is None else str(session.pinned),
                "selection": session.saved_name,
                "compare": ",".join(run.id for run in session.comparison),
                "view": ";".join(map(view_text, (session.view, *session.beside_views))).rstrip(";"),
                "epoch": "" if session.epoch is None else str(session.epoch),
                "theme": "" if explorer.dark else "light",
                "wall": explorer.wall.address,
            }  # fmt: skip
            given = {name: value for name, value in values.items() if value}
            explorer.share.link.address = "?" + urlencode(given, safe=",:")

        def write_at_rest(*_: object) -> None:
            # Many turns of the wheel, and a history that is played, end in one place to come back to.
            nonlocal moves
            moves += 1
            move = moves
            later(doc, VIEW_MS, lambda: write() if move == moves else None)

        told = ["dataset", "run_id", "beside_ids", "linked", "colour_by", "pinned", "selection", "saved_as"]
        session.param.watch(write, [*told, "compared"])
        session.param.watch(write_at_rest, ["view", "beside_views", "epoch"])
        explorer.param.watch(write, ["dark"])
        explorer.wall.param.watch(write, ["shown", "choice"])
        pn.state.onload(write)

    def _leave(self, explorer: Explorer) -> None:
        explorer.close()
        self._visits.leave(explorer)
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
    media: Path | None = None,
    layouts: int | None = None,
    dask: DaskWorkers | None = None,
) -> None:
    """Serve the app until it is interrupted or terminated; what an earlier server left of its queue goes on.

    What is at work at the end is queued again; after a crash it is interrupted, since it may be what crashed.

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
        Start a run by itself if the data has none, or go on with its only one if that was interrupted, so
        that the map is alive at once.
    media : Path, optional
        The folder whose pictures and sounds may be shown when items name them by a path.
    layouts : int, optional
        Layouts that work at the same time; by default one, or one a worker of Dask.
    dask : DaskWorkers, optional
        Who computes the runs in place of this machine.

    Raises
    ------
    InputError
        If the port is taken or the address is not one of this machine.
    """
    token = "" if _is_loopback(address) else secrets.token_urlsafe(16)
    runner = Runner(workspace, n_layouts=layouts, dask=dask)

    def begin() -> None:
        runner.continue_queue()
        if first_run and dataset is not None:
            come_alive(runner, dataset)

    with logging_to(workspace.path / "explorer.log"):
        try:
            app = App(workspace, runner, dataset, token, media)
            warming = threading.Timer(WARM_UP_AFTER, warm_up_drawing)
            warming.daemon = True
            warming.start()
            _listen(app, port, address, show, begin)
        finally:
            runner.close(put_off=True)


def come_alive(runner: Runner, dataset: Dataset) -> None:
    """Start the first run of some data, or go on with it if its process ended before it did."""
    runs = runner.runs(dataset.id)
    if not runs:
        runner.start(dataset, RunParameters())
    elif len(runs) == 1 and runs[0].status is RunStatus.INTERRUPTED:
        runner.resume(runs[0].id)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Have warnings and errors written to a file, which never grows beyond 2 MB, and to the terminal."""
    kept = RotatingFileHandler(path, maxBytes=500_000, backupCount=3, encoding="utf-8", delay=True)
    kept.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root, handlers = logging.getLogger(), (kept, logging.StreamHandler())
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _listen(app: App, port: int, address: str, show: bool, begin: Callable[[], None]) -> None:
    """Serve pages until the end; `begin` once it listens and before the first page: the port may be taken."""
    host = {"0.0.0.0": socket.gethostname(), "::": socket.gethostname()}.get(  # noqa: S104 - said, not bound
        address, f"[{address}]" if ":" in address else address
    )
    origins = [f"{host}:{port}", f"localhost:{port}"] if app.token == "" else ["*"]
    query = f"?token={app.token}" if app.token else ""
    url = f"http://{host}:{port}/{query}"
    settings.resources = "server"  # whatever BOKEH_RESOURCES says: a page asks nobody but its own server
    try:
        server = pn.serve(
            {"/": app.page},
            port=port,
            address=address,
            show=False,
            start=False,
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
    with suppress(ValueError):  # of a thread, which gets no signals
        # When it is interrupted Panel does the same.
        loop = server.io_loop
        signal.signal(signal.SIGTERM, lambda *_: loop.asyncio_loop.call_soon_threadsafe(loop.stop))
    try:
        begin()
        sys.stdout.write(f"UMAP Explorer is at {url}\n")
        sys.stdout.flush()
        if show:
            # Panel itself would open the address without the token.
            webbrowser.open(url)
        server.start()
        server.io_loop.start()
    finally:
        with suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        for page in list(app.pages):
            page.close()


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
    density_of(points).level(0.5).above()
    Keyframe.encode(points).decode()


def view_text(view: tuple[float, float, float] | None) -> str:
    """A zoomed view as the address holds it.

    >>> view_text((1.25, -3.0, 0.015)), view_text(None)
    ('1.25,-3,0.015', '')
    """
    return ",".join(f"{value:.7g}" for value in view or ())


def view_of(text: str) -> tuple[float, float, float] | None:
    """The view that an address holds, None if it holds none.

    >>> view_of("1.25,-3,0.015"), view_of(""), view_of("1,2,-1"), view_of("nan,2,1")
    ((1.25, -3.0, 0.015), None, None, None)
    """
    try:
        x, y, unit = map(float, text.split(","))
    except ValueError:
        return None
    return (x, y, unit) if math.isfinite(x + y + unit) and unit > 0 else None


def _select_saved(session: Session, name: str) -> list[str]:
    """Select what an address names, if it does; return what is amiss with it, in sentences."""
    try:
        if name and session.dataset is not None:
            session.select_saved(name)
    except (InputError, WorkspaceError) as error:
        return [str(error)]
    return []


def _compare_again(session: Session, names: str) -> list[str]:
    """Take up the comparison that an address names, if it does; return what is amiss, in sentences."""
    run_ids = [name for name in names.split(",")[:MOST_COMPARED] if name]
    if any(session.run(run_id) is None for run_id in run_ids):
        return [COMPARED_GONE]
    if run_ids:
        session.compare_with(run_ids)
    return []


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
