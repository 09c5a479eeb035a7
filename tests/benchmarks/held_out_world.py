"""Catalogues of a shop, other than sample_data's in all that an audit looks at, so that it has no home there.

From seed to seed differ: how many groups of products there are (12 to 60) and how many kinds of product name
them, 24 to 96 dimensions, how uneven the groups' sizes, densities and tails are, how many kinds are mistaken
here and there (up to 3%), and what the other columns know of the groups. Groups are ellipsoids of all
dimensions, not bent patches; near duplicates are equal but for rounding; faults are planted in groups of any
shape.

Those of seeds 2 to 7 were looked at, and told that clusters of few rows were called out of line by chance,
that dear goods were said to lack cheap ones, and that single mistakes made two groups meet. No rule or
threshold was set by the others, and none is to be: they tell what an audit does to data that nobody has seen.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = ("kind", "brand", "region", "grade", "on_sale", "price")
TIME = "day"
CHUNK = 50_000
DAYS, FIRST_DAY = 730, np.datetime64("2023-01-01", "D")
COPIED, SAME = 0.02, 1e-5
END = 0.85
"""Where on its longest axis the mislabelled end of a group begins, in its spreads."""
MISTAKEN = 0.4
"""Share of the mixed group's rows that go by another kind."""


@dataclass(frozen=True)
class Shop:
    """What rows are drawn from: n groups in D dimensions, K kinds."""

    kind: np.ndarray  # int (n,)
    share: np.ndarray  # float (n,), sums to 1
    centre: np.ndarray  # float32 (n, D)
    shape: np.ndarray  # float32 (n, D, D), standard normal rows to those of a group, the longest axis first
    freedom: float  # of Student's t, by which far a row lies out
    noise: float  # share of the kinds that are any
    brand: np.ndarray  # float (n, brands), rows sum to 1
    region: np.ndarray  # float (n, regions), likewise
    slope: np.ndarray  # float (n, grades), what grade is likely where on the longest axis
    price: np.ndarray  # float (n,), log of the usual one
    fault: dict[str, int]  # the group of each; none without faults
    instead: tuple[int, int]  # the kinds that mixed and mislabelled rows go by
    lost: int  # the region that one group misses


def make_shop(seed: int, faults: bool) -> Shop:
    """Draw a world."""
    rng = np.random.default_rng([seed, 2718])
    dims, n = int(rng.integers(24, 97)), int(rng.integers(12, 61))
    n_kinds = int(rng.integers(n // 3, n + 1))
    kind = np.concatenate([np.arange(n_kinds), rng.integers(0, n_kinds, n - n_kinds)])
    share = rng.lognormal(0, rng.uniform(0, 0.8), n)
    axes = np.arange(1, dims + 1) ** -rng.uniform(0.7, 1.2)
    turned = np.linalg.qr(rng.normal(size=(n, dims, dims)))[0]
    shape = rng.lognormal(0, 0.3, n)[:, None, None] * (axes / np.linalg.norm(axes))[:, None] * turned
    of_kind, own = rng.normal(size=(n_kinds, dims)), rng.normal(size=(n, dims))
    brands, regions = int(rng.integers(20, 200)), int(rng.integers(5, 10))
    brand = rng.gamma(2, size=(n, brands)) / np.arange(1, brands + 1)
    region = rng.lognormal(0, rng.uniform(0.1, 0.6), (n, regions)) * rng.dirichlet(np.full(regions, 5.0))
    names = ("mixed", "mislabelled", "missing", "thinning")
    faulty = dict(zip(names, np.argsort(-share)[1:5].tolist(), strict=True)) if faults else {}
    others = [np.flatnonzero(kind != kind[faulty.get(name, 0)]) for name in names[:2]]
    lost = int(region.sum(axis=0).argmax())
    if faults:
        region[faulty["missing"], lost] = 0
    return Shop(
        kind=kind,
        share=share / share.sum(),
        centre=((3 * of_kind[kind] + 1.4 * own) / np.sqrt(dims)).astype(np.float32),
        shape=shape.astype(np.float32),
        freedom=float(rng.choice([4.0, 8.0, 100.0])),
        noise=float(rng.uniform(0, 0.03)),
        brand=brand / brand.sum(axis=1, keepdims=True),
        region=region / region.sum(axis=1, keepdims=True),
        slope=rng.normal(scale=1.5, size=(n, int(rng.integers(3, 7)))),
        price=rng.normal(2, 0.5, n),
        fault=faulty,
        instead=(int(kind[rng.choice(others[0])]), int(kind[rng.choice(others[1])])),
        lost=lost,
    )


def write_shop(n: int, out: Path, *, seed: int = 0, faults: bool = True) -> Path:
    """Write a catalogue to a Parquet file and its truth beside it, as ``write_catalogue`` does."""
    shop = make_shop(seed, faults)
    truth: dict[str, list[Any]] = defaultdict(list)
    writer = None
    for number, first in enumerate(range(0, n, CHUNK)):
        rng = np.random.default_rng([seed, 3141, number])
        table = _chunk(shop, first, min(CHUNK, n - first), rng, truth)
        writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
        writer.write_table(table)
    assert writer is not None
    writer.close()
    told: dict[str, Any] = {"near_duplicates": {"groups": truth["copies"]}}
    about = {
        "mixed": {"column": "kind"},
        "mislabelled": {"column": "kind", "labelled": _name("kind", shop.instead[1])},
        "missing": {"column": "region", "category": _name("region", shop.lost)},
        "thinning": {"column": TIME},
    }
    told |= {name: of | {"rows": truth[name]} for name, of in about.items()}
    beside = out.with_suffix(".truth.json")
    beside.write_text(json.dumps({"rows": n, "seed": seed, "faults": told if faults else {}}))
    return beside


def _chunk(shop: Shop, first: int, m: int, rng: np.random.Generator, truth: dict[str, list[Any]]) -> pa.Table:
    """Draw m rows and note the faults among them."""
    groups, dims = shop.centre.shape
    copy = _copies(m, rng, truth["copies"], first) if shop.fault else np.arange(m)
    group = rng.choice(groups, size=m, p=shop.share)[copy]
    place = rng.standard_normal((m, dims), dtype=np.float32)
    place /= np.sqrt(rng.chisquare(shop.freedom, (m, 1)) / shop.freedom).astype(np.float32)
    place = place[copy]
    vectors = shop.centre[group] + np.float32(SAME) * rng.standard_normal((m, dims), dtype=np.float32)
    for one in range(groups):
        rows = group == one
        vectors[rows] += place[rows] @ shop.shape[one]
    mistaken, drawn = rng.random(m)[copy] < shop.noise, rng.integers(0, shop.kind.max() + 1, m)[copy]
    kind = np.where(mistaken, drawn, shop.kind[group])
    at = {name: group == one for name, one in shop.fault.items()}
    if at:
        end = at["mislabelled"] & (place[:, 0] > END)
        kind[at["mixed"] & (rng.random(m)[copy] < MISTAKEN)] = shop.instead[0]
        kind[end] = shop.instead[1]
        at["mislabelled"] = end
    for name, rows in at.items():
        truth[name] += (first + np.flatnonzero(rows)).tolist()
    when = rng.random(m)
    # Of the group that thins out a twentieth comes in at the end of what came in at first.
    early = -np.log1p(when * np.expm1(-3)) / 3
    day = (DAYS * np.where(at.get("thinning", False), early, when)).astype(int)
    grade = (shop.slope[group] * place[:, :1] + rng.gumbel(size=(m, shop.slope.shape[1]))).argmax(axis=1)
    price = np.exp(shop.price[group] + 0.4 * rng.normal(size=m)).round(2)
    columns = {
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dims),
        "kind": _names("kind", kind, int(shop.kind.max()) + 1),
        "brand": _names("brand", _drawn(shop.brand, group, rng)[copy], shop.brand.shape[1]),
        "region": _names(
            "region", _drawn(shop.region, group, rng)[copy], shop.region.shape[1], rng.random(m) < 0.02
        ),
        "grade": _names("grade", grade[copy], shop.slope.shape[1]),
        "on_sale": pa.array(rng.random(m)[copy] < 0.1),
        "price": pa.array(price[copy]),
        TIME: pa.array(FIRST_DAY + day),
    }
    return pa.table(columns)


def _copies(m: int, rng: np.random.Generator, groups: list[Any], first: int) -> np.ndarray:
    """Which row each of m is a copy of, itself for most; notes the groups, of two to five."""
    copy, order = np.arange(m), rng.permutation(m)[: round(COPIED * m)]
    ends = np.cumsum(rng.integers(2, 6, len(order)))
    for members in np.split(order, ends[ends <= len(order)])[:-1]:
        copy[members] = members[0]
        groups.append((first + np.sort(members)).tolist())
    return copy


def _drawn(chances: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a category a row by the chances of its group."""
    codes = np.empty(len(group), int)
    for one in np.unique(group):
        rows = np.flatnonzero(group == one)
        codes[rows] = rng.choice(chances.shape[1], size=len(rows), p=chances[one])
    return codes


def _name(column: str, code: int) -> str:
    return f"{column} {code + 1}"


def _names(column: str, codes: np.ndarray, n: int, missing: np.ndarray | None = None) -> pa.Array:
    names = pa.array([_name(column, code) for code in range(n)])
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=missing), names)
