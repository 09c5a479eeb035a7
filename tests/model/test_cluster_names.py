"""Names of clusters: the terms of most weight, worked anew word by word, and categories by share and lift."""

import re
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from explorer.model import cluster_names
from explorer.model.cluster_names import (
    LEAST_COUNT,
    LEAST_LIFT,
    MOST_TERMS,
    names,
    naming_columns,
)
from explorer.model.errors import InputError
from explorer.model.items import Items

KINDS = ("class", "text")
TOPICS = (("jazz", "trio", "swing"), ("metal", "riff", "growl"), ("waltz", "opera", "choir"))


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    return np.random.default_rng(1).integers(-1, 3, size=3000).astype(np.int32)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory, labels: np.ndarray) -> Items:
    """Texts whose words depend on the cluster, among words that do not; classes, and digits."""
    rng = np.random.default_rng(2)
    texts = []
    for row, label in enumerate(labels):
        own = rng.choice(TOPICS[label] if label >= 0 else ("noise",), 2)
        texts.append(f"The {own[0]} and the {own[1]}, of {rng.choice(['live', 'studio'])} №{row}!")
    texts[5], texts[6] = None, ""
    genre = np.where(labels == 0, "soul <b>", rng.choice(["folk", "pop"], len(labels)))
    years = rng.integers(1900, 2020, len(labels)) + 0.5
    table = pa.table({"title": texts, "genre": genre, "digit": np.maximum(labels, 0), "year": years})
    path = tmp_path_factory.mktemp("names") / "items.parquet"
    pq.write_table(table, path)
    return Items(path, len(labels))


def worked(texts: list[str | None], labels: np.ndarray) -> list[list[str]]:
    """The definition, one word after another."""
    counts = [Counter() for _ in range(labels.max() + 1)]
    for text, label in zip(texts, labels, strict=True):
        if label >= 0:
            counts[label].update(word for word in re.findall(r"\w+", (text or "").lower()) if len(word) >= 2)
    everywhere = sum(counts, Counter())
    total, mean = everywhere.total(), everywhere.total() / len(counts)
    told = []
    for count in counts:
        weight = {
            word: f / count.total() * log(1 + mean / everywhere[word])
            for word, f in count.items()
            if f >= LEAST_COUNT and f / count.total() >= LEAST_LIFT * everywhere[word] / total
        }
        told.append(sorted(weight, key=lambda word: -weight[word])[:MOST_TERMS])
    return told


def test_terms_are_those_of_the_definition(items: Items, labels: np.ndarray) -> None:
    found = names(items, labels, ["title"])
    texts = items.fetch(np.arange(items.n), ["title"])["title"].to_pylist()
    assert [name.split(" · ") for name in found] == worked(texts, labels)
    assert [set(name.split(" · ")) for name in found] == [set(topic) for topic in TOPICS]


def test_categories_name_what_they_make_up_and_little_ones_bring_their_column(
    items: Items, labels: np.ndarray
) -> None:
    assert names(items, labels, ["genre"])[0] == "soul <b>"
    assert names(items, labels, ["genre"])[1:] != ("soul <b>", "soul <b>")
    assert names(items, labels, ["digit"])[1:] == ("digit 1", "digit 2")


def test_classes_and_what_is_to_be_read_name_by_default(
    items: Items, labels: np.ndarray, tmp_path: Path
) -> None:
    assert naming_columns(items) == ("title", "genre", "digit")
    assert names(items, labels)[0].startswith("soul <b> · ")
    links = [f"https://example.org/{row}" for row in range(1200)]
    table = {"kind": ["a", "b"] * 600, "x": np.linspace(0, 1, 1200), "cover": links}
    pq.write_table(pa.table(table), tmp_path / "items.parquet")
    table["words"] = [f"a text of row {row}" for row in range(1200)]
    assert naming_columns(Items(tmp_path / "items.parquet", 1200)) == ("kind",)
    many = {
        f"{kind} {n}": table["kind"] if kind == "class" else table["words"]
        for n in range(9)
        for kind in KINDS
    }
    pq.write_table(pa.table(many), tmp_path / "many.parquet")
    assert naming_columns(Items(tmp_path / "many.parquet", 1200)) == tuple(many)[:8]


def test_a_name_has_three_parts_with_categories_first(items: Items, labels: np.ndarray) -> None:
    alone = [[name.split(" · ") for name in names(items, labels, [by])] for by in ("genre", "digit", "title")]
    assert max(len(genre) + len(digit) for genre, digit, _ in zip(*alone, strict=True)) == 3
    expected = tuple(
        " · ".join([*[*genre, *digit][:2], *title][:3]) for genre, digit, title in zip(*alone, strict=True)
    )
    assert names(items, labels, ["title", "genre", "digit"]) == expected


def test_names_are_the_same_again_and_progress_rises(items: Items, labels: np.ndarray) -> None:
    shares: list[float] = []
    both = names(items, labels, ["title", "genre"], shares.append)
    assert both == names(items, labels, ["title", "genre"])
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_hostile_text_names_nothing_or_by_its_words(tmp_path: Path) -> None:
    texts = ["<script>alert(1)</script>", "\x00\u202e '; DROP TABLE items; --", "😀 " * 5000, "ß" * 500, None]
    table = pa.table({"text": [texts[row % 5] + str(row) if texts[row % 5] else None for row in range(4000)]})
    pq.write_table(table, tmp_path / "items.parquet")
    items = Items(tmp_path / "items.parquet", 4000)
    found = names(items, (np.arange(4000) % 5).astype(np.int32), ["text"])
    assert set(found[0].split(" · ")) == {"alert", "script"}
    assert "drop" in found[1]
    assert found[2:] == ("", "", "")


def test_lists_and_records_name_by_what_is_written_in_them(
    labels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [TOPICS[label][row % 3] if label >= 0 else None for row, label in enumerate(labels)]
    table = {
        "tags": [word and [word, f"no {row}"] for row, word in enumerate(words)],
        "about": [word and {"word": word, "row": row} for row, word in enumerate(words)],
    }
    pq.write_table(pa.table(table), tmp_path / "items.parquet", row_group_size=700)
    items = Items(tmp_path / "items.parquet", len(labels))
    assert naming_columns(items) == ("tags", "about")
    monkeypatch.setattr(cluster_names, "BLOCK", 1000)
    for column in table:
        found = names(items, labels, [column])
        assert [set(name.split(" · ")) for name in found] == [set(topic) for topic in TOPICS]


def test_no_cluster_and_no_column_give_no_name(items: Items, labels: np.ndarray) -> None:
    assert names(items, np.full(items.n, -1, np.int32)) == ()
    assert names(items, labels, []) == ("", "", "")
    with pytest.raises(InputError, match="'year' holds no words"):
        names(items, labels, ["year"])
