"""Small data sets shared by the tests of the core."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_digits, load_iris, make_blobs

from core import KnnGraph, fuzzy_simplicial_set, knn_graph

THREADS = (1, 2, 3, 7)


def two_components() -> np.ndarray:
    rng = np.random.default_rng(3)
    return np.concatenate([rng.normal(size=(700, 3)), rng.normal(size=(300, 3)) + 1000]).astype(np.float32)


def duplicates() -> np.ndarray:
    rng = np.random.default_rng(4)
    return np.repeat(rng.normal(size=(60, 4)), 20, axis=0).astype(np.float32)


def hubs() -> np.ndarray:
    """A dense core that is everybody's neighbour: points on a high-dimensional sphere around it."""
    rng = np.random.default_rng(5)
    sphere = rng.normal(size=(1200, 60))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    return np.concatenate([sphere, rng.normal(scale=0.01, size=(5, 60))]).astype(np.float32)


def mnist() -> np.ndarray:
    """4,200 handwritten digits: enough for the descent over principal components."""
    path = Path(__file__).parents[2] / "sample_data" / "mnist.parquet"
    images = next(pq.ParquetFile(path).iter_batches(4200, columns=["image"])).column(0)
    return images.flatten().to_numpy().reshape(4200, 784).astype(np.float32)


def bright_digits() -> sp.csr_array:
    """Small digits without their fainter half, as sparse rows."""
    x = load_digits().data[:900].astype(np.float32)
    return sp.csr_array(np.where(x > 8, x, 0))


DATA = {
    "blobs": lambda: make_blobs(2000, 8, centers=6, random_state=0)[0].astype(np.float32),
    "iris": lambda: load_iris().data.astype(np.float32),
    "mnist": mnist,
    "digits": lambda: load_digits().data.astype(np.float32),
    "duplicates": duplicates,
    "hubs": hubs,
    "two components": two_components,
}

KINDS: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    **{name: (make, {}) for name, make in DATA.items()},
    "sparse": (bright_digits, {}),
    "cosine": (mnist, {"metric": "cosine"}),
    "10-D output": (DATA["digits"], {"n_components": 10}),
    "1-D output": (DATA["digits"], {"n_components": 1}),
    "3-D output": (DATA["hubs"], {"n_components": 3}),
    "densMAP": (DATA["blobs"], {"densmap": True, "dens_frac": 0.5}),
    "manhattan": (DATA["digits"], {"metric": "manhattan"}),
}
"""Data, and the estimator's parameters with which a law must hold on them."""

_made = cache(lambda make: make())


@dataclass(frozen=True)
class Kind:
    """One of KINDS, made."""

    name: str
    x: Any
    keywords: dict[str, Any]

    @property
    def metric(self) -> str:
        return self.keywords.get("metric", "euclidean")


@pytest.fixture(scope="session", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    make, keywords = KINDS[request.param]
    return Kind(request.param, _made(make), keywords)


@pytest.fixture(scope="session", params=DATA)
def data(request: pytest.FixtureRequest) -> np.ndarray:
    return _made(DATA[request.param])


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    return _made(DATA["digits"])


@pytest.fixture(scope="session")
def digits_graph(digits: np.ndarray) -> KnnGraph:
    return knn_graph(digits, 15)


@pytest.fixture(scope="session")
def digits_set(digits_graph: KnnGraph):
    return fuzzy_simplicial_set(digits_graph)
