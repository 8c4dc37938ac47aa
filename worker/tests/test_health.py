"""A backend that dies while it serves: health says so, nobody is left waiting, and the process ends to be replaced."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import config
import worker
from backends.backend import FinishReason, Info, Prompt
from backends.runtime import NewRow, Runtime, Stepped
from backends.step_loop import StepLoop
from wire import pb2, pb2_grpc

SECONDS = 10.0


class Dying(Runtime):
    """Answers one row; the first step of a second one fails."""

    def load(self) -> None:
        self.context = 100

    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        return [1]

    def decode(self, tokens: list[int]) -> str:
        return ""

    def add(self, rows: Sequence[NewRow]) -> None:
        self.number = rows[0].number

    def remove(self, numbers: Sequence[int]) -> None: ...

    def step(self) -> list[Stepped]:
        if self.number > 1:
            raise MemoryError("no cache left")
        return [Stepped(self.number, [1], FinishReason.STOP)]

    def close(self) -> None: ...


async def test_a_dead_backend_fails_its_rows_turns_health_and_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = StepLoop(Info("dying", "none", False), Dying(), max_rows=4)
    monkeypatch.setattr(worker, "_make_backend", lambda settings: backend)
    monkeypatch.setattr("lifetime.HARD_SECONDS", 3600)  # the process whose end it would force is pytest's
    stdout = io.StringIO()
    running = asyncio.create_task(worker.run(config.read({"WORKER_PORT": "0"}), stdout))
    while not stdout.getvalue():
        assert not running.done()
        await asyncio.sleep(0.01)
    async with grpc.aio.insecure_channel(stdout.getvalue().split()[3]) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)  # its types leave the methods out
        watch = health.Watch(health_pb2.HealthCheckRequest(service="omnispan.Worker"), timeout=SECONDS)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        ask = pb2.WorkerGenerateRequest(request_id="a", prompt="hello", max_tokens=4)
        requests = pb2.WorkerBatchGenerateRequest(requests=[ask] * 6)  # four that run, two that wait
        reply = await pb2_grpc.WorkerStub(channel).GenerateBatch(requests, timeout=SECONDS)
        assert [row.status for row in reply.responses] == ["worker_runtime_error"] * 6
        assert "MemoryError: no cache left" in reply.responses[0].error_message
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    with pytest.raises(worker.DiedError, match="MemoryError: no cache left"):
        await asyncio.wait_for(running, SECONDS)
