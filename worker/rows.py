"""Requests become rows, outcomes become replies."""

from __future__ import annotations

import math
import time
from collections.abc import Collection

from backends.backend import (
    Capability,
    Failure,
    Message,
    Outcome,
    Prompt,
    Row,
    Sampling,
    TokenIds,
    bad_request,
)
from wire import pb2

ROLES = ("system", "user", "assistant")
MOST_ROLE_CHARACTERS = 40  # as much of a wrong role as its error message shows
MOST_STOPS = 16
MOST_STOP_BYTES = 256
MOST_PENALTY = 2
REPETITION_PENALTIES = (0.01, 100)  # 0 stands for none

# Runtimes compute in single precision, where smaller ones become 0 or divide into infinity. As far as anybody can see,
# a temperature below this is greedy and a top_p below this keeps one token.
LEAST_TEMPERATURE = 1e-5
LEAST_TOP_P = 1e-6


def row_of(
    request: pb2.WorkerGenerateRequest,
    received: float,
    default_max_tokens: int,
    stream: bool,
    capabilities: Collection[Capability] = tuple(Capability),
) -> Row | Failure:
    """The row that a request asks for, or which rule it breaks. `received` is seconds of `time.perf_counter()`."""
    max_tokens = request.max_tokens or default_max_tokens
    if problem := _problem(request, max_tokens) or _missing(request, capabilities):
        return bad_request(problem)
    return Row(
        prompt=_prompt(request),
        max_tokens=max_tokens,
        min_tokens=request.min_tokens,
        deadline=received + request.timeout_ms / 1000 if request.timeout_ms else None,
        sampling=Sampling(
            temperature=request.temperature if request.temperature >= LEAST_TEMPERATURE else 0.0,
            top_p=max(LEAST_TOP_P, request.top_p or 1.0),
            top_k=request.top_k,
            seed=request.seed if request.HasField("seed") else None,
            frequency_penalty=request.frequency_penalty,
            presence_penalty=request.presence_penalty,
            repetition_penalty=request.repetition_penalty or 1.0,
        ),
        stop=tuple(request.stop),
        ignore_eos=request.ignore_eos,
        stream=stream,
        raw_prompt=request.raw_prompt,
        traceparent=request.traceparent,
    )


def _prompt(request: pb2.WorkerGenerateRequest) -> Prompt:
    if request.prompt_tokens:
        return TokenIds(tuple(request.prompt_tokens))
    return request.prompt or tuple(Message(message.role, message.content) for message in request.messages)


def _problem(request: pb2.WorkerGenerateRequest, max_tokens: int) -> str | None:
    if problem := _prompt_problem(request):
        return problem
    if not _within(request.temperature, 0, 2):
        return f"temperature must be a number from 0 to 2, got {request.temperature:g}"
    if not _within(request.top_p, 0, 1):
        return f"top_p must be a number above 0 and up to 1, or 0 for 1, got {request.top_p:g}"
    for name in ("frequency_penalty", "presence_penalty"):
        value = getattr(request, name)
        if not _within(value, -MOST_PENALTY, MOST_PENALTY):
            return f"{name} must be a number from -{MOST_PENALTY} to {MOST_PENALTY}, got {value:g}"
    if request.repetition_penalty and not _within(request.repetition_penalty, *REPETITION_PENALTIES):
        low, high = REPETITION_PENALTIES
        return (
            f"repetition_penalty must be a number from {low} to {high}, or 0 for 1, got {request.repetition_penalty:g}"
        )
    if request.min_tokens > max_tokens:
        return f"min_tokens must be at most {max_tokens}, which max_tokens is, got {request.min_tokens}"
    if len(request.stop) > MOST_STOPS:
        return f"stop must have at most {MOST_STOPS} texts, got {len(request.stop)}"
    for number, stop in enumerate(request.stop):
        if not stop:
            return f'stop[{number}] must not be empty, got ""'
        if (length := len(stop.encode())) > MOST_STOP_BYTES:
            return f"stop[{number}] must be at most {MOST_STOP_BYTES} bytes of UTF-8, got {length}"
    return None


def _within(value: float, low: float, high: float) -> bool:
    return math.isfinite(value) and low <= value <= high


def _missing(request: pb2.WorkerGenerateRequest, capabilities: Collection[Capability]) -> str | None:
    """What is asked for that the backend does not have, so that it is never passed over in silence."""
    asked = {
        "prompt_tokens": (Capability.PROMPT_TOKENS, bool(request.prompt_tokens)),
        "min_tokens": (Capability.MIN_TOKENS, request.min_tokens > 0),
        "frequency_penalty": (Capability.PENALTIES, request.frequency_penalty != 0),
        "presence_penalty": (Capability.PENALTIES, request.presence_penalty != 0),
        "repetition_penalty": (Capability.PENALTIES, request.repetition_penalty not in (0, 1)),
    }
    for name, (capability, is_asked) in asked.items():
        if is_asked and capability not in capabilities:
            return f"{name} must not be given: the backend has no capability {capability.value}"
    return None


def _prompt_problem(request: pb2.WorkerGenerateRequest) -> str | None:
    messages = request.messages
    given = [name for name in ("prompt", "messages", "prompt_tokens") if getattr(request, name)]
    if len(given) != 1:
        return f"exactly one of prompt, messages and prompt_tokens must be given, got {' and '.join(given) or 'none'}"
    if not messages:
        return None
    if request.raw_prompt:
        return "raw_prompt must come with a prompt, got messages"
    for number, message in enumerate(messages):
        if message.role not in ROLES:
            got = message.role[:MOST_ROLE_CHARACTERS]
            return f'messages[{number}].role must be one of {", ".join(ROLES)}, got "{got}"'
    if not messages[-1].content:
        return f'messages[{len(messages) - 1}].content must not be empty, as it is the last, got ""'
    return None


def reply_of(request_id: str, tenant_id: str, outcome: Outcome, received: float) -> pb2.WorkerGenerateReply:
    if isinstance(outcome, Failure):
        return pb2.WorkerGenerateReply(
            request_id=request_id,
            tenant_id=tenant_id,
            worker_latency_ms=ms(time.perf_counter() - received),
            status=outcome.status.value,
            error_message=sendable(outcome.message),
            bad_request=outcome.bad_request,
        )
    decoding = ms(outcome.last_token_at - outcome.first_token_at)
    return pb2.WorkerGenerateReply(
        request_id=request_id,
        tenant_id=tenant_id,
        response_text=sendable(outcome.text),
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
        worker_latency_ms=ms(outcome.last_token_at - received),
        status="ok",
        ttft_ms=ms(outcome.first_token_at - received),
        tpot_ms=decoding / max(1, outcome.output_tokens - 1),
        finish_reason=outcome.finish_reason.value,
    )


def last_chunk(reply: pb2.WorkerGenerateReply) -> pb2.WorkerChunk:
    """The chunk that ends a stream with what the reply says, but without its text."""
    return pb2.WorkerChunk(
        request_id=reply.request_id,
        token_index=reply.output_tokens,
        finished=True,
        input_tokens=reply.input_tokens,
        output_tokens=reply.output_tokens,
        worker_latency_ms=reply.worker_latency_ms,
        ttft_ms=reply.ttft_ms,
        tpot_ms=reply.tpot_ms,
        status=reply.status,
        error_message=reply.error_message,
        finish_reason=reply.finish_reason,
        bad_request=reply.bad_request,
    )


def sendable(text: str) -> str:
    """The text as a message takes it: Python's may hold what has no UTF-8, such as a path in an error."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def ms(seconds: float) -> float:
    return max(0.0, seconds * 1000)
