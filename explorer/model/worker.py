"""The process that computes the stages before the layout, so that they can be killed and hold up no page.

It is a fresh interpreter (never a fork), told what to do by lines of JSON; it hands its arrays over in files
and dies with its parent: by a signal from the kernel on Linux, elsewhere by the end of its standard input.
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from explorer.model import files
from explorer.model.errors import InputError, RunError

# pynndescent's graph depends on numba's number of threads, which must therefore be the same everywhere.
ENVIRONMENT = {"NUMBA_NUM_THREADS": "8"}
TICK_SECONDS = 0.1
LINES_KEPT = 200
SECONDS_FOR_LAST_LINES = 2.0
SET_PARENT_DEATH_SIGNAL = 1


class WorkerDiedError(Exception):
    """The process ended in the middle of its work; the last lines it wrote are in ``args[0]``."""


class StageWorker(Protocol):
    """What computes the stages before a layout: the process here, or a worker of Dask."""

    def compute(self, task: Mapping[str, Any], tick: Callable[[], None]) -> dict[str, Any]:
        """Do one stage and leave its arrays in the workspace (see `Worker.compute`)."""
        ...

    def kill(self) -> None:
        """Let what is being computed end in a WorkerDiedError; may be called from any thread."""
        ...


class Worker:
    """The worker process seen from its parent, started when first needed and anew after a kill.

    Call ``compute`` from one thread only, which should outlive the process: on Linux the kernel ends the
    process with the thread that started it. ``kill`` may be called from any thread.

    Parameters
    ----------
    warm : bool, default True
        Compile the core's kernels at the start, for a process that will compute the stages of runs.
    """

    def __init__(self, warm: bool = True) -> None:
        self._warm = warm
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._choosing = threading.Lock()
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it lives."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def start(self) -> None:
        """Start the process unless it lives; it loads its libraries while nobody waits."""
        self._started()

    def _started(self) -> tuple[subprocess.Popen[str], queue.Queue[dict[str, Any] | None]]:
        """Return the living process and its answers; after this ``kill`` may forget it at any time."""
        process = self._process
        if process is not None and process.poll() is None:
            return process, self._answers
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", "explorer.model.worker", str(os.getpid()), str(int(self._warm))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **ENVIRONMENT, "PYTHONPATH": path},
            start_new_session=True,
        )
        # A fresh queue for each process: the end of a killed one must not be read as the end of the next.
        answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._process, self._answers, self._lines = process, answers, deque(maxlen=LINES_KEPT)
        errors = threading.Thread(
            target=_read_lines, args=(process, self._lines), name="worker-lines", daemon=True
        )
        errors.start()
        self._reader = threading.Thread(
            target=_read_answers, args=(process, answers, errors), name="worker-answers", daemon=True
        )
        self._reader.start()
        return process, answers

    def compute(self, task: Mapping[str, Any], tick: Callable[[], None]) -> dict[str, Any]:
        """Do one stage and return the answer, calling ``tick`` ten times a second meanwhile.

        Parameters
        ----------
        task : mapping
            As for ``_perform``.

        Raises
        ------
        InputError
            If the stage refuses its input.
        RunError
            If the stage fails; ``__notes__`` hold the details.
        WorkerDiedError
            If the process ends, by ``kill`` or otherwise.
        """
        process, answers = self._started()
        assert process.stdin is not None
        # If the process is gone already, that is read from its answers.
        with suppress(OSError, ValueError):
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
        while True:
            try:
                answer = answers.get(timeout=TICK_SECONDS)
            except queue.Empty:
                tick()
                if self._process is not process:
                    raise WorkerDiedError("It was killed.") from None
                continue
            if answer is None:
                self._forget(process)
                raise WorkerDiedError(f"exit code {process.returncode}\n{''.join(self._lines)}")
            return opened(answer)

    def _forget(self, process: subprocess.Popen[str] | None) -> None:
        with self._choosing:
            if self._process is process:
                self._process = None

    def kill(self) -> None:
        """End the process at once, whatever it does; nothing waits for the system to be done with it."""
        process = self._process
        self._forget(process)
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self.kill()
        if self._reader is not None:
            self._reader.join()


def compute_alone(task: Mapping[str, Any], tick: Callable[[], None], died: str) -> None:
    """Do one stage in a process that ends with it; what ``tick`` raises ends it before.

    Parameters
    ----------
    task : mapping
        As for ``_perform``.
    tick : callable
        Called ten times a second.
    died : str
        The sentence for a process that ended in the middle of its work.

    Raises
    ------
    InputError
        If the stage refuses its input.
    RunError
        If the stage or its process fails.
    """
    with closing(Worker(warm=False)) as worker:
        try:
            worker.compute(task, tick)
        except WorkerDiedError as error:
            raise RunError(died) from error


def _read_answers(
    process: subprocess.Popen[str], answers: queue.Queue[dict[str, Any] | None], errors: threading.Thread
) -> None:
    """Pass a process's answers on, and None when it is gone and its last lines are read."""
    assert process.stdin is not None
    assert process.stdout is not None
    # A process killed while it wrote leaves half a line.
    with process.stdout, suppress(ValueError):
        for line in process.stdout:
            answers.put(json.loads(line))
    process.wait()
    errors.join(SECONDS_FOR_LAST_LINES)
    with suppress(OSError):
        process.stdin.close()
    answers.put(None)


def _read_lines(process: subprocess.Popen[str], lines: deque[str]) -> None:
    assert process.stderr is not None
    with process.stderr:
        lines.extend(process.stderr)


def opened(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a good answer of `answered`, raise a bad one."""
    if "error" not in answer:
        return answer
    error = (InputError if answer["kind"] == "input" else RunError)(answer["error"])
    error.add_note(answer["details"])
    raise error


# In the process itself


def main() -> None:
    """Answer tasks from standard input until it ends."""
    _die_with_parent(int(sys.argv[1]))
    # Who ends a service may tell all its processes: it is the parent that ends this one, once it is told.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    tasks: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    if sys.argv[2] == "1":
        from core import warm_up

        # Load and compile while nobody waits.
        warm_up(descent=True)
    while True:
        answers.write(json.dumps(_answer(json.loads(tasks.get()))) + "\n")
        answers.flush()


def _die_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    # The parent may have died before the signal was asked for.
    if os.name != "nt" and os.getppid() != parent:
        os._exit(0)


def _read_tasks(tasks: queue.Queue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def _answer(task: dict[str, Any]) -> dict[str, Any]:
    return answered(task["stage"], lambda: _perform(**task))


def answered(stage: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``work`` at a stage returns; what it raises becomes an answer, for who works must go on."""
    try:
        return work()
    except InputError as error:
        return {"error": str(error), "kind": "input", "details": traceback.format_exc()}
    except MemoryError:
        sentence = f"The {stage} needs more memory than there is: close other programs or use fewer rows."
        return {"error": sentence, "kind": "memory", "details": traceback.format_exc()}
    except Exception as error:
        known = str(error) if type(error).__name__ == "WorkspaceError" else f"{type(error).__name__}: {error}"
        sentence = f"The {stage} failed: {known.splitlines()[0]}"
        return {"error": sentence, "kind": "other", "details": traceback.format_exc()}


def _perform(
    stage: str, parameters: dict[str, Any], vectors: str, earlier: dict[str, str], output: str
) -> dict[str, Any]:
    """Compute a stage and write its arrays.

    Parameters
    ----------
    stage, parameters
        As of ``stages.Stage``.
    vectors : str
        The ``.npy`` file of the float32 vectors, read through a memory map.
    earlier : dict
        The folders of the results of the stages before.
    output : str
        The folder to make.
    """
    inputs = {name: files.read_folder_of_arrays(Path(folder)) for name, folder in earlier.items()}
    arrays, seconds = computed(stage, parameters, files.map_array(Path(vectors)), inputs)
    about = {"stage": stage, "parameters": parameters, "vectors": vectors, "seconds": seconds}
    files.write_folder_of_arrays(Path(output), arrays, about)
    return {"seconds": seconds}


def computed(
    stage: str,
    parameters: dict[str, Any],
    vectors: np.ndarray,
    earlier: Mapping[str, Mapping[str, np.ndarray]],
) -> tuple[dict[str, np.ndarray], float]:
    """Return the arrays of a stage, those of a knn graph with its recall if it has one, and the seconds."""
    from explorer.model import linkage, stages

    started = time.perf_counter()
    if stage == linkage.LINKAGE:
        arrays = linkage.single_linkage(vectors, **parameters)
    else:
        arrays = stages.compute(stage, parameters, vectors, earlier)
    seconds = time.perf_counter() - started
    if stage == stages.KNN_GRAPH:
        share = stages.recall(vectors, arrays, parameters["metric"])
        if share is not None:
            arrays["recall"] = np.array([share])
    return arrays, seconds


if __name__ == "__main__":
    main()
