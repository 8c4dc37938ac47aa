"""The service over real gRPC, against real worker processes with the sim backend."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from backends.sim_text import digest
from engine import Engine
from running import Start
from wire import pb2

SECONDS = 20.0
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def request(prompt: str = "hello there", max_tokens: int = 3, **fields: object) -> pb2.WorkerGenerateRequest:
    message = pb2.WorkerGenerateRequest(request_id="r", tenant_id="t", prompt=prompt, max_tokens=max_tokens)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def conversation(*contents: str) -> pb2.WorkerGenerateRequest:
    """The last is the user's, those before it are the system's."""
    roles = [*["system"] * (len(contents) - 1), "user"]
    messages = [pb2.ChatMessage(role=role, content=content) for role, content in zip(roles, contents, strict=True)]
    return pb2.WorkerGenerateRequest(request_id="r", tenant_id="t", messages=messages, max_tokens=3)


def batch(*requests: pb2.WorkerGenerateRequest) -> pb2.WorkerBatchGenerateRequest:
    return pb2.WorkerBatchGenerateRequest(requests=requests)


def is_answer_to(prompt: str, reply: pb2.WorkerGenerateReply) -> bool:
    return reply.status == "ok" and reply.response_text.startswith(f"simulated-{digest(prompt):08x}")


async def test_generate_echoes_ids_and_gives_counts_and_times(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    assert worker.line == f"worker listening on {worker.address} backend=sim model=fixed20 simulated\n"
    reply = await worker.stub.Generate(request(max_tokens=3), timeout=SECONDS)
    assert (reply.request_id, reply.tenant_id, reply.status, reply.error_message) == ("r", "t", "ok", "")
    assert is_answer_to("hello there", reply)
    assert (reply.input_tokens, reply.output_tokens) == (2, 3)
    assert 20 <= reply.ttft_ms < 40
    assert reply.tpot_ms == pytest.approx(20, abs=5)
    assert 60 <= reply.worker_latency_ms < 90


async def test_a_batch_runs_together_and_answers_in_order(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    prompts = [f"prompt {number}" for number in range(32)]
    reply = await worker.stub.GenerateBatch(batch(*(request(prompt, 1) for prompt in prompts)), timeout=SECONDS)
    assert [is_answer_to(*pair) for pair in zip(prompts, reply.responses, strict=True)] == [True] * 32
    assert 20 <= reply.batch_latency_ms < 60
    assert {answer.tpot_ms for answer in reply.responses} == {0.0}


async def test_equal_request_ids_get_each_their_own_answer(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    prompts = [f"prompt {number}" for number in range(24)]
    stub = worker.stub
    together = stub.GenerateBatch(batch(*(request(prompt, 2) for prompt in prompts[:8])), timeout=SECONDS)
    alone = [stub.Generate(request(prompt, 3), timeout=SECONDS) for prompt in prompts[8:]]
    replies = [*(await together).responses, *[await call for call in alone]]
    assert [is_answer_to(*pair) for pair in zip(prompts, replies, strict=True)] == [True] * 24


async def test_bad_rows_fail_alone_and_zero_max_tokens_means_the_default(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null", WORKER_DEFAULT_MAX_TOKENS="7")
    requests = batch(request(""), request("good", 2), request("standard", 0))
    reply = await worker.stub.GenerateBatch(requests, timeout=SECONDS)
    assert [answer.status for answer in reply.responses] == ["worker_runtime_error", "ok", "ok"]
    assert (
        reply.responses[0].error_message == "exactly one of prompt, messages and prompt_tokens must be given, got none"
    )
    assert [answer.bad_request for answer in reply.responses] == [True, False, False]
    assert [answer.output_tokens for answer in reply.responses] == [0, 2, 7]


async def test_every_call_takes_messages_and_raw_prompts(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    stub = worker.stub
    single, two = conversation("hello there"), conversation("Be kind.", "hello there")
    reply = await stub.GenerateBatch(batch(request("hello there", raw_prompt=True), single, two), timeout=SECONDS)
    texts = [answer.response_text for answer in reply.responses]
    assert texts[0] == texts[1] != texts[2]
    assert is_answer_to("hello there", reply.responses[1])
    assert (await stub.Generate(two, timeout=SECONDS)).response_text == texts[2]
    chunks = [chunk async for chunk in stub.GenerateStream(two, timeout=SECONDS)]
    assert "".join(chunk.text_delta for chunk in chunks) == texts[2]
    engine = Engine(stub)
    await engine.submit(pb2.WorkerSequence(sequence=1, request=two))
    (result,) = await engine.results(1)
    assert result.response_text == texts[2]


async def test_an_empty_batch_gets_an_empty_reply(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    assert len((await worker.stub.GenerateBatch(batch(), timeout=SECONDS)).responses) == 0


async def test_a_row_over_its_timeout_ends_and_the_others_go_on(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    requests = batch(request("slow", 50, timeout_ms=100), request("fine", 20), request("in time", 2, timeout_ms=5000))
    reply = await worker.stub.GenerateBatch(requests, timeout=SECONDS)
    assert [answer.status for answer in reply.responses] == ["worker_timeout", "ok", "ok"]
    assert reply.responses[0].error_message
    assert reply.batch_latency_ms < 800  # not the 1000 ms of the first row


@pytest.mark.parametrize("how", ["cancel", "deadline"])
async def test_a_call_that_is_given_up_frees_its_rows(
    start: Start, tmp_path_factory: pytest.TempPathFactory, how: str
) -> None:
    profile = tmp_path_factory.mktemp("profile") / "narrow.json"
    profile.write_text('{"step_ms": [[1, 5]], "max_rows": 2}')
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE=str(profile))
    stub = worker.stub
    timeout = 0.2 if how == "deadline" else SECONDS
    hog = stub.GenerateBatch(batch(request("a", 10_000), request("b", 10_000)), timeout=timeout)
    await asyncio.sleep(0.2)
    if how == "cancel":
        hog.cancel()
    reply = await stub.Generate(request("next", 2), timeout=SECONDS)  # would wait 50 s behind the two
    assert is_answer_to("next", reply)
    assert await hog.code() == (grpc.StatusCode.CANCELLED if how == "cancel" else grpc.StatusCode.DEADLINE_EXCEEDED)


async def test_large_messages_are_taken(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    prompt = "x" * (8 * 1024 * 1024)  # twice gRPC's own limit
    assert is_answer_to(prompt, await worker.stub.Generate(request(prompt, 1), timeout=SECONDS))


@pytest.mark.parametrize("service", ["", "omnispan.Worker"])
async def test_health_says_serving_and_at_the_stop_not_serving(start: Start, service: str) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="fixed20")
    stub: Any = health_pb2_grpc.HealthStub(worker.connect())  # its types leave the methods out
    assert (await stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)).status == SERVING
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=service), timeout=SECONDS)
    assert (await watch.read()).status == SERVING
    running = worker.stub.Generate(request(max_tokens=20), timeout=SECONDS)
    await asyncio.sleep(0.1)
    ending = asyncio.create_task(worker.end())
    assert (await watch.read()).status == NOT_SERVING
    assert (await running).status == "ok"  # what was in flight is answered
    assert await ending == 0


async def test_reflection_shows_the_service(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    stub = cast(Any, reflection_pb2_grpc).ServerReflectionStub(worker.connect())  # typed for sync channels only
    call = stub.ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol="omnispan.Worker")]), timeout=SECONDS
    )
    reply = await call.read()
    assert b"omnispan.proto" in reply.file_descriptor_response.file_descriptor_proto[0]


async def test_no_log_line_holds_prompt_or_answer(start: Start) -> None:
    worker = await start(
        WORKER_BACKEND="sim", SIM_PROFILE="fixed20", WORKER_LOG_LEVEL="debug", WORKER_DEBUG_BATCH_LOGGING="1"
    )
    stub = worker.stub
    reply = await stub.Generate(request("zebra-crossing", 4), timeout=SECONDS)
    await stub.GenerateBatch(batch(request("zebra-crossing", 4, timeout_ms=1), request("", 4)), timeout=SECONDS)
    await stub.GenerateBatch(batch(conversation("zebra"), conversation("zebra", "")), timeout=SECONDS)
    given_up = stub.Generate(request("zebra-crossing", 400), timeout=0.1)
    assert await given_up.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await worker.end()
    log = await worker.stderr()
    assert "batch rows=1 ok=1" in log
    assert "batch cancelled" in log
    assert "zebra" not in log
    assert reply.response_text.split()[0] not in log


async def test_the_null_profile_answers_thousands_of_rows_a_second(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    rows = batch(*(request(f"prompt {number}", 32) for number in range(32)))
    stub = worker.stub
    started = time.perf_counter()

    async def client() -> None:
        for _ in range(25):
            await stub.GenerateBatch(rows, timeout=SECONDS)

    await asyncio.gather(*(client() for _ in range(4)))
    assert 100 * 32 / (time.perf_counter() - started) > 1000  # 10,000 on a quiet machine
