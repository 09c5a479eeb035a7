"""From a column of the items to the colours of the map and the rows of the legend."""

from __future__ import annotations

from explorer.model.categories import Categories
from explorer.model.projection import BENEATH
from explorer.model.session import Session
from explorer.views import palette
from explorer.views.shading import Colouring, density_colouring

NUMERIC_STEPS = 256


class Colours:
    """The colouring of a session's maps, made once for each choice of column, categories and theme.

    Parameters
    ----------
    session : Session
        Whose `colour_by` and `isolated` choose the colours.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._key: tuple[object, ...] = ()
        self._colouring = density_colouring(dark=True)

    def now(self, dark: bool) -> Colouring:
        """The colour of every point."""
        session = self._session
        key = (session.dataset and session.dataset.id, session.colour_by, session.isolated, dark)
        if key != self._key:
            self._colouring, self._key = _colouring_of(session, dark), key
        return self._colouring


def colourable(session: Session) -> tuple[str, ...]:
    """The columns of the open data that can be told apart by colour: all but bytes and vectors."""
    if session.dataset is None:
        return ()
    return tuple(column.name for column in session.dataset.items.columns if column.kind != "other")


def category_colours(categories: Categories, dark: bool) -> tuple[str, ...]:
    """The colour of each category: its own, or for ranges the middle of their part of the scale."""
    n = len(categories.names)
    if categories.ranges is None:
        return palette.categorical(n, dark)
    fineness = _fineness(n)
    return palette.sequential(dark, n * fineness)[fineness // 2 :: fineness]


def _fineness(n_ranges: int) -> int:
    return max(1, NUMERIC_STEPS // max(1, n_ranges))


def _colouring_of(session: Session, dark: bool) -> Colouring:
    column = session.colour_by
    if session.dataset is None or column not in colourable(session):
        return density_colouring(dark)
    categories = session.categories(column)
    n, missing = len(categories.names), palette.tokens(dark).missing
    hidden = frozenset(range(n)) - session.isolated if session.isolated else frozenset()
    if categories.ranges is not None:
        # Numbers shade into one another within their range.
        fineness = _fineness(n)
        codes = categories.ranges.steps(session.dataset.items.numbers(column), fineness)
        steps = frozenset(code * fineness + step for code in hidden for step in range(fineness))
        return Colouring(codes, palette.lookup(palette.sequential(dark, n * fineness), missing, steps))
    table = palette.lookup(palette.categorical(n, dark), missing, hidden)
    table[palette.MOST_COLOURS :, 3] = BENEATH  # the grey of "other" never covers a colour
    return Colouring(categories.codes, table)
