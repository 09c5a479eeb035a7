"""What the selection is made of, by one column or several, against the whole; and the whole without one."""

from __future__ import annotations

import html
from functools import partial
from typing import Any

import panel as pn

from explorer.model.categories import Categories
from explorer.model.doing import Doing
from explorer.model.selection import Share, composition
from explorer.model.session import Session
from explorer.views import text
from explorer.views.aside import Aside, Begin
from explorer.views.bars import BarRow, Bars
from explorer.views.colouring import category_colours, colours, label_of, offered
from explorer.views.histogram import Histogram, histogram_columns, note
from explorer.views.small_button import several
from explorer.views.telling import telling
from explorer.views.theme import stylesheet

NOTABLE_LIFT = 1.5
MOST_LETTERS = 40
"""Of a name in a sentence."""
MOST_ROWS, FEW_ROWS = 40, 8
"""Categories listed of a column alone, and of one among several."""

Counted = list[tuple[str, Categories, tuple[Share, ...]]]


class Composition(pn.viewable.Viewer):
    """A choice of columns and a block for each: bars for categories, histograms for numbers and times.

    A click on a bar selects its items, or of a selection keeps just them; Ctrl-click adds all of them.

    Parameters
    ----------
    session : Session
        Whose selection it is.
    dark : bool
        The theme.
    after_pictures : callable, optional
        Has the items counted once maps or wall are painted, see `Aside`.
    """

    def __init__(self, session: Session, dark: bool = True, after_pictures: Begin | None = None) -> None:
        super().__init__()
        self._session, self._dark, self._aside = session, dark, Aside(begin=after_pictures)
        self._parts: dict[str, ColumnBlock] = {}
        self._coloured_by = ""
        self._doing: Doing | None = None
        self._awaited: set[str] = set()
        self.columns = several(
            "Composition by", "Columns to compare the selection with the whole by.", margin=(8, 0, 4, 0)
        )
        self._blocks = pn.Column(sizing_mode="stretch_width", margin=0)
        self.columns.param.watch(self._draw, ["value"])
        session.param.watch(self._offer, ["dataset", "runs", "run_id", "beside_ids"])
        session.param.watch(self._follow, ["colour_by"])
        session.param.watch(self._draw, ["selection", "heard"])
        self._offer()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self.columns, self._blocks, sizing_mode="stretch_width", margin=0)

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def block(self, column: str) -> ColumnBlock:
        """The block of a column that is shown or was."""
        return self._parts[column]

    def _offer(self, *_: Any) -> None:
        options = offered(self._session)
        if options != self.columns.options:
            names, by = list(options.values()), self._session.colour_by
            chosen = [] if self._is_following else [name for name in self.columns.value if name in names]
            self._coloured_by = by
            self._parts.clear()
            value = chosen or ([by] if by in names else names[:1])
            self.columns.param.update(options=options, value=value)
        self._draw()

    def _follow(self, *_: Any) -> None:
        session, names = self._session, list(offered(self._session).values())
        now = session.colour_by
        if now not in names:
            if not (self._is_following and session.waiting_for(self._coloured_by)):
                return
            # A statistic that nobody waits for any more would be asked for again.
            now = self._first_column
        if self._is_following:
            self.columns.value = [now] if now else []
        self._coloured_by = now

    @property
    def _is_following(self) -> bool:
        # The map's colours are explained until the analyst chooses columns by hand.
        return bool(self.columns.value == [self._coloured_by])

    @property
    def _first_column(self) -> str:
        names = offered(self._session).values()
        return next((name for name in names if not self._session.is_statistic(name)), "")

    def _leave_cancelled(self) -> None:
        """Choose statistics no longer whose computing was cancelled: they would be asked for again."""
        session, chosen = self._session, list(self.columns.value)
        if self._doing is not None and self._doing.stopped:
            kept = [name for name in chosen if name not in self._awaited] or [self._first_column]
            self._doing = None
            self.columns.value = [name for name in kept if name]
        self._doing = session.derived.doing or self._doing
        self._awaited = {name for name in self.columns.value if session.waiting_for(name)}

    def _draw(self, *_: Any) -> None:
        self._leave_cancelled()
        session, selection = self._session, self._session.selection
        names = tuple(name for name in self.columns.value if colours(session, name))
        shown = selection is not None and bool(self.columns.options)
        self.columns.visible = self._blocks.visible = shown
        if not shown:
            self._aside.forget()
            return

        def work() -> Counted:
            known = ((name, session.categories(name)) for name in names)
            return [(name, found, composition(selection.mask, found)) for name, found in known]

        self._aside.ask_instead(work, lambda counted: self._show(counted, selection.count))

    def _show(self, counted: Counted, chosen: int) -> None:
        most = MOST_ROWS if len(counted) == 1 else FEW_ROWS
        blocks = []
        for name, categories, shares in counted:
            if name not in self._parts:
                self._parts[name] = ColumnBlock(label_of(self._session, name), partial(self._pick, name))
            self._parts[name].draw(categories, shares, chosen, most, self._dark)
            blocks.append(self._parts[name].view)
        if self._blocks.objects != blocks:
            self._blocks.objects = blocks

    def _pick(self, column: str, message: dict[str, Any]) -> None:
        session, code = self._session, int(message["key"])
        # The bars may be those of a statistic that is computed anew.
        if code >= len(session.categories(column).names):
            return
        narrowing = "intersect" if session.selection.count else "replace"
        with telling():
            session.select_category(column, code, "union" if message["toggle"] else narrowing)


class ColumnBlock:
    """The composition by one column or statistic.

    Parameters
    ----------
    name : str
        What it is called.
    on_pick : callable
        Told which category was clicked.
    """

    def __init__(self, name: str, on_pick: Any) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": 0}
        label = f"Composition by {name}"
        self.bars = Bars(on_pick, label=label, **wide)
        self.histogram = Histogram(on_pick, label=label, **wide)
        sheet: dict[str, Any] = {
            "stylesheets": [stylesheet("panels.css")],
            "sizing_mode": "stretch_width",
        }
        self._notes = pn.pane.HTML(margin=(4, 0, 10, 0), **sheet)
        self._name, self._title = html.escape(name), pn.pane.HTML(margin=(6, 0, 0, 0), **sheet)
        self.view = pn.Column(self._title, self.bars, self.histogram, self._notes, **wide)

    def draw(
        self, categories: Categories, shares: tuple[Share, ...], chosen: int, most: int, dark: bool
    ) -> None:
        """Show shares of a selection of so many items, at most so many of them in bars."""
        ranged = categories.ranges is not None
        counted = "selected / all" if chosen else "all items"
        self._title.object = f'<div class="section column">{self._name} · {counted}</div>'
        self.bars.visible, self.histogram.visible = not ranged, ranged
        if ranged:
            self.histogram.columns = histogram_columns(shares)
        else:
            self.bars.rows = bar_rows(shares[:most], categories, chosen, dark)
        rest = unlisted(shares, chosen, len(shares) if ranged else most)
        self._notes.object = rest + findings(shares, ranges=ranged)


def unlisted(shares: tuple[Share, ...], chosen: int, most: int = MOST_ROWS) -> str:
    """What the bars have no row for, as HTML: the rarer categories, and missing values."""
    rare = sum(share.selected for share in shares[most:])
    missing = chosen - sum(share.selected for share in shares)
    lines = [
        f'<div class="muted">{text.counted(n, "selected item")} {one if n == 1 else many}</div>'
        for n, one, many in (
            (rare, "is of a rarer category", "are of rarer categories"),
            (missing, "has no value", "have no value"),
        )
        if n
    ]
    return "".join(lines)


def findings(shares: tuple[Share, ...], ranges: bool = False) -> str:
    """What stands out in a composition, as HTML lines; names are escaped.

    That several ranges of a number come together is no mixture.
    """
    present = sorted((share for share in shares if share.selected), key=lambda share: -share.selected)
    if not present:
        return ""
    total = sum(share.selected for share in present)
    lines = [
        _line(f"{text.shortened(share.name, MOST_LETTERS)} is over-represented", text.times(share.lift))
        for share in present[:2]
        if share.lift >= NOTABLE_LIFT
    ]
    lines += [
        _line(f"{text.shortened(share.name, MOST_LETTERS)} is mixed in", _of_it(share, total), "warn")
        for share in present[1:3]
        if share.selected / total >= 0.05 and not ranges
    ]
    absent = [share for share in shares if not share.selected]
    if absent:
        names = ", ".join(text.shortened(share.name, MOST_LETTERS) for share in absent[:4])
        more = " …" if len(absent) > 4 else ""
        kind = "ranges" if ranges else "categories"
        many = _line(f"absent: {names}{more}", f"{text.count(len(absent))} {kind}")
        one = _line(f"{names} is absent", f"0 of {text.count(absent[0].total)}")
        lines.append(many if len(absent) > 1 else one)
    return '<div class="section">Against the whole</div>' + "".join(lines) if lines else ""


def _of_it(share: Share, total: int) -> str:
    return f"{text.share(share.selected / total)} of it"


def _line(sentence: str, value: str, tone: str = "") -> str:
    return f'<div class="finding"><span>{html.escape(sentence)}</span><b class="{tone}">{value}</b></div>'


def bar_rows(shares: tuple[Share, ...], categories: Categories, chosen: int, dark: bool) -> list[BarRow]:
    """The bars of a composition of so many selected items."""
    colours, n = category_colours(categories, dark), len(categories.codes)
    return [
        BarRow(
            key=share.code,
            name=share.name,
            colour=colours[share.code],
            selected=share.selected,
            total=share.total,
            dim=chosen > 0 and share.selected == 0,
            note=note(share, chosen > 0),
            expected=chosen * share.total / n,
            lift=text.times(share.lift) if chosen else "",
        )
        for share in shares
    ]
