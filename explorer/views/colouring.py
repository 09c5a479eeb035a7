"""From a column of the items, or what a run tells, to the colours of the map and the rows of the legend."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from explorer.model.categories import MISSING, Categories
from explorer.model.projection import BENEATH
from explorer.model.ranges import Ranges
from explorer.model.session import Session
from explorer.model.statistics import DISPLACEMENT, STABILITY, STATISTICS
from explorer.views import palette
from explorer.views.shading import Colouring, density_colouring

NUMERIC_STEPS = 256


class Colours:
    """The colouring of a session's maps, made once for each choice of column, categories and theme.

    Which colour a point takes is kept apart from the table of colours: pointing at a legend changes the table
    alone, which costs nothing however many points there are.

    Parameters
    ----------
    session : Session
        Whose `colour_by`, `isolated` and `highlighted` choose the colours.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        # Two painters and the page ask at once: codes and table must come from one choice of column.
        self._lock = threading.Lock()
        self._key: tuple[object, ...] = ()
        self._codes_key: tuple[object, ...] = ()
        self._codes: NDArray[np.int32] = np.zeros(0, np.int32)
        self._colouring = density_colouring(dark=True)

    @property
    def source(self) -> tuple[object, ...]:
        """What the colours are made from, to compare: data and column, or run and statistic as it comes."""
        return self._source(self._session.colour_by)

    def now(self, dark: bool) -> Colouring:
        """The colour of every point. Safe to call from several threads."""
        session = self._session
        with self._lock:
            name = session.colour_by
            key = (self._source(name), session.isolated, session.highlighted, dark)
            if key != self._key:
                self._colouring, self._key = self._made(name, *key), key
            return self._colouring

    def _source(self, name: str) -> tuple[object, ...]:
        session = self._session
        if session.dataset is None or not name:
            return ("",)
        of = (session.dataset.id, name)
        if not session.is_statistic(name):
            return of
        run = session.run(session.run_id)
        beside = session.beside_ids[:1] if name == DISPLACEMENT else ()
        return (*of, session.run_id, beside, run is not None and run.status.active, session.heard)

    def plain(self, dark: bool) -> Colouring:
        """The same with no category hidden or pointed at, for pictures that outlast that."""
        with self._lock:
            name = self._session.colour_by
            return self._made(name, self._source(name), frozenset(), frozenset(), dark)

    def _made(
        self,
        name: str,
        source: tuple[object, ...],
        isolated: frozenset[int],
        highlighted: frozenset[int],
        dark: bool,
    ) -> Colouring:
        session = self._session
        if not colours(session, name):
            return density_colouring(dark)
        categories = session.categories(name)
        if source != self._codes_key:
            self._codes, self._codes_key = _codes(session, name, categories), source
        return Colouring(self._codes, colour_table(categories, dark, isolated, highlighted))


def colourable(session: Session) -> tuple[str, ...]:
    """The columns of the open data that can be told apart by colour: all but bytes and vectors."""
    if session.dataset is None:
        return ()
    return tuple(column.name for column in session.dataset.items.columns if column.kind != "other")


def colours(session: Session, name: str) -> bool:
    """Whether this names a column or a statistic that can colour the map of the open data."""
    return session.dataset is not None and (name in colourable(session) or session.is_statistic(name))


def offered(session: Session) -> dict[str, str]:
    """What can colour the map, by label: the columns, then the statistics of the run on the map."""
    columns = {name: name for name in colourable(session)}
    if session.dataset is None:
        return {}
    statistics = {
        label_of(session, name): name
        for name in STATISTICS
        if session.is_statistic(name)
        and (name != STABILITY or session.has_other_runs)
        and (name != DISPLACEMENT or session.beside_ids)
    }
    return columns | {label: name for label, name in statistics.items() if label not in columns}


def label_of(session: Session, name: str) -> str:
    """What a column of the open data or a statistic is called on the page."""
    return f"{STATISTICS[name].label} (of this map)" if session.is_statistic(name) else name


def category_colours(categories: Categories, dark: bool) -> tuple[str, ...]:
    """The colour of each category: its own, or for ranges the middle of their part of the scale."""
    n = len(categories.names)
    if categories.ranges is None:
        return _named_colours(categories, dark)
    fineness = _fineness(n)
    return _scale(categories.ranges, dark, fineness)[fineness // 2 :: fineness]


def without_colour(categories: Categories) -> list[int]:
    """The categories that share the grey of "other": all beyond the first 40, of which noise is none."""
    if categories.ranges is not None:  # which all have a colour
        return []
    ranked = [code for code in range(len(categories.names)) if code != categories.noise]
    return ranked[palette.MOST_COLOURS :]


def edge_colours(categories: Categories, dark: bool) -> tuple[tuple[str, str], ...]:
    """The first and the last colour of each range, for a scale that runs on from row to row."""
    assert categories.ranges is not None
    fineness = _fineness(len(categories.names))
    scale = _scale(categories.ranges, dark, fineness)
    return tuple(zip(scale[::fineness], scale[fineness - 1 :: fineness], strict=True))


def colour_table(
    categories: Categories,
    dark: bool,
    isolated: frozenset[int] = frozenset(),
    highlighted: frozenset[int] = frozenset(),
) -> NDArray[np.float32]:
    """The table of colours by code that `projection.rasterize` takes, the last row for missing values.

    Parameters
    ----------
    categories : Categories
    dark : bool
        The theme.
    isolated : frozenset of int, optional
        Categories that keep their colour, -1 for missing values: all others become neutral context.
    highlighted : frozenset of int, optional
        Categories that are pointed at: all others fade towards the page, beneath them.
    """
    theme, n = palette.tokens(dark), len(categories.names)
    fineness = 1 if categories.ranges is None else _fineness(n)
    if categories.ranges is None:
        table = palette.lookup(_named_colours(categories, dark), theme.missing)
        # Greys never cover a colour: "other", and noise.
        table[without_colour(categories), 3] = BENEATH
        if categories.noise >= 0:
            table[categories.noise, 3] = BENEATH
    else:
        # Numbers shade into one another within their range.
        table = palette.lookup(_scale(categories.ranges, dark, fineness), theme.missing)
    if isolated:
        shown = _places(isolated, len(table), fineness)
        table[~shown] = *palette.rgb(theme.missing), BENEATH
        if MISSING in isolated:  # context gives way to those whose grey it has
            _fade(table, ~shown, theme.page)
        if (table[shown, 3] == BENEATH).all():
            table[shown, 3] = 1
    if highlighted:
        shown = _places(highlighted, len(table), fineness)
        _fade(table, ~shown, theme.page)
        table[shown, 3] = 1
    return table


def _places(codes: frozenset[int], n: int, fineness: int) -> NDArray[np.bool_]:
    # Where categories stand in a table of n colours; missing values are its last.
    places = np.zeros(n, np.bool_)
    for code in codes - {MISSING}:
        places[:-1][code * fineness : (code + 1) * fineness] = True
    places[-1] = MISSING in codes
    return places


def _named_colours(categories: Categories, dark: bool) -> tuple[str, ...]:
    # Noise takes no colour from the others.
    n, noise = len(categories.names), categories.noise
    if noise < 0:
        return palette.categorical(n, dark)
    others = palette.categorical(n - 1, dark)
    return (*others[:noise], palette.tokens(dark).noise, *others[noise:])


def _scale(ranges: Ranges, dark: bool, fineness: int) -> tuple[str, ...]:
    n = len(ranges.names) * fineness
    if not ranges.centred:
        return palette.sequential(dark, n)
    values = np.interp((np.arange(n) + 0.5) / fineness, np.arange(len(ranges.edges)), ranges.edges)
    return palette.diverging(dark, values / np.abs(ranges.edges).max())


def _fade(table: NDArray[np.float32], which: NDArray[np.bool_], page: str) -> None:
    table[which, :3] = 0.2 * table[which, :3] + 0.8 * np.array(palette.rgb(page), np.float32)
    table[which, 3] = BENEATH


def _fineness(n_ranges: int) -> int:
    return max(1, NUMERIC_STEPS // max(1, n_ranges))


def _codes(session: Session, name: str, categories: Categories) -> NDArray[np.int32]:
    if categories.ranges is None:
        return categories.codes
    return categories.ranges.steps(session.numbers(name), _fineness(len(categories.names)))
