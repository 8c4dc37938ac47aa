"""Rows that stream, sample, stop and go on vLLM."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import pytest_asyncio

import config
from backends import vllm
from backends.backend import Backend, Failure, Load, Row, Status
from running import SETTINGS
from stream_promises import HOG, MAX_ROWS, Recorder, StreamPromises, answer, until

pytestmark = [pytest.mark.vllm, pytest.mark.asyncio(loop_scope="module")]


class Collector:
    """Takes spans over HTTP as an OpenTelemetry collector does, and keeps them as they come."""

    def __init__(self) -> None:
        self.spans: list[bytes] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.spans.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    # Read by OpenTelemetry itself.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield collector
    collector.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(collector: Collector) -> AsyncIterator[Backend]:
    own = {
        "WORKER_BACKEND": "vllm",
        "WORKER_MAX_ROWS": str(MAX_ROWS),
        # In bfloat16 a batch rounds so much otherwise than one row that even greedy answers part.
        "VLLM_DTYPE": "float32",
        "VLLM_OTLP_TRACES_ENDPOINT": collector.endpoint,
    }
    loaded = vllm.make(config.read({**SETTINGS, **own}))
    await loaded.load()
    yield loaded
    await loaded.close()


class TestStreams(StreamPromises):
    async def test_vllms_span_is_part_of_the_callers_trace_and_holds_no_text(
        self, backend: Backend, collector: Collector
    ) -> None:
        trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
        await answer(backend, Row("zebra crossing", 2, traceparent=f"00-{trace}-{parent}-01"))
        await answer(backend, Row("zebra crossing", 2))
        await until(lambda: bytes.fromhex(trace) in b"".join(collector.spans))
        spans = b"".join(collector.spans)
        assert bytes.fromhex(parent) in spans
        assert b"llm_request" in spans
        assert b"zebra" not in spans

    async def test_a_row_that_vllm_aborts_is_a_failure(self, backend: Backend) -> None:
        for row in (HOG, replace(HOG, stream=False)):
            recorder = Recorder()
            (number,) = backend.submit([row], recorder)
            await until(lambda: backend.load_now().running == 1)
            await backend._engine.abort(str(number))  # type: ignore[attr-defined]
            await until(recorder.outcomes.__len__)
            assert recorder.outcomes[number] == Failure(Status.UNAVAILABLE, "vLLM gave the row up: abort")

    async def test_the_cache_shows_in_the_load(self, backend: Backend) -> None:
        hogs = backend.submit([HOG] * 2, Recorder())
        await until(lambda: backend.load_now().running == 2)
        assert 0 < backend.load_now().kv_usage < 1
        backend.cancel(hogs)
        assert backend.load_now() == Load(0, 0, 0.0)

    async def test_an_answer_in_one_piece_has_the_times_of_its_tokens(self, backend: Backend) -> None:
        started = time.perf_counter()
        answered = await answer(backend, replace(HOG, max_tokens=20, stream=False))
        ended = time.perf_counter()
        assert started < answered.first_token_at < answered.last_token_at < ended
        assert answered.last_token_at - answered.first_token_at > 0.5 * (ended - started)
