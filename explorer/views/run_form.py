"""The parameters of the next run, each with what it does to the map."""

from __future__ import annotations

import dataclasses
import html
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from bokeh.models import CustomJSTickFormatter

from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.small_button import small_button
from explorer.views.telling import telling
from explorer.views.text import count
from explorer.views.theme import stylesheet

METRICS = [
    "euclidean",
    "cosine",
    "manhattan",
    "correlation",
    "chebyshev",
    "canberra",
    "braycurtis",
    "hamming",
    "jaccard",
]
AUTO = CustomJSTickFormatter(code="return tick ? tick.toLocaleString('en-US') : 'auto'")
"""Writes 0, which leaves a number to the program, in a word."""
MEANING = {
    "n_neighbors": "Neighbours each item looks at, itself included. Few show detail, many the broad shape.",
    "min_dist": "How closely items may pack on the map. 0 packs clusters tight, 0.9 spreads them evenly.",
    "metric": "How the distance between two vectors is measured. Cosine ignores length.",
    "n_epochs": "Passes of the layout. 0, shown as auto, chooses by size: 500 up to 10,000 rows, else 200.",
    "from_epoch": "Where the new run leaves the other one. At its end it is a warm start from its map.",
    "seed": "The same seed gives the same map, bit for bit. What another seed does not show is an accident.",
}


class RunForm(pn.viewable.Viewer):
    """Sliders and fields for n_neighbors, min_dist, metric, epochs and seed, and the button that runs.

    What is copied from a run beyond these, and the run whose map a new one starts from, are told in lines
    that can be removed.

    Parameters
    ----------
    session : Session
        Where the run is started.

    Attributes
    ----------
    copied : RunParameters
        Those that have no field are as in it.
    """

    copied = param.ClassSelector(class_=RunParameters, default=RunParameters())

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session, self._aside, self._source = session, Aside(every=True), ""
        self._kept: tuple[int, ...] = ()
        self._make_fields()
        self._make_lines()
        self.run = pmui.Button(
            label="Run",
            icon="play_arrow",
            description="Lays the data out anew with these parameters and shows the map as it forms.",
            color="primary",
            variant="contained",
            sizing_mode="stretch_width",
            margin=(8, 0, 0, 0),
        )
        self.run.on_click(self._start)
        session.param.watch(self._fit_to_data, ["dataset"])
        self._fit_to_data()

    def _make_fields(self) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (5, 0), "size": "small"}
        self.n_neighbors = pmui.IntSlider(
            label="n_neighbors", start=2, end=200, value=15, description=MEANING["n_neighbors"], **wide
        )
        self.min_dist = pmui.FloatSlider(
            label="min_dist",
            start=0.0,
            end=1.0,
            step=0.05,
            value=0.1,
            description=MEANING["min_dist"],
            **wide,
        )
        self.metric = pmui.Select(
            label="metric", options=METRICS, value="euclidean", description=MEANING["metric"], **wide
        )
        self.n_epochs = pmui.IntInput(
            label="epochs", value=0, start=0, format=AUTO, description=MEANING["n_epochs"], **wide
        )
        self.seed = pmui.IntInput(label="seed", value=42, start=0, description=MEANING["seed"], **wide)
        self.from_epoch = pmui.IntInput(
            label="at epoch",
            value=0,
            start=0,
            description=MEANING["from_epoch"],
            **wide | {"margin": (11, 0, 5, 0)},
        )
        self.from_epoch.param.watch(lambda *_: self._tell_start(), ["value"])

    def _make_lines(self) -> None:
        self._also, self._from = (
            pn.pane.HTML(stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=0)
            for _ in range(2)
        )
        self.drop_also = small_button("Remove", "Takes the defaults for these again.", "text")
        self.drop_from = small_button("Remove", "Starts from an initial layout of its own again.", "text")
        self.drop_also.on_click(lambda _: self._show_copied(RunParameters()))
        self.drop_from.on_click(lambda _: self._leave_start())
        row: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (4, 0), "visible": False}
        self._also_line = pn.Row(self._also, self.drop_also, **row)
        self._from_line = pn.Column(
            self._from, pn.Row(self.from_epoch, self.drop_from, sizing_mode="stretch_width", margin=0), **row
        )

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.n_neighbors,
            self.min_dist,
            self.metric,
            pn.Row(self.n_epochs, self.seed, sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}),
            self._also_line,
            self._from_line,
            self.run,
            sizing_mode="stretch_width",
            margin=0,
        )

    @property
    def parameters(self) -> RunParameters:
        """What the form says."""
        return dataclasses.replace(
            self.copied,
            n_neighbors=self.n_neighbors.value,
            # A slider adds up its steps.
            min_dist=round(self.min_dist.value, 10),
            metric=self.metric.value,
            n_epochs=self.n_epochs.value or None,
            seed=self.seed.value or 0,  # as a field shows that was emptied
        )

    def copy(self, run: Run) -> None:
        """Take over all parameters of a run; it starts from an initial layout of its own."""
        p = run.parameters
        self._leave_start()
        self.n_neighbors.param.update(end=max(self.n_neighbors.end, p.n_neighbors), value=p.n_neighbors)
        self.min_dist.param.update(end=max(1.0, p.min_dist), value=p.min_dist)
        if p.metric not in self.metric.options:
            self.metric.options = [*METRICS, p.metric]
        self.metric.value = p.metric
        self.n_epochs.value, self.seed.value = p.n_epochs or 0, p.seed
        self._show_copied(p)

    def fork(self, run: Run, kept: tuple[int, ...]) -> None:
        """Take over the parameters of a run and start from its map, at one of the epochs kept of it.

        Raises
        ------
        InputError
            If it keeps none yet.
        """
        if not kept:
            raise InputError(f"The run {run.id} has no map to start from yet: it is {run.status}.")
        if self._session.run(run.id) is None:
            return  # meanwhile other data was opened
        self.copy(run)
        self._source, self._kept = run.id, kept
        self.from_epoch.param.update(start=kept[0], end=kept[-1], value=kept[-1])
        self._from_line.visible = True
        self._tell_start()

    def _epoch_kept(self) -> int:
        """The epoch that is kept and nearest to the one asked for."""
        return min(self._kept, key=lambda epoch: abs(epoch - (self.from_epoch.value or 0)))

    def _tell_start(self) -> None:
        source = self._session.run(self._source)
        if source is None:
            self._leave_start()
            return
        epoch = self._epoch_kept()
        if source.status is RunStatus.DONE and epoch == source.epoch:
            how = "its last map, epochs begin anew"
        else:
            how = f"goes on from epoch {count(epoch)}"
            if epoch != (self.from_epoch.value or 0):
                how += ", the nearest that is kept"
        title = html.escape(source.title)
        self._from.object = f'<div class="muted">Starts from <b>{title}</b>: {how}.</div>'

    def _leave_start(self) -> None:
        self._source, self._kept = "", ()
        self._from_line.visible = False

    def _show_copied(self, parameters: RunParameters) -> None:
        """Keep the parameters that have no field, and tell of those that are not the default."""
        self.copied = parameters
        plain = RunParameters().to_dict()
        given = _without_fields(parameters)
        told = [f"{name} {value}" for name, value in given.items() if value != plain[name]]
        self._also.object = f'<div class="muted">Also {html.escape(", ".join(told))}</div>'
        self._also_line.visible = bool(told)

    def _start(self, _: Any) -> None:
        session, dataset = self._session, self._session.dataset
        parameters, source = self.parameters, self._source
        epoch = self._epoch_kept() if source else None
        if dataset is None:
            return

        def show(run: Run) -> None:
            if session.dataset is dataset:
                session.look_at(run.id)

        # What is taken of another run is a copy of its map.
        with telling():
            self._aside.ask(
                lambda: session.runner.start(dataset, parameters, start_from=source, from_epoch=epoch), show
            )

    def _fit_to_data(self, *_: Any) -> None:
        dataset = self._session.dataset
        self.run.disabled = dataset is None
        self._leave_start()
        self._show_copied(RunParameters())
        if dataset is not None:
            most = max(3, min(200, dataset.n - 1))
            self.n_neighbors.param.update(end=most, value=min(self.n_neighbors.value, most))


def _without_fields(parameters: RunParameters) -> dict[str, Any]:
    """The parameters for which the form has no field."""
    fields = {"n_neighbors", "min_dist", "metric", "n_epochs", "seed"}
    return {name: value for name, value in parameters.to_dict().items() if name not in fields}
