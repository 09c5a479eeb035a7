"""The app in a notebook: a server on a thread of this process, and a frame that shows a page of it."""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any

import panel as pn
from tornado.ioloop import IOLoop

from explorer.app import App, come_alive, logging_to, warm_up_drawing
from explorer.model.errors import RunError
from explorer.model.runner import Runner
from explorer.model.source import source_of
from explorer.model.workspace import Workspace

PATIENCE = 30.0


def explore(
    data: Any = None, vectors: Any = None, *, workspace: Path | str | None = None, height: int = 800
) -> pn.viewable.Viewable:
    """Open the app on data in memory.

    It is served to this machine alone, from a thread of this process, and keeps data, runs and samples as the
    command does; data without a run starts one.

    Parameters
    ----------
    data : pandas.DataFrame, pyarrow.Table or None
        The items, n rows.
    vectors : str, list of str or array (n, d), optional
        The column that holds the vectors, several columns of numbers, or the vectors themselves. By default
        chosen as for a file: the one column of lists, else a numbered series, else all columns of numbers.
    workspace : Path or str, optional
        The folder to keep all in, by default in the user data folder. One process at a time writes there.
    height : int, default 800
        Of the frame, in pixels.

    Returns
    -------
    panel.viewable.Viewable
        Shown by a notebook where it is the last value of a cell.

    Raises
    ------
    InputError
        If the data hold no vectors of numbers.
    WorkspaceError
        If another process writes to the workspace.

    Examples
    --------
    >>> import pandas as pd
    >>> from explorer import explore
    >>> songs = pd.read_parquet("songs.parquet")  # doctest: +SKIP
    >>> explore(songs, vectors="embedding")  # doctest: +SKIP
    """
    source = source_of(data, vectors)
    app, url = _server(Workspace(workspace).path)
    dataset = app.workspace.add_source(source)
    come_alive(app.runner, dataset)
    return pn.pane.HTML(
        f'<iframe title="UMAP Explorer" src="{url}?data={dataset.id}" '
        'style="border: 0; width: 100%; height: 100%"></iframe>',
        sizing_mode="stretch_width",
        height=height,
        margin=0,
    )


@cache
def _server(folder: Path) -> tuple[App, str]:
    """The one server of a workspace in this process, and its address.

    It goes on with the queue that an earlier process left, once: what a page is about to queue is on disk
    before the page's own runner knows of it.
    """
    with ExitStack() as until_the_end:
        workspace = until_the_end.enter_context(Workspace(folder))
        app = App(workspace, Runner(workspace), None)
        until_the_end.enter_context(logging_to(workspace.path / "explorer.log"))
        until_the_end.callback(app.runner.close, put_off=True)
        listens: Future[int] = Future()
        # Panel's own thread would keep the process from ending.
        for work in (partial(_listen, app, listens), warm_up_drawing):
            threading.Thread(target=work, daemon=True).start()
        try:
            port = listens.result(PATIENCE)
        except Exception as error:
            why = f" ({error})" if str(error) else ""
            raise RunError(f"The app's server did not start{why}: run the cell again.") from error
        app.runner.continue_queue()
        atexit.register(until_the_end.pop_all().close)
    return app, f"http://localhost:{port}/"


def _listen(app: App, listens: Future[int]) -> None:
    """Serve pages to `localhost` until the process ends; the system chooses the port, which is told."""
    try:
        server = pn.serve(
            {"/": app.page},
            port=0,
            address="127.0.0.1",
            loop=IOLoop(),
            show=False,
            start=False,
            title="UMAP Explorer",
            verbose=False,
        )
    except Exception as error:
        listens.set_exception(error)
        return
    listens.set_result(server.port)
    server.start()
    server.io_loop.start()
