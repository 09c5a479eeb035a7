"""A search finds exactly the rows whose text holds what was typed, whatever its case and accents."""

import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.errors import InputError
from explorer.model.items import Items
from explorer.model.search import MOST_HITS, folded, search, searchable

TITLES = ["Café Noir", "cafe au lait", "Decaf", "50% off_season", "שיר קפה", "Ünïcode", "a'b\"c;--", None]


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    path = tmp_path_factory.mktemp("search") / "items.parquet"
    n = 800
    table = pa.table(
        {
            "title": [TITLES[row % 8] if row < 16 else f"song {row}" for row in range(n)],
            'art"ist': ["Zoë" if row % 100 == 0 else "Ann" for row in range(n)],
            "score": np.linspace(0, 1, n),
            "text": [
                f"{row:04d} " + "x" * 300 + " needle " + "y" * 300 if row == 77 else None for row in range(n)
            ],
        }
    )
    pq.write_table(table, path, row_group_size=128)
    return Items(path, n)


def rows_by_hand(items: Items, text: str, columns: list[str]) -> list[int]:
    def plain(value: object) -> str:
        parts = unicodedata.normalize("NFD", str(value))
        return "".join(p for p in parts if not unicodedata.combining(p)).lower()

    table = items.fetch(np.arange(items.n), columns).to_pydict()
    return [
        row
        for row in range(items.n)
        if any(table[name][row] is not None and plain(text) in plain(table[name][row]) for name in columns)
    ]


@pytest.mark.parametrize(
    "text",
    ["café", "CAFE", "zoe", "%", "_", "'", '"', "--", "קפה", "unicode", "song 7", "e", "nothing at all"],
)
def test_it_finds_the_rows_that_a_look_at_each_finds(items: Items, text: str) -> None:
    found = search(items, text)
    assert found.rows.tolist() == rows_by_hand(items, text, ["title", 'art"ist', "text"])
    assert [hit.row for hit in found.hits] == found.rows[:MOST_HITS].tolist()
    for hit in found.hits:
        assert folded(hit.match) == folded(text)


def test_only_the_columns_chosen_are_searched(items: Items) -> None:
    assert searchable(items) == ("title", 'art"ist', "text")
    assert search(items, "zoe", ["title"]).rows.tolist() == []
    assert search(items, "zoe", ['art"ist']).rows.tolist() == list(range(0, 800, 100))
    assert search(items, "0.5", ["score"]).rows.tolist() == rows_by_hand(items, "0.5", ["score"])


def test_a_match_in_a_long_text_is_shown_with_what_is_around_it(items: Items) -> None:
    (hit,) = search(items, "NEEDLE").hits
    assert (hit.row, hit.column, hit.match) == (77, "text", "needle")
    assert hit.before == "…" + "x" * 47 + " "
    assert hit.after == " " + "y" * 47 + "…"


@pytest.mark.parametrize(
    ("text", "typed", "shown"),
    [
        ("서울은 한국의 수도", "한국", "한국"),
        (unicodedata.normalize("NFD", "서울은 한국의 수도"), "한국", "한국"),
        ("मेरी हिन्दी किताब", "हिन्दी", "हिन्दी"),
        ("मेरी हिन्दी किताब", "हिनदी", "हिन्दी"),
        ("นี่คือที่นี่", "ที่", "นี่คือที่"[-3:]),
        ("ΟΔΟΣ ΣΟΦΟΣ", "ΌΔΟΣ", "ΟΔΟΣ"),
        (unicodedata.normalize("NFD", "am Café"), "cafe", "Café"),
    ],
)
def test_a_text_of_any_script_is_found_and_its_match_is_shown(
    tmp_path: Path, text: str, typed: str, shown: str
) -> None:
    pq.write_table(pa.table({"name": [text, "other", text[:2]]}), tmp_path / "i")
    (hit,) = search(Items(tmp_path / "i", 3), typed).hits
    assert (hit.row, hit.match) == (0, shown)
    assert hit.before + hit.match + hit.after == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("filler", "typed", "shown"),
    [
        ("मेरी किताब ", "हिनदी", "हिन्दी"),
        (unicodedata.normalize("NFD", "서울은 수도 "), "한국", "한국"),
        (unicodedata.normalize("NFD", "déjà vu "), "cafe", "café"),
        ("นี่คือ ", "ภาษา", "ภาษา"),
    ],
)
def test_a_match_far_into_a_text_of_any_script_is_shown_with_what_is_around_it(
    tmp_path: Path, filler: str, typed: str, shown: str
) -> None:
    text = filler * 400 + shown + " " + filler * 30
    pq.write_table(pa.table({"name": [text, "other"]}), tmp_path / "i")
    (hit,) = search(Items(tmp_path / "i", 2), typed).hits
    before, after = (unicodedata.normalize("NFC", part) for part in (filler * 400, " " + filler * 30))
    assert (hit.before, hit.match, hit.after) == ("…" + before[-48:], shown, after[:48] + "…")


@given(st.text(max_size=30))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    ("text", "columns", "sentence"),
    [
        ("  ", None, "Type what to search for"),
        ("\u0301", None, "type a letter too"),
        ("x" * 300, None, "at most 200 characters"),
        ("x", [], "no column to search"),
        ("x", ["nowhere"], "no column 'nowhere'"),
    ],
)
def test_what_cannot_be_searched_is_told(
    items: Items, text: str, columns: list[str] | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        search(items, text, columns)


def test_a_search_that_takes_too_long_is_stopped(items: Items) -> None:
    endless = "SELECT count(*) FROM items a, items b, items c, items d, items e"
    with pytest.raises(InputError, match=r"took longer than 0\.2 s"):
        items.query(endless, seconds=0.2)
    assert search(items, "zoe").rows.size == 8


def test_a_sign_that_turns_letters_around_is_seen_beside_a_match_and_found_in_it(tmp_path: Path) -> None:
    pq.write_table(pa.table({"file": ["a \u202egnp.exe", "gnp"]}), tmp_path / "i")
    (hit, _) = search(Items(tmp_path / "i", 2), "gnp").hits
    assert (hit.before, hit.match, hit.after) == ("a \ufffd", "gnp", ".exe")
    (turned,) = search(Items(tmp_path / "i", 2), "\u202eGN").hits
    assert (turned.row, turned.match) == (0, "\ufffdgn")


def test_a_file_cannot_be_reached_through_a_search(items: Items, tmp_path: Path) -> None:
    assert search(items, "' UNION SELECT * FROM read_text('/etc/passwd') --").rows.size == 0
