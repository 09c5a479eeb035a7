"""Colour the map by a column or by what the run tells of each point, with a legend that counts."""

from __future__ import annotations

import html
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui

from explorer.model.categories import MISSING, NO_VALUE, Categories
from explorer.model.selection import composition
from explorer.model.session import Session
from explorer.model.statistics import STABILITY, STATISTICS
from explorer.views import palette
from explorer.views.aside import Aside, Begin
from explorer.views.colouring import category_colours, colours, edge_colours, offered, without_colour
from explorer.views.legend import LegendList, LegendRow
from explorer.views.text import count, counted
from explorer.views.theme import stylesheet

DENSITY = "density of points"
MOST_ROWS, MOST_UNSEARCHED = 200, 12
ISOLATE = "Click shows one alone · Ctrl-click adds or hides"
SELECT = "With the lasso or the box in hand, click a cluster on the map to select it."
OTHER = -2
"""The key of the row for all categories that have no colour of their own; that of missing values is -1."""


class Choice(pmui.Select):
    """A choice that is heard at once: by default others are waited for 50 ms, as a slider sends them."""

    _priority_changes: ClassVar[list[str]] = ["value"]


class ColourPanel(pn.viewable.Viewer):
    """A choice of column or statistic and its legend.

    A click on a row shows it alone, Ctrl-click shows or hides it. Pointing at a row highlights it on the map.

    Parameters
    ----------
    session : Session
        Whose map is coloured.
    dark : bool
        The theme.
    after_pictures : callable, optional
        Has the legend counted once maps or wall are painted, see `Aside`.
    """

    def __init__(self, session: Session, dark: bool = True, after_pictures: Begin | None = None) -> None:
        super().__init__()
        self._session, self._dark, self._search, self._aside = session, dark, "", Aside(begin=after_pictures)
        self.column = Choice(
            label="Colour by",
            size="small",
            options=[DENSITY],
            sizing_mode="stretch_width",
            margin=(10, 0, 6, 0),
            description="Density shows how many items lie on a spot; a column shows what they are.",
        )
        sheet: dict[str, Any] = {
            "stylesheets": [stylesheet("panels.css")],
            "sizing_mode": "stretch_width",
        }
        self._hint = pn.pane.HTML(margin=(0, 0, 6, 0), **sheet)
        self.cancel = pmui.Button(
            label="Cancel",
            variant="outlined",
            size="small",
            margin=(0, 0, 6, 0),
            description="Stops computing. It begins anew when it is chosen again.",
        )
        self.cancel.on_click(self._cancel)
        self.legend = LegendList(self._on_legend, label="Legend", sizing_mode="stretch_width", margin=0)
        self._beneath = pn.pane.HTML(margin=0, **sheet)
        self.column.param.watch(self._choose, ["value"])
        session.param.watch(self._offer, ["dataset", "runs", "run_id", "beside_ids"])
        told = ["dataset", "run_id", "beside_ids", "colour_by", "isolated", "selection", "heard"]
        session.param.watch(self._draw, told)
        self._offer()
        self._draw()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.column, self._hint, self.cancel, self.legend, self._beneath,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def _offer(self, *_: Any) -> None:
        options = {DENSITY: "", **offered(self._session)}
        if options != self.column.options:
            name = self._session.colour_by
            self.column.param.update(options=options, value=name if name in options.values() else "")

    def _choose(self, event: Any) -> None:
        name = event.new or ""
        if name != self._session.colour_by:  # chosen here, and not told from there
            self._session.param.update(colour_by=name, isolated=frozenset(), highlighted=frozenset())

    def _cancel(self, _: Any) -> None:
        session = self._session
        # First of all: what still waits for it would ask for it again.
        if session.waiting_for(session.colour_by):
            session.param.update(colour_by="", isolated=frozenset(), highlighted=frozenset())
        session.derived.stop()
        session.hear()

    def _on_legend(self, message: dict[str, Any]) -> None:
        session = self._session
        if message["act"] == "point":
            session.highlighted = frozenset() if message["key"] is None else self._codes(message["key"])
        elif message["act"] == "search":
            self._search = str(message["text"])
            self._draw()
        elif message["act"] == "all":
            session.isolated = frozenset()
        else:
            self._isolate(self._codes(message["key"]), bool(message["toggle"]))

    def _codes(self, key: int) -> frozenset[int]:
        return codes_of(key, self._session.categories(self._session.colour_by))

    def _isolate(self, codes: frozenset[int], toggle: bool) -> None:
        categories = self._session.categories(self._session.colour_by)
        everything = frozenset(range(MISSING if categories.missing else 0, len(categories.names)))
        shown = self._session.isolated or everything
        if toggle:
            now = shown - codes if codes <= shown else shown | codes
        else:
            now = everything if shown == codes else codes
        self._session.isolated = frozenset() if now == everything else now

    def _draw(self, *_: Any) -> None:
        session, name = self._session, self._session.colour_by
        if self.column.value != name and name in self.column.options.values():
            self.column.value = name
        self.cancel.visible = session.derived.doing is not None
        of = f"{'' if session.dataset is None else session.dataset.id} {name}"
        if of != self.legend.of:
            self._search, self.legend.of = "", of
        dark, search = self._dark, self._search

        def count_up() -> tuple[Any, ...]:
            if not colours(session, name):
                return (), 0, "", density_ramp(dark)
            categories = session.categories(name)
            rows = legend_rows(session, dark, search)
            return rows, len(categories.names), hint(session), unlisted(categories, search)

        self._aside.ask_instead(count_up, lambda counted: self._show(*counted))

    def _show(self, rows: tuple[LegendRow, ...], n_names: int, said: str, beneath: str) -> None:
        self.legend.param.update(
            rows=list(rows),
            searchable=n_names > MOST_UNSEARCHED,
            isolating=bool(self._session.isolated),
            visible=n_names > 0,
        )
        self._hint.object, self._beneath.object = said, beneath


def hint(session: Session) -> str:
    """What a colouring means and what can be done with its legend, or why there is none yet, as HTML."""
    name = session.colour_by
    if waiting := session.waiting_for(name):
        return f'<div class="muted">{html.escape(waiting)}</div>'
    categories, lines = session.categories(name), []
    if session.is_statistic(name):
        lines.append(STATISTICS[name].about)
        if name == STABILITY:
            of_these = ", those of the comparison" if session.is_compared else ""
            lines.append(f"Told over {count(session.stability_over)} runs{of_these}.")
    if not categories.names:
        return f'<div class="muted">{lines[0] if lines else "No item has a value in this column."}</div>'
    if categories.ranges is not None and categories.ranges.centred:
        lines.append("Blue is below zero, orange above.")
    lines += [ISOLATE, SELECT] if session.shows_clusters else [ISOLATE]
    return "".join(f'<div class="muted">{html.escape(line)}</div>' for line in lines)


def density_ramp(dark: bool) -> str:
    """The colours of a map by density, as HTML."""
    colours = palette.density(dark)
    ramp = ", ".join(colours[::32] + colours[-1:])
    return (
        f'<div class="ramp" style="background:linear-gradient(90deg, {ramp})"></div>'
        '<div class="ends"><span>few items</span><span>many items</span></div>'
    )


def codes_of(key: int, categories: Categories) -> frozenset[int]:
    """The categories that a row of the legend stands for, -1 for missing values."""
    return frozenset(without_colour(categories)) if key == OTHER else frozenset({key})


def legend_rows(session: Session, dark: bool, search: str = "") -> tuple[LegendRow, ...]:
    """The legend of the session's column in the order of its categories, with selected and total counts.

    Last come those without a colour of their own, together, and missing values, if there are any.

    Parameters
    ----------
    session : Session
    dark : bool
        The theme.
    search : str
        What a name must hold to be listed, in capitals or not; 200 categories are listed at most.
    """
    categories, theme = session.categories(session.colour_by), palette.tokens(dark)
    if not categories.names:
        return ()
    own, without = category_colours(categories, dark), without_colour(categories)
    shades = edge_colours(categories, dark) if categories.ranges is not None else ()
    selection, wanted = session.selection, _wanted(search)
    selected = {share.code: share.selected for share in composition(selection.mask, categories)}
    selected[MISSING] = selection.count - sum(selected.values())
    totals = {MISSING: categories.missing, **dict(enumerate(categories.counts.tolist()))}
    found = _found(categories, search)[:MOST_ROWS]
    named = [(code, categories.names[code], own[code]) for code in found]
    grouped = [
        (OTHER, f"(other: {counted(len(without), 'category', 'categories')})", theme.other, len(without)),
        (MISSING, NO_VALUE, theme.missing, categories.missing),
    ]
    named += [(key, name, grey) for key, name, grey, some in grouped if some and wanted in name]
    return tuple(
        LegendRow(
            key=key,
            name=name,
            colour=colour,
            shade=shades[key] if shades and key >= 0 else None,
            selected=sum(selected[code] for code in codes_of(key, categories)),
            total=sum(totals[code] for code in codes_of(key, categories)),
            dim=bool(session.isolated) and not codes_of(key, categories) & session.isolated,
        )
        for key, name, colour in named
    )


def unlisted(categories: Categories, search: str = "") -> str:
    """What the legend has no row of its own for, as HTML: categories found beyond the first 200."""
    rest = _found(categories, search)[MOST_ROWS:]
    if not rest:
        return ""
    these = counted(len(rest), "category", "categories")
    items = counted(int(categories.counts[rest].sum()), "item")
    have, them = ("has", "it") if len(rest) == 1 else ("have", "them")
    return f'<div class="muted">{these}, with {items}, {have} no row here: search for {them}</div>'


def _wanted(search: str) -> str:
    return search.strip().casefold()


def _found(categories: Categories, search: str) -> list[int]:
    wanted = _wanted(search)
    return [code for code, name in enumerate(categories.names) if wanted in name.casefold()]
