"""What the tabs say while there is no map: open data, run it, or choose one of its runs."""

from collections.abc import Iterator

import panel as pn
import pyarrow as pa
import pytest

from explorer.model.run import RunParameters
from explorer.model.session import Session
from explorer.views.audit_panel import AuditPanel
from explorer.views.clusters_panel import ClustersPanel
from explorer.views.compare_panel import ComparePanel
from explorer.views.drift_panel import DriftPanel
from explorer.views.item_panel import ItemPanel
from explorer.views.sample_panel import SamplePanel
from explorer.views.selection_panel import SelectionPanel
from tests.views.bench import laid_out


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, blobs) -> Iterator[Session]:
    """Five blobs with a finished run and a column to name clusters by, and other data without any."""
    folder, kinds = tmp_path_factory.mktemp("no-map"), pa.array(blobs[1].astype(str))
    with laid_out(folder, blobs[0], RunParameters(n_epochs=10), kind=kinds) as made:
        yield made


@pytest.mark.parametrize("kind", [AuditPanel, ClustersPanel, ComparePanel, DriftPanel])
def test_a_tab_says_what_is_to_be_done_first(session: Session, kind: type[pn.viewable.Viewer]) -> None:
    panel = kind(session, [].append)
    panel.__panel__()
    assert session.runs
    session.run_id = ""
    assert "Choose a run on the left" in panel._head.object
    session.runs = ()
    assert "Run the data first" in panel._head.object
    session.dataset = None
    assert "Open data on the left and run it first" in panel._head.object


def test_without_a_map_clusters_have_nothing_to_be_named_by(session: Session) -> None:
    panel = ClustersPanel(session, [].append)
    panel.__panel__()
    assert panel.naming.visible
    session.param.update(runs=(), run_id="")
    assert not panel.naming.visible


def test_a_selection_is_offered_by_what_there_is_to_select_from(session: Session) -> None:
    panel = SelectionPanel(session)
    assert "drag around a region of the map" in panel._head.object
    session.run_id = ""
    assert "Write a condition or click a bar below." in panel._head.object
    session.param.update(dataset=None, selection=None, runs=())
    assert "Open data on the left first." in panel._head.object
    assert not panel._ways.visible


def test_an_item_is_offered_where_there_is_one(session: Session) -> None:
    card = ItemPanel(session, lambda _: None).card
    assert "Tap a point of the map" in card.none[1]
    session.run_id = ""
    assert card.none[1].startswith("Search for one")
    session.param.update(dataset=None, selection=None, runs=())
    assert card.none[1] == "Open data on the left first."


def test_a_sample_waits_for_data(session: Session) -> None:
    panel = SamplePanel(session, lambda _: None)
    assert not panel.draw.disabled
    session.param.update(dataset=None, selection=None, runs=())
    assert panel.draw.disabled
    assert "Open data on the left" in panel._head.object
