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
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

from backends.backend import (
    Backend,
    Delta,
    Ended,
    Failure,
    FinishReason,
    Info,
    Limits,
    Listener,
    Load,
    LoadError,
    Outcome,
    Row,
    Status,
    StepStats,
    prompt_problem,
)
from backends.live_row import LiveRow
from backends.runtime import NewRow, Runtime, Stepped

T = TypeVar("T")

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0  # a step that hangs must not hold the process
KV_SECONDS = 0.1
FOREVER = float("inf")
STOPPING = Failure(Status.UNAVAILABLE, "the worker is stopping")


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
        # Of the event loop: who hears of each row that has neither ended nor been cancelled.
        self._listeners: dict[int, Listener] = {}
        self._closed = False
        # Of the owner thread; the event loop reads the figures.
        self._waiting: deque[LiveRow] = deque()
        self._running: dict[int, LiveRow] = {}
        self._deadline = FOREVER  # no row's is earlier
        self._deltas: list[Delta] = []  # these two: since the last message to the event loop
        self._ended: list[Ended] = []
        self._steps = self._row_steps = self._largest = 0
        self._kv_usage = self._kv_read_at = 0.0

    # On the event loop.

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
            self._loop.call_soon(self._tell, [], [Ended(number, STOPPING) for number in numbers])
        else:
            self._commands.put(_Submit(live))
        return numbers

    def cancel(self, numbers: Iterable[int]) -> None:
        known = [number for number in numbers if self._listeners.pop(number, None) is not None]
        if known:
            self._commands.put(_Cancel(known))

    def load_now(self) -> Load:
        running = len(self._running)
        return Load(running, max(0, len(self._listeners) - running), self._kv_usage)

    async def died(self) -> str:
        return await asyncio.shield(self._death)

    def step_stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest)

    async def close(self) -> None:
        self._commands.put("stop")
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)
            if self._thread.is_alive():
                log.error("the backend's loop has not ended within %.0f seconds", CLOSE_SECONDS)
        self._closed = True
        # Rows that the thread never saw, or that hang with it.
        self._tell([], [Ended(number, STOPPING) for number in self._listeners])

    def _tell(self, deltas: list[Delta], ended: list[Ended]) -> None:
        """Routes what a step gave; the thread may not know yet of the latest cancels."""
        told: dict[Listener, tuple[list[Delta], list[Ended]]] = {}
        for delta in deltas:
            if (listener := self._listeners.get(delta.number)) is not None:
                told.setdefault(listener, ([], []))[0].append(delta)
        for end in ended:
            if (listener := self._listeners.pop(end.number, None)) is not None:
                told.setdefault(listener, ([], []))[1].append(end)
        for listener, news in told.items():
            try:
                listener(*news)
            except Exception:  # one listener's fault must not take the others' news
                log.exception("a listener failed")

    # On the owner thread.

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
                self._expire()
                self._admit()
                if self._running:
                    self._advance(list(self._runtime.step()))
                self._deliver()
        except BaseException as error:  # whatever it is, rows are waiting for an outcome
            self._mourn(error)
        self._end_all(STOPPING)

    def _take_commands(self) -> bool:
        """Carries out what has been asked for, waiting while there is nothing to run. False: stop."""
        while True:
            idle = not self._waiting and not self._running
            self._read_kv_usage(at_once=idle)
            try:
                command = self._commands.get(block=idle)
            except queue.Empty:
                return True
            if command == "stop":
                return False
            if isinstance(command, _Submit):
                self._take_rows(command.rows)
            else:
                self._drop(partial(_is_one_of, frozenset(command.numbers)))

    def _take_rows(self, rows: list[LiveRow]) -> None:
        self._waiting.extend(rows)
        for row in rows:
            if row.row.deadline is not None:
                self._deadline = min(self._deadline, row.row.deadline)

    def _expire(self) -> None:
        now = time.perf_counter()
        if now < self._deadline:
            return
        late = self._drop(lambda row: row.row.deadline is not None and row.row.deadline <= now)
        timeout = Failure(Status.TIMEOUT, "the request's time was over before its answer was complete")
        for row in late:
            self._settle(row, timeout)
        left = itertools.chain(self._running.values(), self._waiting)
        self._deadline = min((row.row.deadline for row in left if row.row.deadline is not None), default=FOREVER)

    def _drop(self, chosen: Callable[[LiveRow], bool]) -> list[LiveRow]:
        """Takes the chosen rows out, waiting or running, and gives them."""
        running = [row for row in self._running.values() if chosen(row)]
        waiting = [row for row in self._waiting if chosen(row)]
        if running:
            self._runtime.remove([row.number for row in running])
            for row in running:
                del self._running[row.number]
        if waiting:
            self._waiting = deque(row for row in self._waiting if not chosen(row))
        return running + waiting

    def _admit(self) -> None:
        joining: list[NewRow] = []
        admitted: list[LiveRow] = []
        while self._waiting and len(self._running) + len(admitted) < self._max_rows:
            row = self._waiting.popleft()
            try:
                joining.append(self._prepare(row))
                admitted.append(row)
            except Exception as error:  # one row's prompt must not fail another's
                self._settle(row, Failure(Status.RUNTIME_ERROR, str(error) or type(error).__name__))
        if not joining:
            return
        try:
            self._runtime.add(joining)
        except Exception as error:
            failure = Failure(Status.RUNTIME_ERROR, f"the runtime refused the batch: {error}")
            for row in admitted:
                self._settle(row, failure)
        else:
            self._running.update((row.number, row) for row in admitted)

    def _prepare(self, live: LiveRow) -> NewRow:
        row = live.row
        prompt = self._runtime.encode(row.prompt)
        live.input_tokens = len(prompt)
        if problem := prompt_problem(len(prompt), self._runtime.context):
            raise ValueError(problem)
        room = self._runtime.context - len(prompt)
        return NewRow(live.number, prompt, min(row.max_tokens, room), row.sampling, row.ignore_eos)

    def _advance(self, pieces: list[Stepped]) -> None:
        """Counts one step and passes on what it gave; rows that it has ended leave."""
        if not pieces:
            return
        now = time.perf_counter()
        self._take_tokens(pieces, now)
        stopped: list[int] = []  # by a stop text, of which the runtime does not know
        for piece in pieces:
            row = self._running[piece.number]
            end: Outcome | None = None
            if piece.error is not None:
                end = Failure(Status.RESOURCE_EXHAUSTED, f"the runtime gave the row up: {piece.error}")
            elif piece.finish is not None or row.stopped:
                end = row.answer(piece.finish or FinishReason.STOP, now)
                if piece.finish is None:
                    stopped.append(piece.number)
            if delta := row.delta():
                self._deltas.append(delta)
            if end is not None:
                del self._running[piece.number]
                self._settle(row, end)
        if stopped:
            self._runtime.remove(stopped)
        self._steps += 1
        self._row_steps += len(pieces)
        self._largest = max(self._largest, len(pieces))

    def _take_tokens(self, pieces: list[Stepped], now: float) -> None:
        """Gives each row its tokens, and where the text is needed as it comes, their text: one call for all rows."""
        streams = []
        for piece in pieces:
            if piece.tokens:
                row = self._running[piece.number]
                row.move(piece.tokens, now)
                if row.stream is not None:
                    streams.append((row.stream, iter(piece.tokens)))
        while streams:  # once, for a runtime that gives one token a step
            moving = [(stream, token) for stream, tokens in streams for token in itertools.islice(tokens, 1)]
            if moving:
                texts = self._runtime.decode_all([stream.push(token) for stream, token in moving])
                for (stream, _), text in zip(moving, texts, strict=True):
                    stream.take(text)
            alive = {id(stream) for stream, _ in moving if not stream.stopped}
            streams = [(stream, tokens) for stream, tokens in streams if id(stream) in alive]

    def _settle(self, row: LiveRow, outcome: Outcome) -> None:
        self._ended.append(Ended(row.number, outcome))

    def _deliver(self) -> None:
        if self._deltas or self._ended:
            self._call_soon(partial(self._tell, self._deltas, self._ended))
            self._deltas, self._ended = [], []

    def _read_kv_usage(self, at_once: bool) -> None:
        now = time.perf_counter()
        if at_once or now - self._kv_read_at >= KV_SECONDS:
            self._kv_usage, self._kv_read_at = self._runtime.kv_usage(), now

    def _end_all(self, failure: Failure) -> None:
        """Ends every row that the loop has taken."""
        for row in [*self._running.values(), *self._waiting]:
            self._settle(row, failure)
        self._running.clear()
        self._waiting.clear()
        self._deliver()

    def _mourn(self, error: BaseException) -> None:
        """Says why the loop has died and fails every row, those that come later too, until the stop."""
        log.error("the backend's loop has died", exc_info=error)
        why = f"the backend's loop has died: {type(error).__name__}: {error}"
        self._call_soon(partial(_resolve, self._death, why))
        failure = Failure(Status.RUNTIME_ERROR, why)
        while True:
            self._end_all(failure)
            command = self._commands.get()
            if command == "stop":
                return
            if isinstance(command, _Submit):
                self._waiting.extend(command.rows)

    def _call_soon(self, callback: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(callback)
        except RuntimeError:  # the event loop has ended: nobody is waiting any more
            log.debug("news of rows came after the event loop's end")


def _is_one_of(numbers: frozenset[int], row: LiveRow) -> bool:
    return row.number in numbers


# On the event loop, at the thread's request. Whoever waited may have gone: its future is cancelled then.


def _resolve(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: asyncio.Future[None], reason: BaseException) -> None:
    if not future.done():
        future.set_exception(reason)
