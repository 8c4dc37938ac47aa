"""Requests whose bytes can't be read, over real gRPC to a real worker process: each fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import grpc
import pytest

from engine import Engine, sequence
from running import Start, WorkerProcess
from wire import pb2, pb2_grpc

SECONDS = 20.0
BAD = b"\xed\xa0\xbd"  # half of a surrogate pair, as some writers encode it
MARK = "???"


def broken(message: Any) -> bytes:
    """The message's bytes with what is no UTF-8 in the place of each mark."""
    return cast(bytes, message.SerializeToString()).replace(MARK.encode(), BAD)


def request(number: int, prompt: str = "hello there", **fields: Any) -> pb2.WorkerGenerateRequest:
    return sequence(number, prompt, **fields).request


def raw_stub(worker: WorkerProcess) -> pb2_grpc.WorkerStub:
    """A stub whose messages are written as `broken` makes them."""
    channel = worker.connect()
    methods: dict[str, tuple[Callable[..., Any], Any]] = {
        "Generate": (channel.unary_unary, pb2.WorkerGenerateReply),
        "GenerateBatch": (channel.unary_unary, pb2.WorkerBatchGenerateReply),
        "GenerateStream": (channel.unary_stream, pb2.WorkerChunk),
        "Session": (channel.stream_stream, pb2.WorkerEvent),
    }
    calls = {
        name: kind(f"/omnispan.Worker/{name}", request_serializer=broken, response_deserializer=reply.FromString)
        for name, (kind, reply) in methods.items()
    }
    return cast(pb2_grpc.WorkerStub, type("RawStub", (), calls))


WRONG = {
    1: (request(1, f"see {MARK}"), "prompt must be UTF-8, got bytes that are not"),
    2: (request(2, stop=["fine", MARK]), "stop[1] must be UTF-8, got bytes that are not"),
    3: (request(3, tenant_id=MARK), "tenant_id must be UTF-8, got bytes that are not"),
    4: (
        pb2.WorkerGenerateRequest(request_id="r4", messages=[pb2.ChatMessage(role="user", content=MARK)]),
        "messages[0].content must be UTF-8, got bytes that are not",
    ),
}


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_sequence_whose_text_is_none_fails_alone_and_what_runs_goes_on(start: Start, profile: str) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE=profile)
    engine = Engine(raw_stub(worker))
    await engine.submit(sequence(8, max_tokens=30))
    await engine.until(lambda: engine.tokens[8])
    submitted = [pb2.WorkerSequence(sequence=number, stream=True, request=bad) for number, (bad, _) in WRONG.items()]
    await engine.submit(*submitted[:2], sequence(9, max_tokens=5, stream=False), *submitted[2:])
    for number, reply in zip(WRONG, await engine.results(*WRONG), strict=True):
        got = (reply.request_id, reply.status, reply.error_message, reply.bad_request)
        assert got == (f"r{number}", "worker_runtime_error", WRONG[number][1], True)
    before, beside = await engine.results(8, 9)
    assert (before.status, engine.tokens[8]) == ("ok", 30)
    assert (beside.status, beside.output_tokens) == ("ok", 5)
    await engine.close()
    assert await engine.call.code() == grpc.StatusCode.OK


async def test_a_sequence_whose_request_is_no_message_is_answered_by_its_number(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    channel = worker.connect()
    call: Any = channel.stream_stream("/omnispan.Worker/Session", response_deserializer=pb2.WorkerEvent.FromString)()
    fine = sequence(2, max_tokens=2)
    whole = pb2.WorkerCommand(submit=pb2.WorkerSubmit(sequences=[sequence(1, "cut short"), fine]))
    data = whole.SerializeToString()
    length = data.index(b"cut short") - 1
    await call.write(data[:length] + b"\x7f" + data[length + 1 :])  # the prompt is longer than its message
    replies = {}
    async for event in call:
        replies.update({result.sequence: result.reply for result in event.step.results})
        if len(replies) == 2:
            break
    assert (replies[1].status, replies[1].bad_request) == ("worker_runtime_error", True)
    assert replies[1].error_message.startswith("the request can't be read: ")
    assert (replies[2].status, replies[2].output_tokens) == ("ok", 2)
    call.cancel()


async def test_a_batch_answers_for_what_it_cannot_read_and_the_rest_runs(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    stub = raw_stub(worker)
    bad = [bad for bad, _ in WRONG.values()]
    asked = pb2.WorkerBatchGenerateRequest(requests=[request(8), *bad, request(9, max_tokens=5)])
    reply = await asyncio.wait_for(stub.GenerateBatch(asked), SECONDS)
    assert [one.request_id for one in reply.responses] == ["r8", "r1", "r2", "r3", "r4", "r9"]
    assert [one.status for one in reply.responses] == ["ok", *["worker_runtime_error"] * 4, "ok"]
    assert [one.error_message for one in reply.responses[1:5]] == [problem for _, problem in WRONG.values()]
    single = await asyncio.wait_for(stub.Generate(bad[0]), SECONDS)
    assert (single.request_id, single.error_message, single.bad_request) == ("r1", WRONG[1][1], True)
    (chunk,) = [chunk async for chunk in stub.GenerateStream(bad[0])]
    assert (chunk.finished, chunk.status, chunk.bad_request) == (True, "worker_runtime_error", True)
