"""Tokens a second of a backend in its own process: no gRPC, no engine.

Each round submits all rows together and waits for the last, as a full batch of the engine does; with --stream the
rows give their tokens as they come, as they do to streaming clients. The settings are the worker's own (`python
worker/worker.py --help`); prints one JSON object on stdout.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # run as a script: the worker's folder is not on the path yet
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import config
from backends.backend import Answer, Backend, LoadError, Outcome, Row

PROMPT = "Write a short story about the number {}."


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=config.BACKENDS, required=True)
    parser.add_argument("--model", default="", help="as MODEL_ID; SIM_PROFILE for sim")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompts-file", type=Path, help="JSON list of strings, taken in turn")
    parser.add_argument("--stream", action="store_true", help="with the tokens as they come")
    arguments = parser.parse_args()
    model_setting = "SIM_PROFILE" if arguments.backend == "sim" else "MODEL_ID"
    environment = {**os.environ, "WORKER_BACKEND": arguments.backend, model_setting: arguments.model}
    stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what runtimes print
    try:
        prompts = [PROMPT.format(number) for number in range(arguments.rows)]
        if arguments.prompts_file:
            prompts = json.loads(arguments.prompts_file.read_text(encoding="utf-8"))
        rows = [
            Row(prompts[number % len(prompts)], arguments.max_tokens, stream=arguments.stream)
            for number in range(arguments.rows)
        ]
        result = asyncio.run(measure(config.read(environment), rows, arguments.rounds))
    except (config.SettingsError, LoadError) as error:
        print(f"direct_bench: {error}", file=sys.stderr)
        return 1
    print(json.dumps({**result, "rows": arguments.rows, "max_tokens": arguments.max_tokens}, indent=1), file=stdout)
    return 0


async def measure(settings: config.Settings, rows: list[Row], rounds: int) -> dict[str, object]:
    """Runs a round that does not count, then `rounds` that do. Raises SettingsError or LoadError."""
    backend: Backend = importlib.import_module(f"backends.{settings[config.BACKEND]}").make(settings)
    started = time.perf_counter()
    try:
        await backend.load()
        load_seconds = time.perf_counter() - started
        await backend.generate(rows)
        before = backend.step_stats()
        samples = [await _round(backend, rows) for _ in range(rounds)]
        after = backend.step_stats()
    finally:
        await backend.close()
    return {
        "backend": backend.info.backend,
        "model": backend.info.model,
        "simulated": backend.info.simulated,
        "load_seconds": load_seconds,
        "output_tokens_per_second": sum(tokens for tokens, _ in samples) / sum(seconds for _, seconds in samples),
        "median_round_tokens_per_second": statistics.median(tokens / seconds for tokens, seconds in samples),
        "mean_rows_per_step": (after.row_steps - before.row_steps) / max(1, after.steps - before.steps),
        "rounds": [{"output_tokens": tokens, "seconds": seconds} for tokens, seconds in samples],
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
    }


async def _round(backend: Backend, rows: list[Row]) -> tuple[int, float]:
    started = time.perf_counter()
    outcomes: list[Outcome] = await backend.generate(rows)
    seconds = time.perf_counter() - started
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Answer)]
    if failed:
        raise LoadError(f"{len(failed)} of {len(rows)} rows failed, the first with: {failed[0].message}")
    return sum(outcome.output_tokens for outcome in outcomes if isinstance(outcome, Answer)), seconds


if __name__ == "__main__":
    sys.exit(main())
