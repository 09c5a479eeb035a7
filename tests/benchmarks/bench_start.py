"""What an analyst waits for at the first start, and until a pressed Pause is acknowledged.

    python tests/benchmarks/bench_start.py [--rounds 3]

Each round starts ``umap-explorer`` with a new workspace in a process of its own, so that it imports the
shipped MNIST, and then once more with the same workspace; Chromium runs already. While the first layout works
Pause is pressed, and counts until the bar offers to resume. Medians are printed as one line of JSON.
"""

import argparse
import json
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.stream import FLAGS

COMMAND = str(Path(sys.executable).with_name("umap-explorer"))
# From the press to the moment at which the bar offers to resume, milliseconds.
PAUSED = """(pause) => new Promise((done) => {
  const pressed = performance.now()
  const look = () => {
    if (pause.hidden || pause.disabled || !pause.isConnected) { return done(performance.now() - pressed) }
    setTimeout(look, 1)
  }
  pause.click()
  look()
})"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(parser.parse_args().rounds):
            with tempfile.TemporaryDirectory() as folder:
                rounds.append(one_round(browser, folder))
                print(json.dumps(rounds[-1]), file=sys.stderr, flush=True)
        browser.close()
    print(json.dumps({name: round(statistics.median(one[name] for one in rounds), 3) for name in rounds[0]}))


def one_round(browser: Browser, folder: str) -> dict[str, float]:
    """Seconds from the command to the page and to the layout, and to the page of the second start."""
    with started(browser, folder) as (page, begun):
        first = {"page_s": time.monotonic() - begun}
        page.get_by_role("button", name="Pause").wait_for(timeout=60_000)
        first["layout_s"] = time.monotonic() - begun
        first["pause_ms"] = statistics.median(pauses(page))
    with started(browser, folder) as (_, begun):
        return {**first, "page_again_s": time.monotonic() - begun}


def pauses(page: Page, times: int = 3) -> Iterator[float]:
    """Press Pause and Resume in turn."""
    for _ in range(times):
        pause = page.get_by_role("button", name="Pause")
        pause.wait_for(timeout=20_000)
        yield pause.evaluate(PAUSED)
        page.get_by_role("button", name="Resume").click()


@contextmanager
def started(browser: Browser, folder: str) -> Iterator[tuple[Page, float]]:
    """Start the command and open its page; the moment at which it was started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    begun = time.monotonic()
    command = [COMMAND, "--no-show", "--workspace", f"{folder}/workspace", "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert server.stdout is not None
    server.stdout.readline()  # it says when it listens
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(f"http://127.0.0.1:{port}/")
    page.get_by_role("toolbar", name="Map tools").wait_for()
    yield page, begun
    page.close()
    server.terminate()
    server.wait(20)


if __name__ == "__main__":
    main()
