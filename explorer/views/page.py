"""The page: four zones around one session, and the runner's events brought to its document."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from bokeh.document import Document
from panel.util import edit_readonly

from explorer.model.run import RunStatus
from explorer.model.runner import Event
from explorer.model.session import Session
from explorer.views.arrival import send_all_changes
from explorer.views.audit_panel import AuditPanel
from explorer.views.clusters_panel import ClustersPanel
from explorer.views.colour_panel import ColourPanel
from explorer.views.colouring import Colours
from explorer.views.compare_panel import ComparePanel
from explorer.views.data_panel import DataPanel
from explorer.views.difference_overlay import DifferenceOverlay
from explorer.views.drift_panel import DriftPanel
from explorer.views.flying import Flight
from explorer.views.item_panel import ItemPanel
from explorer.views.lazy_tabs import LazyTabs
from explorer.views.map_gestures import aim
from explorer.views.map_grid import MapGrid
from explorer.views.map_tools import MapTools
from explorer.views.map_view import MapView
from explorer.views.playback import Playback, playback_state
from explorer.views.playing import Playing
from explorer.views.run_form import RunForm
from explorer.views.runs_panel import RunsPanel
from explorer.views.sample_panel import SamplePanel
from explorer.views.search_bar import SearchBar
from explorer.views.selection_panel import SelectionPanel
from explorer.views.share_bar import ShareBar
from explorer.views.status_bar import StatusBar
from explorer.views.sweep_form import SweepForm
from explorer.views.telling import tell, telling
from explorer.views.theme import css_variables, document_style, material_theme, stylesheet
from explorer.views.turns import later, soon
from explorer.views.wall import WallView

LEFT, RIGHT = 276, 348
UPDATE_MS = 500
SELECTION_TAB, SAMPLE_TAB, ITEM_TAB, COMPARE_TAB = 1, 2, 3, 4
STEP, TURN = 0.15, 1.5
LOOKS: dict[str, Callable[[MapView], None]] = {
    "fit": lambda one: one.fit(),
    "nearer": lambda one: one.zoom(TURN),
    "farther": lambda one: one.zoom(1 / TURN),
    "left": lambda one: one.camera.move(-STEP, 0),
    "right": lambda one: one.camera.move(STEP, 0),
    "up": lambda one: one.camera.move(0, STEP),
    "down": lambda one: one.camera.move(0, -STEP),
}


class Explorer(pn.viewable.Viewer):
    """Everything one analyst sees.

    Parameters
    ----------
    session : Session
        What is looked at.
    doc : Document
        The page in the browser.
    dark : bool
        The theme.
    wall : str
        The address of the wall if that is shown, see `WallView`.
    """

    dark = param.Boolean(True)

    def __init__(self, session: Session, doc: Document, dark: bool = True, wall: str = "") -> None:
        super().__init__(dark=dark)
        self.session, self._doc = session, doc
        self._colours = Colours(session)
        self._scheduled = self._status_changed = self._chosen = self._following = self._leading = False
        self._lock = threading.Lock()
        # Before any widget is made: one that comes later would be light at first.
        pn.config.theme = "dark" if dark else "default"
        self._make_parts(wall)
        self._page = self._make_page()
        send_all_changes(doc)
        self._watch()
        self._unsubscribe = session.runner.subscribe(self._on_event)
        self.runs.draw()
        self._draw_progress()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._page

    def return_to(self, tool: str, tab: int) -> None:
        """Take up the tool and the tab that were left; what is selected leads to no other tab."""
        self.tools.tool, self.tabs.active = tool, tab
        self._leading = False

    @property
    def is_watched(self) -> bool:
        """Whether a browser shows this page, or is on its way to."""
        context = self._doc.session_context
        session = None if context is None else context.session
        return session is not None and (session.connection_count > 0 or not self.map.feed.painted)

    def close(self) -> None:
        """The browser has gone; runs go on."""
        self._unsubscribe()
        self.session.derived.close()
        self.compare.close()
        self.selection.close()
        self.clusters.close()
        self.audit.close()
        self.drift.close()
        self.grid.close()

    # Parts

    def _make_parts(self, wall: str) -> None:
        session, dark = self.session, self.dark
        self.status = StatusBar(session)
        self.data = DataPanel(session, self.status.show)
        self.form = RunForm(session)
        self.sweep = SweepForm(session, self.form)
        self.grid = MapGrid(session, self._colours, self._doc, dark)
        self.maps, self.marks = self.grid.maps, self.grid.marks
        self.map = self.maps[0]
        # Hears of changes before what waits for its pictures.
        self.wall = WallView(session, self._colours, self._doc, dark, wall)
        after = self._after_pictures
        self.runs = RunsPanel(session, self._colours, self.form, dark, after)
        self.tools = MapTools(self._on_tool, sizing_mode="stretch_width", margin=0)
        self.playback = Playback(self._on_playback, sizing_mode="stretch_width", margin=0)
        self.playing = Playing(session, self.map, self._doc, self._draw_progress)
        self.colour = ColourPanel(session, dark, after)
        self.selection = SelectionPanel(session, dark, after)
        self.sample = SamplePanel(session, self._jump)
        self.item = ItemPanel(session, self._jump, dark)
        self.compare = ComparePanel(session, self.status.show)
        self.clusters = ClustersPanel(session, self.status.show, dark)
        self.flight = Flight(session, self.grid.linking)
        self.difference = DifferenceOverlay(session, self.map)
        self.drift = DriftPanel(session, self.status.show, dark, self.difference.show, self._sample)
        self.audit = AuditPanel(
            session, self.status.show, self.flight.to, self._sample, lambda: self.drift.changes
        )
        self.search = SearchBar(session, self._jump)
        self.share = ShareBar(session)

    def _make_page(self) -> pmui.Page:
        self._around_maps = pn.Column(
            pn.Column(self.tools, sizing_mode="stretch_width", margin=(12, 14, 6, 14)),
            self.grid.__panel__(),
            pn.Column(self.playback, sizing_mode="stretch_width", margin=(6, 14, 12, 14)),
            sizing_mode="stretch_both",
            margin=0,
            min_height=0,
        )
        middle = pn.Column(self._around_maps, self.wall, sizing_mode="stretch_both", margin=0)
        row = pn.Row(
            self._left(), middle, self._right(), sizing_mode="stretch_both", margin=0, css_classes=["zones"]
        )
        zones = pn.Column(
            row, self.status, sizing_mode="stretch_both", margin=0, stylesheets=[stylesheet("page.css")]
        )
        self._title = self._pane()
        self._title.align = "center"
        switch = self.wall.switch
        page = pmui.Page(
            header=[self._title, self.search.__panel__(), pn.HSpacer(), switch, self.share.__panel__()],
            main=[zones],
            title="UMAP Explorer",
            dark_theme=self.dark,
            theme_config=material_theme(),
            busy_indicator=None,
            raw_css=[document_style(self.dark)],
            styles=css_variables(self.dark),
        )
        # By default it follows whatever the server does, and looks through all models of the page each time.
        with edit_readonly(page):
            page.busy = False
        page.param.watch(self._on_theme, ["dark_theme"])
        return page

    def _left(self) -> pn.Column:
        head = self._section
        return pn.Column(
            head("Data"), self.data, head("New run"), self.form, self.sweep, self.runs,
            width=LEFT, sizing_mode="stretch_height", margin=0, css_classes=["zone", "left"], scroll="y-auto",
            stylesheets=[stylesheet("page.css")],
        )  # fmt: skip

    def _right(self) -> pn.Column:
        self.tabs = LazyTabs(
            ("Colour", self.colour),
            ("Selection", self.selection),
            ("Sample", self.sample),
            ("Item", self.item),
            ("Compare", self.compare),
            ("Clusters", self.clusters),
            ("Audit", self.audit),
            ("Drift", self.drift),
            sizing_mode="stretch_width",
            margin=0,
        )
        return pn.Column(
            self.tabs, width=RIGHT, sizing_mode="stretch_height", margin=0, css_classes=["zone", "right"],
            scroll="y-auto", stylesheets=[stylesheet("page.css")],
        )  # fmt: skip

    def _section(self, title: str) -> pn.pane.HTML:
        return pn.pane.HTML(
            f'<div class="section">{title}</div>',
            stylesheets=[stylesheet("panels.css")],
            sizing_mode="stretch_width",
            margin=(14, 0, 0, 0),
        )

    def _pane(self, margin: Any = 0) -> pn.pane.HTML:
        return pn.pane.HTML(stylesheets=[stylesheet("panels.css")], margin=margin)

    # What the analyst does

    def _on_tool(self, message: dict[str, str]) -> None:
        look = LOOKS.get(message["action"])
        if self.wall.shown and (look is not None or message["action"] == "screen"):
            return  # the keys of a map that is out of sight
        if look is not None:
            self.grid.look(look)
        elif message["action"] == "mode":
            self.session.mode = message["mode"]
        elif message["action"] == "screen":
            self.grid.linking.used.select_screen()
        elif message["action"] == "link":
            self.session.linked = not self.session.linked
        else:
            act = {
                "undo": self.session.undo,
                "redo": self.session.redo,
                "clear": self.session.clear_selection,
            }
            act[message["action"]]()

    def _jump(self, row: int) -> None:
        with telling():
            self.session.pin(row)
            self.grid.centre_on(row)

    def _sample(self, strategy: str) -> None:
        self.tabs.active = SAMPLE_TAB
        self.sample.draw_by(strategy)

    def _on_playback(self, message: dict[str, Any]) -> None:
        runner = self.session.runner
        act = {"pause": runner.pause, "resume": runner.resume, "stop": runner.stop}
        with telling():
            if message["action"] not in act:
                self.playing.act(message)
                return
            act[message["action"]](self.session.run_id)
        # What was pressed is told at once, though it is granted after the epoch.
        self.session.refresh()

    def _on_theme(self, event: Any) -> None:
        self.dark = bool(event.new)
        self._page.styles = css_variables(self.dark)
        panels = (self.colour, self.selection, self.item, self.clusters, self.drift, self.runs)
        for part in (self.grid, self.wall, *panels):
            part.use_theme(self.dark)

    # What the session and the runner say

    def _watch(self) -> None:
        watch = self.session.param.watch
        watch(self._on_selection, ["selection"])
        watch(self._on_places, ["run_id", "beside_ids", "linked", "dataset"])
        watch(self._on_runs, ["runs", "colour_by", "heard"])
        watch(self._tell_failures, ["runs"])
        watch(self._on_pinned, ["pinned"], onlychanged=False)  # who picks it again wants to see it
        watch(self._on_aim, ["water", "colour_by", "dataset"])
        watch(lambda *_: self._draw_progress(), ["progress", "epoch", "formed"])
        self.tabs.param.watch(self._on_tab, ["active"])
        self.wall.param.watch(self._show_view, ["shown"])
        self.map.feed.on_painted = self._on_painted
        self.session.derived.on_change = self._on_derived
        self.session.hear()  # of what was computed before anybody heard of it
        self._on_places()
        self._on_selection()
        if self.session.comparison:
            self.tabs.active = COMPARE_TAB
        self._on_pinned()
        self._on_aim()
        if self.wall.shown:
            self._show_view()

    def _on_painted(self) -> None:
        self.status.tell_frame(self.map.feed.took)
        if self.map.feed.painted == 1:  # the page is there, and has nothing to do
            later(self._doc, UPDATE_MS, self.wall.make)

    def _on_derived(self) -> None:
        soon(self._doc, self._hear)  # on any thread

    def _hear(self) -> None:
        self.session.hear()
        if not self._following:
            self._follow()

    def _follow(self) -> None:
        """Show how far the computing of statistics is until there is none."""
        self._following = self.session.derived.doing is not None
        if self._following:
            self.status.refresh()
            later(self._doc, UPDATE_MS, self._follow)

    def _on_runs(self, *_: Any) -> None:
        self.runs.draw()
        self.grid.draw_labels()

    def _tell_failures(self, event: Any) -> None:
        # Once, when it happens: who comes later is told in the place of the map and on the card.
        at_work = {run.id for run in event.old if run.status.active}
        for run in event.new:
            looked_at = run.id in self.session.run_ids
            if run.status is RunStatus.FAILED and run.id in at_work and looked_at:
                tell(run.error or "The run failed.")

    def _on_event(self, event: Event) -> None:
        # On a thread of the runner: hand over, melt what comes faster than the page can show.
        if event.kind == "snapshot":
            for one in self.maps:
                if one.run_id == event.run_id:
                    one.tick()
        if event.kind != "status" and self.session.run(event.run_id) is None:
            return  # a run of other data
        if event.kind == "snapshot":
            self.wall.tick(event.run_id)
        with self._lock:
            # The first picture of a map is shown by what shows a status.
            is_new = event.kind == "snapshot" and event.run_id not in self.runs.pictures
            self._status_changed |= event.kind == "status" or is_new
            if self._scheduled:
                return
            self._scheduled = True
        soon(self._doc, self._later)

    def _later(self) -> None:
        later(self._doc, UPDATE_MS, self._update)

    def _update(self) -> None:
        with self._lock:
            self._scheduled, status_changed, self._status_changed = False, self._status_changed, False
        session = self.session
        if status_changed:
            session.refresh()
            self.grid.draw_labels()
            for one in self.maps:
                one.feed.request()
        elif session.run_id:
            session.progress = session.runner.progress(session.run_id)
        self.runs.draw()
        self.wall.draw()

    def _on_selection(self, *_: Any) -> None:
        history = self.session.history
        self.tools.param.update(
            can_undo=bool(history and history.can_undo), can_redo=bool(history and history.can_redo)
        )
        chosen = self.session.selection is not None and self.session.selection.count > 0
        if chosen and not self._chosen:
            self._leading = self.tabs.active == 0
            self._after_pictures(self._show_selection)
        self._chosen = chosen

    def _show_selection(self) -> None:
        # A tab that is shown for the first time is built then, which takes longer than a map is painted.
        if self._leading and self._chosen:
            self.tabs.active = SELECTION_TAB

    def _on_tab(self, *_: Any) -> None:
        self._leading = False  # whoever has turned to a tab meanwhile stays there
        # The legend goes from under the pointer, and no script is told so.
        self.session.highlighted = frozenset()
        self.clusters.look(self.tabs.shows(self.clusters))
        self.audit.look(self.tabs.shows(self.audit))

    def _on_pinned(self, *_: Any) -> None:
        if self.session.pinned is not None:
            self.tabs.active = ITEM_TAB

    def _on_aim(self, *_: Any) -> None:
        self.tools.aim = aim(self.session)

    def _show_view(self, *_: Any) -> None:
        self._around_maps.visible = not self.wall.shown
        self.grid.rest(self.wall.shown)

    def _after_pictures(self, act: Callable[[], object]) -> None:
        """Do something once what the analyst looks at is painted: the maps, or the wall in their place."""
        (self.wall.pictures if self.wall.shown else self.grid).afterwards(act)

    def _on_places(self, *_: Any) -> None:
        self.tools.param.update(several=bool(self.session.beside_ids), linked=self.session.linked)
        dataset = self.session.dataset
        self._title.object = (
            "" if dataset is None else f'<span class="muted title">{html.escape(dataset.name)}</span>'
        )
        self.runs.draw()
        self._draw_progress()

    def _draw_progress(self) -> None:
        session = self.session
        run = session.run(session.run_id)
        if run is not None and run.status.active:
            run = session.runner.run(run.id)
        self.playback.state = playback_state(run, session.progress, self.playing.past)
