"""How many threads elementwise passes use, and the pool that they run in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

__all__ = ["pooled", "run", "thread_count"]

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def thread_count() -> int:
    """As many threads as the matrix product uses: what the environment says, what threadpoolctl finds, or all cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    named = [int(v) for name in _VARIABLES if (v := os.environ.get(name, "")).isdigit() and int(v) > 0]
    limit = min(named, default=cores)
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return max(1, min(cores, limit))
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(1, min(cores, limit, max(pools, default=cores)))


@contextmanager
def pooled() -> Iterator[ThreadPoolExecutor | None]:
    """A pool of threads for the block, or None where there is one thread only."""
    threads = thread_count()
    if threads == 1:
        yield None
        return
    with ThreadPoolExecutor(threads) as pool:
        yield pool


def run(pool: ThreadPoolExecutor | None, task: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """The results of a task for all items, in order; the first exception is raised."""
    return [task(item) for item in items] if pool is None else list(pool.map(task, items))
