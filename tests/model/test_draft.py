"""A draft of clusters changed step by step: none is lost, each is made of what those before it leave."""

import numpy as np
import pytest

from explorer.model.clusters import ClusterParameters, grouped
from explorer.model.condensed_tree import condense, select
from explorer.model.draft import Draft, Drafting
from explorer.model.errors import InputError
from explorer.model.icicle import icicle
from explorer.model.linkage import single_linkage
from explorer.model.run import Run, RunParameters


@pytest.fixture(scope="module")
def draft() -> Draft:
    """Two heaps, one of which is two itself."""
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(at, 0.5, (80, 2)) for at in ((0, 0), (20, 0), (24, 0))])
    tree = condense(*single_linkage(points.astype(np.float32), 5).values(), 20)
    found = grouped(tree, select(tree), "hdbscan")
    run = Run.new("", "", len(points), RunParameters())
    return Draft(run, ClusterParameters(20, 5), found, tree, icicle(tree))


def test_steps_asked_for_together_are_all_made_in_their_order(draft: Draft) -> None:
    whole = draft.tree.birth[1] / 2
    drafting = Drafting(draft)
    drafting.ask(lambda one: one.cut(whole), is_cut=True)
    drafting.ask(lambda one: one.zoom(1))
    drafting.ask(lambda one: one.split(0))
    assert drafting.advance().branches == (0,)
    assert drafting.advance().drawing.root == 1
    last = drafting.advance()
    assert last.branches == draft.tree.children[0]
    assert last.drawing.root == 1
    assert drafting.advance() is last, "there is no more to do"


def test_of_cuts_that_wait_in_a_row_the_last_is_made(draft: Draft) -> None:
    drafting, made = Drafting(draft), []

    def cut(level: float) -> None:
        def step(one: Draft) -> Draft:
            made.append(level)
            return one.cut(level)

        drafting.ask(step, is_cut=True)

    for level in (0.1, 0.2, 0.3):
        cut(level)
    drafting.ask(lambda one: one.zoom(1))
    cut(0.4)
    levels = [drafting.advance().level for _ in range(5)]
    assert made == [0.3, 0.4]
    assert levels == [0.3, 0.3, 0.4, 0.4, 0.4]


def test_a_step_that_cannot_be_made_leaves_the_draft_and_those_that_wait(draft: Draft) -> None:
    drafting = Drafting(draft)
    drafting.ask(lambda one: one.split(0))
    drafting.ask(lambda one: one.zoom(1))
    with pytest.raises(InputError, match="Only a cluster can be split"):
        drafting.advance()
    assert drafting.advance().drawing.root == 1
    assert drafting.advance().clusters is draft.clusters
