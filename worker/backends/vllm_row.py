"""One row on its way through vLLM: what vLLM gives for it, as deltas and an outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from backends.backend import Answer, Delta, Failure, FinishReason, Listener, Outcome, Row, Status
from backends.text_stream import TextStream, whole_text


class VllmRow:
    """`take` gets vLLM's outputs in order until it gives an outcome. They hold tokens but no text: text, stop texts
    too, is made here as for every other backend."""

    def __init__(self, number: int, row: Row, listener: Listener, decode: Callable[[list[int]], str]) -> None:
        self.number = number
        self.row = row
        self.listener = listener
        self.timer: asyncio.TimerHandle | None = None  # fires at its deadline
        self.input_tokens = 0
        self._decode = decode
        self._text = TextStream(decode, row.stop, row.min_tokens) if row.stream or row.stop else None
        self._first_token_at = self._last_token_at = 0.0

    @property
    def watched(self) -> bool:
        """Its outputs are wanted as they come. Any other row's may come in one at the end, which costs the event loop
        nothing until then."""
        return self._text is not None

    def take(self, output: Any) -> tuple[Delta | None, Outcome | None]:
        """`output` is vLLM's RequestOutput. There may be a delta along with the outcome: it comes first."""
        (piece,) = output.outputs
        if piece.finish_reason not in (None, "stop", "length"):
            status = Status.UNAVAILABLE if piece.finish_reason == "abort" else Status.RUNTIME_ERROR
            return None, Failure(status, f"vLLM gave the row up: {piece.finish_reason}")
        finish = piece.finish_reason and FinishReason(piece.finish_reason)
        tokens = list(piece.token_ids)
        if finish is FinishReason.STOP:  # vLLM has no stop texts, so the last is the end token
            tokens.pop()
        if self._text is None:
            return None, self._whole(tokens, finish, output.metrics)
        return self._piece(self._text, tokens, finish)

    def _whole(self, tokens: list[int], finish: FinishReason, metrics: Any) -> Answer:
        # Taken in vLLM's engine process, by the clock that perf_counter is on Linux.
        self._first_token_at, self._last_token_at = metrics.first_token_ts, metrics.last_token_ts
        if finish is FinishReason.STOP and tokens:
            # The last time is the end token's: one step after the last token's own, which vLLM does not report.
            self._last_token_at -= (self._last_token_at - self._first_token_at) / len(tokens)
        return self._answer(whole_text(self._decode, tokens), len(tokens), finish)

    def _piece(
        self, text: TextStream, tokens: list[int], finish: FinishReason | None
    ) -> tuple[Delta | None, Outcome | None]:
        if tokens:
            self._last_token_at = time.perf_counter()
            self._first_token_at = self._first_token_at or self._last_token_at
        for token in tokens:
            text.take(self._decode(text.push(token)))
            if text.stopped:
                finish = FinishReason.STOP
                break
        if finish:
            text.end()
        delta = text.delta() if self.row.stream else None
        if not finish:
            return delta and Delta(self.number, *delta), None
        whole = "" if self.row.stream else text.text()
        return delta and Delta(self.number, *delta), self._answer(whole, text.tokens, finish)

    def _answer(self, text: str, output_tokens: int, finish: FinishReason) -> Answer:
        # An answer that stops before its first token has no token times: its end stands for them.
        now = time.perf_counter()
        first, last = self._first_token_at or now, self._last_token_at or now
        return Answer(text, self.input_tokens, output_tokens, first, last, finish)
