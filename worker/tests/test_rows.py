"""What a request's settings become."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from backends.backend import Capability, Failure, Message, Outcome, Row, Status, TokenIds
from rows import last_chunk, reply_of, row_of
from wire import pb2


def row(**fields: object) -> Row:
    request = pb2.WorkerGenerateRequest(prompt="hello")
    for name, value in fields.items():
        setattr(request, name, value)
    made = row_of(request, 0.0, 128, False)
    assert isinstance(made, Row)
    return made


def conversation(*turns: tuple[str, str], **fields: Any) -> pb2.WorkerGenerateRequest:
    return pb2.WorkerGenerateRequest(
        messages=[pb2.ChatMessage(role=role, content=content) for role, content in turns], **fields
    )


def flag(outcome: Outcome) -> bool:
    """Whether the caller learns that it is its own fault; the same for a reply and a stream."""
    reply = reply_of("r", "t", outcome, 0.0)
    assert last_chunk(reply).bad_request == reply.bad_request
    return reply.bad_request


@pytest.mark.parametrize("temperature", [5e-324, 1e-40, 1e-9, -0.0])
def test_a_temperature_too_small_to_divide_by_is_greedy(temperature: float) -> None:
    assert row(temperature=temperature).sampling.temperature == 0


@pytest.mark.parametrize("top_p", [5e-324, 1e-300, 1e-9])
def test_top_p_stays_above_zero_in_single_precision(top_p: float) -> None:
    made = row(temperature=1.0, top_p=top_p).sampling.top_p
    (single,) = struct.unpack("f", struct.pack("f", made))
    assert 0 < single < 1e-5


def test_settings_that_are_absent_have_no_effect_and_seed_0_is_a_seed() -> None:
    plain = row()
    assert (plain.max_tokens, plain.deadline, plain.stop, plain.stream) == (128, None, (), False)
    assert (plain.sampling.temperature, plain.sampling.top_p, plain.sampling.top_k) == (0.0, 1.0, 0)
    assert (plain.sampling.seed, row(seed=0).sampling.seed) == (None, 0)
    assert (plain.prompt, plain.raw_prompt, plain.traceparent, plain.min_tokens) == ("hello", False, "", 0)
    sampling = plain.sampling
    assert (sampling.frequency_penalty, sampling.presence_penalty, sampling.repetition_penalty) == (0, 0, 1)


def test_penalties_and_the_least_length_go_along() -> None:
    made = row(frequency_penalty=-2.0, presence_penalty=2.0, repetition_penalty=1.5, min_tokens=128)
    sampling = made.sampling
    assert (sampling.frequency_penalty, sampling.presence_penalty, sampling.repetition_penalty) == (-2, 2, 1.5)
    assert made.min_tokens == 128


def test_tokens_take_the_place_of_the_prompt() -> None:
    made = row_of(pb2.WorkerGenerateRequest(prompt_tokens=[0, 7]), 0.0, 128, False)
    assert isinstance(made, Row)
    assert made.prompt == TokenIds((0, 7))


@pytest.mark.parametrize(
    ("field", "value", "neutral", "capability"),
    [
        ("min_tokens", 1, 0, "min_tokens"),
        ("frequency_penalty", 0.5, 0.0, "penalties"),
        ("presence_penalty", -0.5, 0.0, "penalties"),
        ("repetition_penalty", 1.1, 1.0, "penalties"),
    ],
)
def test_what_a_backend_does_not_have_is_refused_by_name_and_a_neutral_value_taken(
    field: str, value: float, neutral: float, capability: str
) -> None:
    others = [one for one in Capability if one.value != capability]
    assert isinstance(row_of(conversation(prompt="Hi", **{field: neutral}), 0.0, 128, False, others), Row)
    assert isinstance(row_of(conversation(prompt="Hi", **{field: value}), 0.0, 128, False), Row)
    failure = row_of(conversation(prompt="Hi", **{field: value}), 0.0, 128, False, others)
    assert isinstance(failure, Failure)
    assert failure.message == f"{field} must not be given: the backend has no capability {capability}"
    assert flag(failure)


def test_messages_take_the_place_of_the_prompt() -> None:
    turns = ("system", "Be kind."), ("user", "Hi"), ("assistant", ""), ("user", "So?")
    made = row_of(conversation(*turns), 0.0, 128, False)
    assert isinstance(made, Row)
    assert made.prompt == tuple(Message(*turn) for turn in turns)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (conversation(), "exactly one of prompt, messages and prompt_tokens must be given, got none"),
        (
            conversation(("user", "Hi"), prompt="Hi"),
            "exactly one of prompt, messages and prompt_tokens must be given, got prompt and messages",
        ),
        (conversation(("user", "Hi"), raw_prompt=True), "raw_prompt must come with a prompt, got messages"),
        (
            conversation(("user", "Hi"), ("tool", "secret")),
            'messages[1].role must be one of system, user, assistant, got "tool"',
        ),
        (
            conversation(("x" * 1000, "Hi")),
            f'messages[0].role must be one of system, user, assistant, got "{"x" * 40}"',
        ),
        (
            conversation(("user", "secret"), ("user", "")),
            'messages[1].content must not be empty, as it is the last, got ""',
        ),
        (conversation(prompt="Hi", temperature=3.0), "temperature must be a number from 0 to 2, got 3"),
        (conversation(prompt="Hi", top_p=-1.0), "top_p must be a number above 0 and up to 1, or 0 for 1, got -1"),
        (
            conversation(prompt="Hi", prompt_tokens=[1]),
            "exactly one of prompt, messages and prompt_tokens must be given, got prompt and prompt_tokens",
        ),
        (
            conversation(prompt="Hi", presence_penalty=2.5),
            "presence_penalty must be a number from -2 to 2, got 2.5",
        ),
        (
            conversation(prompt="Hi", frequency_penalty=float("nan")),
            "frequency_penalty must be a number from -2 to 2, got nan",
        ),
        (
            conversation(prompt="Hi", repetition_penalty=-1),
            "repetition_penalty must be a number from 0.01 to 100, or 0 for 1, got -1",
        ),
        (
            conversation(prompt="Hi", max_tokens=4, min_tokens=5),
            "min_tokens must be at most 4, which max_tokens is, got 5",
        ),
        (conversation(prompt="Hi", stop=[""]), 'stop[0] must not be empty, got ""'),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_which_and_that_it_is_its_own_fault(
    request_: pb2.WorkerGenerateRequest, problem: str
) -> None:
    failure = row_of(request_, 0.0, 128, False)
    assert isinstance(failure, Failure)
    assert (failure.status, failure.message) == (Status.RUNTIME_ERROR, problem)
    assert flag(failure)


def test_other_failures_are_not_the_requests_fault() -> None:
    assert not flag(Failure(Status.RUNTIME_ERROR, "the runtime refused the row"))
