"""The wall: which runs hang in which cell of a grid of parameters, and in what order. Pure, on records."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote, unquote

from explorer.model.run import Run, RunParameters, RunStatus

ALL, NONE = "all", "none"
SEED, START = "seed", "start"
FIRST = ("n_neighbors", "min_dist", "metric", SEED)
# How wide a graph was computed is told on the cards: a sweep sets it, and nobody compares by it.
_OTHERS = {one.name for one in dataclasses.fields(RunParameters)} - {*FIRST, "graph_neighbors"}
AXES = (*FIRST, *sorted(_OTHERS), START)
"""What runs may differ in, what is most often swept first."""
SHORT = {"n_neighbors": "k", "min_dist": "d", "metric": "", START: ""}

TRUSTWORTHINESS, STABILITY, COST, TIME = "trustworthiness", "stability", "cost", "time"


@dataclass(frozen=True)
class Measure:
    """What runs are ordered or ringed by.

    Attributes
    ----------
    about : str
        What it means, with its unit.
    high_is_good : bool
    slow : bool
        Whether it has to be computed, see ``scores``; else the record of the run tells it.
    """

    about: str
    high_is_good: bool
    slow: bool


MEASURES = {
    TRUSTWORTHINESS: Measure("1 when all neighbours on the map are neighbours in the data", True, True),
    STABILITY: Measure("median share of neighbours that items keep from run to run, 0 to 1", True, True),
    COST: Measure("cross-entropy per edge", False, False),
    TIME: Measure("seconds in all stages; those found in the cache count none", False, False),
}


@dataclass(frozen=True)
class Choice:
    """What an analyst chose of a wall; what is empty is as it comes.

    Attributes
    ----------
    sweep : str
        The id of a sweep, or "all" for all runs of the data.
    rows, columns : str
        One of `AXES`, or "none".
    fixed : tuple of (str, str)
        One value, as text, for parameters that make neither rows nor columns.
    sort, ring : str
        One of `MEASURES`.
    """

    sweep: str = ""
    rows: str = ""
    columns: str = ""
    fixed: tuple[tuple[str, str], ...] = ()
    sort: str = ""
    ring: str = ""

    @property
    def text(self) -> str:
        """It in one line, for an address.

        >>> Choice(rows="min_dist", fixed=(("seed", "0"),), ring="cost").text
        'rows:min_dist,ring:cost,seed:0'
        """
        names = ("sweep", "rows", "columns", "sort", "ring")
        pairs = [(name, getattr(self, name)) for name in names] + list(self.fixed)
        return ",".join(f"{name}:{quote(value, safe='')}" for name, value in pairs if value)

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the choice that a line tells; what it does not know is left out.

        >>> Choice.of("rows:min_dist,seed:0,ring:beauty,colour:red") == Choice(
        ...     rows="min_dist", fixed=(("seed", "0"),)
        ... )
        True
        """
        given = {name: unquote(value) for name, _, value in (one.partition(":") for one in text.split(","))}
        axes, measures = (*AXES, NONE), tuple(MEASURES)
        known = {"rows": axes, "columns": axes, "sort": measures, "ring": measures}
        chosen = {name: given[name] for name, values in known.items() if given.get(name) in values}
        fixed = tuple((name, given[name]) for name in AXES if given.get(name))
        return cls(sweep=given.get("sweep", ""), fixed=fixed, **chosen)


@dataclass(frozen=True)
class Wall:
    """Runs in a grid.

    Attributes
    ----------
    sweeps : tuple of str
        The ids of the sweeps to choose from, newest first.
    sweep : str
        The one shown; "all" for all runs of the data.
    varying : dict of str to tuple of str
        Values, ascending and as text, of each parameter in which the runs of the sweep differ.
    rows, columns : str
        The parameters that make them; "none" for a single row or column.
    rest : dict of str to str
        The chosen value of each other parameter that varies; empty for all, side by side in a cell.
    cells : tuple of tuple of tuple of Run
        The runs of each cell by row and column, ascending by what varies among them; all in one cell, in
        their order, when they are sorted.
    sort, ring : str
        One of `MEASURES`; empty for none.
    """

    sweeps: tuple[str, ...]
    sweep: str
    varying: Mapping[str, tuple[str, ...]]
    rows: str
    columns: str
    rest: Mapping[str, str]
    cells: tuple[tuple[tuple[Run, ...], ...], ...]
    sort: str = ""
    ring: str = ""

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs on the wall, row by row."""
        return tuple(run for row in self.cells for cell in row for run in cell)

    @property
    def row_values(self) -> tuple[str, ...]:
        """The heads of the rows; one that is empty if there are none."""
        return self.varying.get(self.rows, ("",))

    @property
    def column_values(self) -> tuple[str, ...]:
        """The heads of the columns; one that is empty if there are none."""
        return self.varying.get(self.columns, ("",))

    def name(self, run: Run) -> str:
        """What tells a run from others in its cell, its seed always.

        That is all in which it differs from them and no head or choice tells.
        """
        told = {self.rows, self.columns, *(name for name, value in self.rest.items() if value)}
        names = [name for name in self.varying if name not in told or name == SEED]
        if SEED not in names:
            names.append(SEED)
        return " · ".join(f"{SHORT.get(name, name)} {text_of(value_of(run, name))}".strip() for name in names)


def arrange(runs: Iterable[Run], choice: Choice, scores: Mapping[str, float] | None = None) -> Wall:
    """Return the runs of some data as they hang on the wall.

    Parameters
    ----------
    runs : iterable of Run
        All of the data, newest first.
    choice : Choice
        What is chosen of them. By default the newest sweep, or all runs without any; the first two parameters
        that vary as rows and columns, seeds last. If only one varies they follow each other.
    scores : mapping of str to float, optional
        What the runs are sorted by, by their ids; those without come last.
    """
    everything = tuple(runs)
    sweeps = tuple(dict.fromkeys(run.sweep for run in everything if run.sweep))
    default = sweeps[0] if sweeps else ALL
    sweep = choice.sweep if choice.sweep in (ALL, *sweeps) else default
    chosen = [run for run in everything if sweep in (ALL, run.sweep)]
    values = varying(chosen)
    as_text = {name: tuple(text_of(value) for value in of) for name, of in values.items()}
    sort = choice.sort if choice.sort in MEASURES else ""
    rows, columns = (NONE, NONE) if sort else _axes(choice, as_text)
    fixed = {name: value for name, value in choice.fixed if value in as_text.get(name, ())}
    rest = {name: fixed.get(name, "") for name in as_text if name not in (rows, columns)}
    kept = [run for run in chosen if all(text_of(value_of(run, n)) == v for n, v in rest.items() if v)]
    order = {name: {value: place for place, value in enumerate(of)} for name, of in values.items()}
    kept.sort(key=lambda run: ([order[name][value_of(run, name)] for name in order], run.created))
    if sort:
        kept = sorted_by(kept, sort, scores or {})
    heads = [as_text.get(name, ("",)) for name in (rows, columns)]
    placed: dict[tuple[str, str], list[Run]] = {(row, column): [] for row in heads[0] for column in heads[1]}
    for run in kept:
        placed[_head(run, rows), _head(run, columns)].append(run)
    cells = tuple(tuple(tuple(placed[row, column]) for column in heads[1]) for row in heads[0])
    return Wall(sweeps, sweep, as_text, rows, columns, rest, cells, sort, choice.ring)


def chosen(choice: Choice, wall: Wall, name: str, value: str) -> Choice:
    """Return a choice with one thing chosen anew.

    Parameters
    ----------
    choice : Choice
        So far.
    wall : Wall
        What it came to.
    name : str
        A field of `Choice`, or the parameter of which a value is fixed. Rows and columns never are the same:
        what is chosen for one and was the other's changes places with it. What is no name changes nothing.
    value : str
        What is chosen; empty for all values of a parameter.
    """
    now: dict[str, Any] = {name: value}
    if name in ("rows", "columns"):
        other = "columns" if name == "rows" else "rows"
        now[other] = getattr(wall, other)
        if value == now[other] != NONE:
            now[other] = getattr(wall, name)
        return dataclasses.replace(choice, **now)
    if name == "sweep":
        # The other runs vary in other things.
        return Choice(sweep=value, sort=choice.sort, ring=choice.ring)
    if name in ("sort", "ring"):
        return dataclasses.replace(choice, **now)
    if name not in AXES:
        return choice
    fixed = dict(choice.fixed) | {name: value}
    return dataclasses.replace(choice, fixed=tuple((one, text) for one, text in fixed.items() if text))


def varying(runs: Iterable[Run]) -> dict[str, tuple[Any, ...]]:
    """Return the ascending values of each parameter in which runs differ, in the order of `AXES`."""
    runs = tuple(runs)
    values = {name: {value_of(run, name) for run in runs} for name in AXES}
    return {name: tuple(sorted(of, key=_by_kind)) for name, of in values.items() if len(of) > 1}


def value_of(run: Run, name: str) -> Any:
    """Return what a run has of one of `AXES`: the value of a parameter, or what it starts from."""
    if name == START:
        return "" if run.start is None else run.start.label
    return getattr(run.parameters, name)


def text_of(value: Any) -> str:
    """Return a value of a parameter as it is shown and chosen.

    >>> [text_of(value) for value in (15, 0.1, 0.0, True, None, "", "cosine")]
    ['15', '0.1', '0', 'yes', 'by default', 'none', 'cosine']
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return "by default" if value is None else str(value) or "none"


def told(name: str, run: Run) -> float | None:
    """Return what the record of a run at rest tells of a measure; None if it does not."""
    if run.status.active or run.status is RunStatus.FAILED:
        return None
    return {COST: run.cost, TIME: run.total_seconds if run.epoch else None}.get(name)


def sorted_by(runs: Sequence[Run], name: str, scores: Mapping[str, float]) -> list[Run]:
    """Return runs by a measure, the best first, those without one last; equals stay in their order."""
    sign = -1 if MEASURES[name].high_is_good else 1
    return sorted(runs, key=lambda run: (run.id not in scores, sign * scores.get(run.id, 0.0)))


def reference(runs: Iterable[Run], on_map: str) -> Run | None:
    """Return the run over which the others are laid: the one on the map, else the first that was done.

    Parameters
    ----------
    runs : iterable of Run
        Those on the wall.
    on_map : str
        The id of the run on the map. It counts if it hangs here and is at rest with a flat map.
    """
    flat = [run for run in runs if run.parameters.n_components == 2 and run.epoch and not run.status.active]
    here = next((run for run in flat if run.id == on_map), None)
    done = [run for run in flat if run.status is RunStatus.DONE]
    return here or min(done, key=lambda run: run.created, default=None)


def _axes(choice: Choice, varying: Mapping[str, tuple[str, ...]]) -> tuple[str, str]:
    names = sorted(varying, key=lambda name: name == SEED)
    rows, columns = names[:2] if len(names) > 1 else (NONE, NONE)
    known = (*names, NONE)
    if choice.rows in known and choice.columns in known:
        rows, columns = choice.rows, choice.columns
    elif choice.rows in known:
        rows, columns = choice.rows, next((name for name in names if name != choice.rows), NONE)
    elif choice.columns in known:
        rows, columns = next((name for name in names if name != choice.columns), NONE), choice.columns
    return rows, NONE if columns == rows else columns


def _head(run: Run, axis: str) -> str:
    return "" if axis == NONE else text_of(value_of(run, axis))


def _by_kind(value: Any) -> tuple[int, Any]:
    # Of n_epochs some may be None; numbers and texts are never of one parameter.
    return (0, 0) if value is None else (1, value)
