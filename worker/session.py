"""One engine's stream: its commands become rows, and what a decode step gave them all goes back in one message."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from dataclasses import dataclass

from backends.backend import STOPPING, Answer, Backend, Failure, Load, Outcome, Row, Status
from in_flight import InFlight
from logs import event
from outbox import Outbox
from reading import Command, Request, Sequenced
from rows import reply_of, sendable
from wire import pb2

INSTANCE = uuid.uuid4().hex  # identifies this process
LOAD_SECONDS = 0.1  # least time between two load reports, but for the one that says draining first
SILENCE_SECONDS = 0.5  # after so long a report is due: one a second is promised, and a step may delay it

MakeRow = Callable[[Request, float, bool], Row | Failure]
Write = Callable[[pb2.WorkerEvent], Awaitable[None]]


@dataclass(frozen=True)
class _Live:
    sequence: int
    request_id: str
    tenant_id: str
    received: float


class Session:
    """Reads commands and writes events until the engine closes the stream or the worker stops.

    Nothing that a command says ends the session or another row: a sequence that can't be taken gets a result.
    """

    def __init__(self, backend: Backend, make_row: MakeRow, in_flight: InFlight, log_steps: bool) -> None:
        self._backend = backend
        self._make_row = make_row
        self._in_flight = in_flight
        self._log_steps = log_steps
        self._outbox = Outbox()
        self._live: dict[int, _Live] = {}  # keyed by the backend's number, until the result is sent
        self._numbers: dict[int, int] = {}  # the backend's number of each live sequence
        self._refused: list[tuple[_Live, Failure]] = []
        self._open = 0  # sequences whose result has not been written
        self._ending = False
        self._draining = False
        self._reported: tuple[Load, bool] | None = None  # load and draining, as last written
        self._reported_at = 0.0

    def drain(self) -> None:
        """Reports to the engine at once that it must send nothing more. What runs goes on."""
        self._draining = True
        self._outbox.wake()

    def close(self) -> None:
        """Ends what still runs with worker_unavailable, and then the stream."""
        numbers = list(self._live)
        self._refused += [(self._live[number], STOPPING) for number in numbers]
        self._forget(numbers)
        self._ending = True
        self._outbox.wake()

    async def run(self, commands: AsyncIterable[Command], write: Write) -> None:
        """Returns when the engine has closed its side, or after `close`. However it ends, its rows end with it.

        Raises what kept the commands or the events from passing, when the stream breaks.
        """
        reader = asyncio.create_task(self._read(commands))
        ticker = asyncio.create_task(self._tick())
        try:
            await self._write_all(write)
            if reader.done():
                reader.result()  # raises when it was not the engine that ended the commands
        finally:
            reader.cancel()
            ticker.cancel()
            self._cancel_all()
            self._outbox.take()  # lets a backend go on that waits for it
            self._in_flight.leave(self._open)

    # Commands.

    async def _read(self, commands: AsyncIterable[Command]) -> None:
        try:
            async for command in commands:
                self._submit(command.submit)
                self._cancel(command.cancel)
        finally:  # the engine has closed the stream, or it broke
            self._ending = True
            self._cancel_all()
            self._outbox.wake()

    def _submit(self, sequences: Iterable[Sequenced]) -> None:
        received = time.perf_counter()
        rows: list[Row] = []
        live: list[_Live] = []
        taken: set[int] = set()  # sequences that this command has taken
        for sequence in sequences:
            request = sequence.request.message
            this = _Live(sequence.sequence, request.request_id, request.tenant_id, received)
            row = self._row(sequence, taken, received)
            if isinstance(row, Row):
                taken.add(this.sequence)
                rows.append(row)
                live.append(this)
            else:
                self._refused.append((this, row))
            self._open += 1
            self._in_flight.enter()
        if rows:
            for number, this in zip(self._backend.submit(rows, self._outbox), live, strict=True):
                self._live[number] = this
                self._numbers[this.sequence] = number
        if self._refused:
            self._outbox.wake()

    def _row(self, sequence: Sequenced, taken: set[int], received: float) -> Row | Failure:
        if sequence.sequence in taken or sequence.sequence in self._numbers:
            return Failure(
                Status.RUNTIME_ERROR, f"sequence must be a number that is not running, got {sequence.sequence} again"
            )
        try:
            return self._make_row(sequence.request, received, sequence.stream)
        except Exception as error:  # a fault of ours must not end the session
            logging.getLogger("worker").debug("taking a sequence failed", exc_info=True)
            return Failure(Status.INTERNAL_ERROR, f"the worker failed: {type(error).__name__}: {error}")

    def _cancel(self, sequences: Iterable[int]) -> None:
        known = [self._numbers[sequence] for sequence in set(sequences) if sequence in self._numbers]
        self._forget(known)
        self._open -= len(known)
        self._in_flight.leave(len(known))

    def _cancel_all(self) -> None:
        if self._live:
            event(logging.INFO, "session ended before its rows", rows=len(self._live))
            self._forget(list(self._live))

    def _forget(self, numbers: list[int]) -> None:
        """Frees the rows; nothing more is written of them."""
        self._backend.cancel(numbers)
        self._outbox.forget(numbers)
        for number in numbers:
            del self._numbers[self._live.pop(number).sequence]

    # Events.

    async def _write_all(self, write: Write) -> None:
        await write(pb2.WorkerEvent(hello=self._hello()))
        while True:
            if self._load_is_due():
                await write(self._load())
            step, results = self._step()
            if step is not None:
                await write(step)
                self._open -= results
                self._in_flight.leave(results)
            if not self._ending:
                await self._outbox.wait()
            elif step is None:
                return

    def _hello(self) -> pb2.WorkerHello:
        backend = self._backend
        return pb2.WorkerHello(
            backend=backend.info.backend,
            model=backend.info.model,
            simulated=backend.info.simulated,
            capabilities=[capability.value for capability in backend.capabilities],
            max_rows=backend.limits.max_rows,
            context_tokens=min(backend.limits.context_tokens, 2**32 - 1),
            instance=INSTANCE,
        )

    def _step(self) -> tuple[pb2.WorkerEvent | None, int]:
        """Everything that has come since the last one, and how many results are in it."""
        deltas, ended = self._outbox.take()
        refused, self._refused = self._refused, []
        if not (deltas or ended or refused):
            return None, 0
        message = pb2.WorkerEvent()
        live, step = self._live, message.step
        add = step.deltas.add
        for number, index, tokens, text in deltas:
            add(sequence=live[number].sequence, token_index=index, tokens=tokens, text=sendable(text))
        results: list[tuple[_Live, Outcome]] = []
        for number, outcome in ended:
            this = live.pop(number)
            del self._numbers[this.sequence]
            results.append((this, outcome))
        results += refused
        for this, outcome in results:
            reply = reply_of(this.request_id, this.tenant_id, outcome, this.received)
            step.results.add(sequence=this.sequence, reply=reply)
        if results and self._log_steps:
            answers = [outcome for _, outcome in results if isinstance(outcome, Answer)]
            output_tokens = sum(answer.output_tokens for answer in answers)
            event(logging.INFO, "results", rows=len(results), ok=len(answers), output_tokens=output_tokens)
        return message, len(results)

    async def _tick(self) -> None:
        """Lets the writer look at the load now and then, whether or not rows move."""
        while True:
            await asyncio.sleep(LOAD_SECONDS)
            if self._load_is_due():
                self._outbox.wake()

    def _load_is_due(self) -> bool:
        since = time.perf_counter() - self._reported_at
        if self._reported is None or since >= SILENCE_SECONDS:
            return True
        load, draining = self._reported
        if self._draining != draining:
            return True
        return since >= LOAD_SECONDS and _rounded(self._backend.load_now()) != load

    def _load(self) -> pb2.WorkerEvent:
        load, stats = _rounded(self._backend.load_now()), self._backend.step_stats()
        self._reported, self._reported_at = (load, self._draining), time.perf_counter()
        return pb2.WorkerEvent(
            load=pb2.WorkerLoad(
                running=load.running,
                waiting=load.waiting,
                kv_usage=load.kv_usage,
                draining=self._draining,
                steps=stats.steps,
                row_steps=stats.row_steps,
                iterations=stats.iterations,
            )
        )


def _rounded(load: Load) -> Load:
    """A KV cache that fills slowly is no news at each step."""
    return Load(load.running, load.waiting, round(load.kv_usage, 3))
