"""Samples are fair and repeatable, and their tables pair rows with places and items."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.sampling import (
    Sample,
    draw,
    free_name,
    quotas_from,
    rows_table,
    sample_table,
    strategy_named,
)
from explorer.model.selection import Selection, Step
from explorer.model.strategies import Plan, Population
from explorer.model.workspace import Workspace

N = 600
LASSO = Step("lasso", "union", "k15-d0.1-s42-abc", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))


def selection(count: int, n: int = N) -> Selection:
    return Selection.none(n).union(np.arange(n) % (n // count) == 0, LASSO)


@pytest.fixture
def dataset(blobs: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Dataset:
    """Blobs with items, one of which bears the name of a coordinate."""
    vectors, labels = blobs
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    names = [f"item {row}" for row in range(N)]
    pq.write_table(pa.table({"v": column, "blob": labels, "x": names}), tmp_path / "blobs.parquet")
    with Workspace(tmp_path / "workspace") as workspace:
        return workspace.add_dataset(tmp_path / "blobs.parquet", vectors="v")


def random(chosen: Selection, size: int, seed: int = 0) -> Sample:
    return draw(Population(chosen), Plan("random", size, seed))


@given(count=st.sampled_from([1, 2, 30, 600]), size=st.integers(1, 700), seed=st.integers(0, 2**32))
def test_a_sample_holds_rows_of_the_selection_each_once(count: int, size: int, seed: int) -> None:
    chosen = selection(count)
    sample = random(chosen, size, seed)
    assert len(sample.rows) == min(size, count)
    assert len(np.unique(sample.rows)) == len(sample.rows)
    assert chosen.mask[sample.rows].all()
    assert sample.probabilities == pytest.approx(len(sample.rows) / count)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (random(selection(300), 50, seed).rows for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert set(first) != set(other)


def test_how_a_selection_came_about_does_not_change_its_sample() -> None:
    direct = selection(300)
    roundabout = Selection.everything(N).invert().union(direct.mask, LASSO)
    assert random(direct, 50).rows.tolist() == random(roundabout, 50).rows.tolist()


def test_every_row_is_drawn_as_often_as_its_probability_says() -> None:
    chosen, draws = selection(20), 4_000
    hits = np.zeros(N)
    for seed in range(draws):
        hits[random(chosen, 5, seed).rows] += 1
    expected, spread = draws * 5 / 20, np.sqrt(draws * 0.25 * 0.75)
    assert np.abs(hits[chosen.mask] - expected).max() < 5 * spread
    assert hits[~chosen.mask].sum() == 0


@pytest.mark.parametrize(
    ("plan", "sentence"),
    [
        ({"size": 0}, "at least 1 row, not 0"),
        ({"size": 2.5}, "at least 1 row, not 2.5"),
        ({"strategy": "best"}, "no strategy 'best': choose one of random, stratified"),
        ({"seed": -1}, "from 0 up, not -1"),
        ({"space": "sky"}, "between vectors or map, not 'sky'"),
        ({"size": 100_001}, "at most 100,000 rows, not 100,001"),
    ],
)
def test_what_is_no_sample_is_refused(plan: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        draw(Population(Selection.everything(200_000)), Plan(**plan))


def test_drawing_from_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="Nothing is selected"):
        random(Selection.none(N), 5)


def test_a_strategy_is_named_by_any_unique_beginning() -> None:
    assert [strategy_named(name) for name in ("density", "inverse", "far", "random")] == [
        "density-weighted",
        "inverse-density",
        "farthest-point",
        "random",
    ]
    for name in ("", "x"):
        with pytest.raises(InputError, match="choose one of random, "):
            strategy_named(name)


def test_quotas_are_read_as_written() -> None:
    assert quotas_from(["jazz = 3", "", "a=b = 12", "(no value)=0"]) == (
        ("jazz", 3),
        ("a=b", 12),
        ("(no value)", 0),
    )
    for bad in ("jazz", "jazz = -1", "jazz = many"):
        with pytest.raises(InputError, match="is no quota: write category = number of rows"):
            quotas_from([bad])


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan("stratified", 5, 2, "kind", "proportional"),
        Plan("stratified", 5, 2, "kind", (("a", 1), ("b", 2))),
        Plan("medoids", 7, space="map"),
    ],
)
def test_a_plan_survives_its_record(plan: Plan) -> None:
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_table_pairs_rows_with_their_places_and_items(dataset: Dataset) -> None:
    embedding = np.arange(2 * N, dtype=np.float32).reshape(N, 2)
    sample = random(selection(300), 40, seed=3)
    table = sample_table(sample, dataset, embedding[sample.rows])
    assert table.column_names == ["row_id", "x", "y", "inclusion_probability", "blob", "item_x"]
    assert table["row_id"].to_pylist() == sample.rows.tolist()
    assert table["x"].to_pylist() == (2 * sample.rows).tolist()
    assert table["y"].to_pylist() == (2 * sample.rows + 1).tolist()
    assert table["inclusion_probability"].to_pylist() == sample.probabilities.tolist()
    assert table["blob"].to_pylist() == (sample.rows // 120).tolist()
    assert table["item_x"].to_pylist() == [f"item {row}" for row in sample.rows]


@pytest.mark.parametrize(
    ("d", "names"), [(None, []), (1, ["x"]), (3, ["x", "y", "z"]), (5, ["d0", "d1", "d2", "d3", "d4"])]
)
def test_table_has_a_column_for_each_dimension_of_the_map(
    dataset: Dataset, d: int | None, names: list[str]
) -> None:
    places = None if d is None else np.ones((2, d), np.float32)
    table = rows_table(dataset, np.array([3, 1]), places)
    assert table.column_names[1 : 1 + len(names)] == names
    assert table.num_columns == 3 + len(names)
    assert table["row_id"].to_pylist() == [3, 1]


def test_a_ranked_sample_has_no_column_of_probabilities(dataset: Dataset) -> None:
    ranked = Sample(np.array([4, 2]), None, Plan("boundary", 2))
    assert sample_table(ranked, dataset, None).column_names == ["row_id", "blob", "x"]


def test_a_column_of_the_data_keeps_its_name() -> None:
    assert free_name("probability", ["probability", "probability_"]) == "probability__"
