"""The wall in the place of the maps: all runs of a sweep in their grid, brushed by one lasso."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
from bokeh.document import Document

from explorer.model.session import Session
from explorer.model.wall import Choice, Wall, arrange, chosen
from explorer.views.colouring import Colours
from explorer.views.part import Part
from explorer.views.telling import telling
from explorer.views.theme import script, stylesheet
from explorer.views.wall_pictures import WallPictures
from explorer.views.wall_scores import WallScores
from explorer.views.wall_state import Standing, wall_state

PLAIN = "-"
"""A wall as it comes, in an address."""
MOST_PIXELS = 2048
SHEETS = [stylesheet("parts.css"), stylesheet("wall.css")]


class ViewSwitch(Part):
    """Two buttons: the maps or the wall.

    Parameters
    ----------
    shown : {"map", "wall"}
    on_message : callable
        Called with {"view"}, the one that was pressed.
    """

    shown: Any = param.Selector(default="map", objects=["map", "wall"])

    _esm: ClassVar[str] = script("view_switch.js")
    _stylesheets: ClassVar[list[str]] = SHEETS


class WallPart(Part):
    """The grid of pictures and the choices above it.

    Parameters
    ----------
    state : dict
        By `wall_state`; empty for nothing.
    batch : dict
        Pictures to paint now, see `WallPictures`: bytes, which go to the browser as they are.
    mode : str
        What a lasso does to the selection.
    on_message : callable
        Called with {"action"}: "look" with the size of pictures, the runs in sight and whether none is there
        yet, "painted" with the number of a batch, "choose" with a name and a value, "lasso" with a run, its
        points in shares of the picture from the upper left and a mode, "show" with a run.
    """

    state = param.Dict(default={})
    batch = param.Dict(default={})
    mode = param.String("replace")

    _esm: ClassVar[str] = script("wall.js")
    _stylesheets: ClassVar[list[str]] = SHEETS


class WallView(pn.viewable.Viewer):
    """All runs of a sweep, or of the data, as pictures of one orientation.

    Parameters
    ----------
    session : Session
        What is looked at; a lasso selects in it, a click puts a run on its map.
    colours : Colours
        Shared with the maps.
    doc : Document
        The page.
    dark : bool
        The theme.
    address : str
        What `address` was when the page was left; empty for the maps.

    Attributes
    ----------
    shown : bool
        Whether the wall has the place of the maps.
    choice : Choice
        What hangs where.
    """

    shown = param.Boolean(False)
    choice = param.ClassSelector(class_=Choice, default=Choice())

    def __init__(
        self, session: Session, colours: Colours, doc: Document, dark: bool = True, address: str = ""
    ) -> None:
        super().__init__(shown=bool(address), choice=Choice.of(address))
        self._session, self._dark = session, dark
        self._wall: Wall | None = None
        self.switch = ViewSwitch(self._on_switch, margin=(0, 8, 0, 0), align="center")
        self.part = WallPart(self._on_message, sizing_mode="stretch_both", margin=0)
        self.pictures = WallPictures(session, colours, doc, self._send, dark)
        self.pictures.on_blank = self.draw
        self.scores = WallScores(session, self.draw)
        self._place = pn.Column(sizing_mode="stretch_both", margin=0, visible=False)
        self.param.watch(self._show, ["shown"])
        self.param.watch(self.draw, ["choice"])
        session.param.watch(self.draw, ["dataset", "runs", "run_id"])
        session.param.watch(self._redraw, ["selection", "colour_by", "isolated", "highlighted", "heard"])
        session.param.watch(lambda event: self.part.param.update(mode=event.new), ["mode"])
        self._show()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._place

    @property
    def address(self) -> str:
        """What brings this wall back; empty while the maps are shown."""
        return self.choice.text or PLAIN if self.shown else ""

    def make(self) -> None:
        """Let the browser have it, shown or not: a page that loads need not make it."""
        if not self._place.objects:
            self._place.objects = [self.part]

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self.draw()
        self.pictures.use_theme(dark)

    def tick(self, run_id: str) -> None:
        """A newer snapshot of a run may be there; callable from any thread."""
        self.pictures.tick(run_id)

    def draw(self, *_: Any) -> None:
        """Show where every run stands now; cheap, as often as anything changes."""
        if not self.shown:
            return
        session, choice = self._session, self.choice
        runs = session.runs
        sort = choice.sort and self.scores.of(choice.sort, runs).values
        wall = self._wall = arrange(runs, choice, sort or {})
        measures = [name for name in dict.fromkeys((wall.ring, wall.sort)) if name]
        at_work = {run.id: session.runner.progress(run.id) for run in wall.runs if run.status.active}
        blank = {run_id: session.faults.get(run_id, "") for run_id in self.pictures.blank}
        standing = Standing(runs, at_work, session.runner.waiting, session.run_id, blank)
        scored = {name: self.scores.of(name, wall.runs) for name in measures}
        self.part.state = wall_state(wall, standing, scored, self._dark)
        self.pictures.hang(wall.runs)
        self.scores.want(measures, wall.runs)

    def _redraw(self, *_: Any) -> None:
        if self.shown:
            self.pictures.update()

    def _show(self, *_: Any) -> None:
        if self.shown:
            self.make()
        self._place.visible = self.shown
        self.switch.shown = "wall" if self.shown else "map"
        self.draw()

    def _send(self, batch: dict[str, Any]) -> None:
        self.part.batch = batch

    # What the analyst does

    def _on_switch(self, message: dict[str, str]) -> None:
        self.shown = message["view"] == "wall"

    def _on_message(self, message: dict[str, Any]) -> None:
        act = {
            "look": self._look,
            "painted": lambda told: self.pictures.painted(int(told["number"])),
            "choose": self._choose,
            "lasso": self._lasso,
            "show": self._enlarge,
        }
        act[message["action"]](message)

    def _look(self, message: dict[str, Any]) -> None:
        width, height = (max(1, min(int(message[side]), MOST_PIXELS)) for side in ("width", "height"))
        self.pictures.look(width, height, message["runs"], message["fresh"])

    def _choose(self, message: dict[str, str]) -> None:
        if self._wall is not None:
            self.choice = chosen(self.choice, self._wall, message["name"], message["value"])

    def _lasso(self, message: dict[str, Any]) -> None:
        picture, points = self.pictures[message["run"]], np.array(message["points"], np.float64)
        if picture is None or points.ndim != 2 or len(points) < 3:
            return
        view = picture.viewport
        # From shares of the picture to units of the reference.
        places = np.column_stack(
            [view.x0 + points[:, 0] * (view.x1 - view.x0), view.y1 - points[:, 1] * (view.y1 - view.y0)]
        )
        with telling():
            self._session.lasso_on(picture.aligned, places, message["mode"] or self._session.mode)

    def _enlarge(self, message: dict[str, str]) -> None:
        with telling():
            self._session.look_at(message["run"])
            self.shown = False
