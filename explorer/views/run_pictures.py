"""The pictures on the cards of runs, made beside the page's own thread."""

from __future__ import annotations

import time
from collections.abc import Callable

from explorer.model.run import Run
from explorer.model.session import Session
from explorer.views.aside import Aside, Begin
from explorer.views.colouring import Colours
from explorer.views.thumbnail import map_picture

BATCH_SECONDS = 0.25
EPOCHS_APART = 20

Key = tuple[object, ...]
NONE: tuple[Key, str] = ((), "")


class RunPictures:
    """A picture of each run's map in the map's own colours, one made after another on a worker's thread.

    What is drawn next is chosen anew for every batch: after a change of colour nothing of the old colour is
    drawn any more, and the runs that are looked at come first.

    Parameters
    ----------
    session : Session
        Whose runs they are.
    colours : Colours
        Shared with the maps.
    show : callable
        Takes the pictures that have changed, a data URI for each run id, and the ids of all runs.
    dark : bool
        The theme.
    after_pictures : callable, optional
        Has them drawn once maps or wall are painted, see `Aside`.
    """

    def __init__(
        self,
        session: Session,
        colours: Colours,
        show: Callable[[dict[str, str], list[str]], None],
        dark: bool,
        after_pictures: Begin | None = None,
    ) -> None:
        self._session, self._colours, self._show, self._dark = session, colours, show, dark
        self._made: dict[str, tuple[Key, str]] = {}
        self._aside, self._busy = Aside(begin=after_pictures), False

    def __contains__(self, run_id: str) -> bool:
        return bool(self._made.get(run_id, NONE)[1])

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self.update()

    def update(self) -> None:
        """Have every picture made that is out of date; cheap, as often as anything changes."""
        # What a browser forgets with its card is made anew for a run that comes back.
        runs = {run.id for run in self._session.runs}
        self._made = {run_id: known for run_id, known in self._made.items() if run_id in runs}
        if self._busy:
            return  # and once that is done, it is looked again
        wanted, dark = self._out_of_date(), self._dark
        if not wanted:
            return
        self._busy = True

        def make() -> dict[str, tuple[Key, str]]:
            made, end = {}, time.monotonic() + BATCH_SECONDS
            for run_id, key in wanted.items():
                made[run_id] = (key, self._picture(run_id, dark))
                if time.monotonic() > end:
                    break
            return made

        def keep_as_they_are(_: str) -> None:
            self._take({run_id: (key, self._made.get(run_id, NONE)[1]) for run_id, key in wanted.items()})

        self._aside.ask(make, self._take, keep_as_they_are)

    def _take(self, made: dict[str, tuple[Key, str]]) -> None:
        self._busy = False
        runs = [run.id for run in self._session.runs]
        taken = {run_id: made[run_id] for run_id in runs if run_id in made}
        new = {
            run_id: picture
            for run_id, (_, picture) in taken.items()
            if picture != self._made.get(run_id, NONE)[1]
        }
        self._made |= taken
        self._show(new, runs)
        self.update()

    def _out_of_date(self) -> dict[str, Key]:
        session = self._session
        runs = sorted(session.runs, key=lambda run: run.id not in session.run_ids)
        keys = {run.id: key for run in runs if (key := self._key(run)) is not None}
        return {run_id: key for run_id, key in keys.items() if self._made.get(run_id, NONE)[0] != key}

    def _key(self, run: Run) -> Key | None:
        # A run at rest is drawn once for each colouring; one at work every twenty epochs.
        look = (self._colours.source, self._dark)
        if not run.status.active:
            return (run.status, run.epoch, *look)
        snapshot = self._session.snapshot(run.id)
        return None if snapshot is None else (snapshot.epoch // EPOCHS_APART, *look)

    def _picture(self, run_id: str, dark: bool) -> str:
        snapshot, colouring = self._session.snapshot(run_id), self._colours.plain(dark)
        if snapshot is None or not (colouring.is_density or len(colouring.codes) == len(snapshot.embedding)):
            return ""
        return map_picture(snapshot.embedding, colouring, dark)
