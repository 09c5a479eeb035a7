"""The Selection panel without a browser: words for steps, two histograms, work done beside the page."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.errors import InputError
from explorer.model.selection import Share, Step
from explorer.views.aside import Aside
from explorer.views.histogram import histogram_columns
from explorer.views.selection_panel import told
from tests.views.bench import Page


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("lasso", run_id="r"), "lasso on k 15"),
        (Step("lasso", run_id="r", epoch=1087), "lasso on k 15 at epoch 1,087"),
        (Step("categories", "union", column="genre", values=("jazz",)), "+ genre jazz"),
        (Step("categories", column="price", values=("10 to 20", "20 to 30")), "price 10 to 20, 20 to 30"),
        (
            Step("categories", run_id="r", column="@stability", values=("0 to 0.1",)),
            "stability 0 to 0.1 on k 15",
        ),
        (Step("categories", run_id="r", column="@cluster", values=("cluster 3",)), "cluster 3 on k 15"),
        (Step("categories", column="a", values=("apple",)), "a apple"),
        (Step("categories", column="@cluster", values=("3",)), "@cluster 3"),
        (Step("condition", "intersect", condition="digit = 4"), "∩ digit = 4"),
        (Step("above", run_id="r", share=0.6), "the densest 60% on k 15"),
        (
            Step("region", "subtract", run_id="gone", share=0.6, point=(1.0, 2.0)),
            "− a region of the densest 60%",
        ),
        (Step("saved", name="<b>"), "“<b>”"),
        (Step("invert", "invert"), "invert"),
        (Step("rows", run_id="r", text="cluster 2 of a comparison"), "cluster 2 of a comparison on k 15"),
        (Step("rows", rows=(1, 2)), "rows"),
    ],
)
def test_a_step_is_told_in_a_few_words(step: Step, words: str) -> None:
    assert told(step, {"r": "k 15"}) == words


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_both_histograms_have_one_area(counts: list[tuple[int, int]]) -> None:
    shares = tuple(Share(str(i), i, few, few + more, 1.0) for i, (few, more) in enumerate(counts))
    columns = histogram_columns(shares)
    assert [(c["key"], c["selected"], c["total"]) for c in columns] == [
        (s.code, s.selected, s.total) for s in shares
    ]
    for name, total in (("chosen", sum(s.selected for s in shares)), ("all", sum(s.total for s in shares))):
        assert sum(c[name] for c in columns) == pytest.approx(1 if total else 0)


@pytest.mark.parametrize(("every", "done"), [(False, [0, 9]), (True, list(range(10)))])
def test_what_is_asked_meanwhile_is_melted_or_done_in_turn(every: bool, done: list[int]) -> None:
    aside, begun, go, end = Aside(every), threading.Event(), threading.Event(), threading.Event()
    aside._doc = Page()
    results: list[int] = []

    def first() -> int:
        begun.set()
        assert go.wait(10)
        return 0

    aside.ask(first, results.append)
    assert begun.wait(10)
    for number in range(1, 10):
        aside.ask(lambda number=number: number, lambda n: (results.append(n), n == 9 and end.set()))
    go.set()
    assert end.wait(10)
    assert results == done


def test_an_expected_error_is_told_in_its_sentence() -> None:
    def fail() -> None:
        raise InputError("There is none.")

    said: list[str] = []
    Aside().ask(fail, lambda _: said.append("done"), said.append)
    assert said == ["There is none."]


def test_a_page_that_is_gone_ends_the_work_quietly() -> None:
    aside, tried = Aside(), threading.Event()

    class Gone:
        session_context = None

        def add_next_tick_callback(self, _: object) -> None:
            tried.set()
            raise AttributeError

    aside._doc = Gone()
    aside.ask(lambda: np.zeros(1), lambda _: None)
    assert tried.wait(10)
