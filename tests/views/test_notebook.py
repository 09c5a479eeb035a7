"""The app on data in memory, as a notebook shows it."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from explorer import explore, notebook
from explorer.app import warm_up_drawing
from explorer.model.errors import InputError, RunError
from explorer.model.run import Run, RunStatus
from explorer.model.source import source_of
from explorer.model.workspace import Workspace
from explorer.notebook import _server

N = 40
VECTORS = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
FRAME = pd.DataFrame(VECTORS, columns=["a", "b", "c"]).assign(
    v=list(VECTORS), kind=["odd", "even"] * (N // 2)
)
TABLE = pa.table({"kind": ["odd", "even"] * (N // 2)})


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    # Else a server's own thread imports and compiles while the tests go on, and whoever silences a warning
    # there is overruled by the filters of the next test.
    warm_up_drawing()


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'panel', 'bokeh', 'numpy', 'pandas', 'numba', 'core', 'explorer.notebook'}"
    code = f"import sys, explorer; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_a_frame_holds_a_page_on_the_data(tmp_path: Path) -> None:
    shown = explore(FRAME, vectors="v", workspace=tmp_path)
    app, _ = _server(tmp_path)
    try:
        (info,) = app.workspace.datasets()
        url = re.search(r'src="([^"]+)"', shown.object)[1]
        assert url.endswith(f"?data={info.id}")
        assert shown.object.startswith('<iframe title="UMAP Explorer" ')
        with urllib.request.urlopen(url, timeout=60) as answer:
            assert b"<html" in answer.read()
        (page,) = app.pages
        dataset = page.session.dataset
        np.testing.assert_array_equal(dataset.vectors, VECTORS)
        assert dataset.items.names == ("a", "b", "c", "kind")
        (run,) = app.runner.runs(dataset.id)
        assert page.session.run_id == run.id
        again = explore(FRAME, vectors="v", workspace=tmp_path)
        assert again.object == shown.object
        assert len(app.runner.runs()) == 1
    finally:
        for page in list(app.pages):
            page.close()
        app.runner.close()


def test_what_a_page_is_about_to_queue_is_left_to_it_when_more_data_is_opened(tmp_path: Path) -> None:
    explore(FRAME, vectors="v", workspace=tmp_path)
    app, _ = _server(tmp_path)
    try:
        (run,) = app.runner.runs()
        queued = Run.new(run.dataset_id, run.data_hash, run.n, run.parameters)
        app.workspace.save_run(queued)
        explore(FRAME, vectors="v", workspace=tmp_path)
        assert app.runner.wait(queued.id, timeout=60).status is RunStatus.QUEUED
    finally:
        app.runner.close()


def test_a_server_that_does_not_start_leaves_the_workspace_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_listen", "warm_up_drawing"):
        monkeypatch.setattr(notebook, name, lambda *_: None)
    monkeypatch.setattr(notebook, "PATIENCE", 0.0)
    with pytest.raises(RunError, match="did not start"):
        explore(FRAME, vectors="v", workspace=tmp_path)
    with Workspace(tmp_path) as again:
        again.claim()


def test_a_server_that_cannot_start_says_why_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(*_: Any, **__: Any) -> None:
        raise OSError("Too many open files")

    monkeypatch.setattr(notebook.pn, "serve", serve)
    with pytest.raises(RunError, match=r"did not start \(Too many open files\): run the cell again"):
        explore(FRAME, vectors="v", workspace=tmp_path)


@pytest.mark.parametrize(
    ("data", "vectors", "names"),
    [
        (FRAME, None, ("a", "b", "c", "kind")),
        (FRAME.drop(columns="v"), ["a", "b", "c"], ("a", "b", "c", "kind")),
        (FRAME.drop(columns="v"), VECTORS, ("a", "b", "c", "kind")),
        (TABLE, VECTORS, ("kind",)),
        (None, VECTORS, ()),
        (None, VECTORS.tolist(), ()),
    ],
)
def test_vectors_are_a_column_several_or_an_array(data: Any, vectors: Any, names: tuple[str, ...]) -> None:
    source = source_of(data, vectors)
    np.testing.assert_array_equal(source.vectors, VECTORS)
    assert tuple(source.items.column_names) == names


@pytest.mark.parametrize(
    ("data", "vectors", "sentence"),
    [
        (None, None, "There is nothing to lay out: give a table, or an array of vectors."),
        (None, "v", "There is nothing to lay out"),
        (FRAME, "w", "data has no column 'w'; its columns are a, b, c, v, kind."),
        (FRAME, ["a", "w"], "data has no column 'w'"),
        (FRAME, "kind", "data: the column 'kind' holds"),
        (FRAME, [], "vectors has no rows and columns"),
        (FRAME, VECTORS[1:], "data has 40 rows but vectors has 39 vectors"),
        (FRAME, [[1.0, 2.0], [3.0]], "vectors"),
        ({"a": [1]}, None, "data is a dict: give a pandas DataFrame or a pyarrow table."),
        (FRAME.assign(kind=[1, "x"] * (N // 2)), "v", "data holds what cannot be kept"),
        (pd.concat([FRAME, FRAME], axis=1), "v", "data"),
        (pa.table([[1.0, 2], [1.0, 2]], names=["a", "a"]), None, "several columns called 'a'"),
    ],
)
def test_what_is_no_data_is_refused_in_one_sentence(
    data: Any, vectors: Any, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as error:
        explore(data, vectors, workspace=tmp_path)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
