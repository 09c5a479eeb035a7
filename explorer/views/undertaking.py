"""Work that somebody asked for and waits for: how far it is, a way to end it, and why it came to nothing."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any, TypeVar

import panel as pn
import panel_material_ui as pmui

from explorer.model.doing import Doing, StoppedError
from explorer.views.aside import Aside
from explorer.views.small_button import small_button
from explorer.views.status_bar import under_way
from explorer.views.theme import stylesheet
from explorer.views.turns import later

T = TypeVar("T")
UPDATE_MS = 250


class Undertaking(pn.viewable.Viewer):
    """One piece of work at a time, done beside the page's own thread; shown while it lasts.

    Parameters
    ----------
    tell : callable
        Told of the work again and again while it lasts, and None after.
    on_change : callable, optional
        Called when work begins and when it ends.
    long : bool, default False
        Whether it may take minutes.
    """

    def __init__(
        self,
        tell: Callable[[Doing | None], None],
        on_change: Callable[[], None] = lambda: None,
        long: bool = False,
    ) -> None:
        super().__init__()
        self._tell, self._on_change = tell, on_change
        self._doc, self._aside = pn.state.curdoc, Aside(long=long)
        self._doing: Doing | None = None
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        sheet: dict[str, Any] = {"stylesheets": [stylesheet("panels.css")], "margin": 0, **wide}
        self.share = pmui.LinearProgress(
            max=100, margin=(6, 0), description="Share of the work that is done.", **wide
        )
        self.cancel = small_button("Cancel", "Ends the work. What was found before stays.")
        self.cancel.on_click(lambda _: self.stop())
        self._words, self.said = pn.pane.HTML(**sheet), pn.pane.HTML(**sheet)
        self._work = pn.Column(self._words, self.share, self.cancel, margin=0, visible=False, **wide)

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self._work, self.said, sizing_mode="stretch_width", margin=0)

    @property
    def is_working(self) -> bool:
        """Whether work is under way."""
        return self._doing is not None

    def begin(self, what: str, work: Callable[[Doing], T], then: Callable[[T], None]) -> None:
        """Do work in place of what is under way.

        Parameters
        ----------
        what : str
            Such as "comparing over time".
        work : callable
            Called on a worker's thread with what to tell the share done to; that raises when it is to end.
        then : callable
            Takes the result, on the page's thread.
        """
        self.stop()
        doing = self._doing = Doing(what)

        def done() -> tuple[T] | None:
            try:
                return (work(doing),)
            except StoppedError:
                return None

        def put(found: tuple[T] | None) -> None:
            self._end()
            if found is not None:
                then(found[0])

        self.said.object = ""
        self._on_change()
        self._follow()
        self._aside.ask_instead(done, put, self.fail)

    def stop(self) -> None:
        """End the work; nothing comes of it."""
        if self._doing is not None:
            self._doing.stop()
            self._aside.forget()
            self._end()

    def clear(self) -> None:
        """End the work, and forget why earlier work came to nothing."""
        self.stop()
        self.said.object = ""

    def fail(self, sentence: str) -> None:
        """End the work, and say why nothing comes of it."""
        self.stop()
        self.said.object = f'<div role="alert" class="bad">{html.escape(sentence)}</div>'

    def _end(self) -> None:
        self._doing = None
        self._on_change()
        self._follow()

    def _follow(self) -> None:
        """Show how far the work is, until there is none."""
        doing = self._doing
        self._work.visible = doing is not None
        self._tell(doing)
        if doing is None:
            return
        self._words.object = f'<div class="muted" role="status">{html.escape(under_way(doing))}</div>'
        self.share.param.update(
            value=round(100 * doing.share), variant="determinate" if doing.share else "indeterminate"
        )
        if self._doc is not None:
            later(self._doc, UPDATE_MS, lambda: self._follow() if self._doing is doing else None)
