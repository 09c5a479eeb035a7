"""Which parameter each stage depends on, so that runs share what they can and nothing more."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import core
from core import KnnGraph, knn_graph
from explorer.model import stages
from explorer.model.run import Run, RunParameters
from explorer.model.stages import FUZZY_SET, INITIAL_LAYOUT, KNN_GRAPH, LAYOUT, SUPERVISION, plan
from explorer.model.worker import computed

FIRST_STAGE_TO_DIFFER = {
    "n_neighbors": (30, KNN_GRAPH),
    "graph_neighbors": (30, KNN_GRAPH),
    "metric": ("cosine", KNN_GRAPH),
    "seed": (7, KNN_GRAPH),
    "local_connectivity": (2.0, FUZZY_SET),
    "set_op_mix_ratio": (0.5, FUZZY_SET),
    "init": ("pca", INITIAL_LAYOUT),
    "n_components": (3, INITIAL_LAYOUT),
    "target": ("genre", INITIAL_LAYOUT),
    "densmap": (True, LAYOUT),
    "min_dist": (0.5, LAYOUT),
    "spread": (2.0, LAYOUT),
    "n_epochs": (50, LAYOUT),
    "negative_sample_rate": (10, LAYOUT),
    "learning_rate": (0.5, LAYOUT),
    "repulsion_strength": (2.0, LAYOUT),
}


def keys(data_hash: str, parameters: RunParameters) -> dict[str, str]:
    return {stage.name: stage.key for stage in plan(data_hash, parameters)}


def test_every_parameter_is_accounted_for():
    assert set(FIRST_STAGE_TO_DIFFER) == {field.name for field in dataclasses.fields(RunParameters)}


@pytest.mark.parametrize("name", FIRST_STAGE_TO_DIFFER)
def test_runs_share_the_stages_before_the_first_that_differs(name):
    value, first = FIRST_STAGE_TO_DIFFER[name]
    here, there = keys("hash", RunParameters()), keys("hash", RunParameters(**{name: value}))
    order = list(here)
    for stage in order:
        assert (here[stage] == there[stage]) == (order.index(stage) < order.index(first)), stage


def test_a_target_of_other_values_shares_what_comes_before_it():
    here, there = (plan("hash", RunParameters(target="genre"), values) for values in ("one", "other"))
    assert [stage.name for stage in here] == [KNN_GRAPH, FUZZY_SET, SUPERVISION, INITIAL_LAYOUT, LAYOUT]
    assert [one.key == two.key for one, two in zip(here, there, strict=True)] == [True] * 2 + [False] * 3
    assert here[:2] == plan("hash", RunParameters())[:2]


def test_what_starts_from_another_map_shares_the_graph_and_has_no_initial_layout():
    plain, one, other = (plan("hash", RunParameters(), start_hash=start) for start in ("", "one", "other"))
    assert [stage.name for stage in one] == [KNN_GRAPH, FUZZY_SET, LAYOUT]
    assert one[:2] == other[:2] == plain[:2]
    assert len({stages[-1].key for stages in (plain, one, other)}) == 3


def test_other_data_shares_nothing():
    here, there = keys("hash", RunParameters()), keys("other", RunParameters())
    assert not set(here.values()) & set(there.values())


@pytest.mark.parametrize(
    ("module", "first"),
    [("knn", KNN_GRAPH), ("fuzzy_set", FUZZY_SET), ("initialization", INITIAL_LAYOUT), ("layout", LAYOUT)],
)
def test_a_new_version_of_a_stage_renews_it_and_all_after_it(monkeypatch, module, first):
    before = keys("hash", RunParameters())
    monkeypatch.setattr(f"core.{module}.VERSION", 10_000)
    after = keys("hash", RunParameters())
    order = list(before)
    for stage in order:
        assert (before[stage] == after[stage]) == (order.index(stage) < order.index(first)), stage


def test_a_record_from_before_there_were_wider_graphs_keeps_its_keys(monkeypatch):
    """The record and the folders of its cache, as a version without graph_neighbors and sweep left them."""
    for stage, version in {"knn": 2, "fuzzy_set": 1, "initialization": 5, "layout": 5}.items():
        monkeypatch.setattr(getattr(core, stage), "VERSION", version)
    parameters = {
        "n_neighbors": 15, "min_dist": 0.1, "spread": 1.0, "metric": "euclidean", "n_components": 2,
        "n_epochs": None, "seed": 42, "init": "spectral", "densmap": False, "target": "",
        "negative_sample_rate": 5, "learning_rate": 1.0, "repulsion_strength": 1.0,
        "local_connectivity": 1.0, "set_op_mix_ratio": 1.0,
    }  # fmt: skip
    record = {
        "schema": 1, "id": "k15-d0.1-s42-4d4baf", "dataset_id": "mnist-1",
        "data_hash": "c4ac534f60546795d9e7f32576530ba5", "n": 70_000, "parameters": parameters,
        "status": "done", "created": "2026-11-25T19:59:57.674+00:00", "epoch": 200, "n_epochs": 200,
        "seconds": {}, "cost": None, "costs": [], "knn_recall": None, "error": None, "provenance": {},
        "target_hash": "",
    }  # fmt: skip
    run = Run.from_dict(record)
    assert (run.parameters.graph_neighbors, run.sweep) == (None, "")
    assert [stage.key for stage in stages.of_run(run)] == [
        "6ec4aa35ce5bc9aea8aa6d2f669a5d42",
        "c5e25392be3e7e02d8a14853a7593970",
        "72162c40f84fbd18966e3bc6c438fb3b",
        "03d267a004f227db95563f7c97ac8473",
    ]


@pytest.mark.parametrize("target", ["", "genre"])
def test_a_graph_that_is_no_wider_has_the_keys_of_a_plain_run(target):
    plain = RunParameters(target=target)
    assert plan("hash", dataclasses.replace(plain, graph_neighbors=15)) == plan("hash", plain)


@pytest.mark.parametrize("target", ["", "genre"])
def test_runs_of_one_graph_share_it_and_nothing_that_depends_on_their_own_neighbours(target):
    one, other, wide = (
        [stage.key for stage in plan("hash", RunParameters(n_neighbors=k, graph_neighbors=50, target=target))]
        for k in (5, 15, 50)
    )
    assert one[0] == other[0] == wide[0]
    assert not set(one[1:]) & set(other[1:])
    assert not set(other[1:]) & set(wide[1:])


def test_a_pruned_graph_is_the_first_columns_and_copies_no_more(blobs, tmp_path: Path):
    wide = knn_graph(blobs[0], 30)
    for name in ("indices", "distances"):
        np.save(tmp_path / f"{name}.npy", getattr(wide, name))
    arrays = {name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("indices", "distances")}
    for n_neighbors in (2, 15, 30):
        graph = stages.read_graph(arrays, n_neighbors)
        pruned = wide.prune(n_neighbors - 1)
        for name in ("indices", "distances"):
            np.testing.assert_array_equal(getattr(graph, name), arrays[name][:, : n_neighbors - 1])
            np.testing.assert_array_equal(getattr(graph, name), getattr(pruned, name))
    for whole in (stages.read_graph(arrays), stages.read_graph(arrays, 30)):
        assert np.shares_memory(whole.indices, arrays["indices"])
        assert np.shares_memory(whole.distances, arrays["distances"])


def test_the_fuzzy_set_of_a_wider_graph_is_that_of_its_nearest_neighbours(blobs):
    parameters = RunParameters(n_neighbors=8, graph_neighbors=30)
    knn, fuzzy, *_ = plan("hash", parameters)
    wide = stages.compute(knn.name, knn.parameters, blobs[0], {})
    assert wide["indices"].shape == (len(blobs[0]), 29)
    made = stages.compute(fuzzy.name, fuzzy.parameters, blobs[0], {KNN_GRAPH: wide})
    narrow = KnnGraph(wide["indices"], wide["distances"]).prune(7)
    expected = core.fuzzy_simplicial_set(narrow)
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(made[name], getattr(expected, name))


def test_the_fuzzy_set_is_read_back_without_a_copy(blobs):
    vectors, _ = blobs
    first, second, third, _ = plan("hash", RunParameters())
    earlier: dict[str, dict[str, np.ndarray]] = {}
    for stage in (first, second, third):
        earlier[stage.name] = stages.compute(stage.name, stage.parameters, vectors, earlier)
    arrays = earlier[FUZZY_SET]
    fuzzy_set = stages.read_fuzzy_set(arrays)
    assert np.shares_memory(fuzzy_set.data, arrays["data"])
    assert np.shares_memory(fuzzy_set.indices, arrays["indices"])
    assert abs(fuzzy_set - fuzzy_set.T).max() == 0
    assert earlier[INITIAL_LAYOUT]["positions"].shape == (len(vectors), 2)


def test_a_graph_by_a_metric_without_a_distance_0_has_no_recall(blobs):
    for metric, known in (("euclidean", True), ("inner_product", False)):
        arrays, _ = computed(KNN_GRAPH, {"n_neighbors": 5, "metric": metric, "seed": 0}, blobs[0], {})
        assert set(arrays) == {"indices", "distances"} | ({"recall"} if known else set())
        assert arrays["indices"].shape == (len(blobs[0]), 4)
