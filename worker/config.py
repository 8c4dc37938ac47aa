"""The worker's settings: one table that names, checks, documents and holds the default of each.

Every setting comes from the environment variable of its own name; an empty variable counts as unset.
`read` collects every wrong value before it gives up, so a user sees all of them at once.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

T = TypeVar("T")

# What is known of each backend; the engine reads the file too, and says there what each field means
# (src/config/backends.ts). A backend without a default model has none: `sim` shows its profile's name instead.
BACKENDS: Mapping[str, Mapping[str, Any]] = json.loads(
    (Path(__file__).parent / "backends.json").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Setting(Generic[T]):
    """One environment variable. `parse` raises ValueError for a text that breaks `rule`."""

    name: str
    rule: str
    parse: Callable[[str], T]
    default: T
    help: str


class SettingsError(Exception):
    """At least one setting is wrong; `problems` has one line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Settings:
    """Checked values: `settings[PORT]` is an int because PORT is a Setting[int]."""

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values

    def __getitem__(self, setting: Setting[T]) -> T:
        return cast(T, self._values[setting.name])


# The table holds settings of several types; `Settings.__getitem__` gives each its own type back.
TABLE: list[Setting[Any]] = []


def _add(setting: Setting[T]) -> Setting[T]:
    TABLE.append(setting)
    return setting


def _whole(name: str, low: int, high: int, default: int, help: str) -> Setting[int]:
    return _add(Setting(name, _whole_rule(low, high), _whole_parser(low, high), default, help))


def _optional_whole(name: str, low: int, high: int, help: str) -> Setting[int | None]:
    return _add(Setting(name, _whole_rule(low, high), _whole_parser(low, high), None, help))


def _whole_rule(low: int, high: int) -> str:
    return f"must be a whole number from {low} to {high}"


def _whole_parser(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # int() also takes "1_000", " 5 " and other scripts' digits, which a reader of the value may not expect.
        if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return parse


def _share(name: str, default: float | None, help: str) -> Setting[float | None]:
    def parse(text: str) -> float:
        value = float(text)
        if not 0 < value <= 1:
            raise ValueError
        return value

    return _add(Setting(name, "must be a number above 0 and up to 1", parse, default, help))


def _flag(name: str, default: bool, help: str) -> Setting[bool]:
    def parse(text: str) -> bool:
        return {"1": True, "true": True, "0": False, "false": False}[text.lower()]

    return _add(Setting(name, "must be 1 (true) or 0 (false)", parse, default, help))


def _choice(
    name: str, choices: tuple[str, ...], default: str, help: str, fold: Callable[[str], str] = str.lower
) -> Setting[str]:
    def parse(text: str) -> str:
        if fold(text) not in choices:
            raise ValueError
        return fold(text)

    return _add(Setting(name, f"must be one of {', '.join(choices)}", parse, default, help))


def _text(name: str, default: str, help: str) -> Setting[str]:
    return _add(Setting(name, "may be any text", str, default, help))


def _path(name: str, help: str) -> Setting[str]:
    return _add(Setting(name, "must be the path of a file", str, "", help))


BACKEND = _choice(
    "WORKER_BACKEND", tuple(BACKENDS), "mlx", "What runs the model; `sim` runs none and simulates its times."
)
HOST = _text("WORKER_HOST", "127.0.0.1", "Address to listen on.")
PORT = _whole("WORKER_PORT", 0, 65535, 50071, "Port to listen on; 0 takes a free one, shown in the line on stdout.")
TLS_CERT = _path("WORKER_TLS_CERT", "The port's certificate chain (PEM); with WORKER_TLS_KEY it speaks TLS alone.")
TLS_KEY = _path("WORKER_TLS_KEY", "The private key (PEM, no passphrase) of WORKER_TLS_CERT.")
TLS_CLIENT_CA = _path("WORKER_TLS_CLIENT_CA", "Certificates (PEM); clients have to show one that these have signed.")
MODEL_ID = _text(
    "MODEL_ID",
    "",
    "A model hub id, a local folder or file, or the built-in smollm2-135m. Unset: "
    + ", ".join(f"{facts['defaultModel']} ({name})" for name, facts in BACKENDS.items() if "defaultModel" in facts)
    + ".",
)
CHAT_TEMPLATE = _flag(
    "WORKER_CHAT_TEMPLATE",
    True,
    "Put each prompt into the tokenizer's chat template, if it has one. Messages always are, raw prompts never.",
)
DEFAULT_MAX_TOKENS = _whole(
    "WORKER_DEFAULT_MAX_TOKENS", 1, 1_000_000, 128, "Answer length for a request whose max_tokens is 0."
)
MAX_ROWS = _whole("WORKER_MAX_ROWS", 1, 4096, 256, "Most sequences that run at once; the rest wait.")
SIM_PROFILE = _text("SIM_PROFILE", "a40", "Timing profile of the sim backend: a40, null, fixed20 or a path.")
MLX_OPENBLAS = _flag(
    "MLX_OPENBLAS", True, "On Linux CPUs load OpenBLAS under MLX; without it MLX is 26 to 60 times slower."
)
SESSION = _flag("WORKER_SESSION", True, "Offer the Session call; 0 is for measuring and testing the fixed RPCs.")
EXIT_ON_STDIN_CLOSE = _flag(
    "WORKER_EXIT_ON_STDIN_CLOSE", False, "End when stdin reaches its end, and leave Ctrl-C to the parent process."
)
LOG_LEVEL = _choice("WORKER_LOG_LEVEL", ("debug", "info", "warning", "error"), "info", "Least severe log line shown.")
DEBUG_BATCH_LOGGING = _flag(
    "WORKER_DEBUG_BATCH_LOGGING", False, "Log rows, token counts and times of each batch; never its text."
)

VLLM_TENSOR_PARALLEL_SIZE = _whole("VLLM_TENSOR_PARALLEL_SIZE", 1, 1024, 1, "GPUs that one model is split over.")
VLLM_GPU_MEMORY_UTILIZATION = _share(
    "VLLM_GPU_MEMORY_UTILIZATION", None, "Share of the GPU's memory that vLLM may take. Unset: vLLM's own."
)
VLLM_MAX_MODEL_LEN = _optional_whole(
    "VLLM_MAX_MODEL_LEN", 1, 100_000_000, "Most tokens of prompt and answer. Unset: the model's own."
)
VLLM_TRUST_REMOTE_CODE = _flag("VLLM_TRUST_REMOTE_CODE", False, "Run Python code that comes with the model.")
VLLM_ENFORCE_EAGER = _flag("VLLM_ENFORCE_EAGER", False, "No CUDA graphs: less memory, slower steps.")
VLLM_ENABLE_PREFIX_CACHING = _flag("VLLM_ENABLE_PREFIX_CACHING", True, "Reuse the KV cache of equal prompt starts.")
VLLM_DTYPE = _choice(
    "VLLM_DTYPE",
    ("auto", "half", "float16", "bfloat16", "float", "float32"),
    "auto",
    "Type of weights and activations; auto follows the model (bfloat16 for the built-in model).",
)
VLLM_QUANTIZATION = _add(
    Setting("VLLM_QUANTIZATION", "may be any text", str.lower, "", "Method such as awq. Unset: what the model says.")
)
VLLM_MAX_NUM_SEQS = _optional_whole(
    "VLLM_MAX_NUM_SEQS", 1, 65536, "Most sequences in one vLLM step. Unset: WORKER_MAX_ROWS."
)
VLLM_MAX_NUM_BATCHED_TOKENS = _optional_whole(
    "VLLM_MAX_NUM_BATCHED_TOKENS", 1, 10_000_000, "Most tokens in one vLLM step. Unset: vLLM's own, on a CPU 512."
)
VLLM_OTLP_TRACES_ENDPOINT = _text(
    "VLLM_OTLP_TRACES_ENDPOINT",
    "",
    "Where vLLM sends its spans (OTLP), as part of the engine's traces, such as http://127.0.0.1:4317. Unset: nowhere.",
)


def read(environment: Mapping[str, str] = os.environ) -> Settings:
    """Checks every setting. Raises SettingsError with a line for each wrong one."""
    values: dict[str, object] = {}
    problems: list[str] = []
    for setting in TABLE:
        text = environment.get(setting.name, "")
        try:
            values[setting.name] = setting.parse(text) if text else setting.default
        except (ValueError, KeyError):
            problems.append(f'{setting.name} {setting.rule}, got "{text}"')
    if problems:
        raise SettingsError(problems)
    return Settings(values)


def model_id(settings: Settings) -> str:
    """MODEL_ID, or the backend's default model."""
    return settings[MODEL_ID] or BACKENDS[settings[BACKEND]].get("defaultModel", "")


def help_text() -> str:
    """What `worker.py --help` prints: every setting with its rule, default and meaning."""
    lines = ["Omnispan worker: serves one model over gRPC. Settings come from the environment:", ""]
    for setting in TABLE:
        default = {None: "unset", "": "unset", True: "1", False: "0"}.get(setting.default, setting.default)
        lines += [f"{setting.name} ({setting.rule.removeprefix('must be ')}; default {default})", f"    {setting.help}"]
    return "\n".join(lines)
