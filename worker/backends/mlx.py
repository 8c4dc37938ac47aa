"""mlx-lm's batch generator: Metal on Apple silicon, OpenBLAS on Linux CPUs.

Written for the mlx-lm release that requirements.txt pins; its API drifts.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from backends.backend import FinishReason, Info, LoadError, Prompt, Sampling, TokenIds, missing_package
from backends.chat_template import ChatTemplate, Turns
from backends.runtime import NewRow, Runtime, Stepped, known_tokens
from backends.step_loop import StepLoop
from config import CHAT_TEMPLATE, MAX_ROWS, MLX_OPENBLAS, Settings, model_id
from logs import event
from models import openblas, smollm2
from models.cache import ModelError
from models.context import UNKNOWN

# Prompts that are prefilled side by side. More makes a group's first token come sooner together; every prompt is
# padded to the longest of its group.
PREFILL_ROWS = 32

# Most prompt tokens in one step, all rows together, as far as each still gets PREFILL_ROW_TOKENS: between two such
# pieces the rows that decode get their step, and what has been cancelled leaves.
PREFILL_TOKENS = 256
PREFILL_ROW_TOKENS = 64


class MlxRuntime(Runtime):
    def __init__(self, model: str, template_prompts: bool, max_rows: int, use_openblas: bool) -> None:
        self._model = model
        self._template_prompts = template_prompts
        self._max_rows = max_rows
        self._use_openblas = use_openblas
        self._uids: dict[int, int] = {}  # the generator's number of each running row
        self._numbers: dict[int, int] = {}  # the reverse of the map above
        self._silent: set[int] = set()  # generator's numbers of the rows that have no token yet

    def load(self) -> None:
        self._import()
        path = self._locate()
        self._network, self._tokenizer, config = self._load_model(path, return_config=True)
        # Some configurations keep the text model's part apart.
        text_config = config.get("text_config", config)
        self.context = int(text_config.get("max_position_embeddings") or UNKNOWN)
        self._vocabulary = int(text_config["vocab_size"])
        self._template = ChatTemplate(
            self._tokenizer.has_chat_template, self._tokenizer.chat_template, self._render, self._template_prompts
        )
        self._stops: Any = self._make_stops([[token] for token in self._tokenizer.eos_token_ids])
        self._no_stops: Any = self._make_stops()
        self._generator: Any = self._make_generator(
            self._network,
            completion_batch_size=self._max_rows,
            prefill_batch_size=min(PREFILL_ROWS, self._max_rows),
        )

    def _import(self) -> None:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            if self._use_openblas and openblas.is_needed():
                openblas.load(lambda text: event(logging.INFO, text))
            import mlx.core
            from mlx_lm import load
            from mlx_lm.generate import BatchGenerator, StopSequences
            from mlx_lm.sample_utils import make_logits_processors
        except ImportError as error:
            raise missing_package(error, "mlx") from error
        except ModelError as error:
            raise LoadError(str(error)) from error
        self._mx, self._load_model = mlx.core, load
        self._make_generator, self._make_stops = BatchGenerator, StopSequences
        self._make_penalties = make_logits_processors

    def _locate(self) -> str:
        if self._model != smollm2.NAME:
            if self._model.startswith((".", "/", "~")) and not Path(self._model).expanduser().is_dir():
                raise LoadError(f'MODEL_ID must be a folder that exists, or a hub id, got "{self._model}"')
            return str(Path(self._model).expanduser()) if self._model.startswith("~") else self._model
        try:
            return str(smollm2.locate("hf", lambda text: event(logging.INFO, text)))
        except ModelError as error:
            raise LoadError(str(error)) from error

    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        if isinstance(prompt, TokenIds):
            return known_tokens(prompt, self._vocabulary)
        text, add_special = self._template.text(prompt, raw)
        return list(self._tokenizer.encode(text, add_special_tokens=add_special))

    def _render(self, turns: Turns) -> str:
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def decode(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def add(self, rows: Sequence[NewRow]) -> None:
        uids = self._generator.insert(
            [row.prompt for row in rows],
            max_tokens=[row.max_tokens for row in rows],
            # None is the generator's own greedy sampler: a batch that shares it is sampled in one go.
            samplers=[sampler(self._mx, row.sampling) if row.sampling.temperature > 0 else None for row in rows],
            logits_processors=[self._processors(row) for row in rows],
            stop_sequences=[self._no_stops if row.ignore_eos else self._stops for row in rows],
        )
        for row, uid in zip(rows, uids, strict=True):
            self._uids[row.number] = uid
            self._numbers[uid] = row.number
            self._silent.add(uid)

    def _processors(self, row: NewRow) -> list[Callable[[Any, Any], Any]]:
        """What changes a row's logits before a token is chosen; empty for most, and then it costs nothing.

        The generator gives them the tokens of the prompt and of the answer so far.
        """
        prompt, sampling = len(row.prompt), row.sampling
        size = prompt + row.max_tokens  # all tokens count, however far back
        made: list[Callable[[Any, Any], Any]] = []
        if sampling.repetition_penalty != 1:
            made += self._make_penalties(repetition_penalty=sampling.repetition_penalty, repetition_context_size=size)
        answered = self._make_penalties(
            presence_penalty=sampling.presence_penalty,
            presence_context_size=size,
            frequency_penalty=sampling.frequency_penalty,
            frequency_context_size=size,
        )
        made += [_of_the_answer(processor, prompt) for processor in answered]
        if row.min_tokens and not row.ignore_eos:
            ends = self._mx.array(sorted(self._tokenizer.eos_token_ids))
            made.append(_no_end(self._mx, ends, prompt + row.min_tokens))
        return made

    def remove(self, numbers: Sequence[int]) -> None:
        uids = [self._uids.pop(number) for number in numbers]
        for uid in uids:
            del self._numbers[uid]
        self._silent.difference_update(uids)
        self._generator.remove(uids)

    def step(self) -> list[Stepped]:
        prefilling = max(1, min(len(self._silent), PREFILL_ROWS))
        self._generator.prefill_step_size = max(PREFILL_ROW_TOKENS, PREFILL_TOKENS // prefilling)
        _, responses = self._generator.next()
        stepped = []
        for response in responses:
            self._silent.discard(response.uid)
            number = self._numbers[response.uid]
            finish = response.finish_reason and FinishReason(response.finish_reason)
            stepped.append(Stepped(number, () if finish is FinishReason.STOP else (response.token,), finish))
            if finish:
                del self._numbers[response.uid], self._uids[number]
        return stepped

    def close(self) -> None:
        if hasattr(self, "_generator"):
            self._generator.close()
            del self._generator, self._network
        if hasattr(self, "_mx"):
            # Else the process aborts at its exit.
            self._mx.synchronize()
            self._mx.clear_streams()


def _of_the_answer(processor: Callable[[Any, Any], Any], prompt: int) -> Callable[[Any, Any], Any]:
    """Shows a processor the tokens after the prompt alone."""
    return lambda tokens, logits: processor(tokens[prompt:], logits)


def _no_end(mx: Any, ends: Any, until: int) -> Callable[[Any, Any], Any]:
    """Keeps the model from its end tokens until there are so many tokens, the prompt's among them."""

    def process(tokens: Any, logits: Any) -> Any:
        if len(tokens) < until:
            logits[:, ends] = -mx.inf
        return logits

    return process


def sampler(mx: Any, sampling: Sampling) -> Callable[[Any], Any]:
    """Samples one row's tokens, one a call: log-probabilities of shape (1, vocabulary) to tokens of shape (1,).

    Temperature comes first, then top_k, then top_p. MLX's own random state is shared by all rows, and so is that of
    mlx-lm's samplers. Here a token's noise is a function of the seed and the token's place in its answer alone, so who
    else is in the batch changes nothing.
    """
    seed = random.getrandbits(32) if sampling.seed is None else sampling.seed
    place = 0

    def sample(logprobs: Any) -> Any:
        nonlocal place
        scaled = logprobs.astype(mx.float32) / sampling.temperature
        candidates = scaled
        if 0 < sampling.top_k < scaled.shape[-1]:
            candidates = mx.topk(scaled, sampling.top_k)
            scaled = mx.where(scaled < candidates.min(-1, keepdims=True), -mx.inf, scaled)
        if sampling.top_p < 1:
            # Dropped are those that together with all less likely ones hold no more than 1 - top_p.
            rising = mx.sort(candidates)
            dropped = mx.cumsum(mx.softmax(rising, -1), -1) <= 1 - sampling.top_p
            least = mx.where(dropped, mx.inf, rising).min(-1, keepdims=True)
            # The likeliest stays, however small top_p is.
            scaled = mx.where(scaled < mx.minimum(least, rising[:, -1:]), -mx.inf, scaled)
        key = mx.random.key(place << 32 | seed)  # threefry: unlike keys give unrelated numbers
        place += 1
        return mx.random.categorical(scaled, key=key)

    return sample


def make(settings: Settings) -> StepLoop:
    model = model_id(settings)
    runtime = MlxRuntime(model, settings[CHAT_TEMPLATE], settings[MAX_ROWS], settings[MLX_OPENBLAS])
    return StepLoop(Info("mlx", model, simulated=False), runtime, settings[MAX_ROWS])
