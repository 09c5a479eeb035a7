"""densMAP of MNIST, ours beside umap-learn's: how well it keeps the local radii and the digits, in what time.

``python tests/benchmarks/bench_density.py --peer PYTHON [--rows 20000]``, with PYTHON the interpreter of an
environment that holds umap-learn. The correlation is that of the logarithms of the radii in the data and on
the map, each side's own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
OURS, PEERS = "from core import UMAP", "from umap import UMAP"
FIT = """
import json, sys, time, warnings, numpy as np
sys.path.insert(0, sys.argv[2]); warnings.filterwarnings("ignore")
{}
from sklearn.neighbors import KNeighborsClassifier
x, digits = np.load(sys.argv[1] + "/x.npy"), np.load(sys.argv[1] + "/y.npy")
UMAP(densmap=True, output_dens=True, n_epochs=20, random_state=0).fit(x[:5000])
for densmap in (True, False):
    start = time.perf_counter()
    embedding, in_data, on_map = UMAP(densmap=densmap, output_dens=True, random_state=42).fit_transform(x)
    seconds = time.perf_counter() - start
    accuracy = KNeighborsClassifier(15).fit(embedding[::2], digits[::2]).score(embedding[1::2], digits[1::2])
    print(json.dumps([densmap, seconds, np.corrcoef(in_data, on_map)[0, 1], accuracy]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True)
    parser.add_argument("--rows", type=int, default=20_000)
    arguments = parser.parse_args()
    table = pq.read_table(ROOT / "sample_data" / "mnist.parquet").slice(0, arguments.rows)
    pixels = table["image"].combine_chunks().flatten().to_numpy().reshape(len(table), -1)
    print(f"{'':<22} {'seconds':>8} {'radii kept':>11} {'accuracy':>9}")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", pixels.astype(np.float32))
        np.save(Path(folder) / "y.npy", np.asarray(table["digit"]))
        for name, python, library in (
            ("ours", sys.executable, OURS),
            ("umap-learn", arguments.peer, PEERS),
        ):
            command = [python, "-c", FIT.format(library), folder, str(ROOT)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            for line in done.stdout.splitlines():
                densmap, seconds, correlation, accuracy = json.loads(line)
                title = f"{name}{', densMAP' if densmap else ''}"
                print(f"{title:<22} {seconds:8.1f} {correlation:11.3f} {accuracy:9.4f}", flush=True)


if __name__ == "__main__":
    main()
