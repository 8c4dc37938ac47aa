"""The simulated backend whose steps take no time, for measuring everything but the model."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterable, Sequence

from backends.backend import (
    OUT_OF_TIME,
    STOPPING,
    Answer,
    Backend,
    Delta,
    Ended,
    FinishReason,
    Info,
    Limits,
    Listener,
    Load,
    Outcome,
    Row,
    StepStats,
    bad_request,
    prompt_problem,
)
from backends.sim_text import CONTEXT, answer_text, count_words, digest, word
from backends.text_stream import StopTexts


class InstantSim(Backend):
    """Answers in no time. Streamed rows of one listener get a token each in steps of their own, and the next step
    begins when the listener is ready for it."""

    def __init__(self, info: Info, max_rows: int) -> None:
        self.info = info
        self.limits = Limits(max_rows, CONTEXT)
        self._numbers = itertools.count(1)
        self._live: set[int] = set()
        self._streams: dict[Listener, dict[int, _Streamed]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._steps = self._row_steps = self._largest = 0

    async def load(self) -> None:
        self._loop = asyncio.get_running_loop()

    def submit(self, rows: Sequence[Row], listener: Listener) -> list[int]:
        numbers = list(itertools.islice(self._numbers, len(rows)))
        self._live.update(numbers)
        now = time.perf_counter()
        ended: list[Ended] = []
        for number, row in zip(numbers, rows, strict=True):
            words = count_words(row.prompt)
            if self._closed:
                ended.append(Ended(number, STOPPING))
            elif problem := prompt_problem(words, CONTEXT):
                ended.append(Ended(number, bad_request(problem)))
            elif row.stream:
                self._join(listener, _Streamed(number, row, words))
            else:
                ended.append(Ended(number, _answer(row, words, now)))
        if ended:
            self._count(len(ended))
            self._loop.call_soon(self._notify, listener, ended)
        return numbers

    def cancel(self, numbers: Iterable[int]) -> None:
        self._live.difference_update(numbers)

    def load_now(self) -> Load:
        return Load(len(self._live), 0, 0.0)

    async def died(self) -> str:
        never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        return await never

    def step_stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest, iterations=self._steps)

    async def close(self) -> None:
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for listener, rows in self._streams.items():
            self._notify(listener, [Ended(number, STOPPING) for number in rows])

    def _join(self, listener: Listener, row: _Streamed) -> None:
        if (rows := self._streams.get(listener)) is not None:
            rows[row.number] = row
            return
        self._streams[listener] = {row.number: row}
        task = self._loop.create_task(self._run(listener, self._streams[listener]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, listener: Listener, rows: dict[int, _Streamed]) -> None:
        """One step after the other until all rows of the listener have ended."""
        try:
            while rows:
                deltas: list[Delta] = []
                ended: list[Ended] = []
                now = time.perf_counter()
                for number, row in list(rows.items()):
                    if number not in self._live:  # cancelled
                        del rows[number]
                    elif (end := row.step(deltas, now)) is not None:
                        ended.append(Ended(number, end))
                        self._live.discard(number)
                        del rows[number]
                ready = listener(deltas, ended) if deltas or ended else None
                self._count(len(deltas))
                # Even a listener that is always ready must not keep the event loop to itself.
                await (asyncio.sleep(0) if ready is None else ready)
        finally:
            if self._streams.get(listener) is rows and not self._closed:
                del self._streams[listener]

    def _notify(self, listener: Listener, ended: list[Ended]) -> None:
        current = [end for end in ended if end.number in self._live]
        self._live.difference_update(end.number for end in current)
        if current:
            listener([], current)

    def _count(self, rows: int) -> None:
        self._steps += 1
        self._row_steps += rows
        self._largest = max(self._largest, rows)


class _Streamed:
    def __init__(self, number: int, row: Row, words: int) -> None:
        self.number = number
        self._input_tokens = words
        self._digest = digest(row.prompt)
        self._left = min(row.max_tokens, CONTEXT - words)
        self._tokens = self._told = 0
        self._stops = StopTexts(row.stop) if row.stop else None
        self._min_tokens = row.min_tokens
        self._first_at = 0.0
        self._deadline = row.deadline

    def step(self, deltas: list[Delta], now: float) -> Outcome | None:
        """Makes one token; its outcome with the last."""
        if self._deadline is not None and now >= self._deadline:
            return OUT_OF_TIME
        text = word(self._digest, self._tokens)
        self._tokens += 1
        last = self._tokens == self._left
        stopped = False
        if self._stops is not None and self._tokens > self._min_tokens:
            text = self._stops.take(text)
            stopped = self._stops.found
            if last and not stopped:
                text += self._stops.rest()
        if text or last or stopped:
            deltas.append(Delta(self.number, self._told, self._tokens - self._told, text))
            self._told = self._tokens
        self._first_at = self._first_at or now
        if not last and not stopped:
            return None
        finish = FinishReason.STOP if stopped else FinishReason.LENGTH
        return Answer("", self._input_tokens, self._tokens, self._first_at, now, finish)


def _answer(row: Row, words: int, now: float) -> Answer:
    prompt_digest = digest(row.prompt)
    tokens = min(row.max_tokens, CONTEXT - words)
    if not row.stop:
        return Answer(answer_text(prompt_digest, tokens), words, tokens, now, now, FinishReason.LENGTH)
    first = min(row.min_tokens, tokens)
    stops, text = StopTexts(row.stop), answer_text(prompt_digest, first) if first else ""
    for index in range(first, tokens):
        text += stops.take(word(prompt_digest, index))
        if stops.found:
            return Answer(text, words, index + 1, now, now, FinishReason.STOP)
    return Answer(text + stops.rest(), words, tokens, now, now, FinishReason.LENGTH)
