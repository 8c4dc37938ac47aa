"""Starts real worker processes for tests and ends each by its pid."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncIterator

import pytest

import config as settings_table
from running import WORKER, Start, WorkerProcess

# Where the packages of a real runtime are alone, what makes certificates may be missing.
collect_ignore = [] if importlib.util.find_spec("trustme") else ["test_tls.py"]

START_SECONDS = 180.0  # a model has to load on a busy machine


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselects the tests of runtimes that are not installed here."""
    packages = {"openvino": "openvino_genai", "mlx": "mlx_lm", "vllm": "vllm"}
    absent = {marker for marker, package in packages.items() if importlib.util.find_spec(package) is None}
    left_out = [item for item in items if any(item.get_closest_marker(marker) for marker in absent)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """`await start(WORKER_BACKEND="sim", ...)`: a worker on a free port that is ready, or has ended (no `line`)."""
    workers: list[WorkerProcess] = []

    async def start_worker(
        *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, until_ready: bool = True, **settings: str
    ) -> WorkerProcess:
        own = {setting.name for setting in settings_table.TABLE}
        environment = {name: value for name, value in os.environ.items() if name not in own}
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(WORKER),
            *arguments,
            env={**environment, "WORKER_PORT": "0", **settings},
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        worker = WorkerProcess(process)
        workers.append(worker)
        assert process.stdout is not None
        if until_ready:
            worker.line = (await asyncio.wait_for(process.stdout.readline(), START_SECONDS)).decode()
        return worker

    yield start_worker
    for worker in workers:
        if worker.channel:
            await worker.channel.close()
        await worker.end()
        await worker.reader
