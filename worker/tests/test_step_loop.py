"""The owner thread's promises, on a runtime whose steps the test lets happen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from backends.backend import Answer, Delta, Ended, Failure, FinishReason, Info, LoadError, Outcome, Row, Status
from backends.step_loop import StepLoop
from scripted import SECONDS, Scripted
from stream_promises import until


@pytest.fixture
def runtime() -> Scripted:
    return Scripted()


@pytest.fixture
async def loop(runtime: Scripted) -> AsyncIterator[StepLoop]:
    step_loop = StepLoop(Info("scripted", "letters", False), runtime, max_rows=4)
    await step_loop.load()
    yield step_loop
    runtime.go.release(1000)
    await step_loop.close()
    assert runtime.closed


def texts(outcomes: list[Outcome]) -> list[str]:
    return [outcome.text if isinstance(outcome, Answer) else outcome.status.value for outcome in outcomes]


async def generate(loop: StepLoop, *rows: Row) -> list[Outcome]:
    return await asyncio.wait_for(loop.generate(rows), SECONDS)


async def test_rows_of_one_call_join_together_and_keep_their_order(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(5)
    outcomes = await generate(loop, Row("abc", 9), Row("de", 9), Row("fghij", 2))
    assert texts(outcomes) == ["abc", "de", "fg"]
    assert runtime.joined == [3]
    assert runtime.sizes == [3, 3, 1]
    assert (loop.step_stats().largest, loop.step_stats().row_steps) == (3, 7)


async def test_a_later_call_joins_between_two_steps_and_leaves_first(loop: StepLoop, runtime: Scripted) -> None:
    long = asyncio.create_task(generate(loop, Row("abcdef", 9)))
    runtime.go.release(2)
    await until(lambda: len(runtime.sizes) == 2)
    short = asyncio.create_task(generate(loop, Row("x", 9)))
    await asyncio.sleep(0.02)
    runtime.go.release(2)
    assert texts(await short) == ["x"]
    assert not long.done()
    runtime.go.release(10)
    assert texts(await long) == ["abcdef"]
    assert max(runtime.sizes) == 2


async def test_a_step_that_only_prefilled_counts_as_an_iteration(loop: StepLoop, runtime: Scripted) -> None:
    runtime.prefill_steps = 3
    runtime.go.release(10)
    assert texts(await generate(loop, Row("ab", 9))) == ["ab"]
    stats = loop.step_stats()
    assert (stats.steps, stats.iterations) == (2, 5)


async def test_a_short_prompt_goes_before_long_ones_that_wait(loop: StepLoop, runtime: Scripted) -> None:
    """The runtime takes two prompt tokens a step: in the five steps of a long prompt no other long one joins."""
    runtime.prefill_tokens = 2
    runtime.prefill_steps = 5
    calls = [asyncio.create_task(generate(loop, Row(name * 9, 9))) for name in "abc"]
    runtime.go.release(1)
    await until(lambda: runtime.prefill_steps == 4)
    calls.append(asyncio.create_task(generate(loop, Row("hi", 9))))
    await asyncio.sleep(0.02)
    runtime.go.release(100)
    await asyncio.gather(*calls)
    assert runtime.joins == ["a", "h", "b", "c"]


async def test_short_prompts_that_pass_a_long_one_have_together_no_more_than_its_length(
    loop: StepLoop, runtime: Scripted
) -> None:
    runtime.prefill_tokens = 1
    runtime.prefill_steps = 10
    calls = [asyncio.create_task(generate(loop, Row(name * 12, 1))) for name in "ab"]
    runtime.go.release(1)
    await until(lambda: runtime.prefill_steps == 9)
    calls += [asyncio.create_task(generate(loop, Row(name * 4, 1))) for name in "rstuv"]
    await asyncio.sleep(0.02)
    runtime.go.release(200)
    await asyncio.gather(*calls)
    assert runtime.joins == ["a", "r", "s", "t", "b", "u", "v"]


async def test_the_next_prompt_joins_when_a_long_one_that_was_on_its_way_has_been_cancelled(
    loop: StepLoop, runtime: Scripted
) -> None:
    runtime.prefill_tokens = 1
    runtime.prefill_steps = 100
    gone = asyncio.create_task(generate(loop, Row("a" * 12, 1)))
    waits = asyncio.create_task(generate(loop, Row("b" * 12, 1)))
    runtime.go.release(1)
    await until(lambda: runtime.prefill_steps == 99)
    gone.cancel()
    await asyncio.sleep(0.02)
    runtime.prefill_steps = 1
    runtime.go.release(100)
    assert texts(await waits) == ["b"]


async def test_rows_beyond_the_limit_wait(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(10)
    outcomes = await generate(loop, *[Row("ab", 9)] * 6)
    assert texts(outcomes) == ["ab"] * 6
    assert runtime.sizes == [4, 4, 2, 2]


async def test_a_cancelled_call_frees_its_rows_and_the_others_go_on(loop: StepLoop, runtime: Scripted) -> None:
    gone = asyncio.create_task(generate(loop, Row("abcdef", 9), Row("abcdef", 9)))
    stays = asyncio.create_task(generate(loop, Row("uvwxyz", 9)))
    runtime.go.release(1)
    await until(lambda: runtime.sizes)
    gone.cancel()
    await asyncio.sleep(0.02)
    runtime.go.release(10)
    assert texts(await stays) == ["uvwxyz"]
    assert runtime.sizes[-1] == 1
    assert gone.cancelled()


async def test_a_cancelled_call_that_waits_never_starts(loop: StepLoop, runtime: Scripted) -> None:
    first = asyncio.create_task(generate(loop, *[Row("abc", 9)] * 4))
    waiting = asyncio.create_task(generate(loop, Row("xyz", 9)))
    runtime.go.release(1)
    await until(lambda: runtime.sizes)
    waiting.cancel()
    await asyncio.sleep(0.02)
    runtime.go.release(10)
    assert texts(await first) == ["abc"] * 4
    assert runtime.joined == [4]


async def test_a_row_whose_time_is_over_ends_alone(loop: StepLoop, runtime: Scripted) -> None:
    soon = time.perf_counter() + 0.05
    task = asyncio.create_task(generate(loop, Row("abcdef", 9, deadline=soon), Row("uvwxyz", 9)))
    runtime.go.release(1)
    await until(lambda: runtime.sizes)
    await asyncio.sleep(0.1)
    runtime.go.release(10)
    outcomes = await task
    assert texts(outcomes) == [Status.TIMEOUT.value, "uvwxyz"]
    assert runtime.sizes == [2, 2, 1, 1, 1, 1]  # the second step had begun before the time was over


async def test_a_bad_row_fails_only_itself(loop: StepLoop, runtime: Scripted) -> None:
    runtime.context = 10
    runtime.go.release(10)
    outcomes = await generate(loop, Row("unreadable", 3), Row("ab", 3), Row("0123456789", 3), Row(" ", 3))
    assert texts(outcomes)[1] == "ab"
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert [failure.message for failure in failures] == [
        "the tokenizer failed: ValueError",  # not its text, which may be the prompt's
        "the prompt must leave room for an answer in the model's context of 10 tokens, got 10 tokens",
        "the prompt must have at least one token, got none",
    ]
    assert [failure.bad_request for failure in failures] == [False, True, True]
    assert runtime.joined == [1]


async def test_an_answer_ends_where_the_models_context_ends(loop: StepLoop, runtime: Scripted) -> None:
    runtime.context = 10
    runtime.go.release(10)
    assert texts(await generate(loop, Row("01234567", 9))) == ["01"]


async def test_a_refused_batch_fails_and_the_loop_lives(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(10)
    runtime.refuse_add = True
    (outcome,) = await generate(loop, Row("ab", 3))
    assert outcome == Failure(Status.RUNTIME_ERROR, "the runtime refused the row: no memory")
    runtime.refuse_add = False
    assert texts(await generate(loop, Row("ab", 3))) == ["ab"]


async def test_a_row_that_the_runtime_refuses_does_not_take_its_group_along(loop: StepLoop, runtime: Scripted) -> None:
    runtime.refused_prompt = "de"
    runtime.go.release(10)
    outcomes = await generate(loop, Row("abc", 3), Row("de", 3), Row("fgh", 3))
    assert texts(outcomes) == ["abc", "worker_runtime_error", "fgh"]
    assert outcomes[1] == Failure(Status.RUNTIME_ERROR, "the runtime refused the row: no memory")
    assert runtime.sizes == [2, 2, 2]


async def test_a_failing_step_fails_every_row_then_and_later_and_says_so(loop: StepLoop, runtime: Scripted) -> None:
    calls = [asyncio.create_task(generate(loop, *[Row("abc", 3)] * 3)) for _ in range(2)]
    await until(lambda: runtime.joined)
    runtime.error = RuntimeError("out of luck")
    runtime.go.release(1)
    for outcomes in await asyncio.gather(*calls):
        assert texts(outcomes) == ["worker_runtime_error"] * 3
    why = await asyncio.wait_for(loop.died(), SECONDS)
    assert "RuntimeError: out of luck" in why
    assert texts(await generate(loop, Row("later", 3))) == ["worker_runtime_error"]


async def test_closing_ends_the_rows_that_run(loop: StepLoop, runtime: Scripted) -> None:
    call = asyncio.create_task(generate(loop, *[Row("abcdef", 9)] * 6))
    await until(lambda: runtime.joined)
    closing = asyncio.create_task(loop.close())
    await asyncio.sleep(0.02)
    runtime.go.release(1)
    assert texts(await call) == ["worker_unavailable"] * 6
    await closing


async def test_one_thread_makes_every_call(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(50)
    await asyncio.gather(*(generate(loop, Row("abc", 3)) for _ in range(8)))
    assert len(runtime.threads) == 1
    assert threading.get_ident() not in runtime.threads


async def test_overlapping_calls_settle_once_each_with_their_own_text(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(10_000)
    words = ["".join(chr(97 + (number * step) % 26) for step in range(1, 6)) for number in range(64)]
    outcomes = await asyncio.gather(*(generate(loop, Row(word, 9)) for word in words))
    assert [texts(outcome) for outcome in outcomes] == [[word] for word in words]


async def test_a_model_that_cannot_be_loaded_is_a_load_error() -> None:
    class Unloadable(Scripted):
        def load(self) -> None:
            raise OSError("no such file")

    runtime = Unloadable()
    step_loop = StepLoop(Info("scripted", "letters", False), runtime, max_rows=4)
    with pytest.raises(LoadError, match="loading backend=scripted model=letters failed: OSError: no such file"):
        await step_loop.load()
    await step_loop.close()
    assert runtime.closed


# Streams.


class Recorder:
    """A listener that keeps every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[Delta], list[Ended]]] = []

    def __call__(self, deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        self.calls.append((list(deltas), list(ended)))

    def text(self, number: int) -> str:
        return "".join(delta.text for deltas, _ in self.calls for delta in deltas if delta.number == number)

    def outcomes(self) -> dict[int, Outcome]:
        ended = [end for _, ends in self.calls for end in ends]
        assert len({end.number for end in ended}) == len(ended), "a row has ended twice"
        return {end.number: end.outcome for end in ended}


async def test_a_step_is_one_call_for_each_listener(loop: StepLoop, runtime: Scripted) -> None:
    one, other = Recorder(), Recorder()
    numbers = loop.submit([Row("abc", 9, stream=True), Row("de", 9, stream=True), Row("fgh", 9)], one)
    (alone,) = loop.submit([Row("xyz", 9, stream=True)], other)
    assert one.calls == []
    runtime.go.release(10)
    await until(lambda: len(one.outcomes()) == 3 and other.outcomes())
    assert [one.text(number) for number in numbers] == ["abc", "de", ""]
    assert other.text(alone) == "xyz"
    assert len(one.calls) <= len(runtime.sizes)
    assert [delta.number for delta in one.calls[0][0]] == numbers[:2]
    first, second, unstreamed = (one.outcomes()[number] for number in numbers)
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert isinstance(unstreamed, Answer)
    assert (first.text, second.text, unstreamed.text) == ("", "", "fgh")
    assert (first.output_tokens, first.input_tokens, first.finish_reason) == (3, 3, FinishReason.LENGTH)


async def test_a_cancelled_row_is_silent_at_once_and_gone_before_the_next_step(
    loop: StepLoop, runtime: Scripted
) -> None:
    recorder = Recorder()
    goes, stays = loop.submit([Row("abcdef", 9, stream=True), Row("uvwxyz", 9, stream=True)], recorder)
    runtime.go.release(2)
    await until(lambda: recorder.text(goes) == "ab")
    loop.cancel([goes, goes, 12345])
    runtime.go.release(10)  # the third step had begun: what it gives the row is dropped
    await until(recorder.outcomes)
    assert (recorder.text(goes), recorder.text(stays)) == ("ab", "uvwxyz")
    assert list(recorder.outcomes()) == [stays]
    assert runtime.sizes == [2, 2, 2, 1, 1, 1]


async def test_a_stop_text_takes_the_row_out_of_the_runtime(loop: StepLoop, runtime: Scripted) -> None:
    recorder = Recorder()
    streamed, unary, other = loop.submit(
        [
            Row("abcdefgh", 9, stop=("zz", "cde"), stream=True),
            Row("abcdefgh", 9, stop=("cde",)),
            Row("uvwxyz", 9, stop=("yzz",), stream=True),
        ],
        recorder,
    )
    runtime.go.release(20)
    await until(lambda: len(recorder.outcomes()) == 3)
    assert (recorder.text(streamed), recorder.text(other)) == ("ab", "uvwxyz")
    first, second = recorder.outcomes()[streamed], recorder.outcomes()[unary]
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert (second.text, second.output_tokens, second.finish_reason) == ("ab", 5, FinishReason.STOP)
    assert (first.output_tokens, first.finish_reason) == (5, FinishReason.STOP)
    assert runtime.sizes == [3] * 5 + [1]


async def test_tokens_that_come_together_are_taken_one_by_one(loop: StepLoop, runtime: Scripted) -> None:
    runtime.at_once = 4
    recorder = Recorder()
    streamed, stopped = loop.submit(
        [Row("abcdef", 9, stream=True), Row("abcdef", 9, stop=("bc",), stream=True)], recorder
    )
    runtime.go.release(10)
    await until(lambda: len(recorder.outcomes()) == 2)
    assert [delta for deltas, _ in recorder.calls for delta in deltas if delta.number == streamed] == [
        Delta(streamed, 0, 4, "abcd"),
        Delta(streamed, 4, 2, "ef"),
    ]
    outcome = recorder.outcomes()[stopped]
    assert isinstance(outcome, Answer)
    assert (recorder.text(stopped), outcome.output_tokens) == ("a", 3)
    assert runtime.sizes == [2, 1]


async def test_a_listener_that_fails_does_not_take_the_others_news(loop: StepLoop, runtime: Scripted) -> None:
    def broken(deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        raise RuntimeError("not listening")

    recorder = Recorder()
    loop.submit([Row("abc", 9, stream=True)], broken)
    (fine,) = loop.submit([Row("xyz", 9, stream=True)], recorder)
    runtime.go.release(10)
    await until(recorder.outcomes)
    assert recorder.text(fine) == "xyz"


async def test_streamed_rows_end_once_when_the_loop_dies_and_after_the_close(loop: StepLoop, runtime: Scripted) -> None:
    recorder = Recorder()
    loop.submit([Row("abcdef", 9, stream=True)] * 6, recorder)
    runtime.go.release(1)
    await until(lambda: recorder.calls)
    runtime.error = RuntimeError("out of luck")
    runtime.go.release(1)
    await until(lambda: len(recorder.outcomes()) == 6)
    await loop.close()
    (late,) = loop.submit([Row("abc", 9)], recorder)
    assert late not in recorder.outcomes()
    await until(lambda: late in recorder.outcomes())
    assert recorder.outcomes()[late] == Failure(Status.UNAVAILABLE, "the worker is stopping")
    assert (loop.load_now().running, loop.load_now().waiting) == (0, 0)


async def test_rows_that_wait_are_cancelled_one_by_one_without_holding_up_the_steps(
    loop: StepLoop, runtime: Scripted
) -> None:
    recorder = Recorder()
    numbers = loop.submit([Row("abcdef", 9)] * 20_000, recorder)
    for number in numbers[5:]:
        loop.cancel([number])
    started = time.monotonic()
    runtime.go.release(100)
    await until(lambda: len(recorder.outcomes()) == 5)
    assert time.monotonic() - started < 2
    assert runtime.joined[1:] == [1]


async def test_the_load_counts_rows_that_run_and_wait(loop: StepLoop, runtime: Scripted) -> None:
    recorder = Recorder()
    numbers = loop.submit([Row("abcdef", 9)] * 6, recorder)
    await until(lambda: loop.load_now().running == 4)
    assert (loop.load_now().waiting, loop.limits.max_rows, loop.limits.context_tokens) == (2, 4, 20)
    loop.cancel(numbers)
    runtime.go.release(1)
    await until(lambda: loop.load_now().running == 0)
    assert recorder.calls == []
    assert runtime.rows == {}
