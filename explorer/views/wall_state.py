"""What the page shows of the wall, as plain values for its script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from explorer.model.progress import Progress
from explorer.model.run import Run, RunStatus
from explorer.model.wall import ALL, COST, MEASURES, NONE, STABILITY, START, TIME, TRUSTWORTHINESS, Wall
from explorer.views import palette
from explorer.views.run_list import card
from explorer.views.text import count, duration

SHORT = {TRUSTWORTHINESS: "trust", STABILITY: "stability", COST: "cost", TIME: "time"}
UNITS = {TRUSTWORTHINESS: "", STABILITY: "", COST: " per edge", TIME: ""}
RAMP = 9
ABOUT = {
    "sweep": "Which runs hang here",
    "rows": "The parameter that each row has one value of",
    "columns": "The parameter that each column has one value of",
    "sort": "In a grid by their parameters, or one after the other, the best first",
    "ring": "What the colour around each picture tells",
}


@dataclass(frozen=True)
class Standing:
    """Where the runs stand.

    Attributes
    ----------
    runs : tuple of Run
        All of the open data.
    progress : mapping of str to Progress
        Of those at work.
    waiting : tuple of str
        Those in the queue, in order.
    on_map : str
        The one on the map.
    blank : mapping of str to str
        Those in which there was no map to draw, and why; empty where that is not known.
    """

    runs: tuple[Run, ...]
    progress: Mapping[str, Progress]
    waiting: tuple[str, ...] = ()
    on_map: str = ""
    blank: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scored:
    """What is known of one measure.

    Attributes
    ----------
    values : mapping of str to float
        By run.
    faults : mapping of str to str
        Why a run has none, in one sentence.
    waiting : frozenset of str
        Runs of the wall whose value is still to come.
    """

    values: Mapping[str, float]
    faults: Mapping[str, str]
    waiting: frozenset[str] = frozenset()


def wall_state(wall: Wall, standing: Standing, scored: Mapping[str, Scored], dark: bool) -> dict[str, Any]:
    """What `WallPart` shows.

    Parameters
    ----------
    wall : Wall
    standing : Standing
    scored : mapping of str to Scored
        Of the measures that sort or ring the wall.
    dark : bool
        The theme.
    """
    rings = _rings(wall, scored.get(wall.ring), dark)
    return {
        "choices": _choices(wall, standing.runs),
        "rows": {"name": _label(wall.rows), "values": list(wall.row_values)},
        "columns": {"name": _label(wall.columns), "values": list(wall.column_values)},
        "cells": [[[run.id for run in cell] for cell in row] for row in wall.cells],
        "tiles": {run.id: _tile(run, wall, standing, scored, rings.get(run.id, "")) for run in wall.runs},
        "legend": _legend(wall, scored.get(wall.ring), dark),
        "said": _said(wall, standing),
    }


def written(name: str, value: float) -> str:
    """A value of a measure with its unit.

    >>> written("cost", 2.4131), written("time", 8.13), written("stability", 0.5)
    ('2.413 per edge', '8.1 s', '0.500')
    """
    return duration(value) if name == TIME else f"{value:.3f}{UNITS[name]}"


def _choices(wall: Wall, runs: tuple[Run, ...]) -> list[dict[str, Any]]:
    of_sweep = Counter(run.sweep for run in runs)
    sweeps = [(one, f"sweep {one.removeprefix('sweep-')} · {count(of_sweep[one])}") for one in wall.sweeps]
    axes = [(name, _label(name)) for name in wall.varying]
    measures = [(name, name) for name in MEASURES]
    choices = [_choice("sweep", "Runs", wall.sweep, [*sweeps, (ALL, f"all · {count(len(runs))}")])]
    if not wall.sort:
        offered = [*axes, (NONE, "none")]
        choices.append(_choice("rows", "Rows", wall.rows, offered))
        choices.append(_choice("columns", "Columns", wall.columns, offered))
    for name, value in wall.rest.items():
        options = [("", "all"), *((one, one) for one in wall.varying[name])]
        choices.append(_choice(name, _label(name), value, options))
    choices.append(_choice("sort", "Order", wall.sort, [("", "grid"), *measures]))
    choices.append(_choice("ring", "Ring", wall.ring, [("", "none"), *measures]))
    return choices


def _choice(name: str, label: str, value: str, options: list[tuple[str, str]]) -> dict[str, Any]:
    about = ABOUT.get(name, "One value of it, or all side by side")
    return {
        "name": name,
        "label": label,
        "value": value,
        "options": [list(one) for one in options],
        "about": about,
    }


def _label(name: str) -> str:
    return {START: "starts from", NONE: ""}.get(name, name)


def _tile(
    run: Run, wall: Wall, standing: Standing, scored: Mapping[str, Scored], ring: str
) -> dict[str, Any]:
    progress = standing.progress.get(run.id)
    before = standing.waiting.index(run.id) if run.id in standing.waiting else -1
    told = card(run, progress, "first" if run.id == standing.on_map else "", before)
    lines = told["line"].split("\n")
    measures = dict.fromkeys(name for name in (wall.ring, wall.sort) if name)
    faults = [scored[name].faults[run.id] for name in measures if run.id in scored[name].faults]
    words = _no_map(run, progress, told["line"], standing.blank)
    return {
        "name": wall.name(run),
        "called": run.title,
        "line": "failed" if run.status is RunStatus.FAILED else lines[0],
        "value": " · ".join(_value(name, run, scored[name]) for name in measures),
        "about": "\n".join([run.title, *([run.label] if run.name else []), run.id, *lines, *faults]),
        "words": words,
        "status": told["status"],
        "fraction": told["fraction"],
        "ring": ring,
        "first": told["place"] == "first",
    }


def _no_map(run: Run, progress: Progress | None, line: str, blank: Mapping[str, str]) -> str:
    """What stands in the place of a picture until there is one."""
    if run.parameters.n_components != 2:
        return f"{run.parameters.n_components} dimensions: no map to draw"
    if run.status is RunStatus.FAILED:
        return line
    if run.status is RunStatus.DONE and run.id in blank:
        return blank[run.id] or "The map of this run is missing."
    epoch = run.epoch if progress is None else progress.epoch
    return "drawing …" if epoch else line


def _value(name: str, run: Run, scored: Scored) -> str:
    if run.id in scored.values:
        value = written(name, scored.values[run.id])
        return value if name == TIME else f"{SHORT[name]} {value}"
    return f"{SHORT[name]} {'…' if run.id in scored.waiting else '–'}"


def _known(wall: Wall, scored: Scored) -> dict[str, float]:
    return {run.id: scored.values[run.id] for run in wall.runs if run.id in scored.values}


def _rings(wall: Wall, scored: Scored | None, dark: bool) -> dict[str, str]:
    known = {} if scored is None else _known(wall, scored)
    low, high = min(known.values(), default=0.0), max(known.values(), default=0.0)
    scale = palette.sequential(dark)
    last = len(scale) - 1
    places = {name: (value - low) / (high - low) if high > low else 0.5 for name, value in known.items()}
    return {name: scale[round(place * last)] for name, place in places.items()}


def _legend(wall: Wall, scored: Scored | None, dark: bool) -> dict[str, Any]:
    if scored is None:
        return {}
    known, measure = _known(wall, scored).values(), MEASURES[wall.ring]
    note = "higher is better" if measure.high_is_good else "lower is better"
    if scored.waiting:
        note = f"{count(len(scored.waiting))} of {count(len(wall.runs))} runs to come"
    return {
        "about": f"{wall.ring}: {measure.about}",
        "low": written(wall.ring, min(known)).removesuffix(UNITS[wall.ring]) if known else "",
        "high": written(wall.ring, max(known)) if known else "",
        "colours": list(palette.sequential(dark, RAMP)),
        "note": note,
    }


def _said(wall: Wall, standing: Standing) -> str:
    """How many runs hang here, and how many are done, at work and waiting."""
    now = Counter(
        standing.progress[run.id].status if run.id in standing.progress else run.status for run in wall.runs
    )
    names = {RunStatus.RUNNING: "at work"}
    parts = [f"{count(now[status])} {names.get(status, status)}" for status in RunStatus if now[status]]
    total = f"{count(len(wall.runs))} run{'' if len(wall.runs) == 1 else 's'}"
    return f"{total} done" if len(now) == 1 and now[RunStatus.DONE] else " · ".join([total, *parts])
