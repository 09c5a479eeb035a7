"""The maps of a page: one, two side by side, three or four in a square."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
from bokeh.document import Document

from explorer.model.session import Session
from explorer.model.viewed import MOST_BESIDE
from explorer.views.aside import Aside
from explorer.views.colouring import Colours
from explorer.views.linking import Linking
from explorer.views.map_label import map_label
from explorer.views.map_view import MapView
from explorer.views.pin_marks import PinMarks
from explorer.views.theme import stylesheet

ROOM = '<div class="room">One more run has room here: ⇄ on its card puts it beside.</div>'


STRIP = 26
"""What its label takes above a map that does not stand alone, in pixels."""


class MapGrid(pn.viewable.Viewer):
    """Makes each map when it is first shown, and tells over it how it compares with the first.

    Parameters
    ----------
    session : Session
        Whose `run_ids` are on the maps.
    colours : Colours
        Shared by all maps.
    doc : Document
        The page.
    dark : bool
        The theme.

    Attributes
    ----------
    maps : list of MapView
        Those made so far, in the order of `run_ids`.
    marks : list of PinMarks
        Those of each.
    linking : Linking
        Which of them move as one.
    """

    def __init__(self, session: Session, colours: Colours, doc: Document, dark: bool) -> None:
        super().__init__()
        self._session, self._colours, self._doc, self._dark = session, colours, doc, dark
        self._finding, self._busy, self._missed = Aside(long=True), False, False
        self.maps: list[MapView] = []
        self.marks: list[PinMarks] = []
        both: dict[str, Any] = {"sizing_mode": "stretch_both", "margin": 0, "min_height": 0}
        self._sheets = [stylesheet("page.css")]
        self._cells = [pn.Column(css_classes=["map-cell"], **both) for _ in range(1 + MOST_BESIDE)]
        self._room = pn.pane.HTML(
            ROOM, stylesheets=[stylesheet("panels.css")], css_classes=["map-cell"], visible=False, **both
        )
        self._rows = [
            pn.Row(*cells, css_classes=["map-row"], stylesheets=self._sheets, **both)
            for cells in (self._cells[:2], [*self._cells[2:], self._room])
        ]
        self._strips = [
            pn.Spacer(height=STRIP, sizing_mode="stretch_width", margin=0, visible=False) for _ in self._cells
        ]
        self._pane = pn.Column(*self._rows, stylesheets=self._sheets, **both)
        self._make()
        self.linking = Linking(session, self.maps, self.draw_labels)
        self.linking.add(self.maps[0])
        self._show()
        session.param.watch(self._show, ["run_id", "beside_ids"])
        session.param.watch(self.draw_labels, ["linked"])

    def __panel__(self) -> pn.viewable.Viewable:
        return self._pane

    def close(self) -> None:
        """The page is gone."""
        for one in self.maps:
            one.close()

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do something once all maps have painted what is on its way: see `FrameFeed.afterwards`."""
        # The first is asked first: one that came later may hear of a change after whoever waits.
        for one in reversed(self.linking.shown):
            act = partial(one.feed.afterwards, act)
        act()

    def rest(self, rest: bool) -> None:
        """Draw nothing while the maps are out of sight, or go on."""
        for one, cell in zip(self.maps, self._cells, strict=False):
            if rest:
                one.feed.rest()
            elif cell.objects:
                one.feed.start()

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        for one in self.maps:
            one.use_theme(dark)
        for mark in self.marks:
            mark.use_theme(dark)

    def look(self, act: Callable[[MapView], None]) -> None:
        """Do what a button asks for, on the maps that it moves."""
        for one in self.linking.of_buttons():
            act(one)

    def centre_on(self, row: int) -> None:
        """Bring a row to the middle of every map; of those that are linked, its place on the first."""
        for one in self.linking.of_all():
            one.centre_on(row)

    # The maps

    def _show(self, *_: Any) -> None:
        n = len(self._session.run_ids)
        while len(self.maps) < n:
            self._make()
            self.linking.add(self.maps[-1])
        for at, cell in enumerate(self._cells):
            if at < n and not cell.objects:
                cell.objects = [self._strips[at], self.maps[at]]
            cell.visible = at < n
            self._strips[at].visible = n > 1
        self._room.visible = n == len(self._cells) - 1
        self._rows[1].visible = n > len(self._rows[0])
        self.draw_labels()

    def _make(self) -> None:
        view = MapView(self._session, len(self.maps), self._colours, self._doc, self._dark)
        view.elsewhere = lambda row: self._elsewhere(view, row)
        self.maps.append(view)
        self.marks.append(PinMarks(self._session, view, self._dark))

    def _elsewhere(self, view: MapView, row: int) -> dict[str, list[float]]:
        places = {str(one.at): one.place_of(row) for one in self.linking.shown if one is not view}
        return {at: place for at, place in places.items() if place is not None}

    # What stands over them

    def draw_labels(self, *_: Any) -> None:
        """Tell over each map what is known of it by now, and have the rest found."""
        session, alone = self._session, None if self._session.linked else self.linking.used
        for one in self.maps:
            one.overlay.label = map_label(session, one.run_id, used=one is alone)
        self._missed = self._busy
        if session.beside_ids and not self._busy:
            self._busy = True
            self._finding.ask(session.find_figures, self._on_found, lambda _: self._on_found(False))

    def _on_found(self, more: bool) -> None:
        self._busy = False
        if more or self._missed:  # which maps there are may have changed meanwhile
            self.draw_labels()
