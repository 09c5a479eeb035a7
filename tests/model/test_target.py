"""What supervises a map, and that a supervised run is the estimator's bit for bit, even if it was stopped."""

import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core import UMAP
from explorer.model.errors import InputError
from explorer.model.run import RunParameters, RunStatus
from explorer.model.runner import Runner
from explorer.model.target import hash_of, target_of
from explorer.model.workspace import Workspace

PATIENCE = 120
N = 600


@pytest.fixture(scope="module")
def columns(blobs: tuple[np.ndarray, np.ndarray]) -> dict[str, pa.Array]:
    vectors, labels = blobs
    known = np.arange(N) % 10 > 0
    return {
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1]),
        "genre": pa.array([f"g{label}" if known[i] else None for i, label in enumerate(labels)]),
        "class": pa.array(np.where(known, labels, -1)),
        "year": pa.array(1900.0 + labels + np.arange(N) / N),
        "gaps": pa.array([None if i == 7 else i / 7 for i in range(N)]),
        "title": pa.array([f"title {i}" for i in range(N)]),
        "day": pa.array(np.arange(N).astype("datetime64[D]")),
    }


@pytest.fixture(scope="module")
def runner(columns: dict[str, pa.Array], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    folder = tmp_path_factory.mktemp("target")
    pq.write_table(pa.table(columns), folder / "items.parquet")
    with Workspace(folder / "workspace") as workspace, Runner(workspace) as runner:
        workspace.add_dataset(folder / "items.parquet", vectors="vector")
        yield runner


def dataset_of(runner: Runner):
    return runner.workspace.dataset(runner.workspace.datasets()[0].id)


def test_categories_become_codes_and_numbers_stay(runner: Runner, columns: dict[str, pa.Array]) -> None:
    items = dataset_of(runner).items
    for name in ("genre", "class"):
        codes = target_of(items, name)
        assert codes.dtype == np.int32
        np.testing.assert_array_equal(codes < 0, np.arange(N) % 10 == 0)
        assert len(np.unique(codes)) == 6
    np.testing.assert_array_equal(target_of(items, "year"), columns["year"].to_numpy().astype(np.float32))
    np.testing.assert_array_equal(target_of(items, "day"), np.arange(N) * np.float32(86_400))


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("mood", "There is no column 'mood'; the columns are genre, class, year"),
        ("gaps", "The column 'gaps' has no finite number in row 7"),
        ("title", "The column 'title' holds free text"),
    ],
)
def test_what_cannot_supervise_is_refused_and_leaves_no_run(
    runner: Runner, column: str, sentence: str
) -> None:
    before = runner.runs()
    with pytest.raises(InputError, match=sentence):
        runner.start(dataset_of(runner), RunParameters(target=column))
    assert runner.runs() == before


def test_zeros_as_codes_are_not_zeros_as_numbers() -> None:
    assert hash_of(np.zeros(4, np.int32)) != hash_of(np.zeros(4, np.float32))


@pytest.mark.parametrize(
    ("given", "metric"),
    [
        ({"target": "genre"}, "categorical"),
        ({"target": "year"}, "l2"),
        ({"densmap": True}, "categorical"),
        ({"densmap": True, "target": "genre"}, "categorical"),
    ],
)
def test_the_estimator_gives_the_same_bits(
    runner: Runner, blobs: tuple[np.ndarray, np.ndarray], given: dict[str, object], metric: str
) -> None:
    dataset = dataset_of(runner)
    run = runner.wait(runner.start(dataset, RunParameters(n_epochs=60, **given)).id, PATIENCE)
    assert run.status is RunStatus.DONE, run.error
    assert ("supervision" in run.seconds) == ("target" in given) == bool(run.target_hash)
    target = target_of(dataset.items, str(given["target"])) if "target" in given else None
    model = UMAP(
        n_epochs=60, random_state=42, densmap=bool(given.get("densmap", False)), target_metric=metric
    )
    expected = model.fit_transform(blobs[0], target)
    assert runner.workspace.embedding(run.id).tobytes() == expected.tobytes()


def test_densmap_takes_200_epochs_more(runner: Runner) -> None:
    run = runner.start(dataset_of(runner), RunParameters(densmap=True))
    runner.stop(run.id)
    assert run.n_epochs == 700


def test_a_stopped_supervised_densmap_run_resumes_to_the_same_bits(runner: Runner) -> None:
    parameters = RunParameters(n_epochs=2_000, densmap=True, target="genre")
    straight = runner.wait(runner.start(dataset_of(runner), parameters).id, PATIENCE)
    halted = runner.start(dataset_of(runner), parameters)
    while runner.progress(halted.id).epoch < 200:
        time.sleep(0.002)
    runner.stop(halted.id)
    assert runner.wait(halted.id, PATIENCE).status is RunStatus.STOPPED
    runner.resume(halted.id)
    resumed = runner.wait(halted.id, PATIENCE)
    assert resumed.costs == straight.costs
    one, two = (runner.workspace.embedding(run.id) for run in (straight, resumed))
    assert one.tobytes() == two.tobytes()


def test_a_target_that_is_gone_from_the_cache_is_made_anew(runner: Runner) -> None:
    dataset, parameters = dataset_of(runner), RunParameters(n_epochs=5, target="class", n_neighbors=9)
    first = runner.wait(runner.start(dataset, parameters).id, PATIENCE)
    runner.workspace.discard("target", first.target_hash)
    again = runner.wait(runner.start(dataset, RunParameters(n_epochs=5, target="class", n_neighbors=8)).id)
    assert again.status is RunStatus.DONE, again.error
    assert again.target_hash == first.target_hash
