"""The runs of the open data: their cards, what is done with them, and how many layouts work at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.run import Run
from explorer.model.runner import Progress
from explorer.model.session import Session
from explorer.views.aside import Aside, Begin
from explorer.views.colouring import Colours
from explorer.views.run_form import RunForm
from explorer.views.run_list import RunList, card
from explorer.views.run_pictures import RunPictures
from explorer.views.telling import telling
from explorer.views.theme import stylesheet


class RunsPanel(pn.viewable.Viewer):
    """Cards, starred runs first, then the newest first; what was deleted last can come back.

    Parameters
    ----------
    session : Session
        Whose runs they are.
    colours : Colours
        Shared with the maps.
    form : RunForm
        Where the parameters of a run are copied to.
    dark : bool
        The theme.
    after_pictures : callable, optional
        Has their pictures drawn once maps or wall are painted, see `Aside`.
    """

    def __init__(
        self,
        session: Session,
        colours: Colours,
        form: RunForm,
        dark: bool,
        after_pictures: Begin | None = None,
    ) -> None:
        super().__init__()
        self._session, self._form, self._aside = session, form, Aside(every=True)
        self._deleted: tuple[Run, bool] | None = None
        self.list = RunList(self._on_message, sizing_mode="stretch_width", margin=0)
        self.pictures = RunPictures(session, colours, self.list.show_pictures, dark, after_pictures)
        self.layouts = pmui.IntInput(
            label="At once",
            value=session.runner.n_layouts,
            start=1,
            end=session.runner.most_layouts,
            size="small",
            width=92,
            margin=0,
            description="Layouts that work at the same time, each slower than alone. Others wait.",
        )
        self.layouts.param.watch(self._on_layouts, ["value"])
        session.param.watch(lambda *_: self._remember(None), ["dataset"])

    def __panel__(self) -> pn.viewable.Viewable:
        head = pn.pane.HTML(
            '<div class="section">Runs</div>',
            stylesheets=[stylesheet("panels.css")],
            sizing_mode="stretch_width",
            margin=0,
            align="end",
        )
        return pn.Column(
            pn.Row(head, self.layouts, sizing_mode="stretch_width", margin=(14, 0, 6, 0)),
            self.list,
            sizing_mode="stretch_width",
            margin=0,
        )

    def use_theme(self, dark: bool) -> None:
        """Draw the pictures for the dark or the light page."""
        self.pictures.use_theme(dark)

    def draw(self) -> None:
        """Show where every run stands now; cheap, as often as anything changes."""
        session = self._session
        place = {**dict.fromkeys(session.beside_ids, "beside"), session.run_id: "first"}
        waiting = {run_id: before for before, run_id in enumerate(session.runner.waiting)}
        self.layouts.value = session.runner.n_layouts  # another page may have changed it
        self.list.cards = [
            card(run, self._progress(run), place.get(run.id, ""), waiting.get(run.id, -1))
            for run in sorted(session.runs, key=lambda run: not run.starred)
        ]
        self.pictures.update()

    def _progress(self, run: Run) -> Progress | None:
        return self._session.runner.progress(run.id) if run.status.active else None

    # What the analyst does

    def _on_layouts(self, event: Any) -> None:
        runner = self._session.runner
        if event.new not in (None, runner.n_layouts):
            with telling():
                runner.n_layouts = event.new
            self.layouts.value = runner.n_layouts  # what is refused does not stay in the field

    def _on_message(self, message: dict[str, str]) -> None:
        act = {"show": self._session.look_at, "beside": self._session.put_beside}
        with telling():
            if message["action"] in act:
                act[message["action"]](message["run"])
            elif message["action"] == "undo":
                self._put_back()
            elif run := self._session.run(message["run"]):
                self._act(run, message)

    def _act(self, run: Run, message: dict[str, str]) -> None:
        runner = self._session.runner
        works: dict[str, Callable[[], Any]] = {
            "rename": lambda: runner.rename(run.id, message["name"]),
            "star": lambda: runner.star(run.id, not run.starred),
            "up": lambda: runner.move_up(run.id),
            "cancel": lambda: runner.stop(run.id),
        }
        action = message["action"]
        if action == "copy":
            self._form.copy(run)
        elif action == "fork":
            self._aside.ask(lambda: runner.kept_epochs(run.id), lambda kept: self._form.fork(run, kept))
        elif action == "delete":
            on_map = self._session.run_id == run.id
            self._do(lambda: runner.delete(run.id), lambda: self._remember((run, on_map)))
        else:
            self._do(works[action])

    def _put_back(self) -> None:
        if self._deleted is None:
            return
        run, on_map = self._deleted

        def show() -> None:
            self._remember(None)
            if on_map:
                self._session.look_at(run.id)

        self._do(lambda: self._session.runner.restore(run.id), show)

    def _remember(self, deleted: tuple[Run, bool] | None) -> None:
        """Offer to bring a deleted run back, and on the map if it was there, until another one goes."""
        self._deleted = deleted
        self.list.deleted = "" if deleted is None else deleted[0].title

    def _do(self, work: Callable[[], Any], then: Callable[[], None] = lambda: None) -> None:
        """Do something on another thread, as disks may be slow, and show the runs as they are then."""
        dataset = self._session.dataset

        def show(_: Any) -> None:
            self._session.refresh()
            if self._session.dataset is dataset:
                then()

        self._aside.ask(work, show)
