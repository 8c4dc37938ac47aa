"""The owner thread's promises, on a runtime whose steps the test lets happen."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable

import pytest

from backends.backend import Answer, Failure, Info, LoadError, Outcome, Row, Status
from backends.step_loop import StepLoop
from scripted import SECONDS, Scripted


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


async def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, "waited too long"
        await asyncio.sleep(0.001)


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
        "no tokens for this",
        "the prompt must leave room for an answer in the model's context of 10 tokens, got 10 tokens",
        "the prompt must have at least one token, got none",
    ]
    assert runtime.joined == [1]


async def test_an_answer_ends_where_the_models_context_ends(loop: StepLoop, runtime: Scripted) -> None:
    runtime.context = 10
    runtime.go.release(10)
    assert texts(await generate(loop, Row("01234567", 9))) == ["01"]


async def test_a_refused_batch_fails_and_the_loop_lives(loop: StepLoop, runtime: Scripted) -> None:
    runtime.go.release(10)
    runtime.refuse_add = True
    (outcome,) = await generate(loop, Row("ab", 3))
    assert outcome == Failure(Status.RUNTIME_ERROR, "the runtime refused the batch: no memory")
    runtime.refuse_add = False
    assert texts(await generate(loop, Row("ab", 3))) == ["ab"]


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
