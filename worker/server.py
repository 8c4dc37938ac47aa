"""The gRPC service: requests become rows of the backend, outcomes become replies.

A failure of the model is a reply with a worker_* status; gRPC's own status stays OK for it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterable, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from backends.backend import STOPPING, Answer, Backend, Failure, Outcome, Row, Status, bad_request
from config import DEBUG_BATCH_LOGGING, DEFAULT_MAX_TOKENS, SESSION, Settings
from in_flight import InFlight
from listening import Listener
from logs import event
from outbox import Outbox
from reading import Command, Request, read_batch, read_command, read_request
from rows import last_chunk, ms, reply_of, row_of, sendable
from session import Session
from tls import Certificates
from wire import pb2

SERVICE = "omnispan.Worker"
MAX_RECEIVE_BYTES = 256 * 1024 * 1024
LAST_WORDS_SECONDS = 0.2  # time for results and the ends of streams at the stop

Context = grpc.aio.ServicerContext[object, object]


class WorkerService:
    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._default_max_tokens = settings[DEFAULT_MAX_TOKENS]
        self._log_batches = settings[DEBUG_BATCH_LOGGING]
        self._with_sessions = settings[SESSION]
        self._stopping = False
        self._in_flight = InFlight()
        self._sessions: set[Session] = set()

    async def Generate(self, request: Request, context: Context) -> pb2.WorkerGenerateReply:
        return (await self._answer([request], time.perf_counter()))[0]

    async def GenerateBatch(self, requests: list[Request], context: Context) -> pb2.WorkerBatchGenerateReply:
        received = time.perf_counter()
        replies = await self._answer(requests, received)
        return pb2.WorkerBatchGenerateReply(responses=replies, batch_latency_ms=ms(time.perf_counter() - received))

    async def GenerateStream(self, request: Request, context: Context) -> None:
        """A reader that is behind gets several tokens in a chunk."""
        received = time.perf_counter()
        message = request.message
        self._in_flight.enter()
        try:
            row = self._row(request, received, True)
            outcome = await self._stream(row, message.request_id, context) if isinstance(row, Row) else row
            await context.write(last_chunk(reply_of(message.request_id, message.tenant_id, outcome, received)))
        except grpc.aio.InternalError:
            event(logging.DEBUG, "stream broke while it was written to")
        finally:
            self._in_flight.leave()

    async def Session(self, commands: AsyncIterable[Command], context: Context) -> None:
        if not self._with_sessions:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, "sessions are turned off: WORKER_SESSION is 0")
        if self._stopping:
            await context.abort(grpc.StatusCode.UNAVAILABLE, STOPPING.message)
        session = Session(self._backend, self._row, self._in_flight, self._log_batches)
        self._sessions.add(session)
        try:
            await session.run(commands, context.write)
        except grpc.aio.InternalError:
            event(logging.INFO, "session broke while it was written to")
        finally:
            self._sessions.discard(session)

    def handlers(self) -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
        """Its methods by name; as generated, but for how requests are read."""
        reply = pb2.WorkerGenerateReply.SerializeToString
        batch = pb2.WorkerBatchGenerateReply.SerializeToString
        chunk = pb2.WorkerChunk.SerializeToString
        event = pb2.WorkerEvent.SerializeToString
        return {
            "Generate": grpc.unary_unary_rpc_method_handler(self.Generate, read_request, reply),
            "GenerateBatch": grpc.unary_unary_rpc_method_handler(self.GenerateBatch, read_batch, batch),
            "GenerateStream": grpc.unary_stream_rpc_method_handler(self.GenerateStream, read_request, chunk),
            "Session": grpc.stream_stream_rpc_method_handler(self.Session, read_command, event),
        }

    async def drain(self, seconds: float) -> None:
        """Refuses what comes from now on and waits until what is in flight has ended, at most `seconds`. What has not
        is cancelled in the sessions, which end then."""
        self._stopping = True
        for session in self._sessions:
            session.drain()
        try:
            if self._in_flight.count:
                await asyncio.wait_for(self._in_flight.none(), seconds)
        except asyncio.TimeoutError:
            event(logging.WARNING, "stopping with requests in flight", requests=self._in_flight.count)
        for session in self._sessions:
            session.close()

    async def _stream(self, row: Row, request_id: str, context: Context) -> Outcome:
        outbox = Outbox()
        numbers = self._backend.submit([row], outbox)
        try:
            while True:
                await outbox.wait()
                deltas, ended = outbox.take()
                for _, index, tokens, text in deltas:
                    await context.write(
                        pb2.WorkerChunk(
                            request_id=request_id,
                            text_delta=sendable(text),
                            token_index=index,
                            tokens=tokens,
                            status="ok",
                        )
                    )
                if ended:
                    return ended[0].outcome
        finally:
            self._backend.cancel(numbers)
            outbox.take()  # lets a backend go on that waits for it

    async def _answer(self, requests: Sequence[Request], received: float) -> list[pb2.WorkerGenerateReply]:
        """Runs the requests as one batch. Cancelling it (the caller went or its deadline passed) ends the rows."""
        self._in_flight.enter()
        try:
            outcomes = await self._run([self._row(request, received, False) for request in requests])
        except asyncio.CancelledError:
            event(logging.DEBUG, "batch cancelled", rows=len(requests))
            raise
        except Exception as error:  # a fault of ours must reach the caller as a reply too
            event(logging.ERROR, "answering failed", rows=len(requests), error=type(error).__name__)
            logging.getLogger("worker").debug("answering failed", exc_info=True)
            failure = Failure(Status.INTERNAL_ERROR, f"the worker failed: {type(error).__name__}: {error}")
            outcomes = [failure] * len(requests)
        finally:
            self._in_flight.leave()
        if self._log_batches:
            self._log_batch(outcomes, received)
        return [
            reply_of(request.message.request_id, request.message.tenant_id, outcome, received)
            for request, outcome in zip(requests, outcomes, strict=True)
        ]

    def _row(self, request: Request, received: float, stream: bool) -> Row | Failure:
        if self._stopping:
            return STOPPING
        if request.problem:
            return bad_request(request.problem)
        return row_of(request.message, received, self._default_max_tokens, stream, self._backend.capabilities)

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
            latency_ms=ms(time.perf_counter() - received),
            steps_since_start=stats.steps,
            mean_rows_per_step=stats.row_steps / stats.steps if stats.steps else 0.0,
        )


class Server:
    """Listens from `start` to `stop`; health says SERVING for as long."""

    def __init__(self, backend: Backend, settings: Settings, certificates: Certificates | None = None) -> None:
        self._service = WorkerService(backend, settings)
        self._health = health.aio.HealthServicer()
        self._listener = Listener(self._make, certificates)

    async def start(self, host: str, port: int) -> int:
        """Gives the port. Raises RuntimeError when the address can't be listened on."""
        for service in ("", SERVICE):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return await self._listener.start(host, port)

    async def lost(self) -> str:
        """Returns when nobody can reach it any more, and why."""
        return await self._listener.lost()

    async def stop(self, grace_seconds: float) -> None:
        """Health first, so nobody sends more; then the requests in flight; then the port."""
        await self._health.enter_graceful_shutdown()
        await self._service.drain(grace_seconds)
        # Some engines' runtimes drop what they read together with the connection's end.
        await asyncio.sleep(LAST_WORDS_SECONDS)
        await self._listener.stop(LAST_WORDS_SECONDS)  # health watchers never end by themselves

    def _make(self) -> grpc.aio.Server:
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),  # without it a second worker on the port would start and share it
                ("grpc.max_receive_message_length", MAX_RECEIVE_BYTES),
                ("grpc.max_send_message_length", -1),
                # An engine may look every second whether its connection is alive, also while nothing runs.
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 1000),
                ("grpc.http2.max_ping_strikes", 0),
                ("grpc.keepalive_permit_without_calls", 1),
            ]
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, self._service.handlers()),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
        return server
