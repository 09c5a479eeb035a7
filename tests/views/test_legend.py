"""What a legend and a composition say of categories that have no row, and in which colour they are drawn."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model.projection import BENEATH
from explorer.model.runner import Runner
from explorer.model.selection import composition
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import colour_panel, selection_panel
from explorer.views.colouring import Colours

N, N_KINDS, N_MISSING = 1200, 250, 30


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Items of 250 categories, the last ones rarest, and 30 without one."""
    folder = tmp_path_factory.mktemp("legend")
    common = np.arange(N - N_MISSING) % N_KINDS
    kinds = pa.array([*(f"k{code:03d}" for code in common), *[None] * N_MISSING])
    vectors = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
    pq.write_table(pa.table({"vector": list(vectors), "kind": kinds}), folder / "many.parquet")
    workspace = Workspace(folder / "workspace")
    runner = Runner(workspace)
    yield Session(workspace, runner, workspace.add_dataset(folder / "many.parquet"))
    runner.close()
    workspace.close()


def test_the_legend_and_what_follows_it_account_for_every_item(session: Session) -> None:
    categories = session.categories("kind")
    rows = colour_panel.legend_rows(session, dark=True)
    listed = sum(row["total"] for row in rows)
    rest = N - N_MISSING - listed
    said = colour_panel.unlisted(categories, dark=True)
    assert len(rows) == 200
    assert rest > 0
    assert f"and 50 more categories with {rest} items" in said
    assert f"{N_MISSING} items have no value" in said


def test_a_composition_accounts_for_every_selected_item(session: Session) -> None:
    mask = np.zeros(N, bool)
    mask[:60], mask[-7:] = True, True
    shares = composition(mask, session.categories("kind"))
    said = selection_panel.unlisted(shares, int(mask.sum()))
    assert "20 selected items are of rarer categories" in said
    assert "7 selected items have no value" in said


def test_nothing_is_said_when_nothing_is_left_out(session: Session) -> None:
    shares = composition(np.arange(N) < 30, session.categories("kind"))
    assert selection_panel.unlisted(shares, 30) == ""


def test_only_forty_categories_have_a_colour_and_the_rest_never_covers_one(session: Session) -> None:
    session.colour_by = "kind"
    weights = Colours(session).now(dark=True).table[:, 3]
    assert (weights[:40] == 1).all()
    assert (weights[40:] == np.float32(BENEATH)).all()
