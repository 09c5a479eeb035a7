"""Conditions select exactly the rows pandas selects, and can do nothing else."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.condition import FUNCTIONS, LONGEST, example
from explorer.model.errors import InputError
from explorer.model.items import Items

N = 5_000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    return pa.table(
        {
            "digit": rng.integers(0, 10, N),
            "split": [None if row % 50 == 0 else ("test", "train")[row % 2] for row in range(N)],
            "year of issue": rng.integers(1950, 2025, N),
            "score": np.where(np.arange(N) % 9 == 0, np.nan, rng.normal(size=N)),
            "título": [f"song <b>{row % 97}</b>" for row in range(N)],
            'odd "name"': np.arange(N) % 3,
            "tags": [[f"t{row % 4}"] for row in range(N)],
        }
    )


@pytest.fixture(scope="module")
def items(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Items:
    path = tmp_path_factory.mktemp("condition") / "items.parquet"
    pq.write_table(table, path, row_group_size=512)
    return Items(path, N)


@pytest.fixture(scope="module")
def frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("digit = 4 AND split = 'test'", lambda f: (f.digit == 4) & (f.split == "test")),
        ("DIGIT IN (1, 2) or digit > 8", lambda f: f.digit.isin([1, 2]) | (f.digit > 8)),
        ("split IS NULL", lambda f: f.split.isna()),
        ("split <> 'test'", lambda f: f.split.notna() & (f.split != "test")),
        ("NOT digit BETWEEN 2 AND 7", lambda f: ~f.digit.between(2, 7)),
        ('"year of issue" >= 2000 -- new', lambda f: f["year of issue"] >= 2000),
        ('items."odd ""name""" = 1', lambda f: f['odd "name"'] == 1),
        ("título LIKE '%>4%'", lambda f: f["título"].str.contains(">4")),
        ("lower(upper(split)) ~ 'te.*'", lambda f: (f.split == "test").fillna(False)),
        ("abs(score) < 0.5 AND NOT isnan(score)", lambda f: f.score.abs() < 0.5),
        ("list_contains(tags, 't1') OR tags[1] = 't2'", lambda f: f.tags.str[0].isin(["t1", "t2"])),
        ("digit % 2 = 0 AND digit::VARCHAR <> '4'", lambda f: (f.digit % 2 == 0) & (f.digit != 4)),
        ("split =\r\n'test'", lambda f: (f.split == "test").fillna(False)),
        ("row_id < 7", lambda f: f.index < 7),
        (
            "CASE WHEN digit = 1 THEN true ELSE split = 'test' END",
            lambda f: (f.digit == 1) | (f.split == "test"),
        ),
        ("try_cast(split AS INTEGER) IS NULL", lambda f: f.digit >= 0),
        ("false", lambda f: f.digit < 0),
        ("split || split || '!' = 'testtest!'", lambda f: (f.split == "test").fillna(False)),
        (
            f"list_contains({['test', *map(str, range(30))]}, split)",
            lambda f: (f.split == "test").fillna(False),
        ),
    ],
)
def test_a_condition_selects_the_rows_pandas_selects(items, frame, condition, expected):
    mask = items.where(condition)
    assert mask.dtype == np.bool_
    np.testing.assert_array_equal(mask, np.asarray(expected(frame), bool))


@given(st.integers(-1, 10), st.sampled_from(["<", "<=", "=", "<>", ">=", ">"]), st.booleans())
def test_a_condition_and_its_negation_share_all_rows_that_have_a_value(items, number, sign, negated):
    condition = f"digit {sign} {number}"
    mask, rest = items.where(condition), items.where(f"NOT ({condition})")
    np.testing.assert_array_equal(mask, ~rest)
    np.testing.assert_array_equal(items.where(f"{condition} AND NOT {condition}"), np.zeros(N, bool))


@pytest.mark.parametrize(
    "condition",
    [
        "text GLOB '*a*a*a*b*'",
        "text GLOB pattern",
        "text LIKE '%a%a%a%b%'",
        "text LIKE '%_a%_a%_a%b%'",
        "text NOT LIKE '%a_%a_%a_%b%' IS false",
        "text ILIKE '%a%a%a%b%'",
        "text LIKE '%a%a%a%b%' ESCAPE '$'",
        "text SIMILAR TO 'b(a*)*b'",
    ],
)
def test_no_pattern_takes_longer_than_a_text_is_long(tmp_path, condition):
    # Where each star tries all places, 400 letters and three stars take seconds, which nothing can stop.
    table = pa.table({"text": ["b" + "a" * 400, "b" + "a" * 400 + "b"], "pattern": ["*a*a*a*b*"] * 2})
    pq.write_table(table, tmp_path / "items.parquet")
    assert Items(tmp_path / "items.parquet", 2).where(condition, seconds=1).tolist() == [False, True]


HOSTILE = [
    "digit IN (SELECT digit FROM items)",
    "EXISTS (SELECT 1 FROM read_csv('/etc/passwd'))",
    "digit = (SELECT count(*) FROM read_text('/etc/passwd'))",
    "digit = ANY (SELECT 1)",
    "digit = 1; DROP VIEW items",
    "digit = 1); COPY items TO '/tmp/stolen.csv'; --",
    "digit = 1) UNION SELECT 1 FROM duckdb_settings() WHERE (true",
    "digit = 1) LIMIT 3 --",
    "true) GROUP BY ALL HAVING (true",
    "true) QUALIFY (true",
    "ATTACH '/tmp/other.db'",
    "COPY items TO '/tmp/stolen.csv'",
    "PRAGMA database_list",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "getenv('HOME') = 'x'",
    "current_setting('threads') = '2'",
    "getvariable('x') IS NULL",
    "current_user = 'x'",
    "current_database() = 'memory'",
    "nextval('s') = 1",
    "random() < 0.5",
    "now() > DATE '2020-01-01'",
    "length(repeat('x', 1000000000)) > 1",
    "len(range(1000000000)) > 1",
    "length(replace(split, 't', repeat('t', 1000))) > 1",
    "main.abs(digit) = 1",
    "split::BLOB = 'x'",
    "try_cast(split AS BLOB[]) IS NULL",
    "sum(digit) > 1",
    "row_number() OVER () < 3",
    "COLUMNS(*) = 1",
    "list_filter(tags, x -> true) = tags",
    "len([x FOR x IN tags]) = 1",
    "unnest(tags) = 't1'",
    "digit = ?",
    "digit = $1",
    "digit = #1",
    "digit = DEFAULT",
    "filename = 'x'",
    "file_row_number = 1",
    "items.filename = 'x'",
    "read_csv('/etc/passwd') = 1",
    "'/etc/passwd'",
    "digit",
    "NULL",
    "",
    "   ",
    "digit = 1\x00",
    "split = '\ud800'",
    "digit =",
    "(digit = 1",
    "digit = 1)",
    "digit = 'one",
    "digit = 1 /* and",
    "split = 1",
    "digit = 'one'",
    "split + 1 = 2",
    "length(digit) = 1",
    "tags = 1",
    "DATE '2024-13-01' > DATE '2020-01-01'",
    "split ~ '('",
    "NOT " * 400 + "digit = 1" + " " * LONGEST,
    "main.items.filename = 'x'",
    "length(" + "||".join(["split"] * 300) + ") > 5",
    "length([" + ",".join(["split"] * 300) + "]::VARCHAR) > 5",
    "length(row(" + ",".join(["split"] * 300) + ")::VARCHAR) > 5",
]


@pytest.mark.parametrize("condition", HOSTILE, ids=lambda text: ascii(text[:40]))
def test_what_is_no_condition_is_refused_in_one_sentence(items, condition):
    with pytest.raises(InputError) as caught:
        items.where(condition)
    sentence = str(caught.value)
    assert re.search(r"[.?]$", sentence)
    assert "\n" not in sentence
    assert "LINE" not in sentence
    assert len(sentence) < 400


def test_a_value_that_is_no_condition_is_told_by_its_type(items):
    with pytest.raises(InputError, match=r"^The condition is of type INTEGER, neither true nor false:"):
        items.where("1")


def test_brackets_may_be_nested_as_deep_as_there_is_room(items):
    assert items.where("(" * 990 + "true" + ")" * 990).all()
    assert items.where("digit = 1" + " OR digit = 1" * 150).sum() == items.where("digit = 1").sum()


def test_an_unknown_column_is_named_with_the_nearest_ones(items):
    with pytest.raises(InputError, match=r'no column "digt" .* did you mean "digit"\?'):
        items.where("digt = 4")
    with pytest.raises(
        InputError, match=r"no column \"test\" \(a text stands in single quotes, as in 'test'\)"
    ):
        items.where('split = "test"')
    with pytest.raises(InputError, match=r'no column "zzz" .* the columns are digit, split,'):
        items.where("zzz = 4")


def test_a_condition_that_takes_too_long_is_stopped(tmp_path: Path):
    text = [f"{row % 9973:06d}" * 20 for row in range(300_000)]
    pq.write_table(pa.table({"text": text}), tmp_path / "items.parquet")
    slow = Items(tmp_path / "items.parquet", len(text))
    patient = " OR ".join(f"regexp_matches(text, '(.*[a-z]){{3}}{part}')" for part in range(30))
    with pytest.raises(InputError, match=r"longer than 0\.1 s and was stopped"):
        slow.where(patient, seconds=0.1)
    assert slow.where("text LIKE '009972%'").sum() == 30


def test_data_without_columns_says_so(tmp_path: Path):
    pq.write_table(pa.table({}), tmp_path / "items.parquet")
    with pytest.raises(InputError, match="no columns beside its vectors"):
        Items(tmp_path / "items.parquet", 10).where("digit = 4")


def test_every_function_allowed_looks_at_one_row_and_gives_the_same_answer_always(items):
    found = items._connection.cursor().execute(
        "SELECT DISTINCT function_name, function_type, stability FROM duckdb_functions()"
    )
    kinds: dict[str, set[tuple[str, str]]] = {}
    for name, kind, stability in found.fetchall():
        kinds.setdefault(name, set()).add((kind, stability))
    for name in FUNCTIONS & kinds.keys():
        assert {kind for kind, _ in kinds[name]} <= {"scalar", "macro"}, name
        assert "VOLATILE" not in {stability for _, stability in kinds[name]}, name


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (("digit", "4"), "digit = 4"),
        (("a b", "x's"), "\"a b\" = 'x''s'"),
        (("Split", "t"), "\"Split\" = 't'"),
    ],
)
def test_the_example_is_a_condition(column, text):
    assert example([column]) == text


def test_the_example_without_columns_counts_rows():
    assert example([]) == "row_id = 100"
