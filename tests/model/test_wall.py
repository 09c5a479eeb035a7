"""Which runs hang in which cell: what varies, what is chosen, in what order, over which they are laid."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.run import Run, RunParameters, RunStatus, Start
from explorer.model.sweep import Sweep
from explorer.model.wall import (
    ALL,
    AXES,
    MEASURES,
    NONE,
    Choice,
    arrange,
    chosen,
    reference,
    sorted_by,
    text_of,
    told,
    value_of,
    varying,
)


def runs_of(*parameters: RunParameters, sweep: str = "sweep-1", **more) -> list[Run]:
    """Done runs of these parameters, newest first, as a workspace lists them."""
    return [
        Run(
            f"{sweep}-{place}",
            "data",
            "hash",
            100,
            one,
            RunStatus.DONE,
            created=f"{place:03d}",
            epoch=20,
            n_epochs=20,
            sweep=sweep,
            **more,
        )
        for place, one in reversed([*enumerate(parameters)])
    ]


GRID = runs_of(*Sweep((5, 15, 50), (0.0, 0.25), seeds=(3, 1)).parameters())


def of(cell: tuple[Run, ...]) -> list[tuple[int, float, int]]:
    return [(one.parameters.n_neighbors, one.parameters.min_dist, one.parameters.seed) for one in cell]


def head(run: Run, axis: str) -> str:
    return "" if axis == NONE else text_of(value_of(run, axis))


def test_a_sweep_hangs_by_its_first_two_parameters_with_its_seeds_side_by_side() -> None:
    wall = arrange(GRID, Choice())
    assert (wall.rows, wall.columns) == ("n_neighbors", "min_dist")
    assert (wall.row_values, wall.column_values) == (("5", "15", "50"), ("0", "0.25"))
    assert wall.rest == {"seed": ""}
    for (k, row), (d, _column) in product(
        zip((5, 15, 50), wall.cells, strict=True), enumerate(wall.column_values)
    ):
        distance = (0.0, 0.25)[d]
        assert of(row[d]) == [(k, distance, 1), (k, distance, 3)]
    assert [wall.name(run) for run in wall.cells[0][0]] == ["seed 1", "seed 3"]


def test_what_varies_alone_is_offered_and_never_the_width_of_the_graph() -> None:
    assert {run.parameters.graph_neighbors for run in GRID} == {None, 50}
    assert varying(GRID) == {"n_neighbors": (5, 15, 50), "min_dist": (0.0, 0.25), "seed": (1, 3)}
    assert varying(GRID[:1]) == {}
    fork = GRID[0].with_(start=Start("k5-d0-s3-7f3a2c", 7, True, True, ""))
    auto = replace(GRID[0].parameters, n_epochs=None, densmap=True)
    found = varying([GRID[0].with_(parameters=replace(auto, n_epochs=9)), fork.with_(parameters=auto)])
    assert found == {"n_epochs": (None, 9), "start": ("", "from k5-d0-s3 at epoch 7")}


@given(st.sampled_from([*AXES, NONE]), st.sampled_from([*AXES, NONE]), st.booleans())
def test_every_run_hangs_once_in_the_cell_of_its_values(rows: str, columns: str, fix: bool) -> None:
    fixed = (("seed", "3"),) if fix else ()
    wall = arrange(GRID, Choice(rows=rows, columns=columns, fixed=fixed))
    ours = {run.id for run in GRID if run.parameters.seed == 3 or not wall.rest.get("seed")}
    assert sorted(run.id for run in wall.runs) == sorted(ours)
    assert wall.rows == NONE or wall.rows != wall.columns
    for row, cells in zip(wall.row_values, wall.cells, strict=True):
        for column, cell in zip(wall.column_values, cells, strict=True):
            for run in cell:
                assert (row, column) == (head(run, wall.rows), head(run, wall.columns))


def test_a_combination_that_was_not_run_leaves_an_empty_cell() -> None:
    gone = [run for run in GRID if (run.parameters.n_neighbors, run.parameters.min_dist) != (15, 0.25)]
    assert arrange(gone, Choice()).cells[1][1] == ()


def test_runs_that_differ_in_the_seed_alone_follow_each_other() -> None:
    seeds = runs_of(*(RunParameters(seed=seed) for seed in (10, 9, 2)))
    wall = arrange(seeds, Choice())
    assert (wall.rows, wall.columns, len(wall.cells)) == (NONE, NONE, 1)
    assert [run.parameters.seed for run in wall.cells[0][0]] == [2, 9, 10]
    assert [wall.name(run) for run in wall.runs] == ["seed 2", "seed 9", "seed 10"]


def test_the_newest_sweep_is_shown_until_another_or_all_runs_are_chosen() -> None:
    newer = runs_of(RunParameters(metric="cosine"), RunParameters(), sweep="sweep-2")
    single = runs_of(RunParameters(n_neighbors=7), sweep="")
    everything = [*single, *newer, *GRID]
    assert arrange(everything, Choice()).sweep == "sweep-2"
    assert arrange(everything, Choice()).sweeps == ("sweep-2", "sweep-1")
    assert len(arrange(everything, Choice(sweep="sweep-1")).runs) == 12
    assert len(arrange(everything, Choice(sweep=ALL)).runs) == 15
    assert arrange(everything, Choice(sweep="of other data")).sweep == "sweep-2"
    assert arrange(single, Choice()).sweep == ALL
    assert arrange([], Choice()).runs == ()


def test_sorted_runs_are_one_list_the_best_first_and_tell_all_in_which_they_differ() -> None:
    scores = {run.id: float(place) for place, run in enumerate(GRID[:4])}
    for name, measure in MEASURES.items():
        wall = arrange(GRID, Choice(rows="seed", sort=name), scores)
        assert len(wall.cells) == len(wall.cells[0]) == 1
        best = [run.id for run in GRID[:4]]
        assert [run.id for run in wall.runs[:4]] == (best[::-1] if measure.high_is_good else best)
        assert len(wall.runs) == 12
    first = wall.runs[0].parameters
    assert wall.name(wall.runs[0]) == f"k {first.n_neighbors} · d {first.min_dist:g} · seed {first.seed}"
    plain = arrange(GRID, Choice()).runs
    assert sorted_by(plain, "cost", {}) == list(plain)


def test_rows_and_columns_change_places_rather_than_being_the_same() -> None:
    now = arrange(GRID, Choice())
    swapped = arrange(GRID, chosen(Choice(), now, "rows", "min_dist"))
    assert (swapped.rows, swapped.columns) == ("min_dist", "n_neighbors")
    by_seed = arrange(GRID, chosen(Choice(), now, "columns", "seed"))
    assert (by_seed.rows, by_seed.columns, list(by_seed.rest)) == ("n_neighbors", "seed", ["min_dist"])
    bare = chosen(Choice(), now, "rows", NONE)
    none = chosen(bare, arrange(GRID, bare), "columns", NONE)
    assert len(arrange(GRID, none).cells[0][0]) == 12


def test_one_value_of_what_remains_is_chosen_and_let_go() -> None:
    now = arrange(GRID, Choice())
    one = chosen(Choice(), now, "seed", "3")
    assert {run.parameters.seed for run in arrange(GRID, one).runs} == {3}
    assert chosen(one, now, "seed", "") == Choice()
    assert chosen(one, now, "sweep", ALL) == Choice(sweep=ALL), "other runs vary in other things"
    assert chosen(one, now, "beauty", "3") == one
    assert len(arrange(GRID, Choice(fixed=(("seed", "99"),))).runs) == 12


texts = st.text(min_size=1, max_size=12)


@given(
    st.builds(
        Choice,
        sweep=st.just("") | texts,
        rows=st.sampled_from(["", NONE, *AXES]),
        columns=st.sampled_from(["", NONE, *AXES]),
        fixed=st.dictionaries(st.sampled_from(AXES), texts).map(
            lambda values: tuple((name, values[name]) for name in AXES if name in values)
        ),
        sort=st.sampled_from(["", *MEASURES]),
        ring=st.sampled_from(["", *MEASURES]),
    )
)
def test_a_choice_survives_its_address(choice: Choice) -> None:
    assert Choice.of(choice.text) == choice


@given(st.text())
def test_an_address_that_is_no_choice_is_a_plain_wall_or_less(text: str) -> None:
    wall = arrange(GRID, Choice.of(text))
    hung = [run.id for row in wall.cells for cell in row for run in cell]
    assert len(set(hung)) == len(hung), "no run hangs twice"
    assert set(hung) <= {run.id for run in GRID}


def test_records_tell_cost_and_time_of_runs_at_rest() -> None:
    done = GRID[0].with_(cost=2.5, seconds={"layout": 3.0, "knn graph": 1.0})
    assert (told("cost", done), told("time", done), told("stability", done)) == (2.5, 4.0, None)
    for status in (RunStatus.RUNNING, RunStatus.FAILED):
        assert told("cost", done.with_(status=status)) is None
    assert told("time", done.with_(epoch=0)) is None


def test_the_run_on_the_map_is_the_reference_if_it_hangs_here_and_rests() -> None:
    oldest, newest = GRID[-1], GRID[0]
    assert reference(GRID, newest.id) == newest
    assert reference(GRID, "elsewhere") == oldest
    working = [newest.with_(status=RunStatus.RUNNING), *GRID[1:]]
    assert reference(working, newest.id) == oldest
    stopped = newest.with_(status=RunStatus.STOPPED)
    assert reference([stopped], stopped.id) == stopped
    assert reference([stopped], "") is None
    deep = newest.with_(parameters=replace(newest.parameters, n_components=3))
    assert reference([deep], deep.id) is None


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.1 + 2e-9, 0, 5, True])
def test_values_that_differ_are_told_apart(value: float) -> None:
    assert text_of(value) != text_of(value + 1e-9 if isinstance(value, float) else not value)
