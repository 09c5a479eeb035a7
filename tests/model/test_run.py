"""Parameters are checked with one sentence each; a record survives its file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.errors import InputError
from explorer.model.run import Run, RunParameters, RunStatus, Start


def test_defaults_are_valid_from_one_row_more_than_neighbours():
    RunParameters().validate(n=70_000, dims=784)
    RunParameters().validate(n=16, dims=1)
    with pytest.raises(InputError, match="the data has 15 rows"):
        RunParameters().validate(n=15, dims=1)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"n_neighbors": 100}, "n_neighbors is 100 but the data has 100 rows: choose a value from 2 to 99."),
        ({"n_neighbors": 1}, "n_neighbors is 1: it must be a whole number of at least 2."),
        ({"n_neighbors": 15.0}, "n_neighbors is 15.0: it must be a whole number"),
        ({"n_neighbors": True}, "n_neighbors is True: it must be a whole number"),
        ({"min_dist": 1.5}, "min_dist is 1.5: it must be at least 0 and at most 1."),
        ({"min_dist": float("nan")}, "min_dist is nan: it must be a finite number."),
        ({"spread": 0.0}, "spread is 0: it must be greater than 0."),
        ({"graph_neighbors": 14}, "graph_neighbors is 14: it must be a whole number of at least 15."),
        ({"graph_neighbors": 20.5}, "graph_neighbors is 20.5: it must be a whole number"),
        (
            {"graph_neighbors": 100},
            "graph_neighbors is 100 but the data has 100 rows: choose a value from 15",
        ),
        ({"n_components": 0}, "n_components is 0"),
        ({"n_components": 100}, "n_components is 100 but the data has 100 rows"),
        ({"init": "pca", "n_components": 9}, "init 'pca' offers at most 8 components"),
        ({"init": "middle"}, "init is 'middle': choose one of spectral, pca, random."),
        ({"n_epochs": 0}, "n_epochs is 0"),
        ({"seed": -1}, "seed is -1: it must be a whole number of at least 0 and at most 4294967295."),
        ({"learning_rate": 0}, "learning_rate is 0: it must be greater than 0."),
        ({"set_op_mix_ratio": 1.1}, "set_op_mix_ratio is 1.1: it must be at least 0 and at most 1."),
        ({"negative_sample_rate": -1}, "negative_sample_rate is -1"),
        ({"densmap": 1}, "densmap is 1: it must be True or False."),
        ({"target": 3}, "target is 3: give the name of a column of the items."),
        ({"metric": ""}, "metric is '': give the name of a metric"),
    ],
)
def test_a_parameter_that_cannot_work_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(InputError) as error:
        RunParameters(**changes).validate(n=100, dims=8)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_parameter_is_named():
    with pytest.raises(InputError, match="'n_neighbours' is no parameter of a run"):
        RunParameters.from_dict({"n_neighbours": 15})


def test_the_label_says_what_is_special():
    assert RunParameters().label == "k 15 · d 0.1 · seed 42"
    assert (
        RunParameters(metric="cosine", init="pca", min_dist=0).label == "k 15 · d 0 · cosine · pca · seed 42"
    )
    assert RunParameters(graph_neighbors=50).label == "k 15 · d 0.1 · seed 42 · graph 50"
    assert RunParameters(graph_neighbors=15).label == RunParameters().label
    special = RunParameters(densmap=True, target="genre")
    assert special.label == "k 15 · d 0.1 · densmap · target genre · seed 42"


def test_a_run_is_called_by_its_name_or_by_what_it_is():
    run = Run.new("d", "h", 10, RunParameters())
    fork = run.with_(start=Start("k15-d0.1-s42-7f3a2c", 1_087, True, True, "hash"))
    warm = run.with_(start=Start("k15-d0.1-s42-7f3a2c", 500, False, True, "hash"), name="the good one")
    assert run.title == run.label == "k 15 · d 0.1 · seed 42"
    assert fork.title == "k 15 · d 0.1 · seed 42 · from k15-d0.1-s42 at epoch 1,087"
    assert warm.title == "the good one"
    assert warm.label == "k 15 · d 0.1 · seed 42 · warm from k15-d0.1-s42 at epoch 500"
    assert [one.first_epoch for one in (run, fork, warm)] == [0, 1_087, 0]


def test_a_record_without_what_came_later_is_read():
    run = Run.new("d", "h", 10, RunParameters())
    older = run.to_dict()
    for name in ("start", "name", "starred", "turn"):
        del older[name]
    assert Run.from_dict(older) == run


@given(
    st.builds(
        RunParameters,
        n_neighbors=st.integers(2, 500),
        min_dist=st.floats(0, 1),
        n_epochs=st.none() | st.integers(1, 1000),
        seed=st.integers(0, 2**32 - 1),
    ),
    st.sampled_from(RunStatus),
    st.lists(st.floats(allow_nan=False, allow_infinity=False)),
    st.none() | st.builds(Start),
    st.text(),
)
def test_a_record_survives_json(parameters, status, costs, start, name):
    run = Run.new("mnist-123", "abc", 1_000, parameters).with_(
        status=status,
        costs=tuple(costs),
        cost=costs[-1] if costs else None,
        seconds={"layout": 1.5},
        start=start,
        name=name,
        starred=bool(name),
    )
    assert Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run


def test_ids_are_readable_and_differ():
    runs = [Run.new("d", "h", 10, RunParameters(seed=7)) for _ in range(20)]
    assert all(run.id.startswith("k15-d0.1-s7-") for run in runs)
    assert len({run.id for run in runs}) == 20


def test_a_run_of_large_numbers_is_read_again():
    run = Run.new("d", "h", 10, RunParameters(spread=2e6, min_dist=1e6))
    assert run.id.startswith("k15-d1e06-s42-")
    assert Run.from_dict(json.loads(json.dumps(run.to_dict()))) == run


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"schema": 99}, ValueError),
        ({"id": "../elsewhere"}, ValueError),
        ({"status": "asleep"}, ValueError),
        ({"parameters": {"seed": 1, "surprise": 2}}, InputError),
        ({"surprise": 1}, TypeError),
    ],
)
def test_a_record_that_is_none_is_refused(change, error):
    values = Run.new("d", "h", 10, RunParameters()).to_dict() | change
    with pytest.raises(error):
        Run.from_dict(values)


def test_only_runs_that_a_runner_holds_are_active():
    active = {status for status in RunStatus if status.active}
    assert active == {RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PAUSED}
