"""A batch against the rest: identical samples leave no gap, holes and bumps are found, rows are exact."""

import json

import numpy as np
import pytest
from scipy.stats import binom

from explorer.model.coverage import coverage
from explorer.model.density_difference import LACKING, SURPLUS, difference
from explorer.model.errors import InputError
from explorer.model.shares import GAP

HOLE, RADIUS = np.array([2.0, 0.0]), 0.8


def cloud(n: int, seed: int) -> np.ndarray:
    """Two overlapping islands and a thin bridge, float32 (n, 2)."""
    rng = np.random.default_rng(seed)
    island = rng.integers(0, 2, n)
    places = rng.normal(size=(n, 2)) * np.where(island, 1.0, 0.7)[:, None]
    places[:, 0] += np.where(island, 2.0, -2.0)
    return places.astype(np.float32)


def in_hole(places: np.ndarray, reach: float = RADIUS) -> np.ndarray:
    return np.hypot(*(places - HOLE).T) < reach


def test_the_chance_of_a_mark_on_identical_samples_is_held() -> None:
    draws, least = 100, []
    for seed in range(draws):
        places = cloud(1_500, seed)
        found = difference(places[:1_100], places[1_100:], side=40, seed=seed)
        least.append(found.p.min())
    marks = np.array(least) <= 0.05
    assert marks.sum() <= binom.ppf(0.999, draws, 0.05)
    assert 20 <= (np.array(least) <= 0.5).sum() <= 65, "nor is it idle"


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_a_hole_is_found_and_its_rows_are_the_gap(share: float) -> None:
    places = cloud(12_000, 1)
    batch = (np.random.default_rng(2).random(len(places)) < share) & ~in_hole(places)
    found = coverage(places, batch, "the <b>new</b> ones", np.zeros(len(places), np.int32))
    first = found.gaps[0]
    assert (first.severity, first.cluster) == ("high", 0)
    assert first.p <= 0.05
    rows = found.rows_in_gaps
    assert not batch[rows].any()
    np.testing.assert_array_equal(rows, np.unique(rows))
    held = ~batch & in_hole(places, 0.8 * RADIUS)
    assert np.isin(np.flatnonzero(held), rows).mean() > 0.9
    assert in_hole(places, 1.4 * RADIUS)[rows].mean() > 0.9
    one = found.findings[0]
    assert (one.kind, one.column, one.cluster) == (GAP, "the <b>new</b> ones", 0)
    assert one.value < one.expected / 3
    assert "mostly in cluster 0" in one.sentence
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["gaps"][0]["count"] == len(first.rows)


def test_what_is_left_in_a_gap_is_told_in_its_number() -> None:
    away = np.random.default_rng(2).normal((12, 0), 0.2, (600, 2))
    places = np.concatenate([cloud(6_000, 1), away]).astype(np.float32)
    for left, words in ((0, "0 of its items are there"), (1, "1 of its items is there")):
        batch = (np.arange(len(places)) % 2 == 0) & (np.arange(len(places)) < 6_000 + left)
        (gap,) = coverage(places, batch).gaps
        assert (gap.batch, len(gap.rows)) == (left, 600 - left)
        assert f"lie: {words}, {gap.expected:,.0f} expected." in gap.sentence


def test_the_fringe_of_what_the_batch_abounds_in_is_no_gap() -> None:
    rng = np.random.default_rng(3)
    many = [rng.normal(at, 4, (400, 2)) for at in ((0, 0), (100, 0), (0, 100), (100, 100))]
    few = [rng.normal(at, 0.3, (40, 2)) for at in ((30, 0), (70, 100))]
    found = coverage(np.concatenate([*many, *few]).astype(np.float32), np.arange(1_680) < 1_600)
    lacking = found.difference.marked == LACKING
    assert lacking.any()
    assert not (found.difference.batch + found.difference.reference)[lacking].any()
    assert found.gaps == ()
    assert "leave no gap beyond chance; where 100.0% of the others lie there are too few" in found.sentence
    assert [len(region.rows) > 390 for region in found.surpluses] == 4 * [True]


def test_a_bump_is_a_surplus_and_no_gap() -> None:
    rng, places = np.random.default_rng(3), cloud(6_000, 3)
    bump = (HOLE + 0.2 * rng.normal(size=(250, 2))).astype(np.float32)
    everything = np.concatenate([places, bump])
    batch = np.concatenate([rng.random(6_000) < 0.3, np.ones(250, bool)])
    found = coverage(everything, batch, labels=np.repeat([0, 7], [6_000, 250]).astype(np.int32))
    first = found.surpluses[0]
    assert (first.sign, first.cluster) == (SURPLUS, 7), "it is the batch that is told of"
    assert batch[first.rows].all()
    assert len(first.rows) == first.batch
    assert np.isin(np.arange(6_000, 6_250), first.rows).mean() > 0.9
    x = found.difference.cells_of(HOLE[None].astype(np.float32))[0]
    assert found.difference.marked.ravel()[x] == SURPLUS
    assert all(one.severity != "high" for one in found.gaps)


def test_exchanged_samples_exchange_the_signs() -> None:
    one, other = cloud(900, 4), cloud(700, 5) + np.float32(0.5)
    there, back = difference(one, other, side=32), difference(other, one, side=32)
    np.testing.assert_allclose(there.contrast, -back.contrast, atol=1e-9)
    assert (there.marked == LACKING).any()
    assert (there.marked == SURPLUS).any()


def test_cells_hold_the_points_that_are_counted_and_what_is_nowhere_is_in_none() -> None:
    one, other = cloud(500, 6), cloud(400, 7)
    one[:3] = np.nan
    found = difference(one, other, side=32, draws=19)
    for places, counts in ((one, found.reference), (other, found.batch)):
        cells = found.cells_of(places)
        np.testing.assert_array_equal(np.bincount(cells[cells >= 0], minlength=counts.size), counts.ravel())
    assert (found.cells_of(one)[:3] == -1).all()
    assert found.reference.sum() == 497


def test_too_few_are_refused_and_a_batch_that_lies_like_the_others_leaves_no_gap() -> None:
    places = cloud(3_000, 8)
    with pytest.raises(InputError, match="The batch 'few' has 19 items"):
        coverage(places, np.arange(3_000) < 19, "few")
    with pytest.raises(InputError, match="Beside 'most' there are 19 items"):
        coverage(places, np.arange(3_000) >= 19, "most")
    like = coverage(places, np.arange(3_000) % 3 == 0)
    assert like.gaps == ()
    assert like.rows_in_gaps.size == 0
    assert "leave no gap" in like.sentence


def test_too_few_items_for_a_map_are_not_said_to_leave_no_gap() -> None:
    places = np.random.default_rng(9).uniform(size=(10_000, 2)).astype(np.float32)
    batch = np.zeros(len(places), bool)
    batch[np.flatnonzero((places < 0.2).all(axis=1))[:20]] = True
    few, most = coverage(places, batch), coverage(places, ~batch)
    assert (few.gaps, most.gaps) == ((), ())
    assert not few.difference.asked.any()
    assert few.sentence == (
        "The 20 items of the batch are too few to tell on this map where they are lacking."
    )
    assert most.sentence == "The 20 other items are too few to tell what the batch lacks."


def test_where_there_are_too_few_items_to_tell_is_told_with_what_is_not_lacking() -> None:
    places = cloud(3_000, 8)
    found = coverage(places, np.arange(3_000) % 3 == 0)
    untold = found.difference.reference[~found.difference.asked].sum() / found.difference.reference.sum()
    assert 0 < untold < 0.2
    assert found.sentence == (
        "The 1,000 items of the batch leave no gap beyond chance; "
        f"where {100 * untold:.2g}% of the others lie there are too few items to tell."
    )
