"""How long the stages of a run will take, guessed from its size and corrected by what earlier runs took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log2
from statistics import median
from typing import TYPE_CHECKING

from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.stages import FUZZY_SET, INITIAL_LAYOUT, KNN_GRAPH, LAYOUT, SUPERVISION

if TYPE_CHECKING:
    from explorer.model.workspace import Workspace

STAGES = (KNN_GRAPH, FUZZY_SET, INITIAL_LAYOUT, LAYOUT)
EXACT_UP_TO = 4096
RUNS_HEEDED = 20
MOST_BEFORE_DONE = 0.999


def guess(n: int, dims: int, parameters: RunParameters, n_epochs: int) -> dict[str, float]:
    """Return seconds by stage on two processors of today: power laws in rows, dimensions and neighbours.

    The powers of n_neighbors fit MNIST at 5, 15, 50 and 100 within a fifth. What a layout takes follows the
    membership strengths, which sum to ``log2(n_neighbors)`` at each row (McInnes et al. 2018, algorithm 3),
    as an edge is sampled as often as it is strong.
    """
    edges = n * parameters.n_neighbors / 15
    width = parameters.graph_width / 15
    if n <= EXACT_UP_TO:
        knn = 0.05 + 1e-10 * n * n * dims
    else:
        knn = 0.5 + 4.5e-5 * n * width**0.4 * (min(dims, 100) / 50) ** 0.25
    return {
        KNN_GRAPH: knn,
        FUZZY_SET: 0.02 + 3e-6 * edges,
        **({SUPERVISION: 0.05 + 1e-5 * edges} if parameters.target else {}),
        INITIAL_LAYOUT: 0.05 + (1.2e-5 * (n * edges) ** 0.5 if parameters.init == "spectral" else 2e-7 * n),
        LAYOUT: 0.05 + 2e-7 * n * log2(parameters.n_neighbors) / log2(15) * n_epochs,
    }


@dataclass(frozen=True)
class Calibration:
    """By how much this machine is slower than the guess, stage by stage: the median over earlier runs."""

    factors: Mapping[str, float]

    @classmethod
    def of(cls, runs: Iterable[Run], dims: Mapping[str, int]) -> Calibration:
        """Learn from finished runs, newest first.

        Parameters
        ----------
        runs : iterable of Run
        dims : mapping
            Dimensions of the data sets by id.
        """
        ratios: dict[str, list[float]] = {stage: [] for stage in STAGES}
        for run in runs:
            own_epochs = run.epoch - run.first_epoch
            expected = guess(run.n, dims.get(run.dataset_id, 50), run.parameters, own_epochs)
            for stage, seconds in run.seconds.items():
                if seconds > 0 and stage in ratios and len(ratios[stage]) < RUNS_HEEDED:
                    ratios[stage].append(seconds / expected[stage])
        return cls({stage: median(found) for stage, found in ratios.items() if found})

    @classmethod
    def learnt(cls, workspace: Workspace, runs: Iterable[Run]) -> Calibration:
        """Learn from those of some runs of a workspace that are done, newest first."""
        done = (run for run in runs if run.status is RunStatus.DONE)
        return cls.of(done, {info.id: info.dims for info in workspace.datasets()})

    def predict(self, n: int, dims: int, parameters: RunParameters, n_epochs: int) -> dict[str, float]:
        """Return seconds by stage on this machine."""
        expected = guess(n, dims, parameters, n_epochs)
        return {stage: seconds * self.factors.get(stage, 1.0) for stage, seconds in expected.items()}


def share(elapsed: float, predicted: float) -> float:
    """Return the share done of a stage that tells nothing of its progress: rising, and below 1 forever.

    Linear up to three quarters of the predicted time, from there on 1 - 27/256 (predicted / elapsed)³, which
    has no kink and is seen to rise even in a stage that takes three times as long.
    """
    linear = elapsed / max(predicted, 1e-6)
    return linear if linear <= 0.75 else min(1 - 0.25 * (0.75 / linear) ** 3, MOST_BEFORE_DONE)
