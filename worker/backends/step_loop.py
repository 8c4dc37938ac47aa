"""One owner thread for a runtime that is stepped: it loads the model, makes every call of the runtime and runs a
continuous batch, which rows join and leave between two steps.

The event loop talks to the thread with the commands below; the thread answers with one message a step, that carries
what every row got. Every row that is not cancelled ends exactly once, also when the runtime fails or the worker stops.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from backends.backend import (
    STOPPING,
    Backend,
    Delta,
    Ended,
    Failure,
    Info,
    Limits,
    Listener,
    Load,
    LoadError,
    Row,
    Status,
    StepStats,
)
from backends.batch import Batch
from backends.live_row import LiveRow
from backends.runtime import Runtime

T = TypeVar("T")

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0  # a step that hangs must not hold the process
KV_SECONDS = 0.1


@dataclass(frozen=True)
class _Submit:
    rows: list[LiveRow]


@dataclass(frozen=True)
class _Cancel:
    numbers: list[int]


_Command = _Submit | _Cancel | Literal["stop"]


class StepLoop(Backend):
    """Makes a Backend of a Runtime."""

    def __init__(self, info: Info, runtime: Runtime, max_rows: int) -> None:
        self.info = info
        self.capabilities = runtime.capabilities
        self._runtime = runtime
        self._max_rows = max_rows
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._thread = threading.Thread(target=self._own, name=f"{info.backend}-owner", daemon=True)
        # Used on the event loop alone: the listener of each row that has neither ended nor been cancelled.
        self._listeners: dict[int, Listener] = {}
        self._closed = False
        # Used on the owner thread; the event loop only reads the figures.
        self._batch = Batch(runtime, max_rows)
        self._kv_usage = self._kv_read_at = 0.0

    # These methods run on the event loop.

    async def load(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[None] = self._loop.create_future()
        self._death: asyncio.Future[str] = self._loop.create_future()
        self._thread.start()
        await self._loaded
        self.limits = Limits(self._max_rows, self._runtime.context)

    def submit(self, rows: Sequence[Row], listener: Listener) -> list[int]:
        live = [LiveRow(next(self._numbers), row, self._runtime) for row in rows]
        numbers = [row.number for row in live]
        self._listeners.update(dict.fromkeys(numbers, listener))
        if self._closed:
            self._loop.call_soon(self._notify, [], [Ended(number, STOPPING) for number in numbers])
        else:
            self._commands.put(_Submit(live))
        return numbers

    def cancel(self, numbers: Iterable[int]) -> None:
        known = [number for number in numbers if self._listeners.pop(number, None) is not None]
        if known:
            self._commands.put(_Cancel(known))

    def load_now(self) -> Load:
        running = self._batch.running
        return Load(running, max(0, len(self._listeners) - running), self._kv_usage)

    async def died(self) -> str:
        return await asyncio.shield(self._death)

    def step_stats(self) -> StepStats:
        return self._batch.stats

    async def close(self) -> None:
        self._commands.put("stop")
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            if self._thread.is_alive():
                log.error("the backend's loop has not ended within %.0f seconds", CLOSE_SECONDS)
        self._closed = True
        # Rows that the thread never saw, or that hang with it.
        self._notify([], [Ended(number, STOPPING) for number in self._listeners])

    def _notify(self, deltas: list[Delta], ended: list[Ended]) -> None:
        """Routes what a step gave; the thread may not know yet of the latest cancels."""
        news_of: dict[Listener, tuple[list[Delta], list[Ended]]] = {}
        for delta in deltas:
            if (listener := self._listeners.get(delta.number)) is not None:
                news_of.setdefault(listener, ([], []))[0].append(delta)
        for end in ended:
            if (listener := self._listeners.pop(end.number, None)) is not None:
                news_of.setdefault(listener, ([], []))[1].append(end)
        for listener, news in news_of.items():
            try:
                listener(*news)
            except Exception:  # one listener's fault must not take the others' news
                log.exception("a listener failed")

    # These methods run on the owner thread.

    def _own(self) -> None:
        try:
            self._runtime.load()
        except BaseException as error:  # whatever it is, `load` is waiting
            self._refuse(error)
        else:
            self._call_soon(partial(_resolve, self._loaded, None))
            self._serve()
        finally:
            try:
                self._runtime.close()
            except Exception:
                log.warning("closing the runtime failed", exc_info=True)

    def _refuse(self, error: BaseException) -> None:
        reason = error
        if not isinstance(error, LoadError):
            reason = LoadError(f"loading {self.info} failed: {type(error).__name__}: {error}")
            reason.__cause__ = error
        self._call_soon(partial(_reject, self._loaded, reason))

    def _serve(self) -> None:
        try:
            while self._take_commands():
                self._batch.step()
                self._deliver()
        except BaseException as error:  # whatever it is, rows are waiting for an outcome
            self._mourn(error)
        self._batch.end_all(STOPPING)
        self._deliver()

    def _take_commands(self) -> bool:
        """Carries out what has been asked for, waiting while there is nothing to run. False: stop."""
        while True:
            idle = self._batch.empty
            self._read_kv_usage(at_once=idle)
            try:
                command = self._commands.get(block=idle)
            except queue.Empty:
                return True
            if command == "stop":
                return False
            if isinstance(command, _Submit):
                self._batch.put(command.rows)
            else:
                self._batch.cancel(command.numbers)

    def _deliver(self) -> None:
        deltas, ended = self._batch.take_news()
        if deltas or ended:
            self._call_soon(partial(self._notify, deltas, ended))

    def _read_kv_usage(self, at_once: bool) -> None:
        now = time.perf_counter()
        if at_once or now - self._kv_read_at >= KV_SECONDS:
            self._kv_usage, self._kv_read_at = self._runtime.kv_usage(), now

    def _mourn(self, error: BaseException) -> None:
        """Says why the loop has died and fails every row, those that come later too, until the stop."""
        log.error("the backend's loop has died", exc_info=error)
        why = f"the backend's loop has died: {type(error).__name__}: {error}"
        self._call_soon(partial(_resolve, self._death, why))
        failure = Failure(Status.RUNTIME_ERROR, why)
        while True:
            self._batch.end_all(failure)
            self._deliver()
            command = self._commands.get()
            if command == "stop":
                return
            if isinstance(command, _Submit):
                self._batch.put(command.rows)

    def _call_soon(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the event loop has ended: nobody is waiting any more
            log.debug("news of rows came after the event loop's end")


# These run on the event loop, at the thread's request. A future is cancelled when nobody waits for it any more.


def _resolve(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: asyncio.Future[None], reason: BaseException) -> None:
    if not future.done():
        future.set_exception(reason)
