"""What the OpenVINO runtime does around the pipeline; needs no OpenVINO."""

from __future__ import annotations

import time

import pytest

from backends import openvino


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
