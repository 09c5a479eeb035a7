"""How `mnist.parquet` was made: python sample_data/repack_mnist.py MNIST.npz OUT.parquet.

MNIST.npz holds `images` uint8 (70000, 784) and `labels` uint8 (70000,), the 60,000 training digits first,
then the 10,000 test digits, each image row by row from the top left.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

N_TRAIN = 60_000
N_PIXELS = 28 * 28


def repack(source: Path, target: Path) -> None:
    """Write one vector column `image`, and beside it `digit` and `split`, as Parquet."""
    with np.load(source) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    split = np.where(np.arange(len(labels)) < N_TRAIN, "train", "test")
    table = pa.table(
        {
            "image": pa.FixedSizeListArray.from_arrays(pa.array(images.ravel()), N_PIXELS),
            "digit": pa.array(labels),
            "split": pa.array(split).dictionary_encode(),
        }
    )
    # Level 19 is slow to write once, as fast to read as any, and 15% smaller than level 9.
    pq.write_table(
        table,
        target,
        compression="zstd",
        compression_level=19,
        use_dictionary=["digit", "split"],
        row_group_size=10_000,
        data_page_size=8 << 20,
    )


if __name__ == "__main__":
    repack(Path(sys.argv[1]), Path(sys.argv[2]))
