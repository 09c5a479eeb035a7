"""A manifest draws the very same rows again, or says in one sentence why it cannot."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import knn_graph
from explorer.model import stages
from explorer.model.clusters import find
from explorer.model.drawing import Drawn, Ground, manifest, redraw
from explorer.model.errors import InputError
from explorer.model.replay import cluster_step, lasso_step
from explorer.model.run import Run, RunParameters, RunStatus
from explorer.model.selection import Selection, Step
from explorer.model.strategies import STRATEGIES, Plan
from explorer.model.workspace import Workspace

N = 600


@pytest.fixture
def ground(blobs: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> Iterator[Ground]:
    """A workspace with the blobs and a finished run of them."""
    vectors, labels = blobs
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
    pq.write_table(
        pa.table({"v": column, "blob": [f"b{label}" for label in labels]}), tmp_path / "blobs.parquet"
    )
    with Workspace(tmp_path / "workspace") as workspace:
        dataset = workspace.add_dataset(tmp_path / "blobs.parquet", vectors="v")
        run = Run.new(dataset.id, dataset.hash, N, RunParameters(seed=1)).with_(
            status=RunStatus.DONE, epoch=200, n_epochs=200
        )
        graph = knn_graph(vectors, 15)
        knn = stages.plan(dataset.hash, run.parameters)[0]
        workspace.store(knn.name, knn.key, {}, indices=graph.indices, distances=graph.distances)
        workspace.save_run(run)
        workspace.save_embedding(run.id, vectors[:, :2].copy())
        yield Ground.of_run(workspace, run.id)


def lasso(ground: Ground, mode: str = "replace") -> Step:
    """A lasso around the left half of the map."""
    (x0, y0), (_, y1) = ground.embedding.min(0), ground.embedding.max(0)
    middle = float(np.median(ground.embedding[:, 0])) + 1e-3
    corners = ((x0 - 1, y0 - 1), (middle, y0 - 1), (middle, y1 + 1), (x0 - 1, y1 + 1))
    step = lasso_step(corners, ground.run_id)
    return Step(step.kind, mode, step.run_id, step.polygon)


def record(ground: Ground, drawn: Drawn) -> dict[str, Any]:
    """The manifest as a file brings it back."""
    told: dict[str, Any] = json.loads(json.dumps(manifest(drawn, ground.dataset), allow_nan=False))
    return told


@pytest.mark.parametrize("name", list(STRATEGIES))
def test_every_strategy_is_drawn_again_from_its_manifest(ground: Ground, name: str) -> None:
    drawn = ground.draw(ground.select([lasso(ground)]), Plan(name, 25, 9, column="blob"))
    again_on, again = redraw(record(ground, drawn), ground.workspace)
    assert again.sample.rows.tolist() == drawn.sample.rows.tolist()
    assert again.sample.plan.to_dict() == drawn.sample.plan.to_dict()
    np.testing.assert_array_equal(again.sample.probabilities, drawn.sample.probabilities)
    assert again.table(again_on.dataset).equals(drawn.table(ground.dataset))


def test_all_kinds_of_steps_are_done_again(ground: Ground) -> None:
    (x0, y0), (x1, y1) = ground.embedding.min(0).tolist(), ground.embedding.max(0).tolist()
    steps = [
        lasso(ground),
        Step("categories", "union", column="blob", values=("b1", "b4")),
        Step("box", "subtract", ground.run_id, ((x1, y0), (0.0, y1))),
        Step("invert", "invert"),
        Step("box", "intersect", ground.run_id, ((x0, y0), (x1, y1))),
    ]
    x, blob = ground.embedding[:, 0], np.arange(N) // 120
    left = x < np.median(x) + 1e-3
    expected = ~((left | np.isin(blob, [1, 4])) & ~(x >= 0))
    chosen = ground.select(steps)
    np.testing.assert_array_equal(chosen.mask, expected)
    assert chosen.count not in (0, N)
    _, again = redraw(record(ground, ground.draw(chosen, Plan())), ground.workspace)
    np.testing.assert_array_equal(again.population.mask, expected)


def test_a_sample_of_a_cluster_is_drawn_again(ground: Ground) -> None:
    labels = find(ground.workspace, ground.run).labels
    steps = [Step("all"), cluster_step("1", ground.run_id)]
    chosen = ground.select(steps)
    np.testing.assert_array_equal(chosen.mask, labels == 1)
    assert chosen.count > 0
    drawn = ground.draw(chosen, Plan("random", 20, 3))
    _, again = redraw(record(ground, drawn), ground.workspace)
    assert again.sample.rows.tolist() == drawn.sample.rows.tolist()
    noise = ground.select([Step("all"), cluster_step("noise", ground.run_id)])
    np.testing.assert_array_equal(noise.mask, labels == -1)


@pytest.mark.parametrize(
    ("cluster", "said"),
    [("one", "'one' is no cluster"), ("-1", "'-1' is no cluster"), ("99", "no category 'cluster 99': it ")],
)
def test_a_cluster_that_is_none_is_refused(ground: Ground, cluster: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        ground.select([Step("all"), cluster_step(cluster, ground.run_id)])


def test_a_manifest_says_what_was_done(ground: Ground) -> None:
    about = record(ground, ground.draw(Selection.everything(N), Plan("stratified", 10, 3, "blob")))
    assert about["dataset"]["hash"] == ground.dataset.hash
    assert RunParameters.from_dict(about["run"]["parameters"]) == ground.run.parameters
    assert about["selection"]["steps"] == [{"kind": "all", "mode": "replace"}]
    assert {name: about[name] for name in ("strategy", "size", "seed", "column", "quotas")} == {
        "strategy": "stratified", "size": 10, "seed": 3, "column": "blob", "quotas": "equal",
    }  # fmt: skip
    assert about["strata"][0] == {"name": "b0", "rows": 120, "quota": 2, "drawn": 2}
    assert about["inclusion_probability"] == {"smallest": 2 / 120, "largest": 2 / 120}
    ranked = record(ground, ground.draw(Selection.everything(N), Plan("outliers", 10)))
    assert ranked["inclusion_probability"] is None
    assert "not defined" in ranked["inclusion_probability_note"]


def test_a_manifest_of_the_first_kind_still_draws(ground: Ground) -> None:
    drawn = ground.draw(Selection.everything(N), Plan("random", 5, 4))
    old = record(ground, drawn) | {"schema": 1}
    del old["rows"], old["strata"], old["notes"], old["run"]["map_hash"]
    assert redraw(old, ground.workspace)[1].sample.rows.tolist() == drawn.sample.rows.tolist()


def test_other_data_is_refused(ground: Ground, tmp_path: Path) -> None:
    about = record(ground, ground.draw(Selection.everything(N), Plan()))
    with pytest.raises(InputError, match="does not hold the data of this manifest, 'blobs' with the hash"):
        redraw(about, Workspace(tmp_path / "empty"))


def test_a_run_that_is_gone_or_another_is_refused(ground: Ground) -> None:
    about = record(ground, ground.draw(Selection.everything(N), Plan()))
    about["run"]["parameters"]["min_dist"] = 0.9
    with pytest.raises(InputError, match="has other parameters or data than when the sample was drawn"):
        redraw(about, ground.workspace)
    about["run"]["id"] = "k99"
    with pytest.raises(InputError, match="has no run 'k99'"):
        redraw(about, ground.workspace)


def test_a_map_that_moved_is_refused_where_it_matters(ground: Ground) -> None:
    everything = Selection.everything(N)
    random, density = (
        record(ground, ground.draw(everything, Plan(name))) for name in ("random", "density-weighted")
    )
    inside = record(ground, ground.draw(ground.select([lasso(ground)]), Plan()))
    ground.workspace.save_embedding(ground.run_id, ground.embedding[::-1].copy())
    assert redraw(random, ground.workspace)[1].sample.rows.size == 24
    with pytest.raises(InputError, match="not the one the sample was drawn on: it was at epoch 200"):
        redraw(density, ground.workspace)
    with pytest.raises(InputError, match="steps select other rows now"):
        redraw(inside, ground.workspace)


def test_rows_that_come_out_otherwise_are_refused(ground: Ground) -> None:
    about = record(ground, ground.draw(Selection.everything(N), Plan()))
    about["rows"]["digest"] = "0" * 32
    with pytest.raises(InputError, match="draws other rows than it did"):
        redraw(about, ground.workspace)


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda about: about.pop("dataset"), "This is no manifest of a sample"),
        (lambda about: about.update(schema=99), "written by a newer version"),
        (lambda about: about.update(seed="x"), "This is no manifest of a sample"),
        (lambda about: about.update(selection=[]), "This is no manifest of a sample"),
        (lambda about: about.update(rows=None), "This is no manifest of a sample"),
        (lambda about: about.update(strategy={"best": 1}), "This is no manifest of a sample"),
        (lambda about: about["dataset"].update(hash=5), "This is no manifest of a sample"),
        (lambda about: about["run"].update(id=5), "This is no manifest of a sample"),
        (lambda about: about["run"].update(parameters=None), "This is no manifest of a sample"),
        (
            lambda about: about["selection"]["steps"][0].update(kind="dream"),
            "by 'dream' cannot be made again",
        ),
        (lambda about: about["selection"]["steps"][0].update(mode="dream"), "'dream' is no way"),
        (lambda about: about.update(strategy="best"), "no strategy 'best'"),
    ],
)
def test_what_is_no_manifest_is_refused(ground: Ground, spoil: Any, sentence: str) -> None:
    about = record(ground, ground.draw(Selection.everything(N), Plan()))
    spoil(about)
    with pytest.raises(InputError, match=sentence):
        redraw(about, ground.workspace)


@pytest.mark.parametrize("polygon", [3, [1, 2], [[1, 2], [3]], [[0, 0], [1, "a"], [1, 1]], {"x": 1}])
def test_what_is_no_polygon_is_refused(polygon: Any) -> None:
    with pytest.raises(InputError, match="A polygon is a list of pairs"):
        lasso_step(polygon, "run")


def test_a_polygon_of_two_corners_encloses_nothing() -> None:
    with pytest.raises(InputError, match="at least 3 vertices, not 2"):
        lasso_step([[0, 0], [1, 1]], "run")


def test_other_selections_have_other_digests(ground: Ground) -> None:
    one = ground.draw(ground.select([lasso(ground)]), Plan())
    same = ground.draw(Selection.everything(N).intersect(one.population.mask, lasso(ground)), Plan())
    other = ground.draw(one.population.invert(), Plan())
    digests = [record(ground, drawn)["selection"]["digest"] for drawn in (one, same, other)]
    assert digests[0] == digests[1] != digests[2]
