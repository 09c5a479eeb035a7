"""The audit of the run on the map: what is wrong with its clusters, looked at, sampled, marked, reported."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param
from numpy.typing import NDArray

from explorer.model import audit as audits
from explorer.model import cluster_names, clusters, kept_audit
from explorer.model.applied import applied
from explorer.model.audit import Audit
from explorer.model.doing import Doing
from explorer.model.items import Items
from explorer.model.marks import Mark, Marks
from explorer.model.run import Run
from explorer.model.selection import Selection
from explorer.model.session import Session
from explorer.model.strategies import STRATEGIES
from explorer.model.workspace import Workspace
from explorer.views.aside import Aside
from explorer.views.audit_state import CLUSTER, audit_state, called
from explorer.views.colouring import colourable
from explorer.views.download import Download
from explorer.views.drift_panel import Changes
from explorer.views.found_rows import FoundRows, select_found
from explorer.views.measures_state import measures_state
from explorer.views.no_map import no_map
from explorer.views.other_clusters import OtherClusters
from explorer.views.small_button import main_button, several
from explorer.views.theme import script, stylesheet
from explorer.views.undertaking import Undertaking

NO_RUN = ("There is no map to audit", ": an audit tells what is wrong with its clusters.")
AT_WORK = "<b>The run is not at its end.</b><br>Its clusters can be audited once it is done or stopped."
NONE_CHOSEN = "Choose the columns to audit by first."
OPEN = "open"


class AuditResult(FoundRows):
    """Findings and clusters, by `audit_state`.

    Parameters
    ----------
    on_message : callable
        Called with {"act": "show", "key"}, {"act": "sample", "key", "strategy"} or {"act": "mark", "key",
        "state", "note"}; the state "open" takes a mark away.
    measures : dict
        All that is measured of the cluster looked at, by `measures_state`.
    """

    measures = param.Dict(default={})

    _esm: ClassVar[str] = script("audit.js")
    _stylesheets: ClassVar[list[str]] = [
        stylesheet(name) for name in ("parts.css", "compare.css", "drift.css", "audit.css")
    ]


@dataclass(frozen=True, eq=False)
class LookedAt:
    """An audit with what was made of it.

    Attributes
    ----------
    audit : Audit
    marks : mapping of str to Mark
        By the findings' keys.
    """

    audit: Audit
    marks: Mapping[str, Mark]


class AuditPanel(pn.viewable.Viewer):
    """Columns, the button that audits, and what was found; the run's last audit is there at once.

    Nothing is read before it is first shown.

    Parameters
    ----------
    session : Session
        Whose run on the map is audited; it is given the rows of what is clicked.
    tell : callable
        Told of the work again and again while it lasts, and None after.
    fly : callable
        Called with rows to be shown on the maps.
    sample : callable
        Called with the name of a strategy by which to draw from the selection.
    changes : callable
        Tells what was found of change on the page, for the report.
    """

    def __init__(
        self,
        session: Session,
        tell: Callable[[Doing | None], None] = lambda _: None,
        fly: Callable[[NDArray[np.int64]], None] = lambda _: None,
        sample: Callable[[str], None] = lambda _: None,
        changes: Callable[[], Changes] = Changes,
    ) -> None:
        super().__init__()
        self._session, self._fly, self._sample, self._changes = session, fly, sample, changes
        self._reading, self._naming, self._marking = Aside(), Aside(), Aside(every=True)
        self._found: LookedAt | None = None
        self._names: tuple[str, ...] = ()
        self._key: tuple[object, ...] = ()
        self._picked: tuple[str, Selection | None] = ("", None)
        self._looked_at = ""
        self._seen = self._open = False
        self._make_parts(tell)
        session.param.watch(self._follow, ["dataset", "runs", "run_id"])
        self._follow()

    def _make_parts(self, tell: Callable[[Doing | None], None]) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        sheet: dict[str, Any] = {"stylesheets": [stylesheet("panels.css")], **wide}
        self._head = pn.pane.HTML(margin=(10, 0, 4, 0), **sheet)
        self.columns = several(
            "Audit by",
            "Columns by which clusters are mixed, lack something or have too much of it.",
            margin=(12, 0, 4, 0),
        )
        self.audit = main_button(
            "Audit", "Tells what is wrong with the clusters of the map, the worst first."
        )
        self.report = Download(
            label="Export report", callback=self._report, filename="audit.html", size="small", margin=0,
            description="One HTML file with pictures and tables, which needs nothing else to be read. What "
            "the Drift tab shows of change over time, of a batch and of new data goes with it, if anything.",
        )  # fmt: skip
        self._buttons = pn.Row(self.audit, self.report, margin=(4, 0), styles={"gap": "8px"})
        self.work = Undertaking(tell, self._arrange, long=True)
        self._caution = OtherClusters(self._session, "audit again")
        self.result = AuditResult(self._on_message, margin=0, **wide)
        self._rest = pn.Column(
            self.columns, self._buttons, self.work, self._caution, self.result, margin=0, **wide
        )
        self.audit.on_click(lambda _: self._begin())
        self.columns.param.watch(self._arrange, ["value"])

    def __panel__(self) -> pn.viewable.Viewable:
        if not self._seen:
            self._seen = self._open = True
            self._read()
        return pn.Column(self._head, self._rest, sizing_mode="stretch_width", margin=0)

    def look(self, is_open: bool) -> None:
        """Take notice of whether this is in sight: meanwhile others may have marked, or audited again."""
        came, self._open = is_open and not self._open, is_open
        if came:
            self._read()

    def close(self) -> None:
        """The page is gone."""
        self.work.stop()

    @property
    def found(self) -> Audit | None:
        """The audit that is shown."""
        return None if self._found is None else self._found.audit

    # What is looked at

    @property
    def _run(self) -> Run | None:
        return self._session.run(self._session.run_id)

    def _follow(self, *_: Any) -> None:
        """What was found goes with the map it is of."""
        session, run = self._session, self._run
        data = session.dataset and session.dataset.id
        key = (data, bool(session.runs), run and (run.id, run.epoch, run.status))
        if key == self._key:
            return
        if key[:1] != self._key[:1]:
            self._offer()
        self._key = key
        self._reading.forget()
        self._naming.forget()
        self.work.clear()
        self._put(None)
        self._read()

    def _offer(self) -> None:
        dataset = self._session.dataset
        kinds = {} if dataset is None else {column.name: column.kind for column in dataset.items.columns}
        usual = [name for name, kind in kinds.items() if kind in audits.GROUPING]
        self.columns.param.update(options=list(colourable(self._session)), value=usual)

    @property
    def _ready(self) -> bool:
        run = self._run
        return run is not None and not run.status.active and run.epoch > 0

    def _arrange(self, *_: Any) -> None:
        ready, working, has_columns = self._ready, self.work.is_working, bool(self.columns.options)
        self._rest.visible = ready
        self._head.visible = not (ready and self.columns.value)
        words = no_map(self._session, *NO_RUN) if self._run is None else AT_WORK
        if ready:
            missing = NONE_CHOSEN if has_columns else audits.NO_COLUMNS
            self._head.object = f'<div class="muted">{missing}</div>'
        else:
            self._head.object = f'<div class="empty">{words}</div>'
        self.columns.visible = has_columns
        self.audit.visible = has_columns and not working
        self.audit.disabled = not self.columns.value
        self.report.visible = self._found is not None and not working
        self._buttons.visible = self.audit.visible or self.report.visible

    # The audit

    def _read(self) -> None:
        """Show the last audit of the run, as it is kept."""
        run, workspace = self._run, self._session.workspace
        if self._seen and self._open and run is not None and self._ready and not self.work.is_working:
            self._reading.ask_instead(lambda: _last(workspace, run), self._put)

    def _begin(self) -> None:
        run, workspace, columns = self._run, self._session.workspace, tuple(self.columns.value)
        if run is None or not columns:
            return

        def work(doing: Doing) -> LookedAt:
            found = audits.audit(workspace, run, columns, progress=doing)
            kept_audit.keep(workspace, found)
            return LookedAt(found, Marks(workspace, run.id).all())

        self._reading.forget()
        self.work.begin("auditing clusters", work, self._put)

    def _put(self, found: LookedAt | None) -> None:
        before, self._found = self._found, found
        same = before is not None and found is not None and _same(before.audit, found.audit)
        self._names = self._names if same else ()
        if found is not None:
            self.report.filename = f"audit-{found.audit.run.id}.html"
        self._caution.about(None if found is None else found.audit.labels)
        self._arrange()
        self._draw()
        if found is not None and not same:
            self._name(found.audit)

    def _name(self, audit: Audit) -> None:
        """Find what the clusters are called."""
        dataset, workspace = self._session.dataset, self._session.workspace
        if dataset is None:
            return

        def put(names: tuple[str, ...]) -> None:
            if self.found is audit or (self.found is not None and _same(self.found, audit)):
                self._names = names
                self._draw()

        self._naming.ask_instead(lambda: _names(workspace, dataset.items, audit), put)

    def _draw(self) -> None:
        found = self._found
        self.result.state = {} if found is None else audit_state(found.audit, found.marks, self._names)
        self._measure()

    def _measure(self) -> None:
        """Tell all that is measured of the cluster of the entry that is open, whatever its number is now."""
        audit = self.found
        self.result.measures = (
            {} if audit is None else measures_state(audit, _cluster(audit, self._looked_at))
        )

    # What the analyst does

    def _on_message(self, message: dict[str, str]) -> None:
        found, key = self._found, message["key"]
        if found is None:
            return
        if message["act"] == "mark":
            self._mark(found, key, message["state"], message["note"])
        elif message["act"] == "show":
            self._show(found.audit, key)
        elif message["strategy"] in STRATEGIES:
            # Of what was selected by it, unless something else has been since.
            picked, selection = self._picked
            if picked != key or selection is not self._session.selection:
                self._show(found.audit, key, "replace")
            self._sample(message["strategy"])

    def _show(self, audit: Audit, key: str, mode: str = "") -> None:
        rows, name = _rows(audit, key)
        # What else leaves only a part of them selected, which no sample of them is drawn from.
        whole = (mode or self._session.mode) in ("replace", "union")
        select_found(self._session, rows, name, mode)
        self._picked = (key if whole else "", self._session.selection)
        # All of a cluster is also asked for in the entry of a finding, which stays open.
        if not key.startswith(CLUSTER) or _cluster(audit, key) != _cluster(audit, self._looked_at):
            self._looked_at = key
        self._measure()
        self._fly(rows)

    def _mark(self, found: LookedAt, key: str, state: str, note: str) -> None:
        marks = Marks(self._session.workspace, found.audit.run.id)

        def work() -> dict[str, Mark]:
            if state == OPEN:
                marks.clear(key)
            else:
                marks.set(key, state, note)
            return marks.all()

        def put(now: dict[str, Mark]) -> None:
            if self._found is not None and self._found.audit.run.id == found.audit.run.id:
                self._found = LookedAt(self._found.audit, now)
                self._draw()

        self._marking.ask(work, put)

    async def _report(self) -> io.BytesIO:
        from explorer.model.report import report_of

        audit, workspace, changes = self.found, self._session.workspace, self._changes()
        assert audit is not None  # without one there is no button
        doing = Doing("writing the report")
        try:
            text = await asyncio.to_thread(
                report_of, workspace, audit, drift=changes.drift, coverage=changes.coverage,
                arrivals=changes.arrivals, progress=doing,
            )  # fmt: skip
        except asyncio.CancelledError:
            doing.stop()
            raise
        return io.BytesIO(text.encode())


def _last(workspace: Workspace, run: Run) -> LookedAt | None:
    """The last audit of a run's map, with its marks; None without any."""
    audit = kept_audit.last(workspace, run)
    return None if audit is None else LookedAt(audit, Marks(workspace, run.id).all())


def _names(workspace: Workspace, items: Items, audit: Audit) -> tuple[str, ...]:
    """What the clusters of an audit are called: as they were applied, or by their columns."""
    now = applied(workspace, audit.run)
    if (
        now is not None
        and now.names
        and np.array_equal(clusters.find(workspace, audit.run).labels, audit.labels)
    ):
        return now.names
    return cluster_names.names(items, audit.labels)


def _same(one: Audit, other: Audit) -> bool:
    """Whether two audits are of the same clusters."""
    return one.run.id == other.run.id and np.array_equal(one.labels, other.labels)


def _cluster(audit: Audit, key: str) -> int | None:
    """The cluster of a finding or of a cluster's own key; None for a finding of all data or none of these."""
    if key.startswith(CLUSTER):
        number = int(key.removeprefix(CLUSTER))
        return number if number < len(audit.measured) else None
    return next((one.cluster for one in audit.findings if one.key == key), None)


def _rows(audit: Audit, key: str) -> tuple[NDArray[np.int64], str]:
    """The rows of a finding or of a cluster, and what to call them."""
    if key.startswith(CLUSTER):
        number = int(key.removeprefix(CLUSTER))
        return np.flatnonzero(audit.labels == number), f"cluster {number}"
    finding = next(one for one in audit.findings if one.key == key)
    return finding.rows, called(finding)
