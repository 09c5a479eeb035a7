"""How much a watching browser slows the optimiser, how many epochs it sees, how long the server stalls.

    python tests/benchmarks/stream.py VECTORS.npy [--epochs 60] [--rounds 3] [--workspace DIR]

Each round runs the same layout twice from cached stages, once with nobody watching and once with a real
Chromium on the page; one line of JSON gives the ratio of the medians and the share of epochs painted.
Meanwhile a probe asks the server for a small answer every 50 ms.
"""

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import panel as pn

from explorer.app import App, warm_up_drawing
from explorer.model.run import RunParameters
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace
from explorer.views.turns import soon

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--items", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workspace", type=Path, default=Path(tempfile.gettempdir()) / "umap-explorer-bench")
    args = parser.parse_args()
    workspace = Workspace(args.workspace)
    dataset = workspace.add_dataset(args.data, items=args.items)
    runner = Runner(workspace)
    app = App(workspace, runner, dataset)
    warm_up_drawing()
    with served(app) as url:
        rounds = [one_round(app, url, args.epochs) for _ in range(args.rounds)]
    runner.close()
    alone = statistics.median(r["alone"] for r in rounds)
    watched = statistics.median(r["watched"] for r in rounds)
    print(
        json.dumps(
            {
                "n": dataset.n,
                "epochs": args.epochs,
                "layout_alone_s": round(alone, 2),
                "layout_watched_s": round(watched, 2),
                "slowed_by": round(watched / alone - 1, 3),
                "epochs_painted": round(statistics.median(r["painted"] for r in rounds), 3),
                "frames_per_s": round(statistics.median(r["frames_per_s"] for r in rounds), 1),
                "longest_stall_ms": round(max(r["stall"] for r in rounds)),
                "rounds": rounds,
            }
        )
    )


@contextmanager
def watching(url: str) -> Iterator[None]:
    """Open the page in a Chromium nobody steers: a driver would be sent each frame too, at some cost."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            shutil.which("chromium"),
            "--headless",
            "--remote-debugging-port=0",
            *FLAGS,
            "--window-size=1440,900",
        ]
        browser = subprocess.Popen([*command, f"--user-data-dir={profile}", url], stderr=subprocess.DEVNULL)
        yield
        browser.terminate()
        browser.wait(20)


def one_round(app: App, url: str, epochs: int) -> dict[str, float]:
    """Lay out twice, alone and watched."""
    parameters = RunParameters(n_epochs=epochs)
    alone = finish(app, parameters)
    before = list(app.pages)
    with watching(url):
        until(lambda: bool(app.pages) and app.pages[-1] not in before)
        explorer = app.pages[-1]
        until(lambda: explorer.map.feed.painted > 0)
        time.sleep(3)
        started = len(explorer.map.feed.epochs_painted)
        with probed(url) as stalls:
            run = app.runner.start(app.dataset, parameters)
            soon(explorer._doc, lambda: explorer.session.look_at(run.id))
            app.runner.wait(run.id)
            time.sleep(1)
        seen = list(explorer.map.feed.epochs_painted)[started:]
    seconds = app.runner.run(run.id).seconds["layout"]
    # Ten frames a second are enough: of a faster layout, that many can be seen.
    visible = min(epochs, 10 * seconds)
    return {
        "alone": alone,
        "watched": seconds,
        "painted": min(1.0, len({e for e in seen if e >= 0}) / visible),
        "frames_per_s": len(seen) / seconds,
        "stall": max(stalls),
    }


def finish(app: App, parameters: RunParameters) -> float:
    """Seconds of a layout nobody watches."""
    run = app.runner.wait(app.runner.start(app.dataset, parameters).id)
    assert run.status == "done", run.error
    return run.seconds["layout"]


@contextmanager
def served(app: App) -> Iterator[str]:
    """Serve the app on a thread, as the command does in its main one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loops = []

    def listen() -> None:
        server = pn.io.server.get_server(
            {"/": app.page},
            port=port,
            address="127.0.0.1",
            show=False,
            start=False,
        )
        loops.append(server.io_loop)
        server.start()
        server.io_loop.start()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    until(lambda: bool(loops))
    time.sleep(1)
    yield f"http://127.0.0.1:{port}/"
    loops[0].add_callback(loops[0].stop)
    thread.join(10)


@contextmanager
def probed(url: str) -> Iterator[list[float]]:
    """Milliseconds that each small request took."""
    stalls, done = [0.0], threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            start = time.perf_counter()
            with suppress(OSError):
                urllib.request.urlopen(url + "favicon.ico", timeout=30).read()
            stalls.append(1000 * (time.perf_counter() - start))

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    yield stalls
    done.set()
    thread.join()


def until(condition, seconds: float = 60.0) -> None:
    """Wait for something on the server."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the server did not get there in time"
        time.sleep(0.02)


if __name__ == "__main__":
    main()
