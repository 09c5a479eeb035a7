"""Colour the map by a column, with a legend that counts."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.categories import Categories
from explorer.model.selection import composition
from explorer.model.session import Session
from explorer.views import palette
from explorer.views.bars import BarRow, Bars
from explorer.views.colouring import category_colours, colourable
from explorer.views.text import count
from explorer.views.theme import stylesheet

DENSITY = "density of points"
MOST_ROWS = 200


class ColourPanel(pn.viewable.Viewer):
    """A choice of column and its legend. A click on a row shows it alone, Ctrl-click shows or hides it.

    Parameters
    ----------
    session : Session
        Whose map is coloured.
    dark : bool
        The theme.
    """

    def __init__(self, session: Session, dark: bool = True) -> None:
        super().__init__()
        self._session, self._dark = session, dark
        self.column = pmui.Select(
            label="Colour by",
            size="small",
            options=[DENSITY],
            sizing_mode="stretch_width",
            margin=(10, 0, 6, 0),
            description="Density shows how many items lie on a spot; a column shows what they are.",
        )
        self._hint = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(0, 0, 6, 0)
        )
        self.legend = Bars(self._pick, label="Legend", sizing_mode="stretch_width", margin=0)
        self._scale = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=0
        )
        self.column.param.watch(self._choose, ["value"])
        session.param.watch(self._offer, ["dataset"])
        session.param.watch(self._draw, ["colour_by", "isolated", "selection"])
        self._offer()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.column, self._hint, self.legend, self._scale, sizing_mode="stretch_width", margin=0
        )

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def _offer(self, *_: Any) -> None:
        options = {DENSITY: "", **{name: name for name in colourable(self._session)}}
        self.column.param.update(options=options, value=self._session.colour_by)
        self._draw()

    def _choose(self, event: Any) -> None:
        self._session.param.update(colour_by=event.new or "", isolated=frozenset())

    def _pick(self, message: dict[str, Any]) -> None:
        code, shown = int(message["key"]), self._session.isolated
        if message["toggle"]:
            everything = frozenset(range(len(self._session.categories(self._session.colour_by).names)))
            now = (shown or everything) ^ {code}
            self._session.isolated = frozenset() if now == everything else now
        else:
            self._session.isolated = frozenset() if shown == {code} else frozenset({code})

    def _draw(self, *_: Any) -> None:
        session, column = self._session, self._session.colour_by
        if self.column.value != column:
            self.column.value = column
        counted = column in colourable(session)
        self.legend.visible = counted
        self._hint.object = (
            '<div class="muted">Click shows one alone · Ctrl-click adds or hides</div>' if counted else ""
        )
        if counted:
            self.legend.rows = list(legend_rows(session, self._dark))
            self._scale.object = unlisted(session.categories(column), self._dark)
        else:
            self._scale.object = density_scale(self._dark)


def density_scale(dark: bool) -> str:
    """The colours of a map by density, as HTML."""
    colours = palette.density(dark)
    ramp = ", ".join(colours[::32] + colours[-1:])
    return (
        f'<div class="ramp" style="background:linear-gradient(90deg, {ramp})"></div>'
        '<div class="ends"><span>few items</span><span>many items</span></div>'
    )


def legend_rows(session: Session, dark: bool) -> tuple[BarRow, ...]:
    """The legend of the session's column in the order of its categories, with selected and total counts."""
    categories = session.categories(session.colour_by)
    colours = category_colours(categories, dark)
    shares = {share.code: share for share in composition(session.selection.mask, categories)}
    return tuple(
        BarRow(
            key=code,
            name=name,
            colour=colours[code],
            selected=shares[code].selected if code in shares else 0,
            total=int(categories.counts[code]),
            dim=bool(session.isolated) and code not in session.isolated,
            note="",
        )
        for code, name in list(enumerate(categories.names))[:MOST_ROWS]
    )


def unlisted(categories: Categories, dark: bool) -> str:
    """What the legend has no row for, as HTML: categories beyond the first 200, and missing values."""
    lines = []
    rest = len(categories.names) - MOST_ROWS
    if rest > 0:
        items = count(int(categories.counts[MOST_ROWS:].sum()))
        lines.append(f'<div class="muted">and {count(rest)} more categories with {items} items</div>')
    if missing := len(categories.codes) - int(categories.counts.sum()):
        swatch = f'<span class="swatch" style="background:{palette.tokens(dark).missing}"></span>'
        lines.append(f'<div class="unlisted">{swatch}{count(missing)} items have no value</div>')
    return "".join(lines)
