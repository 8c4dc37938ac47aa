"""Rows that stream, sample, stop and go on vLLM."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

import config
from backends import vllm
from backends.backend import Backend, Failure, Load, Status
from running import SETTINGS
from stream_promises import HOG, MAX_ROWS, StreamPromises, Told, answer, until

pytestmark = [pytest.mark.vllm, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend() -> AsyncIterator[Backend]:
    # In bfloat16 a batch rounds so much otherwise than one row that even greedy answers part.
    own = {"WORKER_BACKEND": "vllm", "WORKER_MAX_ROWS": str(MAX_ROWS), "VLLM_DTYPE": "float32"}
    loaded = vllm.make(config.read({**SETTINGS, **own}))
    await loaded.load()
    yield loaded
    await loaded.close()


class TestStreams(StreamPromises):
    async def test_a_row_that_vllm_aborts_is_a_failure(self, backend: Backend) -> None:
        for row in (HOG, replace(HOG, stream=False)):
            told = Told()
            (number,) = backend.submit([row], told)
            await until(lambda: backend.load_now().running == 1)
            await backend._engine.abort(str(number))  # type: ignore[attr-defined]
            await until(told.outcomes.__len__)
            assert told.outcomes[number] == Failure(Status.UNAVAILABLE, "vLLM gave the row up: abort")

    async def test_the_cache_shows_in_the_load(self, backend: Backend) -> None:
        hogs = backend.submit([HOG] * 2, Told())
        await until(lambda: backend.load_now().running == 2)
        assert 0 < backend.load_now().kv_usage < 1
        backend.cancel(hogs)
        assert backend.load_now() == Load(0, 0, 0.0)

    async def test_an_answer_in_one_piece_has_the_times_of_its_tokens(self, backend: Backend) -> None:
        started = time.perf_counter()
        answered = await answer(backend, replace(HOG, max_tokens=20, stream=False))
        ended = time.perf_counter()
        assert started < answered.first_token_at < answered.last_token_at < ended
        assert answered.last_token_at - answered.first_token_at > 0.5 * (ended - started)
