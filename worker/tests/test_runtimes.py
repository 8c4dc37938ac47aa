"""What every real runtime promises, on the built-in small model. Runs for the runtimes that are installed."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import re
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import config
from backends.backend import Answer, Backend, Failure, Outcome, Row, Status
from running import FRANCE, RUNTIMES, SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 120.0
CITIES = "Paris London Rome Berlin Madrid Cairo Tokyo Delhi Moscow Lima Oslo Vienna Athens Dublin Lisbon Havana".split()
LONG = "Write a very long story about a fox, a bear and a river."


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(runtime: str) -> AsyncIterator[Backend]:
    settings = config.read({**SETTINGS, "WORKER_BACKEND": runtime})
    loaded: Backend = importlib.import_module(f"backends.{runtime}").make(settings)
    await loaded.load()
    yield loaded
    await loaded.close()


async def generate(backend: Backend, *rows: Row) -> list[Outcome]:
    return await asyncio.wait_for(backend.generate(rows), SECONDS)


async def answers(backend: Backend, *rows: Row) -> list[Answer]:
    outcomes = await generate(backend, *rows)
    assert all(isinstance(outcome, Answer) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Answer)]


def shared_start(one: str, other: str) -> int:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


async def test_the_model_answers_with_true_token_counts(backend: Backend) -> None:
    (answer,) = await answers(backend, Row(FRANCE, 40))
    assert answer.text == "The capital of France is Paris."
    assert (answer.input_tokens, answer.output_tokens) == (37, 7)  # with the chat template, without the stop token
    assert answer.first_token_at < answer.last_token_at


async def test_the_answer_has_at_most_max_tokens(backend: Backend) -> None:
    for answer, limit in zip(await answers(backend, Row(LONG, 1), Row(LONG, 9)), (1, 9), strict=True):
        assert answer.output_tokens == limit


async def test_decoding_is_greedy_and_repeatable(backend: Backend) -> None:
    first, second = [(await answers(backend, Row(LONG, 24)))[0].text for _ in range(2)]
    assert first == second


async def test_a_batch_runs_together_and_pays(backend: Backend) -> None:
    rows = [Row(f"Write a long story about {city}.", 24) for city in CITIES[:8]]
    started = time.perf_counter()
    for row in rows:
        await answers(backend, row)
    one_by_one = time.perf_counter() - started
    before = backend.step_stats()
    started = time.perf_counter()
    await answers(backend, *rows)
    together = time.perf_counter() - started
    after = backend.step_stats()
    assert after.largest >= 8
    assert (after.row_steps - before.row_steps) / (after.steps - before.steps) > 5
    assert together < 0.75 * one_by_one


async def test_overlapping_calls_share_the_batch_and_get_their_own_answers(backend: Backend) -> None:
    rows = [Row(f"Tell me one fact about the city of {city}.", 20) for city in CITIES]
    alone = [(await answers(backend, row))[0].text for row in rows]
    before = backend.step_stats()
    together = [answer for (answer,) in await asyncio.gather(*(answers(backend, row) for row in rows))]
    after = backend.step_stats()
    assert (after.row_steps - before.row_steps) / (after.steps - before.steps) > 3
    for number, answer in enumerate(together):
        # A batch may round otherwise than one row, so the wording may part later; it must begin like its own.
        closest = max(range(len(alone)), key=lambda other: shared_start(alone[other], answer.text))
        assert alone[closest] == alone[number], answer.text
    assert sum(answer.text == text for answer, text in zip(together, alone, strict=True)) >= len(rows) // 2


async def test_a_cancelled_call_frees_its_rows(backend: Backend) -> None:
    hog = asyncio.create_task(generate(backend, *[Row(LONG, 1500)] * 4))
    await asyncio.sleep(1.0)
    assert not hog.done()
    hog.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hog
    await asyncio.sleep(0.5)
    before = backend.step_stats()
    await answers(backend, Row(LONG, 12))
    after = backend.step_stats()
    assert after.row_steps - before.row_steps == after.steps - before.steps  # nobody else in any step


async def test_a_row_over_its_time_ends_alone(backend: Backend) -> None:
    rows = Row(LONG, 1500, deadline=time.perf_counter() + 0.5), Row(FRANCE, 40)
    late, fine = await generate(backend, *rows)
    assert isinstance(late, Failure)
    assert late.status is Status.TIMEOUT
    assert isinstance(fine, Answer)


async def test_a_row_that_is_too_long_fails_alone_and_names_the_limit(backend: Backend) -> None:
    too_long, fine = await generate(backend, Row("word " * 9000, 4), Row(FRANCE, 40))
    assert isinstance(too_long, Failure)
    assert too_long.status is Status.RUNTIME_ERROR
    assert re.search(r"context of \d+ tokens, got (8192 or more|90\d\d tokens)$", too_long.message), too_long.message
    assert isinstance(fine, Answer)
    assert fine.text.startswith("The capital of France is Paris")


async def test_odd_prompts_are_answered(backend: Backend) -> None:
    await answers(backend, Row(" ", 4), Row("\n", 4), Row("日本語のテキスト 🦊", 4), Row("<|im_end|>", 4))
