"""Names of clusters from the columns beside the vectors: their commonest categories, their distinctive terms.

Terms are weighed by class-based TF-IDF (Grootendorst 2022, BERTopic): tf · log(1 + A / f), with tf the share
of a term among the words of a cluster, f its count in all clusters and A the mean count of words a cluster.
A term that is no commoner in a cluster than elsewhere names nothing, which leaves out the words of every
language that are everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from explorer.model.categories import MISSING
from explorer.model.condensed_tree import NOISE
from explorer.model.errors import InputError
from explorer.model.items import Items

NAMING_KINDS = ("text", "categorical", "boolean")
"""Kinds of columns that can name clusters."""
MOST_NAMED = 2_000
"""Clusters that get a name: of more the largest."""
MOST_CATEGORIES, MOST_TERMS, MOST_PARTS = 2, 3, 3
"""Of a column, of all text, and of a whole name."""
MOST_COLUMNS = 4
"""Of either kind, that names come from by default: each is read whole."""
LEAST_SHARE, LEAST_LIFT = 0.2, 1.2
"""A category names a cluster if it is this share of it, and so many times as common as in the data."""
LEAST_COUNT = 3
"""A term that occurs less often in a cluster does not name it."""
MOST_VOCABULARY, MOST_CELLS = 50_000, 20_000_000
MOST_LETTERS, LONGEST_TERM = 2_000, 30
"""Letters of a text that are looked at, and of a word that can be a term."""
BLOCK = 65_536
APART = " · "


def names(
    items: Items,
    labels: NDArray[np.int32],
    columns: Sequence[str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[str, ...]:
    """Return what tells each cluster from the rest, in a few words; empty where nothing does.

    Parameters
    ----------
    items : Items
        The columns, of n rows.
    labels : int32 (n,)
        The cluster of each row, 0 and up; -1 for noise, which is left out.
    columns : sequence of str, optional
        Which to look at; by default `naming_columns`.
    progress : callable, optional
        Called with the share done; what it raises ends the work.

    Raises
    ------
    InputError
        If a column cannot name anything.
    """
    kinds = {column.name: column.kind for column in items.columns}
    chosen = naming_columns(items) if columns is None else tuple(columns)
    for column in chosen:
        if kinds.get(column) not in NAMING_KINDS:
            raise InputError(f"The column {column!r} holds no words to name clusters by: choose another.")
    n_all = int(labels.max(initial=NOISE)) + 1
    n_clusters = min(n_all, MOST_NAMED)
    if not n_clusters:
        return ()
    classes: list[list[str]] = [[] for _ in range(n_all)]
    terms: list[list[str]] = [[] for _ in range(n_all)]
    labels = np.where(labels < MOST_NAMED, labels, NOISE).astype(np.int32)
    of_text = [column for column in chosen if kinds[column] == "text"]
    for column in chosen:
        if kinds[column] != "text":
            for cluster, told in enumerate(common_categories(items, labels, n_clusters, column)):
                classes[cluster] += told
    progress(0.1)
    if of_text:
        texts = (text for column in of_text for text in _texts(items, column))
        blocks = len(of_text) * -(-items.n // BLOCK)
        for cluster, told in enumerate(distinctive_terms(texts, labels, n_clusters, blocks, progress)):
            terms[cluster] = told
    progress(1.0)
    return tuple(_joined(*told) for told in zip(classes, terms, strict=True))


def naming_columns(items: Items) -> tuple[str, ...]:
    """Return the columns that names come from by default: categories, and text that is to be read.

    Links and the paths of pictures are not; of many columns the first of either kind are taken.
    """
    kinds = {column.name: column.kind for column in items.columns if column.kind in NAMING_KINDS}
    classes = [name for name, kind in kinds.items() if kind != "text"][:MOST_COLUMNS]
    text = (name for name, kind in kinds.items() if kind == "text" and items.media(name) == "text")
    chosen = {*classes, *islice(text, MOST_COLUMNS)}
    return tuple(name for name in kinds if name in chosen)


def _joined(classes: Sequence[str], terms: Sequence[str]) -> str:
    """A name of categories first; where there are terms, they have one part at least."""
    parts = [*classes[: MOST_PARTS - bool(terms)], *terms]
    return APART.join(list(dict.fromkeys(parts))[:MOST_PARTS])


def common_categories(
    items: Items, labels: NDArray[np.int32], n_clusters: int, column: str
) -> list[list[str]]:
    """Return the categories that make up much of each cluster and are rarer elsewhere, by falling share."""
    categories = items.categories(column)
    n = len(categories.names)
    inside = (labels >= 0) & (categories.codes != MISSING)
    cells = labels[inside].astype(np.int64) * n + categories.codes[inside]
    counts = np.bincount(cells, minlength=n_clusters * n).reshape(n_clusters, n)
    sizes = np.bincount(labels[labels >= 0], minlength=n_clusters)
    shares = counts / np.maximum(sizes, 1)[:, None]
    lift = shares / np.maximum(categories.counts / items.n, 1e-300)
    told = []
    for share, rise in zip(shares, lift, strict=True):
        order = np.lexsort((np.arange(n), -share))[:MOST_CATEGORIES]
        good = [code for code in order if share[code] >= LEAST_SHARE and rise[code] >= LEAST_LIFT]
        told.append([_titled(column, categories.names[code]) for code in good])
    return told


def distinctive_terms(
    texts: Iterator[pa.Array],
    labels: NDArray[np.int32],
    n_clusters: int,
    blocks: int,
    progress: Callable[[float], None] = lambda _: None,
) -> list[list[str]]:
    """Return the terms of most weight in each cluster, at most `MOST_TERMS`.

    Parameters
    ----------
    texts : iterator of pyarrow.Array
        Texts of the rows, block by block; after the last row another column may begin.
    labels : int32 (n,)
        The cluster of each row, -1 for noise.
    n_clusters : int
    blocks : int
        How many blocks there are, for `progress`.
    """
    words, clusters = _words(texts, labels, blocks, progress)
    if not len(words):
        return [[] for _ in range(n_clusters)]
    coded = words.dictionary_encode().combine_chunks()
    codes, dictionary = coded.indices.to_numpy(zero_copy_only=False), coded.dictionary
    counts = np.bincount(codes, minlength=len(dictionary))
    kept = _commonest(dictionary, counts, n_clusters)
    place = np.full(len(dictionary), -1, np.int64)
    place[kept] = np.arange(len(kept))
    known = place[codes] >= 0
    cells = clusters[known].astype(np.int64) * len(kept) + place[codes[known]]
    table = np.bincount(cells, minlength=n_clusters * len(kept)).reshape(n_clusters, len(kept))
    total = np.bincount(clusters, minlength=n_clusters)
    frequency, mean = counts[kept], total.mean()
    told = []
    for row, n_words in zip(table, total, strict=True):
        tf = row / max(n_words, 1)
        distinct = (row >= LEAST_COUNT) & (tf >= LEAST_LIFT * frequency / total.sum())
        weight = np.where(distinct, tf * np.log1p(mean / frequency), 0)
        best = np.argsort(-weight, kind="stable")[:MOST_TERMS]
        told.append(dictionary.take(pa.array(kept[best[weight[best] > 0]])).to_pylist())
    return told


def _words(
    texts: Iterator[pa.Array], labels: NDArray[np.int32], blocks: int, progress: Callable[[float], None]
) -> tuple[pa.ChunkedArray, NDArray[np.int32]]:
    """The words of all rows that are in a cluster, in lower case, and the cluster of each word."""
    words: list[pa.Array] = []
    clusters: list[NDArray[np.int32]] = []
    start = 0
    for number, block in enumerate(texts):
        of_row = labels[start : start + len(block)]
        split = pc.split_pattern_regex(pc.utf8_lower(block), r"[^\p{L}\p{N}]+")
        found = pc.list_flatten(split)
        row = pc.list_parent_indices(split).to_numpy(zero_copy_only=False)
        length = pc.utf8_length(found).to_numpy(zero_copy_only=False)
        good = (length >= 2) & (length <= LONGEST_TERM) & (of_row[row] >= 0)
        words.append(found.filter(pa.array(good)))
        clusters.append(of_row[row[good]])
        start = (start + len(block)) % len(labels)
        progress(0.1 + 0.8 * (number + 1) / blocks)
    none = np.zeros(0, np.int32)
    return pa.chunked_array(words, pa.string()), np.concatenate([none, *clusters])


def _texts(items: Items, column: str) -> Iterator[pa.Array]:
    for start in range(0, items.n, BLOCK):
        texts = items.texts(column, range(start, min(start + BLOCK, items.n)))
        yield pc.fill_null(pc.utf8_slice_codeunits(texts, 0, MOST_LETTERS), "")


def _commonest(dictionary: pa.Array, counts: NDArray[np.int64], n_clusters: int) -> NDArray[np.int64]:
    """Where the commonest terms are in the dictionary, as many as there is room for, in their own order."""
    most = min(MOST_VOCABULARY, max(1, MOST_CELLS // n_clusters))
    often = np.flatnonzero(counts >= LEAST_COUNT)
    table = pa.table({"term": dictionary.take(pa.array(often)), "count": counts[often]})
    order = pc.sort_indices(table, sort_keys=[("count", "descending"), ("term", "ascending")]).to_numpy()
    kept: NDArray[np.int64] = often[order[:most]]
    return kept


def _titled(column: str, name: str) -> str:
    """A category by its name, with the column's before it where that alone says little."""
    alone = name.replace(".", "", 1).lstrip("-").isdecimal() or name in ("true", "false") or len(name) < 2
    return f"{column} {name}" if alone else name
