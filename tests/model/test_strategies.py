"""Each strategy draws what its definition says: against brute force, references and its own probabilities."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

from core import knn_graph
from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.sampling import draw
from explorer.model.selection import Selection, Step
from explorer.model.strategies import STRATEGIES, Plan, Population
from explorer.model.strategies.boundary import K
from explorer.model.strategies.chance import inclusion_probabilities, systematic
from explorer.model.strategies.kernel_density import kernel_density
from explorer.model.strategies.medoids import all_distances, improved
from explorer.model.strategies.outliers import local_outlier_factors
from explorer.model.strategies.strata import by_largest_remainder, in_equal_parts

N = 600
RNG = np.random.default_rng(11)
# A crowded island and an empty one, so that density matters.
MAP = np.concatenate([RNG.normal(0, 0.3, (500, 2)), RNG.normal(6, 1.5, (100, 2))]).astype(np.float32)
MAP.setflags(write=False)
RANKING = ("farthest-point", "medoids", "boundary", "outliers")
KINDS = np.array(["a"] * 300 + ["b"] * 200 + ["c"] * 90 + [None] * 10, dtype=object)


def chosen(rows: np.ndarray) -> Selection:
    return Selection.none(N).union(np.isin(np.arange(N), rows), Step("rows"))


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    path = tmp_path_factory.mktemp("items") / "items.parquet"
    pq.write_table(pa.table({"kind": pa.array(KINDS, pa.string()), "number": np.arange(N)}), path)
    return Items(path, N)


@pytest.fixture
def population(blobs: tuple[np.ndarray, np.ndarray], items: Items) -> Callable[..., Population]:
    """Makes the population of a selection, with everything a strategy may look at."""
    graph = knn_graph(blobs[0], 15)
    found = {"indices": graph.indices, "distances": graph.distances}
    return lambda selection, **change: Population(
        **{"selection": selection, "vectors": blobs[0], "items": items, "embedding": MAP,
           "graph": lambda: found} | change
    )  # fmt: skip


def plans(size: int, seed: int = 0) -> Iterator[Plan]:
    for name in STRATEGIES:
        yield Plan(name, size, seed, column="kind")
    yield Plan("stratified", size, seed, column="kind", quotas="proportional")
    yield Plan("farthest-point", size, seed, space="map")
    yield Plan("medoids", size, seed, space="map")


# What holds for all


@given(rows=st.sets(st.integers(0, N - 1), min_size=1, max_size=80), size=st.integers(1, 90))
def test_every_strategy_draws_rows_of_the_selection_each_once(
    population: Callable[..., Population], rows: set[int], size: int
) -> None:
    selection = chosen(np.array(sorted(rows)))
    for plan in plans(size):
        sample = draw(population(selection), plan)
        assert len(sample.rows) == min(size, len(rows)), plan
        assert set(sample.rows) <= rows
        assert len(set(sample.rows)) == len(sample.rows)
        assert sample.rows.dtype == np.int64


def test_every_strategy_draws_the_same_again(population: Callable[..., Population]) -> None:
    selection = chosen(np.arange(0, N, 2))
    for plan in plans(40, seed=3):
        first, again = (draw(population(selection), plan).rows for _ in range(2))
        assert first.tolist() == again.tolist()


def test_probabilities_are_there_exactly_where_a_strategy_defines_them(
    population: Callable[..., Population],
) -> None:
    selection = chosen(np.arange(200))
    for plan in plans(30):
        known = draw(population(selection), plan).probabilities
        assert (known is not None) == (plan.strategy not in RANKING)
        if known is not None:
            assert known.shape == (30,)
            assert ((known > 0) & (known <= 1)).all()


@pytest.mark.parametrize(
    "plan",
    [
        Plan("density-weighted", 20),
        Plan("inverse-density", 20),
        Plan("stratified", 20, column="kind"),
        Plan("stratified", 20, column="kind", quotas="proportional"),
        Plan("stratified", 20, column="kind", quotas=(("a", 3), ("c", 12), ("(no value)", 5))),
    ],
    ids=lambda plan: f"{plan.strategy} {plan.quotas}",
)
def test_rows_are_included_as_often_as_their_probability_says(
    population: Callable[..., Population], plan: Plan
) -> None:
    ground, draws = population(Selection.everything(N)), 3_000
    hits, told = np.zeros(N), np.zeros(N)
    for seed in range(draws):
        sample = draw(ground, Plan(plan.strategy, 20, seed, plan.column, plan.quotas))
        hits[sample.rows] += 1
        told[sample.rows] = sample.probabilities
    assert told.sum() == pytest.approx(20, rel=1e-3)  # every row has been met, so all probabilities are known
    spread = np.sqrt(draws * told * (1 - told))
    z = (hits - draws * told)[spread > 0] / spread[spread > 0]
    assert np.abs(z).max() < 5
    assert np.mean(z**2) == pytest.approx(1, abs=0.25)


def test_too_many_rows_for_a_strategy_are_refused(population: Callable[..., Population]) -> None:
    big = Selection.everything(6_000)
    for name in ("farthest-point", "medoids"):
        most = STRATEGIES[name].most
        with pytest.raises(InputError, match=f"{name} sample has at most {most:,} rows, not {most + 1:,}"):
            draw(population(big), Plan(name, most + 1))


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if strategy.on_map])
def test_what_needs_a_map_says_so(population: Callable[..., Population], name: str) -> None:
    with pytest.raises(InputError, match="needs a map: wait until the run has one"):
        draw(population(chosen(np.arange(9)), embedding=None), Plan(name))
    with pytest.raises(InputError, match="a map of 2 dimensions, not 3"):
        draw(population(chosen(np.arange(9)), embedding=np.zeros((N, 3), np.float32)), Plan(name))


@pytest.mark.parametrize("name", [name for name, strategy in STRATEGIES.items() if strategy.on_map])
def test_rows_without_a_place_are_left_out_and_told(population: Callable[..., Population], name: str) -> None:
    holed = MAP.copy()
    holed[:20] = np.nan
    sample = draw(population(chosen(np.arange(50)), embedding=holed), Plan(name, 50))
    assert sorted(sample.rows) == list(range(20, 50))
    assert sample.notes == ("20 rows have no place on the map and cannot be drawn.",)


# Chance


@given(weights=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=60).map(np.array), size=st.integers(1, 60))
def test_probabilities_sum_to_the_size_and_follow_the_weights(weights: np.ndarray, size: int) -> None:
    found = inclusion_probabilities(weights, size)
    assert found.sum() == pytest.approx(min(size, len(weights)))
    assert ((found > 0) & (found <= 1)).all()
    free = found < 1 - 1e-9
    if free.any():
        ratio = found[free] / weights[free]
        assert ratio == pytest.approx(ratio[0])
        assert (weights[~free] * ratio[0] >= 1 - 1e-6).all()
    assert len(systematic(found, np.random.default_rng(0))) == min(size, len(weights))


def test_density_counts_the_rows_around_a_place() -> None:
    rng = np.random.default_rng(0)
    # Two uniform squares, one four times as crowded as the other.
    squares = np.concatenate([rng.random((40_000, 2)), rng.random((10_000, 2)) + np.array([3, 0])]).astype(
        np.float32
    )
    density = kernel_density(squares)
    inner = (np.abs(squares - [0.5, 0.5]) < 0.3).all(1), (np.abs(squares - [3.5, 0.5]) < 0.3).all(1)
    assert density[inner[0]].mean() == pytest.approx(40_000, rel=0.05)
    assert density[inner[1]].mean() == pytest.approx(10_000, rel=0.1)


def test_density_of_one_place_is_even_and_of_none_is_zero() -> None:
    places = np.ones((7, 2), np.float32)
    assert kernel_density(places).tolist() == [1] * 7
    places[3] = np.nan
    assert kernel_density(places).tolist() == [1, 1, 1, 0, 1, 1, 1]


def test_density_draws_the_crowd_and_its_inverse_the_empty_land(
    population: Callable[..., Population],
) -> None:
    ground = population(Selection.everything(N))
    crowd = {
        name: sum((draw(ground, Plan(name, 60, seed)).rows < 500).sum() for seed in range(20)) / 1200
        for name in ("density-weighted", "random", "inverse-density")
    }
    assert crowd["density-weighted"] > 0.95 > crowd["random"] > 0.75 > 0.5 > crowd["inverse-density"]


# Strata


def test_proportional_quotas_follow_the_selection(population: Callable[..., Population]) -> None:
    sample = draw(
        population(Selection.everything(N)), Plan("stratified", 60, column="kind", quotas="proportional")
    )
    assert [(s.name, s.rows, s.drawn) for s in sample.strata] == [
        ("a", 300, 30), ("b", 200, 20), ("c", 90, 9), ("(no value)", 10, 1),
    ]  # fmt: skip
    assert np.unique(KINDS[sample.rows].astype(str), return_counts=True)[1].tolist() == [1, 30, 20, 9]
    assert sample.probabilities == pytest.approx(0.1)
    assert sample.notes == ()


def test_equal_quotas_take_a_small_stratum_whole_and_share_its_rest(
    population: Callable[..., Population],
) -> None:
    sample = draw(population(Selection.everything(N)), Plan("stratified", 80, column="kind"))
    assert [s.drawn for s in sample.strata] == [24, 23, 23, 10]
    assert set(sample.rows) >= set(range(590, 600))
    by_stratum = dict(zip(KINDS[sample.rows], sample.probabilities, strict=True))
    assert by_stratum == pytest.approx({"a": 24 / 300, "b": 23 / 200, "c": 23 / 90, None: 1})
    assert sample.notes == (
        "Taken whole, as they have fewer rows than their quota: (no value) (10); "
        "the rest went to the others.",
    )


def test_given_quotas_are_kept_and_what_is_short_is_told(population: Callable[..., Population]) -> None:
    plan = Plan("stratified", 5, column="kind", quotas=(("b", 7), ("c", 200)))
    sample = draw(population(Selection.everything(N)), plan)
    assert [(s.name, s.drawn) for s in sample.strata if s.quota] == [("b", 7), ("c", 90)]
    assert len(sample.rows) == 97
    assert "c (90); the rest is missing from the sample" in sample.notes[0]


def test_strata_of_a_number_are_its_ranges(population: Callable[..., Population]) -> None:
    sample = draw(population(Selection.everything(N)), Plan("stratified", 24, column="number"))
    assert {stratum.drawn for stratum in sample.strata} == {2}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"column": ""}, "needs a column of categories"),
        ({"column": "nothing"}, "no column 'nothing'"),
        ({"quotas": (("z", 3),)}, "no category 'z'; its first are a, b, c"),
        ({"quotas": (("a", 0),)}, "None of the selected rows is in a stratum with a quota"),
        ({"quotas": (("a", -1),)}, "from 0 up, not -1"),
        ({"quotas": "fair"}, "equal, proportional or given by name, not 'fair'"),
    ],
)
def test_strata_that_cannot_be_are_refused(
    population: Callable[..., Population], change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        draw(
            population(Selection.everything(N)),
            Plan(**{"strategy": "stratified", "size": 5, "column": "kind"} | change),
        )


@given(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=12).map(np.array), share=st.floats(0, 1))
def test_equal_parts_differ_by_one_at_most_unless_a_stratum_is_exhausted(
    sizes: np.ndarray, share: float
) -> None:
    total = int(share * sizes.sum())
    parts = in_equal_parts(sizes, total)
    assert parts.sum() == total
    assert (parts <= sizes).all()
    open_ = parts[parts < sizes]
    assert not len(open_) or (parts.max() <= open_.min() + 1)


@given(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=12).map(np.array), share=st.floats(0, 1))
def test_proportional_parts_are_within_one_of_their_share(sizes: np.ndarray, share: float) -> None:
    total = int(share * sizes.sum())
    exact = total * sizes / sizes.sum()
    parts = by_largest_remainder(exact, total)
    assert parts.sum() == total
    assert (np.abs(parts - exact) < 1).all()
    assert (parts <= sizes).all()


# Distance


@pytest.mark.parametrize("space", ["vectors", "map"])
def test_each_next_point_is_the_farthest(
    population: Callable[..., Population], blobs: tuple[np.ndarray, np.ndarray], space: str
) -> None:
    rows = draw(population(Selection.everything(N)), Plan("farthest-point", 25, 5, space=space)).rows
    points = (blobs[0] if space == "vectors" else MAP).astype(np.float64)
    for taken in range(1, len(rows)):
        nearest = np.linalg.norm(points[:, None] - points[rows[:taken]], axis=2).min(1)
        assert nearest[rows[taken]] == pytest.approx(nearest.max(), rel=1e-5)


def test_farthest_points_come_from_all_blobs(
    population: Callable[..., Population], blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    rows = draw(population(Selection.everything(N)), Plan("farthest-point", 5, 1)).rows
    assert set(blobs[1][rows]) == {0, 1, 2, 3, 4}


def test_cosine_runs_compare_directions(population: Callable[..., Population]) -> None:
    vectors = np.array([[1, 0], [100, 0], [0, 1], [1, 1]] * 150, np.float32)
    ground = population(chosen(np.arange(3)), vectors=vectors, metric="cosine")
    for seed in range(6):
        assert 2 in draw(ground, Plan("farthest-point", 2, seed)).rows


@pytest.mark.parametrize("name", ["farthest-point", "medoids"])
def test_rows_near_0_are_told_apart_whatever_the_rest_of_the_data(
    population: Callable[..., Population], blobs: tuple[np.ndarray, np.ndarray], name: str
) -> None:
    vectors, rows = blobs[0].copy(), np.arange(300)
    vectors[rows] = np.ldexp(vectors[rows], -90)
    plan = Plan(name, 5, 1)
    expected = draw(population(chosen(rows)), plan).rows
    np.testing.assert_array_equal(draw(population(chosen(rows), vectors=vectors), plan).rows, expected)


def test_large_populations_are_compared_by_random_candidates(
    population: Callable[..., Population], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("explorer.model.strategies.farthest.EFFORT", 100 * 12 * 10)
    monkeypatch.setattr("explorer.model.strategies.medoids.CANDIDATES", 100)
    for name in ("farthest-point", "medoids"):
        sample = draw(population(Selection.everything(N)), Plan(name, 10))
        assert sample.notes == ("Chosen among 100 random candidates of 600 rows.",)
        assert len(sample.rows) == 10


@given(seed=st.integers(0, 50), m=st.integers(4, 40), k=st.integers(1, 6))
def test_no_swap_of_a_medoid_lowers_the_sum(seed: int, m: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    distances = all_distances(rng.normal(size=(m, 3)).astype(np.float32))
    k = min(k, m)
    places = improved(distances, np.sort(rng.choice(m, k, replace=False)))
    assert len(set(places)) == k
    least = distances[places].min(0).sum()
    for place in range(k):
        for other in set(range(m)) - set(places):
            swapped = places.copy()
            swapped[place] = other
            assert distances[swapped].min(0).sum() >= least * (1 - 1e-5)


def test_medoids_stand_for_every_blob_the_larger_first(
    population: Callable[..., Population], blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    selection = chosen(np.concatenate([np.arange(120), np.arange(120, 160), np.arange(240, 320)]))
    rows = draw(population(selection), Plan("medoids", 3)).rows
    assert blobs[1][rows].tolist() == [0, 2, 1]
    one = draw(population(chosen(np.arange(120))), Plan("medoids", 1)).rows[0]
    sums = np.linalg.norm(blobs[0][:120, None] - blobs[0][None, :120], axis=2).sum(1)
    assert one == sums.argmin()


# Boundary


@pytest.mark.parametrize("n", [600, 20_000])
def test_boundary_rows_have_the_most_unselected_neighbours(n: int) -> None:
    places = np.random.default_rng(4).random((n, 2)).astype(np.float32)
    selection = Selection.none(n).union(places[:, 0] < 0.5, Step("box"))
    sample = draw(Population(selection, embedding=places), Plan("boundary", 30))
    rows = selection.rows
    nearest = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(places).kneighbors(return_distance=False)
    score = dict(zip(rows, (~selection.mask[nearest[rows]]).sum(1), strict=True))
    drawn = [score[row] for row in sample.rows]
    assert drawn == sorted(score.values(), reverse=True)[:30]
    assert (places[sample.rows, 0] > 0.5 - 8 / np.sqrt(n)).all()


def test_an_island_s_boundary_faces_the_nearest_unselected_row(population: Callable[..., Population]) -> None:
    grid = np.stack(np.meshgrid(np.arange(20), np.arange(20)), -1).reshape(-1, 2).astype(np.float32)
    places = np.concatenate([grid, grid + np.array([100, 0])]).astype(np.float32)
    selection = Selection.none(800).union(np.arange(800) < 400, Step("lasso"))
    rows = draw(Population(selection, embedding=places), Plan("boundary", 20)).rows
    assert set(places[rows, 0]) == {19}


def test_everything_has_no_boundary(population: Callable[..., Population]) -> None:
    with pytest.raises(InputError, match="Everything is selected, so there is no border"):
        draw(population(Selection.everything(N)), Plan("boundary"))


# Outliers


def test_factors_are_those_of_scikit_learn(blobs: tuple[np.ndarray, np.ndarray]) -> None:
    vectors = np.concatenate([blobs[0], RNG.normal(0, 20, (10, 12)).astype(np.float32)])
    graph = knn_graph(vectors, 16, method="exact")
    found = local_outlier_factors(graph.indices, graph.distances, np.arange(len(vectors)))
    reference = -LocalOutlierFactor(n_neighbors=15).fit(vectors).negative_outlier_factor_
    np.testing.assert_allclose(found, reference, rtol=1e-4)
    some = np.array([3, 605, 77])
    part = local_outlier_factors(graph.indices, graph.distances, some)
    np.testing.assert_array_equal(part, found[some])


def test_missing_neighbours_are_passed_over() -> None:
    indices = np.array([[1, 2], [0, -1], [0, 1], [-1, -1]], np.int32)
    distances = np.array([[1, 2], [1, np.inf], [2, 2], [np.inf, np.inf]], np.float32)
    factors = local_outlier_factors(indices, distances, np.arange(4))
    assert np.isfinite(factors[:3]).all()
    assert factors[3] == np.inf


def test_outliers_are_the_rows_of_the_highest_factor(
    population: Callable[..., Population], blobs: tuple[np.ndarray, np.ndarray]
) -> None:
    vectors = blobs[0].copy()
    vectors[[17, 301]] += 9
    graph = knn_graph(vectors, 15)
    ground = population(
        chosen(np.arange(400)), graph=lambda: {"indices": graph.indices, "distances": graph.distances}
    )
    assert set(draw(ground, Plan("outliers", 2)).rows) == {17, 301}


def test_without_kept_neighbours_there_are_no_outliers(population: Callable[..., Population]) -> None:
    with pytest.raises(InputError, match="none are kept: start a run of this data"):
        draw(population(Selection.everything(N), graph=lambda: None), Plan("outliers"))
