"""Columns as categories, numbers and rows, checked against pandas; the file's database sees nothing else."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.model.categories import of_values
from explorer.model.errors import InputError
from explorer.model.items import MOST_KEPT, Items

N = 200


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    genre = rng.choice(["rock", "jazz", "folk", "été"], N, p=[0.5, 0.25, 0.15, 0.1]).tolist()
    genre[3] = None
    score = rng.normal(size=N)
    score[[5, 9]] = np.nan
    return pa.table(
        {
            "genre": pa.array(genre),
            "genre_dictionary": pa.array(genre).dictionary_encode(),
            "digit": pa.array(rng.integers(0, 10, N), pa.uint8()),
            "year": pa.array([None, *rng.integers(1950, 2024, N - 1).tolist()]),
            "score": score,
            "few": pa.array(rng.choice([0.5, 2.0, 10.0], N)),
            "title": [f"song {i} of many" for i in range(N)],
            "when": pa.array([datetime(2024, 1, 1 + i % 9, tzinfo=UTC) for i in range(N)]),
            "to the nanosecond": pa.array(
                [datetime(2024, 1, 1 + i % 9) for i in range(N)], pa.timestamp("ns")
            ),
            "single": pa.array(rng.choice([0.1, 0.25, 3.0], N).astype(np.float32)),
            "day": pa.array([date(2024, 1, 1 + i % 9) for i in range(N)]),
            "live": pa.array([None, *(rng.random(N - 1) < 0.5).tolist()]),
            "tags": [[str(i % 3)] for i in range(N)],
            "with gaps": [None, *(float(i % 4) for i in range(N - 1))],
            "vector": [[0.5, float(i)] for i in range(N)],
            "picture": [b"\x89PNG" for _ in range(N)],
            "empty": pa.nulls(N),
            'odd "name", 1': rng.integers(0, 3, N),
        }
    )


@pytest.fixture(scope="module")
def items(table, tmp_path_factory) -> Items:
    path = tmp_path_factory.mktemp("it's odd") / "items.parquet"
    pq.write_table(table, path, row_group_size=64)
    return Items(path, N)


def test_columns_have_the_kind_that_suits_them(items):
    kinds = {column.name: column.kind for column in items.columns}
    assert kinds == {
        "genre": "categorical",
        "genre_dictionary": "categorical",
        "digit": "categorical",
        "year": "numeric",
        "score": "numeric",
        "few": "numeric",
        "with gaps": "categorical",
        "vector": "other",
        "picture": "other",
        "empty": "categorical",
        "title": "text",
        "when": "time",
        "to the nanosecond": "time",
        "single": "numeric",
        "day": "time",
        "live": "boolean",
        "tags": "categorical",
        'odd "name", 1': "categorical",
    }


def test_categories_agree_with_pandas(items, table):
    told_apart = [c.name for c in items.columns if c.kind in ("categorical", "boolean", "text")]
    assert len(told_apart) == 9
    for name in told_apart:
        categories = items.categories(name)
        values = pd.Series(table[name].to_pylist(), dtype=object)
        missing = values.isna().to_numpy()
        assert categories.codes.dtype == np.int32
        assert (categories.codes[missing] == -1).all()
        assert (categories.codes[~missing] >= 0).all()
        assert len(set(categories.names)) == len(categories.names)
        # The same rows share a code as share a value.
        keys = values.map(str)[~missing]
        pairs = set(zip(keys, categories.codes[~missing], strict=True))
        assert len(pairs) == keys.nunique() == len(categories.names)
        assert (
            np.bincount(categories.codes[~missing], minlength=len(categories.names)) == categories.counts
        ).all()


def test_names_are_ordered_by_count_numbers_by_value(items):
    genres = items.categories("genre")
    assert (np.diff(genres.counts) <= 0).all()
    assert set(genres.names) == {"rock", "jazz", "folk", "été"}
    assert items.categories("genre_dictionary").names == genres.names
    assert items.categories("digit").names == tuple("0123456789")
    assert items.categories("with gaps").names == ("0", "1", "2", "3")
    assert items.categories("live").names == ("false", "true")
    assert list(items.categories("day").names) == [f"2024-01-0{i}" for i in range(1, 10)]
    assert items.categories("when").names == items.categories("day").names
    assert items.categories("tags").names == ("[0]", "[1]", "[2]")
    assert items.categories("empty").names == ()


def test_names_that_cannot_be_seen_are_called_empty_and_blank(tmp_path):
    pq.write_table(pa.table({"mood": ["", "calm", "", " "], "key": ["C", "C", " ", "D"]}), tmp_path / "i")
    items = Items(tmp_path / "i", 4)
    assert items.categories("mood").names == ("(empty text)", "(blank)", "calm")
    assert items.categories("key").names == ("C", "(blank)", "D")


def test_a_sign_that_turns_letters_around_is_seen_in_its_name(tmp_path):
    pq.write_table(pa.table({"file": ["a\u202egnp.exe", "b\u2066c"]}), tmp_path / "i")
    assert Items(tmp_path / "i", 2).categories("file").names == ("a\ufffdgnp.exe", "b\ufffdc")


def test_many_whole_numbers_are_categories_when_counted_through_as_classes_are(tmp_path):
    row = np.arange(600)
    columns = {
        "class": row % 100,
        "from one": row % 256 + 1,
        "with noise": row % 70 - 1,
        "with gaps": [None if i % 7 == 0 else float(i % 50) for i in row],
        "bytes": (row % 256).astype(np.uint8),
        "signed": (row % 256 - 128).astype(np.int8),
        "too many": row % 257,
        "year": row % 74 + 1950,
        "even": 2 * (row % 50),
        "half": row % 50 / 2,
    }
    pq.write_table(pa.table(columns), tmp_path / "items.parquet")
    kinds = [column.kind for column in Items(tmp_path / "items.parquet", 600).columns]
    assert kinds == ["categorical"] * 5 + ["numeric"] * 5


def test_half_precision_numbers_are_categories(tmp_path):
    table = pa.table({"half": np.array([0.1, 2, np.nan, 0.1, 2, 1], np.float16)})
    pq.write_table(table, tmp_path / "items.parquet")
    made = Items(tmp_path / "items.parquet", 6).categories("half")
    assert made.ranges is not None
    whole = pa.table({"half": np.array([0, 2, np.nan, 0, 2, 1], np.float16)})
    pq.write_table(whole, tmp_path / "items.parquet")
    made = Items(tmp_path / "items.parquet", 6).categories("half")
    assert (made.names, made.codes.tolist()) == (("0", "1", "2"), [0, 2, -1, 0, 2, 1])
    of_fractions = of_values(table["half"])
    assert (of_fractions.names, of_fractions.codes.tolist()) == (("0.1", "1", "2"), [0, 2, -1, 0, 2, 1])


def test_bytes_and_vectors_make_no_categories(items):
    for name in ("vector", "picture"):
        with pytest.raises(InputError, match=f"'{name}' holds bytes or vectors"):
            items.categories(name)


def test_numbers_are_counted_in_ranges(items, table):
    years = items.categories("year")
    expected = table["year"].to_pandas().dropna()
    for name, count in zip(years.names, years.counts, strict=True):
        first, last = (int(year) for year in name.split(" to "))
        assert count == expected.between(first, last).sum()
    assert years.counts.sum() == len(expected) == N - 1
    assert years.codes[0] == -1


def test_of_many_names_the_rarest_are_counted_together(tmp_path):
    # 1,200 names: the first 1,100 occur twice, the others once.
    names = [f"artist {i}" for i in [*range(1200), *range(1100)]]
    pq.write_table(pa.table({"artist": names}), tmp_path / "items.parquet")
    artists = Items(tmp_path / "items.parquet", len(names)).categories("artist")
    assert len(artists.names) == 1000
    assert artists.names[-1] == "201 rarer names"
    assert artists.counts[-1] == 101 * 2 + 100
    assert (artists.counts[:-1] == 2).all()
    assert artists.counts.sum() == len(names)
    assert (np.bincount(artists.codes, minlength=1000) == artists.counts).all()


def test_titles_that_never_recur_are_one_category(tmp_path):
    pq.write_table(pa.table({"title": [f"song {i}" for i in range(1500)]}), tmp_path / "items.parquet")
    titles = Items(tmp_path / "items.parquet", 1500).categories("title")
    assert titles.names == ("1,500 rarer names",)
    assert titles.counts.tolist() == [1500]


def test_numbers_agree_with_pandas(items, table):
    for name in ("digit", "year", "score", "few"):
        expected = table[name].to_pandas().to_numpy(np.float64)
        np.testing.assert_array_equal(items.numbers(name), expected)
    live = items.numbers("live")
    assert np.isnan(live[0])
    assert set(live[1:]) == {0.0, 1.0}
    assert items.numbers("when")[1] == datetime(2024, 1, 2, tzinfo=UTC).timestamp()
    assert items.numbers("to the nanosecond")[1] == datetime(2024, 1, 2, tzinfo=UTC).timestamp()
    assert items.numbers("day")[1] == datetime(2024, 1, 2, tzinfo=UTC).timestamp()


def test_text_is_no_number(items):
    with pytest.raises(InputError, match="'genre' holds string, not numbers"):
        items.numbers("genre")


def test_numbers_kept_as_a_dictionary_are_numbers(tmp_path):
    pq.write_table(pa.table({"code": pa.array([3, 1, 3]).dictionary_encode()}), tmp_path / "items.parquet")
    items = Items(tmp_path / "items.parquet", 3)
    assert items.numbers("code").tolist() == [3, 1, 3]
    assert items.categories("code").names == ("1", "3")


def test_items_that_cannot_be_read_are_told_in_one_sentence(tmp_path):
    pq.write_table(pa.table({"name": not_utf8()}), tmp_path / "items.parquet")
    with pytest.raises(InputError, match=r"^The items cannot be read: Invalid string encoding .*\.$"):
        Items(tmp_path / "items.parquet", 3).columns  # noqa: B018 - looks at the values


@pytest.mark.parametrize(
    "use",
    [
        lambda items: items.categories("name"),
        lambda items: items.numbers("size"),
        lambda items: items.categories("list"),
        lambda items: items.fetch(np.arange(3)),
        lambda items: items.look_up([1]),
        lambda items: items.texts("list", range(2)),
    ],
)
def test_pages_that_are_damaged_though_the_footer_is_whole_are_told_in_one_sentence(tmp_path, use):
    path = tmp_path / "items.parquet"
    table = pa.table({"name": ["a", "b", "a"], "size": [0.5, 1.5, 0.5], "list": [[1], [2], [1]]})
    pq.write_table(table, path, compression="zstd")
    columns = Items(path, 3).columns
    content = path.read_bytes()
    start = content.rindex(b"PAR1") - 4
    footer = int.from_bytes(content[start : start + 4], "little")
    path.write_bytes(content[:4] + bytes(start - footer - 4) + content[start - footer :])
    items = Items(path, 3, columns)
    items.check()
    with pytest.raises(InputError, match=r"^The items cannot be read: .*: delete the folder .*again\.$"):
        use(items)


def not_utf8() -> pa.Array:
    """Three names in Latin-1, which Parquet takes for text."""
    names, ends = "ZoëAnnEva".encode("latin-1"), np.array([0, 3, 6, 9], np.int32)
    return pa.StringArray.from_buffers(3, pa.py_buffer(ends), pa.py_buffer(names))


@given(st.lists(st.integers(0, N - 1)))
def test_fetch_gives_the_rows_asked_for_in_their_order(items, table, rows):
    fetched = items.fetch(np.array(rows, int))
    assert fetched.column_names == ["row_id", *table.column_names]
    assert fetched["row_id"].to_pylist() == rows
    assert fetched["title"].to_pylist() == [f"song {row} of many" for row in rows]
    assert fetched["genre"].to_pylist() == [table["genre"][row].as_py() for row in rows]


def test_fetch_gives_the_columns_asked_for(items):
    assert items.fetch(np.array([7]), ["year", "title"]).column_names == ["row_id", "year", "title"]
    assert items.fetch(np.array([7, 7]), []).to_pydict() == {"row_id": [7, 7]}


@pytest.mark.parametrize("row", [-1, N])
def test_a_row_that_is_none_is_named(items, row):
    with pytest.raises(InputError, match=f"there is no row {row}"):
        items.fetch(np.array([0, row]))


def test_a_column_that_is_none_is_named(items):
    with pytest.raises(InputError, match="There is no column 'Genre'; the columns are genre,"):
        items.categories("Genre")
    with pytest.raises(InputError, match="There is no column 'mood'"):
        items.fetch(np.array([0]), ["mood"])


def test_many_threads_read_at_once(table, tmp_path):
    pq.write_table(table, tmp_path / "items.parquet", row_group_size=64)
    items = Items(tmp_path / "items.parquet", N)
    expected = Items(tmp_path / "items.parquet", N)
    problems = []

    def read():
        try:
            assert items.columns == expected.columns
            for name in (column.name for column in expected.columns if column.kind != "other"):
                assert (items.categories(name).codes == expected.categories(name).codes).all()
                assert items.fetch(np.arange(5), [name]).num_rows == 5
        except Exception as problem:
            problems.append(problem)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_a_column_being_read_keeps_nobody_else_waiting(table, tmp_path, monkeypatch):
    pq.write_table(table, tmp_path / "items.parquet")
    items, known = Items(tmp_path / "items.parquet", N), Items(tmp_path / "items.parquet", N).columns
    read, begun, go = items._read, threading.Event(), threading.Event()

    def slow(column):
        if column == "title":
            begun.set()
            assert go.wait(30)
        return read(column)

    monkeypatch.setattr(items, "_read", slow)
    with ThreadPoolExecutor() as threads:
        titles = [threads.submit(items.categories, "title") for _ in range(2)]
        assert begun.wait(30)
        try:
            others = [
                threads.submit(lambda: items.columns),
                threads.submit(lambda: items.numbers("score")),
                threads.submit(items.media, "title"),
            ]
            assert others[0].result(timeout=30) == known
            assert [len(others[1].result(timeout=30)), others[2].result(timeout=30)] == [N, "text"]
        finally:
            go.set()
        assert titles[0].result() is titles[1].result()


def test_the_columns_used_last_are_kept(table, tmp_path):
    wide = pa.table({f"c{place}": table["score"] for place in range(2 * MOST_KEPT)})
    pq.write_table(wide, tmp_path / "items.parquet")
    items = Items(tmp_path / "items.parquet", N)
    first = items.numbers("c0")
    for name in items.names[1:MOST_KEPT]:
        items.numbers(name)
    assert items.numbers("c0") is first
    for name in items.names[MOST_KEPT:]:
        items.numbers(name)
    assert items.numbers("c0") is not first
    assert len(items._cache) == MOST_KEPT


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY items TO '/tmp/stolen.csv'",
        "SET enable_external_access = true",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
    ],
)
def test_the_database_reaches_no_other_file(items, sql):
    items.columns  # noqa: B018 - opens the database
    with pytest.raises(duckdb.Error):
        items._connection.cursor().execute(sql)


def test_the_hours_of_a_condition_are_those_of_utc_on_any_machine(items):
    assert items.query("SELECT current_setting('TimeZone') AS zone")["zone"].to_pylist() == ["UTC"]


def test_items_may_have_no_columns(tmp_path):
    pq.write_table(pa.table({}), tmp_path / "items.parquet")
    items = Items(tmp_path / "items.parquet", 10)
    assert items.columns == ()
    assert items.fetch(np.array([9, 2])).to_pydict() == {"row_id": [9, 2]}


def test_a_database_that_was_given_up_is_opened_anew(items):
    known = items.where("score > 0.5")
    before = items._connection
    items.close()
    items.close()
    np.testing.assert_array_equal(items.where("score > 0.5"), known)
    assert items._connection is not before


def test_a_database_that_is_at_work_can_be_given_up(items):
    cursor, counted = (
        items._cursor(),
        "SELECT count(*) FROM range(20000) a, range(20000) b WHERE a.range > b.range",
    )
    with ThreadPoolExecutor() as threads:
        slow = threads.submit(lambda: cursor.execute(counted).fetchone())
        time.sleep(0.1)
        at_work = not slow.done()
        items.close()
        assert slow.result() == (20_000 * 19_999 // 2,)
    assert at_work, "it took less than a tenth of a second"
    assert len(items.where("score > 0.5")) > 0
