"""What every test may use: small real data made once, and the browser as this machine has it."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
MNIST = ROOT / "sample_data" / "mnist.parquet"
N_MNIST_SMALL = 3_000

# The same examples in every run and on every machine: a failure is a fact, never luck.
settings.register_profile(
    "deterministic",
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("deterministic")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the walk-through's pictures be kept."""
    parser.addoption("--pictures", type=Path, help="folder for the pictures of the walk-through")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests last: what they drive has been tested by then."""
    items.sort(key=lambda item: "browser" in item.path.parts)


@pytest.fixture(scope="session")
def mnist_small_table() -> pa.Table:
    """Every 23rd digit of the shipped MNIST, 3,000 rows: columns image, digit, split."""
    table = pq.read_table(MNIST)
    rows = np.arange(0, table.num_rows, table.num_rows // N_MNIST_SMALL)[:N_MNIST_SMALL]
    return table.take(rows).combine_chunks()


@pytest.fixture(scope="session")
def mnist_small(mnist_small_table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    """The same as arrays: images float32 (3000, 784), read-only, and digits uint8 (3000,)."""
    pixels = mnist_small_table["image"].combine_chunks().flatten().to_numpy()
    images = pixels.reshape(N_MNIST_SMALL, -1).astype(np.float32)
    images.setflags(write=False)
    return images, mnist_small_table["digit"].to_numpy()


@pytest.fixture(scope="session")
def mnist_small_path(mnist_small_table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a Parquet file."""
    path = tmp_path_factory.mktemp("mnist") / "mnist_small.parquet"
    pq.write_table(mnist_small_table, path)
    return path


@pytest.fixture(scope="session")
def mnist_path() -> Path:
    """The shipped MNIST, all 70,000 rows."""
    return MNIST


@pytest.fixture(scope="session")
def blobs() -> tuple[np.ndarray, np.ndarray]:
    """Five well separated Gaussian blobs: vectors float32 (600, 12), read-only, and labels int64 (600,)."""
    rng = np.random.default_rng(7)
    labels = np.repeat(np.arange(5), 120)
    centres = rng.normal(scale=8.0, size=(5, 12))
    vectors = (centres[labels] + rng.normal(size=(600, 12))).astype(np.float32)
    vectors.setflags(write=False)
    return vectors, labels


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the system's Chromium when there is one, quiet and without a sandbox, as containers need."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    quiet = (
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    )
    return browser_type_launch_args | {"args": list(quiet)} | ({"executable_path": found} if found else {})
