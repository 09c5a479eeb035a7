"""What is in the selection, against the whole."""

from __future__ import annotations

import html
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.selection import Share, composition
from explorer.model.session import Session
from explorer.views import text
from explorer.views.bars import BarRow, Bars
from explorer.views.colouring import category_colours, colourable
from explorer.views.theme import stylesheet

NOTABLE_LIFT = 1.5
MOST_ROWS = 40


class SelectionPanel(pn.viewable.Viewer):
    """Count, share and composition of the selection by a column.

    Parameters
    ----------
    session : Session
        Whose selection it is.
    dark : bool
        The theme.
    """

    def __init__(self, session: Session, dark: bool = True) -> None:
        super().__init__()
        self._session, self._dark = session, dark
        sheet = stylesheet("panels.css")
        self._head = pn.pane.HTML(stylesheets=[sheet], sizing_mode="stretch_width", margin=(10, 0, 4, 0))
        self.column = pmui.Select(
            label="Composition by", size="small", sizing_mode="stretch_width", margin=(4, 0, 8, 0)
        )
        self.bars = Bars(
            self._pick, label="Composition of the selection", sizing_mode="stretch_width", margin=0
        )
        self._findings = pn.pane.HTML(stylesheets=[sheet], sizing_mode="stretch_width", margin=(10, 0))
        actions: dict[str, Any] = {"variant": "outlined", "size": "small", "margin": 0}
        self.clear = pmui.Button(label="Clear", **actions)
        self.invert = pmui.Button(label="Invert", **actions)
        self.clear.on_click(lambda _: session.clear_selection())
        self.invert.on_click(lambda _: session.invert_selection())
        self._buttons = pn.Row(self.clear, self.invert, margin=(6, 0), styles={"gap": "8px"})
        self.column.param.watch(self._draw, ["value"])
        session.param.watch(self._offer, ["dataset"])
        session.param.watch(self._draw, ["selection"])
        self._offer()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self._head,
            self.column,
            self.bars,
            self._findings,
            self._buttons,
            sizing_mode="stretch_width",
            margin=0,
        )

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def _offer(self, *_: Any) -> None:
        columns = list(colourable(self._session))
        by = self._session.colour_by
        self.column.param.update(
            options=columns, value=by if by in columns else (columns[0] if columns else None)
        )
        self._draw()

    def _pick(self, message: dict[str, Any]) -> None:
        mode = "union" if message["toggle"] else "intersect"
        self._session.select_category(self.column.value, int(message["key"]), mode)

    def _draw(self, *_: Any) -> None:
        session, column = self._session, self.column.value
        selection = session.selection
        chosen = selection is not None and selection.count > 0
        comparable = column in colourable(session)
        self.bars.visible = self.column.visible = chosen and comparable
        self._buttons.visible = chosen
        self._head.object, self._findings.object = self._summary(chosen), ""
        if chosen and comparable:
            categories = session.categories(column)
            shares = composition(selection.mask, categories)
            self.bars.rows = list(_rows(shares, category_colours(categories, self._dark)))
            self._findings.object = unlisted(shares, selection.count) + findings(
                shares, ranges=categories.ranges is not None
            )

    def _summary(self, chosen: bool) -> str:
        if not chosen:
            return (
                '<div class="empty"><b>Nothing is selected.</b><br>Take the lasso or the box and drag around '
                "a region of the map to see what is in it.</div>"
            )
        selection, runs = (
            self._session.selection,
            {run.id: run.parameters.label for run in self._session.runs},
        )
        how = [_how(step, runs) for step in selection.steps[-3:]]
        return (
            f'<div class="headline"><b>{text.count(selection.count)}</b>'
            f'<span class="muted">{text.share(selection.share)} of {text.count(selection.n)}</span></div>'
            f'<div class="muted">{html.escape(" → ".join(how))}</div>'
        )


def unlisted(shares: tuple[Share, ...], chosen: int) -> str:
    """What the bars have no row for, as HTML: the rarer categories, and missing values."""
    rare = sum(share.selected for share in shares[MOST_ROWS:])
    missing = chosen - sum(share.selected for share in shares)
    lines = [
        f'<div class="muted">{text.count(items)} selected items {what}</div>'
        for items, what in ((rare, "are of rarer categories"), (missing, "have no value"))
        if items
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
        _line(f"{share.name} is over-represented", f"{share.lift:.1f}×")
        for share in present[:2]
        if share.lift >= NOTABLE_LIFT
    ]
    lines += [
        _line(f"{share.name} is mixed in", text.share(share.selected / total), "warn")
        for share in present[1:3]
        if share.selected / total >= 0.05 and not ranges
    ]
    absent = [share for share in shares if not share.selected]
    if absent:
        names = ", ".join(share.name for share in absent[:4]) + (" …" if len(absent) > 4 else "")
        lines.append(_line(f"absent: {names}", text.count(len(absent))))
    return '<div class="section">Against the whole</div>' + "".join(lines)


def _line(sentence: str, value: str, tone: str = "") -> str:
    return f'<div class="finding"><span>{html.escape(sentence)}</span><b class="{tone}">{value}</b></div>'


def _how(step: Any, runs: dict[str, str]) -> str:
    sign = {"union": "+ ", "subtract": "− ", "intersect": "∩ "}.get(step.mode, "")
    where = f" on {runs[step.run_id]}" if step.run_id in runs else ""
    what = " ".join(str(value) for value in step.values) if getattr(step, "values", None) else step.kind
    return f"{sign}{what}{where}"


def _rows(shares: tuple[Share, ...], colours: tuple[str, ...]) -> tuple[BarRow, ...]:
    return tuple(
        BarRow(
            key=share.code,
            name=share.name,
            colour=colours[share.code],
            selected=share.selected,
            total=share.total,
            dim=share.selected == 0,
            note=f"{share.lift:.2f}× its share of the whole; click keeps only these, Ctrl-click adds all",
        )
        for share in shares[:MOST_ROWS]
    )
