"""Time what the server does when a map's colour changes to a column of 50 categories, and run statistics.

python tests/benchmarks/time_colour.py [--rows 1000000 5000000]
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.quality import distortion, map_graph, stability
from explorer.model.items import Items
from explorer.model.projection import Viewport
from explorer.model.selection import composition
from explorer.model.statistics import local_density
from explorer.views.colouring import colour_table
from explorer.views.shading import Colouring, Style, shade


def main() -> None:
    """Print milliseconds for each number of rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 5_000_000])
    parser.add_argument("--statistics", action="store_true", help="Time run statistics too.")
    args = parser.parse_args()
    draw(*made(1000), Viewport(-1, 1, -1, 1, 60, 50))  # compile
    for n in args.rows:
        embedding, items = made(n)
        viewport = Viewport.around(embedding, 792, 720)
        first = draw(embedding, items, viewport)
        again = min(draw(embedding, items, viewport) for _ in range(3))
        print(f"{n:,} rows: {first:.0f} ms the first time, {again:.0f} ms again")
        if args.statistics:
            print("  " + ", ".join(f"{name} {s:.1f} s" for name, s in statistics(embedding).items()))


def made(n: int) -> tuple[np.ndarray, Items]:
    """A map of 50 heaps and the items that say which."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 50, n)
    places = rng.uniform(-20, 20, size=(50, 2))[codes] + rng.normal(size=(n, 2))
    path = Path(tempfile.mkdtemp()) / "items.parquet"
    pq.write_table(
        pa.table({"kind": pa.array([f"kind {c:02d}" for c in range(50)]).take(pa.array(codes))}), path
    )
    items = Items(path, n)
    assert items.columns[0].kind == "categorical"
    embedding = places.astype(np.float32)
    embedding.setflags(write=False)
    return embedding, items


def draw(embedding: np.ndarray, items: Items, viewport: Viewport) -> float:
    """Milliseconds from the choice of a column to the frame and the rows of the legend."""
    begun = time.perf_counter()
    categories = items.categories("kind")
    composition(np.zeros(len(embedding), bool), categories)
    colouring = Colouring(categories.codes, colour_table(categories, True))
    shade(embedding, viewport, colouring, style=Style(True, False))
    return 1000 * (time.perf_counter() - begun)


def statistics(embedding: np.ndarray) -> dict[str, float]:
    """Seconds that each statistic takes."""
    rng = np.random.default_rng(1)
    moved = embedding + rng.normal(scale=0.01, size=embedding.shape).astype(np.float32)
    graph = map_graph(moved, 14)
    return {
        "local density": timed(lambda: local_density(embedding)),
        "distortion": timed(lambda: distortion(graph, embedding)),
        "stability of two": timed(lambda: stability([embedding, moved])),
    }


def timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
