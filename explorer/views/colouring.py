"""From a column of the items to the colours of the map and the rows of the legend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.projection import BENEATH
from explorer.model.session import Session
from explorer.views import palette
from explorer.views.shading import Colouring, density_colouring

NUMERIC_STEPS = 256
NUMERIC_KINDS = ("numeric", "time")


@dataclass(frozen=True)
class NumericScale:
    """The range a numeric colouring spans, 1st to 99th percentile, so that one outlier does not grey all."""

    low: float
    high: float


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


def kind_of(session: Session, column: str) -> str:
    """The kind of a column of the open data, "" when there is no such column."""
    if session.dataset is None:
        return ""
    return next((entry.kind for entry in session.dataset.items.columns if entry.name == column), "")


def numeric_scale(values: NDArray[np.float64]) -> NumericScale:
    """Where the colours of a numeric column, float64 (n,) with NaN for missing, begin and end."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return NumericScale(0.0, 1.0)
    low, high = (float(v) for v in np.percentile(finite, [1, 99]))
    return NumericScale(low, high if high > low else low + 1.0)


def _colouring_of(session: Session, dark: bool) -> Colouring:
    column, kind = session.colour_by, kind_of(session, session.colour_by)
    if not kind or session.dataset is None:
        return density_colouring(dark)
    missing = palette.tokens(dark).missing
    if kind in NUMERIC_KINDS:
        codes = _numeric_codes(session.dataset.items.numbers(column))
        return Colouring(codes, palette.lookup(palette.sequential(dark), missing))
    categories = session.categories(column)
    colours = palette.categorical(len(categories.names), dark)
    hidden = frozenset(range(len(colours))) - session.isolated if session.isolated else frozenset()
    table = palette.lookup(colours, missing, hidden)
    table[palette.MOST_COLOURS :, 3] = BENEATH  # the grey of "other" never covers a colour
    return Colouring(categories.codes, table)


def _numeric_codes(values: NDArray[np.float64]) -> NDArray[np.int32]:
    scale = numeric_scale(values)
    steps = np.clip((values - scale.low) / (scale.high - scale.low), 0, 1) * (NUMERIC_STEPS - 1)
    return np.where(np.isfinite(values), np.nan_to_num(steps), -1).astype(np.int32)
