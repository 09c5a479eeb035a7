"""What to cluster and by which parameters, and the run of a separate embedding to cluster on."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import panel as pn
import panel_material_ui as pmui

from explorer.model.clusters import ClusterParameters
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.session import Session
from explorer.views.aside import Aside
from explorer.views.theme import stylesheet

THIS = "the map"
SELECTIONS = {"most stable": "eom", "smallest": "leaf"}
EMBEDDING = RunParameters(n_neighbors=30, min_dist=0.0, n_components=5)
"""Of an embedding to cluster on: more neighbours even out chance, and nothing keeps points apart."""
MOST_DIMS = 30
MEANING = {
    "ground": "Where clusters are looked for. They are shown on the map, whichever it is.",
    "separate": "An embedding made to be clustered: more neighbours, no least distance, more dimensions.",
    "dims": "Dimensions of the embedding. More keep more of the data's shape than a flat map can.",
    "neighbors": "Neighbours each item looks at. More even out what is chance.",
    "size": "Fewest items of a cluster. Small values show detail, large ones the whole.",
    "samples": "Neighbours that make a spot dense. The larger, the more items are noise.",
    "selection": "Branches that last longest (excess of mass), or all that do not part again (leaf).",
    "epsilon": "Clusters that part at a smaller distance stay one. In units of the map; 0 for none.",
}


class ClusterForm(pn.viewable.Viewer):
    """The ground, the fields of HDBSCAN, and those of a separate embedding.

    Parameters
    ----------
    session : Session
        Whose run on the map, or another of its runs, is clustered.
    changed : callable
        Told when what is to be clustered has changed; it may come often.
    """

    def __init__(self, session: Session, changed: Callable[[], None]) -> None:
        super().__init__()
        self._session, self._changed, self._aside = session, changed, Aside(every=True)
        self._waiting, self._setting = "", False
        wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (5, 0), "size": "small"}
        self.ground = pmui.Select(
            label="Cluster on", options={THIS: ""}, value="", description=MEANING["ground"], **wide
        )
        self._make_embedding(wide)
        self.size = pmui.IntSlider(
            label="min_cluster_size", start=2, end=1000, value=15, description=MEANING["size"], **wide
        )
        self.samples = pmui.IntSlider(
            label="min_samples", start=1, end=100, value=10, description=MEANING["samples"], **wide
        )
        self.selection = pmui.Select(
            label="clusters are", options=SELECTIONS, value="eom", description=MEANING["selection"], **wide
        )
        self.epsilon = pmui.FloatInput(
            label="epsilon", value=0.0, start=0.0, step=0.05, description=MEANING["epsilon"], **wide
        )
        for field in (self.ground, self.size, self.samples, self.selection, self.epsilon):
            field.param.watch(self._on_field, ["value"])
        session.param.watch(self._offer, ["runs", "run_id"])
        self._fit()
        self._offer()

    def _make_embedding(self, wide: dict[str, Any]) -> None:
        self.separate = pmui.Switch(
            label="Separate embedding",
            size="small",
            margin=(2, 0),
            description=MEANING["separate"],
        )
        self.dims = pmui.IntInput(
            label="dimensions", value=EMBEDDING.n_components, start=1, end=MOST_DIMS,
            description=MEANING["dims"], **wide,
        )  # fmt: skip
        self.neighbors = pmui.IntInput(
            label="n_neighbors", value=EMBEDDING.n_neighbors, start=2,
            description=MEANING["neighbors"], **wide,
        )  # fmt: skip
        self.make = pmui.Button(
            label="Make the embedding",
            variant="outlined",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
            description="Another run, with the map's metric and seed, which is clustered once it is done.",
        )
        self._said = pn.pane.HTML(
            stylesheets=[stylesheet("panels.css")], sizing_mode="stretch_width", margin=(2, 0)
        )
        fields = pn.Row(
            self.dims, self.neighbors, sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}
        )
        self._embedding = pn.Column(
            fields, self.make, self._said, sizing_mode="stretch_width", margin=0, visible=False
        )
        self.separate.link(self._embedding, value="visible")
        self.make.on_click(lambda _: self._start())

    def __panel__(self) -> pn.viewable.Viewable:
        last = pn.Row(
            self.selection, self.epsilon, sizing_mode="stretch_width", margin=0, styles={"gap": "10px"}
        )
        return pn.Column(
            self.ground, self.separate, self._embedding, self.size, self.samples, last,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip

    @property
    def run(self) -> Run | None:
        """The run that is clustered; None while there is none at rest with a map."""
        run = self._session.run(self.ground.value or self._session.run_id)
        return run if run is not None and not run.status.active and run.epoch > 0 else None

    def parameters(self, run: Run) -> ClusterParameters:
        """What the fields say, for a run.

        Raises
        ------
        InputError
            If that cannot work.
        """
        epsilon = 0.0 if self.epsilon.value is None else self.epsilon.value
        return ClusterParameters.for_rows(
            run.n, self.size.value, self.samples.value, self.selection.value, epsilon
        )

    def _on_field(self, *_: Any) -> None:
        if not self._setting:
            self._changed()

    def _fit(self) -> None:
        """Give the sliders the reach and the values that suit the data."""
        dataset = self._session.dataset
        n = 100 if dataset is None else dataset.n
        usual = ClusterParameters.for_rows(max(n, 2))
        self._setting = True
        self.size.param.update(end=max(usual.min_cluster_size * 4, n // 20, 20), value=usual.min_cluster_size)
        self.samples.param.update(end=max(2, min(100, n - 1)), value=usual.min_samples)
        self._setting = False

    def reset(self) -> None:
        """Other data was opened."""
        self._waiting, self._said.object = "", ""
        self._fit()
        self._offer()

    def _offer(self, *_: Any) -> None:
        """Offer the runs of the same data that have an embedding, and take up the one that was waited for."""
        session, known = self._session, {run.id: run for run in self._session.runs}
        shown = known.get(session.run_id)
        others = [run for run in known.values() if run.status is RunStatus.DONE and run.id != session.run_id]
        fit = [run for run in others if shown is not None and run.data_hash == shown.data_hash]
        titles = [run.title for run in fit]
        options = {THIS: ""} | {
            run.title if titles.count(run.title) == 1 else f"{run.title} · {run.id}": run.id for run in fit
        }
        waited = known.get(self._waiting)
        value = self.ground.value if self.ground.value in options.values() else ""
        if self._waiting and (waited is None or not waited.status.active):
            # It may have been deleted, have failed or been stopped.
            value = self._waiting if self._waiting in options.values() else value
            self._waiting = ""
            self._say("" if waited is None else waited.error or "", "bad")
        self._setting = True
        before = self.ground.value
        if options != self.ground.options or value != before:
            self.ground.param.update(options=options, value=value)
        self._setting = False
        if value != before:
            self._changed()
        self._follow()

    def _follow(self) -> None:
        """Tell that an embedding is being made."""
        self.make.disabled = bool(self._waiting) or self._session.run(self._session.run_id) is None
        if self._waiting:
            self._say(
                "The embedding is being made, its card is among the runs: it is clustered once it is done."
            )

    def _start(self) -> None:
        session, dataset = self._session, self._session.dataset
        shown = session.run(session.run_id)
        if dataset is None or shown is None:
            return
        chosen = RunParameters(
            n_neighbors=self.neighbors.value or EMBEDDING.n_neighbors,
            min_dist=EMBEDDING.min_dist,
            n_components=self.dims.value or EMBEDDING.n_components,
            metric=shown.parameters.metric,
            seed=shown.parameters.seed,
        )
        try:
            chosen.validate(dataset.n, dataset.dims)
        except InputError as error:
            self._say(str(error), "bad")
            return

        def wait(run: Run) -> None:
            if session.dataset is dataset:
                self._waiting = run.id
                session.refresh()
                self._offer()

        def fail(sentence: str) -> None:
            self._follow()
            self._say(sentence, "bad")

        self.make.disabled = True
        self._aside.ask(lambda: session.runner.start(dataset, chosen), wait, fail)

    def _say(self, sentence: str, tone: str = "muted") -> None:
        role = "alert" if tone == "bad" else "status"
        self._said.object = sentence and f'<div role="{role}" class="{tone}">{html.escape(sentence)}</div>'
