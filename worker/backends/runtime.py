"""The interface between the step loop and a runtime that is stepped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backends.backend import Capability, FinishReason, Prompt, Sampling, TokenIds


@dataclass(frozen=True)
class NewRow:
    """A row as the runtime gets it: `number` is unique for the life of the loop. Stop texts and the deadline are the
    loop's own business: it removes the row."""

    number: int
    prompt: list[int]
    max_tokens: int  # at least 1; the prompt and so many tokens fit the context
    min_tokens: int  # at most max_tokens; the model's end does not come before
    sampling: Sampling
    ignore_eos: bool


class PromptError(Exception):
    """A prompt that can't be answered; the text says why and holds nothing of the prompt."""


def known_tokens(prompt: TokenIds, vocabulary: int) -> list[int]:
    """The prompt's tokens. Raises PromptError for one that a model with so many does not have."""
    largest = max(prompt.ids)
    if largest >= vocabulary:
        raise PromptError(f"a token id of the prompt must be from 0 to {vocabulary - 1}, got {largest}")
    return list(prompt.ids)


class Stepped(NamedTuple):
    """What one step gave one row. A row with a `finish` or an `error` has left the batch by itself."""

    number: int
    tokens: Sequence[int]  # new ones, without the end token that stopped the answer
    finish: FinishReason | None = None
    error: str | None = None  # the runtime gave this row up, and says why


class Runtime(ABC):
    """A runtime with a continuous batch. Every method is called on the owner thread."""

    context: int  # most tokens of prompt and answer together; set by `load`
    prefill_tokens: int | None = None  # prompt tokens of one step, for a runtime that takes prompts one after the other
    capabilities: Sequence[Capability] = tuple(Capability)

    @abstractmethod
    def load(self) -> None:
        """Raises LoadError; any other exception is a load failure too."""

    @abstractmethod
    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        """The prompt's tokens, chat template included unless it is `raw` or consists of tokens. Raises PromptError; of
        any other error the caller gets the kind alone, for its text may quote the prompt."""

    @abstractmethod
    def decode(self, tokens: list[int]) -> str:
        """The tokens' text, special tokens left out. Every token only adds to the text of those before it (no
        clean-up of spaces), but for bytes that don't make a character yet: these are left out, or U+FFFD stands for
        them at the end of the text."""

    def decode_all(self, rows: list[list[int]]) -> list[str]:
        """`decode` of each; once a step, for all rows that need their text as it comes."""
        return [self.decode(tokens) for tokens in rows]

    @abstractmethod
    def add(self, rows: Sequence[NewRow]) -> None:
        """Puts rows into the batch in one go. When it raises, none of them is in it."""

    @abstractmethod
    def remove(self, numbers: Sequence[int]) -> None:
        """Takes running rows out of the batch and frees what they held."""

    @abstractmethod
    def step(self) -> Iterable[Stepped]:
        """One step of all rows. It may give nothing (a piece of prefill). An exception ends the backend."""

    def kv_usage(self) -> float:
        """The share of the KV cache in use, 0 to 1; 0 where the runtime reports none. Called ten times a second."""
        return 0.0

    @abstractmethod
    def close(self) -> None:
        """Frees the runtime. Called once, also after a failed load."""
