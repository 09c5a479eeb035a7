"""The algebra of selections, their undo, and their composition."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from explorer.model.categories import Categories
from explorer.model.errors import InputError
from explorer.model.selection import Selection, SelectionHistory, Step, composition, packed, unpacked

N = 19  # no multiple of 8: packed masks must not grow rows
LASSO = Step("lasso", "union", "run", ((0, 0), (1, 0), (1, 1)))
masks = st.lists(st.booleans(), min_size=N, max_size=N).map(lambda bits: np.array(bits, bool))


def selection(mask: np.ndarray) -> Selection:
    return Selection.none(N).replace(mask, Step("rows"))


@given(masks)
def test_inverting_twice_changes_nothing(mask: np.ndarray) -> None:
    chosen = selection(mask)
    assert (chosen.invert().invert().mask == mask).all()
    assert chosen.invert().count == N - chosen.count


@given(masks, masks)
def test_union_adds_and_subtract_takes_away_just_these(a: np.ndarray, b: np.ndarray) -> None:
    joined = selection(a).union(b, LASSO)
    assert (joined.mask == (a | b)).all()
    assert (joined.subtract(b, LASSO).mask == (a & ~b)).all()
    assert (selection(a).intersect(b, LASSO).mask == selection(a).subtract(~b, LASSO).mask).all()


@given(masks, masks)
def test_de_morgan(a: np.ndarray, b: np.ndarray) -> None:
    left = selection(a).union(b, LASSO).invert()
    right = selection(a).invert().intersect(~b, LASSO)
    assert (left.mask == right.mask).all()


@given(masks)
def test_neutral_and_absorbing_selections(a: np.ndarray) -> None:
    nothing, everything = Selection.none(N), Selection.everything(N)
    assert (nothing.union(a, LASSO).mask == a).all()
    assert (everything.intersect(a, LASSO).mask == a).all()
    assert selection(a).subtract(everything.mask, LASSO).count == 0
    assert everything.count == N
    assert nothing.invert().count == N


@given(masks)
def test_rows_count_and_share_agree_with_the_mask(a: np.ndarray) -> None:
    chosen = selection(a)
    assert chosen.rows.tolist() == np.flatnonzero(a).tolist()
    assert chosen.rows.dtype == np.int64
    assert chosen.count == len(chosen.rows)
    assert chosen.share == pytest.approx(chosen.count / N)


def test_selection_cannot_be_written_to_nor_changed_from_outside() -> None:
    mask = np.zeros(N, bool)
    chosen, direct = selection(mask), Selection(mask)
    mask[0] = True
    assert chosen.count == direct.count == 0
    with pytest.raises(ValueError, match="read-only"):
        chosen.mask[0] = True


def test_steps_tell_how_a_selection_came_about() -> None:
    mask = np.arange(N) < 5
    chosen = Selection.none(N).replace(mask, Step("box")).union(~mask, LASSO).invert()
    assert [(step.kind, step.mode) for step in chosen.steps] == [
        ("box", "replace"),
        ("lasso", "union"),
        ("invert", "invert"),
    ]
    assert chosen.replace(mask, LASSO).steps == (LASSO,)
    assert Selection.none(N).steps == ()
    assert LASSO.to_dict() == {
        "kind": "lasso",
        "mode": "union",
        "run_id": "run",
        "polygon": ((0, 0), (1, 0), (1, 1)),
    }


@pytest.mark.parametrize(
    "change", [Selection.replace, Selection.union, Selection.subtract, Selection.intersect]
)
def test_rows_of_other_data_are_refused(change: Callable[[Selection, np.ndarray, Step], Selection]) -> None:
    with pytest.raises(InputError, match="19 rows, but 20"):
        change(Selection.none(N), np.zeros(N + 1, bool), LASSO)
    with pytest.raises(InputError, match="19 rows, the selection is of 20"):
        SelectionHistory(N).push(Selection.none(N + 1))


def test_a_copied_history_goes_its_own_way_and_many_steps_of_many_rows_take_little() -> None:
    history = SelectionHistory(800_000)
    masks = [np.arange(800_000) < size for size in (5, 300_000)]
    for mask in masks:
        history.push(Selection(mask))
    assert 0 < history.nbytes < 5_000
    other = history.copy()
    np.testing.assert_array_equal(other.undo().mask, masks[0])
    other.push(Selection(~masks[0]))
    np.testing.assert_array_equal(history.current.mask, masks[1])
    assert not history.can_redo
    np.testing.assert_array_equal(history.undo().mask, masks[0])


class HistoryMachine(RuleBasedStateMachine):
    """SelectionHistory against two plain stacks."""

    DEPTH = 4

    def __init__(self) -> None:
        super().__init__()
        self.history = SelectionHistory(N, depth=self.DEPTH)
        self.done: list[list[bool]] = [[False] * N]
        self.undone: list[list[bool]] = []

    @rule(mask=masks)
    def push(self, mask: np.ndarray) -> None:
        pushed = selection(mask)
        assert self.history.push(pushed) is pushed
        self.done = [*self.done, mask.tolist()][-self.DEPTH - 1 :]
        self.undone = []

    @precondition(lambda self: len(self.done) > 1)
    @rule()
    def undo(self) -> None:
        self.undone.append(self.done.pop())
        assert self.history.undo().mask.tolist() == self.done[-1]

    @precondition(lambda self: self.undone)
    @rule()
    def redo(self) -> None:
        self.done.append(self.undone.pop())
        assert self.history.redo().mask.tolist() == self.done[-1]

    @rule()
    def clear(self) -> None:
        self.done, self.undone = [[False] * N], []
        assert self.history.clear().count == 0

    @invariant()
    def current_is_the_top(self) -> None:
        assert self.history.current.mask.tolist() == self.done[-1]
        assert self.history.can_undo == (len(self.done) > 1)
        assert self.history.can_redo == bool(self.undone)


TestHistory = HistoryMachine.TestCase


def test_undo_and_redo_at_the_ends_change_nothing() -> None:
    history = SelectionHistory(N)
    assert history.undo() is history.redo() is history.current
    for _ in range(60):
        history.push(history.current.invert())
    undone = 0
    while history.can_undo:
        history.undo()
        undone += 1
    assert undone == 60


def test_undo_brings_back_the_steps_too() -> None:
    history = SelectionHistory(N)
    history.push(selection(np.ones(N, bool)))
    history.push(history.current.subtract(np.arange(N) < 3, LASSO))
    assert history.undo().steps == (Step("rows"),)
    assert history.redo().steps == (Step("rows"), LASSO)


@pytest.fixture
def colours() -> Categories:
    """Rows: 6 red, 3 blue, 1 green, 2 without."""
    codes = np.array([0, 0, 0, 1, 1, -1, 0, 0, 0, 1, 2, -1], np.int32)
    return Categories(codes, ("red", "blue", "green"), np.array([6, 3, 1]))


def test_composition_counts_and_compares_with_the_whole(colours: Categories) -> None:
    mask = np.arange(12) < 6
    red, blue, green = composition(mask, colours)
    assert [(s.name, s.code, s.selected, s.total) for s in (red, blue, green)] == [
        ("red", 0, 3, 6),
        ("blue", 1, 2, 3),
        ("green", 2, 0, 1),
    ]
    assert red.lift == pytest.approx((3 / 6) / (6 / 12))
    assert blue.lift == pytest.approx((2 / 6) / (3 / 12))
    assert green.lift == 0


def test_composition_of_everything_has_no_lift(colours: Categories) -> None:
    assert [share.lift for share in composition(np.ones(12, bool), colours)] == pytest.approx([1, 1, 1])


def test_composition_of_nothing_is_all_zero(colours: Categories) -> None:
    shares = composition(np.zeros(12, bool), colours)
    assert [(share.selected, share.lift) for share in shares] == [(0, 0)] * 3


@pytest.mark.parametrize("epoch", [None, 0, 7])
def test_a_step_is_the_same_from_its_record(epoch: int | None) -> None:
    step = Step("lasso", "union", "run", ((0.0, 1.0), (2.0, 1.0), (2.0, 3.0)), packed="x", epoch=epoch)
    assert Step.from_dict(json.loads(json.dumps(step.to_dict()))) == step


@given(st.lists(st.booleans(), max_size=70))
def test_packed_rows_are_unpacked_and_other_letters_refused(rows: list[bool]) -> None:
    mask = np.array(rows, np.bool_)
    np.testing.assert_array_equal(unpacked(packed(mask), len(mask)), mask)
    with pytest.raises(InputError, match="each of the"):
        unpacked(packed(mask), len(mask) + 8)
    with pytest.raises(InputError, match="damaged"):
        unpacked("no rows", len(mask))
