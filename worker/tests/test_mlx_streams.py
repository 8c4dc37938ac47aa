"""Rows that stream, sample, stop and go on MLX."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

import config
from backends import mlx
from backends.backend import Backend, Row
from running import FRANCE, PARIS, SETTINGS
from stream_promises import HOG, MAX_ROWS, Recorder, StreamPromises, answer, until

pytestmark = [pytest.mark.mlx, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend() -> AsyncIterator[Backend]:
    loaded = mlx.make(config.read({**SETTINGS, "WORKER_BACKEND": "mlx", "WORKER_MAX_ROWS": str(MAX_ROWS)}))
    await loaded.load()
    yield loaded
    await loaded.close()


class TestStreams(StreamPromises):
    async def test_a_long_prompt_leaves_the_others_their_steps(
        self, backend: Backend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mlx, "PREFILL_TOKENS", mlx.PREFILL_ROW_TOKENS)
        row = Row("Tell me what this list says: " + " ".join(f"item {i} is {i * 7 % 13}," for i in range(30)), 8)
        alone = await answer(backend, row)
        assert alone.input_tokens > 3 * mlx.PREFILL_TOKENS
        recorder = Recorder()
        (hog,) = backend.submit([HOG], recorder)
        await until(lambda: len(recorder.deltas(hog)) > 3)
        guest, short = backend.submit([replace(row, stream=True), Row(FRANCE, 20, stream=True)], recorder)
        count = len(recorder.deltas(hog))
        await until(lambda: short in recorder.first_at)
        assert guest not in recorder.first_at
        await until(lambda: guest in recorder.first_at)
        assert len(recorder.deltas(hog)) - count > alone.input_tokens / mlx.PREFILL_TOKENS
        await until(lambda: {guest, short} <= set(recorder.outcomes))
        assert recorder.answer(guest).input_tokens == alone.input_tokens
        assert recorder.text(short).startswith(PARIS)
        backend.cancel([hog])
