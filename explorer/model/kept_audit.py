"""The last audit of a run on disk: what it told, and the rows of each finding.

::

    runs/<id>/audit/audit.json         what ``audit --json`` prints, the epoch of the map, and how near
                                       duplicates are
                    <key>.parquet      row_id of the rows that a finding concerns; of duplicates, their group
                    duplicates.parquet the same of all duplicates
                    labels.npy         the cluster of each row
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from explorer.model import files
from explorer.model.audit import Audit
from explorer.model.audited import NOTHING, AuditedCluster
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.findings import Finding
from explorer.model.items import ROW_ID
from explorer.model.label_scores import LabelScores
from explorer.model.marks import Marks
from explorer.model.near_duplicates import NearDuplicates
from explorer.model.run import Run
from explorer.model.severity import Severity
from explorer.model.workspace import Workspace

DUPLICATES, LABELS = "duplicates.parquet", "labels.npy"
log = logging.getLogger(__name__)


def keep(workspace: Workspace, audit: Audit) -> dict[str, Any]:
    """Write an audit in place of the run's last one; return what it tells, with files of rows and marks.

    The last one stays until this is whole.
    """
    workspace.claim()
    folder = _folder(workspace, audit.run.id)
    told = audit.to_dict()
    for finding, about in zip(audit.findings, told["findings"], strict=True):
        about["rows_file"] = str(folder / f"{finding.key}.parquet")
    with files.staging(folder.parent) as staged:
        for finding in audit.findings:
            files.write_table(staged / f"{finding.key}.parquet", _rows(finding))
        files.write_table(staged / DUPLICATES, _rows(audit.duplicates))
        files.write_array(staged / LABELS, audit.labels)
        of_map = {"epoch": audit.run.epoch, "near": audit.duplicates.ratio}
        files.write_json(staged / "audit.json", told | of_map)
        files.supersede(staged, folder)
    return marked(workspace, told)


def last(workspace: Workspace, run: Run) -> Audit | None:
    """Return the last audit of a run's map as it is now; None without one that can be read."""
    folder = _folder(workspace, run.id)
    try:
        told = files.read_json(folder / "audit.json")
        if told.get("epoch") != run.epoch:
            return None
        labels = np.asarray(files.map_array(folder / LABELS))
        rows, groups = _read_rows(folder / DUPLICATES)
        clusters = [AuditedCluster.from_dict(one) for one in told["clusters"]]
        clusters = [replace(one, severity=Severity.NONE, reason=NOTHING) for one in clusters]
        return Audit(
            run=run,
            labels=labels,
            columns=tuple(told["columns"]),
            measured=tuple(sorted(clusters, key=lambda one: one.cluster)),
            findings=tuple(
                Finding.from_dict(one, *_read_rows(folder / f"{one['key']}.parquet"))
                for one in told["findings"]
            ),
            duplicates=NearDuplicates(
                rows, np.zeros(0, np.int32) if groups is None else groups, told["near"]
            ),
            scores={name: LabelScores(**one) for name, one in told.get("scores", {}).items()},
            not_repeated=told.get("not_repeated", ""),
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException) as error:
        log.warning("The audit in %s is damaged (%s): audit the run again.", folder, error)
        return None


def marked(workspace: Workspace, told: dict[str, Any]) -> dict[str, Any]:
    """Return what an audit tells with the mark of each finding, None where it has none."""
    marks = Marks(workspace, told["run"]).all()
    findings = [
        one | {"mark": vars(marks[one["key"]]) if one["key"] in marks else None} for one in told["findings"]
    ]
    return told | {"findings": findings}


def finding_key(workspace: Workspace, run_id: str, prefix: str) -> str:
    """Return the key of the last audit's one finding that begins so.

    Raises
    ------
    InputError
        If the run was not audited, or no finding or several begin so.
    WorkspaceError
        If the audit cannot be read.
    """
    path = _folder(workspace, run_id) / "audit.json"
    try:
        keys = [str(one["key"]) for one in files.read_json(path)["findings"]]
    except FileNotFoundError as error:
        raise InputError(f"The run {run_id} has not been audited yet: audit it first.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WorkspaceError(f"{path} is damaged ({error}): audit the run again.") from error
    matches = [key for key in keys if key.startswith(prefix)]
    if len(matches) != 1 or not prefix:
        begin = "Several keys begin" if len(matches) > 1 else "No key of a finding begins"
        raise InputError(f"{begin} with {prefix!r} in the last audit of {run_id}: give a whole key.")
    return matches[0]


def _folder(workspace: Workspace, run_id: str) -> Path:
    return workspace.run_folder(run_id) / "audit"


def _rows(found: Finding | NearDuplicates) -> pa.Table:
    columns = {ROW_ID: found.rows}
    return pa.table(columns if found.groups is None else columns | {"group": found.groups})


def _read_rows(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int32] | None]:
    table = pq.read_table(path)
    groups = table["group"].to_numpy() if "group" in table.column_names else None
    return table[ROW_ID].to_numpy(), groups
