"""The shipped MNIST is what its README says."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from repack_mnist import repack


def test_shipped_mnist_has_all_digits_in_their_order(mnist_path: Path) -> None:
    table = pq.read_table(mnist_path, columns=["digit", "split"])
    split = table["split"].to_numpy()
    assert table.num_rows == 70_000
    assert set(split[:60_000]) == {"train"}
    assert set(split[60_000:]) == {"test"}
    # The first digits and the class sizes as published with the data set.
    assert table["digit"].to_pylist()[:5] == [5, 0, 4, 1, 9]
    counts = np.bincount(table["digit"].to_numpy()[:60_000])
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


def test_shipped_mnist_images_are_784_bytes_each(mnist_path: Path) -> None:
    file = pq.ParquetFile(mnist_path)
    assert file.schema_arrow.field("image").type == pa.list_(pa.uint8(), 784)
    first = file.read_row_group(0, columns=["image"])["image"].combine_chunks().flatten().to_numpy()
    assert first.max() == 255
    assert first[:784].reshape(28, 28)[:, :3].max() == 0  # digits keep a margin


def test_repacking_keeps_every_pixel(tmp_path: Path, mnist_small: tuple[np.ndarray, np.ndarray]) -> None:
    images, digits = mnist_small
    np.savez(tmp_path / "few.npz", images=images[:50].astype(np.uint8), labels=digits[:50])
    repack(tmp_path / "few.npz", tmp_path / "few.parquet")
    table = pq.read_table(tmp_path / "few.parquet")
    kept = table["image"].combine_chunks().flatten().to_numpy().reshape(50, 784)
    assert (kept == images[:50]).all()
    assert (table["digit"].to_numpy() == digits[:50]).all()
