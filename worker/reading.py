"""Messages from the engine, read so that a request that can't be read costs no other.

What is known of such a request are its ids, and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.unknown_fields import UnknownFieldSet

from wire import pb2


@dataclass(frozen=True)
class Request:
    message: pb2.WorkerGenerateRequest
    problem: str = ""  # why it can't be read; `message` has no more than its ids then


@dataclass(frozen=True)
class Sequenced:
    """A request of a session."""

    sequence: int
    stream: bool
    request: Request


@dataclass(frozen=True)
class Command:
    submit: Sequence[Sequenced] = ()
    cancel: Sequence[int] = ()


def read_request(data: bytes) -> Request:
    try:
        return Request(pb2.WorkerGenerateRequest.FromString(data))
    except DecodeError as error:
        return _unreadable(data, error)


def read_batch(data: bytes) -> list[Request]:
    """Raises DecodeError when the requests can't be told from each other."""
    try:
        return [Request(message) for message in pb2.WorkerBatchGenerateRequest.FromString(data).requests]
    except DecodeError:
        return [read_request(part) for part in _parts(data, pb2.WorkerBatchGenerateRequest.REQUESTS_FIELD_NUMBER)]


def read_command(data: bytes) -> Command:
    """Raises DecodeError when the sequences can't be told from each other."""
    try:
        command = pb2.WorkerCommand.FromString(data)
    except DecodeError:
        submits = _parts(data, pb2.WorkerCommand.SUBMIT_FIELD_NUMBER)
        if not submits:
            raise
        number = pb2.WorkerSubmit.SEQUENCES_FIELD_NUMBER
        return Command([_sequenced(part) for submit in submits for part in _parts(submit, number)])
    sequences = command.submit.sequences
    submit = [Sequenced(one.sequence, one.stream, Request(one.request)) for one in sequences]
    return Command(submit, command.cancel.sequences)


def _sequenced(data: bytes) -> Sequenced:
    kind = pb2.WorkerSequence
    values = dict(_fields(data))
    number, stream = values.get(kind.SEQUENCE_FIELD_NUMBER), values.get(kind.STREAM_FIELD_NUMBER)
    request = b"".join(_parts(data, kind.REQUEST_FIELD_NUMBER))
    return Sequenced(number if isinstance(number, int) else 0, bool(stream), read_request(request))


def _unreadable(data: bytes, error: DecodeError) -> Request:
    kind = pb2.WorkerGenerateRequest
    problem = f"the request can't be read: {error}"
    try:
        ids = [_parts(data, number) for number in (kind.REQUEST_ID_FIELD_NUMBER, kind.TENANT_ID_FIELD_NUMBER)]
        field = _field_without_utf8(kind.DESCRIPTOR, data)
    except DecodeError:
        return Request(kind(), problem)
    request_id, tenant_id = (b"".join(values[-1:]).decode(errors="replace") for values in ids)
    message = kind(request_id=request_id, tenant_id=tenant_id)
    return Request(message, f"{field} must be UTF-8, got bytes that are not" if field else problem)


def _field_without_utf8(kind: Any, data: bytes) -> str | None:
    """The first text that is none, as in `messages.content`; `kind` is the message's descriptor."""
    for number, value in _fields(data):
        field = kind.fields_by_number.get(number)
        if field is None or not isinstance(value, bytes):
            continue
        if field.message_type is not None:
            if inside := _field_without_utf8(field.message_type, value):
                return f"{field.name}.{inside}"
        elif field.type == FieldDescriptor.TYPE_STRING and value.decode(errors="replace").encode() != value:
            return str(field.name)
    return None


def _parts(data: bytes, number: int) -> list[bytes]:
    """The values of a field of texts or messages."""
    return [value for field, value in _fields(data) if field == number and isinstance(value, bytes)]


def _fields(data: bytes) -> list[tuple[int, object]]:
    """All fields by their numbers. Raises DecodeError where one can't be told from the next."""
    found = UnknownFieldSet(pb2.StatsRequest.FromString(data))  # which has no fields of its own
    return [(found[at].field_number, found[at].data) for at in range(len(found))]
