"""Search the items' text: which rows hold what was typed, and where in their columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.model.errors import InputError
from explorer.model.items import ROW_ID, Items
from explorer.model.written import TURNED

MOST_HITS = 50
LONGEST = 200
AROUND = 48
"""Characters of a text that are kept on either side of a match."""
MOST_DROPPED = 4_000
"""Signs that folding drops before a match, as the vowel signs of Hindi, up to which the match is shown."""


@dataclass(frozen=True)
class Hit:
    """A row that was found and the first of its columns that matches.

    Attributes
    ----------
    row : int
    column : str
    before, match, after : str
        The text around the match, cut with "…" where it is long; a sign that turns letters around is "�".
    """

    row: int
    column: str
    before: str
    match: str
    after: str


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found.

    Attributes
    ----------
    text : str
        What was searched for.
    columns : tuple of str
        Where.
    rows : int64 (total,)
        All rows that match, ascending.
    hits : tuple of Hit
        The first of them, at most 50.
    """

    text: str
    columns: tuple[str, ...]
    rows: NDArray[np.int64]
    hits: tuple[Hit, ...]


def searchable(items: Items) -> tuple[str, ...]:
    """Return the columns that are searched unless others are chosen: names and free text."""
    return tuple(column.name for column in items.columns if column.kind in ("text", "categorical"))


def search(items: Items, text: str, columns: Sequence[str] | None = None, seconds: float = 10.0) -> Found:
    """Find the rows that hold a text in one of some columns, whatever its case and accents.

    Parameters
    ----------
    items : Items
        Where to look; they stay on the disk.
    text : str
        At most 200 characters, each taken as it is: no sign stands for another.
    columns : sequence of str, optional
        By default all of names and text.
    seconds : float, default 10
        After so long the search is stopped.

    Raises
    ------
    InputError
        If there is nothing to search for or in, or it takes too long.
    """
    wanted = text.strip()
    names = tuple(searchable(items) if columns is None else columns)
    unknown = next((name for name in names if name not in items.names), None)
    if unknown is not None:
        raise InputError(f"There is no column {unknown!r} to search.")
    if not wanted:
        raise InputError("Type what to search for.")
    if len(wanted) > LONGEST:
        raise InputError(f"A search has at most {LONGEST} characters, not {len(wanted):,}.")
    if not names:
        raise InputError("There is no column to search: choose one that holds text.")
    if not folded(wanted):
        raise InputError("A search passes accents over, and there is nothing else: type a letter too.")
    condition, parameters = " OR ".join(map(_contains, names)), [wanted] * len(names)
    rows = items.query(f"SELECT {ROW_ID} FROM items WHERE {condition}", parameters, seconds)  # noqa: S608
    found = np.sort(rows[ROW_ID].to_numpy())
    return Found(wanted, names, found, _hits(items, wanted, names, found[:MOST_HITS], seconds))


def folded(text: str) -> str:
    """Return a text without case and accents, as DuckDB's ``lower(strip_accents())`` does.

    Accents are all marks of Unicode, the vowel signs of Hindi and Thai among them; Korean stays whole.

    >>> folded("Élan CAFÉ"), folded("한국 हिन्दी")
    ('elan cafe', '한국 हनद')
    """
    parts = unicodedata.normalize("NFD", text)
    bare = "".join(part for part in parts if unicodedata.category(part)[0] != "M")
    # Sign by sign: the last Σ of a word is to be as any other.
    return "".join(sign.lower() for sign in unicodedata.normalize("NFC", bare))


def _hits(
    items: Items, wanted: str, names: tuple[str, ...], rows: NDArray[np.int64], seconds: float
) -> tuple[Hit, ...]:
    # Of each row only the first column that matches leaves the database, and of that what is near the match.
    if not len(rows):
        return ()
    places = " ".join(f"WHEN {_contains(name)} THEN {place}" for place, name in enumerate(names))
    texts = " ".join(f"WHEN {_contains(name)} THEN {_near(name)}" for name in names)
    sql = (
        f"SELECT {ROW_ID}, CASE {places} END, CASE {texts} END FROM items "  # noqa: S608 - names are quoted
        f"WHERE {ROW_ID} IN ({', '.join(map(str, rows.tolist()))}) ORDER BY {ROW_ID}"
    )
    parameters = [wanted] * len(names) + [wanted, wanted] * len(names)
    table = items.query(sql, parameters, seconds)
    columns = (table.column(place).to_pylist() for place in range(3))
    return tuple(_hit(row, names[place], text, wanted) for row, place, text in zip(*columns, strict=True))


def _written(name: str) -> str:
    return "CAST(" + '"' + name.replace('"', '""') + '"' + " AS VARCHAR)"


def _plain(written: str) -> str:
    return f"lower(strip_accents({written}))"


def _contains(name: str) -> str:
    return f"contains({_plain(_written(name))}, {_plain('?')})"


def _near(name: str) -> str:
    # The place is one among folded signs; where accents are signs of their own, as many more may lie before
    # it as folding drops.
    composed, plain = f"nfc_normalize({_written(name)})", _plain(_written(name))
    start = f"greatest(1, strpos({plain}, {_plain('?')}) - 2 * {AROUND})"
    dropped = f"least(length({composed}) - length({plain}), {MOST_DROPPED})"
    return f"substr({composed}, {start}, {LONGEST} + 6 * {AROUND} + {dropped})"


def _hit(row: int, column: str, text: str, wanted: str) -> Hit:
    # Composed, each sign folds by itself as it does in the text.
    text, needle = unicodedata.normalize("NFC", text), folded(wanted)
    bare = {sign: folded(sign) for sign in set(text)}
    signs = [bare[sign] for sign in text]
    start = "".join(signs).find(needle)
    # Found in the text as it is, and shown with the signs that turn letters around.
    text = text.translate(TURNED)
    if start < 0:
        return Hit(row, column, _cut_end(text), "", "")
    begins = np.cumsum([0, *map(len, signs)])
    first = int(np.searchsorted(begins, start, "right")) - 1
    # With the accents of its last letter, where these are signs of their own.
    last = int(np.searchsorted(begins, start + len(needle), "right")) - 1
    before, after = text[:first], text[last:]
    start_cut = "…" + before[-AROUND:] if len(before) > AROUND else before
    return Hit(row, column, start_cut, text[first:last], _cut_end(after))


def _cut_end(text: str) -> str:
    return text[:AROUND] + "…" if len(text) > AROUND else text
