"""Samples are fair, repeatable, and described well enough to be drawn again."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.dataset import Dataset
from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters
from explorer.model.sampling import Sample, draw, manifest, rows_table, sample_table
from explorer.model.selection import Selection, Step
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


@given(count=st.sampled_from([1, 2, 30, 600]), size=st.integers(1, 700), seed=st.integers(0, 2**32))
def test_a_sample_holds_rows_of_the_selection_each_once(count: int, size: int, seed: int) -> None:
    chosen = selection(count)
    sample = draw(chosen, size, seed=seed)
    assert len(sample.rows) == min(size, count)
    assert len(np.unique(sample.rows)) == len(sample.rows)
    assert chosen.mask[sample.rows].all()
    assert sample.probabilities == pytest.approx(len(sample.rows) / count)


def test_the_same_seed_draws_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (draw(selection(300), 50, seed=seed).rows for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert set(first) != set(other)


def test_how_a_selection_came_about_does_not_change_its_sample() -> None:
    direct = selection(300)
    roundabout = Selection.everything(N).invert().union(direct.mask, LASSO)
    assert draw(direct, 50).rows.tolist() == draw(roundabout, 50).rows.tolist()


def test_every_row_is_drawn_as_often_as_its_probability_says() -> None:
    chosen, draws = selection(20), 4_000
    hits = np.zeros(N)
    for seed in range(draws):
        hits[draw(chosen, 5, seed=seed).rows] += 1
    expected, spread = draws * 5 / 20, np.sqrt(draws * 0.25 * 0.75)
    assert np.abs(hits[chosen.mask] - expected).max() < 5 * spread
    assert hits[~chosen.mask].sum() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"size": 0}, "at least 1 row, not 0"),
        ({"size": 5, "strategy": "best"}, "no strategy 'best': choose one of random"),
        ({"size": 5, "seed": -1}, "from 0 up, not -1"),
    ],
)
def test_what_is_no_sample_is_refused(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        draw(selection(20), **arguments)


def test_drawing_from_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="Nothing is selected"):
        draw(Selection.none(N), 5)


def test_table_pairs_rows_with_their_places_and_items(dataset: Dataset) -> None:
    embedding = np.arange(2 * N, dtype=np.float32).reshape(N, 2)
    sample = draw(selection(300), 40, seed=3)
    table = sample_table(sample, dataset, embedding)
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
    embedding = None if d is None else np.ones((N, d), np.float32)
    table = rows_table(dataset, np.array([3, 1]), embedding)
    assert table.column_names[1 : 1 + len(names)] == names
    assert table.num_columns == 3 + len(names)
    assert table["row_id"].to_pylist() == [3, 1]


def test_manifest_draws_the_same_sample_again(dataset: Dataset) -> None:
    chosen = selection(300)
    run = Run("k15-d0.1-s42-abc", dataset.id, dataset.hash, N, RunParameters(), epoch=200, n_epochs=200)
    drawn = draw(chosen, 25, seed=9)
    about = json.loads(json.dumps(manifest(drawn, dataset, run, chosen), allow_nan=False))
    again = draw(chosen, about["size"], about["strategy"], about["seed"])
    assert again.rows.tolist() == drawn.rows.tolist()
    assert about["dataset"]["hash"] == dataset.hash
    assert RunParameters.from_dict(about["run"]["parameters"]) == run.parameters
    assert about["selection"]["steps"] == [json.loads(json.dumps(LASSO.to_dict()))]
    assert about["inclusion_probability"] == {
        "smallest": pytest.approx(1 / 12),
        "largest": pytest.approx(1 / 12),
    }


def test_manifest_tells_other_rows_by_their_digest(dataset: Dataset) -> None:
    def digest(chosen: Selection) -> str:
        sample = Sample(chosen.rows, np.ones(chosen.count), "random", 0)
        found: str = manifest(sample, dataset, None, chosen)["selection"]["digest"]
        return found

    same = Selection.everything(N).intersect(selection(300).mask, LASSO)
    assert digest(selection(300)) == digest(same)
    assert digest(selection(300)) != digest(selection(300).invert())
