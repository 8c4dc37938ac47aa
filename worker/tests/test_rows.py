"""What a request's settings become."""

from __future__ import annotations

import struct

import pytest

from backends.backend import Row
from rows import row_of
from wire import pb2


def row(**fields: object) -> Row:
    request = pb2.WorkerGenerateRequest(prompt="hello")
    for name, value in fields.items():
        setattr(request, name, value)
    made = row_of(request, 0.0, 128, False)
    assert isinstance(made, Row)
    return made


@pytest.mark.parametrize("temperature", [5e-324, 1e-40, 1e-9, -0.0])
def test_a_temperature_too_small_to_divide_by_is_greedy(temperature: float) -> None:
    assert row(temperature=temperature).sampling.temperature == 0


@pytest.mark.parametrize("top_p", [5e-324, 1e-300, 1e-9])
def test_top_p_stays_above_zero_in_single_precision(top_p: float) -> None:
    made = row(temperature=1.0, top_p=top_p).sampling.top_p
    (single,) = struct.unpack("f", struct.pack("f", made))
    assert 0 < single < 1e-5


def test_settings_that_are_absent_have_no_effect_and_seed_0_is_a_seed() -> None:
    plain = row()
    assert (plain.max_tokens, plain.deadline, plain.stop, plain.stream) == (128, None, (), False)
    assert (plain.sampling.temperature, plain.sampling.top_p, plain.sampling.top_k) == (0.0, 1.0, 0)
    assert (plain.sampling.seed, row(seed=0).sampling.seed) == (None, 0)
