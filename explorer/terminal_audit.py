"""What the command line prints of an audit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from explorer.model.severity import Severity
from explorer.model.written import counted
from explorer.terminal import wide_console

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
        pure = (f"{column['purity']:.0%}" for column in one["columns"])
        kept = "–" if one["agreement"] is None else f"{one['agreement']:.0%}"
        stable = "–" if one["stability"] is None else f"{one['stability']:.2f}"
        copies = f"{one['duplicates']:.1%}"
        table.add_row(one["severity"], str(one["cluster"]), f"{one['size']:,}", copies, kept, stable, *pure)
    wide_console().print(table)
    if why := told.get("not_repeated"):
        print(f"\n{why}")
    for line in (*_findings(told["findings"]), *scores_lines(told.get("scores", {}))):
        print(line)


def _findings(findings: list[dict[str, Any]]) -> Iterator[str]:
    yield f"\n{counted(len(findings), 'finding')}" if findings else "\nNothing stands out."
    for one in findings[:MOST_PRINTED]:
        mark = f" [{one['mark']['state']}]" if one["mark"] else ""
        yield f"  {one['severity']} · {one['kind']} · {one['key']}{mark} · {one['sentence']}"
    if len(findings) > MOST_PRINTED:
        yield f"  and {len(findings) - MOST_PRINTED:,} more: --json tells all."


def scores_lines(scores: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Scores against columns that are held to be the truth, a line each."""
    names = ("ari", "ami", "homogeneity")
    for column, one in scores.items():
        of_all = ", ".join(f"{name} {one[name]:.3f}" for name in names)
        line = f"by {column}: {of_all} of {one['rows']:,} items"
        if one["ari_clustered"] is not None:
            inside = ", ".join(f"{one[f'{name}_clustered']:.3f}" for name in names)
            line += f"; {inside} of the {one['clustered_share']:.1%} that are in clusters"
        yield line


def fails(told: dict[str, Any], limit: Severity) -> bool:
    """Whether an audit has a finding so severe or more that is not marked as accepted or fixed."""
    open_ones = (one for one in told["findings"] if not (one["mark"] and one["mark"]["state"] != "to do"))
    return any(Severity.named(one["severity"]) >= limit for one in open_ones)
