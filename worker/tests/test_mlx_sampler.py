"""The sampler of one row on MLX draws from the distribution that was asked for, and from nobody else's noise."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from backends.backend import Sampling
from backends.mlx import sampler
from models import openblas

pytestmark = pytest.mark.mlx

VOCABULARY = 30
DRAWS = 2000
dice = random.Random(1)
LOGITS = [dice.gauss(0, 2) for _ in range(VOCABULARY)]


@pytest.fixture(scope="module")
def mx() -> Any:
    if openblas.is_needed():
        openblas.load(print)  # or no test after these could
    import mlx.core

    return mlx.core


def expected(sampling: Sampling) -> list[float]:
    """Temperature, then top_k, then the likeliest tokens up to the one with which they hold top_p."""
    weights = {token: math.exp(logit / sampling.temperature) for token, logit in enumerate(LOGITS)}
    likeliest = sorted(weights, key=lambda token: -weights[token])[: sampling.top_k or VOCABULARY]
    total, held, kept = sum(weights[token] for token in likeliest), 0.0, []
    for token in likeliest:
        if held < sampling.top_p * total:
            kept.append(token)
        held += weights[token]
    total = sum(weights[token] for token in kept)
    return [weights[token] / total if token in kept else 0.0 for token in range(VOCABULARY)]


def draw(mx: Any, sampling: Sampling, draws: int) -> list[int]:
    sample, logits = sampler(mx, sampling), mx.array([LOGITS])
    logprobs = logits - mx.logsumexp(logits)
    tokens = [sample(logprobs) for _ in range(draws)]
    assert tokens[0].shape == (1,)
    return [int(token.item()) for token in tokens]


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(1.0),
        Sampling(0.6, top_p=0.8),
        Sampling(1.5, top_k=5),
        Sampling(1.5, 0.7, 12),
        Sampling(2.0, 0.5),
        Sampling(1.0, top_k=1),
        Sampling(1.0, top_p=1e-9),
        Sampling(1.0, top_k=10**6),
    ],
)
def test_tokens_come_as_often_as_asked_for(mx: Any, sampling: Sampling) -> None:
    tokens = draw(mx, Sampling(sampling.temperature, sampling.top_p, sampling.top_k, seed=11), DRAWS)
    for token, share in enumerate(expected(sampling)):
        count = tokens.count(token)
        assert (share == 0) <= (count == 0)
        assert abs(count / DRAWS - share) < 5 * math.sqrt(share * (1 - share) / DRAWS) + 1e-9


def test_a_seed_gives_one_sequence_whatever_mlx_draws_besides(mx: Any) -> None:
    alone = draw(mx, Sampling(1.0, seed=2**32 - 1), 50)
    mx.random.seed(5)
    mx.eval(mx.random.normal((10,)))
    assert draw(mx, Sampling(1.0, seed=2**32 - 1), 50) == alone


def test_other_seeds_and_no_seed_give_others(mx: Any) -> None:
    sequences = [tuple(draw(mx, Sampling(1.0, seed=seed), 50)) for seed in (0, 1, 2, None, None)]
    assert len(set(sequences)) == len(sequences)
