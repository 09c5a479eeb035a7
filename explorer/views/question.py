"""A question about the run on the map: the button that asks it, the work while it lasts, what was found."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

import panel as pn

from explorer.model.doing import Doing
from explorer.model.run import Run
from explorer.model.session import Session
from explorer.views.found_rows import FoundRows
from explorer.views.small_button import main_button
from explorer.views.undertaking import Undertaking


class Question(pn.viewable.Viewer):
    """What the panels that compare have in common; each says what is asked, and what a click selects.

    Parameters
    ----------
    session : Session
        Whose run on the map it is about; it is given the rows of what is clicked.
    tell : callable
        Told of the work again and again while it lasts, and None after.
    result : FoundRows
        What shows the findings; what is clicked comes to `_on_message`.
    label, description : str
        Of the button.

    Attributes
    ----------
    found : object or None
        What was found last.
    """

    def __init__(
        self,
        session: Session,
        tell: Callable[[Doing | None], None],
        result: type[FoundRows],
        label: str,
        description: str,
    ) -> None:
        super().__init__()
        self._session = session
        self.found: Any = None
        self.compare = main_button(label, description, margin=(4, 0))
        self.compare.on_click(lambda _: self._compare())
        self.work = Undertaking(tell, self._arrange, long=True)
        self.result = result(self._on_message, margin=0, sizing_mode="stretch_width")

    def close(self) -> None:
        """The page is gone."""
        self.work.stop()

    def forget(self) -> None:
        """Nothing was found, nor is anything looked for."""
        self.found, self.result.state = None, {}
        self.work.clear()

    @property
    def _run(self) -> Run | None:
        """The run on the map."""
        return self._session.run(self._session.run_id)

    @abstractmethod
    def _compare(self) -> None:
        """Ask it of the run on the map."""

    @abstractmethod
    def _arrange(self, *_: Any) -> None:
        """Show what can be asked now, and what was found."""

    @abstractmethod
    def _on_message(self, message: dict[str, str]) -> None:
        """Select what was clicked."""
