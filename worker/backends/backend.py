"""The interface between the server and a model runtime, whichever it is.

All times are seconds of `time.perf_counter()`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import NamedTuple, Protocol

from config import BACKENDS


class Status(str, Enum):
    """How a row can fail; the values are the wire's own."""

    RUNTIME_ERROR = "worker_runtime_error"
    TIMEOUT = "worker_timeout"
    UNAVAILABLE = "worker_unavailable"
    CANCELLED = "worker_cancelled"
    RESOURCE_EXHAUSTED = "worker_resource_exhausted"
    INTERNAL_ERROR = "worker_internal_error"


class FinishReason(str, Enum):
    """Why an answer ended; the values are the wire's own."""

    STOP = "stop"  # the model's own end, or a stop text
    LENGTH = "length"  # max_tokens, or the end of the context


@dataclass(frozen=True)
class Sampling:
    """How the next token is chosen. Temperature 0 is greedy and leaves all but the penalties without effect."""

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0  # 0: all tokens
    seed: int | None = None  # None: any
    frequency_penalty: float = 0.0  # -2 to 2; applies for each time that a token is in the answer so far
    presence_penalty: float = 0.0  # -2 to 2; applies once for each token that is in the answer so far
    repetition_penalty: float = 1.0  # applies to tokens of the prompt and the answer so far; 1: none


class Message(NamedTuple):
    """One turn of a conversation."""

    role: str  # system, user or assistant
    content: str


@dataclass(frozen=True)
class TokenIds:
    """A prompt as the model's tokens, which goes to the model as it is."""

    ids: tuple[int, ...]


Prompt = str | tuple[Message, ...] | TokenIds  # a conversation always goes through the model's chat template


@dataclass(frozen=True)
class Row:
    """One sequence of a batch: a prompt that is not empty, and at least one token to generate."""

    prompt: Prompt
    max_tokens: int
    deadline: float | None = None  # when it passes, this row ends with Status.TIMEOUT and the others go on
    sampling: Sampling = Sampling()
    min_tokens: int = 0  # neither the model nor a stop text ends the answer before; at most max_tokens
    stop: tuple[str, ...] = ()  # the answer ends before the first of these texts; none of them is empty
    ignore_eos: bool = False
    stream: bool = False  # deltas as the tokens come, and an Answer without text
    raw_prompt: bool = False  # the prompt, a text then, goes to the tokenizer without chat template
    traceparent: str = ""  # W3C trace context of the caller's span; for runtimes that trace


@dataclass(frozen=True)
class Answer:
    """Token counts are the model tokenizer's; `output_tokens` leaves out the end token that stopped the answer, and
    counts the tokens of a stop text up to where it was seen whole."""

    text: str
    input_tokens: int
    output_tokens: int
    first_token_at: float
    last_token_at: float
    finish_reason: FinishReason


@dataclass(frozen=True)
class Failure:
    status: Status
    message: str  # says what happened; never holds text of the prompt or the answer
    bad_request: bool = False  # the request's own fault: it fails wherever it is sent


def bad_request(message: str) -> Failure:
    return Failure(Status.RUNTIME_ERROR, message, bad_request=True)


Outcome = Answer | Failure

STOPPING = Failure(Status.UNAVAILABLE, "the worker is stopping")
OUT_OF_TIME = Failure(Status.TIMEOUT, "the request's time was over before its answer was complete")


class Delta(NamedTuple):
    """New tokens of a streamed row. Texts of a row's deltas, joined, are the text that an unstreamed row gets."""

    number: int
    token_index: int  # tokens in this row's earlier deltas
    tokens: int
    text: str  # whole characters; nothing that may yet turn out to be part of a stop text


class Ended(NamedTuple):
    number: int
    outcome: Outcome


class Listener(Protocol):
    def __call__(self, deltas: Sequence[Delta], ended: Sequence[Ended], /) -> asyncio.Future[None] | None:
        """What one step gave the rows submitted with this listener. Called on the event loop, at most once a step;
        a row's deltas come before its end, and their tokens add up to its `output_tokens`.

        A listener that is behind gives a future that resolves when it has caught up: a backend whose steps cost
        nothing waits for it, so that memory stays flat; a model goes on.
        """


@dataclass(frozen=True)
class Info:
    backend: str
    model: str
    simulated: bool

    def __str__(self) -> str:
        return f"backend={self.backend} model={self.model}" + (" simulated" if self.simulated else "")


class Capability(str, Enum):
    """What a backend does with a row's settings; the values are the wire's own."""

    STREAM = "stream"
    SAMPLING = "sampling"
    SEED = "seed"
    STOP = "stop"
    IGNORE_EOS = "ignore_eos"
    MESSAGES = "messages"
    RAW_PROMPT = "raw_prompt"
    MIN_TOKENS = "min_tokens"
    PENALTIES = "penalties"
    PROMPT_TOKENS = "prompt_tokens"


@dataclass(frozen=True)
class Limits:
    max_rows: int  # rows that run at once; more wait
    context_tokens: int  # prompt and answer together


@dataclass(frozen=True)
class Load:
    running: int  # rows in the batch
    waiting: int  # rows that wait for a place in it
    kv_usage: float  # share of the KV cache in use, 0 to 1; 0 where the runtime does not report it


@dataclass(frozen=True)
class StepStats:
    """Since the start. `steps` counts those that gave at least one row something: `row_steps / steps` is the mean
    number of rows that ran together. `iterations` counts the runtime's steps that only prefilled too: while it rises
    the runtime works."""

    steps: int
    row_steps: int
    largest: int
    iterations: int


class LoadError(Exception):
    """The backend can't start; the text is one line for the user."""


def missing_package(error: ImportError, backend: str) -> LoadError:
    """The LoadError for a package that is not installed, or not whole."""
    return LoadError(
        f"backend {backend} could not import a package it needs ({error}): "
        f"install its packages with `pip install -r worker/{BACKENDS[backend]['requirements']}`"
    )


def prompt_problem(tokens: int, context: int) -> str | None:
    """Why a prompt of so many tokens can't be answered in a context of so many, or None."""
    if tokens == 0:
        return "the prompt must have at least one token, got none"
    if tokens >= context:
        return (
            f"the prompt must leave room for an answer in the model's context of {context} tokens, got {tokens} tokens"
        )
    return None


class Backend(ABC):
    """A model behind a continuous batch. Every method is called on the event loop that called `load`."""

    info: Info
    capabilities: Sequence[Capability] = tuple(Capability)
    limits: Limits  # set by `load`

    @abstractmethod
    async def load(self) -> None:
        """Makes the model ready. Raises LoadError."""

    @abstractmethod
    def submit(self, rows: Sequence[Row], listener: Listener) -> list[int]:
        """Hands rows to the runtime together and gives each a number, unique for the life of the backend.

        They join the running batch between two steps. Every row that is not cancelled ends exactly once, also when
        the runtime fails or the worker stops; no listener is called before this returns. Never raises for a row or a
        dead runtime: these are Failures.
        """

    @abstractmethod
    def cancel(self, numbers: Iterable[int]) -> None:
        """Frees the rows at the runtime before its next step. Their listener gets nothing more of them; numbers of
        rows that have ended are ignored."""

    @abstractmethod
    def load_now(self) -> Load: ...

    async def generate(self, rows: Sequence[Row]) -> list[Outcome]:
        """Submits the rows and gives their outcomes in order when the last has ended. Cancelling it cancels them."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outcomes: dict[int, Outcome] = {}
        numbers = self.submit(rows, partial(_collect, outcomes, len(rows), done))
        try:
            if rows:
                await done
        except asyncio.CancelledError:
            self.cancel(numbers)
            raise
        return [outcomes[number] for number in numbers]

    @abstractmethod
    async def died(self) -> str:
        """Waits until the backend can never answer again, and says why."""

    @abstractmethod
    def step_stats(self) -> StepStats: ...

    @abstractmethod
    async def close(self) -> None:
        """Ends live rows with Status.UNAVAILABLE and frees the runtime. Safe after a failed load."""


def _collect(
    outcomes: dict[int, Outcome],
    rows: int,
    done: asyncio.Future[None],
    deltas: Sequence[Delta],
    ended: Sequence[Ended],
) -> None:
    """The listener of `generate`."""
    outcomes.update(ended)
    if len(outcomes) == rows and not done.done():
        done.set_result(None)
