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
DISPATCH_REASON_UNSPECIFIED: DispatchReason
DISPATCH_REASON_DIRECT: DispatchReason
DISPATCH_REASON_SLOT: DispatchReason
DISPATCH_REASON_FULL: DispatchReason
DISPATCH_REASON_WINDOW: DispatchReason
DISPATCH_REASON_IDLE: DispatchReason

class GenerateRequest(_message.Message):
    __slots__ = ("request_id", "tenant_id", "prompt", "max_tokens")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    prompt: str
    max_tokens: int
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., prompt: _Optional[str] = ..., max_tokens: _Optional[int] = ...) -> None: ...

class GenerateReply(_message.Message):
    __slots__ = ("request_id", "tenant_id", "response_text", "input_tokens", "output_tokens", "worker_latency_ms", "end_to_end_latency_ms", "status", "error_message", "ttft_ms", "tpot_ms", "dispatch")
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
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., response_text: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., end_to_end_latency_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., dispatch: _Optional[_Union[Dispatch, _Mapping]] = ...) -> None: ...

class GenerateChunk(_message.Message):
    __slots__ = ("request_id", "tenant_id", "text_delta", "token_index", "finished", "input_tokens", "output_tokens", "worker_latency_ms", "end_to_end_latency_ms", "ttft_ms", "tpot_ms", "engine_ttft_ms", "status", "error_message", "gate_wait_ms")
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
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., text_delta: _Optional[str] = ..., token_index: _Optional[int] = ..., finished: _Optional[bool] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., end_to_end_latency_ms: _Optional[float] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., engine_ttft_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., gate_wait_ms: _Optional[float] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ("uptime_seconds", "accepted_requests", "queue_depth", "mode", "in_flight", "settled_requests", "refused_requests", "dispatches", "dispatched_requests", "worker_state")
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
    def __init__(self, uptime_seconds: _Optional[int] = ..., accepted_requests: _Optional[int] = ..., queue_depth: _Optional[int] = ..., mode: _Optional[str] = ..., in_flight: _Optional[int] = ..., settled_requests: _Optional[int] = ..., refused_requests: _Optional[int] = ..., dispatches: _Optional[int] = ..., dispatched_requests: _Optional[int] = ..., worker_state: _Optional[str] = ...) -> None: ...

class Dispatch(_message.Message):
    __slots__ = ("id", "size", "reason", "queue_wait_ms", "late_ms")
    ID_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    QUEUE_WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    LATE_MS_FIELD_NUMBER: _ClassVar[int]
    id: int
    size: int
    reason: DispatchReason
    queue_wait_ms: float
    late_ms: float
    def __init__(self, id: _Optional[int] = ..., size: _Optional[int] = ..., reason: _Optional[_Union[DispatchReason, str]] = ..., queue_wait_ms: _Optional[float] = ..., late_ms: _Optional[float] = ...) -> None: ...

class WorkerGenerateRequest(_message.Message):
    __slots__ = ("request_id", "tenant_id", "prompt", "max_tokens", "submitted_at_ms", "timeout_ms")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    tenant_id: str
    prompt: str
    max_tokens: int
    submitted_at_ms: int
    timeout_ms: int
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., prompt: _Optional[str] = ..., max_tokens: _Optional[int] = ..., submitted_at_ms: _Optional[int] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class WorkerGenerateReply(_message.Message):
    __slots__ = ("request_id", "tenant_id", "response_text", "input_tokens", "output_tokens", "worker_latency_ms", "status", "error_message", "ttft_ms", "tpot_ms")
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
    def __init__(self, request_id: _Optional[str] = ..., tenant_id: _Optional[str] = ..., response_text: _Optional[str] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ...) -> None: ...

class WorkerChunk(_message.Message):
    __slots__ = ("request_id", "text_delta", "token_index", "finished", "input_tokens", "output_tokens", "worker_latency_ms", "ttft_ms", "tpot_ms", "status", "error_message")
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
    def __init__(self, request_id: _Optional[str] = ..., text_delta: _Optional[str] = ..., token_index: _Optional[int] = ..., finished: _Optional[bool] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., worker_latency_ms: _Optional[float] = ..., ttft_ms: _Optional[float] = ..., tpot_ms: _Optional[float] = ..., status: _Optional[str] = ..., error_message: _Optional[str] = ...) -> None: ...

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
