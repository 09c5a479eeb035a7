"""Which parameter each stage depends on, so that runs share what they can and nothing more."""

import dataclasses

import numpy as np
import pytest

from explorer.model import stages
from explorer.model.run import RunParameters
from explorer.model.stages import FUZZY_SET, INITIAL_LAYOUT, KNN_GRAPH, LAYOUT, SUPERVISION, plan

FIRST_STAGE_TO_DIFFER = {
    "n_neighbors": (30, KNN_GRAPH),
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
