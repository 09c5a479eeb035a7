"""The selection: how many, how they were chosen, other ways to choose, and what is in it."""

from __future__ import annotations

import html
from typing import Any

import panel as pn

from explorer.model.selection import Step
from explorer.model.session import Session
from explorer.model.statistics import STATISTICS
from explorer.views import text
from explorer.views.aside import Begin
from explorer.views.composition import Composition
from explorer.views.condition_box import ConditionBox
from explorer.views.formation import FormationPanel
from explorer.views.saved_panel import SavedPanel
from explorer.views.small_button import small_button
from explorer.views.theme import stylesheet
from explorer.views.water_panel import WaterPanel

STEPS_TOLD = 3


class SelectionPanel(pn.viewable.Viewer):
    """Count and share of the selection, its tools, and its composition.

    Parameters
    ----------
    session : Session
        Whose selection it is.
    dark : bool
        The theme.
    after_pictures : callable, optional
        Has what is selected counted by column once maps or wall are painted, see `Aside`.
    """

    def __init__(self, session: Session, dark: bool = True, after_pictures: Begin | None = None) -> None:
        super().__init__()
        self._session = session
        self._head = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(10, 0, 4, 0)
        )
        self.clear = small_button("Clear", "Selects nothing (Esc).")
        self.invert = small_button("Invert", "Selects what is not selected.")
        self.clear.on_click(lambda _: session.clear_selection())
        self.invert.on_click(lambda _: session.invert_selection())
        self._buttons = pn.Row(self.clear, self.invert, margin=(6, 0), styles={"gap": "8px"})
        self.formation = FormationPanel(session)
        self.condition = ConditionBox(session)
        self.water = WaterPanel(session)
        self.saved = SavedPanel(session)
        self.composition = Composition(session, dark, after_pictures)
        self._ways = pn.Column(
            self.formation, self.condition, self.water, self.saved, sizing_mode="stretch_width", margin=0
        )
        session.param.watch(self._draw, ["dataset", "selection", "runs", "run_id"])
        self._draw()

    def close(self) -> None:
        """The page is gone."""
        self.formation.close()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self._head,
            self._buttons,
            self._ways,
            self.composition,
            sizing_mode="stretch_width",
            margin=0,
        )

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self.composition.use_theme(dark)

    def _draw(self, *_: Any) -> None:
        selection = self._session.selection
        chosen = selection is not None and selection.count > 0
        self._buttons.visible = chosen
        self._ways.visible = self._session.dataset is not None
        self._head.object = self._summary(chosen)

    def _summary(self, chosen: bool) -> str:
        if not chosen:
            return f'<div class="empty">{self._how_to_select()}</div>'
        selection = self._session.selection
        runs = {run.id: run.title for run in self._session.runs}
        how = ["…"] if len(selection.steps) > STEPS_TOLD else []
        how += [told(step, runs) for step in selection.steps[-STEPS_TOLD:]]
        return (
            f'<div class="headline"><b>{text.count(selection.count)}</b>'
            f'<span class="muted">{text.share(selection.share)} of {text.count(selection.n)}</span></div>'
            f'<div class="muted">{html.escape(" → ".join(how))}</div>'
        )

    def _how_to_select(self) -> str:
        session = self._session
        if session.dataset is None:
            return "<b>There is nothing to select from.</b><br>Open data on the left first."
        if session.run(session.run_id) is None:
            return (
                "<b>Nothing is selected.</b><br>Write a condition or click a bar below. On the map of a run "
                "you can draw around a region, too."
            )
        return (
            "<b>Nothing is selected.</b><br>Take the lasso or the box and drag around a region of the map to "
            "see what is in it, write a condition, or click a bar below."
        )


def told(step: Step, runs: dict[str, str]) -> str:
    """A step in a few words: how it changed the selection, what was chosen, on the map of which run."""
    sign = {"union": "+ ", "subtract": "− ", "intersect": "∩ "}.get(step.mode, "")
    where = f" on {runs[step.run_id]}" if step.run_id in runs else ""
    where += "" if step.epoch is None else f" at epoch {text.count(step.epoch)}"
    what = {
        "categories": _category(step),
        "condition": step.condition,
        "above": f"the densest {text.share(step.share)}",
        "region": f"a region of the densest {text.share(step.share)}",
        "saved": f"“{step.name}”",
        "search": f"search “{step.text}”",
        "like": f"like {step.text}",
        "rows": step.text or "rows",
    }.get(step.kind, step.kind)
    return f"{sign}{what}{where}"


def _category(step: Step) -> str:
    """What of which column or statistic: the ranges and classes of several read alike."""
    # A step by a statistic is of a run; a column may be called as one is.
    label = STATISTICS[step.column].label if step.run_id and step.column in STATISTICS else step.column
    values = ", ".join(step.values)
    return values if values.startswith(f"{label} ") else f"{label} {values}"
