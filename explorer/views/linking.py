"""Maps side by side as one: which show the same place, and which of them a button moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from explorer.model.session import Session
from explorer.views.map_view import MapView


class Linking:
    """Has the maps that lie in the first one's coordinates show its place while the session links them.

    A map whose run is at work lies in coordinates of its own, and moves by itself until it is at rest.

    Parameters
    ----------
    session : Session
        Whose `linked` decides.
    maps : sequence of MapView
        Those made so far, the first of the page first; it grows.
    on_use : callable
        Called when another map is the one used last.
    """

    def __init__(self, session: Session, maps: Sequence[MapView], on_use: Callable[[], None]) -> None:
        self._session, self._maps, self._on_use = session, maps, on_use
        self._used = 0
        # After the maps themselves have heard of it.
        told = ["linked", "dataset", "run_id", "beside_ids", "runs", "progress"]
        session.param.watch(self.refresh, told, precedence=1)

    def add(self, view: MapView) -> None:
        """Hear of what the analyst does on a new map."""
        view.on_use = view.camera.on_look = partial(self._use, view)
        self.refresh()

    @property
    def used(self) -> MapView:
        """The map the analyst used last; the first when that is there no longer."""
        return self._maps[self._used if self._used < len(self._session.run_ids) else 0]

    @property
    def shown(self) -> list[MapView]:
        """The maps that have a run."""
        return [one for one in self._maps if one.run_id]

    def of_buttons(self) -> list[MapView]:
        """The maps that a button moves: the one used last; while they are linked all, one for those led."""
        return self._one_for_each(self.used) if self._session.linked else [self.used]

    def of_all(self) -> list[MapView]:
        """The maps that have to move for all to do so: the first leads those that are linked with it."""
        return self._one_for_each(self._maps[0])

    def refresh(self, *events: Any) -> None:
        """Have those maps follow the first that can, and those that no longer can show all of themselves.

        When they are linked all go to what the analyst looks at on the map used last.
        """
        session, first, *others = self._session, *self._maps
        camera = self.used.camera
        looked_at = camera.viewport if camera.is_zoomed else None
        can = [one for one in others if one.run_id and session.is_aligned(one.run_id)]
        before = first.camera.followers
        first.camera.lead([one.camera for one in can] if session.linked else [])
        for one in others:
            if one.camera in before and one not in can:
                one.camera.fit()
        if looked_at is not None and session.linked and any(event.name == "linked" for event in events):
            camera.look(looked_at)

    def _one_for_each(self, view: MapView) -> list[MapView]:
        camera = view.camera.leader or view.camera
        together = {camera, *camera.followers}
        return [view, *(one for one in self.shown if one.camera not in together)]

    def _use(self, view: MapView) -> None:
        if self._used != view.at:
            self._used = view.at
            self._on_use()
