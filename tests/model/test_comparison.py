"""Alignment takes away what a map does not mean: place, size, rotation, handedness; pairs agree or not."""

from itertools import combinations

import numpy as np
import pytest
from scipy.spatial import procrustes
from sklearn.metrics import adjusted_mutual_info_score, adjusted_rand_score

from core.quality import align as plain_align
from core.quality import map_graph
from core.quality import stability as core_stability
from explorer.model import comparison
from explorer.model.comparison import Map, agreement_of_clusters, align, displacement, pair, stability


def moved(points: np.ndarray, angle: float, scale: float, mirror: bool) -> np.ndarray:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (scale * (points * ([-1, 1] if mirror else [1, 1])) @ turn + [4, -7]).astype(np.float32)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_map_turned_mirrored_and_scaled_comes_back(mirror: bool) -> None:
    points = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32)
    aligned = align(points, moved(points, 1.1, 2.5, mirror))
    np.testing.assert_allclose(aligned.embedding, points, atol=1e-4)
    assert aligned.disparity == pytest.approx(0, abs=1e-6)


def test_disparity_is_scipy_s() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(400, 2)).astype(np.float32)
    noisy = moved(points + rng.normal(0, 0.4, points.shape).astype(np.float32), 0.4, 0.7, True)
    assert align(points, noisy).disparity == pytest.approx(procrustes(points, noisy)[2], abs=1e-5)


def test_undo_brings_a_polygon_back_to_the_map_s_own_coordinates() -> None:
    rng = np.random.default_rng(2)
    points = rng.normal(size=(50, 2)).astype(np.float32)
    other = moved(points, 2.0, 1.4, True) + rng.normal(0, 0.1, (50, 2)).astype(np.float32)
    aligned = align(points, other)
    np.testing.assert_allclose(aligned.undo(aligned.embedding.astype(float)), other, atol=1e-4)


def test_rows_that_are_not_finite_are_left_out_and_stay_so() -> None:
    points = np.random.default_rng(3).normal(size=(60, 2)).astype(np.float32)
    other = moved(points, 0.3, 1.0, False)
    other[5] = np.nan
    aligned = align(points, other)
    assert np.isnan(aligned.embedding[5]).all()
    np.testing.assert_allclose(np.delete(aligned.embedding, 5, 0), np.delete(points, 5, 0), atol=1e-4)


def test_maps_without_extent_are_left_as_they_are() -> None:
    spot = np.zeros((10, 2), np.float32)
    assert align(spot, spot).disparity == 1


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("far", [10, 3000])
@pytest.mark.parametrize("thrown_on", ["map", "reference"])
def test_points_that_jump_do_not_pull_the_others(far: float, together: bool, thrown_on: str) -> None:
    rng, n, few = np.random.default_rng(4), 400, 20
    points = rng.normal(size=(n, 2)).astype(np.float32)
    other = moved(points, 1.1, 2.5, True)
    angles = np.full(few, 0.7) if together else rng.uniform(0, 2 * np.pi, few)
    reference = points.copy()
    thrown = other if thrown_on == "map" else reference
    thrown[:few] += (far * np.column_stack([np.cos(angles), np.sin(angles)])).astype(np.float32)
    aligned = align(reference, other)
    np.testing.assert_allclose(aligned.embedding[few:], points[few:], atol=2e-3)
    assert aligned.jumped == pytest.approx(few / n)
    assert aligned.disparity < 1e-6
    plain = plain_align(other, reference).embedding
    assert np.abs(plain - points)[few:].max() > 0.1, "the plain fit is pulled"


def test_an_island_that_moved_leaves_the_others_in_their_places() -> None:
    rng = np.random.default_rng(5)
    centres = np.array([[0, 0], [10, 0], [0, 9], [12, 11]])
    labels = np.repeat(np.arange(4), [300, 300, 300, 100])
    points = (centres[labels] + rng.normal(0, 0.5, (1000, 2))).astype(np.float32)
    elsewhere = points + rng.normal(0, 0.02, points.shape).astype(np.float32)
    elsewhere[labels == 3] += np.float32([-30, 5])
    aligned = align(points, moved(elsewhere, 2.2, 0.4, False))
    np.testing.assert_allclose(aligned.embedding[labels < 3], points[labels < 3], atol=0.15)
    assert aligned.jumped == pytest.approx(0.1)


def test_without_jumps_the_fit_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(6)
    points = rng.normal(size=(20_000, 2)).astype(np.float32)
    noisy = moved(points + rng.normal(0, 0.3, points.shape).astype(np.float32), 0.4, 0.7, True)
    aligned = align(points, noisy)
    assert aligned.jumped == 0
    np.testing.assert_allclose(aligned.embedding, plain_align(noisy, points).embedding, atol=1e-4)


def test_maps_whose_points_mostly_share_a_spot_are_aligned_all_the_same() -> None:
    points = np.zeros((90, 2), np.float32)
    points[:40] = np.random.default_rng(7).normal(size=(40, 2))
    aligned = align(points, moved(points, 0.8, 3.0, True))
    np.testing.assert_allclose(aligned.embedding, points, atol=1e-4)


def test_displacement_is_the_way_to_the_place_on_the_map_beside_in_widths() -> None:
    rng = np.random.default_rng(11)
    points = rng.uniform(0, 20, size=(3000, 2)).astype(np.float32)
    points[0], points[1] = (0, 0), (20, 20)
    elsewhere = points.copy()
    elsewhere[100:110] += np.float32([3, -4])
    other = moved(elsewhere, 0.9, 0.3, True)
    other[50] = np.nan
    found = displacement(points, other)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[100:110], 0.25, rtol=0.01)
    assert np.isnan(found[50])
    assert np.nanmax(np.delete(found, range(100, 110))) < 1e-3


# Pairs


def seen(name: str, embedding: np.ndarray, labels: np.ndarray | None = None, k: int = 9) -> Map:
    noise = np.full(len(embedding), -1, np.int32)
    return Map(name, embedding, map_graph(embedding, k).indices, noise if labels is None else labels)


def test_stability_of_pairs_is_the_core_s_and_agreement_that_of_two() -> None:
    rng = np.random.default_rng(8)
    points = rng.normal(size=(300, 2)).astype(np.float32)
    embeddings = [points + rng.normal(0, s, points.shape).astype(np.float32) for s in (0, 0.1, 0.5)]
    embeddings[1][7] = np.nan
    pairs = [pair(*two) for two in combinations([seen(str(i), e) for i, e in enumerate(embeddings)], 2)]
    assert [(one.a, one.b) for one in pairs] == [("0", "1"), ("0", "2"), ("1", "2")]
    np.testing.assert_array_equal(stability(pairs), core_stability(embeddings, k=9))
    assert np.isnan(stability(pairs)[7])
    expected = core_stability([embeddings[0], embeddings[2]], k=9).mean(dtype=np.float64)
    assert pairs[1].agreement == pytest.approx(expected)
    assert 0.05 < pairs[1].agreement < pairs[0].agreement < 1


def test_a_map_agrees_with_itself_turned() -> None:
    points = np.random.default_rng(9).normal(size=(200, 2)).astype(np.float32)
    labels = np.arange(200, dtype=np.int32) % 3
    same = pair(seen("a", points, labels), seen("b", moved(points, 0.5, 2, True), labels))
    assert same.agreement > 0.999
    assert same.disparity == pytest.approx(0, abs=1e-6)
    assert (same.ari, same.ami) == (1, pytest.approx(1))


def test_scores_of_clusters_count_noise_as_one_more_group() -> None:
    one, other = np.array([0, 0, -1, -1], np.int32), np.array([1, 1, -1, 0], np.int32)
    ari, ami = agreement_of_clusters(one, other)
    assert ari == pytest.approx(4 / 7)  # 1 pair together in both, of 2 and 1, of 6: (1 - 1/3) / (3/2 - 1/3)
    assert ami == pytest.approx(adjusted_mutual_info_score(one, other))


def test_maps_without_clusters_have_no_scores() -> None:
    noise = np.full(50, -1, np.int32)
    assert agreement_of_clusters(noise, noise) == (None, None)
    assert agreement_of_clusters(noise, np.zeros(50, np.int32)) == (None, None)


def test_mutual_information_of_many_rows_is_told_by_some(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(10)
    one = rng.integers(0, 6, 30_000).astype(np.int32)
    other = np.where(rng.random(30_000) < 0.7, one, rng.integers(0, 6, 30_000)).astype(np.int32)
    exact = agreement_of_clusters(one, other)
    assert exact == (adjusted_rand_score(one, other), adjusted_mutual_info_score(one, other))
    monkeypatch.setattr(comparison, "AMI_EFFORT", 70_000)
    sampled = agreement_of_clusters(one, other)
    assert sampled[0] == exact[0]
    assert sampled[1] != exact[1]
    assert sampled[1] == pytest.approx(exact[1], abs=0.02)
