"""Keyframes are close to what they keep, few, and the same for a resumed run."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explorer.model.history import Decoded, History, Keyframe, keyframe_epochs

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
def test_keyframes_are_at_most_60_and_hold_both_ends(n_epochs):
    epochs = sorted(keyframe_epochs(n_epochs))
    assert epochs[0] == 0
    assert epochs[-1] == n_epochs
    assert len(epochs) <= 60
    assert len(epochs) >= min(n_epochs + 1, 48)


def test_keyframes_are_denser_early_on():
    epochs = np.array(sorted(keyframe_epochs(500)))
    assert (epochs < 250).sum() > (epochs >= 250).sum()


def test_a_short_run_keeps_every_epoch():
    for n_epochs in range(1, 60):
        assert keyframe_epochs(n_epochs) == set(range(n_epochs + 1))


def test_history_reads_the_frame_asked_for():
    maps = {epoch: np.full((4, 2), epoch, np.float32) for epoch in (0, 10, 30)}
    history = History(tuple(maps), lambda epoch: Keyframe.encode(maps[epoch]))
    assert len(history) == 3
    assert (history.decode(1) == 10).all()
    assert (history.decode(-1) == 30).all()
    with pytest.raises(IndexError):
        history.decode(3)


def test_200_epochs_of_a_million_points_take_250_megabytes_at_most():
    n = 1_000
    record = Keyframe.encode(np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)).record
    bounds, header = 16, 4096  # a file takes whole blocks
    of_a_million = (record.nbytes - bounds) * 1_000_000 // n + bounds + header
    assert len(keyframe_epochs(200)) * of_a_million <= 250_000_000


def test_a_keyframe_is_the_same_from_its_record():
    frame = Keyframe.encode(np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32))
    again = Keyframe.of_record(frame.record)
    assert (again.positions == frame.positions).all()
    assert again.decode().tobytes() == frame.decode().tobytes()
    for damaged in (frame.positions, frame.record[["low", "span"]], np.repeat(frame.record, 2)):
        with pytest.raises(ValueError, match="no keyframe"):
            Keyframe.of_record(damaged)


def frame_of(value: int) -> np.ndarray:
    return np.full((100, 2), value, np.float32)


def test_frames_are_decoded_once_and_kept_up_to_so_many_bytes():
    asked: list[int] = []
    decoded = Decoded(most=3 * frame_of(0).nbytes)

    def get(value: int) -> np.ndarray:
        return decoded.get(value, lambda: asked.append(value) or frame_of(value))

    first = get(0)
    for value in (1, 2, 0, 3):
        get(value)
    assert get(0) is first, "what was asked for last stays"
    assert decoded.nbytes <= 3 * first.nbytes
    assert asked == [0, 1, 2, 3]
    get(1)
    assert asked == [0, 1, 2, 3, 1]
    tiny = Decoded(most=1)
    assert tiny.get(0, lambda: first) is tiny.get(0, lambda: pytest.fail("it was there"))


def test_two_threads_that_ask_for_one_frame_get_the_same():
    decoded, go, found = Decoded(), threading.Event(), []

    def slow() -> np.ndarray:
        assert go.wait(10)
        return frame_of(0)

    threads = [threading.Thread(target=lambda: found.append(decoded.get("a", slow))) for _ in range(2)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(10)
    assert found[0] is found[1]


def test_rows_without_a_place_have_none_and_spoil_no_other():
    embedding = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    lost = embedding.copy()
    lost[7] = np.nan
    decoded = Keyframe.encode(lost).decode(newest=lost)
    assert np.isnan(decoded[7]).all()
    np.testing.assert_allclose(np.delete(decoded, 7, 0), np.delete(embedding, 7, 0), atol=1e-4)
