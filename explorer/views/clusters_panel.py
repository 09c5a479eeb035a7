"""Clusters with a live preview: cut, split and merged in the condensed tree, then put on the map."""

from __future__ import annotations

import html
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np
import panel as pn
import param

from explorer.model import cluster_names
from explorer.model.clusters import NOISE
from explorer.model.doing import Doing
from explorer.model.draft import Draft, Drafting
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.session import Session
from explorer.model.statistics import CLUSTER
from explorer.views.aside import Aside
from explorer.views.cluster_form import ClusterForm
from explorer.views.clusters_state import list_state, summary, tree_state
from explorer.views.found_rows import select_found
from explorer.views.no_map import no_map
from explorer.views.part import Part
from explorer.views.small_button import main_button, several, small_button
from explorer.views.text import count
from explorer.views.theme import script, stylesheet
from explorer.views.turns import later
from explorer.views.undertaking import Undertaking

SETTLE_MS = 400
NO_RUN = ("There is no map to cluster", ".")
APPLY = "Colours the map by these clusters and makes them the run's own, everywhere."
WAITS = "These can be applied once the run on the map is done or stopped: until then its map changes."
AT_WORK = "<b>The run is not at its end.</b><br>Its clusters can be found once it is done or stopped."


class CondensedTree(Part):
    """The condensed tree, with a line that cuts it.

    Parameters
    ----------
    state : dict
        By `tree_state`; empty for nothing.
    on_message : callable
        Called with {"act": "pick", "key", "mode"} or {"act": "zoom", "key"}, of a branch, or {"act": "cut",
        "depth"}.
    """

    state = param.Dict(default={})

    _esm: ClassVar[str] = script("condensed_tree.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("clusters.css")]


class ClusterList(Part):
    """The clusters with their sizes, persistence and probability, and the noise.

    Parameters
    ----------
    state : dict
        By `list_state`; empty for nothing.
    on_message : callable
        Called with {"act": "cluster", "key", "mode"}; -1 is noise.
    """

    state = param.Dict(default={})

    _esm: ClassVar[str] = script("cluster_list.js")
    _stylesheets: ClassVar[list[str]] = [stylesheet("parts.css"), stylesheet("clusters.css")]


class ClustersPanel(pn.viewable.Viewer):
    """Parameters, what they come to at once, the tree and the list; a button puts them on the map.

    Nothing is computed before it is first shown.

    Parameters
    ----------
    session : Session
        Whose run on the map is given the clusters, and who is given the rows of what is clicked.
    tell : callable
        Told of the work again and again while it lasts, and None after.
    dark : bool
        The theme.
    """

    def __init__(self, session: Session, tell: Callable[[Doing | None], None], dark: bool = True) -> None:
        super().__init__()
        self._session, self._dark = session, dark
        self._doc = pn.state.curdoc
        self._changing, self._naming, self._applying = Aside(every=True), Aside(), Aside(every=True)
        self._turn, self._seen, self._open = 0, False, False
        self._asked: tuple[str, int] | None = None
        self._draft: Draft | None = None
        self._drafting: Drafting | None = None
        self._picked: int | None = None
        self._names: tuple[str, ...] = ()
        self._named = False
        self.form = ClusterForm(session, self._changed)
        self.work = Undertaking(tell)
        self._make_parts()
        session.param.watch(self._on_data, ["dataset"])
        session.param.watch(self._on_runs, ["runs", "run_id"])

    def _make_parts(self) -> None:
        wide: dict[str, Any] = {"sizing_mode": "stretch_width"}
        sheet: dict[str, Any] = {"stylesheets": [stylesheet("panels.css")], **wide}
        self._head = pn.pane.HTML(margin=(10, 0, 4, 0), visible=False, **sheet)
        self._said = pn.pane.HTML(margin=(6, 0, 2, 0), **sheet)
        self._waits = pn.pane.HTML(
            f'<div class="muted" role="status">{WAITS}</div>', margin=(2, 0), visible=False, **sheet
        )
        self.apply = main_button("Apply", APPLY)
        self.split = small_button("Split", "Puts the two parts of the clicked cluster in its place.")
        self.merge = small_button("Merge", "Makes the clicked branch, or that above a cluster, one cluster.")
        self.back = small_button("Start over", "Takes the clusters that the parameters choose again.", "text")
        self._buttons = pn.Row(
            self.apply, self.split, self.merge, self.back, margin=(6, 0), styles={"gap": "8px"}, visible=False
        )
        self._fields = pn.Column(self.form, margin=0, **wide)
        self.tree = CondensedTree(self._on_message, margin=0, **wide)
        self.list = ClusterList(self._on_message, margin=0, **wide)
        self.naming = several(
            "Name by",
            "Columns whose distinctive words and categories name the clusters.",
            margin=(6, 0),
            visible=False,
        )
        self.apply.on_click(lambda _: self._apply())
        self.split.on_click(lambda _: self._split())
        self.merge.on_click(lambda _: self._merge())
        self.back.on_click(lambda _: self._start_over())
        self.naming.param.watch(lambda *_: self._name(), ["value"])

    def __panel__(self) -> pn.viewable.Viewable:
        if not self._seen:
            self._seen = self._open = True
            self._on_data()
        return pn.Column(
            self._head, self._fields, self.work, self._said, self._waits, self._buttons,
            self.tree, self.list, self.naming,
            sizing_mode="stretch_width", margin=(6, 0, 0, 0),
        )  # fmt: skip

    def use_theme(self, dark: bool) -> None:
        """Draw for the dark or the light page."""
        self._dark = dark
        self._draw()

    def look(self, is_open: bool) -> None:
        """Take notice of whether this is in sight: out of sight nothing is computed."""
        self._open = is_open
        self._on_runs()

    def close(self) -> None:
        """The page is gone."""
        self.work.stop()

    # What is looked at

    def _on_data(self, *_: Any) -> None:
        if not self._seen:
            return
        self._forget()
        dataset = self._session.dataset
        if dataset is not None:
            kinds = {column.name: column.kind for column in dataset.items.columns}
            usable = [name for name, kind in kinds.items() if kind in cluster_names.NAMING_KINDS]
            usual = list(cluster_names.naming_columns(dataset.items))
            self.naming.param.update(options=usable, value=usual)
        self.form.reset()
        self._on_runs()

    def _on_runs(self, *_: Any) -> None:
        if not self._seen:
            return
        shown, run = self._session.run(self._session.run_id), self.form.run
        self._head.visible = run is None
        self._fields.visible = shown is not None
        self.naming.visible = shown is not None and bool(self.naming.options)
        words = no_map(self._session, *NO_RUN) if shown is None else AT_WORK
        self._head.object = f'<div class="empty">{words}</div>'
        self._allow()
        if run is not None and self._asked == (run.id, run.epoch):
            return
        self._forget()
        self._draw()
        if run is not None and self._open:
            self._preview()

    def _forget(self) -> None:
        """Nothing was found, nor is anything looked for."""
        self.work.clear()
        self._draft, self._drafting, self._asked = None, None, None

    def _allow(self) -> None:
        """Let clusters be applied to a map that stays, and say why not to another."""
        run = self._session.run(self._session.run_id)
        waits = run is None or run.status.active
        self.apply.param.update(disabled=waits, description=WAITS if waits else APPLY)
        self._waits.visible = waits and run is not None and self._draft is not None

    def _changed(self) -> None:
        """Find clusters anew once the fields have rested for a moment."""
        if not self._open:
            return
        self._turn += 1
        turn = self._turn
        if self._doc is None:
            self._preview()
            return
        later(self._doc, SETTLE_MS, lambda: self._preview() if turn == self._turn else None)

    # The work

    def _preview(self) -> None:
        run = self.form.run
        if run is None:
            return
        self._asked = (run.id, run.epoch)
        try:
            parameters = self.form.parameters(run)
        except InputError as error:
            self.work.fail(str(error))
            return
        workspace = self._session.workspace

        def put(draft: Draft) -> None:
            self._picked, self._drafting = None, Drafting(draft)
            self._put(draft)

        self.work.begin("finding clusters", lambda doing: Draft.find(workspace, run, parameters, doing), put)

    def _put(self, draft: Draft) -> None:
        same = self._draft is not None and self._draft.clusters is draft.clusters
        self._draft, self._names = draft, self._names if same else ()
        self._draw()
        if not same:
            self._name()

    # Branches

    def _on_message(self, message: dict[str, Any]) -> None:
        draft = self._draft
        if draft is None:
            return
        if message["act"] == "cut":
            level = draft.drawing.level(float(message["depth"]))
            self._change(lambda newest: newest.cut(level), is_cut=True)
            return
        if message["act"] == "zoom":
            branch = int(message["key"])
            self._change(lambda newest: newest.zoom(branch))
            return
        key, mode = int(message["key"]), message["mode"]
        if message["act"] == "pick":
            self._picked = key
            self._draw()
            rows = draft.rows(key)
            name = f"branch of {count(len(rows))} items"
        else:
            rows = np.flatnonzero(draft.clusters.labels == key)
            name = "noise" if key == NOISE else self.list.state["rows"][key]["name"]
        select_found(self._session, rows, name, mode, draft.run.id)

    def _change(self, step: Callable[[Draft], Draft], is_cut: bool = False) -> None:
        """Put other branches of the same tree in place of these, after what was asked for before."""
        drafting = self._drafting
        if drafting is None:
            return

        def put(draft: Draft) -> None:
            # Meanwhile other clusters may have been found.
            if self._drafting is drafting:
                self._put(draft)

        drafting.ask(step, is_cut)
        self._changing.ask(drafting.advance, put)

    def _split(self) -> None:
        if (picked := self._picked) is not None:
            # Of a double click the second finds it done.
            self._change(lambda newest: newest.split(picked) if newest.can_split(picked) else newest)

    def _merge(self) -> None:
        draft, picked = self._draft, self._picked
        if draft is not None and picked is not None:
            self._picked = at = draft.merged_at(picked)
            self._change(
                lambda newest: (
                    newest if at in newest.branches or not newest.can_merge(at) else newest.merge(at)
                )
            )

    def _start_over(self) -> None:
        self._change(lambda newest: newest.start_over())

    # Names, and the map

    def _name(self) -> None:
        dataset, draft, columns = self._session.dataset, self._draft, tuple(self.naming.value)
        if dataset is None or draft is None:
            return
        self._named = False

        def put(names: tuple[str, ...]) -> None:
            if self._draft is not None and self._draft.clusters is draft.clusters:
                self._names, self._named = names, True
                self._draw()

        self._naming.ask_instead(partial(_names_of, draft, dataset.items, columns), put)

    def _apply(self) -> None:
        """Make the clusters the run's own, as they are once all that was asked for is done to them."""
        session, drafting = self._session, self._drafting
        run, dataset, columns = session.run(session.run_id), session.dataset, tuple(self.naming.value)
        if drafting is None or dataset is None or run is None or run.status.active:
            return

        def show(_: None) -> None:
            # Meanwhile another map may have been opened.
            if session.dataset is dataset and session.run_id == run.id:
                session.param.update(colour_by=CLUSTER, isolated=frozenset(), highlighted=frozenset())
            session.hear()

        def put(draft: Draft) -> None:
            same = self._draft is not None and self._draft.clusters is draft.clusters
            known = self._names if same and self._named else None

            def apply() -> None:
                names = _names_of(draft, dataset.items, columns) if known is None else known
                draft.apply(session.workspace, run, names)

            self._applying.ask(apply, show)

        drafting.ask(lambda newest: newest)
        self._changing.ask(drafting.advance, put)

    def _draw(self) -> None:
        draft, picked = self._draft, self._picked
        self._buttons.visible = draft is not None
        self._allow()
        if draft is None:
            self.tree.state, self.list.state, self._said.object = {}, {}, ""
            return
        self.tree.state = tree_state(draft, picked, self._dark)
        self.list.state = list_state(draft.clusters, self._names, self._dark)
        told = html.escape(summary(draft.clusters, draft.by_hand))
        self._said.object = f'<div class="muted" role="status">{told}</div>'
        self.split.disabled = picked is None or not draft.can_split(picked)
        self.merge.disabled = picked is None or not draft.can_merge(picked)
        self.back.visible = draft.by_hand


def _names_of(draft: Draft, items: Items, columns: tuple[str, ...]) -> tuple[str, ...]:
    """What columns call the clusters of a draft; nothing without any."""
    return cluster_names.names(items, draft.clusters.labels, columns) if columns else ()
