"""What the command line prints of an audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.model import measures
from explorer.model.report_words import NO_CLUSTERS
from explorer.model.severity import Severity
from explorer.model.written import counted
from explorer.terminal import wide_console
from explorer.views.text import share

MOST_PRINTED = 20


def print_audit(told: dict[str, Any]) -> None:
    """Print the clusters as a table, the worst first, then the worst findings, and scores by label.

    Parameters
    ----------
    told : dict
        As ``kept_audit.keep`` returns it.
    """
    from rich.table import Column, Table

    numbers = ("items", "copies", "kept", "stable")
    right = (Column(name, justify="right") for name in ("cluster", *numbers))
    purities = (Column(f"{name} pure", justify="right") for name in told["columns"])
    table = Table("severity", *right, *purities, box=None, pad_edge=False)
    for one in told["clusters"]:
        pure = (
            measures.share(None if column["dominant"] is None else column["purity"])
            for column in one["columns"]
        )
        told_of = (
            f"{one['size']:,}",
            measures.share(one["duplicates"]),
            measures.share(one["agreement"]),
            measures.digits(one["stability"]),
        )
        table.add_row(one["severity"], str(one["cluster"]), *told_of, *pure)
    wide_console().print(table)
    if why := told.get("not_repeated"):
        print(f"\n{why}")
    for line in (*_findings(told["findings"], bool(told["clusters"])), *scores_lines(told.get("scores", {}))):
        print(line)


def _findings(findings: list[dict[str, Any]], has_clusters: bool) -> Iterator[str]:
    nothing = "Nothing stands out." if has_clusters else NO_CLUSTERS
    yield f"\n{counted(len(findings), 'finding') if findings else nothing}"
    for one in findings[:MOST_PRINTED]:
        mark = f" [{one['mark']['state']}]" if one["mark"] else ""
        yield f"  {one['severity']} · {one['kind']} · {one['key']}{mark} · {one['sentence']}"
    if len(findings) > MOST_PRINTED:
        yield f"  and {len(findings) - MOST_PRINTED:,} more: --json tells all."


def scores_lines(scores: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Scores against columns that are held to be the truth, a line each."""
    names = ("ari", "ami", "homogeneity")
    for column, one in scores.items():
        of_all = ", ".join(f"{name} {one[name]:z.3f}" for name in names)
        line = f"by {column}: {of_all} of {one['rows']:,} items"
        if one["ari_clustered"] is not None:
            inside = ", ".join(f"{one[f'{name}_clustered']:z.3f}" for name in names)
            line += f"; {inside} of the {share(one['clustered_share'])} that are in clusters"
        yield line


def fails(told: dict[str, Any], limit: Severity) -> bool:
    """Whether an audit has a finding so severe or more that is not marked as accepted or fixed."""
    open_ones = (one for one in told["findings"] if not (one["mark"] and one["mark"]["state"] != "to do"))
    return any(Severity.named(one["severity"]) >= limit for one in open_ones)
