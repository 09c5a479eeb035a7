"""What a user waits for besides a warm fit: the import, the first fit with nothing compiled, new points.

``python tests/benchmarks/bench_first_fit.py``. The first fit is that of all of MNIST in a process whose
compiler has an empty cache; the second process finds the cache filled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
FIT = """
import sys, time
start = time.perf_counter()
from core import UMAP
print(f"import           {time.perf_counter() - start:8.2f} s")
import numpy as np
x = np.load(sys.argv[1])
start = time.perf_counter()
UMAP(random_state=42).fit(x)
print(f"fit of MNIST     {time.perf_counter() - start:8.2f} s")
"""
TRANSFORM = """
import sys, time
import numpy as np
from core import UMAP
x = np.load(sys.argv[1])
model = UMAP(random_state=42).fit(x[:60_000])
model.transform(x[:100])
start = time.perf_counter()
model.transform(x[60_000:])
print(f"10,000 new rows  {(time.perf_counter() - start) / 10:8.3f} ms each")
seconds = []
for i in range(60_000, 60_050):
    start = time.perf_counter()
    model.transform(x[i : i + 1])
    seconds.append(time.perf_counter() - start)
print(f"one new row      {1000 * sorted(seconds)[25]:8.2f} ms")
start = time.perf_counter()
model.inverse_transform(model.embedding_[:10_000] + np.float32(0.01))
print(f"10,000 ways back {(time.perf_counter() - start) / 10:8.3f} ms each")
"""


def main() -> None:
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet")
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    with tempfile.TemporaryDirectory() as folder:
        vectors = str(Path(folder) / "mnist.npy")
        np.save(vectors, pixels.astype(np.float32))
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder) / "cache"), "PYTHONPATH": str(ROOT)}
        for title, script in (
            ("Nothing compiled:", FIT),
            ("Compiled before:", FIT),
            ("Fitted on 60,000 digits, warm:", TRANSFORM),
        ):
            print(title, flush=True)
            subprocess.run([sys.executable, "-c", script, vectors], env=environment, check=True)


if __name__ == "__main__":
    main()
