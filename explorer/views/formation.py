"""When the selection came to stand apart: a question, its answer in a sentence, and the way to that epoch."""

from __future__ import annotations

import html
from typing import Any

import panel as pn

from explorer.model.doing import Doing, StoppedError
from explorer.model.separation import APART, Separation, separation
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.small_button import small_button
from explorer.views.telling import telling
from explorer.views.text import count, counted
from explorer.views.theme import stylesheet

MEANING = (
    "Separation tells how purely items lie among their own: 1 when none of their nearest neighbours on the "
    f"map is another, 0 when as many are as by chance. From {APART} on they stand apart."
)


class FormationPanel(pn.viewable.Viewer):
    """Asks and tells when the selected items came to stand apart on the run on the map.

    It is there while something is selected and that run is at rest and has kept its history; the answer goes
    with the selection and the run it is of.

    Parameters
    ----------
    session : Session
        Whose selection it is; its `formed` is set.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._aside = session, Aside(long=True)
        self._doing: Doing | None = None
        self._key: tuple[object, ...] = ()
        self.ask = small_button(
            "When did it form?",
            "Looks through the epochs this run has kept for when the selected items came to stand apart.",
        )
        self.cancel = small_button("Cancel", "Stops looking.", "text", visible=False)
        self.go = small_button("Show", "Shows the map at the epoch since which they stand apart.", "text")
        self._said = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(4, 0, 0, 0)
        )
        buttons = pn.Row(self.ask, self.cancel, self.go, margin=0, styles={"gap": "8px"})
        self._all = pn.Column(buttons, self._said, sizing_mode="stretch_width", margin=(2, 0, 6, 0))
        self.ask.on_click(lambda _: self._look())
        self.cancel.on_click(lambda _: self._forget())
        self.go.on_click(lambda _: self._show_since())
        session.param.watch(self._follow, ["selection", "run_id", "runs", "dataset"])
        self._forget()
        self._follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._all

    def close(self) -> None:
        """The page is gone."""
        if self._doing is not None:
            self._doing.stop()

    def _follow(self, *_: Any) -> None:
        session, selection = self._session, self._session.selection
        chosen = selection is not None and 1 < selection.count < selection.n
        self._all.visible = chosen and len(session.epochs) > 1
        key = (session.run_id, session.epochs, selection and selection.digest)
        if key != self._key:
            self._key = key
            self._forget()

    def _forget(self) -> None:
        if self._doing is not None:
            self._doing.stop()
        self._aside.forget()
        self._doing, self._session.formed = None, None
        self._tell("")

    def _look(self) -> None:
        self._forget()
        mask, past = self._session.selection.mask, self._session.past()
        doing = self._doing = Doing("looking when it formed")

        def work() -> Separation | None:
            try:
                return separation(mask, past, doing)
            except StoppedError:
                return None

        self._tell(f"Looking through {counted(len(past), 'epoch')}…")
        self._aside.ask_instead(work, self._answer, self._fail)

    def _answer(self, found: Separation | None) -> None:
        self._doing, self._session.formed = None, found
        self._tell("" if found is None else told(found, self._session.selection.count))
        if found is not None and found.since is not None:
            self.go.param.update(label=f"Show epoch {count(found.since)}", visible=True)

    def _fail(self, sentence: str) -> None:
        self._doing = None
        self._tell(sentence, "bad")

    def _tell(self, sentence: str, tone: str = "") -> None:
        self.cancel.visible, self.go.visible = self._doing is not None, False
        role, said = "alert" if tone else "status", html.escape(sentence)
        self._said.object = said and f'<div role="{role}" class="{tone}" title="{MEANING}">{said}</div>'

    def _show_since(self) -> None:
        found = self._session.formed
        if found is not None:
            with telling():
                self._session.look_at_epoch(found.since)


def told(found: Separation, members: int) -> str:
    """When so many selected items came to stand apart, in a sentence."""
    since, these = found.since, f"These {count(members)} items"
    if since is None:
        return f"{these} do not stand apart: their separation is {found.scores[-1]:.2f} now, below {APART}."
    if since == found.epochs[0]:
        return f"{these} have stood apart from the start."
    return f"{these} have stood apart since epoch {count(since)}."
