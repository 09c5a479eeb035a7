"""The last audit of a run on disk: what it told, and the rows of each finding.

::

    runs/<id>/audit/audit.json         what ``audit --json`` prints
                    <key>.parquet      row_id of the rows that a finding concerns; of duplicates, their group
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from explorer.model import files
from explorer.model.audit import Audit
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.findings import Finding
from explorer.model.items import ROW_ID
from explorer.model.marks import Marks
from explorer.model.workspace import Workspace


def keep(workspace: Workspace, audit: Audit) -> dict[str, Any]:
    """Write an audit in place of the run's last one; return what it tells, with files of rows and marks."""
    workspace.claim()
    folder = _folder(workspace, audit.run.id)
    files.remove(folder)
    told = audit.to_dict()
    for finding, about in zip(audit.findings, told["findings"], strict=True):
        about["rows_file"] = str(folder / f"{finding.key}.parquet")
    with files.replacing(folder) as temporary:
        temporary.mkdir()
        for finding in audit.findings:
            files.write_table(temporary / f"{finding.key}.parquet", _rows(finding))
        files.write_json(temporary / "audit.json", told)
    return marked(workspace, told)


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
        how_many = "Several findings" if len(matches) > 1 else "No finding"
        raise InputError(f"{how_many} of the last audit of {run_id} begin with {prefix!r}: give a whole key.")
    return matches[0]


def _folder(workspace: Workspace, run_id: str) -> Path:
    return workspace.run_folder(run_id) / "audit"


def _rows(finding: Finding) -> pa.Table:
    columns = {ROW_ID: finding.rows}
    return pa.table(columns if finding.groups is None else columns | {"group": finding.groups})
