"""The gRPC service: requests become rows of the backend, outcomes become replies.

A failure of the model is a reply with a worker_* status; gRPC's own status stays OK for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from backends.backend import Answer, Backend, Failure, Outcome, Row, Status
from config import DEBUG_BATCH_LOGGING, DEFAULT_MAX_TOKENS, Settings
from logs import event
from wire import pb2, pb2_grpc

SERVICE = "omnispan.Worker"
MAX_RECEIVE_BYTES = 256 * 1024 * 1024

Context = grpc.aio.ServicerContext[object, object]


class WorkerService(pb2_grpc.WorkerServicer):
    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._default_max_tokens = settings[DEFAULT_MAX_TOKENS]
        self._log_batches = settings[DEBUG_BATCH_LOGGING]
        self._stopping = False
        self._in_flight = 0
        self._drained = asyncio.Event()
        self._drained.set()

    async def Generate(self, request: pb2.WorkerGenerateRequest, context: Context) -> pb2.WorkerGenerateReply:
        return (await self._answer([request], time.perf_counter()))[0]

    async def GenerateBatch(
        self, request: pb2.WorkerBatchGenerateRequest, context: Context
    ) -> pb2.WorkerBatchGenerateReply:
        received = time.perf_counter()
        replies = await self._answer(request.requests, received)
        return pb2.WorkerBatchGenerateReply(responses=replies, batch_latency_ms=_ms(time.perf_counter() - received))

    async def GenerateStream(self, request: pb2.WorkerGenerateRequest, context: Context) -> None:
        await context.abort(
            grpc.StatusCode.UNIMPLEMENTED, "this worker does not stream yet: use Generate or GenerateBatch"
        )

    async def drain(self, seconds: float) -> None:
        """Refuses what comes from now on and waits until the calls in flight have ended, at most `seconds`."""
        self._stopping = True
        try:
            await asyncio.wait_for(self._drained.wait(), seconds)
        except asyncio.TimeoutError:
            event(logging.WARNING, "stopping with calls in flight", calls=self._in_flight)

    async def _answer(
        self, requests: Sequence[pb2.WorkerGenerateRequest], received: float
    ) -> list[pb2.WorkerGenerateReply]:
        """Runs the requests as one batch. Cancelling it (the caller went or its deadline passed) ends the rows."""
        self._in_flight += 1
        self._drained.clear()
        try:
            outcomes = await self._run([self._row(request, received) for request in requests])
        except asyncio.CancelledError:
            event(logging.DEBUG, "batch cancelled", rows=len(requests))
            raise
        except Exception as error:  # a fault of ours must reach the caller as a reply too
            event(logging.ERROR, "answering failed", rows=len(requests), error=type(error).__name__)
            logging.getLogger("worker").debug("answering failed", exc_info=True)
            failure = Failure(Status.INTERNAL_ERROR, f"the worker failed: {type(error).__name__}: {error}")
            outcomes = [failure] * len(requests)
        finally:
            self._in_flight -= 1
            if not self._in_flight:
                self._drained.set()
        if self._log_batches:
            self._log_batch(outcomes, received)
        return [_reply(request, outcome, received) for request, outcome in zip(requests, outcomes, strict=True)]

    def _row(self, request: pb2.WorkerGenerateRequest, received: float) -> Row | Failure:
        if self._stopping:
            return Failure(Status.UNAVAILABLE, "the worker is stopping")
        if not request.prompt:
            return Failure(Status.RUNTIME_ERROR, 'prompt must not be empty, got ""')
        deadline = received + request.timeout_ms / 1000 if request.timeout_ms else None
        return Row(request.prompt, request.max_tokens or self._default_max_tokens, deadline)

    async def _run(self, rows: list[Row | Failure]) -> list[Outcome]:
        """The good rows go to the backend together; the others keep their failure and their place."""
        good = [row for row in rows if isinstance(row, Row)]
        ended = iter(await self._backend.generate(good) if good else [])
        return [next(ended) if isinstance(row, Row) else row for row in rows]

    def _log_batch(self, outcomes: list[Outcome], received: float) -> None:
        answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
        stats = self._backend.step_stats()
        event(
            logging.INFO,
            "batch",
            rows=len(outcomes),
            ok=len(answers),
            input_tokens=sum(answer.input_tokens for answer in answers),
            output_tokens=sum(answer.output_tokens for answer in answers),
            latency_ms=_ms(time.perf_counter() - received),
            steps_since_start=stats.steps,
            mean_rows_per_step=stats.row_steps / stats.steps if stats.steps else 0.0,
        )


def _reply(request: pb2.WorkerGenerateRequest, outcome: Outcome, received: float) -> pb2.WorkerGenerateReply:
    if isinstance(outcome, Failure):
        return pb2.WorkerGenerateReply(
            request_id=request.request_id,
            tenant_id=request.tenant_id,
            worker_latency_ms=_ms(time.perf_counter() - received),
            status=outcome.status.value,
            error_message=outcome.message,
        )
    between = max(1, outcome.output_tokens - 1)
    return pb2.WorkerGenerateReply(
        request_id=request.request_id,
        tenant_id=request.tenant_id,
        response_text=outcome.text,
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
        worker_latency_ms=_ms(outcome.last_token_at - received),
        status="ok",
        ttft_ms=_ms(outcome.first_token_at - received),
        tpot_ms=_ms(outcome.last_token_at - outcome.first_token_at) / between,
    )


def _ms(seconds: float) -> float:
    return max(0.0, seconds * 1000)


class Server:
    """Listens from `start` to `stop`; health says SERVING for as long."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._service = WorkerService(backend, settings)
        self._health = health.aio.HealthServicer()
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # else a second worker on the same port would start and share it
                ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
                ("grpc.max_send_message_length", MAX_RECEIVE_BYTES),
            ]
        )
        pb2_grpc.add_WorkerServicer_to_server(self._service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)

    async def start(self, address: str) -> int:
        """Gives the port. Raises RuntimeError when the address can't be listened on."""
        port = self._server.add_insecure_port(address)
        for service in ("", SERVICE):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()
        return port

    async def stop(self, grace_seconds: float) -> None:
        """Health first, so nobody sends more; then the calls in flight; then the port."""
        await self._health.enter_graceful_shutdown()
        await self._service.drain(grace_seconds)
        await self._server.stop(0.2)  # health watchers never end by themselves
