"""Messages from the engine, read so that a request that can't be read costs no other.

What is known of such a request are its ids, and what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

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
    """Raises DecodeError when not even its ids can be read."""
    try:
        return Request(pb2.WorkerGenerateRequest.FromString(data))
    except DecodeError:
        raw = Raw.REQUEST.FromString(data)
        request_id, tenant_id = raw.request_id.decode(errors="replace"), raw.tenant_id.decode(errors="replace")
        problem = f"{_field_without_utf8(raw)} must be UTF-8, got bytes that are not"
        return Request(pb2.WorkerGenerateRequest(request_id=request_id, tenant_id=tenant_id), problem)


def read_batch(data: bytes) -> list[Request]:
    """Raises DecodeError when the requests can't be distinguished."""
    try:
        return [Request(message) for message in pb2.WorkerBatchGenerateRequest.FromString(data).requests]
    except DecodeError:
        return [_read_any(request) for request in Raw.BATCH.FromString(data).requests]


def read_command(data: bytes) -> Command:
    """Raises DecodeError when the sequences can't be distinguished."""
    try:
        command = pb2.WorkerCommand.FromString(data)
        submit = [Sequenced(one.sequence, one.stream, Request(one.request)) for one in command.submit.sequences]
    except DecodeError:
        command = Raw.COMMAND.FromString(data)
        submit = [Sequenced(one.sequence, one.stream, _read_any(one.request)) for one in command.submit.sequences]
    return Command(submit, command.cancel.sequences)


def _read_any(data: bytes) -> Request:
    try:
        return read_request(data)
    except DecodeError as error:
        return Request(pb2.WorkerGenerateRequest(), f"the request can't be read: {error}")


def _field_without_utf8(raw: Any) -> str | None:
    """The first text that is none, as in `messages[0].content`."""
    for field, value in raw.ListFields():
        for number, one in enumerate(value if field.is_repeated else [value]):
            name = f"{field.name}[{number}]" if field.is_repeated else field.name
            if field.message_type is not None:
                if inside := _field_without_utf8(one):
                    return f"{name}.{inside}"
            elif isinstance(one, bytes) and one.decode(errors="replace").encode() != one:
                return str(name)
    return None


def _raw_pool() -> DescriptorPool:
    """The contract with bytes in the place of texts and of requests within other messages, as both are on the wire."""
    file = FileDescriptorProto()
    pb2.DESCRIPTOR.CopyToProto(file)
    for field in (field for message in file.message_type for field in message.field):
        if field.type == field.TYPE_STRING or field.type_name == ".omnispan.WorkerGenerateRequest":
            field.type = field.TYPE_BYTES
            field.ClearField("type_name")
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


class Raw:
    """Messages that can be read where the contract's own can't."""

    _pool = _raw_pool()
    REQUEST: Any = GetMessageClass(_pool.FindMessageTypeByName("omnispan.WorkerGenerateRequest"))
    BATCH: Any = GetMessageClass(_pool.FindMessageTypeByName("omnispan.WorkerBatchGenerateRequest"))
    COMMAND: Any = GetMessageClass(_pool.FindMessageTypeByName("omnispan.WorkerCommand"))
