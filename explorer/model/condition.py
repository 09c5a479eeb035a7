"""A condition in SQL on the items: which rows it holds of, and nothing else that SQL can do.

A condition is untrusted text. It is parsed, never run, first: its tree may hold comparisons, arithmetic, the
columns and the functions of `FUNCTIONS`, which look at one row, give the same answer every time, make no text
much longer than what they are given and take no time that grows faster than it (the database can be stopped
between blocks of rows, not within one). Queries, other tables, files, settings, windows, sums and chance are
not among them. What passes runs in a database that sees one file, for a limited time.
"""

from __future__ import annotations

import difflib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from explorer.model.errors import InputError

LONGEST = 2_000
ROW_ID, TABLE = "row_id", "items"

_FUNCTIONS = """
    + - * / // % ** ^ & | << >> ~ || ~~ !~~ ~~* !~~* ~~~ ~~~* @
    like_escape not_like_escape ilike_escape not_ilike_escape
    abs ceil ceiling floor round trunc sign mod sqrt cbrt ln log log2 log10 exp pow power greatest least
    sin cos tan asin acos atan atan2 radians degrees pi isnan isinf isfinite
    length len strlen lower upper lcase ucase trim ltrim rtrim left right substr substring reverse ascii
    unicode contains starts_with prefix ends_with suffix instr position strpos strip_accents
    regexp_matches regexp_full_match regexp_extract
    hamming jaccard
    coalesce ifnull nullif if
    date_part datepart date_trunc datetrunc date_diff datediff last_day make_date timezone strptime
    try_strptime strftime year month monthname day dayname dayofmonth dayofweek dayofyear isodow isoyear
    weekday week weekofyear yearweek quarter decade century hour minute second millisecond epoch epoch_ms
    to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_timestamp
    list_value list_contains list_has list_has_any list_has_all list_position list_extract list_element
    array_contains array_has array_has_any array_has_all array_length array_position array_extract element_at
    struct_extract row struct_pack map_extract cardinality
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""What a condition may call, operators included."""

JOINING, MOST_JOINED = {"||", "list_value", "row", "struct_pack"}, 16
"""What makes a value longer than it was, and how many values it may be given: the database does not count the
memory of a text it is at work on, so no limit of its own holds."""

PARTS = {
    *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT"),
    *("FUNCTION", "OPERATOR", "TYPE"),
}
"""The kinds of expression a condition may be made of."""

REFUSED = {
    "SUBQUERY": "a condition looks at one row at a time and asks no other query",
    "WINDOW": "a condition looks at one row at a time, not at its neighbours",
    "STAR": "name the columns one by one",
    "PARAMETER": "write values themselves instead of ? or $1",
}


def rows_where(
    cursor: duckdb.DuckDBPyConnection, condition: str, n: int, columns: Sequence[str], seconds: float
) -> NDArray[np.bool_]:
    """Tell which rows of the view ``items`` a condition holds of.

    Parameters
    ----------
    cursor : duckdb.DuckDBPyConnection
        Of a database that sees the items and nothing else; for this call alone.
    condition : str
        What would follow WHERE, at most 2,000 characters.
    n : int
        Rows of the view, whose column ``row_id`` counts them from 0.
    columns : sequence of str
        Their names.
    seconds : float
        After so long it is stopped.

    Returns
    -------
    bool (n,)
        A row of which the condition is neither true nor false (a missing value) is not among them.

    Raises
    ------
    InputError
        One sentence: what in the condition cannot be, and what to write instead.
    """
    check(cursor, condition, columns)
    late = threading.Event()

    def stop() -> None:
        late.set()
        cursor.interrupt()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        _check_kind(cursor, condition)
        rows = cursor.execute(_query(condition)).fetchnumpy()[ROW_ID]
    except duckdb.Error as error:
        if late.is_set():
            raise InputError(
                f"The condition took longer than {seconds:g} s and was stopped: ask for something simpler."
            ) from error
        raise InputError(_sentence(error)) from error
    finally:
        timer.cancel()
    mask = np.zeros(n, np.bool_)
    mask[rows] = True
    return mask


def check(cursor: duckdb.DuckDBPyConnection, condition: str, columns: Sequence[str]) -> None:
    """Raise InputError unless a condition is made of the columns and of what is allowed alone."""
    if not condition.strip():
        raise InputError("Which items? Write a condition on their columns.")
    if len(condition) > LONGEST:
        raise InputError(
            f"The condition has {len(condition):,} characters, more than {LONGEST:,}: ask for less at once."
        )
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", condition):
        raise InputError("The condition has characters that cannot be seen: type it anew.")
    if not columns:
        raise InputError(
            "The data has no columns beside its vectors: there is nothing to ask about its items."
        )
    parts = list(_parts(_parsed(cursor, condition)))
    for part in parts:
        _check_part(part, columns)
    if sum(map(_joined, parts)) > MOST_JOINED:
        raise InputError(
            "The condition joins too many values, which takes more memory than there may be: "
            "compare them one by one."
        )


def example(columns: Sequence[tuple[str, str]]) -> str:
    """Write a condition on one of these columns, each a name and a value: what a field shows until used."""
    name, value = next(iter(columns), (ROW_ID, "100"))
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name)
    quoted = name if plain else '"' + name.replace('"', '""') + '"'
    number = re.fullmatch(r"-?\d+(\.\d+)?", value)
    return f"{quoted} = " + (value if number else "'" + value.replace("'", "''") + "'")


def _query(condition: str) -> str:
    # On lines of its own, so that a comment in it ends before the bracket does.
    return f"SELECT {ROW_ID} FROM {TABLE} WHERE (\n{condition}\n)"  # noqa: S608 - checked by its tree


def _parsed(cursor: duckdb.DuckDBPyConnection, condition: str) -> Any:
    """Return the tree of the condition; what surrounds it must be the query it is put in and no other."""
    try:
        tree, plain = (
            json.loads(cursor.execute("SELECT json_serialize_sql(?)", [_query(part)]).fetchall()[0][0])
            for part in (condition, "true")
        )
    except (duckdb.Error, RecursionError) as error:
        raise InputError(
            "The condition is nested too deeply to be read: ask for something simpler."
        ) from error
    if tree["error"]:
        raise InputError(_unreadable(str(tree.get("error_message", ""))))
    wheres = [found["statements"][0]["node"].pop("where_clause", None) for found in (tree, plain)]
    if tree != plain:
        raise InputError("A condition is one expression, as would follow WHERE: write nothing else.")
    return wheres[0]


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    # By a stack: a condition may be nested more deeply than Python calls may.
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if "class" in part:
                yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _check_part(part: dict[str, Any], columns: Sequence[str]) -> None:
    kind = str(part["class"])
    if kind not in PARTS:
        why = REFUSED.get(kind, "use columns, values, comparisons and simple functions")
        raise InputError(f"A condition cannot hold {_called(kind)}: {why}.")
    if kind == "FUNCTION" and (str(part["function_name"]).lower() not in FUNCTIONS or part.get("schema")):
        raise InputError(
            f"A condition cannot call {part['function_name']}(): only functions of one row that always "
            "give the same answer, such as lower, contains, abs, year."
        )
    if kind == "COLUMN_REF":
        _check_column([str(name) for name in part["column_names"]], columns)
    # Bytes written as text, and that as bytes again, grow fourfold each time.
    if kind == "TYPE" and str(part.get("type_name")).lower() in (
        "blob",
        "bytea",
        "binary",
        "varbinary",
        "bit",
    ):
        raise InputError("A condition cannot cast to bytes: compare text or numbers instead.")


def _joined(part: dict[str, Any]) -> int:
    """How many values, known from the columns alone, a call puts together into a longer one."""
    if part["class"] != "FUNCTION" or str(part["function_name"]).lower() not in JOINING:
        return 0
    return sum(one["expression"]["class"] != "CONSTANT" for one in part["arguments"])


def _called(kind: str) -> str:
    return {"SUBQUERY": "a query", "WINDOW": "a window", "STAR": "*", "PARAMETER": "a parameter"}.get(
        kind, f"a {kind.lower().replace('_', ' ')}"
    )


def _check_column(path: list[str], columns: Sequence[str]) -> None:
    known = {name.lower() for name in (*columns, ROW_ID)}
    name = path[1] if len(path) > 1 and path[0].lower() == TABLE and TABLE not in known else path[0]
    if name.lower() in known:
        return
    by_lower = {column.lower(): column for column in columns}
    near = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, 3, 0.6)]
    listed = ", ".join(columns[:8]) + (", …" if len(columns) > 8 else ".")
    known_ones = f"did you mean {' or '.join(map(_double, near))}?" if near else f"the columns are {listed}"
    raise InputError(
        f"There is no column {_double(name)} (a text stands in single quotes, as in {_single(name)}); "
        f"{known_ones}"
    )


def _double(name: str) -> str:
    return f'"{name}"'


def _single(name: str) -> str:
    return f"'{name}'"


def _check_kind(cursor: duckdb.DuckDBPyConnection, condition: str) -> None:
    found = cursor.execute(f"SELECT (\n{condition}\n) FROM {TABLE} LIMIT 0").description  # noqa: S608
    kind = str(found[0][1])
    if kind.upper() not in ("BOOLEAN", "BOOL"):
        raise InputError(
            f"The condition is of type {kind}, neither true nor false: compare it with something, "
            "by =, <, > or LIKE."
        )


def _unreadable(message: str) -> str:
    near = re.search(r'at or near "(.*?)\s*"$', message.replace("\n)", ""), re.DOTALL)
    if near is None:
        return f"The condition cannot be read: {first_line(message)}."
    if near[1] in (")", ""):
        return "The condition cannot be read: something is missing at its end, or a bracket is one too many."
    return (
        f'The condition cannot be read near "{first_line(near[1])}": '
        "write it as would follow WHERE, a text in single quotes."
    )


def _sentence(error: duckdb.Error) -> str:
    text = str(error)
    call = re.search(r"argument types '(.*?)'", text)
    if call is not None:
        return (
            f"{call[1]} cannot be worked out: values of these kinds do not go together; "
            "cast one, as in column::VARCHAR."
        )
    return f"The condition cannot be worked out: {first_line(text)}."


def first_line(message: str) -> str:
    """Return what the database complains of, without its kind, in 200 characters at most."""
    line = re.sub(r"^[A-Za-z ]+ Error: ", "", message.strip().split("\n", 1)[0]).strip().rstrip(".!:")
    return line if len(line) <= 200 else f"{line[:200]}…"
