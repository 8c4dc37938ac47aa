"""A worker process with each real runtime. Runs for the runtimes that are installed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine import Engine, sequence
from running import FRANCE, PARIS, RUNTIMES, SETTINGS, Start
from wire import pb2

pytestmark = pytest.mark.parametrize("runtime", RUNTIMES)

SECONDS = 120.0


async def test_it_serves_overlapping_calls_and_ends_clean(start: Start, runtime: str) -> None:
    worker = await start(**SETTINGS, WORKER_BACKEND=runtime, WORKER_DEBUG_BATCH_LOGGING="1", WORKER_LOG_LEVEL="debug")
    assert worker.line == f"worker listening on {worker.address} backend={runtime} model=smollm2-135m\n"
    ask = pb2.WorkerGenerateRequest(request_id="same", prompt=FRANCE, max_tokens=40)
    stub = worker.stub
    replies = await asyncio.gather(*(stub.Generate(ask, timeout=SECONDS) for _ in range(20)))
    assert all(reply.response_text.startswith(PARIS) for reply in replies), replies
    assert all(0 < reply.ttft_ms < reply.worker_latency_ms and reply.tpot_ms > 0 for reply in replies)
    together = await stub.GenerateBatch(pb2.WorkerBatchGenerateRequest(requests=[ask] * 8), timeout=SECONDS)
    assert [reply.status for reply in together.responses] == ["ok"] * 8
    assert await worker.end() == 0
    assert await worker.rest_of_stdout() == ""
    log = await worker.stderr()
    assert "Traceback" not in log
    assert "capital of France" not in log


async def test_a_session_streams_and_rows_that_are_cancelled_leave_nothing_behind(start: Start, runtime: str) -> None:
    worker = await start(**SETTINGS, WORKER_BACKEND=runtime)
    engine = Engine(worker.stub)
    await engine.submit(sequence(1, FRANCE, 40), *(sequence(number, FRANCE, 800, ignore_eos=True) for number in (2, 3)))
    (reply,) = await engine.results(1)
    assert (reply.status, reply.finish_reason, reply.response_text) == ("ok", "stop", "")
    assert engine.text[1].startswith(PARIS)
    await engine.cancel(2)
    await asyncio.sleep(0.2)
    seen = engine.tokens[2]
    await engine.until(lambda: engine.tokens[3] > seen + 20)
    assert engine.tokens[2] == seen
    await engine.close()  # cancels the third
    assert await worker.end() == 0
    log = await worker.stderr()
    assert "Traceback" not in log
    assert "leak" not in log


async def test_a_model_that_is_not_there_ends_the_process_with_1_and_a_line(
    start: Start, runtime: str, tmp_path: Path
) -> None:
    worker = await start(WORKER_BACKEND=runtime, MODEL_ID=str(tmp_path / "nothing"), HF_HUB_OFFLINE="1")
    assert (worker.line, await worker.wait()) == ("", 1)
    log = await worker.stderr()
    assert log.splitlines()[-1].startswith("worker: ")
    assert str(tmp_path / "nothing") in log.splitlines()[-1]
    assert "Traceback" not in log
