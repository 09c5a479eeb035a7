"""How long a thread that only wants to tick is held up by a run in each stage; how soon a run gives way.

    python tests/benchmarks/stalls.py [DATA] [--rounds 3]

One line of JSON: the longest gap between two ticks meant to be 5 ms apart (the page's event loop is such a
thread), the seconds of each stage, and the median seconds from asking for a stop in the knn graph, and for a
pause in the layout, to its being granted.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

from explorer.model.dataset import Dataset
from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.workspace import Workspace

MNIST = Path(__file__).resolve().parents[2] / "sample_data" / "mnist.parquet"


class Ticks:
    """The longest gap between ticks while each stage was under way."""

    def __init__(self, runner: Runner, run_id: str) -> None:
        self.longest: dict[str, float] = {}
        self._runner, self._run_id, self._over = runner, run_id, threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()

    def _tick(self) -> None:
        last = time.perf_counter()
        while not self._over.wait(0.005):
            stage = self._runner.progress(self._run_id).stage
            now = time.perf_counter()
            self.longest[stage] = max(self.longest.get(stage, 0.0), now - last)
            last = now

    def stop(self) -> dict[str, float]:
        """End and return seconds by stage."""
        self._over.set()
        self._thread.join()
        return {stage: round(seconds, 3) for stage, seconds in self.longest.items()}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?", default=MNIST)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Workspace(folder) as workspace, Runner(workspace) as runner:
        dataset = workspace.add_dataset(args.data)
        run = runner.start(dataset, RunParameters())
        ticks = Ticks(runner, run.id)
        run = runner.wait(run.id)
        report = {
            "rows": run.n,
            "longest_gap": ticks.stop(),
            "seconds": {stage: round(seconds, 2) for stage, seconds in run.seconds.items()},
            "knn_recall": run.knn_recall,
            "stop": statistics.median(stop(runner, dataset, seed) for seed in range(args.rounds)),
            "pause": statistics.median(pauses(runner, dataset, args.rounds)),
        }
    print(json.dumps(report))


def stop(runner: Runner, dataset: Dataset, seed: int) -> float:
    """Return the seconds from asking for a stop in the knn graph to the run's rest."""
    run = runner.start(dataset, RunParameters(seed=seed))
    while runner.progress(run.id).stage != "knn graph":
        time.sleep(0.001)
    time.sleep(0.5)
    asked = time.perf_counter()
    runner.stop(run.id)
    runner.wait(run.id)
    return round(time.perf_counter() - asked, 3)


def pauses(runner: Runner, dataset: Dataset, rounds: int) -> list[float]:
    """Return the seconds from asking for a pause in the layout to its being granted."""
    run = runner.start(dataset, RunParameters())
    while runner.progress(run.id).epoch < 5:
        time.sleep(0.001)
    taken = []
    for _ in range(rounds):
        asked = time.perf_counter()
        runner.pause(run.id)
        while runner.run(run.id).status is not RunStatus.PAUSED:
            time.sleep(0.001)
        taken.append(round(time.perf_counter() - asked, 3))
        runner.resume(run.id)
        time.sleep(0.2)
    runner.stop(run.id)
    return taken


if __name__ == "__main__":
    main()
