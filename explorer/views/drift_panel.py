"""What changes: clusters that thin out or grow over time, and regions of the map that a batch lacks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui

from explorer.model.arrivals import Arrivals
from explorer.model.coverage import Coverage
from explorer.model.doing import Doing
from explorer.model.drift import Drift, drift_of_run, time_columns
from explorer.model.session import Session
from explorer.views.coverage_panel import CoveragePanel
from explorer.views.drift_state import drift_state
from explorer.views.found_rows import FoundRows, select_found
from explorer.views.no_map import no_map
from explorer.views.other_clusters import OtherClusters
from explorer.views.question import Question
from explorer.views.theme import script, stylesheet

NO_RUN = ("There is no map yet", ": what changes is told of the clusters of its map.")
AT_WORK = "<b>The run on the map is not done.</b><br>What changes is told once it is."
NO_TIMES = "The items have no column of dates or times to tell by when each came in."


@dataclass(frozen=True, eq=False)
class Changes:
    """What was found of change on the page.

    Attributes
    ----------
    drift : Drift or None
        Over time.
    coverage : Coverage or None
        Of a batch.
    arrivals : Arrivals or None
        Of a batch of other data.
    """

    drift: Drift | None = None
    coverage: Coverage | None = None
    arrivals: Arrivals | None = None


class DriftResult(FoundRows):
    """Clusters over time, by `drift_state`: the key of each is its number."""

    _esm: ClassVar[str] = script("found_rows.js", "drift.js")


class DriftPanel(Question):
    """Drift over a column of times, and coverage of a batch, of the run on the map.

    Parameters
    ----------
    session : Session
        Whose run on the map it is; it is given the rows of what is clicked.
    tell : callable
        Told of work again and again while it lasts, and None after.
    dark : bool
        The theme.
    show : callable
        Called with the coverage that is to be seen over the map, None for nothing, and the theme.
    sample : callable
        Called with the strategy by which the selection is to be sampled.
    """

    found: Drift | None

    def __init__(
        self,
        session: Session,
        tell: Callable[[Doing | None], None] = lambda _: None,
        dark: bool = True,
        show: Callable[[Coverage | None, bool], None] = lambda *_: None,
        sample: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(
            session, tell, DriftResult, "Compare over time",
            "Tells which clusters of the map thin out or grow by more than chance, since when.",
        )  # fmt: skip
        self._key: tuple[object, ...] = ()
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        sheet: dict[str, Any] = {"stylesheets": [stylesheet("panels.css")], **wide}
        self._head = pn.pane.HTML(margin=(10, 0, 4, 0), **sheet)
        self.column = pmui.Select(
            label="When each item came in",
            size="small",
            margin=(4, 0),
            description="The column of dates or times over which the share of each cluster is compared.",
            **wide,
        )
        self.caution = OtherClusters(session, "compare again")
        self.coverage = CoveragePanel(session, tell, dark, show, sample)
        section = '<div class="section">Coverage of a batch</div>'
        self._rest = pn.Column(
            self.column, self.compare, self.work, self.caution, self.result,
            pn.pane.HTML(section, margin=(14, 0, 0, 0), **sheet), self.coverage,
            margin=0, **wide,
        )  # fmt: skip
        session.param.watch(self._follow, ["dataset", "runs", "run_id"])
        self._follow()

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(self._head, self._rest, sizing_mode="stretch_width", margin=0)

    @property
    def changes(self) -> Changes:
        """All that is shown."""
        return Changes(self.found, self.coverage.found, self.coverage.arrivals)

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self.coverage.use_theme(dark)

    def close(self) -> None:
        """The page is gone."""
        super().close()
        self.coverage.close()

    def forget(self) -> None:
        """Nothing was found, nor is anything looked for."""
        super().forget()
        self.caution.about(None)

    def _follow(self, *_: Any) -> None:
        """What was found goes with the map it is of."""
        session, run = self._session, self._run
        data = session.dataset and session.dataset.id
        key = (data, bool(session.runs), run and (run.id, run.epoch, run.status))
        if key == self._key:
            return
        self._key = key
        self.forget()
        self.coverage.look_anew()
        names = [] if session.dataset is None else list(time_columns(session.dataset.items))
        if names != self.column.options:
            self.column.param.update(options=names, value=names[0] if names else None)
        self._arrange()

    def _arrange(self, *_: Any) -> None:
        run, has_times = self._run, bool(self.column.options)
        ready = run is not None and not run.status.active and run.epoch > 0
        self._rest.visible = ready
        self.column.visible = has_times
        self.compare.visible = has_times and not self.work.is_working
        if not ready:
            words = no_map(self._session, *NO_RUN) if run is None else AT_WORK
            self._head.object = f'<div class="empty">{words}</div>'
            return
        times = "" if has_times else f'<div class="muted">{NO_TIMES}</div>'
        self._head.object = f'<div class="section">Drift over time</div>{times}'

    def _compare(self) -> None:
        session, run, column = self._session, self._run, self.column.value
        if run is None or not column:
            return
        workspace = session.workspace
        self.work.begin(
            f"comparing over {column}", lambda doing: drift_of_run(workspace, run, column, doing), self._put
        )

    def _put(self, found: Drift) -> None:
        self.found, self.result.state = found, drift_state(found)
        self.caution.about(found.labels)

    def _on_message(self, message: dict[str, str]) -> None:
        if self.found is not None:
            cluster = int(message["key"])
            select_found(self._session, self.found.rows_of(cluster), f"cluster {cluster} over time")
