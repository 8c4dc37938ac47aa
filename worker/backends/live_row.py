"""A row on its way through the step loop. Touched on the owner thread only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from backends.backend import Answer, Delta, FinishReason, Prompt, Row, TokenIds
from backends.text_stream import TextStream, whole_text

if TYPE_CHECKING:
    from backends.runtime import Runtime

TOKEN_CHARACTERS = 4  # characters of a token, about, by which the length of a waiting prompt is estimated


class LiveRow:
    """Counts and times a row's tokens. Its text is made as it comes only where somebody needs it so: for deltas, or
    to find a stop text; else in one go at the end."""

    __slots__ = (
        "_first_at",
        "_last_at",
        "_runtime",
        "_tokens",
        "input_tokens",
        "number",
        "passed_by",
        "row",
        "size",
        "stream",
    )

    def __init__(self, number: int, row: Row, runtime: Runtime) -> None:
        self.number = number
        self.row = row
        self.input_tokens = 0
        self.size = _size_of(row.prompt)
        self.passed_by = 0  # characters of prompts that came later and went first
        self.stream = TextStream(runtime.decode, row.stop, row.min_tokens) if row.stream or row.stop else None
        self._runtime = runtime
        self._tokens: list[int] = []  # tokens of a row without `stream`
        self._first_at = self._last_at = 0.0

    @property
    def prefilling(self) -> int:
        """Tokens of its prompt; none once it has given a token."""
        return 0 if self._first_at else self.input_tokens

    @property
    def stopped(self) -> bool:
        """A stop text has come."""
        return self.stream is not None and self.stream.stopped

    def move(self, tokens: Sequence[int], now: float) -> None:
        """Takes new tokens; with a `stream`, that gets them too."""
        self._first_at = self._first_at or now
        self._last_at = now
        if self.stream is None:
            self._tokens.extend(tokens)

    def delta(self) -> Delta | None:
        """What a streamed row has to give now; after `answer`, its last."""
        if self.stream is None or not self.row.stream:
            return None
        new = self.stream.delta()
        return Delta(self.number, *new) if new else None

    def answer(self, finish: FinishReason, now: float) -> Answer:
        """After its last token. A streamed row's text is in its deltas."""
        text = ""
        if self.stream is not None:
            self.stream.end()
            if not self.row.stream:
                text = self.stream.text()
        else:
            text = whole_text(self._runtime.decode, self._tokens)
        return Answer(
            text=text,
            input_tokens=self.input_tokens,
            output_tokens=len(self._tokens) if self.stream is None else self.stream.tokens,
            # An answer that stops before its first token has no token times: its end stands for them.
            first_token_at=self._first_at or now,
            last_token_at=self._last_at or now,
            finish_reason=FinishReason.STOP if self.stopped else finish,
        )


def _size_of(prompt: Prompt) -> int:
    """Characters; of a prompt that is given as tokens about so many."""
    if isinstance(prompt, TokenIds):
        return len(prompt.ids) * TOKEN_CHARACTERS
    return len(prompt) if isinstance(prompt, str) else sum(len(message.content) for message in prompt)
