from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from core import (
    Density,
    InputError,
    Layout,
    LayoutParameters,
    default_n_epochs,
    find_ab,
    initial_layout,
    layout,
    local_radii,
)
from core.curve_order import curve_order
from core.forces import TABLE_FIRST, TABLE_SHIFT, attraction_shares, attraction_table, power
from core.kernels import advance, advance_plane, draw_pool
from core.supervision import supervise
from core.threads import for_rows
from core.watched import run as run_to_its_end

PARAMETERS = LayoutParameters(30, *find_ab())


def test_a_checkpoint_is_detached_from_its_run(digits_set):
    run = Layout(digits_set, initial_layout(digits_set), PARAMETERS)
    run.run(3)
    checkpoint = run.checkpoint()
    before = checkpoint.positions.copy()
    run.run(10)
    np.testing.assert_array_equal(checkpoint.positions, before)


def test_the_caller_may_keep_and_change_what_run_returns(digits_set):
    initial = initial_layout(digits_set)
    run = Layout(digits_set, initial, PARAMETERS)
    run.run(5)[:] = np.nan
    np.testing.assert_array_equal(run.run(30), Layout(digits_set, initial, PARAMETERS).run(30))


def test_an_epoch_that_is_interrupted_is_done_anew(digits_set, digits_graph, monkeypatch):
    initial, calls = initial_layout(digits_set), 0

    def interrupted(*arguments, **keywords):
        nonlocal calls
        calls += 1
        if calls == 17:
            raise KeyboardInterrupt
        for_rows(*arguments, **keywords)

    for density in (None, Density(local_radii(digits_set, digits_graph), dens_frac=1)):
        straight = Layout(digits_set, initial, PARAMETERS, density=density).run(6)
        run, calls = Layout(digits_set, initial, PARAMETERS, density=density), 0
        with monkeypatch.context() as patch:
            patch.setattr(layout, "for_rows", interrupted)
            with pytest.raises(KeyboardInterrupt):
                run.run(6)
        assert run.epoch == 2
        restored = Layout.restore(digits_set, initial, PARAMETERS, run.checkpoint(), density=density)
        np.testing.assert_array_equal(run.run(6), straight)
        np.testing.assert_array_equal(restored.run(6), straight)


def test_different_seeds_differ(digits_set):
    initial = initial_layout(digits_set)
    assert not np.array_equal(
        Layout(digits_set, initial, PARAMETERS, seed=1).run(5),
        Layout(digits_set, initial, PARAMETERS, seed=2).run(5),
    )


def test_rows_keep_the_order_of_the_data(digits_set):
    initial = initial_layout(digits_set)
    run = Layout(digits_set, initial, PARAMETERS)
    np.testing.assert_array_equal(run.embedding, initial)
    assert (
        np.linalg.norm(run.run(1) - initial, axis=1).mean()
        < np.linalg.norm(run.embedding[::-1] - initial, axis=1).mean()
    )


def test_the_cost_falls(digits_set):
    run = Layout(digits_set, initial_layout(digits_set, init="random"), PARAMETERS)
    before = run.cost()
    assert run.cost() == before
    run.run(30)
    assert run.cost() < 0.8 * before


def test_an_edge_fires_as_often_as_its_weight_says():
    """With no repulsion and alpha tiny, the way a point goes counts how often its edge fired."""
    n, epochs = 400, 100
    rng = np.random.default_rng(0)
    heads = np.arange(0, n, 2)
    weight = np.repeat(rng.uniform(0.05, 1, n // 2), 2).astype(np.float32)
    weight[:2] = 1
    tails = np.column_stack([heads + 1, heads]).ravel()
    fuzzy_set = csr_array((weight, tails.astype(np.int32), np.arange(n + 1, dtype=np.int32)), shape=(n, n))
    initial = np.column_stack([np.tile([0.0, 1.0], n // 2), np.repeat(np.arange(n // 2), 2)]).astype(
        np.float32
    )
    parameters = LayoutParameters(epochs, 1.0, 1.0, learning_rate=1e-6, negative_sample_rate=0)
    moved = Layout(fuzzy_set, initial, parameters).run(epochs)[::2, 0] - initial[::2, 0]
    # Force at distance 1 with a = b = 1: 2 / (1 + 1) = 1, twice; mean learning rate (epochs + 1) / 2 epochs
    fired = moved / (2e-6 * (epochs + 1) / (2 * epochs))
    assert np.abs(fired - weight[::2] * epochs).max() < 2


@pytest.mark.parametrize(("n_epochs", "moved"), [(10, True), (11, False)])
def test_a_few_epochs_keep_the_edges_of_the_usual_number(n_epochs, moved):
    """The second edge is stronger than a 500th of the strongest, and weaker than an 11th."""
    weights = np.array([1, 1, 0.08, 0.08], np.float32)
    fuzzy_set = csr_array((weights, np.array([1, 0, 3, 2], np.int32), np.arange(5, dtype=np.int32)))
    initial = np.array([[0, 0], [1, 0], [0, 9], [1, 9]], np.float32)
    parameters = LayoutParameters(n_epochs, 1.0, 1.0, negative_sample_rate=0)
    run = Layout(fuzzy_set, initial, parameters)
    assert len(run._tails) == (4 if moved else 2)
    assert np.array_equal(run.run(n_epochs)[2:], initial[2:]) != moved


@pytest.mark.parametrize(("negatives", "alike"), [(0, 1.0), (5, 0.9)])
def test_a_turn_in_the_plane_is_that_of_any_number_of_dimensions(digits_set, negatives, alike):
    """Repulsions of one window count at once in the plane: where one is near it shows."""
    run, alpha = Layout(digits_set, initial_layout(digits_set), PARAMETERS), np.float32(1e-3)
    source, pool = run._positions, np.empty((2, 2048), np.float32)
    n, shares = len(source), attraction_shares(run._table, float(alpha))
    draw_pool(source, np.uint64(0), 0, pool)
    moved = []
    for kernel, last in ((advance_plane, 1024), (advance, layout.NO_DENSITY)):
        target = np.empty_like(source)
        for_rows(
            kernel, n, run._indptr[: n + 1], run._tails, run._rates, source, target, pool, np.uint64(0), 3, 4,
            alpha, shares, np.float32(1.5), np.float32(0.9), np.float32(1), negatives, last,
        )  # fmt: skip
        moved.append(target - source)
    largest = np.abs(moved[0]).max()
    assert largest > 0.001
    assert (np.abs(moved[1] - moved[0]) < 0.01 * largest).mean() >= alike


def test_the_table_of_forces_is_close_to_its_formula():
    a, b = find_ab()
    squared = np.geomspace(1e-6, 6e4, 1000).astype(np.float32)
    cells = (squared.view(np.int32) >> TABLE_SHIFT) - TABLE_FIRST
    d2 = squared.astype(np.float64)
    np.testing.assert_allclose(
        attraction_table(a, b)[cells], 2 * a * b * d2 ** (b - 1) / (1 + a * d2**b), rtol=0.008
    )


@pytest.mark.parametrize("b", [0.4, 0.895, 1.0, 2.0])
def test_power_is_close_to_the_library_s(b):
    x = np.geomspace(1e-10, 1e6, 500).astype(np.float32)
    ours = np.array([power(v, np.float32(b)) for v in x])
    np.testing.assert_allclose(ours, x.astype(np.float64) ** b, rtol=1e-3)


def test_the_curve_visits_each_row_once_and_keeps_neighbours_together():
    points = np.random.default_rng(0).uniform(size=(3000, 2)).astype(np.float32)
    order = curve_order(points)
    np.testing.assert_array_equal(np.sort(order), np.arange(3000))
    steps = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert steps.mean() < 0.1 * np.linalg.norm(np.diff(points, axis=0), axis=1).mean()


def test_default_epochs_are_umap_learns():
    assert (default_n_epochs(10_000), default_n_epochs(10_001)) == (500, 200)


def test_a_layout_never_runs_past_its_end(digits_set):
    run = Layout(digits_set, initial_layout(digits_set), LayoutParameters(3, *find_ab()))
    run.run(100)
    assert run.epoch == run.n_epochs == 3


@pytest.mark.parametrize(
    "keywords",
    [
        {"n_epochs": -1},
        {"n_epochs": 2.5},
        {"learning_rate": 0},
        {"learning_rate": np.inf},
        {"negative_sample_rate": -1},
        {"repulsion_strength": -1},
        {"a": 0},
    ],
)
def test_a_parameter_out_of_range_is_named(keywords):
    with pytest.raises(InputError, match=next(iter(keywords))):
        LayoutParameters(**{"n_epochs": 10, "a": 1.5, "b": 0.9, **keywords})


def test_a_restored_run_tells_its_remaining_epochs_alone(digits_set, capsys):
    initial = initial_layout(digits_set)
    paused = Layout(digits_set, initial, PARAMETERS)
    paused.run(27)
    restored = Layout.restore(digits_set, initial, PARAMETERS, paused.checkpoint())
    told = []
    run_to_its_end(restored, lambda epoch, *_: told.append(epoch), bar=True)
    assert told == [28, 29, 30]
    shown = capsys.readouterr().err
    assert "27/30" in shown
    assert "30/30" in shown


def test_bad_starts_are_named(digits_set, digits_graph):
    initial = initial_layout(digits_set)
    with pytest.raises(InputError, match="one row of coordinates"):
        Layout(digits_set, initial[:-1], PARAMETERS)
    for other in (digits_set.toarray(), digits_set.tocoo(), digits_set[:, :5]):
        for refuse in (
            lambda s: Layout(s, initial, PARAMETERS),
            initial_layout,
            lambda s: supervise(s, np.zeros(len(initial))),
            lambda s: local_radii(s, digits_graph),
        ):
            with pytest.raises(InputError, match="must be a CSR array"):
                refuse(other)
    for seed in (-1, 1.5, 2**64):
        with pytest.raises(InputError, match="seed must be a whole number from 0"):
            Layout(digits_set, initial, PARAMETERS, seed=seed)
        with pytest.raises(InputError, match="seed must be a whole number from 0"):
            initial_layout(digits_set, seed=seed)
    bad = initial.copy()
    bad[5, 1] = np.nan
    with pytest.raises(InputError, match="Row 5"):
        Layout(digits_set, bad, PARAMETERS)
    checkpoint = Layout(digits_set, initial, PARAMETERS).checkpoint()
    with pytest.raises(InputError, match="shape"):
        Layout.restore(digits_set, initial_layout(digits_set, n_components=3), PARAMETERS, checkpoint)
