"""Compiled loops over rows, shared among threads without numba's threading layer.

A *row loop* is a compiled, GIL-free function ``kernel(counter, n_rows, *arguments)`` which claims blocks of
rows from a shared counter with :func:`claim` until none is left. Which thread takes which block never
matters: each row's result depends on that row's inputs alone, so the bits are the same for any number of
threads.

numba's own ``parallel=True`` is avoided on purpose: its threading layer aborts the process when two threads
enter it at once, and an application runs several layouts, a rasteriser and a server side by side.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.errors import InputError

BLOCK_ROWS = 512
"""Rows a thread claims at a time: small enough to balance the load, large enough to make claiming free."""
ONE_THREAD_UP_TO = 32
"""Rows of a matrix that OpenBLAS gives one thread anyway; to say so takes it a millisecond."""


@intrinsic
def _fetch_add(typing_context: Any, pointer: Any, amount: Any) -> Any:  # noqa: ARG001
    """Atomically add `amount` to the int64 at address `pointer`; return the value before."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:  # noqa: ARG001
        address = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.atomic_rmw("add", address, arguments[1], "monotonic")

    return types.int64(types.intp, types.int64), generate


@njit(nogil=True, inline="always")
def claim(counter: Any, block: int) -> int:
    """First row of the next block of `block` rows that no thread has taken.

    Parameters
    ----------
    counter : int64 (1,)
        The next free row, shared by all threads of one loop.
    block : int
        Rows in a block.
    """
    return fetch_add(counter, block)


@njit(nogil=True, inline="always")
def fetch_add(counter: Any, amount: int) -> int:
    """Atomically add `amount` to the int64 (1,) `counter`; return its value before."""
    return int(_fetch_add(counter.ctypes.data, np.int64(amount)))  # type: ignore[call-arg]


def default_n_threads() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def threads_for(n_threads: int | None, name: str = "n_threads") -> int:
    """How many threads `n_threads` asks for: None and -1 for all processors.

    Raises
    ------
    InputError
        If it is anything else but a whole number of at least 1; the sentence calls it `name`.
    """
    if n_threads is None or n_threads == -1:
        return default_n_threads()
    if isinstance(n_threads, bool) or not isinstance(n_threads, Integral) or n_threads < 1:
        raise InputError(
            f"{name} must be a whole number of at least 1, or -1 or None for all processors, got "
            f"{n_threads!r}."
        )
    return int(n_threads)


_lock, _blas_lock = threading.Lock(), threading.Lock()
_executor: ThreadPoolExecutor | None = None


def _shared_executor() -> ThreadPoolExecutor:
    global _executor
    with _lock:
        if _executor is None:
            _executor = ThreadPoolExecutor(max_workers=64, thread_name_prefix="umap-rows")
        return _executor


def _forget_threads() -> None:
    """Threads do not survive a fork, nor do those that would release a lock: a forked child makes its own."""
    global _executor, _lock, _blas_lock
    _executor, _lock, _blas_lock = None, threading.Lock(), threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Give BLAS one thread: OpenBLAS rounds differently for each number of them.

    The limit is one for the process, so one holder at a time may set it and put back what it found.
    """
    with _blas_lock, threadpool_limits(1, "blas"):
        yield


def eigh(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues, rising, and eigenvectors of a symmetric matrix; BLAS's threads do not show in the bits."""
    if len(matrix) <= ONE_THREAD_UP_TO:
        return np.linalg.eigh(matrix)
    with one_blas_thread():
        return np.linalg.eigh(matrix)


def for_rows(
    kernel: Callable[..., None],
    n_rows: int,
    *arguments: Any,
    n_threads: int | None = None,
    block: int = BLOCK_ROWS,
) -> None:
    """Run the row loop `kernel` over ``range(n_rows)`` on `n_threads` threads, see `threads_for`.

    No more threads are used than there are blocks of `block` rows, the number the kernel claims at a time.
    The calling thread works too, so a busy executor delays nothing; helpers that have not started by the
    time the rows are used up are cancelled.
    """
    counter = np.zeros(1, np.int64)
    n_threads = min(threads_for(n_threads), max(1, -(-n_rows // block)))
    if n_threads == 1:
        kernel(counter, n_rows, *arguments)
        return
    executor = _shared_executor()
    futures = [executor.submit(kernel, counter, n_rows, *arguments) for _ in range(n_threads - 1)]
    try:
        kernel(counter, n_rows, *arguments)
    finally:
        for future in futures:
            if not future.cancel():
                future.result()
