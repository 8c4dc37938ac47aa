"""A worker process as tests see it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest

from wire import pb2_grpc

WORKER = Path(__file__).parents[1] / "worker.py"
STOP_SECONDS = 45.0

# For the tests of real runtimes, which all run on the built-in small model.
RUNTIMES = [
    pytest.param("openvino", marks=pytest.mark.openvino),
    pytest.param("mlx", marks=pytest.mark.mlx),
    pytest.param("vllm", marks=pytest.mark.vllm),
]
SETTINGS = {"MODEL_ID": "smollm2-135m", "VLLM_MAX_MODEL_LEN": "2048", "WORKER_MAX_ROWS": "32"}
FRANCE = "What is the capital of France?"
PARIS = "The capital of France is Paris"  # how its answer begins, in any batch; a batch may round differently later


@dataclass
class WorkerProcess:
    process: asyncio.subprocess.Process
    line: str = ""  # what it printed when it was ready
    channel: grpc.aio.Channel | None = None
    log: bytearray = field(default_factory=bytearray)

    @property
    def address(self) -> str:
        return self.line.split()[3]

    @property
    def stub(self) -> pb2_grpc.WorkerStub:
        return pb2_grpc.WorkerStub(self.connect())

    def connect(self) -> grpc.aio.Channel:
        self.channel = self.channel or grpc.aio.insecure_channel(
            self.address, options=[("grpc.max_send_message_length", -1)]
        )
        return self.channel

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signals it and gives its exit code; kills it when it does not end."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.wait()

    async def wait(self) -> int:
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except asyncio.TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise

    async def rest_of_stdout(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.read(), STOP_SECONDS)).decode()

    async def stderr(self) -> str:
        """All of it, once the process has ended."""
        await asyncio.wait_for(self.reader, STOP_SECONDS)
        return self.log.decode()

    async def read_log(self) -> None:
        assert self.process.stderr is not None
        while piece := await self.process.stderr.read(65536):
            self.log += piece

    def __post_init__(self) -> None:
        self.reader = asyncio.create_task(self.read_log())


Start = Callable[..., Coroutine[None, None, WorkerProcess]]
