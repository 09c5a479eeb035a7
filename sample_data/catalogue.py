"""A music catalogue of any size, the same bytes for the same size, dimensions and seed.

    python sample_data/catalogue.py N OUT.parquet [--dims 128] [--seed 0] [--no-faults]

Writes OUT.parquet, an item a row with its embedding, and OUT.truth.json, the row ids of every planted fault.
README.md beside this file documents columns, geometry and faults. Nothing in it is a real song or artist.

The world (where clusters lie, how big they are, what their items are like) depends on dims and seed alone;
rows are drawn from it in independent chunks, so memory does not grow with N.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from music_items import describe
from music_world import (
    GENRES,
    JUNK_KINDS,
    MISLABELLED,
    MISLABELLED_AS,
    MISSING,
    MISSING_LANGUAGE,
    MIXED,
    THINNING,
    Chunk,
    World,
    draw_chunk,
    embed,
    make_world,
)

CHUNK = 50_000


class Truth:
    """Where the planted faults are, gathered chunk by chunk as row ids."""

    def __init__(self, world: World):
        self.world = world
        self.sizes = np.zeros(len(world.share), int)
        self.groups: list[list[int]] = []
        self.rows: dict[str, list[int]] = defaultdict(list)

    def add(self, chunk: Chunk) -> None:
        """Note the faults of one chunk."""
        sound = chunk.junk == 0
        self.sizes += np.bincount(chunk.cluster[sound], minlength=len(self.sizes))
        if not self.world.faults:
            return
        self.groups += [
            (chunk.first + np.flatnonzero(chunk.group == g)).tolist() for g in range(chunk.group.max() + 1)
        ]
        faults = {
            "mislabelled": chunk.mislabelled,
            "mixed": np.isin(chunk.cluster, self.world.mixed_clusters()) & sound,
            "missing": (chunk.cluster == self.world.first_cluster(MISSING)) & sound,
            "thinning": (chunk.cluster == self.world.first_cluster(THINNING)) & sound,
        } | {kind: chunk.junk == code for code, kind in enumerate(JUNK_KINDS) if kind}
        for name, mask in faults.items():
            self.rows[name] += (chunk.first + np.flatnonzero(mask)).tolist()

    def as_dict(self) -> dict[str, Any]:
        """Return the truth as it is written to OUT.truth.json."""
        names = list(GENRES)
        clusters = [
            {"cluster": c, "genre": names[g], "rows": int(size)}
            for c, (g, size) in enumerate(zip(self.world.genre, self.sizes, strict=True))
        ]
        if not self.world.faults:
            return {"clusters": clusters, "faults": {}}
        rows, cluster = self.rows, self.world.first_cluster
        return {
            "clusters": clusters,
            "faults": {
                "near_duplicates": {"groups": self.groups},
                "mislabelled": {
                    "cluster": cluster(MISLABELLED),
                    "column": "genre",
                    "true": MISLABELLED,
                    "labelled": MISLABELLED_AS,
                    "rows": rows["mislabelled"],
                },
                "mixed": {
                    "clusters": self.world.mixed_clusters(),
                    "column": "genre",
                    "categories": list(MIXED),
                    "rows": rows["mixed"],
                },
                "missing": {
                    "cluster": cluster(MISSING),
                    "column": "language",
                    "category": MISSING_LANGUAGE,
                    "rows": rows["missing"],
                },
                "thinning": {"cluster": cluster(THINNING), "column": "week_added", "rows": rows["thinning"]},
                "heavy_tail": {"exponent": -1.0, "largest": int(self.sizes.argmax())},
                "junk": {"kinds": {kind: rows[kind] for kind in JUNK_KINDS[1:]}},
            },
        }


def chunks(n: int, world: World, seed: int, truth: Truth) -> Iterator[pa.Table]:
    """Yield the catalogue in order, 50,000 rows a table; each chunk has a random stream of its own."""
    for number, first in enumerate(range(0, n, CHUNK)):
        rng = np.random.default_rng([seed, world.dims, number])
        chunk = draw_chunk(world, first, min(CHUNK, n - first), rng)
        truth.add(chunk)
        columns = describe(world, chunk, rng)
        values = pa.array(embed(world, chunk).ravel())
        yield pa.table({"embedding": pa.FixedSizeListArray.from_arrays(values, world.dims)} | columns)


def write_catalogue(n: int, out: Path, *, dims: int = 128, seed: int = 0, faults: bool = True) -> Path:
    """Write the catalogue to a Parquet file and its truth beside it.

    Parameters
    ----------
    n : int
        Rows, at least 1.
    out : Path
        The Parquet file; `out` with the suffix .truth.json holds the truth.
    dims : int, default 128
        Dimensions of the embedding, 64 to 256.
    seed : int, default 0
        Same n, dims and seed: same bytes.
    faults : bool, default True
        False leaves all faults out and makes the clusters equally likely.

    Returns
    -------
    Path
        The file of the truth.

    Raises
    ------
    ValueError
        When n, dims or seed is out of range.
    """
    if n < 1 or not 64 <= dims <= 256 or seed < 0:
        raise ValueError(
            f"A catalogue needs n >= 1, 64 <= dims <= 256 and seed >= 0, got {n}, {dims} and {seed}."
        )
    world = make_world(dims, seed, faults)
    truth = Truth(world)
    part = out.with_name(out.name + ".part")
    writer = None
    for table in chunks(n, world, seed, truth):
        writer = writer or pq.ParquetWriter(
            part,
            table.schema,
            compression="zstd",
            compression_level=3,
            use_dictionary=["title", "artist", "genre", "mood", "language", "week_added"],
            column_encoding={"embedding.list.element": "BYTE_STREAM_SPLIT"},
        )
        writer.write_table(table, row_group_size=CHUNK)
    assert writer is not None
    writer.close()
    part.replace(out)
    beside = out.with_suffix(".truth.json")
    record = {"rows": n, "dims": dims, "seed": seed, **truth.as_dict()}
    beside.write_text(json.dumps(record, separators=(",", ":")) + "\n")
    return beside


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Write a music catalogue with planted, documented faults.")
    parser.add_argument("n", type=int, metavar="N", help="rows")
    parser.add_argument("out", type=Path, metavar="OUT.parquet")
    parser.add_argument(
        "--dims", type=int, default=128, help="dimensions of the embedding, 64-256 (default 128)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-faults", action="store_true", help="a clean catalogue")
    given = parser.parse_args(arguments)
    try:
        truth = write_catalogue(
            given.n, given.out, dims=given.dims, seed=given.seed, faults=not given.no_faults
        )
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{given.n:,} rows in {given.out}, the truth in {truth}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
