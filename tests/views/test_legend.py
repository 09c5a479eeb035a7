"""What a legend and a composition say of categories that have no row, and in which colour they are drawn."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model.categories import Categories
from explorer.model.projection import BENEATH
from explorer.model.runner import Runner
from explorer.model.selection import Share, Step, composition
from explorer.model.session import Session
from explorer.model.workspace import Workspace
from explorer.views import colour_panel, palette
from explorer.views import composition as composition_view
from explorer.views.colouring import Colours, category_colours, colour_table, colourable
from explorer.views.histogram import note

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
    change = np.linspace(-50, 100, N)
    nothing = pa.nulls(N, pa.string())
    table = pa.table(
        {
            "vector": list(vectors),
            "kind": kinds,
            "score": score,
            "change": change,
            "nothing": nothing,
            "bytes": [b"x"] * N,
        }
    )
    pq.write_table(table, folder / "many.parquet")
    workspace = Workspace(folder / "workspace")
    runner = Runner(workspace)
    yield Session(workspace, runner, workspace.add_dataset(folder / "many.parquet"))
    runner.close()
    workspace.close()


def test_the_legend_and_what_follows_it_account_for_every_item(session: Session) -> None:
    categories = session.categories("kind")
    rows = colour_panel.legend_rows(session, dark=True)
    other, missing = rows[200:]
    rest = N - N_MISSING - sum(row["total"] for row in rows[:200])
    assert rest > 0
    assert f"50 categories, with {rest} items, have no row here" in colour_panel.unlisted(categories)
    assert (other["name"], other["total"]) == ("(other: 210 categories)", int(categories.counts[40:].sum()))
    assert (missing["name"], missing["total"]) == ("(no value)", N_MISSING)


def test_other_and_missing_count_what_is_selected_of_them(session: Session) -> None:
    session.param.update(colour_by="kind", isolated=frozenset())
    codes = session.categories("kind").codes
    session.select(np.arange(N) % 3 == 0, Step("rows"))
    *_, other, missing = colour_panel.legend_rows(session, dark=True)
    chosen = session.selection.mask
    assert other["selected"] == np.count_nonzero(chosen & (codes >= 40))
    assert missing["selected"] == np.count_nonzero(chosen & (codes < 0)) == 10
    session.clear_selection()


@pytest.mark.parametrize(
    ("column", "key", "rows"),
    [
        ("kind", 3, lambda codes: codes == 3),
        ("kind", 70, lambda codes: codes == 70),
        ("kind", colour_panel.OTHER, lambda codes: codes >= 40),
        ("kind", -1, lambda codes: codes == -1),
        ("score", -1, lambda codes: codes == -1),
        ("score", 2, lambda codes: codes == 2),
    ],
)
def test_exactly_the_rows_of_what_is_clicked_stand_alone_and_of_what_is_pointed_at_stand_out(
    session: Session, column: str, key: int, rows: Callable[[np.ndarray], np.ndarray]
) -> None:
    panel, colours = colour_panel.ColourPanel(session), Colours(session)
    session.param.update(colour_by=column, isolated=frozenset(), highlighted=frozenset())
    expected = rows(session.categories(column).codes)
    assert 0 < expected.sum() < N

    def standing() -> np.ndarray:
        colouring = colours.now(dark=True)
        return colouring.table[colouring.codes, 3] == 1

    panel._on_legend({"act": "point", "key": key})
    np.testing.assert_array_equal(standing(), expected)
    panel._on_legend({"act": "point", "key": None})
    panel._on_legend({"act": "pick", "key": key, "toggle": False})
    np.testing.assert_array_equal(standing(), expected)
    colouring = colours.now(dark=True)
    inside, outside = (colouring.table[np.unique(colouring.codes[m])] for m in (expected, ~expected))
    assert not (inside[:, None, :3] == outside[None, :, :3]).all(axis=2).any()
    assert key in [row["key"] for row in panel.legend.rows if not row["dim"]]
    panel._on_legend({"act": "pick", "key": key, "toggle": False})
    assert session.isolated == frozenset()


def test_ctrl_click_hides_and_shows_other_and_missing(session: Session) -> None:
    panel, colours = colour_panel.ColourPanel(session), Colours(session)
    session.param.update(colour_by="kind", isolated=frozenset(), highlighted=frozenset())
    panel._on_legend({"act": "pick", "key": -1, "toggle": True})
    assert session.isolated == frozenset(range(N_KINDS))
    panel._on_legend({"act": "pick", "key": colour_panel.OTHER, "toggle": True})
    assert session.isolated == frozenset(range(40))
    # Greys that are shown among colours still never cover one.
    panel._on_legend({"act": "pick", "key": -1, "toggle": True})
    weights = colours.now(dark=True).table[:, 3]
    np.testing.assert_array_equal(np.flatnonzero(weights == 1), np.arange(40))
    panel._on_legend({"act": "pick", "key": colour_panel.OTHER, "toggle": True})
    assert session.isolated == frozenset()


def test_a_composition_accounts_for_every_selected_item(session: Session) -> None:
    mask = np.zeros(N, bool)
    mask[:60], mask[-7:] = True, True
    shares = composition(mask, session.categories("kind"))
    said = composition_view.unlisted(shares, int(mask.sum()))
    assert "20 selected items are of rarer categories" in said
    assert "7 selected items have no value" in said


def test_one_of_something_is_told_as_one(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = Share("a", 0, 1, 1, 1.0)
    said = composition_view.unlisted((alone,), chosen=2, most=0)
    assert ">1 selected item is of a rarer category<" in said
    assert ">1 selected item has no value<" in said
    assert note(alone, chosen=False) == "1 item; click selects it"
    names = tuple(map(str, range(201)))
    each = Categories((np.arange(N) % 201).astype(np.int32), names, np.ones(201, np.int64))
    assert "1 category, with 1 item, has no row here: search for it" in colour_panel.unlisted(each)
    few = Categories((np.arange(N) % 41).astype(np.int32), names[:41], np.ones(41, np.int64))
    monkeypatch.setattr(session, "categories", lambda _: few)
    assert "(other: 1 category)" in [row["name"] for row in colour_panel.legend_rows(session, dark=True)]


def test_nothing_is_said_when_nothing_is_left_out(session: Session) -> None:
    shares = composition(np.arange(N) < 30, session.categories("kind"))
    assert composition_view.unlisted(shares, 30) == ""


def test_only_forty_categories_have_a_colour_and_the_rest_never_covers_one(session: Session) -> None:
    session.param.update(colour_by="kind", isolated=frozenset())
    weights = Colours(session).now(dark=True).table[:, 3]
    assert (weights[:40] == 1).all()
    assert (weights[40:] == np.float32(BENEATH)).all()


def test_every_column_but_bytes_and_vectors_can_colour_the_map(session: Session) -> None:
    assert colourable(session) == ("kind", "score", "change", "nothing")


def test_a_legend_of_numbers_counts_their_ranges_in_order(session: Session) -> None:
    session.param.update(colour_by="score", isolated=frozenset())
    *rows, missing = colour_panel.legend_rows(session, dark=True)
    score = session.dataset.items.numbers("score")
    assert [row["name"] for row in rows] == [
        "0 to 10",
        *(f"{low} to {low + 10}" for low in range(10, 100, 10)),
    ]
    counts = [int(((score >= low) & (score < low + 10)).sum()) for low in range(0, 100, 10)]
    assert [row["total"] for row in rows] == counts
    assert (missing["key"], missing["total"], missing["shade"]) == (-1, N_UNSCORED, None)
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
    assert "mixed in" not in composition_view.findings(shares, ranges=True)
    assert "90 to 100 is over-represented" in composition_view.findings(shares, ranges=True)
    mixed = composition(np.isin(kinds.codes, (0, 1)), kinds)
    assert f"{kinds.names[1]} is mixed in" in composition_view.findings(mixed)


def test_what_is_absent_is_told_of_how_many_and_long_names_are_cut() -> None:
    there, long = Share("rock", 0, 9, 90, 1.0), "x" * 999
    one = composition_view.findings((there, Share(long, 1, 0, 1_200, 0.0)))
    assert f'{"x" * 39}… is absent</span><b class="">0 of 1,200<' in one
    gone = tuple(Share(name, code, 0, 5, 0.0) for code, name in enumerate("abcde", 1))
    assert 'absent: a, b, c, d …</span><b class="">5 categories<' in composition_view.findings((there, *gone))
    assert '<b class="">5 ranges<' in composition_view.findings((there, *gone), ranges=True)


def test_numbers_on_both_sides_of_zero_diverge_from_a_grey_and_the_legend_says_so(session: Session) -> None:
    session.param.update(colour_by="change", isolated=frozenset())
    colours = [palette.rgb(row["colour"]) for row in colour_panel.legend_rows(session, dark=True)]
    names = [row["name"] for row in colour_panel.legend_rows(session, dark=True)]
    below, above = colours[0], colours[-1]
    assert below[2] > below[0]
    assert above[0] > above[2]
    nearest = colours[names.index("0 to 20")]
    assert max(nearest) - min(nearest) < max(above) - min(above)
    assert "Blue is below zero" in colour_panel.hint(session)
    session.colour_by = "score"
    assert "Blue" not in colour_panel.hint(session)


def test_a_column_of_nothing_says_so(session: Session) -> None:
    session.param.update(colour_by="nothing", isolated=frozenset())
    assert colour_panel.legend_rows(session, dark=True) == ()
    assert "No item has a value in this column." in colour_panel.hint(session)
    assert (Colours(session).now(dark=True).codes == -1).all()


def test_a_search_finds_categories_that_the_legend_has_no_row_for(session: Session) -> None:
    session.param.update(colour_by="kind", isolated=frozenset())
    assert [row["name"] for row in colour_panel.legend_rows(session, True, " K24")] == [
        f"k24{digit}" for digit in range(10)
    ]
    categories = session.categories("kind")
    assert "50 categories, with" in colour_panel.unlisted(categories, "K")
    assert colour_panel.unlisted(categories, "k2") == ""


def test_a_search_ends_with_the_column_it_was_of(session: Session) -> None:
    session.param.update(colour_by="kind", isolated=frozenset())
    panel = colour_panel.ColourPanel(session)
    of = panel.legend.of
    panel._on_legend({"act": "search", "text": "k24"})
    assert (len(panel.legend.rows), panel._beneath.object, panel.legend.of) == (10, "", of)
    session.colour_by = "score"
    assert len(panel.legend.rows) == 11
    assert panel.legend.of != of


def test_pointing_at_a_category_fades_the_others_beneath_it_and_moves_no_point(session: Session) -> None:
    session.param.update(colour_by="kind", isolated=frozenset(), highlighted=frozenset())
    colours = Colours(session)
    plain = colours.now(dark=True)
    session.highlighted = frozenset({3})
    pointed = colours.now(dark=True)
    session.highlighted = frozenset()
    assert pointed.codes is plain.codes
    np.testing.assert_array_equal(pointed.table[3], plain.table[3])
    others = np.delete(np.arange(len(plain.table)), 3)
    assert (pointed.table[others, 3] == np.float32(BENEATH)).all()
    page = np.array(palette.rgb(palette.DARK.page), np.float32)
    before, after = (np.abs(table[others, :3] - page).sum(1) for table in (plain.table, pointed.table))
    np.testing.assert_allclose(after, 0.2 * before, atol=1e-5)


def test_noise_is_grey_beneath_and_takes_no_colour_from_the_clusters() -> None:
    codes = np.array([0, 1, 2, 2], np.int32)
    noisy = Categories(codes, ("cluster 0", "cluster 1", "noise"), np.array([1, 1, 2]), noise=2)
    table = colour_table(noisy, dark=True)
    assert category_colours(noisy, True) == (*palette.categorical(2, True), palette.DARK.noise)
    assert table[2, 3] == np.float32(BENEATH)
    assert len({tuple(table[code, :3]) for code in (0, 1, 2, -1)}) == 4
    alone = colour_table(noisy, dark=True, isolated=frozenset({2}))
    assert (alone[:, 3] == 1).tolist() == [False, False, True, False]


@pytest.mark.parametrize("noise", [0, 41])
def test_noise_is_no_other_however_many_clusters_there_are(noise: int) -> None:
    names = tuple(f"{code}" for code in range(42))
    noisy = Categories(np.arange(42, dtype=np.int32), names, np.ones(42, np.int64), noise=noise)
    (rarest,) = colour_panel.codes_of(colour_panel.OTHER, noisy)
    assert rarest == max({*range(42)} - {noise})
    assert category_colours(noisy, True).count(palette.DARK.other) == 1
    assert category_colours(noisy, True)[rarest] == palette.DARK.other
    weights = colour_table(noisy, dark=True)[:, 3]
    assert set(np.flatnonzero(weights == np.float32(BENEATH))) == {rarest, noise, 42}


def test_a_column_chosen_while_another_is_drawn_never_mixes_their_codes_and_colours(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = Colours(session)
    session.param.update(colour_by="kind", isolated=frozenset(), highlighted=frozenset())
    colours.now(dark=True)
    session.highlighted = frozenset({1})  # the table alone is made anew
    choose = session.categories

    def chosen_meanwhile(name: str) -> Categories:
        session.param.update(colour_by="score", highlighted=frozenset())
        return choose(name)

    monkeypatch.setattr(session, "categories", chosen_meanwhile)
    colouring = colours.now(dark=True)
    assert colouring.codes.max() == N_KINDS - 1
    assert len(colouring.table) == N_KINDS + 1
