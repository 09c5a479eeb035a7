"""The music catalogue is the same for the same seed, and every fault its truth names is in the data."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from catalogue import main, write_catalogue
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

N = 5_000
NEAR = 0.1  # noise keeps strangers 0.3 apart, near duplicates lie within 0.05


@dataclass(frozen=True)
class Catalogue:
    """A catalogue as read back from its files."""

    vectors: np.ndarray
    items: pd.DataFrame
    truth: dict[str, Any]

    def fault_rows(self, name: str) -> np.ndarray:
        return np.array(self.truth["faults"][name]["rows"])

    @property
    def junk(self) -> np.ndarray:
        return np.concatenate([np.array(rows) for rows in self.truth["faults"]["junk"]["kinds"].values()])


def read(path: Path) -> Catalogue:
    table = pq.read_table(path)
    vectors = table["embedding"].combine_chunks().flatten().to_numpy().reshape(table.num_rows, -1)
    truth = json.loads(path.with_suffix(".truth.json").read_text())
    return Catalogue(vectors, table.drop_columns(["embedding"]).to_pandas(), truth)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("catalogue") / "faulty.parquet"
    write_catalogue(N, path)
    return read(path)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path = tmp_path_factory.mktemp("catalogue") / "clean.parquet"
    write_catalogue(N, path, faults=False)
    return read(path)


def test_same_size_and_seed_give_the_same_bytes_in_any_process(tmp_path: Path) -> None:
    write_catalogue(2_000, tmp_path / "here.parquet", seed=3)
    script = Path(sys.modules["catalogue"].__file__ or "")
    command = [sys.executable, str(script), "2000", str(tmp_path / "there.parquet"), "--seed", "3"]
    subprocess.run(command, check=True, env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    for name in ("parquet", "truth.json"):
        here, there = ((tmp_path / f"{place}.{name}").read_bytes() for place in ("here", "there"))
        assert here == there


def test_another_seed_gives_another_world(tmp_path: Path, faulty: Catalogue) -> None:
    write_catalogue(500, tmp_path / "other.parquet", seed=1)
    other = read(tmp_path / "other.parquet")
    nearest = NearestNeighbors(n_neighbors=1).fit(faulty.vectors).kneighbors(other.vectors)[0]
    assert np.quantile(nearest, 0.1) > 1


def test_chunks_continue_row_numbers(tmp_path: Path) -> None:
    write_catalogue(50_100, tmp_path / "two.parquet", dims=64)
    file = pq.ParquetFile(tmp_path / "two.parquet")
    last = file.read_row_group(1, columns=["preview"])["preview"].to_pylist()
    truth = json.loads((tmp_path / "two.truth.json").read_text())
    assert file.metadata.num_row_groups == 2
    assert last == [f"https://music.example/preview/{row:09d}.mp3" for row in range(50_000, 50_100)]
    assert max(truth["faults"]["mixed"]["rows"]) >= 50_000
    genre = file.read(columns=["genre"])["genre"].to_numpy()
    assert set(genre[truth["faults"]["mislabelled"]["rows"]]) == {"metal"}


@pytest.mark.parametrize("dims", [64, 256])
def test_vectors_have_the_dimensions_asked_for(tmp_path: Path, dims: int) -> None:
    write_catalogue(100, tmp_path / "few.parquet", dims=dims)
    assert read(tmp_path / "few.parquet").vectors.shape == (100, dims)


def test_one_row_is_a_catalogue(tmp_path: Path) -> None:
    write_catalogue(1, tmp_path / "one.parquet")
    assert len(read(tmp_path / "one.parquet").items) == 1


def test_items_have_every_column_and_text_for_each(faulty: Catalogue) -> None:
    sound = faulty.items.drop(index=faulty.junk)
    expected = ["title", "artist", "genre", "mood", "year", "week_added", "popularity", "language", "preview"]
    assert list(faulty.items.columns) == expected
    assert not sound.isna().to_numpy().any()
    assert sound["preview"].is_unique
    assert sound["genre"].nunique() == 16
    assert sound["popularity"].between(0, 100).all()
    assert sound["title"].nunique() > 0.9 * len(sound)


def test_genres_are_separate_outside_the_faults(clean: Catalogue) -> None:
    half = N // 2
    nearest = KNeighborsClassifier(5).fit(clean.vectors[:half], clean.items["genre"][:half])
    assert nearest.score(clean.vectors[half:], clean.items["genre"][half:]) > 0.97


def test_moods_follow_the_place_in_a_cluster(clean: Catalogue) -> None:
    half = N // 2
    nearest = KNeighborsClassifier(10).fit(clean.vectors[:half], clean.items["mood"][:half])
    most_common = clean.items["mood"].value_counts(normalize=True).max()
    assert nearest.score(clean.vectors[half:], clean.items["mood"][half:]) > most_common + 0.15


def test_clusters_are_curved_patches_with_heavy_tails(faulty: Catalogue) -> None:
    soul = faulty.vectors[(faulty.items["genre"] == "soul").to_numpy()]
    spread = soul - np.median(soul, axis=0)
    near = spread[np.linalg.norm(spread, axis=1) < np.quantile(np.linalg.norm(spread, axis=1), 0.5)]
    values, directions = np.linalg.eigh(np.cov(near.T))
    shares = values[::-1] / values.sum()
    along = (spread @ directions[:, -1]) / (near @ directions[:, -1]).std()
    assert shares[:12].sum() > 0.85  # an isotropic blob would have 12 of 128 here
    assert np.searchsorted(shares.cumsum(), 0.8) >= 4  # more than any patch's own 4 dimensions: it bends
    assert (np.abs(along) > 5).mean() > 1e-3  # a Gaussian has 6e-7


def test_truth_names_exactly_the_near_duplicates(faulty: Catalogue) -> None:
    groups = faulty.truth["faults"]["near_duplicates"]["groups"]
    pairs = {(a, b) for group in groups for a in group for b in group if a < b}
    near = NearestNeighbors(radius=NEAR).fit(faulty.vectors).radius_neighbors(return_distance=False)
    junk = set(faulty.junk.tolist())
    found = {(a, int(b)) for a, row in enumerate(near) for b in row if a < b and a not in junk}
    assert found == pairs
    assert sum(map(len, groups)) == pytest.approx(0.02 * N, rel=0.15)
    stems = faulty.items["title"].str.replace(r" \(.*", "", regex=True)
    assert all(stems[group].nunique() == 1 for group in groups)


def test_mislabelled_region_lies_among_its_true_genre(faulty: Catalogue) -> None:
    fault = faulty.truth["faults"]["mislabelled"]
    rows = faulty.fault_rows("mislabelled")
    assert set(faulty.items["genre"][rows]) == {fault["labelled"]}
    others = np.setdiff1d(np.arange(N), np.concatenate([rows, faulty.junk]))
    nearest = KNeighborsClassifier(5).fit(faulty.vectors[others], faulty.items["genre"][others])
    assert (nearest.predict(faulty.vectors[rows]) == fault["true"]).mean() > 0.95
    assert 0.1 < len(rows) / faulty.truth["clusters"][fault["cluster"]]["rows"] < 0.4


def test_mixed_genres_cannot_be_told_apart(faulty: Catalogue, clean: Catalogue) -> None:
    fault = faulty.truth["faults"]["mixed"]

    def accuracy_over_chance(of: Catalogue) -> float:
        rows = np.flatnonzero(of.items["genre"].isin(fault["categories"]))
        labels = of.items["genre"].to_numpy()[rows]
        half = len(rows) // 2
        nearest = KNeighborsClassifier(15).fit(of.vectors[rows[:half]], labels[:half])
        chance = max((labels == name).mean() for name in fault["categories"])
        return nearest.score(of.vectors[rows[half:]], labels[half:]) - chance

    assert accuracy_over_chance(faulty) < 0.05
    assert accuracy_over_chance(clean) > 0.3
    assert set(faulty.items["genre"][fault["rows"]]) == set(fault["categories"])


def test_missing_category_is_absent_there_and_common_elsewhere(faulty: Catalogue) -> None:
    fault = faulty.truth["faults"]["missing"]
    has = (faulty.items["language"] == fault["category"]).to_numpy()
    rows = faulty.fault_rows("missing")
    assert not has[rows].any()
    assert np.delete(has, rows).mean() > 0.08
    assert len(rows) > 100


def test_thinning_region_loses_its_share_over_the_weeks(faulty: Catalogue) -> None:
    rows = faulty.fault_rows("thinning")
    late = (faulty.items["week_added"] >= pd.Timestamp("2025-01-01").date()).to_numpy()
    assert late[rows].mean() < 0.3
    assert np.delete(late, rows).mean() == pytest.approx(0.49, abs=0.03)


def test_cluster_sizes_are_heavy_tailed(faulty: Catalogue, clean: Catalogue) -> None:
    def largest_over_median(of: Catalogue) -> float:
        sizes = [cluster["rows"] for cluster in of.truth["clusters"]]
        return max(sizes) / float(np.median(sizes))

    assert largest_over_median(faulty) > 10
    assert largest_over_median(clean) < 1.5
    assert sum(cluster["rows"] for cluster in faulty.truth["clusters"]) == N - len(faulty.junk)


def test_one_percent_is_junk_of_three_kinds(faulty: Catalogue) -> None:
    kinds = faulty.truth["faults"]["junk"]["kinds"]
    assert len(faulty.junk) == N // 100
    assert faulty.items["genre"].isna().to_numpy().nonzero()[0].tolist() == sorted(faulty.junk)
    assert np.linalg.norm(faulty.vectors[kinds["silence"]], axis=1).max() < 1
    assert np.ptp(faulty.vectors[kinds["fallback"]], axis=0).max() < 0.2
    alone = NearestNeighbors(n_neighbors=2).fit(faulty.vectors).kneighbors(faulty.vectors[kinds["noise"]])[0]
    assert alone[:, 1].min() > 2


def test_clean_catalogue_has_no_fault(clean: Catalogue) -> None:
    nearest = NearestNeighbors(n_neighbors=1).fit(clean.vectors).kneighbors()[0]
    assert clean.truth["faults"] == {}
    assert nearest.min() > NEAR
    assert not clean.items.isna().to_numpy().any()


@pytest.mark.parametrize(
    "arguments", [["0", "x.parquet"], ["10", "x.parquet", "--dims", "8"], ["10", "no/such/folder/x.parquet"]]
)
def test_bad_arguments_end_with_one_sentence_and_no_file(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
