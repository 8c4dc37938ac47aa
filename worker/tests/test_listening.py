"""A call whose path is no UTF-8, which grpc.aio's serving loop does not survive: the worker listens again."""

from __future__ import annotations

import asyncio
import io

import grpc
import pytest

import address
import config
import worker
from backends import sim
from bad_path import bad_path_call
from engine import SECONDS, Engine, connect, sequence
from running import Start
from server import Server
from wire import pb2, pb2_grpc

REQUEST = pb2.WorkerGenerateRequest(request_id="r", prompt="hello", max_tokens=2)


async def test_the_next_request_is_answered_each_time(start: Start) -> None:
    process = await start(WORKER_BACKEND="sim", SIM_PROFILE="null")
    for _ in range(3):
        await bad_path_call(process.address)
        reply = await process.stub.Generate(REQUEST, timeout=SECONDS, wait_for_ready=True)
        assert reply.status == "ok"
    assert await process.end() == 0
    log = await process.stderr()
    assert log.count("gRPC stopped serving, listening again error=UnicodeDecodeError") == 3


async def test_what_was_in_flight_ends_and_its_rows_are_free() -> None:
    backend = sim.make(config.read({"SIM_PROFILE": "fixed20"}))
    await backend.load()
    server = Server(backend, config.read({}))
    port = await server.start("127.0.0.1", 0)
    async with connect(port) as channel:
        stub = pb2_grpc.WorkerStub(channel)
        engine = Engine(stub)
        await engine.submit(sequence(1, max_tokens=900_000), sequence(2, max_tokens=900_000))
        long = pb2.WorkerGenerateRequest(request_id="r", prompt="hello", max_tokens=900_000)
        alone, stream = stub.Generate(long), stub.GenerateStream(long)
        await stream.read()
        await engine.until(lambda: backend.load_now().running == 4)
        await bad_path_call(f"127.0.0.1:{port}")
        for call in (engine.call, alone, stream):
            assert await asyncio.wait_for(call.code(), SECONDS) != grpc.StatusCode.OK
        await asyncio.wait((engine.reader,))
        assert engine.reader.exception()
    async with connect(port) as channel:  # a new connection: nothing of the old one can end it
        again = Engine(pb2_grpc.WorkerStub(channel))
        await again.until(lambda: again.loads)
        await again.submit(sequence(1, max_tokens=2))
        await again.results(1)
        await again.close()
        assert backend.load_now().running == 0
    await asyncio.wait_for(server.stop(SECONDS), 2)  # nothing counts as in flight
    await backend.close()


async def test_a_port_that_cannot_be_had_again_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lifetime.HARD_SECONDS", 3600)  # the process whose end it would force is pytest's
    monkeypatch.setattr("listening.TRIES", 3)
    stdout = io.StringIO()
    settings = config.read({"WORKER_PORT": "0", "WORKER_BACKEND": "sim", "SIM_PROFILE": "null"})
    running = asyncio.create_task(worker.run(settings, stdout))
    while not stdout.getvalue():
        assert not running.done()
        await asyncio.sleep(0.01)

    def taken(host: str, port: int) -> None:
        raise address.AddressError(f"{host}:{port} is taken")

    monkeypatch.setattr(address, "probe", taken)
    where = stdout.getvalue().split()[3]
    await bad_path_call(where)
    with pytest.raises(worker.DiedError, match=f"can't be had again: {where} is taken"):
        await asyncio.wait_for(running, SECONDS)
