"""What vLLM's outputs become. Needs no vLLM."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import SimpleNamespace

from backends.backend import Answer, Delta, Ended, Failure, FinishReason, Row, Status
from backends.vllm_row import VllmRow

END = 0  # the end token


def listener(deltas: Sequence[Delta], ended: Sequence[Ended]) -> None: ...


def decode(tokens: list[int]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


def vllm_row(row: Row) -> VllmRow:
    made = VllmRow(5, row, listener, decode)
    made.input_tokens = 3
    return made


def output(tokens: bytes, finish: str | None = None, first: float = 0.0, last: float = 0.0) -> SimpleNamespace:
    piece = SimpleNamespace(token_ids=list(tokens), finish_reason=finish)
    metrics = SimpleNamespace(first_token_ts=first, last_token_ts=last)
    return SimpleNamespace(outputs=[piece], metrics=metrics)


def test_tokens_become_deltas_and_an_answer_without_text() -> None:
    row = vllm_row(Row("-", 9, stream=True))
    assert row.watched
    before = time.perf_counter()
    assert row.take(output(b"a")) == (Delta(5, 0, 1, "a"), None)
    assert row.take(output("é".encode()[:1])) == (None, None)
    assert row.take(output("é".encode()[1:] + b"!")) == (Delta(5, 1, 3, "é!"), None)
    delta, answer = row.take(output(bytes([END]), "stop"))
    assert delta is None
    assert isinstance(answer, Answer)
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("", 3, 4)
    assert answer.finish_reason is FinishReason.STOP
    assert before < answer.first_token_at < answer.last_token_at < time.perf_counter()


def test_the_last_token_at_max_tokens_belongs_to_the_answer() -> None:
    row = vllm_row(Row("-", 2, stream=True))
    row.take(output(b"a"))
    delta, answer = row.take(output(b"b", "length"))
    assert delta == Delta(5, 1, 1, "b")
    assert isinstance(answer, Answer)
    assert (answer.output_tokens, answer.finish_reason) == (2, FinishReason.LENGTH)


def test_a_stop_text_ends_the_row_before_vllm_does() -> None:
    streamed, whole = vllm_row(Row("-", 9, stop=("cde",), stream=True)), vllm_row(Row("-", 9, stop=("cde",)))
    for row in (streamed, whole):
        assert row.watched
        row.take(output(b"a"))
        assert row.take(output(b"bc"))[1] is None
    delta, answer = streamed.take(output(b"def"))
    assert delta == Delta(5, 3, 2, "")
    assert isinstance(answer, Answer)
    assert (answer.text, answer.output_tokens, answer.finish_reason) == ("", 5, FinishReason.STOP)
    delta, answer = whole.take(output(b"def"))
    assert delta is None
    assert isinstance(answer, Answer)
    assert (answer.text, answer.output_tokens, answer.finish_reason) == ("ab", 5, FinishReason.STOP)


def test_an_answer_in_one_piece_has_vllms_times_without_the_end_tokens_step() -> None:
    row = vllm_row(Row("-", 9))
    assert not row.watched
    delta, answer = row.take(output(b"abcd" + bytes([END]), "stop", first=10.0, last=12.0))
    assert delta is None
    assert answer == Answer("abcd", 3, 4, 10.0, 11.5, FinishReason.STOP)
    _, answer = vllm_row(Row("-", 4)).take(output(b"abcd", "length", first=10.0, last=12.0))
    assert answer == Answer("abcd", 3, 4, 10.0, 12.0, FinishReason.LENGTH)


def test_an_answer_may_be_empty() -> None:
    _, answer = vllm_row(Row("-", 9)).take(output(bytes([END]), "stop", first=10.0, last=10.0))
    assert answer == Answer("", 3, 0, 10.0, 10.0, FinishReason.STOP)
    delta, answer = vllm_row(Row("-", 9, stream=True)).take(output(bytes([END]), "stop"))
    assert delta is None
    assert isinstance(answer, Answer)
    assert answer.output_tokens == 0


def test_what_vllm_gives_up_is_no_answer() -> None:
    for row in (Row("-", 9), Row("-", 9, stream=True)):
        assert vllm_row(row).take(output(b"ab", "abort")) == (
            None,
            Failure(Status.UNAVAILABLE, "vLLM gave the row up: abort"),
        )
        _, failure = vllm_row(row).take(output(b"", "error"))
        assert isinstance(failure, Failure)
        assert failure.status is Status.RUNTIME_ERROR
