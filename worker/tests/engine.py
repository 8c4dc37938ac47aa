"""An engine's side of a session, as tests see it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

import grpc

from wire import pb2, pb2_grpc

SECONDS = 20.0


class Engine:
    """Reads a session's events as they come, checks what holds for all of them, and keeps the rest for the test."""

    def __init__(self, stub: pb2_grpc.WorkerStub, strict: bool = True) -> None:
        self.strict = strict  # it uses each sequence number once, so a result is the last of it
        self.call = stub.Session(wait_for_ready=True)
        self.hello: pb2.WorkerHello | None = None
        self.steps: list[pb2.WorkerStep] = []
        self.loads: list[pb2.WorkerLoad] = []
        self.text: dict[int, str] = defaultdict(str)
        self.tokens: dict[int, int] = defaultdict(int)
        self.deltas: dict[int, int] = defaultdict(int)
        self.replies: dict[int, pb2.WorkerGenerateReply] = {}
        self.reader = asyncio.create_task(self._read())

    async def submit(self, *sequences: pb2.WorkerSequence) -> None:
        await self.call.write(pb2.WorkerCommand(submit=pb2.WorkerSubmit(sequences=sequences)))

    async def cancel(self, *sequences: int) -> None:
        await self.call.write(pb2.WorkerCommand(cancel=pb2.WorkerCancel(sequences=sequences)))

    async def until(self, true: Callable[[], object]) -> None:
        end = asyncio.get_running_loop().time() + SECONDS
        while not true():
            assert asyncio.get_running_loop().time() < end, "waited too long"
            if self.reader.done():
                self.reader.result()
                assert true(), "the session has ended"
            await asyncio.sleep(0.002)

    async def results(self, *sequences: int) -> list[pb2.WorkerGenerateReply]:
        await self.until(lambda: all(sequence in self.replies for sequence in sequences))
        return [self.replies[sequence] for sequence in sequences]

    async def close(self) -> None:
        """Closes the stream as an engine does that stops, and waits for the worker's end of it."""
        await self.call.done_writing()
        await asyncio.wait_for(self.reader, SECONDS)

    async def _read(self) -> None:
        async for event in self.call:
            assert (self.hello is None) == event.HasField("hello"), "hello comes first and once"
            if event.HasField("hello"):
                self.hello = event.hello
            elif event.HasField("load"):
                self.loads.append(event.load)
            else:
                self._take(event.step)

    def _take(self, step: pb2.WorkerStep) -> None:
        self.steps.append(step)
        assert step.deltas or step.results
        for delta in step.deltas:
            assert not self.strict or delta.sequence not in self.replies, "a delta after the result"
            assert delta.token_index == self.tokens[delta.sequence]
            self.tokens[delta.sequence] += delta.tokens
            self.text[delta.sequence] += delta.text
            self.deltas[delta.sequence] += 1
        for result in step.results:
            assert not self.strict or result.sequence not in self.replies, "a second result"
            self.replies[result.sequence] = result.reply


def sequence(
    number: int, prompt: str = "hello there", max_tokens: int = 3, stream: bool = True, **fields: object
) -> pb2.WorkerSequence:
    request = pb2.WorkerGenerateRequest(request_id=f"r{number}", tenant_id="t", prompt=prompt, max_tokens=max_tokens)
    for name, value in fields.items():
        if name == "stop":
            request.stop.extend(value)  # type: ignore[arg-type]  # `fields` is typed for every kind
        else:
            setattr(request, name, value)
    return pb2.WorkerSequence(sequence=number, stream=stream, request=request)


def connect(port: int) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}")
