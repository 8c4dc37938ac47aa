"""Tokens a second over a session of a worker that runs: gRPC and the worker, no engine.

Keeps so many streamed sequences running for some seconds, each of the same length, and replaces what has ended in one
submit a step. With the null profile (`WORKER_BACKEND=sim SIM_PROFILE=null`) it measures the session itself. Prints one
JSON object on stdout. The client is Python too and takes about as much of a core as the worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from pathlib import Path

if __name__ == "__main__":  # run as a script: the worker's folder is not on the path yet
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import grpc

from wire import pb2, pb2_grpc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", default="127.0.0.1:50071")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    result = asyncio.run(measure(arguments.address, arguments.rows, arguments.max_tokens, arguments.seconds))
    print(json.dumps(result, indent=1))


async def measure(address: str, rows: int, max_tokens: int, seconds: float) -> dict[str, object]:
    """Counts from the first step on. Raises RuntimeError for a sequence that fails."""
    tokens = deltas = messages = ended = submitted = 0
    started = end = 0.0
    async with grpc.aio.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        call = pb2_grpc.WorkerStub(channel).Session()

        async def submit(count: int) -> None:
            nonlocal submitted
            group = pb2.WorkerSubmit()
            for _ in range(count):
                submitted += 1
                request = pb2.WorkerGenerateRequest(
                    prompt=f"Write a story about {submitted}.", max_tokens=max_tokens, ignore_eos=True
                )
                group.sequences.add(sequence=submitted, stream=True, request=request)
            await call.write(pb2.WorkerCommand(submit=group))

        await submit(rows)
        hello = pb2.WorkerHello()
        async for event in call:
            if event.HasField("hello"):
                hello = event.hello
            if not event.HasField("step"):
                continue
            now = time.perf_counter()
            if not started:
                started = now
            elif now > started + seconds:
                end = now
                break
            messages += 1
            deltas += len(event.step.deltas)
            tokens += sum(delta.tokens for delta in event.step.deltas)
            for result in event.step.results:
                if result.reply.status != "ok":
                    raise RuntimeError(f"a sequence failed: {result.reply.status} {result.reply.error_message}")
            if event.step.results:
                ended += len(event.step.results)
                await submit(len(event.step.results))
        call.cancel()
    return {
        "backend": hello.backend,
        "model": hello.model,
        "simulated": hello.simulated,
        "rows": rows,
        "max_tokens": max_tokens,
        "output_tokens_per_second": tokens / (end - started),
        "messages_per_second": messages / (end - started),
        "tokens_per_delta": tokens / max(1, deltas),
        "sequences_ended": ended,
        "seconds": end - started,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "cpus": os.cpu_count(),
    }


if __name__ == "__main__":
    main()
