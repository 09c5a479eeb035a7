"""Many runs at once: lists of parameters, what they share and will take, and the button that starts them."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.run import Run
from explorer.model.session import Session
from explorer.model.sweep import Estimate, Sweep, estimate, read_list
from explorer.views.aside import Aside
from explorer.views.run_form import METRICS, RunForm
from explorer.views.small_button import several
from explorer.views.telling import tell
from explorer.views.text import count, duration
from explorer.views.theme import stylesheet

AT_FIRST = {"n_neighbors": "5, 15, 50", "min_dist": "0, 0.1, 0.5", "seeds": "0"}
LABELS = {"n_neighbors": "n_neighbors values", "min_dist": "min_dist values", "seeds": "seeds"}
IDLE = "Run maps"
MEANING = {
    "n_neighbors": "Values with commas between them. One graph, for the largest, serves all maps of a seed.",
    "min_dist": "Values with commas between them. Maps that differ in this alone share all but the layout.",
    "seeds": "Values with commas between them, or a range such as 0-4. What changes with the seed is an "
    "accident; each seed has a graph of its own.",
}


class SweepForm(pn.viewable.Viewer):
    """A switch, fields for the lists, a line that tells what they come to, and a button that runs them.

    Parameters
    ----------
    session : Session
        Where the runs are started.
    form : RunForm
        The form of a single run, whose epochs and what is copied without a field count here too.
    """

    def __init__(self, session: Session, form: RunForm) -> None:
        super().__init__()
        self._session, self._form = session, form
        self._estimating, self._starting = Aside(), Aside(every=True)
        self._wanted: Sweep | None = None
        self.use = pmui.Switch(
            label="Sweep",
            size="small",
            margin=(8, 0, 6, 0),
            sx={"& .MuiTypography-root, & .MuiFormControlLabel-label": {"fontSize": 13}},
            description="Many maps at once: every combination of the values written below.",
        )
        wide: dict[str, Any] = {"size": "small", "sizing_mode": "stretch_width", "margin": (6, 0)}
        self.fields = {
            name: pmui.TextInput(label=LABELS[name], value=AT_FIRST[name], description=meaning, **wide)
            for name, meaning in MEANING.items()
        }
        self.metric = several(
            "metrics",
            "How the distance between two vectors is measured; each has graphs of its own.",
            options=METRICS,
            value=METRICS[:1],
            margin=(6, 0),
        )
        self._said = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(2, 0)
        )
        self.run = pmui.Button(
            label=IDLE,
            icon="play_arrow",
            description="Lays the data out by every combination, one after the other; each is a run below.",
            variant="outlined",
            sizing_mode="stretch_width",
            margin=(4, 0, 0, 0),
            disabled=True,
        )
        self._tools = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)
        self.use.param.watch(self._switch, ["value"])
        for field in self.fields.values():
            field.param.watch(self._read, ["value_input"])
        self.metric.param.watch(self._read, ["value"])
        form.n_epochs.param.watch(self._read, ["value"])
        form.param.watch(self._read, ["copied"])
        session.param.watch(self._read, ["dataset"])
        session.param.watch(self._heed, ["runs"])
        self.run.on_click(self._start)

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self.use, self._tools, sizing_mode="stretch_width", margin=0)

    def _switch(self, _: Any) -> None:
        if self.use.value and not self._tools.objects:
            # A page that loads need not make them.
            n_neighbors, min_dist, seeds = self.fields.values()
            self._tools.objects = [n_neighbors, min_dist, self.metric, seeds, self._said, self.run]
        self._tools.visible = self.use.value
        self._read()

    def _read(self, *_: Any) -> None:
        """Tell what the fields come to, or what is wrong under the field where it is."""
        self._estimating.forget()
        self._wanted, dataset = None, self._session.dataset
        if not self.use.value or dataset is None:
            self.run.disabled = True
            return
        try:
            self._wanted = self._sweep(dataset)
        except InputError as error:
            self._refuse(str(error))
            return
        if self._wanted is None:
            self._refuse("")
            return
        self.run.param.update(disabled=False, label=f"Run {_maps(self._wanted.count)}")
        self._say("Estimating …")
        self._estimate()

    def _heed(self, event: Any) -> None:
        """Tell anew what is left to compute when a run has come to rest: its stages are there now."""
        before, now = ({run.id for run in runs if not run.status.active} for runs in (event.old, event.new))
        if before != now:
            self._estimate()

    def _estimate(self) -> None:
        sweep, dataset, workspace = self._wanted, self._session.dataset, self._session.workspace
        if sweep is not None and dataset is not None:
            self._estimating.ask(lambda: estimate(sweep, dataset, workspace), self._tell, self._refuse)

    def _sweep(self, dataset: Dataset) -> Sweep | None:
        """What the form says; None when a field holds a fault, which is told under it."""
        base = replace(self._form.parameters, graph_neighbors=None)
        values: dict[str, tuple[Any, ...]] = {"metric": tuple(self.metric.value)}
        for name, field in self.fields.items():
            why = ""
            try:
                values[name] = read_list(name, field.value_input or "")
                # By itself, beside what any data has rows for, so that what is wrong is told where it is.
                alone = {"n_neighbors": (2,), name: values[name]}
                Sweep(**alone, base=base).validate(dataset.n, dataset.dims)
            except InputError as error:
                why = str(error)
            field.param.update(helper_text=why, error_state=bool(why))
        if any(field.error_state for field in self.fields.values()):
            return None
        sweep = Sweep(**values, base=base)
        sweep.check_size()
        return sweep

    def _refuse(self, sentence: str) -> None:
        self.run.param.update(disabled=True, label=IDLE)
        self._say(sentence, "bad")

    def _tell(self, expected: Estimate) -> None:
        self._say(f"{expected.words}; about {duration(sum(expected.seconds))}.")

    def _say(self, sentence: str, tone: str = "muted") -> None:
        role = "alert" if tone == "bad" else "status"
        self._said.object = sentence and f'<div role="{role}" class="{tone}">{html.escape(sentence)}</div>'

    def _start(self, _: Any) -> None:
        session, sweep = self._session, self._wanted
        dataset = session.dataset
        if sweep is None or dataset is None:
            return
        self.run.param.update(disabled=True, label="Starting …")

        def look(runs: tuple[Run, ...]) -> None:
            if session.dataset is dataset:
                session.look_at(next(run.id for run in runs if run.status.active))
            self._read()

        def fail(sentence: str) -> None:
            tell(sentence)
            self._read()

        self._starting.ask(lambda: session.runner.start_sweep(dataset, sweep), look, fail)


def _maps(number: int) -> str:
    return f"{count(number)} map{'' if number == 1 else 's'}"
