"""Keyframes are close to what they keep, few, and the same for a resumed run."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.model.history import History, Keyframe, keyframe_epochs

COORDINATES = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, st.tuples(st.integers(1, 50), st.integers(1, 3)), elements=COORDINATES))
def test_a_keyframe_is_off_by_half_a_level_at_most(embedding):
    frame = Keyframe.encode(embedding)
    decoded = frame.decode()
    assert frame.positions.dtype == np.uint16
    assert decoded.dtype == np.float32
    rounding = np.abs(embedding).max(0) * 2e-7
    assert (np.abs(decoded - embedding) <= frame.span / 131_070 + rounding * 4 + 1e-30).all()


def test_a_map_without_extent_survives():
    embedding = np.full((5, 2), 3.25, np.float32)
    assert (Keyframe.encode(embedding).decode() == embedding).all()


def test_components_beyond_the_third_are_left_out():
    embedding = np.random.default_rng(0).normal(size=(10, 7)).astype(np.float32)
    np.testing.assert_allclose(Keyframe.encode(embedding).decode(), embedding[:, :3], atol=1e-4)


@given(st.integers(1, 5_000))
def test_keyframes_are_at_most_64_and_hold_both_ends(n_epochs):
    epochs = sorted(keyframe_epochs(n_epochs))
    assert epochs[0] == 0
    assert epochs[-1] == n_epochs
    assert len(epochs) <= 64
    assert len(epochs) >= min(n_epochs + 1, 48)


def test_keyframes_are_denser_early_on():
    epochs = np.array(sorted(keyframe_epochs(500)))
    assert (epochs < 250).sum() > (epochs >= 250).sum()


def test_a_short_run_keeps_every_epoch():
    for n_epochs in range(1, 64):
        assert keyframe_epochs(n_epochs) == set(range(n_epochs + 1))


def test_history_reads_the_frame_asked_for():
    maps = {epoch: np.full((4, 2), epoch, np.float32) for epoch in (0, 10, 30)}
    history = History(tuple(maps), lambda epoch: Keyframe.encode(maps[epoch]))
    assert len(history) == 3
    assert (history.decode(1) == 10).all()
    assert (history.decode(-1) == 30).all()
    with pytest.raises(IndexError):
        history.decode(3)
