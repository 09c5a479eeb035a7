"""What an installation brings along, and that its import names are ours alone."""

import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from explorer.cli import app

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("package", ["core", "explorer"])
def test_import_names_are_ours_alone(package: str) -> None:
    """Both are generic names: in a shared environment another distribution might overwrite them."""
    assert set(packages_distributions()[package]) == {"umap-explorer"}


def test_command_tells_the_installed_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        app(["--version"])
    assert capsys.readouterr().out == f"umap-explorer {version('umap-explorer')}\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel, made from a copy so that no build folder is left here."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("core", "explorer", "sample_data"):
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(folder / "source")], check=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path).namelist()


def test_wheel_holds_every_module_and_asset(wheel: list[str]) -> None:
    for package in ("core", "explorer"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
        assert files <= set(wheel)
    assets = (ROOT / "explorer" / "assets").rglob("*")
    assert {path.relative_to(ROOT).as_posix() for path in assets if path.is_file()} <= set(wheel)
    assert "core/py.typed" in wheel


def test_wheel_holds_the_sample_its_licence_and_no_tests(wheel: list[str]) -> None:
    ends = ("share/umap-explorer/mnist.parquet", "share/umap-explorer/README.md", "licenses/LICENSE")
    assert all(any(name.endswith(end) for name in wheel) for end in ends)
    assert not [name for name in wheel if name.startswith(("tests", "sample_data"))]
