"""What the page shows of one item and of its neighbours, as plain values for its script."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.model.item import name_column, names_of, read_cells
from explorer.model.media import Media
from explorer.model.neighbours import Neighbours, Ranked
from explorer.model.pictures import item_picture
from explorer.model.session import Session
from explorer.views.colouring import category_colours, colourable
from explorer.views.media import shown
from explorer.views.text import count, counted, written

SHORT = 240
"""Characters of a text that are shown until all of it is asked for."""


def item_state(session: Session, row: int) -> dict[str, Any]:
    """What `ItemCard` shows of a row. Reads the disk: for a thread.

    Media come first, long texts are cut and say how long they are.
    """
    dataset = session.dataset
    fields: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []
    if dataset.image_side:
        source = item_picture(dataset.vectors[row], dataset.image_side)
        media.append(
            {"kind": "image", "name": "its vector as a picture", "source": source, "pixelated": True}
        )
    for cell in read_cells(dataset.items, row):
        value = shown(cell.value, cell.media, session.media)
        if value.kind in ("image", "audio"):
            caption = f"{cell.name} · {value.text}"
            media.append({"kind": value.kind, "name": cell.name, "source": value.source, "caption": caption})
            continue
        cut = len(value.text) > SHORT and value.kind == "text"
        fields.append(
            {
                "name": cell.name,
                "kind": value.kind,
                "text": value.text[:SHORT] + "…" if cut else value.text,
                "source": value.source,
                "note": value.note,
                "length": len(value.text) if cut else 0,
            }
        )
    return {
        "row": row,
        "title": _title(session, row),
        "place": f"row {count(row)} of {count(dataset.n)}",
        "media": media,
        "fields": fields,
        "no_fields": "This data has no columns beside its vectors.",
    }


def _title(session: Session, row: int) -> str:
    # A title speaks for itself, a class needs to be told of what.
    items = session.dataset.items
    name, column = names_of(items, np.array([row]))[0], name_column(items)
    if not name:
        return f"Row {count(row)}"
    is_class = any(entry.name == column and entry.kind == "categorical" for entry in items.columns)
    return f"{column} {name}" if is_class else name


def neighbour_state(session: Session, near: Neighbours, dark: bool) -> dict[str, Any]:
    """What `ItemCard` shows of a row's neighbours. Reads the disk: for a thread."""
    lost, intruders = set(near.lost.tolist()), set(near.intruders.tolist())
    k, kept = len(near.data.rows), len(near.data.rows) - len(lost)
    has_map = len(near.map.rows) > 0
    both = np.union1d(near.data.rows, near.map.rows)
    looks = dict(zip(both.tolist(), _looks(session, both, dark), strict=True))

    def rows(ranked: Ranked, ranks: NDArray[np.int64], apart: set[int], mark: str) -> list[dict[str, Any]]:
        lines = zip(ranked.rows.tolist(), ranked.distances.tolist(), ranks.tolist(), strict=True)
        return [
            {"row": row, "distance": written(distance), "rank": count(rank), **looks[row]}
            | {"mark": mark if row in apart else "kept"}
            for row, distance, rank in lines
        ]

    ranks = near.data_on_map if has_map else np.arange(1, k + 1)
    return {
        "sentence": _kept(kept, k) if has_map else f"Its {count(k)} nearest in the data.",
        "lost": f"{count(len(lost))} lost: near in the data, far on the map" if lost else "",
        "intruders": f"{counted(len(intruders), 'intruder')}: near on the map, far in the data"
        if intruders
        else "",
        "data": rows(near.data, ranks, lost, "lost"),
        "map": rows(near.map, near.map_in_data, intruders, "intruder"),
        "no_map": "There is no map yet.",
    }


def _kept(kept: int, k: int) -> str:
    are = "is" if kept == 1 else "are"
    return f"{count(kept)} of its {count(k)} nearest in the data {are} also among its nearest on the map."


def _looks(session: Session, rows: NDArray[np.int64], dark: bool) -> list[dict[str, Any]]:
    """Name, picture and colour of some rows."""
    dataset, column = session.dataset, session.colour_by
    colours: list[str] = [""] * len(rows)
    if column in colourable(session):
        categories = session.categories(column)
        palette = category_colours(categories, dark)
        colours = [palette[code] if code >= 0 else "" for code in categories.codes[rows].tolist()]
    pictures = _pictures(session, rows)
    names = names_of(dataset.items, rows)
    return [
        {"name": name, "picture": picture, "colour": colour}
        for name, picture, colour in zip(names, pictures, colours, strict=True)
    ]


def _pictures(session: Session, rows: NDArray[np.int64]) -> list[str]:
    """A small picture of each row: its vector, or what the first column of pictures holds or names."""
    dataset, folder = session.dataset, session.media
    if dataset.image_side:
        return [item_picture(dataset.vectors[row], dataset.image_side) for row in rows]
    kinds: tuple[Media, ...] = ("image",) if folder is None else ("image", "image file")
    media = ((column.name, dataset.items.media(column.name)) for column in dataset.items.columns)
    column, kind = next(((name, kind) for name, kind in media if kind in kinds), ("", "text"))
    if not column:
        return [""] * len(rows)
    values = dataset.items.look_up(rows.tolist(), [column])[column]
    return [shown(value.as_py(), kind, folder, side=48).source for value in values]
