"""What the OpenVINO runtime does around the pipeline."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends import openvino
from models import smollm2
from running import FRANCE, Start
from wire import pb2


def test_a_long_step_leaves_the_other_threads_time_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    class Pipeline:
        took = 0.0

        def step(self) -> None:
            end = time.perf_counter() + self.took
            while time.perf_counter() < end:
                pass

    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    runtime = openvino.OpenVinoRuntime("model", True, 4)
    runtime._pipeline = Pipeline()
    runtime.step()
    runtime._pipeline.took = 0.3
    runtime.step()
    assert pauses[0] < 0.001
    assert 0.003 <= pauses[1] < 0.03


@pytest.fixture
def read_only_model(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "model.gguf"
    shutil.copyfile(smollm2.locate("gguf", lambda _: None), file)
    file.chmod(0o444)
    chattr = shutil.which("chattr") if os.access(file, os.W_OK) else None  # root may write all but such files
    if chattr:
        subprocess.run([chattr, "+i", str(file)], check=False)
    if os.access(file, os.W_OK):
        pytest.skip("no file here is read-only for this user")
    yield file
    if chattr:
        subprocess.run([chattr, "-i", str(file)], check=True)


@pytest.mark.openvino
async def test_a_gguf_that_may_not_be_written_is_served_from_a_copy(
    start: Start, tmp_path: Path, read_only_model: Path
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    worker = await start(WORKER_BACKEND="openvino", MODEL_ID=str(read_only_model), TMPDIR=str(copies))
    assert worker.line, await worker.stderr()
    reply = await worker.stub.Generate(pb2.WorkerGenerateRequest(prompt=FRANCE, max_tokens=8), timeout=120)
    assert reply.status == "ok"
    assert list(copies.iterdir()) == []
    assert await worker.end() == 0
