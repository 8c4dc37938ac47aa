"""Sessions over real gRPC: a server in this process, on the simulated backends and on one that the test steps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import grpc
import pytest

import config
from backends import sim
from backends.backend import Backend, Info
from backends.runtime import NewRow
from backends.sim_text import answer_text, digest
from backends.step_loop import StepLoop
from engine import SECONDS, Engine, connect, sequence
from reading import Command, Request, Sequenced
from scripted import Scripted
from server import Server, WorkerService
from tools import session_bench
from wire import pb2, pb2_grpc


@dataclass
class Served:
    server: Server
    backend: Backend
    stub: pb2_grpc.WorkerStub
    address: str


Serve = Callable[..., Coroutine[None, None, Served]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve("fixed20")` a profile, or a Runtime, with settings; on a free port."""
    async with AsyncExitStack() as stack:

        async def start(model: str | Scripted, max_rows: int = 4, **environment: str) -> Served:
            settings = config.read({**environment, "SIM_PROFILE": model if isinstance(model, str) else ""})
            if isinstance(model, str):
                backend = sim.make(settings)
            else:
                backend = StepLoop(Info("scripted", "letters", False), model, max_rows)
                stack.callback(model.go.release, 100_000)
            await backend.load()
            stack.push_async_callback(backend.close)
            if isinstance(model, Scripted):
                stack.callback(model.go.release, 100_000)
            server = Server(backend, settings)
            port = await server.start("127.0.0.1", 0)
            stack.push_async_callback(server.stop, 0.0)
            channel = await stack.enter_async_context(connect(port))
            return Served(server, backend, pb2_grpc.WorkerStub(channel), f"127.0.0.1:{port}")

        yield start


async def test_hello_says_who_it_is_and_load_reports_follow_while_nothing_runs(serve: Serve) -> None:
    served = await serve("fixed20", WORKER_MAX_ROWS="32")
    engine = Engine(served.stub)
    await engine.until(lambda: len(engine.loads) >= 2)
    hello = engine.hello
    assert hello is not None
    assert (hello.backend, hello.model, hello.simulated) == ("sim", "fixed20", True)
    assert list(hello.capabilities) == [
        "stream",
        "sampling",
        "seed",
        "stop",
        "ignore_eos",
        "messages",
        "raw_prompt",
        "min_tokens",
        "penalties",
        "prompt_tokens",
    ]
    assert (hello.max_rows, hello.context_tokens) == (32, 1_000_000)
    again = Engine(served.stub)
    await again.until(lambda: again.hello)
    assert again.hello is not None
    assert again.hello.instance == hello.instance != ""
    started = asyncio.get_running_loop().time()
    seen = len(engine.loads)
    await engine.until(lambda: len(engine.loads) >= seen + 2)
    assert asyncio.get_running_loop().time() - started < 2.2
    await engine.close()
    assert await engine.call.code() == grpc.StatusCode.OK


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_group_runs_together_and_its_deltas_make_the_unary_text(serve: Serve, profile: str) -> None:
    served = await serve(profile)
    engine = Engine(served.stub)
    await engine.submit(*(sequence(number, f"prompt {number}", 5, stream=number < 6) for number in range(8)))
    for number, reply in enumerate(await engine.results(*range(8))):
        text = answer_text(digest(f"prompt {number}"), 5)
        assert (reply.status, reply.finish_reason, reply.request_id) == ("ok", "length", f"r{number}")
        assert (reply.input_tokens, reply.output_tokens) == (2, 5)
        assert (reply.response_text, engine.text[number]) == (("", text) if number < 6 else (text, ""))
        assert engine.tokens[number] == (5 if number < 6 else 0)
    first = next(step for step in engine.steps if step.deltas)
    assert [delta.sequence for delta in first.deltas] == list(range(6))
    assert max(engine.deltas.values()) == 5


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_stop_text_ends_the_answer_and_never_leaks(serve: Serve, profile: str) -> None:
    served = await serve(profile)
    whole = answer_text(digest("one"), 12)
    words = whole.split()
    stop = f"{words[5][1:]} {words[6][:1]}"  # over two tokens, from inside the first
    engine = Engine(served.stub)
    rows = [sequence(1, "one", 12, stop=["nevertheless", stop]), sequence(2, "one", 12, stream=False, stop=[stop])]
    await engine.submit(*rows, sequence(3, "one", 12, stop=["nevertheless"]))
    streamed, unary, unstopped = await engine.results(1, 2, 3)
    assert engine.text[1] == unary.response_text == whole[: whole.index(stop)]
    assert (streamed.finish_reason, unary.finish_reason, unstopped.finish_reason) == ("stop", "stop", "length")
    assert streamed.output_tokens == unary.output_tokens == engine.tokens[1] == 7
    assert engine.text[3] == whole
    reply = await served.stub.Generate(rows[1].request, timeout=SECONDS)
    assert (reply.response_text, reply.finish_reason, reply.output_tokens) == (unary.response_text, "stop", 7)


async def test_a_step_of_all_rows_is_one_message(serve: Serve) -> None:
    served = await serve("fixed20")
    engine = Engine(served.stub)
    await engine.submit(*(sequence(number, f"prompt {number}", 10) for number in range(16)))
    await engine.results(*range(16))
    assert len(engine.steps) <= 10  # steps that a busy machine lets pile up share a message
    assert {len(step.deltas) for step in engine.steps} == {16}
    tokens = Counter[int]()
    for step in engine.steps:
        tokens.update({delta.sequence: delta.tokens for delta in step.deltas})
    assert tokens == dict.fromkeys(range(16), 10)
    assert len(engine.steps[-1].results) == 16


async def test_a_cancel_frees_the_row_before_the_next_step_and_others_go_on(serve: Serve) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "abcdefgh", 8), sequence(2, "uvwxyz", 8))
    await engine.until(lambda: runtime.joined)
    runtime.go.release(2)
    await engine.until(lambda: engine.tokens[1] == 2)
    await engine.cancel(1, 99)
    await asyncio.sleep(0.05)  # it waits in the third step, which began before the cancel
    runtime.go.release(4)
    (reply,) = await engine.results(2)
    assert (engine.text[2], reply.status) == ("uvwxyz", "ok")
    assert runtime.sizes == [2, 2, 2, 1, 1, 1]
    assert (1 in engine.replies, engine.text[1]) == (False, "ab")


async def test_a_row_named_twice_in_a_cancel_ends_and_the_session_goes_on(serve: Serve) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "abcdefgh", 8), sequence(2, "uvwxyz", 8))
    await engine.until(lambda: runtime.joined)
    await engine.cancel(1, 1)
    await engine.cancel(1)
    await asyncio.sleep(0.05)  # they come before the first step's end
    runtime.go.release(6)
    await engine.results(2)
    assert (engine.text[1], engine.text[2]) == ("", "uvwxyz")
    assert runtime.sizes == [2, 1, 1, 1, 1, 1]


async def test_a_command_that_is_none_ends_the_session_with_an_error_and_no_other(serve: Serve) -> None:
    served = await serve("fixed20")
    stays = Engine(served.stub)
    await stays.submit(sequence(1, "stays", 10))
    await stays.until(lambda: stays.tokens[1])
    good = pb2.WorkerCommand(submit=pb2.WorkerSubmit(sequences=[sequence(1, max_tokens=900_000)])).SerializeToString()
    async with connect(int(served.address.rpartition(":")[2])) as channel:
        call: Any = channel.stream_stream("/omnispan.Worker/Session")()  # sends bytes as they are
        await call.write(good)
        await call.write(b"no command")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in call:
                pass
    assert caught.value.code() == grpc.StatusCode.UNKNOWN
    await stays.results(1)
    await stays.until(lambda: served.backend.load_now().running == 0)


class Gone:
    """The context of a peer that went in the middle of a write; gRPC gives the handler an error then."""

    async def write(self, event: object) -> None:
        raise grpc.aio.InternalError("sending failed")


async def test_a_peer_that_goes_while_it_is_written_to_is_no_fault_of_the_service(serve: Serve) -> None:
    served = await serve("fixed20")
    service = WorkerService(served.backend, config.read({}))

    request = Request(sequence(1, max_tokens=900_000).request)

    async def commands() -> AsyncIterator[Command]:
        yield Command([Sequenced(1, True, request)])
        await asyncio.sleep(SECONDS)

    await service.Session(commands(), cast(Any, Gone()))
    await service.GenerateStream(request, cast(Any, Gone()))
    await asyncio.wait_for(service.drain(SECONDS), 1)  # nothing counts as in flight


@pytest.mark.parametrize("how", ["closed", "broken"])
async def test_a_session_that_ends_cancels_its_rows_and_nobody_elses(serve: Serve, how: str) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    gone, stays = Engine(served.stub), Engine(served.stub)
    await gone.submit(sequence(1, "abcdefgh", 8), sequence(2, "abcdefgh", 8))
    await stays.submit(sequence(1, "uvwxyz", 8))
    await asyncio.sleep(0.05)
    runtime.go.release(1)
    await stays.until(lambda: sum(runtime.joined) == 3)
    if how == "closed":
        await gone.close()
        assert await gone.call.code() == grpc.StatusCode.OK
    else:
        gone.call.cancel()
    await stays.until(lambda: served.backend.load_now().waiting == 0)
    await asyncio.sleep(0.1)
    runtime.go.release(20)
    await stays.results(1)
    assert stays.text[1] == "uvwxyz"
    assert runtime.sizes[-1] == 1
    assert served.backend.load_now().running == 0
    if how == "broken":
        with pytest.raises(asyncio.CancelledError):
            await gone.reader


class Unsayable(Scripted):
    """Says what has no UTF-8: in the text of a `?`, and in the error with which it refuses a `!`."""

    def decode(self, tokens: list[int]) -> str:
        return super().decode(tokens).replace("?", "\ud83d")

    def add(self, rows: Sequence[NewRow]) -> None:
        if any(ord("!") in row.prompt for row in rows):
            raise RuntimeError("no memory at \udcff")
        super().add(rows)


async def test_text_that_no_message_can_hold_ends_no_session(serve: Serve) -> None:
    runtime = Unsayable()
    served = await serve(runtime)
    runtime.go.release(100)
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "a?c"), sequence(2, "a?c", stream=False), sequence(3, "!"), sequence(4, "abc"))
    _, unary, refused, fine = await engine.results(1, 2, 3, 4)
    assert (engine.text[1], unary.response_text, engine.text[4], fine.status) == ("a?c", "a?c", "abc", "ok")
    assert (refused.status, refused.error_message[-14:]) == ("worker_runtime_error", "no memory at ?")
    got = await chunks(served.stub.GenerateStream(sequence(5, "a?c").request, timeout=SECONDS))
    assert "".join(chunk.text_delta for chunk in got) == "a?c"


async def test_what_cannot_be_taken_gets_a_result_and_the_rest_goes_on(serve: Serve) -> None:
    served = await serve("fixed20")
    engine = Engine(served.stub, strict=False)
    wrong = {
        1: (sequence(1, ""), "exactly one of prompt, messages and prompt_tokens must be given, got none"),
        2: (sequence(2, temperature=2.5), "temperature must be a number from 0 to 2, got 2.5"),
        3: (sequence(3, temperature=float("nan")), "temperature must be a number from 0 to 2, got nan"),
        4: (sequence(4, top_p=-0.5), "top_p must be a number above 0 and up to 1, or 0 for 1, got -0.5"),
        5: (sequence(5, stop=["x"] * 17), "stop must have at most 16 texts, got 17"),
        6: (sequence(6, stop=["x", ""]), 'stop[1] must not be empty, got ""'),
        7: (sequence(7, stop=["x" * 257]), "stop[0] must be at most 256 bytes of UTF-8, got 257"),
    }
    await engine.submit(*(row for row, _ in wrong.values()), sequence(8), sequence(9), sequence(9))
    await engine.call.write(pb2.WorkerCommand())
    for reply, (_, problem) in zip(await engine.results(*wrong), wrong.values(), strict=True):
        assert (reply.status, reply.error_message, reply.bad_request) == ("worker_runtime_error", problem, True)
    (fine,) = await engine.results(8)
    assert fine.status == "ok"
    refused = [result.reply for step in engine.steps for result in step.results if result.sequence == 9]
    problem = "sequence must be a number that is not running, got 9 again"
    assert {reply.error_message for reply in refused} == {problem, ""}
    assert not any(reply.bad_request for reply in refused)  # it is the engine's fault


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_row_over_its_time_ends_and_the_others_go_on(serve: Serve, profile: str) -> None:
    served = await serve(profile)
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "slow", 900_000, timeout_ms=100), sequence(2, "fine", 8))
    late, fine = await engine.results(1, 2)
    assert (late.status, fine.status) == ("worker_timeout", "ok")
    assert late.finish_reason == ""


async def test_draining_is_told_at_once_and_what_runs_is_answered(serve: Serve) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "abcd", 4))
    await engine.until(lambda: runtime.joined)
    stopping = asyncio.create_task(served.server.stop(SECONDS))
    await engine.until(lambda: engine.loads[-1:] and engine.loads[-1].draining)
    await engine.submit(sequence(2, "late"))
    (late,) = await engine.results(2)
    assert late.status == "worker_unavailable"
    runtime.go.release(10)
    (reply,) = await engine.results(1)
    assert (reply.status, engine.text[1]) == ("ok", "abcd")
    await stopping
    await asyncio.wait_for(engine.reader, SECONDS)
    assert await engine.call.code() == grpc.StatusCode.OK


async def test_what_outlives_the_grace_gets_a_result_before_the_stream_ends(serve: Serve) -> None:
    served = await serve(Scripted())
    engine = Engine(served.stub)
    await engine.submit(sequence(1, "abcd", 4))
    await engine.until(lambda: engine.hello)
    await asyncio.sleep(0.05)
    await served.server.stop(0.1)
    (reply,) = await engine.results(1)
    assert reply.status == "worker_unavailable"
    await asyncio.wait_for(engine.reader, SECONDS)


async def test_an_engine_that_does_not_read_gets_joined_deltas(serve: Serve) -> None:
    served = await serve("null")
    call = served.stub.Session()
    tokens = 300_000
    rows = [sequence(number, f"prompt {number}", tokens) for number in range(64)]
    await call.write(pb2.WorkerCommand(submit=pb2.WorkerSubmit(sequences=rows)))
    previous = -1
    for _ in range(200):  # until it waits for its reader
        await asyncio.sleep(0.05)
        steps = served.backend.step_stats().steps
        if steps == previous:
            break
        previous = steps
    assert previous < tokens, "it went on without its reader"
    call.cancel()
    for _ in range(100):
        await asyncio.sleep(0.02)
        waiting = [task for task in asyncio.all_tasks() if "InstantSim" in repr(task.get_coro())]
        if not waiting:
            break
    assert waiting == []
    assert served.backend.load_now().running == 0


async def test_a_model_does_not_wait_for_a_slow_engine(serve: Serve) -> None:
    runtime = Scripted()
    runtime.context = 50_000
    runtime.repeat = 30_000
    served = await serve(runtime)
    call = served.stub.Session()
    runtime.go.release(50_000)
    await call.write(pb2.WorkerCommand(submit=pb2.WorkerSubmit(sequences=[sequence(1, "x" * 2000, 30_000)])))
    for _ in range(1000):
        await asyncio.sleep(0.02)
        if not served.backend.load_now().running and len(runtime.sizes) == 30_000:
            break
    tokens = messages = 0
    async for event in call:
        if not event.HasField("step"):
            continue
        messages += 1
        for delta in event.step.deltas:
            assert delta.token_index == tokens
            assert len(delta.text) == delta.tokens
            tokens += delta.tokens
        if event.step.results:
            break
    assert tokens == 30_000
    assert messages < tokens
    call.cancel()


async def test_sessions_can_be_turned_off(serve: Serve) -> None:
    served = await serve("null", WORKER_SESSION="0")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.stub.Session().read()
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_the_load_shows_what_runs_and_what_waits(serve: Serve) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    engine = Engine(served.stub)
    await engine.submit(*(sequence(number, "abcdef", 6) for number in range(6)))
    await engine.until(lambda: any((load.running, load.waiting) == (4, 2) for load in engine.loads))
    runtime.go.release(100)
    await engine.results(*range(6))
    await engine.until(lambda: (engine.loads[-1].running, engine.loads[-1].waiting) == (0, 0))
    assert (engine.loads[-1].steps, engine.loads[-1].row_steps) == (12, 36)


async def test_the_null_profile_streams_tens_of_thousands_of_tokens_a_second(serve: Serve) -> None:
    served = await serve("null")
    address = served.address
    result = await session_bench.measure(address, rows=32, max_tokens=128, seconds=1.0)
    rate = result["output_tokens_per_second"]
    assert isinstance(rate, float)
    assert rate > 20_000  # with the client in the same process; over 200,000 on a quiet machine from another one


# GenerateStream.


async def chunks(call: Any) -> list[pb2.WorkerChunk]:
    return [chunk async for chunk in call]


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_stream_is_the_unary_answer_in_chunks(serve: Serve, profile: str) -> None:
    served = await serve(profile)
    request = sequence(1, "one", 6).request
    got = await chunks(served.stub.GenerateStream(request, timeout=SECONDS))
    assert [chunk.finished for chunk in got] == [False] * (len(got) - 1) + [True]
    assert {chunk.status for chunk in got} == {"ok"}
    unary = await served.stub.Generate(request, timeout=SECONDS)
    assert "".join(chunk.text_delta for chunk in got) == unary.response_text
    assert sum(chunk.tokens for chunk in got) == 6
    last = got[-1]
    assert (last.text_delta, last.token_index, last.output_tokens, last.finish_reason) == ("", 6, 6, "length")
    assert last.ttft_ms <= last.worker_latency_ms


async def test_a_bad_stream_is_one_last_chunk(serve: Serve) -> None:
    served = await serve("null")
    (only,) = await chunks(served.stub.GenerateStream(sequence(1, "").request, timeout=SECONDS))
    assert (only.finished, only.status, only.error_message) == (
        True,
        "worker_runtime_error",
        "exactly one of prompt, messages and prompt_tokens must be given, got none",
    )
    assert only.bad_request


async def test_a_cancelled_stream_frees_its_row(serve: Serve) -> None:
    runtime = Scripted()
    served = await serve(runtime)
    call = served.stub.GenerateStream(sequence(1, "abcdefgh", 8).request)
    runtime.go.release(1)
    async for chunk in call:
        assert chunk.text_delta == "a"
        break
    call.cancel()
    await asyncio.sleep(0.1)
    runtime.go.release(1)
    for _ in range(1000):
        await asyncio.sleep(0.01)
        if not served.backend.load_now().running:
            break
    assert runtime.sizes == [1, 1]
    assert runtime.rows == {}
