"""What the command line shows while it works, and the line of JSON it may end with."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from explorer.model.doing import Doing
from explorer.model.run import RunStatus

if TYPE_CHECKING:
    from rich.console import Console

    from explorer.model.comparing import Comparison
    from explorer.model.consensus import Consensus
    from explorer.model.run import Run
    from explorer.model.runner import Runner

LEAST_WIDTH = 140
"""Letters: a table is rather wrapped by the terminal than made narrower."""


def print_json(values: dict[str, Any]) -> None:
    """Print one object on one line of standard output."""
    print(json.dumps(values, ensure_ascii=False, allow_nan=False))


def wide_console() -> Console:
    """Return standard output for tables: names are set as they are, brackets and colons are no commands."""
    from rich.console import Console

    console = Console(markup=False, emoji=False)
    console.width = max(console.width, LEAST_WIDTH)
    return console


def print_runs(runs: Sequence[Run], names: Mapping[str, str]) -> None:
    """Print runs as a table, their data under the names given, their sweeps where these differ."""
    from rich.table import Column, Table

    run_id = Column("run", no_wrap=True)
    rest = ("parameters", "data", "rows", "status", "epochs", "seconds", "cost")
    of_sweeps = ("sweep",) if len({run.sweep for run in runs}) > 1 else ()
    table = Table(run_id, *rest, *of_sweeps, box=None, pad_edge=False)
    for run in runs:
        cost = "" if run.cost is None else f"{run.cost:.4f}"
        epochs = f"{run.epoch}/{run.n_epochs}"
        name = names.get(run.dataset_id, run.dataset_id)
        seconds = f"{run.total_seconds:.1f}"
        label = f"{run.name} ({run.label})" if run.name else run.label
        swept = (run.sweep,) if of_sweeps else ()
        table.add_row(run.id, label, name, f"{run.n:,}", run.status, epochs, seconds, cost, *swept)
    wide_console().print(table)


def print_comparison(found: Comparison) -> None:
    """Print what runs have in common: a table of the runs, one of the pairs, and findings worst first."""
    from rich.table import Column, Table

    runs = Table(
        Column("run", no_wrap=True), "parameters", "trust", "clusters", "seconds", box=None, pad_edge=False
    )
    for score in found.scores:
        trust = f"{score.trustworthiness:.3f}"
        runs.add_row(
            score.run.id, score.run.parameters.label, trust, str(score.clusters), f"{score.seconds:.1f}"
        )
    names = (Column("run", no_wrap=True), Column("and run", no_wrap=True))
    pairs = Table(*names, "agreement", "disparity", "jumped", "ARI", "AMI", box=None, pad_edge=False)
    for one in found.pairs:
        scores = ("–" if value is None else f"{value:z.3f}" for value in (one.ari, one.ami))
        pairs.add_row(
            one.a, one.b, f"{one.agreement:.3f}", f"{one.disparity:.3f}", f"{one.jumped:.1%}", *scores
        )
    wide_console().print(runs, "", pairs, sep="\n")
    if found.consensus is not None:
        for line in _findings(found.consensus):
            print(line)
    elif found.not_repeated:
        print(f"\n{found.not_repeated}")


def _findings(consensus: Consensus) -> Iterator[str]:
    yield f"\n{consensus.sentence} (median stability {consensus.median:.2f})"
    for fate in consensus.worst_first:
        where = f" ({', '.join(fate.where)})" if fate.where else ""
        yield f"  survival {fate.survival:.2f} · {fate.size:,} items · {fate.sentence}{where}"
    for region in consensus.regions:
        yield f"  unstable region · {region.sentence}"
    yield consensus.changing_sentence


def follow(runner: Runner, run: Run) -> Run:
    """Wait for a run, telling how far it is; interrupted, leave it with a checkpoint to be resumed from."""
    try:
        with bar() as advance:
            while (record := runner.wait(run.id, timeout=0.1)).status.active:
                now = runner.progress(run.id)
                epochs = f" {now.epoch}/{now.n_epochs}" if now.epoch else ""
                advance(f"{now.stage}{epochs}", now.fraction, now.remaining)
            return record
    except KeyboardInterrupt:
        runner.close()
        print(f"Interrupted: the run {run.id} can be resumed in the app.", file=sys.stderr)
        raise


def follow_sweep(runner: Runner, runs: Sequence[Run], expected: Sequence[float]) -> list[Run]:
    """Wait for the runs of a sweep, telling how many are done; interrupted, leave them to be resumed.

    Parameters
    ----------
    runner : Runner
    runs : sequence of Run
        In the order in which they are worked through.
    expected : sequence of float
        Seconds of each, by which the bar advances.
    """
    doing = Doing("sweep")
    done: list[Run] = []
    try:
        with bar() as advance:
            for run in runs:
                while (record := runner.wait(run.id, timeout=0.1)).status.active:
                    doing(_share(runner, runs, expected))
                    stage = runner.progress(run.id).stage
                    advance(f"run {len(done) + 1}/{len(runs)}: {stage}", doing.share, doing.remaining)
                done.append(record)
        return done
    except KeyboardInterrupt:
        runner.close()
        print(f"Interrupted: the runs of {runs[0].sweep} can be resumed in the app.", file=sys.stderr)
        raise


def _share(runner: Runner, runs: Sequence[Run], expected: Sequence[float]) -> float:
    """Return how much of the expected work is done: several runs may be at work at the same time."""
    done = 0.0
    for run, seconds in zip(runs, expected, strict=True):
        status = runner.run(run.id).status
        if status is RunStatus.RUNNING:
            done += seconds * runner.progress(run.id).fraction
        elif not status.active:
            done += seconds
    return done / sum(expected)


@contextmanager
def told_bar(what: str) -> Iterator[Callable[[float], None]]:
    """Show a progress bar with an estimate; yield what to tell the share done to."""
    doing = Doing(what)
    with bar(what) as advance:

        def tell(share: float) -> None:
            doing(share)
            advance(what, doing.share, doing.remaining)

        yield tell


@contextmanager
def bar(what: str = "") -> Iterator[Callable[[str, float, float | None], None]]:
    """Show a progress bar on standard error, if it is a terminal; yield what moves it.

    Until it is moved it pulses beside ``what``: work is done whose end nobody can tell.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}"),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None, left="")

        def advance(what: str, share: float, remaining: float | None) -> None:
            left = "" if remaining is None else f"about {remaining:.0f} s left"
            progress.update(task, description=what, total=1.0, completed=share, left=left)

        yield advance
