"""What the server asks of a model runtime, whichever it is.

All times are seconds of `time.perf_counter()`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum


class Status(str, Enum):
    """How a row can fail; the values are the wire's own."""

    RUNTIME_ERROR = "worker_runtime_error"
    TIMEOUT = "worker_timeout"
    UNAVAILABLE = "worker_unavailable"
    CANCELLED = "worker_cancelled"
    RESOURCE_EXHAUSTED = "worker_resource_exhausted"
    INTERNAL_ERROR = "worker_internal_error"


@dataclass(frozen=True)
class Row:
    """One sequence of a batch: a prompt that is not empty, and at least one token to generate."""

    prompt: str
    max_tokens: int
    deadline: float | None = None  # when it passes, this row ends with Status.TIMEOUT and the others go on


@dataclass(frozen=True)
class Answer:
    """Token counts are the model tokenizer's; `output_tokens` leaves out the token that stopped the answer."""

    text: str
    input_tokens: int
    output_tokens: int
    first_token_at: float
    last_token_at: float


@dataclass(frozen=True)
class Failure:
    status: Status
    message: str  # says what happened; never holds text of the prompt or the answer


Outcome = Answer | Failure


@dataclass(frozen=True)
class Info:
    backend: str
    model: str
    simulated: bool

    def __str__(self) -> str:
        return f"backend={self.backend} model={self.model}" + (" simulated" if self.simulated else "")


@dataclass(frozen=True)
class StepStats:
    """Decode steps since the start; `row_steps / steps` is the mean number of rows that ran together."""

    steps: int
    row_steps: int
    largest: int


class LoadError(Exception):
    """The backend can't start; the text is one line for the user."""


REQUIREMENTS = {
    "mlx": "requirements.txt",
    "vllm": "requirements-vllm.txt",
    "openvino": "requirements-openvino.txt",
    "sim": "requirements-dev.txt",
}


def missing_package(error: ImportError, backend: str) -> LoadError:
    """The LoadError for a package that is not installed, or not whole."""
    return LoadError(
        f"backend {backend} could not import a package it needs ({error}): "
        f"install its packages with `pip install -r worker/{REQUIREMENTS[backend]}`"
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

    @abstractmethod
    async def load(self) -> None:
        """Makes the model ready. Raises LoadError."""

    @abstractmethod
    async def generate(self, rows: Sequence[Row]) -> list[Outcome]:
        """Submits all rows to the runtime together and gives their outcomes in order when the last has ended.

        Calls may overlap: their rows share the running batch. Decoding is greedy. Cancelling the call ends its
        rows at the runtime. Never raises for a row or a dead runtime: these are Failures.
        """

    @abstractmethod
    async def died(self) -> str:
        """Waits until the backend can never answer again, and says why."""

    @abstractmethod
    def step_stats(self) -> StepStats: ...

    @abstractmethod
    async def close(self) -> None:
        """Ends live rows with Status.UNAVAILABLE and frees the runtime. Safe after a failed load."""
