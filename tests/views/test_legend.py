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
from explorer.views import colour_panel, palette, selection_panel
from explorer.views.colouring import Colours, colourable

N, N_KINDS, N_MISSING, N_UNSCORED = 1200, 250, 30, 40


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """Items of 250 categories, the last ones rarest, 30 without one, scored from 0 to 100 and 40 without."""
    folder = tmp_path_factory.mktemp("legend")
    common = np.arange(N - N_MISSING) % N_KINDS
    kinds = pa.array([*(f"k{code:03d}" for code in common), *[None] * N_MISSING])
    vectors = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
    score = np.linspace(0, 99.9, N)
    score[:N_UNSCORED] = np.nan
    table = pa.table({"vector": list(vectors), "kind": kinds, "score": score, "bytes": [b"x"] * N})
    pq.write_table(table, folder / "many.parquet")
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
    session.param.update(colour_by="kind", isolated=frozenset())
    weights = Colours(session).now(dark=True).table[:, 3]
    assert (weights[:40] == 1).all()
    assert (weights[40:] == np.float32(BENEATH)).all()


def test_every_column_but_bytes_and_vectors_can_colour_the_map(session: Session) -> None:
    assert colourable(session) == ("kind", "score")


def test_a_legend_of_numbers_counts_their_ranges_in_order(session: Session) -> None:
    session.param.update(colour_by="score", isolated=frozenset())
    rows = colour_panel.legend_rows(session, dark=True)
    score = session.dataset.items.numbers("score")
    assert [row["name"] for row in rows] == [
        "0 to 10",
        *(f"{low} to {low + 10}" for low in range(10, 100, 10)),
    ]
    counts = [int(((score >= low) & (score < low + 10)).sum()) for low in range(0, 100, 10)]
    assert [row["total"] for row in rows] == counts
    assert f"{N_UNSCORED} items have no value" in colour_panel.unlisted(
        session.categories("score"), dark=True
    )
    shares = composition(score > 55, session.categories("score"))
    assert [share.selected > 0 for share in shares] == [False] * 5 + [True] * 5


def test_a_range_s_swatch_is_the_middle_of_its_colours_and_shown_alone_the_rest_is_hidden(
    session: Session,
) -> None:
    session.param.update(colour_by="score", isolated=frozenset({2}))
    colouring = Colours(session).now(dark=True)
    ranges = session.categories("score").codes
    inside = np.unique(colouring.codes[ranges == 2])
    swatch = palette.rgb(colour_panel.legend_rows(session, dark=True)[2]["colour"])
    assert (colouring.table[inside, 3] == 1).all()
    np.testing.assert_allclose(colouring.table[inside[len(inside) // 2], :3], swatch, atol=0.02)
    outside = np.unique(colouring.codes[(ranges != 2) & (ranges >= 0)])
    assert len(inside) > 10
    assert (colouring.table[outside, 3] == np.float32(BENEATH)).all()
    session.isolated = frozenset()
    assert (Colours(session).now(dark=True).table[:-1, 3] == 1).all()


def test_ranges_side_by_side_are_no_mixture(session: Session) -> None:
    score, kinds = session.dataset.items.numbers("score"), session.categories("kind")
    shares = composition(score > 75, session.categories("score"))
    assert "mixed in" not in selection_panel.findings(shares, ranges=True)
    assert "90 to 100 is over-represented" in selection_panel.findings(shares, ranges=True)
    mixed = composition(np.isin(kinds.codes, (0, 1)), kinds)
    assert f"{kinds.names[1]} is mixed in" in selection_panel.findings(mixed)
