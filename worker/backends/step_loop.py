"""One owner thread for a runtime that is stepped: it loads the model, makes every call of the runtime and runs a
continuous batch, which rows join and leave between two steps.

The event loop talks to the thread with the commands below; the thread answers with settled outcomes, one message a
step. Every submitted row settles exactly once, also when the runtime fails or the worker stops.
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
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeVar

from backends.backend import Answer, Backend, Failure, Info, LoadError, Outcome, Row, Status, StepStats, prompt_problem
from backends.runtime import NewRow, Runtime, Stepped

T = TypeVar("T")

log = logging.getLogger(__name__)

CLOSE_SECONDS = 10.0  # a step that hangs must not hold the process


@dataclass
class _Call:
    """One `generate`: `done` resolves when all its rows have settled. Touched on the event loop only."""

    outcomes: list[Outcome | None]
    left: int
    done: asyncio.Future[list[Outcome]]

    def settle(self, index: int, outcome: Outcome) -> None:
        self.outcomes[index] = outcome
        self.left -= 1
        if self.left == 0 and not self.done.done():
            self.done.set_result([outcome for outcome in self.outcomes if outcome is not None])


@dataclass(eq=False)
class _Live:
    """A row on its way through the loop. Touched on the owner thread only, but for the fields set at the start."""

    number: int
    row: Row
    call: _Call
    index: int
    input_tokens: int = 0
    output: list[int] = field(default_factory=list)
    first_token_at: float = 0.0
    last_token_at: float = 0.0


@dataclass(frozen=True)
class _Submit:
    rows: list[_Live]


@dataclass(frozen=True)
class _Cancel:
    numbers: list[int]


_Command = _Submit | _Cancel | Literal["stop"]


class StepLoop(Backend):
    """Makes a Backend of a Runtime."""

    def __init__(self, info: Info, runtime: Runtime, max_rows: int) -> None:
        self.info = info
        self._runtime = runtime
        self._max_rows = max_rows
        self._commands: queue.SimpleQueue[_Command] = queue.SimpleQueue()
        self._numbers = itertools.count(1)
        self._waiting: deque[_Live] = deque()
        self._running: dict[int, _Live] = {}
        self._settled: list[tuple[_Live, Outcome]] = []
        self._steps = self._row_steps = self._largest = 0
        self._thread = threading.Thread(target=self._own, name=f"{info.backend}-owner", daemon=True)

    # On the event loop.

    async def load(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loaded: asyncio.Future[None] = self._loop.create_future()
        self._death: asyncio.Future[str] = self._loop.create_future()
        self._thread.start()
        await self._loaded

    async def generate(self, rows: Sequence[Row]) -> list[Outcome]:
        call = _Call([None] * len(rows), len(rows), self._loop.create_future())
        live = [_Live(next(self._numbers), row, call, index) for index, row in enumerate(rows)]
        self._commands.put(_Submit(live))
        try:
            return await call.done
        except asyncio.CancelledError:
            self._commands.put(_Cancel([row.number for row in live]))
            raise

    async def died(self) -> str:
        return await asyncio.shield(self._death)

    def step_stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest)

    async def close(self) -> None:
        self._commands.put("stop")
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, CLOSE_SECONDS)

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
                    self._advance(self._runtime.step())
                self._deliver()
        except BaseException as error:  # whatever it is, rows are waiting for an outcome
            self._mourn(error)
        self._end_all(Failure(Status.UNAVAILABLE, "the worker is stopping"))

    def _take_commands(self) -> bool:
        """Carries out what has been asked for, waiting while there is nothing to run. False: stop."""
        while True:
            idle = not self._waiting and not self._running
            try:
                command = self._commands.get(block=idle)
            except queue.Empty:
                return True
            if command == "stop":
                return False
            if isinstance(command, _Submit):
                self._waiting.extend(command.rows)
            else:
                self._cancel(command.numbers)

    def _cancel(self, numbers: list[int]) -> None:
        gone = set(numbers)
        self._drop(lambda row: row.number in gone, Failure(Status.CANCELLED, "the caller has gone"))

    def _expire(self) -> None:
        now = time.perf_counter()
        self._drop(
            lambda row: row.row.deadline is not None and row.row.deadline <= now,
            Failure(Status.TIMEOUT, "the request's time was over before its answer was complete"),
        )

    def _drop(self, chosen: Callable[[_Live], bool], failure: Failure) -> None:
        """Ends the chosen rows, waiting or running."""
        running = [row for row in self._running.values() if chosen(row)]
        waiting = [row for row in self._waiting if chosen(row)]
        if running:
            self._runtime.remove([row.number for row in running])
            for row in running:
                del self._running[row.number]
        if waiting:
            self._waiting = deque(row for row in self._waiting if not chosen(row))
        for row in running + waiting:
            self._settle(row, failure)

    def _admit(self) -> None:
        joining: list[NewRow] = []
        admitted: list[_Live] = []
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

    def _prepare(self, row: _Live) -> NewRow:
        prompt = self._runtime.encode(row.row.prompt)
        row.input_tokens = len(prompt)
        if problem := prompt_problem(len(prompt), self._runtime.context):
            raise ValueError(problem)
        room = self._runtime.context - len(prompt)
        return NewRow(row.number, prompt, min(row.row.max_tokens, room))

    def _advance(self, stepped: Iterable[Stepped]) -> None:
        now = time.perf_counter()
        moved = 0
        for piece in stepped:
            row = self._running[piece.number]
            moved += 1
            if piece.tokens:
                if not row.output:
                    row.first_token_at = now
                row.last_token_at = now
                row.output.extend(piece.tokens)
            if piece.ended:
                del self._running[piece.number]
                self._settle(row, self._answer(row, now) if piece.error is None else _given_up(piece.error))
        if moved:
            self._steps += 1
            self._row_steps += moved
            self._largest = max(self._largest, moved)

    def _answer(self, row: _Live, now: float) -> Answer:
        # An answer that stops before its first token has no token times: its end stands for them.
        return Answer(
            text=self._runtime.decode(row.output),
            input_tokens=row.input_tokens,
            output_tokens=len(row.output),
            first_token_at=row.first_token_at or now,
            last_token_at=row.last_token_at or now,
        )

    def _settle(self, row: _Live, outcome: Outcome) -> None:
        self._settled.append((row, outcome))

    def _deliver(self) -> None:
        if self._settled:
            settled, self._settled = self._settled, []
            self._call_soon(partial(_settle_calls, settled))

    def _end_all(self, failure: Failure) -> None:
        """Settles every row that the loop has taken."""
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
            log.debug("an outcome came after the event loop's end")


def _given_up(why: str) -> Failure:
    return Failure(Status.RESOURCE_EXHAUSTED, f"the runtime gave the row up: {why}")


# On the event loop, at the thread's request. Whoever waited may have gone: its future is cancelled then.


def _settle_calls(settled: list[tuple[_Live, Outcome]]) -> None:
    for row, outcome in settled:
        row.call.settle(row.index, outcome)


def _resolve(future: asyncio.Future[T], value: T) -> None:
    if not future.done():
        future.set_result(value)


def _reject(future: asyncio.Future[None], reason: BaseException) -> None:
    if not future.done():
        future.set_exception(reason)
