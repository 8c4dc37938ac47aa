from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DispatchReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DISPATCH_REASON_UNSPECIFIED: _ClassVar[DispatchReason]
    DISPATCH_REASON_DIRECT: _ClassVar[DispatchReason]
    DISPATCH_REASON_SLOT: _ClassVar[DispatchReason]
    DISPATCH_REASON_FULL: _ClassVar[DispatchReason]
    DISPATCH_REASON_WINDOW: _ClassVar[DispatchReason]
    DISPATCH_REASON_IDLE: _ClassVar[DispatchReason]
    DISPATCH_REASON_GATE: _ClassVar[DispatchReason]
DISPATCH_REASON_UNSPECIFIED: DispatchReason
DISPATCH_REASON_DIRECT: DispatchReason
DISPATCH_REASON_SLOT: DispatchReason
DISPATCH_REASON_FULL: DispatchReason
DISPATCH_REASON_WINDOW: DispatchReason
DISPATCH_REASON_IDLE: DispatchReason
DISPATCH_REASON_GATE: DispatchReason

class GenerateRequest(_message.Message):
    __slots__ = ("request_id", "tenant_id", "prompt", "max_tokens", "temperature", "top_p", "top_k", "seed", "stop", "ignore_eos", "messages", "raw_prompt", "mode_hint", "min_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty", "prompt_tokens")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    IGNORE_EOS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    RAW_PROMPT_FIELD_NUMBER: _ClassVar[int]
    MODE_HINT_FIELD_NUMBER: _ClassVar[int]
    MIN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    REPETITION_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    prompt: str
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    ignore_eos: bool
    messages: _containers.RepeatedCompositeFieldContainer[ChatMessage]
    raw_prompt: bool
    mode_hint: str
    min_tokens: int
    frequency_penalty: float
    presence_penalty: float
    repetition_penalty: float
    prompt_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., prompt: _Optional[str] = ..., max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., seed: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., ignore_eos: _Optional[bool] = ..., messages: _Optional[_Iterable[_Union[ChatMessage, _Mapping]]] = ..., raw_prompt: _Optional[bool] = ..., mode_hint: _Optional[str] = ..., min_tokens: _Optional[int] = ..., frequency_penalty: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., repetition_penalty: _Optional[float] = ..., prompt_tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class ChatMessage(_message.Message):
    __slots__ = ("role", "content")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    role: str
    content: str
    def __init__(self, role: _Optional[str] = ..., content: _Optional[str] = ...) -> None: ...

class GenerateReply(_message.Message):
    __slots__ = ("request_id", "tenant_id", "response_text", "input_tokens", "output_tokens", "worker_latency_ms", "end_to_end_latency_ms", "status", "error_message", "ttft_ms", "tpot_ms", "dispatch", "finish_reason", "timing")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WORKER_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    END_TO_END_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    TPOT_MS_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    response_text: str
    input_tokens: int
    output_tokens: int
    worker_latency_ms: float
    end_to_end_latency_ms: float
    status: str
    error_message: str
    ttft_ms: float
    tpot_ms: float
    dispatch: Dispatch
    finish_reason: str
    timing: Timing
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., response_text: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., end_to_end_latency_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., dispatch: _Optional[_Union[Dispatch, _Mapping]] = ..., finish_reason: _Optional[str] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ...) -> None: ...

class GenerateChunk(_message.Message):
    __slots__ = ("request_id", "tenant_id", "text_delta", "token_index", "finished", "input_tokens", "output_tokens", "worker_latency_ms", "end_to_end_latency_ms", "ttft_ms", "tpot_ms", "engine_ttft_ms", "status", "error_message", "gate_wait_ms", "tokens", "finish_reason", "dispatch", "timing")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    TOKEN_INDEX_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WORKER_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    END_TO_END_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    TPOT_MS_FIELD_NUMBER: _ClassVar[int]
    ENGINE_TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    GATE_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    text_delta: str
    token_index: int
    finished: bool
    input_tokens: int
    output_tokens: int
    worker_latency_ms: float
    end_to_end_latency_ms: float
    ttft_ms: float
    tpot_ms: float
    engine_ttft_ms: float
    status: str
    error_message: str
    gate_wait_ms: float
    tokens: int
    finish_reason: str
    dispatch: Dispatch
    timing: Timing
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., text_delta: _Optional[str] = ..., token_index: _Optional[int] = ..., finished: _Optional[bool] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., end_to_end_latency_ms: _Optional[float] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., engine_ttft_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., gate_wait_ms: _Optional[float] = ..., tokens: _Optional[int] = ..., finish_reason: _Optional[str] = ..., dispatch: _Optional[_Union[Dispatch, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ("uptime_seconds", "accepted_requests", "queue_depth", "mode", "in_flight", "settled_requests", "refused_requests", "dispatches", "dispatched_requests", "worker_state", "queued_bytes", "retried_requests", "worker_restarts", "worker_detail", "worker", "load")
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_DEPTH_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    SETTLED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    DISPATCHES_FIELD_NUMBER: _ClassVar[int]
    DISPATCHED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    WORKER_STATE_FIELD_NUMBER: _ClassVar[int]
    QUEUED_BYTES_FIELD_NUMBER: _ClassVar[int]
    RETRIED_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    WORKER_RESTARTS_FIELD_NUMBER: _ClassVar[int]
    WORKER_DETAIL_FIELD_NUMBER: _ClassVar[int]
    WORKER_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    uptime_seconds: int
    accepted_requests: int
    queue_depth: int
    mode: str
    in_flight: int
    settled_requests: int
    refused_requests: int
    dispatches: int
    dispatched_requests: int
    worker_state: str
    queued_bytes: int
    retried_requests: int
    worker_restarts: int
    worker_detail: str
    worker: WorkerHello
    load: WorkerLoad
    def __init__(self, uptime_seconds: _Optional[int] = ..., accepted_requests: _Optional[int] = ..., queue_depth: _Optional[int] = ..., mode: _Optional[str] = ..., in_flight: _Optional[int] = ..., settled_requests: _Optional[int] = ..., refused_requests: _Optional[int] = ..., dispatches: _Optional[int] = ..., dispatched_requests: _Optional[int] = ..., worker_state: _Optional[str] = ..., queued_bytes: _Optional[int] = ..., retried_requests: _Optional[int] = ..., worker_restarts: _Optional[int] = ..., worker_detail: _Optional[str] = ..., worker: _Optional[_Union[WorkerHello, _Mapping]] = ..., load: _Optional[_Union[WorkerLoad, _Mapping]] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("accept_ms", "queue_ms", "batch_ms", "dispatch_ms", "prefill_ms", "decode_ms", "reply_ms")
    ACCEPT_MS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_MS_FIELD_NUMBER: _ClassVar[int]
    BATCH_MS_FIELD_NUMBER: _ClassVar[int]
    DISPATCH_MS_FIELD_NUMBER: _ClassVar[int]
    PREFILL_MS_FIELD_NUMBER: _ClassVar[int]
    DECODE_MS_FIELD_NUMBER: _ClassVar[int]
    REPLY_MS_FIELD_NUMBER: _ClassVar[int]
    accept_ms: float
    queue_ms: float
    batch_ms: float
    dispatch_ms: float
    prefill_ms: float
    decode_ms: float
    reply_ms: float
    def __init__(self, accept_ms: _Optional[float] = ..., queue_ms: _Optional[float] = ..., batch_ms: _Optional[float] = ..., dispatch_ms: _Optional[float] = ..., prefill_ms: _Optional[float] = ..., decode_ms: _Optional[float] = ..., reply_ms: _Optional[float] = ...) -> None: ...

class Dispatch(_message.Message):
    __slots__ = ("id", "size", "reason", "queue_wait_ms", "late_ms", "attempts")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    QUEUE_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    LATE_MS_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    id: int
    size: int
    reason: DispatchReason
    queue_wait_ms: float
    late_ms: float
    attempts: int
    def __init__(self, id: _Optional[int] = ..., size: _Optional[int] = ..., reason: _Optional[_Union[DispatchReason, str]] = ..., queue_wait_ms: _Optional[float] = ..., late_ms: _Optional[float] = ..., attempts: _Optional[int] = ...) -> None: ...

class WorkerGenerateRequest(_message.Message):
    __slots__ = ("request_id", "tenant_id", "prompt", "max_tokens", "submitted_at_ms", "timeout_ms", "temperature", "top_p", "top_k", "seed", "stop", "ignore_eos", "messages", "raw_prompt", "traceparent", "min_tokens", "frequency_penalty", "presence_penalty", "repetition_penalty", "prompt_tokens")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    IGNORE_EOS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    RAW_PROMPT_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    MIN_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FREQUENCY_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_PENALTY_FIELD_NUMBER: _ClassVar[int]
    REPETITION_PENALTY_FIELD_NUMBER: _ClassVar[int]
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    prompt: str
    max_tokens: int
    submitted_at_ms: int
    timeout_ms: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: _containers.RepeatedScalarFieldContainer[str]
    ignore_eos: bool
    messages: _containers.RepeatedCompositeFieldContainer[ChatMessage]
    raw_prompt: bool
    traceparent: str
    min_tokens: int
    frequency_penalty: float
    presence_penalty: float
    repetition_penalty: float
    prompt_tokens: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., prompt: _Optional[str] = ..., max_tokens: _Optional[int] = ..., submitted_at_ms: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., top_k: _Optional[int] = ..., seed: _Optional[int] = ..., stop: _Optional[_Iterable[str]] = ..., ignore_eos: _Optional[bool] = ..., messages: _Optional[_Iterable[_Union[ChatMessage, _Mapping]]] = ..., raw_prompt: _Optional[bool] = ..., traceparent: _Optional[str] = ..., min_tokens: _Optional[int] = ..., frequency_penalty: _Optional[float] = ..., presence_penalty: _Optional[float] = ..., repetition_penalty: _Optional[float] = ..., prompt_tokens: _Optional[_Iterable[int]] = ...) -> None: ...

class WorkerGenerateReply(_message.Message):
    __slots__ = ("request_id", "tenant_id", "response_text", "input_tokens", "output_tokens", "worker_latency_ms", "status", "error_message", "ttft_ms", "tpot_ms", "finish_reason", "bad_request")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WORKER_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    TPOT_MS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    BAD_REQUEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    response_text: str
    input_tokens: int
    output_tokens: int
    worker_latency_ms: float
    status: str
    error_message: str
    ttft_ms: float
    tpot_ms: float
    finish_reason: str
    bad_request: bool
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., response_text: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., finish_reason: _Optional[str] = ..., bad_request: _Optional[bool] = ...) -> None: ...

class WorkerChunk(_message.Message):
    __slots__ = ("request_id", "text_delta", "token_index", "finished", "input_tokens", "output_tokens", "worker_latency_ms", "ttft_ms", "tpot_ms", "status", "error_message", "tokens", "finish_reason", "bad_request")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_DELTA_FIELD_NUMBER: _ClassVar[int]
    TOKEN_INDEX_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    WORKER_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    TTFT_MS_FIELD_NUMBER: _ClassVar[int]
    TPOT_MS_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FINISH_REASON_FIELD_NUMBER: _ClassVar[int]
    BAD_REQUEST_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    text_delta: str
    token_index: int
    finished: bool
    input_tokens: int
    output_tokens: int
    worker_latency_ms: float
    ttft_ms: float
    tpot_ms: float
    status: str
    error_message: str
    tokens: int
    finish_reason: str
    bad_request: bool
    def __init__(self, request_id: _Optional[str] = ..., text_delta: _Optional[str] = ..., token_index: _Optional[int] = ..., finished: _Optional[bool] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., tokens: _Optional[int] = ..., finish_reason: _Optional[str] = ..., bad_request: _Optional[bool] = ...) -> None: ...

class WorkerBatchGenerateRequest(_message.Message):
    __slots__ = ("requests",)
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[WorkerGenerateRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[WorkerGenerateRequest, _Mapping]]] = ...) -> None: ...

class WorkerBatchGenerateReply(_message.Message):
    __slots__ = ("responses", "batch_latency_ms")
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    BATCH_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[WorkerGenerateReply]
    batch_latency_ms: float
    def __init__(self, responses: _Optional[_Iterable[_Union[WorkerGenerateReply, _Mapping]]] = ..., batch_latency_ms: _Optional[float] = ...) -> None: ...

class WorkerCommand(_message.Message):
    __slots__ = ("submit", "cancel")
    SUBMIT_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    submit: WorkerSubmit
    cancel: WorkerCancel
    def __init__(self, submit: _Optional[_Union[WorkerSubmit, _Mapping]] = ..., cancel: _Optional[_Union[WorkerCancel, _Mapping]] = ...) -> None: ...

class WorkerSubmit(_message.Message):
    __slots__ = ("sequences",)
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedCompositeFieldContainer[WorkerSequence]
    def __init__(self, sequences: _Optional[_Iterable[_Union[WorkerSequence, _Mapping]]] = ...) -> None: ...

class WorkerSequence(_message.Message):
    __slots__ = ("sequence", "stream", "request")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    stream: bool
    request: WorkerGenerateRequest
    def __init__(self, sequence: _Optional[int] = ..., stream: _Optional[bool] = ..., request: _Optional[_Union[WorkerGenerateRequest, _Mapping]] = ...) -> None: ...

class WorkerCancel(_message.Message):
    __slots__ = ("sequences",)
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, sequences: _Optional[_Iterable[int]] = ...) -> None: ...

class WorkerEvent(_message.Message):
    __slots__ = ("hello", "step", "load")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    hello: WorkerHello
    step: WorkerStep
    load: WorkerLoad
    def __init__(self, hello: _Optional[_Union[WorkerHello, _Mapping]] = ..., step: _Optional[_Union[WorkerStep, _Mapping]] = ..., load: _Optional[_Union[WorkerLoad, _Mapping]] = ...) -> None: ...

class WorkerHello(_message.Message):
    __slots__ = ("backend", "model", "simulated", "capabilities", "max_rows", "context_tokens", "instance")
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    backend: str
    model: str
    simulated: bool
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    max_rows: int
    context_tokens: int
    instance: str
    def __init__(self, backend: _Optional[str] = ..., model: _Optional[str] = ..., simulated: _Optional[bool] = ..., capabilities: _Optional[_Iterable[str]] = ..., max_rows: _Optional[int] = ..., context_tokens: _Optional[int] = ..., instance: _Optional[str] = ...) -> None: ...

class WorkerStep(_message.Message):
    __slots__ = ("deltas", "results")
    DELTAS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    deltas: _containers.RepeatedCompositeFieldContainer[WorkerDelta]
    results: _containers.RepeatedCompositeFieldContainer[WorkerResult]
    def __init__(self, deltas: _Optional[_Iterable[_Union[WorkerDelta, _Mapping]]] = ..., results: _Optional[_Iterable[_Union[WorkerResult, _Mapping]]] = ...) -> None: ...

class WorkerDelta(_message.Message):
    __slots__ = ("sequence", "token_index", "tokens", "text")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_INDEX_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    token_index: int
    tokens: int
    text: str
    def __init__(self, sequence: _Optional[int] = ..., token_index: _Optional[int] = ..., tokens: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class WorkerResult(_message.Message):
    __slots__ = ("sequence", "reply")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    reply: WorkerGenerateReply
    def __init__(self, sequence: _Optional[int] = ..., reply: _Optional[_Union[WorkerGenerateReply, _Mapping]] = ...) -> None: ...

class WorkerLoad(_message.Message):
    __slots__ = ("running", "waiting", "kv_usage", "draining", "steps", "row_steps", "iterations")
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    KV_USAGE_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    ROW_STEPS_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    running: int
    waiting: int
    kv_usage: float
    draining: bool
    steps: int
    row_steps: int
    iterations: int
    def __init__(self, running: _Optional[int] = ..., waiting: _Optional[int] = ..., kv_usage: _Optional[float] = ..., draining: _Optional[bool] = ..., steps: _Optional[int] = ..., row_steps: _Optional[int] = ..., iterations: _Optional[int] = ...) -> None: ...
