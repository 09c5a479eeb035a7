"""What drift finds, as findings of an audit: ranked among the others, with keys to mark them by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from explorer.model.drift import Drift
from explorer.model.findings import Finding, Kind
from explorer.model.severity import Severity


def of_drift(drift: Drift) -> Iterator[Finding]:
    """Clusters that thin out or grow; value and expected are their share of new items now and at first.

    Of a cluster that is back where it was the value is the share that it had in between.
    """
    for one in drift.findings:
        yield Finding(
            kind=cast(Kind, one.kind),
            severity=Severity.named(one.severity),
            sentence=one.sentence,
            rows=one.rows,
            cluster=one.cluster if one.cluster >= 0 else None,
            column=one.column,
            value=one.value,
            expected=one.expected,
            p=one.p,
        )
