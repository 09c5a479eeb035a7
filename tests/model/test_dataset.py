"""Files of every kind become the same vectors and items; what is wrong with one is said in one sentence."""

import json
import pickle
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from scipy.sparse import csr_array, save_npz

from explorer.model.dataset import read_source
from explorer.model.doing import Doing, StoppedError
from explorer.model.errors import InputError
from explorer.model.reading import read_given_json
from explorer.model.source import source_of
from explorer.model.workspace import Workspace

N, DIMS = 300, 6


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(N, DIMS)).astype(np.float32)


@pytest.fixture(scope="module")
def items() -> dict[str, list]:
    return {"genre": [f"g{i % 4}" for i in range(N)], "year": list(range(N))}


@pytest.fixture
def workspace(tmp_path):
    with Workspace(tmp_path / "workspace") as workspace:
        yield workspace


def lists(vectors, kind):
    flat = pa.array(vectors.ravel())
    if kind == "fixed":
        return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    offsets = np.arange(0, vectors.size + 1, vectors.shape[1])
    made = pa.LargeListArray if kind == "large" else pa.ListArray
    return made.from_arrays(pa.array(offsets, pa.int64() if kind == "large" else pa.int32()), flat)


def write_npy(path, vectors, items):
    np.save(path / "data.npy", vectors)
    pq.write_table(pa.table(items), path / "items.parquet")
    return {"data": path / "data.npy", "items": path / "items.parquet"}


def write_npz(path, vectors, items):
    np.savez_compressed(
        path / "data.npz", vectors=vectors, **{name: np.array(column) for name, column in items.items()}
    )
    return {"data": path / "data.npz"}


def write_lists(kind):
    def write(path, vectors, items):
        pq.write_table(
            pa.table({**items, "v": lists(vectors, kind)}), path / "data.parquet", row_group_size=70
        )
        return {"data": path / "data.parquet"}

    return write


def write_columns(path, vectors, items):
    columns = {f"x{i}": vectors[:, i] for i in range(DIMS)}
    pq.write_table(pa.table({**items, **columns}), path / "data.parquet")
    return {"data": path / "data.parquet"}


def write_csv(path, vectors, items):
    columns = {f"x{i}": vectors[:, i] for i in range(DIMS)}
    pd.DataFrame({**items, **columns}).to_csv(path / "data.csv", index=False)
    return {"data": path / "data.csv"}


def write_feather(path, vectors, items):
    table = pa.table({**items, "v": lists(vectors, "fixed")})
    pa.feather.write_feather(table, str(path / "data.arrow"))
    return {"data": path / "data.arrow"}


def write_apart(path, vectors, items):
    np.save(path / "vectors.npy", vectors)
    pd.DataFrame(items).to_csv(path / "items.csv", index=False)
    return {"data": path / "items.csv", "vectors": str(path / "vectors.npy")}


WRITERS = {
    "npy and parquet": write_npy,
    "npz": write_npz,
    "parquet of lists": write_lists("plain"),
    "parquet of large lists": write_lists("large"),
    "parquet of fixed-size lists": write_lists("fixed"),
    "parquet of columns": write_columns,
    "csv": write_csv,
    "arrow": write_feather,
    "csv beside npy": write_apart,
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_every_kind_of_file_gives_the_same_vectors_and_items(workspace, tmp_path, vectors, items, write):
    dataset = workspace.add_dataset(**write(tmp_path, vectors, items))
    assert dataset.vectors.dtype == np.float32
    np.testing.assert_array_equal(dataset.vectors, vectors)
    fetched = dataset.items.fetch(np.arange(N))
    assert fetched.select(list(items)).to_pydict() == items
    assert fetched.column_names == ["row_id", *items]


def test_the_hash_depends_on_the_vectors_alone(workspace, tmp_path, vectors, items):
    with_items = workspace.add_dataset(**write_npz(tmp_path, vectors, items))
    np.save(tmp_path / "bare.npy", vectors.astype(np.float64))
    bare = workspace.add_dataset(tmp_path / "bare.npy")
    assert bare.hash == with_items.hash
    assert bare.id != with_items.id
    np.save(tmp_path / "other.npy", vectors + np.float32(1))
    assert workspace.add_dataset(tmp_path / "other.npy").hash != bare.hash
    np.save(tmp_path / "reshaped.npy", vectors.reshape(N * 2, DIMS // 2))
    assert workspace.add_dataset(tmp_path / "reshaped.npy").hash != bare.hash


def test_the_same_content_is_kept_once(workspace, tmp_path, vectors, items):
    first = workspace.add_dataset(**write_npz(tmp_path, vectors, items))
    again = workspace.add_dataset(tmp_path / "data.npz")
    (tmp_path / "elsewhere").mkdir()
    copy = workspace.add_dataset(**write_npz(tmp_path / "elsewhere", vectors, items))
    assert first.id == again.id == copy.id
    assert len(workspace.datasets()) == 1


def test_a_changed_file_is_read_again(workspace, tmp_path, vectors):
    np.save(tmp_path / "data.npy", vectors)
    first = workspace.add_dataset(tmp_path / "data.npy")
    np.save(tmp_path / "data.npy", vectors[::-1])
    assert workspace.add_dataset(tmp_path / "data.npy").hash != first.hash


def test_whole_numbers_stay_exact(workspace, tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), dtype=np.uint8)
    np.save(tmp_path / "images.npy", images)
    dataset = workspace.add_dataset(tmp_path / "images.npy")
    np.testing.assert_array_equal(dataset.vectors, images.reshape(50, 784))
    assert dataset.image_side == 28


def test_only_what_looks_like_an_image_counts_as_one(workspace, tmp_path, mnist_small):
    images, _ = mnist_small
    rng = np.random.default_rng(0)
    cases = {
        "digits": (rng.integers(0, 17, (40, 64)).astype(np.float64), 8),
        "scaled": (images[:50] / 255, 28),
        "embeddings": (rng.normal(size=(40, 784)), None),
        "counts": (rng.integers(0, 5_000, (40, 784)), None),
        "oblong": (rng.integers(0, 256, (40, 783)), None),
        "tiny": (rng.integers(0, 256, (40, 9)), None),
    }
    for name, (data, side) in cases.items():
        np.save(tmp_path / f"{name}.npy", data)
        assert workspace.add_dataset(tmp_path / f"{name}.npy").image_side == side, name


def test_an_array_or_column_can_be_named(workspace, tmp_path, vectors):
    np.savez(tmp_path / "two.npz", a=vectors, b=vectors * 2)
    np.testing.assert_array_equal(read_source(tmp_path / "two.npz", vectors="b").vectors, vectors * 2)
    table = pa.table({"a": lists(vectors, "plain"), "b": lists(vectors * 2, "fixed"), "name": ["x"] * N})
    pq.write_table(table, tmp_path / "two.parquet")
    source = read_source(tmp_path / "two.parquet", vectors="b")
    np.testing.assert_array_equal(source.vectors, vectors * 2)
    assert source.items.column_names == ["a", "name"]


def test_columns_can_be_named_by_list_and_pattern(tmp_path):
    pd.DataFrame({"red": [1, 2, 3], "green": [4, 5, 6], "blue": [7, 8, 9]}).to_csv(
        tmp_path / "c.csv", index=False
    )
    by_list = read_source(tmp_path / "c.csv", vectors="blue,red")
    by_pattern = read_source(tmp_path / "c.csv", vectors="*e*")
    np.testing.assert_array_equal(by_list.vectors, [[7, 1], [8, 2], [9, 3]])
    np.testing.assert_array_equal(by_pattern.vectors, [[1, 4, 7], [2, 5, 8], [3, 6, 9]])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_column_that_is_named_twice_counts_once(tmp_path, suffix):
    table = pd.DataFrame({"red": [1, 2, 3], "green": [4, 5, 6], "blue": [7, 8, 9]})
    path = tmp_path / f"c{suffix}"
    table.to_csv(path, index=False) if suffix == ".csv" else table.to_parquet(path)
    source = read_source(path, vectors="green,red,*re*")
    np.testing.assert_array_equal(source.vectors, [[4, 1], [5, 2], [6, 3]])


def test_a_list_of_columns_may_be_longer_than_the_name_of_a_file(workspace, tmp_path):
    names = [f"measurement number {i} of many" for i in range(40)]
    pd.DataFrame({name: [0.5, i, 1] for i, name in enumerate(names)}).to_parquet(tmp_path / "m.parquet")
    dataset = workspace.add_dataset(tmp_path / "m.parquet", vectors=",".join(names[::2]))
    np.testing.assert_array_equal(dataset.vectors[1], np.arange(0, 40, 2))


def test_measurements_are_vectors_and_items_both_and_a_label_is_no_measurement(tmp_path):
    pd.DataFrame(
        {"width": [1.0, 2, 0], "height": [3.0, 4, 0], "label": [0, 1, 1], "kind": ["a", "b", "b"]}
    ).to_csv(tmp_path / "c.csv", index=False)
    source = read_source(tmp_path / "c.csv")
    np.testing.assert_array_equal(source.vectors, [[1, 3], [2, 4], [0, 0]])
    assert source.items.column_names == ["width", "height", "label", "kind"]


@pytest.mark.parametrize("header", [None, "0,1,2"])
def test_a_csv_of_bare_numbers_needs_no_header(tmp_path, header):
    rows = "1.5,2,3\n4,5,6.25\n7,8,9\n"
    (tmp_path / "c.csv").write_text(rows if header is None else f"{header}\n{rows}")
    np.testing.assert_array_equal(
        read_source(tmp_path / "c.csv").vectors, [[1.5, 2, 3], [4, 5, 6.25], [7, 8, 9]]
    )


@pytest.mark.parametrize(
    ("header", "rows", "n"),
    [
        ("400,402,404,406", "5,1,2,2\n7,8,3,1\n1,2,3,4\n", 3),
        ("400.5,400.6,400.7", "5,,2\n7,8,3\n9,9,9\n", 3),
        ("4000,3998,3996", "5,1,2.5\n7,8,3\n9,9,9\n", 3),
        ("2000,2001,2003", "5,1,2\n7,8,3\n9,9,9\n", 4),
        ("5,5,5", "5,1,2\n7,8,3\n9,9,9\n", 4),
        ("10,20", "5,1\n7,8\n9,9\n", 4),
        ("10,20,30", "1,2,3\n7,8,9\n10,20,30\n", 4),
    ],
)
def test_numbers_a_step_apart_name_the_columns_of_rows_that_are_not(tmp_path, header, rows, n):
    (tmp_path / "c.csv").write_text(f"{header}\n{rows}")
    source = read_source(tmp_path / "c.csv")
    assert source.n == n
    assert (source.columns == tuple(header.split(","))) == (n == 3)


def test_an_empty_cell_of_a_csv_is_missing_and_na_is_a_name(tmp_path):
    (tmp_path / "c.csv").write_text('x0,x1,country,city\n1,2,NA,Windhoek\n3,4,,""\n5,6,SE,Lund\n')
    items = read_source(tmp_path / "c.csv").items
    assert items["country"].to_pylist() == ["NA", None, "SE"]
    assert items["city"].to_pylist() == ["Windhoek", None, "Lund"]


@pytest.mark.parametrize(("mark", "suffix"), [(",", "csv"), (";", "csv"), ("\t", "csv"), ("\t", "tsv")])
def test_the_mark_between_columns_is_seen(tmp_path, mark, suffix):
    path = tmp_path / f"c.{suffix}"
    path.write_text("x0,x1,name\n1,2,a\n3,4,b\n5,6,c\n".replace(",", mark))
    source = read_source(path)
    np.testing.assert_array_equal(source.vectors, [[1, 2], [3, 4], [5, 6]])
    assert source.items.to_pydict() == {"name": ["a", "b", "c"]}


def test_arrays_beside_the_vectors_may_be_bytes_or_of_another_machine(tmp_path):
    np.savez(
        tmp_path / "d.npz",
        v=np.ones((3, 3), ">f8"),
        name=np.array([b"a", b"b", b"c"]),
        year=np.array([1, 2, 3], ">i4"),
    )
    source = read_source(tmp_path / "d.npz")
    np.testing.assert_array_equal(source.vectors, np.ones((3, 3)))
    assert source.items.to_pydict() == {"name": ["a", "b", "c"], "year": [1, 2, 3]}


def test_a_file_with_any_byte_changed_is_read_or_refused(tmp_path, vectors, items):
    rng = np.random.default_rng(0)
    for write in (write_npz, write_lists("plain"), write_csv, write_feather):
        path = write(tmp_path, vectors[:20], {name: column[:20] for name, column in items.items()})["data"]
        whole = path.read_bytes()
        for _ in range(60):
            changed = bytearray(whole)
            for place in rng.integers(0, len(whole), 3):
                changed[place] = rng.integers(256)
            path.write_bytes(changed[: rng.integers(1, len(whole))] if rng.random() < 0.2 else changed)
            with suppress(InputError):
                assert np.isfinite(read_source(path).vectors).all()


def test_names_of_items_are_made_to_differ(tmp_path, vectors):
    np.save(tmp_path / "v.npy", vectors[:3])
    (tmp_path / "i.csv").write_text(",row_id,Name,name\n1,2,a,b\n3,4,c,d\n5,6,e,f\n")
    source = read_source(tmp_path / "v.npy", items=tmp_path / "i.csv")
    assert source.items.column_names == ["column_0", "row_id_", "Name", "name_"]


def test_what_extends_a_type_keeps_its_meaning():
    """As DuckDB writes uuids, Arrow small decimals, and pandas what its cut gives."""
    numbers = [3, None, 5]
    table = pa.table(
        {
            "x0": [1, 2, 3],
            "x1": [3, 1, 2],
            "uuid": pa.ExtensionArray.from_storage(
                pa.uuid(), pa.array([b"\x12" * 16, None, bytes(16)], pa.binary(16))
            ),
            "yes": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
            "price": pa.array(numbers, pa.int32()).cast(pa.decimal128(12, 2)),
        }
    )
    items = source_of(table, ["x0", "x1"]).items
    assert items["uuid"].to_pylist() == [
        "12121212-1212-1212-1212-121212121212",
        None,
        "00000000-0000-0000-0000-000000000000",
    ]
    assert items["yes"].to_pylist() == [True, None, False]
    assert items["price"].to_pylist() == numbers
    frame = pd.DataFrame({"x0": [1.0, 2, 3], "x1": [3.0, 1, 2]}).assign(
        part=pd.cut([0.5, np.nan, 1.5], [0, 1, 2]),
        month=pd.PeriodIndex(["2024-03", None, "2024-04"], freq="M"),
    )
    items = source_of(frame, ["x0", "x1"]).items
    assert items["part"].to_pylist() == ["(0, 1]", None, "(1, 2]"]
    assert items["month"].to_pylist() == ["2024-03", None, "2024-04"]


def test_importing_reports_its_progress(workspace, tmp_path):
    np.save(tmp_path / "long.npy", np.zeros((50_000, 64)))
    pq.write_table(pa.table({"name": [f"row {i}" for i in range(50_000)]}), tmp_path / "names.parquet")
    shares = []
    workspace.add_dataset(tmp_path / "long.npy", items=tmp_path / "names.parquet", progress=shares.append)
    assert shares == sorted(shares)
    assert len(shares) >= 4
    assert shares[0] == 0
    assert shares[-1] == 1
    assert len([share for share in shares if share < 1]) >= 3


@pytest.mark.parametrize("at", [0, 0.3, 0.99, 1])
def test_an_import_ended_at_any_moment_leaves_the_workspace_as_it_was(workspace, tmp_path, at):
    np.save(tmp_path / "first.npy", np.ones((20, 3)))
    workspace.add_dataset(tmp_path / "first.npy")
    np.save(tmp_path / "long.npy", np.zeros((50_000, 64)))
    pq.write_table(pa.table({"name": [f"row {i}" for i in range(50_000)]}), tmp_path / "names.parquet")
    before = sorted(workspace.path.rglob("*"))
    doing = Doing("reading")

    def stop(share):
        if share >= at:
            doing.stop()
        doing(share)

    with pytest.raises(StoppedError):
        workspace.add_dataset(tmp_path / "long.npy", items=tmp_path / "names.parquet", progress=stop)
    assert sorted(workspace.path.rglob("*")) == before
    assert workspace.add_dataset(tmp_path / "long.npy").n == 50_000


# Bad input: each function writes a file and gives the arguments; the sentence must name what is at fault.


def bad_missing(path):
    return {"data": path / "none.npy"}, "There is no file"


def bad_folder(path):
    (path / "folder.npy").mkdir()
    return {"data": path / "folder.npy"}, "is a folder"


def bad_kind(path):
    (path / "data.xlsx").write_bytes(b"PK")
    return {"data": path / "data.xlsx"}, "data.xlsx is of no known kind: the kinds are .npy"


def bad_column(path):
    pd.DataFrame({"a": [1, 2], "b": [3, 4]}).to_csv(path / "d.csv", index=False)
    return {
        "data": path / "d.csv",
        "vectors": "embedding",
    }, "d.csv has no column 'embedding'; its columns are a, b"


def bad_array(path):
    np.savez(path / "d.npz", a=np.zeros((3, 2)))
    return {"data": path / "d.npz", "vectors": "b"}, "d.npz has no array 'b'; its arrays are a."


def bad_choice(path):
    np.savez(path / "d.npz", a=np.zeros((3, 2)), b=np.ones((3, 2)))
    return {
        "data": path / "d.npz"
    }, "several arrays that could be vectors (a (3, 2), b (3, 2)): name the one to use."


def bad_nan(path):
    vectors = np.ones((20_000, 3))
    vectors[17_000, 2] = np.nan
    np.save(path / "d.npy", vectors)
    return {"data": path / "d.npy"}, "d.npy: row 17000, column 2 is not a number (NaN)"


def bad_infinity(path):
    pd.DataFrame({"x0": [1, 2, np.inf], "x1": [1, 2, 3]}).to_parquet(path / "d.parquet")
    return {"data": path / "d.parquet"}, "row 2, column 'x0' is infinite"


def bad_missing_value(path):
    pd.DataFrame({"x0": [1, 2, 3], "x1": [1, None, 3]}).to_csv(path / "d.csv", index=False)
    return {"data": path / "d.csv"}, "row 1, column 'x1' is not a number (NaN)"


def bad_large_value(path):
    np.save(path / "d.npy", np.array([[1.0, 2.0], [1e300, 3.0], [0, 0]]))
    return {"data": path / "d.npy"}, "row 1, column 0 is 1e+300: too large for float32"


def bad_text(path):
    pd.DataFrame({"x0": ["1", "2", "three"], "x1": [1, 2, 3]}).to_csv(path / "d.csv", index=False)
    return {"data": path / "d.csv"}, "the column 'x0' holds string, in row 2 'three'"


def bad_text_array(path):
    np.save(path / "d.npy", np.array([["a", "b"], ["c", "d"]]))
    return {"data": path / "d.npy"}, "d.npy holds text: vectors must be numbers."


def bad_complex(path):
    np.save(path / "d.npy", np.ones((3, 3), complex))
    return {"data": path / "d.npy"}, "values of type complex128"


def bad_list_of_text(path):
    pq.write_table(pa.table({"v": [["a"], ["b"]]}), path / "d.parquet")
    return {"data": path / "d.parquet"}, "the column 'v' holds list<"


def bad_ragged(path):
    pq.write_table(pa.table({"v": [[1.0, 2.0], [3.0, 4.0], [5.0]]}), path / "d.parquet")
    return {"data": path / "d.parquet"}, "row 2 of 'v' has 1 value, not 2 like the first"


def bad_missing_list(path):
    pq.write_table(pa.table({"v": [[1.0, 2.0], None, [1.0, 2.0]]}), path / "d.parquet")
    return {"data": path / "d.parquet"}, "row 1 of 'v' is missing"


def bad_missing_in_list(path):
    pq.write_table(pa.table({"v": [[1.0, 2.0], [3.0, None], [1.0, 2.0]]}), path / "d.parquet")
    return {"data": path / "d.parquet"}, "row 1, column 1 is not a number (NaN)"


def bad_one_row(path):
    np.save(path / "d.npy", np.zeros((1, 3)))
    return {"data": path / "d.npy"}, "d.npy has one row: a map needs at least 3"


def bad_two_rows(path):
    np.save(path / "d.npy", np.eye(2))
    return {"data": path / "d.npy"}, "d.npy has two rows: a map needs at least 3"


def bad_no_row(path):
    pq.write_table(pa.table({"v": pa.array([], pa.list_(pa.float32()))}), path / "d.parquet")
    return {"data": path / "d.parquet"}, "has no rows"


def bad_empty_csv(path):
    (path / "d.csv").write_text("")
    return {"data": path / "d.csv"}, "d.csv is damaged or not what its name says"


def bad_one_dimension(path):
    np.save(path / "d.npy", np.zeros(30))
    return {"data": path / "d.npy"}, "d.npy has no rows and columns, as vectors must: its shape is (30,)."


def bad_length(path):
    np.save(path / "v.npy", np.zeros((30, 2)))
    pd.DataFrame({"name": ["a"] * 29}).to_csv(path / "i.csv", index=False)
    return {"data": path / "v.npy", "items": path / "i.csv"}, "i.csv has 29 rows but v.npy has 30 vectors"


def bad_pickled(path):
    np.save(path / "d.npy", np.array([{"a": 1}, None]), allow_pickle=True)
    return {"data": path / "d.npy"}, "d.npy holds pickled Python objects"


def bad_pickle_file(path):
    (path / "d.npy").write_bytes(pickle.dumps(np.zeros((3, 3))))
    return {"data": path / "d.npy"}, "d.npy holds pickled Python objects"


def bad_archive_as_array(path):
    np.savez(path / "d.npz", v=np.zeros((3, 3)))
    (path / "d.npz").rename(path / "d.npy")
    return {"data": path / "d.npy"}, "d.npy is an .npz archive: name it so."


def bad_archive_as_items(path):
    arguments, sentence = bad_archive_as_array(path)
    np.save(path / "v.npy", np.zeros((3, 3)))
    return {"data": path / "v.npy", "items": arguments["data"]}, sentence


def bad_pickled_member(path):
    np.savez(path / "d.npz", v=np.zeros((3, 3)), o=np.array([{}, {}, {}]))
    return {"data": path / "d.npz"}, "d.npz holds pickled Python objects"


def truncated(path, name, write):
    write(path / name)
    whole = (path / name).read_bytes()
    (path / name).write_bytes(whole[: len(whole) * 2 // 3])
    return {"data": path / name}, f"{name} is damaged or not what its name says"


def bad_cut_npy(path):
    return truncated(path, "d.npy", lambda target: np.save(target, np.ones((5_000, 8))))


def bad_cut_npz(path):
    return truncated(path, "d.npz", lambda target: np.savez(target, v=np.ones((5_000, 8))))


def bad_cut_parquet(path):
    return truncated(
        path, "d.parquet", lambda target: pq.write_table(pa.table({"x0": [1, 2], "x1": [3, 4]}), target)
    )


def bad_cut_arrow(path):
    table = pa.table({"x0": np.arange(5_000), "x1": np.arange(5_000)})
    return truncated(path, "d.arrow", lambda target: pa.feather.write_feather(table, str(target)))


def bad_inside_parquet(path):
    """The footer is whole; a page in the middle is not."""
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({"x0": rng.normal(size=9_000), "x1": rng.normal(size=9_000)}), path / "d.parquet")
    content = bytearray((path / "d.parquet").read_bytes())
    content[4:4_000] = bytes(3_996)
    (path / "d.parquet").write_bytes(content)
    return {"data": path / "d.parquet"}, "d.parquet is damaged or not what its name says"


def bad_text_of_bytes(path):
    """Text in Latin-1, which Parquet takes for UTF-8."""
    names, ends = "ZoëAnnEva".encode("latin-1"), np.array([0, 3, 6, 9], np.int32)
    text = pa.StringArray.from_buffers(3, pa.py_buffer(ends), pa.py_buffer(names))
    pq.write_table(pa.table({"x0": [1, 2, 3], "x1": [3, 1, 2], "name": text}), path / "d.parquet")
    return {
        "data": path / "d.parquet"
    }, "d.parquet: the column 'name' is not what it says it is (Invalid UTF8"


def bad_twins(path):
    (path / "d.csv").write_text("x0,x1,n,n\n1,2,3,4\n5,6,7,8\n")
    return {"data": path / "d.csv"}, "d.csv has several columns called 'n'"


def bad_items_array(path):
    np.savez(path / "d.npz", v=np.zeros((3, 2)), z=np.ones(3, complex))
    return {"data": path / "d.npz"}, "d.npz is damaged or not what its name says"


def bad_item_without_a_file(path):
    """A type that Arrow's own files have and Parquet has not."""
    rest = pa.array([(0, 1, 2)] * 3, pa.month_day_nano_interval())
    table = pa.table({"x0": [1, 2, 3], "x1": [3, 1, 2], "name": list("abc"), "rest": rest})
    with pa.ipc.new_file(path / "d.arrow", table.schema) as file:
        file.write_table(table)
    return {"data": path / "d.arrow"}, "The column 'rest' of the items holds month_day_nano_interval, which"


def bad_sparse(path):
    save_npz(path / "d.npz", csr_array(np.eye(5)))
    return {"data": path / "d.npz"}, "d.npz holds a sparse matrix of scipy, which is not read here"


def bad_ragged_csv(path):
    (path / "d.csv").write_text("x0,x1\n1,2\n3\n")
    return {"data": path / "d.csv"}, "d.csv is damaged or not what its name says: CSV parse error"


BAD = [value for name, value in dict(globals()).items() if name.startswith("bad_")]


@pytest.mark.parametrize("write", BAD, ids=lambda write: write.__name__)
def test_bad_input_is_refused_in_one_sentence_and_leaves_nothing(tmp_path, write):
    arguments, sentence = write(tmp_path)
    with Workspace(tmp_path / "workspace") as workspace:
        with pytest.raises(InputError) as error:
            workspace.add_dataset(**arguments)
        assert sentence in str(error.value)
        assert "\n" not in str(error.value)
        assert str(error.value).endswith((".", ")"))
        assert workspace.datasets() == []
        left = [
            path
            for path in (tmp_path / "workspace").rglob("*")
            if path.name not in (".lock", "workspace.json")
        ]
        assert [path for path in left if path.is_file()] == []


def test_a_dataset_is_plain_documented_files(workspace, tmp_path, vectors, items):
    dataset = workspace.add_dataset(**write_npz(tmp_path, vectors, items))
    folder = workspace.path / "datasets" / dataset.id
    assert {path.name for path in folder.iterdir()} == {"dataset.json", "vectors.npy", "items.parquet"}
    np.testing.assert_array_equal(np.load(folder / "vectors.npy"), vectors)
    assert pd.read_parquet(folder / "items.parquet")["genre"].tolist() == items["genre"]
    record = json.loads((folder / "dataset.json").read_text())
    assert (record["schema"], record["n"], record["dims"], record["hash"]) == (1, N, DIMS, dataset.hash)


def test_a_file_of_brackets_is_no_json(tmp_path):
    (tmp_path / "p.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"^p\.json is damaged or not what its name says: "):
        read_given_json(tmp_path / "p.json")


def test_no_array_is_ever_loaded_with_pickles():
    from pathlib import Path

    import explorer.model

    for path in Path(explorer.model.__path__[0]).glob("*.py"):
        for call in path.read_text().split("np.load(")[1:]:
            assert "allow_pickle=False" in call.splitlines()[0], path
