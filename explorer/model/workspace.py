"""The folder on disk: data sets, the stage cache, runs and samples, as plain files other tools can read.

::

    workspace.json                      {"schema": 1}
    datasets/<id>/dataset.json          name, hash, n, dims, image_side, where it came from
                  vectors.npy           float32 (n, dims)
                  items.parquet         the columns beside the vectors, in the same row order
    cache/<stage>/<key>/*.npy           results of the stages before the layout; about.json says of what
    runs/<id>/run.json                  the record of the run
              embedding.npy             float32 (n, n_components), as of the record's epoch
              keyframes/000120.npy      the layout at an epoch, in 16 bits: one record of low, span and
                                        positions (see history); runs of old keep them as .npz
              checkpoint.npz            what the layout needs to go on to the same bits
              start.npz                 what was taken of the run that it starts from (see fork)
              clustering.json           the clusters an analyst put in place of those found (see applied)
              clustering/<key>/*.npy    the arrays of these
              audit/                    its last audit and the rows of what that found (see kept_audit)
              marks.json                what was made of these findings (see marks)
              log.txt                   details of what went wrong
    runs/.deleted/<id>/                 a deleted run, to be restored until the next server starts
    samples/<name>.parquet, .json       drawn samples and how they were drawn
    selections/<data set>/              selections saved under a name (see saved)
    explorer.log                        what went wrong while the app was served

One process writes at a time, told by a lock on ``.lock`` that the system drops when the process ends. Reading
takes no lock: every file and folder of arrays appears whole by a rename.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

import filelock
import numpy as np
import platformdirs
import pyarrow as pa

from explorer.model import dataset as datasets
from explorer.model import files
from explorer.model.dataset import Dataset, DatasetInfo, Origin, Source
from explorer.model.errors import InputError, WorkspaceError
from explorer.model.files import csv_bytes, write_json, write_table
from explorer.model.history import History, Keyframe
from explorer.model.run import FEWEST_ROWS, Run
from explorer.model.saved import SavedSelections
from explorer.model.shelf import Remembered, Shelf, Version, version_of

__all__ = ["Workspace", "csv_bytes", "write_json", "write_table"]

T = TypeVar("T")
SCHEMA = 1
MOST_OPEN = 4
"""Data sets that stay open though nobody uses them."""
log = logging.getLogger(__name__)


class Workspace:
    """A folder of data sets and runs.

    Parameters
    ----------
    path : Path or str, optional
        The folder, made at the first write. By default the platform's folder for user data.

    Raises
    ------
    WorkspaceError
        If the path is a file, or was written by a newer version.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        chosen = platformdirs.user_data_path("umap-explorer") / "workspace" if path is None else Path(path)
        self.path = chosen.expanduser().absolute()
        self._lock = filelock.FileLock(self.path / ".lock", timeout=0, thread_local=False)
        self._claiming, self._opening = threading.Lock(), threading.Lock()
        self._told: set[str] = set()
        self._datasets = Shelf(self.path / "datasets", "dataset.json", "data set", DatasetInfo.from_dict)
        self._runs = Shelf(self.path / "runs", "run.json", "run", Run.from_dict)
        self._clusterings: Remembered[dict[str, Any]] = Remembered()
        # Data that nobody uses any more takes its columns and its database with it.
        self._open: WeakValueDictionary[tuple[Path, Version | None], Dataset] = WeakValueDictionary()
        self._recent: deque[Dataset] = deque(maxlen=MOST_OPEN)
        self._check_marker()

    def _check_marker(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise WorkspaceError(f"The workspace {self.path} is a file: give a folder.")
        marker = self.path / "workspace.json"
        if not marker.exists():
            return
        try:
            schema = int(files.read_json(marker)["schema"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkspaceError(
                f"{marker} cannot be read ({error}): restore or delete that file."
            ) from error
        if schema > SCHEMA:
            raise WorkspaceError(
                f"The workspace {self.path} was written by a newer version (schema {schema}): "
                "update UMAP Explorer."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # The one writer

    def claim(self) -> None:
        """Become the one process that writes here, until ``close`` or the end of the process.

        Every method that writes calls this by itself.

        Raises
        ------
        WorkspaceError
            If another process writes here, or the folder cannot be written to.
        """
        with self._claiming:
            if not self._lock.is_locked:
                self._lock_folder()

    def _lock_folder(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout as error:
            raise WorkspaceError(
                f"The workspace {self.path} is in use by another UMAP Explorer that writes to it: "
                "close that one, or choose another folder with --workspace."
            ) from error
        except OSError as error:
            raise WorkspaceError(
                f"The workspace {self.path} cannot be written to ({error.strerror}): choose another folder."
            ) from error
        files.put_back(self.path)
        files.remove_leftovers(self.path)
        self._remove_unrecorded()
        if not (self.path / "workspace.json").exists():
            write_json(self.path / "workspace.json", {"schema": SCHEMA})

    def _remove_unrecorded(self) -> None:
        """Remove the folders of runs of which a writer that was killed had not written the record yet."""
        for folder in (self.path / "runs").glob("[!.]*/"):
            if {path.name for path in folder.iterdir()} <= {"start.npz"}:
                files.remove(folder)

    def close(self) -> None:
        """Let others write, and give up the databases of the items."""
        for dataset in list(self._open.values()):
            dataset.items.close()
        self._lock.release(force=True)

    # Data sets

    def add_dataset(
        self,
        data: Path | str,
        vectors: str | Path | None = None,
        items: Path | str | None = None,
        name: str | None = None,
        progress: Callable[[float], None] = lambda _: None,
        least: int = FEWEST_ROWS,
    ) -> Dataset:
        """Import a file, or find it among the data sets when it was imported before.

        Parameters
        ----------
        data, vectors, items, least
            As for ``dataset.read_source``.
        name : str, optional
            What to call it; by default the file's name.
        progress : callable, optional
            Called with the share written, 0 to 1; what it raises ends the import.

        Raises
        ------
        InputError
            If the file is not usable. Whatever ends an import, nothing is left half-written.
        WorkspaceError
            If the workspace cannot be written.
        """
        beside = None if items is None else Path(items)
        origin = datasets.Origin.of(Path(data), vectors, beside)
        for info in self.datasets():
            if info.origin == origin and (name is None or info.name == name):
                return self.dataset(info.id)
        self.claim()
        source = datasets.read_source(Path(data), vectors=vectors, items=beside, least=least)
        return self.add_source(source, origin, name, progress)

    def add_source(
        self,
        source: Source,
        origin: Origin = datasets.IN_MEMORY,
        name: str | None = None,
        progress: Callable[[float], None] = lambda _: None,
    ) -> Dataset:
        """Import what a source offers; the same content keeps one id."""
        self.claim()
        folder = self.path / "datasets"
        info = datasets.import_source(source, folder, origin, name=name, progress=progress)
        return self.dataset(info.id)

    def datasets(self) -> list[DatasetInfo]:
        """Return the data sets, newest first. A damaged one is told of in the log and left out."""
        return sorted(self._datasets.all(self._tell), key=lambda info: (info.created, info.id), reverse=True)

    def dataset(self, dataset_id: str) -> Dataset:
        """Open a data set by its id or any unique beginning of it.

        It is the same object while its files last and somebody uses it, or it is among those opened last.
        """
        folder = self._datasets.folder(dataset_id)
        key = folder, version_of([folder / "dataset.json", folder / "vectors.npy"])
        with self._opening:
            dataset = self._open.get(key)
            if dataset is None:
                dataset = self._open[key] = datasets.open_dataset(folder)
            if dataset not in self._recent:
                self._recent.append(dataset)
        return dataset

    # The stage cache

    def cached(self, stage: str, key: str) -> dict[str, np.ndarray] | None:
        """Return the arrays of a stage's result, memory-mapped, or None. A damaged entry counts as none."""
        folder = self.cache_folder(stage, key)
        if not folder.is_dir():
            return None
        try:
            return files.read_folder_of_arrays(folder) or None
        except (OSError, ValueError) as error:
            self._tell(f"{folder} cannot be read ({error}); that stage is computed anew.")
            return None

    def store(self, stage: str, key: str, about: dict[str, Any] | None = None, **arrays: np.ndarray) -> None:
        """Keep the arrays of a stage's result under its key."""
        self.claim()
        files.write_folder_of_arrays(self.cache_folder(stage, key), arrays, about or {})

    def discard(self, stage: str, key: str) -> None:
        """Forget a stage's result, and what a process killed while writing it left."""
        self.claim()
        files.remove(self.cache_folder(stage, key))
        files.remove_leftovers(self.cache_folder(stage, key).parent, key)

    def cache_folder(self, stage: str, key: str) -> Path:
        """Where a stage's result lives once it is whole."""
        return self.path / "cache" / stage.replace(" ", "-") / key

    # Runs

    def runs(self, dataset_id: str | None = None) -> list[Run]:
        """Return the runs, newest first; a damaged one is logged and left out (see ``problems``)."""
        chosen = [run for run in self._runs.all(self._tell) if dataset_id in (None, run.dataset_id)]
        return sorted(chosen, key=lambda run: (run.created, run.id), reverse=True)

    def run(self, run_id: str) -> Run:
        """Return the run with this id or any unique beginning of it."""
        return self._runs.named(run_id)

    def save_run(self, run: Run) -> None:
        """Write a run's record."""
        self.claim()
        write_json(self.run_folder(run.id) / "run.json", run.to_dict())

    def run_folder(self, run_id: str) -> Path:
        """Return the folder of a run, whether it exists or not."""
        return self.path / "runs" / run_id

    def embedding(self, run_id: str) -> np.ndarray | None:
        """Return the map of a run, float32 (n, n_components), memory-mapped; None if it has none yet."""
        path = self.run_folder(run_id) / "embedding.npy"
        return _load(path, lambda path: np.load(path, mmap_mode="r", allow_pickle=False))

    def save_embedding(self, run_id: str, embedding: np.ndarray) -> None:
        """Keep the map of a run."""
        self.claim()
        files.write_array(self.run_folder(run_id) / "embedding.npy", embedding)

    def keyframes(self, run_id: str) -> History:
        """Return the kept moments of a run, in the order of their epochs; each is mapped when asked for."""
        folder = self.run_folder(run_id) / "keyframes"
        epochs = {int(path.stem) for path in folder.glob("*.np[yz]") if path.stem.isdecimal()}

        def load(epoch: int) -> Keyframe:
            path = folder / f"{epoch:06d}.npy"
            frame = _load(path, lambda path: Keyframe.of_record(files.map_array(path)))
            if frame is None:
                frame = _load(path.with_suffix(".npz"), lambda path: Keyframe(**files.read_arrays(path)))
            if frame is None:
                raise WorkspaceError(f"The run {run_id} keeps no epoch {epoch}.")
            return frame

        return History(tuple(sorted(epochs)), load)

    def save_keyframe(self, run_id: str, epoch: int, frame: Keyframe) -> None:
        """Keep one moment of a run."""
        self.claim()
        files.write_array(self.run_folder(run_id) / "keyframes" / f"{epoch:06d}.npy", frame.record)

    def checkpoint(self, run_id: str) -> dict[str, np.ndarray] | None:
        """Return what the run's layout needs to go on, or None. A damaged checkpoint counts as none."""
        try:
            return _load(self.run_folder(run_id) / "checkpoint.npz", files.read_arrays)
        except WorkspaceError as error:
            self._tell(str(error))
            return None

    def save_checkpoint(self, run_id: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep what the run's layout needs to go on."""
        self.claim()
        files.write_arrays(self.run_folder(run_id) / "checkpoint.npz", arrays)

    def start(self, run_id: str) -> dict[str, np.ndarray] | None:
        """Return what a run starts from if that is another's map, as ``fork`` took it, or None."""
        return _load(self.run_folder(run_id) / "start.npz", files.read_arrays)

    def save_start(self, run_id: str, arrays: dict[str, np.ndarray]) -> None:
        """Keep what a run starts from."""
        self.claim()
        files.write_arrays(self.run_folder(run_id) / "start.npz", arrays)

    def clustering(self, run_id: str) -> dict[str, Any] | None:
        """Return what ``applied`` keeps of a run's clusters, or None. A damaged record counts as none."""
        path = self.run_folder(run_id) / "clustering.json"
        try:
            return self._clusterings.get(path, partial(files.read_json, path))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._tell(f"{path} cannot be read ({error}); the clusters are those found on the map.")
            return None

    def save_clustering(self, run_id: str, values: dict[str, Any] | None) -> None:
        """Keep what ``applied`` tells of a run's clusters; None forgets it."""
        self.claim()
        path = self.run_folder(run_id) / "clustering.json"
        if values is None:
            files.remove(path)
        else:
            write_json(path, values)

    def drop_checkpoint(self, run_id: str) -> None:
        """Remove the checkpoint of a run that needs it no more."""
        self.claim()
        files.remove(self.run_folder(run_id) / "checkpoint.npz")

    def append_log(self, run_id: str, text: str) -> None:
        """Add to the log of a run."""
        self.claim()
        files.append_text(self.run_folder(run_id) / "log.txt", f"{text.rstrip()}\n")

    def delete_run(self, run_id: str) -> None:
        """Take a run out of every list, whole and at once; until ``empty_deleted`` it can be restored."""
        self.claim()
        folder = self._runs.folder(run_id)
        files.move(folder, self._deleted / folder.name)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back as it was; raises InputError if it is gone for good."""
        self.claim()
        if run_id not in {folder.name for folder in self._deleted.glob("*")}:
            raise InputError(
                f"The run {run_id} cannot be brought back: a server started since has removed it."
            )
        if not (self.run_folder(run_id) / "run.json").exists():
            # What was still being kept of it when it was deleted, as an audit, has made a folder anew.
            files.remove(self.run_folder(run_id))
        files.move(self._deleted / run_id, self.run_folder(run_id))

    def empty_deleted(self) -> None:
        """Remove deleted runs for good."""
        self.claim()
        files.remove(self._deleted)

    @property
    def _deleted(self) -> Path:
        return self.path / "runs" / ".deleted"

    # Samples

    def write_sample(self, name: str, table: pa.Table, manifest: dict[str, Any]) -> Path:
        """Write a sample's rows (Parquet) and how they were drawn (JSON); return the path of the rows."""
        if not re.fullmatch(r"\w[\w .-]*", name):
            raise InputError(f"{name!r} cannot name a sample: use letters, digits, spaces, dots and dashes.")
        self.claim()
        path = self.path / "samples" / f"{name}.parquet"
        # First what is enough to draw the rows again.
        write_json(path.with_suffix(".json"), manifest)
        write_table(path, table)
        return path

    # Selections

    def selections(self, dataset_id: str, n: int) -> SavedSelections:
        """Return the selections saved of a data set of n rows."""
        return SavedSelections(self.path / "selections" / dataset_id, n, self.claim)

    # What cannot be read

    def problems(self) -> list[str]:
        """One sentence for each data set and run whose record cannot be read."""
        found: list[str] = []
        self._datasets.all(found.append)
        self._runs.all(found.append)
        return found

    def _tell(self, sentence: str) -> None:
        """Log a problem once."""
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning(sentence)


def _load(path: Path, load: Callable[[Path], T]) -> T | None:
    """Return what ``load`` reads, None if there is no such file; raises WorkspaceError if it is damaged."""
    try:
        return load(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        # Not numpy's own words, which advise to unpickle what it does not know.
        raise WorkspaceError(f"{path} is damaged: delete it and run again.") from error
