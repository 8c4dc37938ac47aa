"""What the runtimes with a real model promise of rows that stream, sample, stop and go. Each runtime's test file has a
class of its own of these, with a `backend` of MAX_ROWS rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from backends.backend import Answer, Backend, Delta, Ended, Load, Outcome, Row, Sampling
from running import FRANCE, PARIS

SECONDS = 60.0
MAX_ROWS = 4
STORY = "Write a very long story about a fox, a bear and a river."
EMOJI = "Write a tweet with many emojis about a party."  # the model's answer is nothing else, three tokens for each
JAPANESE = "日本語で自己紹介をしてください。"
HOG = Row(STORY, 1000, ignore_eos=True, stream=True)  # runs until it is cancelled


@dataclass(eq=False)
class Recorder:
    """A listener that keeps every call."""

    calls: list[tuple[Sequence[Delta], Sequence[Ended]]] = field(default_factory=list)
    first_at: dict[int, float] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def __call__(self, deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        self.calls.append((deltas, ended))
        for delta in deltas:
            self.first_at.setdefault(delta.number, time.perf_counter())
        self.outcomes.update(ended)

    def deltas(self, number: int) -> list[Delta]:
        return [delta for deltas, _ in self.calls for delta in deltas if delta.number == number]

    def text(self, number: int) -> str:
        return "".join(delta.text for delta in self.deltas(number))

    def answer(self, number: int) -> Answer:
        outcome = self.outcomes[number]
        assert isinstance(outcome, Answer), outcome
        return outcome


async def until(condition: Callable[[], object]) -> None:
    async def wait() -> None:
        while not condition():  # noqa: ASYNC110 - a listener is a plain function
            await asyncio.sleep(0.002)

    await asyncio.wait_for(wait(), SECONDS)


async def play(backend: Backend, *rows: Row) -> tuple[list[int], Recorder]:
    recorder = Recorder()
    numbers = backend.submit(rows, recorder)
    assert not recorder.calls  # not before submit returns
    await until(lambda: len(recorder.outcomes) == len(rows))
    return numbers, recorder


async def answer(backend: Backend, row: Row) -> Answer:
    (number,), recorder = await play(backend, row)
    assert row.stream or not recorder.deltas(number)
    return recorder.answer(number)


async def streamed(backend: Backend, row: Row) -> tuple[str, Answer]:
    """The deltas' text and the answer, after a look at the deltas."""
    (number,), recorder = await play(backend, replace(row, stream=True))
    index = 0
    for delta in recorder.deltas(number):
        assert (delta.token_index, delta.tokens > 0) == (index, True)
        index += delta.tokens
    assert recorder.answer(number).text == ""
    assert recorder.answer(number).output_tokens == index
    return recorder.text(number), recorder.answer(number)


class StreamPromises:
    async def test_tokens_come_as_they_are_made(self, backend: Backend) -> None:
        (number,), recorder = await play(backend, replace(HOG, max_tokens=20))
        assert len(recorder.deltas(number)) > 15
        ending = recorder.answer(number)
        assert recorder.first_at[number] < ending.last_token_at
        assert abs(recorder.first_at[number] - ending.first_token_at) < 0.5 * (
            ending.last_token_at - ending.first_token_at
        )

    async def test_the_rows_of_a_step_come_in_one_call(self, backend: Backend) -> None:
        numbers, recorder = await play(backend, *[replace(HOG, max_tokens=20)] * MAX_ROWS)
        assert all(recorder.answer(number).output_tokens == 20 for number in numbers)
        full = [deltas for deltas, _ in recorder.calls if len(deltas) == MAX_ROWS]
        assert len(full) > 12
        assert len(recorder.calls) < 30

    async def test_a_seed_gives_one_answer_alone_and_among_others(self, backend: Backend) -> None:
        for sampling in (Sampling(0.9, seed=7), Sampling(1.1, 0.9, 40, 7)):
            row = Row(STORY, 16, sampling=sampling, stream=True)
            alone, _ = await streamed(backend, row)
            assert (await streamed(backend, row))[0] == alone
            others = Row("Tell me about Rome.", 20), Row("Tell me about Oslo.", 20, sampling=Sampling(1.0))
            (first, *_, last), recorder = await play(
                backend, row, *others, replace(row, sampling=replace(sampling, seed=8))
            )
            assert recorder.text(first)[:20] == alone[:20]  # a batch may round differently, and the texts part later
            assert recorder.text(last) != alone

    async def test_a_greedy_row_is_greedy_among_sampled_ones(self, backend: Backend) -> None:
        row, sampled = Row(FRANCE, 20), Row(STORY, 20, sampling=Sampling(1.0))
        numbers, recorder = await play(backend, sampled, row, sampled)
        assert recorder.answer(numbers[1]).text.startswith(PARIS)

    async def test_no_character_is_split(self, backend: Backend) -> None:
        for prompt, expected in ((EMOJI, "🌟🌟🌟"), (JAPANESE, "日本語")):
            row = Row(prompt, 22, ignore_eos=True, stream=True)
            (number,), recorder = await play(backend, row)
            assert expected in recorder.text(number)
            # Only the end, at max_tokens, can fall inside a character.
            assert not any("\ufffd" in delta.text for delta in recorder.deltas(number)[:-1])
            assert recorder.text(number) == (await answer(backend, replace(row, stream=False))).text

    async def test_a_cancelled_row_frees_its_place_for_one_that_waits(self, backend: Backend) -> None:
        recorder = Recorder()
        hogs = backend.submit([HOG] * MAX_ROWS, recorder)
        await until(lambda: all(len(recorder.deltas(number)) > 3 for number in hogs))
        (waiting,) = backend.submit([Row(FRANCE, 20, stream=True)], recorder)
        await asyncio.sleep(0.3)
        assert not recorder.deltas(waiting)
        assert backend.load_now() == Load(MAX_ROWS, 1, backend.load_now().kv_usage)
        seen = len(recorder.deltas(hogs[0]))
        before = backend.step_stats().steps
        backend.cancel([hogs[0], 10**9])
        await until(lambda: waiting in recorder.first_at)
        # One step may be under way; in the next the row joins; its first token may come one or two later.
        assert backend.step_stats().steps - before <= 4
        others = [len(recorder.deltas(number)) for number in hogs[1:]]
        await until(lambda: waiting in recorder.outcomes)
        assert recorder.text(waiting).startswith(PARIS)
        assert len(recorder.deltas(hogs[0])) == seen
        assert all(len(recorder.deltas(number)) > count for number, count in zip(hogs[1:], others, strict=True))
        backend.cancel(hogs)
        assert set(recorder.outcomes) == {waiting}
        await until(lambda: backend.load_now() == Load(0, 0, 0.0))

    async def test_a_row_joins_and_leaves_while_another_runs(self, backend: Backend) -> None:
        recorder = Recorder()
        (hog,) = backend.submit([HOG], recorder)
        await until(lambda: len(recorder.deltas(hog)) > 3)
        (guest,) = backend.submit([Row(FRANCE, 20, stream=True)], recorder)
        await until(lambda: guest in recorder.outcomes)
        assert recorder.text(guest).startswith(PARIS)
        count = len(recorder.deltas(hog))
        await until(lambda: len(recorder.deltas(hog)) > count)
        assert any({delta.number for delta in deltas} == {hog, guest} for deltas, _ in recorder.calls)
        backend.cancel([hog])
        assert hog not in recorder.outcomes

    async def test_a_long_prompt_does_not_hold_the_event_loop(self, backend: Backend) -> None:
        longest, began = 0.0, time.perf_counter()
        ending = asyncio.create_task(play(backend, Row("many words " * 60_000, 4)))
        while not ending.done():
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before)
        # Encoding is nearly all that it takes: held by it, the loop would pause for as long. A busy machine slows both.
        assert longest < max(0.15, (time.perf_counter() - began) / 2)
