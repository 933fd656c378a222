"""One round of looks side by side: network looks as coroutines, host looks in threads."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from adapters.monitoring.declared import (
    ChangeParams,
    DirectoryParams,
    FilesystemParams,
    HttpParams,
    LoadParams,
    Params,
    PrometheusParams,
    TcpParams,
)
from adapters.monitoring.host_looks import look_directory, look_filesystem, look_load
from adapters.monitoring.looks import Look, look_http, look_tcp
from adapters.monitoring.port import Sample
from adapters.monitoring.prometheus import look_prometheus
from adapters.monitoring.ranges import look_change
from adapters.text import one_line

AT_ONCE: Final = 8
DETAIL_LIMIT: Final = 300

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """One probe to be run now."""

    probe: str
    params: Params


def run_round(tasks: Sequence[Task], now: datetime) -> list[Sample]:
    """Run every task within its own deadline; one sample each, in the order given.

    The loop is closed without waiting for threads: a look that hangs in the kernel (a dead
    network filesystem, a name server that is silent) must not hold up the others.
    """
    threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="look")
    loop = asyncio.new_event_loop()
    try:
        loop.set_default_executor(threads)
        return loop.run_until_complete(_all(tasks, now))
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        loop.close()


async def _all(tasks: Sequence[Task], now: datetime) -> list[Sample]:
    began = time.monotonic()
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(task: Task) -> Sample:
        async with turn:
            at = now + timedelta(seconds=time.monotonic() - began)
            return _sample(task, at, await _safe_look(task))

    return list(await asyncio.gather(*map(one, tasks)))


async def _safe_look(task: Task) -> Look:
    """Look; a look that breaks is the trouble of its own probe alone."""
    try:
        return await _look(task)
    except Exception as fault:
        log.exception("the look of probe %s broke", task.probe)
        said = f"The look itself broke ({type(fault).__name__}); see the log."
        return Look("unreachable", None, "", said)


async def _look(task: Task) -> Look:
    params = task.params
    if isinstance(params, HttpParams):
        return await look_http(params)
    if isinstance(params, TcpParams):
        return await look_tcp(params)
    if isinstance(params, PrometheusParams):
        return await look_prometheus(params)
    if isinstance(params, ChangeParams):
        return await look_change(params)
    try:
        async with asyncio.timeout(params.timeout_s + 1):
            return await asyncio.to_thread(_host_look, params)
    except TimeoutError:
        log.warning("the look of probe %s hangs", task.probe)
        return Look("slow", None, "", f"This host did not answer within {params.timeout_s:g} s.")


def _host_look(params: DirectoryParams | FilesystemParams | LoadParams) -> Look:
    if isinstance(params, DirectoryParams):
        return look_directory(params)
    if isinstance(params, FilesystemParams):
        return look_filesystem(params)
    return look_load(params)


def _sample(task: Task, at: datetime, look: Look) -> Sample:
    return Sample(
        probe=task.probe,
        at=at,
        ok=look.symptom == "ok",
        symptom=look.symptom,
        value=look.value,
        unit=look.unit,
        detail=one_line(look.detail, DETAIL_LIMIT),
    )
