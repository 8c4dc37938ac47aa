"""A runtime whose steps the test lets happen."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from backends.backend import FinishReason, Prompt
from backends.runtime import NewRow, Runtime, Stepped

SECONDS = 10.0


class Scripted(Runtime):
    """One letter of the prompt a step; a step waits for `go`."""

    def __init__(self) -> None:
        self.context = 20
        self.go = threading.Semaphore(0)
        self.rows: dict[int, list[int]] = {}
        self.joined: list[int] = []  # rows per `add`
        self.joins: list[str] = []  # the first letter of each row, in the order of their joining
        self.sizes: list[int] = []  # rows per step
        self.error: Exception | None = None
        self.refuse_add = False
        self.refused_prompt = ""
        self.threads: set[int] = set()
        self.at_once = 1  # tokens a step
        self.prefill_steps = 0  # that give nothing yet
        self.repeat = 0  # so many tokens instead of the prompt's own
        self.closed = False

    def load(self) -> None:
        self.threads.add(threading.get_ident())

    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        assert isinstance(prompt, str)
        if prompt == "unreadable":
            raise ValueError(f"no tokens for {prompt}")
        return [ord(letter) for letter in prompt if letter != " "]

    def decode(self, tokens: list[int]) -> str:
        return "".join(map(chr, tokens))

    def add(self, rows: Sequence[NewRow]) -> None:
        if self.refuse_add or self.encode(self.refused_prompt, False) in [row.prompt for row in rows]:
            raise RuntimeError("no memory")
        self.joined.append(len(rows))
        self.joins += [chr(row.prompt[0]) for row in rows]
        self.rows.update((row.number, ([*row.prompt, *[120] * self.repeat])[: row.max_tokens]) for row in rows)

    def remove(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.rows[number]

    def step(self) -> list[Stepped]:
        assert self.go.acquire(timeout=SECONDS)
        self.threads.add(threading.get_ident())
        if self.error:
            raise self.error
        if self.prefill_steps > 0:
            self.prefill_steps -= 1
            return []
        self.sizes.append(len(self.rows))
        stepped = []
        for number, letters in list(self.rows.items()):
            given, letters[: self.at_once] = letters[: self.at_once], []
            stepped.append(Stepped(number, given, None if letters else FinishReason.LENGTH))
            if not letters:
                del self.rows[number]
        return stepped

    def close(self) -> None:
        self.closed = True
