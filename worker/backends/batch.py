"""The continuous batch of a runtime that is stepped: which rows wait, run and leave, and what a step gave each."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict
from collections.abc import Iterable

from backends.backend import (
    OUT_OF_TIME,
    Delta,
    Ended,
    Failure,
    FinishReason,
    Outcome,
    Status,
    StepStats,
    bad_request,
    prompt_problem,
)
from backends.live_row import TOKEN_CHARACTERS, LiveRow
from backends.runtime import NewRow, PromptError, Runtime, Stepped

FOREVER = float("inf")

LOOKED_AT = 256  # waiting rows that may be looked at for short prompts, so that a long line costs no step its time


class Batch:
    """Touched on the owner thread only, but for the figures: `running` and `stats` may be read anywhere.

    `take_news` has the end of each row once, and nothing of a row that was cancelled.
    """

    def __init__(self, runtime: Runtime, max_rows: int) -> None:
        self._runtime = runtime
        self._max_rows = max_rows
        self._waiting: OrderedDict[int, LiveRow] = OrderedDict()  # unlike a dict, quick at giving its first
        self._running: dict[int, LiveRow] = {}
        self._prefill_left = 0  # prompt tokens at the runtime that no step has taken yet, about
        self._deadline = FOREVER  # no row's is earlier
        self._deltas: list[Delta] = []
        self._ended: list[Ended] = []
        self._steps = self._row_steps = self._largest = self._iterations = 0

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._running

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest, self._iterations)

    def put(self, rows: Iterable[LiveRow]) -> None:
        for row in rows:
            self._waiting[row.number] = row
            if row.row.deadline is not None:
                self._deadline = min(self._deadline, row.row.deadline)

    def cancel(self, numbers: Iterable[int]) -> None:
        """Takes rows out, waiting or running; numbers of others are ignored."""
        running = []
        for number in numbers:
            if self._waiting.pop(number, None) is None and self._running.pop(number, None) is not None:
                running.append(number)
        if running:
            self._runtime.remove(running)

    def step(self) -> None:
        """Takes out the rows whose time is over, lets others join, and steps the runtime. Whatever the runtime raises
        in its step comes through."""
        self._expire()
        self._admit()
        if self._running:
            pieces = list(self._runtime.step())
            self._iterations += 1
            self._prefill_left = max(0, self._prefill_left - (self._runtime.prefill_tokens or self._prefill_left))
            self._advance(pieces)

    def end_all(self, failure: Failure) -> None:
        """Ends every row as it is, without the runtime."""
        for number in [*self._running, *self._waiting]:
            self._ended.append(Ended(number, failure))
        self._running.clear()
        self._waiting.clear()

    def take_news(self) -> tuple[list[Delta], list[Ended]]:
        """What has come since the last time; each row's deltas before its end."""
        news = self._deltas, self._ended
        self._deltas, self._ended = [], []
        return news

    def _expire(self) -> None:
        now = time.perf_counter()
        if now < self._deadline:
            return
        late: list[int] = []
        self._deadline = FOREVER
        for number, row in itertools.chain(self._running.items(), self._waiting.items()):
            if row.row.deadline is not None:
                if row.row.deadline <= now:
                    late.append(number)
                else:
                    self._deadline = min(self._deadline, row.row.deadline)
        self.cancel(late)
        self._ended += [Ended(number, OUT_OF_TIME) for number in late]

    def _admit(self) -> None:
        if not self._waiting:
            return
        # Less is left when a row was taken out, or had its first token already.
        self._prefill_left = min(self._prefill_left, sum(row.prefilling for row in self._running.values()))
        joining: list[NewRow] = []
        admitted: list[LiveRow] = []
        while len(self._running) + len(admitted) < self._max_rows and (row := self._next()) is not None:
            del self._waiting[row.number]
            try:
                joining.append(self._prepare(row))
                admitted.append(row)
                self._prefill_left += row.input_tokens
            except PromptError as error:
                self._settle(row, bad_request(str(error)))
            except Exception as error:  # one row's prompt must not fail another's
                self._settle(row, Failure(Status.RUNTIME_ERROR, f"the tokenizer failed: {type(error).__name__}"))
        if not joining:
            return
        try:
            self._runtime.add(joining)
            self._running.update((row.number, row) for row in admitted)
        except Exception:  # one row must not fail another: each has to stand for itself
            for new, row in zip(joining, admitted, strict=True):
                self._add_alone(new, row)

    def _next(self) -> LiveRow | None:
        """The waiting row that joins next: the oldest, unless its prompt takes several steps. Then short prompts go
        first, together at most as long as the one that they pass, so that it waits at most twice as long for them.

        A runtime that takes prompts in the order of their joining is not given the next long one before it is through
        with those it has: what joins it meanwhile would wait for all of them.
        """
        oldest = next(iter(self._waiting.values()), None)
        step_tokens = self._runtime.prefill_tokens
        if oldest is None or step_tokens is None:
            return oldest
        if self._prefill_left >= step_tokens:
            return None
        if oldest.size <= step_tokens * TOKEN_CHARACTERS:
            return oldest
        for row in itertools.islice(self._waiting.values(), 1, LOOKED_AT):
            if row.size <= step_tokens * TOKEN_CHARACTERS and oldest.passed_by + row.size <= oldest.size:
                oldest.passed_by += row.size
                return row
        return oldest if self._prefill_left == 0 else None

    def _add_alone(self, new: NewRow, row: LiveRow) -> None:
        try:
            self._runtime.add([new])
            self._running[row.number] = row
        except Exception as error:
            self._settle(row, Failure(Status.RUNTIME_ERROR, f"the runtime refused the row: {error}"))

    def _prepare(self, live: LiveRow) -> NewRow:
        row = live.row
        prompt = self._runtime.encode(row.prompt, row.raw_prompt)
        live.input_tokens = len(prompt)
        if problem := prompt_problem(len(prompt), self._runtime.context):
            raise PromptError(problem)
        room = self._runtime.context - len(prompt)
        max_tokens = min(row.max_tokens, room)
        return NewRow(
            number=live.number,
            prompt=prompt,
            max_tokens=max_tokens,
            min_tokens=min(row.min_tokens, max_tokens),
            sampling=row.sampling,
            ignore_eos=row.ignore_eos,
        )

    def _advance(self, pieces: list[Stepped]) -> None:
        """Counts one step and passes on what it gave; rows that it has ended leave."""
        if not pieces:
            return
        now = time.perf_counter()
        self._take_tokens(pieces, now)
        stopped: list[int] = []  # rows that a stop text ended, which the runtime does not know
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
