"""Health follows the backend, also when it dies while the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import config
from backends.backend import Info
from backends.step_loop import NewRow, Runtime, StepLoop, Stepped
from server import Server
from wire import pb2, pb2_grpc

SECONDS = 10.0


class Dying(Runtime):
    """Its first step fails."""

    def load(self) -> None:
        self.context = 100

    def encode(self, prompt: str) -> list[int]:
        return [1]

    def decode(self, tokens: list[int]) -> str:
        return ""

    def add(self, rows: Sequence[NewRow]) -> None: ...

    def remove(self, numbers: Sequence[int]) -> None: ...

    def step(self) -> list[Stepped]:
        raise MemoryError("no cache left")

    def close(self) -> None: ...


async def test_a_dead_backend_fails_its_rows_and_turns_health_to_not_serving() -> None:
    backend = StepLoop(Info("dying", "none", False), Dying(), max_rows=4)
    await backend.load()
    server = Server(backend, config.read({}))
    port = await server.start("127.0.0.1:0")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)  # its types leave the methods out
        watch = health.Watch(health_pb2.HealthCheckRequest(service="omnispan.Worker"), timeout=SECONDS)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        ask = pb2.WorkerGenerateRequest(request_id="a", prompt="hello", max_tokens=4)
        requests = pb2.WorkerBatchGenerateRequest(requests=[ask] * 6)
        for _ in range(2):  # the rows that ran or waited then, and those that come later
            reply = await pb2_grpc.WorkerStub(channel).GenerateBatch(requests, timeout=SECONDS)
            assert [row.status for row in reply.responses] == ["worker_runtime_error"] * 6
            assert "MemoryError: no cache left" in reply.responses[0].error_message
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    await server.stop(1)
    await asyncio.wait_for(backend.close(), SECONDS)
