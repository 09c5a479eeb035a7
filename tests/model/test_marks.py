"""Marks of findings: none is lost, whoever marks meanwhile and whatever befalls their file."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from explorer.model.errors import WorkspaceError
from explorer.model.marks import Marks
from explorer.model.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace(tmp_path) as workspace:
        yield workspace


def test_marks_made_by_many_pages_at_once_are_all_there(workspace: Workspace) -> None:
    keys = [f"finding-{i}" for i in range(24)]
    with ThreadPoolExecutor(8) as pages:
        list(pages.map(lambda key: Marks(workspace, "run").set(key, "fixed", key), keys))
        assert {key: mark.note for key, mark in Marks(workspace, "run").all().items()} == {k: k for k in keys}
        list(pages.map(Marks(workspace, "run").clear, keys[1:]))
    assert set(Marks(workspace, "run").all()) == set(keys[:1])


@pytest.mark.parametrize(
    "content", ["", "[]", '{"schema": 99, "marks": {}}', '{"schema": 1, "marks": {"a": 3}}']
)
def test_marks_that_cannot_be_read_are_not_written_over(
    workspace: Workspace, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    marks = Marks(workspace, "run")
    marks.set("finding", "accepted")
    path = workspace.run_folder("run") / "marks.json"
    path.write_text(content)
    assert marks.all() == {}
    assert "is damaged" in caplog.text
    for change in (lambda: marks.set("other", "fixed"), lambda: marks.clear("finding")):
        with pytest.raises(WorkspaceError, match=r"marks\.json is damaged .*: restore or delete it"):
            change()
    assert path.read_text() == content
