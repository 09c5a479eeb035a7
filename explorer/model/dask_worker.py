"""Runs computed by the workers of a Dask cluster, to the bits that this machine would give.

A run is worked at by one worker of Dask from its first stage to its last epoch. What that holds of the run
is an actor, a `Desk`: it gets the vectors and what the workspace has of the stages before, answers with the
arrays of the stages after, and advances the layout a quarter of a second at a time, so that the map, its
history and its checkpoints come back while it works. All files are written here, by the code that writes
those of a run computed here: the workers need no view of the workspace.

What several runs read, the vectors and the stages they share, is put into the memory of the cluster once and
passed on from worker to worker. A stage that several share is computed for the first of them (see ``lines``).

A worker that dies takes the run it was at with it and no other: an actor is not begun anew elsewhere, where
there may be as little memory. A stage cannot be broken off: of a run that is stopped, the one it is in goes
on at the worker to its end, unseen.

The protocol of Dask is pickle over the network, open to whoever reaches the cluster: its address is given by
the user, who trusts it; nothing is looked for or opened here. Scheduler and workers need the same version of
this package.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from core import Layout
from explorer.model import files
from explorer.model.errors import InputError, RunError
from explorer.model.provenance import provenance
from explorer.model.stages import LAYOUT, Arrays
from explorer.model.steps import Beginning
from explorer.model.worker import WorkerDiedError, answered, computed, opened

if TYPE_CHECKING:
    from distributed import Actor, ActorFuture, Client, Future

PACKAGE = "umap-explorer"
CONNECT_SECONDS = 5.0
TICK_SECONDS = 0.1
STEP_SECONDS = 0.25
MOST_HELD = 16
"""Results in the memory of the cluster for the runs to come: the vectors, and stages that are shared."""
ATTEMPTS = 3
LOGGERS = ("distributed", "distributed.client")


class DaskWorkers:
    """The workers of a Dask cluster; close it after the runner that uses it.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://10.0.0.5:8786``.
    timeout : float, optional
        Seconds to wait for it, and for its first worker.

    Raises
    ------
    InputError
        If Dask is not installed here, there is no such scheduler, it has no workers, or one of them has
        another version of this package or none.
    """

    def __init__(self, address: str, timeout: float = CONNECT_SECONDS) -> None:
        self.address = address
        self._held: OrderedDict[str, Future[Any]] = OrderedDict()
        self._putting = threading.Lock()
        self.client = _connect(address, timeout)
        try:
            self.count = self._checked_workers(timeout)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave the cluster, which forgets what was put there."""
        self._held.clear()
        self.client.close()

    def _checked_workers(self, timeout: float) -> int:
        try:
            self.client.wait_for_workers(1, timeout=timeout)
            told = self.client.run(provenance)
        except Exception as error:
            raise InputError(self.sentence(error, "")) from error
        for where, what in told.items():
            refuse_other_version(where, what)
        return len(told)

    def sentence(self, error: Exception, otherwise: str) -> str:
        """Say what is wrong with the cluster as a whole when something goes wrong, else something else."""
        if not self._answers():
            return f"The Dask scheduler at {self.address} is gone: try again when it is back."
        if isinstance(error, TimeoutError):
            start = f"start some with 'dask worker {self.address}'"
            return f"The Dask scheduler at {self.address} has no workers: {start}."
        if isinstance(error, ImportError) or "deserialization" in str(error) or not otherwise:
            mine = f"{PACKAGE} {provenance()[PACKAGE]}"
            return f"The Dask scheduler or a worker cannot load {PACKAGE}: install {mine} for all of them."
        return otherwise

    def _answers(self) -> bool:
        try:
            self.client.nthreads()
        except Exception:
            return False
        return True

    @contextmanager
    def worker(self) -> Iterator[DaskWorker]:
        """Yield one of the workers, for one run; it is chosen when there is something to do."""
        worker = DaskWorker(self)
        try:
            yield worker
        finally:
            worker.leave()

    def put(self, path: str) -> Future[Any]:
        """Return a file or folder of arrays as it is in the memory of the cluster, put there unless it is."""
        with self._putting:
            future = self._held.pop(path, None)
            if future is None or future.status != "finished":
                place = Path(path)
                arrays = files.map_array(place) if place.is_file() else files.read_folder_of_arrays(place)
                # A key of its own each time: one just given up may still be about to be forgotten there.
                (future,) = self.client.scatter([arrays], hash=False)
            self._held[path] = future
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
            return future


class DaskWorker:
    """One worker of Dask in the place of the process that computes stages, and of the thread of a layout.

    Use it from one thread; ``kill`` may be called from any.
    """

    def __init__(self, workers: DaskWorkers) -> None:
        self._workers = workers
        self._actor: Actor | None = None
        self._future: Future[Any] | None = None
        self._there: frozenset[str] = frozenset()
        self._killed = False
        self.address = "an unknown address"
        self.provenance: dict[str, str] = {}

    def compute(self, task: Mapping[str, Any], tick: Callable[[], None]) -> dict[str, Any]:
        """Do one stage and leave its arrays in the workspace; as `Worker.compute`.

        Raises
        ------
        InputError
            If the stage refuses its input.
        RunError
            If the stage fails, or the worker dies.
        WorkerDiedError
            After ``kill``.
        """
        stage, output = task["stage"], Path(task["output"])
        desk = self._sit_down(stage, task["earlier"], task["vectors"], tick)
        answer = self._ask(stage, lambda: desk.compute(stage, task["parameters"]), tick)
        about = {name: task[name] for name in ("stage", "parameters", "vectors")}
        files.write_folder_of_arrays(output, answer["arrays"], about | {"seconds": answer["seconds"]})
        self._there |= {stage}
        return {"seconds": answer["seconds"]}

    def begin(self, beginning: Beginning, earlier: Mapping[str, str]) -> DaskSteps:
        """Begin a layout, from the folders of the stages that it needs; raises as ``compute``."""
        desk = self._sit_down(LAYOUT, earlier, None, _nothing)
        self._ask(LAYOUT, lambda: desk.begin(beginning), _nothing)
        return DaskSteps(self, beginning)

    def advance(self, to_epoch: int) -> dict[str, Any]:
        """Advance the layout; raises as ``compute``."""
        assert self._actor is not None
        desk = self._actor
        return self._ask(LAYOUT, lambda: desk.advance(to_epoch), _nothing)

    def kill(self) -> None:
        """Wait for it no longer."""
        self._killed = True

    def leave(self) -> None:
        """Let the worker forget the run."""
        future, self._actor, self._future = self._future, None, None
        if future is not None:
            # By itself it would once the last reference to the actor is collected.
            with suppress(Exception):
                future.cancel()

    def _sit_down(
        self, stage: str, earlier: Mapping[str, str], vectors: str | None, tick: Callable[[], None]
    ) -> Any:
        """Return the desk, with the arrays of these folders on it, and the vectors if they are named."""
        if self._actor is not None and self._there >= set(earlier):
            return self._actor
        self.leave()
        for _ in range(ATTEMPTS):
            with self._spoken(stage):
                # What a dead worker alone had is put there again.
                inputs = {name: self._workers.put(folder) for name, folder in earlier.items()}
                data = None if vectors is None else self._workers.put(vectors)
                if self._is_seated(self._workers.client.submit(Desk, data, inputs, actor=True), tick):
                    break
        if self._actor is None:
            raise RunError(f"The {stage} was not begun, as the Dask cluster loses workers: resume the run.")
        desk: Any = self._actor
        self.provenance = self._ask(stage, lambda: desk.provenance(), tick)
        refuse_other_version(self.address, self.provenance)
        self._there = frozenset(earlier)
        return desk

    def _is_seated(self, future: Future[Any], tick: Callable[[], None]) -> bool:
        """Wait for the actor of a future and take it; return whether it came, or its inputs were lost."""
        from distributed import Actor

        self._future, client = future, self._workers.client
        while future.status == "pending":
            time.sleep(TICK_SECONDS)
            self._tick(tick)
        if future.status == "cancelled":
            return False
        if future.status == "error":
            future.result()
        ((self.address,),) = client.who_has([future]).values()
        # Not by the future's result: Dask gets those of several threads at once, and one that ends its wait
        # takes the answer from the others.
        with client.as_current():
            self._actor = Actor(Desk, self.address, future.key)
        return True

    def _ask(
        self, stage: str, call: Callable[[], ActorFuture[dict[str, Any]]], tick: Callable[[], None]
    ) -> dict[str, Any]:
        with self._spoken(stage):
            answer = self._result(call(), tick)
        return opened(answer)

    def _result(self, answer: ActorFuture[dict[str, Any]], tick: Callable[[], None]) -> dict[str, Any]:
        """Return what is waited for, calling ``tick`` ten times a second meanwhile."""
        while True:
            try:
                return answer.result(timeout=TICK_SECONDS)
            except TimeoutError:
                self._tick(tick)
                if self._future is not None and self._future.status in ("error", "lost", "cancelled"):
                    raise OSError("The actor is lost.") from None

    def _tick(self, tick: Callable[[], None]) -> None:
        tick()
        if self._killed:
            raise WorkerDiedError("It is waited for no longer.")

    @contextmanager
    def _spoken(self, stage: str) -> Iterator[None]:
        """Have what goes wrong between here and the cluster said in one sentence."""
        try:
            yield
        except (WorkerDiedError, InputError):
            raise
        except Exception as error:
            # A worker that killed itself by what it was sent is told of by Dask.
            address = getattr(getattr(error, "last_worker", None), "address", self.address)
            died = (
                f"The Dask worker at {address} died in the {stage}; its memory may be too small: "
                "resume the run to try again, with fewer rows or neighbours if that does not help."
            )
            raise RunError(self._workers.sentence(error, died)) from error


class DaskSteps:
    """The steps of a layout at a worker of Dask: each as far as it comes in a quarter of a second."""

    here = False

    def __init__(self, worker: DaskWorker, beginning: Beginning) -> None:
        self._worker, state = worker, beginning.state
        self.epoch = 0 if state is None else state.epoch
        self.embedding = np.array(beginning.initial if state is None else state.positions, np.float32)

    @property
    def provenance(self) -> dict[str, str]:
        """Of the worker."""
        return self._worker.provenance

    def step(self, to_epoch: int) -> tuple[float, ...]:
        """Advance by an epoch or several, to ``to_epoch`` at most; return the cost after each."""
        answer = self._worker.advance(to_epoch)
        self.epoch, self.embedding = answer["epoch"], answer["embedding"]
        costs: tuple[float, ...] = answer["costs"]
        return costs


def refuse_other_version(address: str, told: Mapping[str, str]) -> None:
    """Raise InputError if a worker that tells this of itself has another version of the package than we."""
    here, there = provenance()[PACKAGE], told[PACKAGE]
    if here != there:
        raise InputError(
            f"The Dask worker at {address} has {PACKAGE} {there}, this is {here}: install the same version."
        )


def _connect(address: str, timeout: float) -> Client:
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(f"Dask is not installed here: pip install '{PACKAGE}[dask]'.") from error
    # What goes wrong is told of the run that it befalls.
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return Client(address, timeout=timeout, name=PACKAGE)
    except Exception as error:
        raise InputError(
            f"No Dask scheduler answers at {address}: give the address that 'dask scheduler' prints, such as "
            "tcp://10.0.0.5:8786."
        ) from error


def _nothing() -> None:
    """Nobody watches."""


# At the worker


class Desk:
    """What a worker of Dask holds of one run: an actor, whose answers are those of ``worker.answered``.

    Parameters
    ----------
    vectors : float32 (n, dims) or None
        None when there is nothing left to do but the layout.
    arrays : mapping
        Of the stages before, by their names.
    """

    def __init__(self, vectors: NDArray[np.float32] | None, arrays: Mapping[str, Arrays]) -> None:
        self._vectors, self._arrays = vectors, dict(arrays)
        self._layout: Layout | None = None

    def provenance(self) -> dict[str, Any]:
        """Answer with what computes here."""
        return provenance()

    def compute(self, stage: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Answer with the arrays of a stage, and keep them for the next."""
        return answered(stage, lambda: self._compute(stage, parameters))

    def _compute(self, stage: str, parameters: dict[str, Any]) -> dict[str, Any]:
        assert self._vectors is not None
        arrays, seconds = computed(stage, parameters, self._vectors, self._arrays)
        self._arrays[stage] = arrays
        return {"arrays": arrays, "seconds": seconds}

    def begin(self, beginning: Beginning) -> dict[str, Any]:
        """Make the layout."""
        return answered(LAYOUT, lambda: self._begin(beginning))

    def _begin(self, beginning: Beginning) -> dict[str, Any]:
        from distributed import get_worker

        self._layout = beginning.layout(self._arrays, get_worker().state.nthreads)
        self._vectors, self._arrays = None, {}
        return {}

    def advance(self, to_epoch: int) -> dict[str, Any]:
        """Answer with the epoch reached in a quarter of a second, the map and the cost after each epoch."""
        return answered(LAYOUT, lambda: self._advance(to_epoch))

    def _advance(self, to_epoch: int) -> dict[str, Any]:
        layout, end = self._layout, time.monotonic() + STEP_SECONDS
        assert layout is not None
        costs: list[float] = []
        while layout.epoch < to_epoch and (not costs or time.monotonic() < end):
            layout.run(layout.epoch + 1)
            costs.append(layout.cost())
        return {"epoch": layout.epoch, "embedding": layout.embedding, "costs": tuple(costs)}
