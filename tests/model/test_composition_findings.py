"""What is said of a cluster by one column: eight squares of points, and one thing wrong at a time."""

from dataclasses import replace

import numpy as np
import pytest

from core import knn_graph
from explorer.model import absence_findings
from explorer.model.categories import NO_VALUE, Categories, counted
from explorer.model.composition import composition, corrected
from explorer.model.composition_findings import Chances, ColumnAudit, findings
from explorer.model.findings import ClusterRows, Finding, identified
from explorer.model.mingling import Places, mingling
from explorer.model.ranges import Ranges
from explorer.model.run import Run, RunParameters
from explorer.model.severity import Severity

SQUARES, EACH = 8, 300
SQUARE = np.repeat(np.arange(SQUARES), EACH).astype(np.int32)
NAMES = ("folk", "jazz", "punk", "soul", "rock", "metal", "house", "dub")


@pytest.fixture(scope="module")
def points() -> np.ndarray:
    """Unit squares in a row, a tenth apart from each other."""
    inside = np.random.default_rng(0).uniform(size=(SQUARES * EACH, 2))
    inside[:, 0] += 1.1 * SQUARE
    return inside.astype(np.float32)


def audited(
    points: np.ndarray,
    labels: np.ndarray,
    codes: np.ndarray,
    name: str = "genre",
    ranges: Ranges | None = None,
) -> ColumnAudit:
    categories = Categories(codes.astype(np.int32), NAMES, counted(codes.astype(np.int32), SQUARES), ranges)
    made = composition(labels, categories.codes, SQUARES, SQUARES)
    graph = knn_graph(points, 15)
    places = Places(graph.indices, graph.distances[:, -1], labels, categories.codes)
    lies = mingling(places, made.counts, made.dominant)
    return ColumnAudit(name, categories, made, lies, Chances(*corrected(Chances.raw(made))))


def found(
    points: np.ndarray, labels: np.ndarray, codes: np.ndarray, ranges: Ranges | None = None
) -> list[Finding]:
    return list(findings(audited(points, labels, codes, ranges=ranges), ClusterRows(labels, SQUARES)))


def found_absent(columns: list[ColumnAudit]) -> list[Finding]:
    places = columns[0].lies.of
    return list(absence_findings.findings(columns, places.near, ClusterRows(places.labels, SQUARES)))


def test_clusters_of_one_category_each_are_as_they_should_be(points: np.ndarray) -> None:
    assert found(points, SQUARE, SQUARE) == []


def test_labels_thrown_within_a_cluster_make_it_mixed(points: np.ndarray) -> None:
    codes = SQUARE.copy()
    codes[3 * EACH : 4 * EACH : 3] = 7
    (one,) = found(points, SQUARE, codes)
    assert (one.kind, one.severity, one.cluster, one.category) == ("mixed", Severity.HIGH, 3, "dub")
    assert (one.value, one.expected) == pytest.approx((1 / 3, 0))
    assert one.rows.tolist() == list(range(3 * EACH, 4 * EACH))
    assert "do not tell them apart" in one.sentence


def test_a_mixed_cluster_tells_how_many_small_parts_it_has_beside_its_large_ones(points: np.ndarray) -> None:
    codes = SQUARE.copy()
    # Seven tenths folk, and of each of the seven others 13 of 300.
    thrown = np.random.default_rng(7).permutation(EACH)[: 7 * 13]
    codes[thrown] = 1 + np.arange(len(thrown)) % 7
    (one,) = found(points, SQUARE, codes)
    assert (one.kind, one.severity, one.cluster) == ("mixed", Severity.HIGH, 0)
    assert "holds folk (70%) and 7 others (30%) by genre" in one.sentence
    codes[thrown[codes[thrown] < 5]] = 1
    (one,) = found(points, SQUARE, codes)
    assert "holds folk (70%), jazz (17%) and 3 others (13%) by genre" in one.sentence


def test_categories_written_the_same_have_findings_of_their_own(points: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(SQUARES, len(SQUARE), p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    codes[(SQUARE == 2) & np.isin(codes, (1, 2))] = 0
    both = audited(points, SQUARE, codes)
    alike = replace(both.categories, names=("folk", "(blank)", "(blank)", *NAMES[3:]))
    rows, run = ClusterRows(SQUARE, SQUARES), Run.new("d", "h", len(SQUARE), RunParameters())
    first, second = identified(findings(replace(both, categories=alike), rows), run, rows)
    assert {(one.kind, one.category) for one in (first, second)} == {("missing", "(blank)")}
    assert first.key != second.key
    # The key of one is the same when nothing is found of the other.
    codes[(SQUARE == 2) & (rng.random(len(SQUARE)) < 0.2)] = 1
    one_alone = replace(audited(points, SQUARE, codes), categories=replace(alike, codes=codes))
    (alone,) = (one for one in identified(findings(one_alone, rows), run, rows) if one.category == "(blank)")
    assert alone.key == second.key
    (named,) = identified(found(points, SQUARE, codes), run, rows)
    assert named.aspect == "", "as keys were before"


def test_one_end_under_another_name_is_mislabelled(points: np.ndarray) -> None:
    end = (SQUARE == 0) & (points[:, 0] < 0.25)
    (one,) = found(points, SQUARE, np.where(end, 6, SQUARE))
    assert (one.kind, one.severity, one.cluster, one.category) == (
        "mislabelled_region", Severity.HIGH, 0, "house"
    )  # fmt: skip
    assert one.rows.tolist() == np.flatnonzero(end).tolist()


def test_two_squares_in_one_cluster_lie_side_by_side(points: np.ndarray) -> None:
    far = points.copy()
    far[SQUARE == 1] += 50
    labels = np.where(SQUARE == 1, 0, SQUARE).astype(np.int32)
    (one,) = found(far, labels, SQUARE)
    assert (one.kind, one.severity, one.cluster) == ("mixed", Severity.MEDIUM, 0)
    assert "side by side" in one.sentence


def test_two_clouds_whose_outskirts_meet_lie_side_by_side(points: np.ndarray) -> None:
    meeting = points.copy()
    rng = np.random.default_rng(4)
    meeting[SQUARE < 2] = 50 + rng.normal(size=(2 * EACH, 2))
    meeting[SQUARE == 1, 0] += 5
    # The label of the second cloud is that of another square, too.
    codes = np.where(SQUARE == 5, 1, SQUARE)
    (one,) = found(meeting, np.where(SQUARE == 1, 0, SQUARE).astype(np.int32), codes)
    assert (one.kind, one.severity, one.cluster) == ("mixed", Severity.MEDIUM, 0)


def test_a_border_drawn_a_little_off_is_no_fault_of_labels(points: np.ndarray) -> None:
    strip = (SQUARE == 1) & (points[:, 0] < 1.35)
    assert found(points, np.where(strip, 0, SQUARE).astype(np.int32), SQUARE) == []


def test_a_cluster_without_a_category_that_all_others_have_misses_it(points: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(SQUARES, len(SQUARE), p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    codes[(SQUARE == 2) & (codes == 1)] = 0
    (one,) = found(points, SQUARE, codes)
    assert (one.kind, one.severity, one.cluster, one.category) == ("missing", Severity.HIGH, 2, "jazz")
    assert one.value == 0
    assert one.expected == pytest.approx((codes == 1).mean())
    assert one.p < 1e-10


def test_four_fifths_gone_are_missed_as_much_as_all(points: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(SQUARES, len(SQUARE), p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    jazz = np.flatnonzero((SQUARE == 2) & (codes == 1))
    codes[jazz[8:]] = 0
    (one,) = found(points, SQUARE, codes)
    assert (one.kind, one.severity, one.cluster, one.category) == ("missing", Severity.HIGH, 2, "jazz")
    assert one.value == pytest.approx(8 / EACH)


def test_clusters_without_any_value_do_not_tell_what_is_usual(points: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(SQUARES, len(SQUARE), p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    codes[(SQUARE == 2) & (codes == 1)] = 0
    codes[SQUARE >= 5] = -1
    (one,) = found(points, SQUARE, codes)
    assert (one.kind, one.cluster, one.category) == ("missing", 2, "jazz")


def test_a_range_is_missed_where_those_beside_it_are_there(points: np.ndarray) -> None:
    rng = np.random.default_rng(6)
    codes = rng.integers(0, SQUARES, len(SQUARE))
    hole = np.where((SQUARE == 2) & (codes == 3), 4, codes)
    # In the third square all values are in the upper half.
    higher = np.where((SQUARE == 2) & (codes < 4), codes + 4, codes)
    ranges = Ranges(np.arange(SQUARES + 1.0), NAMES)
    for ordered in (None, ranges):
        (one,) = found(points, SQUARE, hole, ordered)
        assert (one.kind, one.cluster, one.category) == ("missing", 2, NAMES[3])
    assert {one.category for one in found(points, SQUARE, higher)} == set(NAMES[:4])
    assert found(points, SQUARE, higher, ranges) == []


def test_what_follows_the_place_is_hardly_missed_where_a_cluster_was_cut(
    points: np.ndarray,
) -> None:
    # Eight stripes across each square, of which the last square was cut to its left half.
    inside = points[:, 0] - 1.1 * SQUARE
    codes = (SQUARES * inside).astype(np.int32).clip(0, SQUARES - 1)
    codes[(SQUARE == 7) & (codes >= 4)] -= 4
    lows = found(points, SQUARE, codes)
    assert {(one.kind, one.cluster, one.severity) for one in lows} == {("missing", 7, Severity.LOW)}
    assert {one.category for one in lows} == set(NAMES[4:])


def test_a_category_out_of_line_is_over_represented(points: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    codes = rng.choice(SQUARES, len(SQUARE), p=[0.3, 0.2, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05])
    codes[5 * EACH : 5 * EACH + 100] = 7
    (much,) = found(points, SQUARE, codes)
    assert (much.kind, much.cluster, much.category) == ("over_represented", 5, "dub")
    assert much.severity is Severity.MEDIUM
    assert set(range(5 * EACH, 5 * EACH + 100)) <= set(much.rows.tolist())


def test_a_cluster_mostly_without_a_value_is_told_once_of_all_columns_alike(points: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, SQUARES, len(SQUARE))
    # Wherever they lie in the cluster: of their neighbours two thirds lack a value, and of all items a tenth.
    codes[6 * EACH + rng.permutation(EACH)[:200]] = -1
    lacking = np.flatnonzero(codes < 0)
    other = np.where(codes < 0, -1, SQUARE)
    whole, inside = found_absent(
        [audited(points, SQUARE, codes, "mood"), audited(points, SQUARE, other, "genre")]
    )
    for one in (whole, inside):
        assert (one.kind, one.column, one.category) == ("over_represented", "genre", NO_VALUE)
        assert "no value in genre and mood" in one.sentence
        assert one.severity is Severity.HIGH
        assert one.rows.tolist() == lacking.tolist()
    assert (whole.cluster, inside.cluster) == (None, 6)
    assert inside.value == pytest.approx(200 / 300)
    assert whole.expected == pytest.approx(200 / len(SQUARE))


def test_values_that_lack_anywhere_are_no_finding_and_a_heap_in_no_cluster_is(points: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    codes = np.where(rng.random(len(SQUARE)) < 0.1, -1, SQUARE)
    assert found_absent([audited(points, SQUARE, codes)]) == []
    corner = (points[:, 0] < 0.4) & (points[:, 1] < 0.4)
    labels = np.where(corner, -1, SQUARE).astype(np.int32)
    (one,) = found_absent([audited(points, labels, np.where(corner, -1, SQUARE))])
    assert (one.cluster, one.severity, one.category) == (None, Severity.HIGH, NO_VALUE)
    assert one.rows.tolist() == np.flatnonzero(corner).tolist()


def test_thrown_labels_of_every_cluster_alike_are_no_finding(points: np.ndarray) -> None:
    codes = np.random.default_rng(3).integers(0, SQUARES, len(SQUARE))
    assert found(points, SQUARE, codes) == []
