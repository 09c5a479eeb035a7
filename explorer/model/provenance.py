"""What computed a run: versions and processor. The same bits are promised where all of these are the same."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("umap-explorer", "numpy", "scipy", "numba", "llvmlite", "pynndescent", "scikit-learn")


def provenance() -> dict[str, str]:
    """Return versions by package, ``python``, ``system`` and ``processor``."""
    return dict(_collect())


@cache
def _collect() -> tuple[tuple[str, str], ...]:
    found = {name: _version(name) for name in PACKAGES}
    system = f"{platform.system()} {platform.machine()}"
    return (
        *found.items(),
        ("python", platform.python_version()),
        ("system", system),
        ("processor", _processor()),
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor's name: Linux tells it in /proc, others through ``platform``."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()
