"""The parameters of the next run, each with what it does to the map."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.run import RunParameters
from explorer.model.session import Session
from explorer.views.telling import telling

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
MEANING = {
    "n_neighbors": "Neighbours each item looks at, itself included. Few show detail, many the broad shape.",
    "min_dist": "How closely items may pack on the map. 0 packs clusters tight, 0.9 spreads them evenly.",
    "metric": "How the distance between two vectors is measured. Cosine ignores length.",
    "n_epochs": "Passes of the layout. 0 chooses by size: 500 up to 10,000 rows, else 200.",
    "seed": "The same seed gives the same map, bit for bit. What another seed does not show is an accident.",
}


class RunForm(pn.viewable.Viewer):
    """Sliders and fields for n_neighbors, min_dist, metric, epochs and seed, and the button that runs.

    Parameters
    ----------
    session : Session
        Where the run is started.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
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
            label="epochs", value=0, start=0, description=MEANING["n_epochs"], **wide
        )
        self.seed = pmui.IntInput(label="seed", value=42, start=0, description=MEANING["seed"], **wide)
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

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.n_neighbors,
            self.min_dist,
            self.metric,
            pn.Row(self.n_epochs, self.seed, sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}),
            self.run,
            sizing_mode="stretch_width",
            margin=0,
        )

    @property
    def parameters(self) -> RunParameters:
        """What the form says."""
        return RunParameters(
            n_neighbors=self.n_neighbors.value,
            min_dist=round(self.min_dist.value, 4),
            metric=self.metric.value,
            n_epochs=self.n_epochs.value or None,
            seed=self.seed.value,
        )

    def _start(self, _: Any) -> None:
        with telling():
            self._session.start(self.parameters)

    def _fit_to_data(self, *_: Any) -> None:
        dataset = self._session.dataset
        self.run.disabled = dataset is None
        if dataset is not None:
            most = max(3, min(200, dataset.n - 1))
            self.n_neighbors.param.update(end=most, value=min(self.n_neighbors.value, most))
