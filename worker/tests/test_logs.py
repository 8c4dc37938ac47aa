"""The log waits for no reader."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time

import grpc
import pytest

import logs
from logs import LineWriter
from running import STOP_SECONDS, WORKER
from wire import pb2, pb2_grpc

REQUESTS = 3000  # with a line of more than 100 bytes each, of which a pipe holds 64 KB
WAVE = 300


def test_lines_that_nobody_reads_are_dropped_and_counted_in_their_place() -> None:
    reader, writer = os.pipe()
    lines = LineWriter(writer, most_waiting=1000)
    started = time.monotonic()
    for number in range(2000):  # twice and more what pipe and writer hold
        lines.write(f"{number:099}")
    lines.flush(0.05)
    assert time.monotonic() - started < 5
    seen = 0  # of those that were written, kept or dropped
    with os.fdopen(reader, encoding="utf-8") as file:
        while seen < 2000:
            line = file.readline().strip()
            if line.isdigit():
                assert int(line) == seen
                seen += 1
            else:
                assert "dropped here" in line
                seen += int(line.split("lines=")[1])
        lines.flush()
        lines.write("after")
        assert file.readline() == "after\n"
    os.close(writer)


def test_lines_that_go_on_coming_are_written_again_after_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    lines = LineWriter(2, most_waiting=100)
    filled = threading.Event()

    def write_all(_: int, data: bytes) -> None:
        filled.wait(STOP_SECONDS)
        written.append(data.decode())
        if len(written) < 6:
            lines.write("more")  # so that a line always comes while another is written

    monkeypatch.setattr(logs, "_write_all", write_all)
    for number in range(3):
        lines.write(f"{number:059}")
    filled.set()
    lines.flush(STOP_SECONDS)
    assert written[0] == f"{0:059}\n"
    assert "lines=3" in written[1]  # two of those, and the first of the others
    assert written[2:] == ["more\n"] * 4


def test_a_full_pipe_that_was_set_to_non_blocking_loses_no_line() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    lines = LineWriter(writer)
    for number in range(2000):  # more than the pipe holds
        lines.write(f"{number:099}")

    def close_when_written() -> None:
        lines.flush(STOP_SECONDS)
        os.close(writer)

    closing = threading.Thread(target=close_when_written)
    closing.start()
    time.sleep(0.1)  # it fills up, or is read while it does
    with os.fdopen(reader, encoding="utf-8") as file:
        assert [int(line) for line in file] == list(range(2000))
    closing.join()


async def test_a_worker_whose_log_nobody_reads_serves_and_ends() -> None:
    settings = {"WORKER_BACKEND": "sim", "SIM_PROFILE": "null", "WORKER_PORT": "0", "WORKER_DEBUG_BATCH_LOGGING": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WORKER),
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=(unread := os.pipe())[1],
    )
    try:
        os.close(unread[1])
        assert process.stdout is not None
        address = (await asyncio.wait_for(process.stdout.readline(), STOP_SECONDS)).decode().split()[3]
        ask = pb2.WorkerGenerateRequest(prompt="hello", max_tokens=1)
        async with grpc.aio.insecure_channel(address) as channel:
            stub = pb2_grpc.WorkerStub(channel)
            for _ in range(REQUESTS // WAVE):
                replies = await asyncio.gather(*(stub.Generate(ask, timeout=STOP_SECONDS) for _ in range(WAVE)))
                assert all(reply.status == "ok" for reply in replies)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), STOP_SECONDS) == 0
    finally:
        if process.returncode is None:
            process.kill()
        os.close(unread[0])
