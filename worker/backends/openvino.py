"""OpenVINO GenAI's continuous batching pipeline on the CPU. It reads a GGUF file as it is, or an OpenVINO folder."""

from __future__ import annotations

import logging
import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backends.backend import FinishReason, Info, LoadError, Prompt, Sampling, TokenIds, missing_package
from backends.chat_template import ChatTemplate, Turns
from backends.runtime import NewRow, PromptError, Runtime, Stepped, known_tokens
from backends.step_loop import StepLoop
from config import CHAT_TEMPLATE, MAX_ROWS, Settings, model_id
from logs import event
from models import smollm2
from models.cache import ModelError
from models.context import context_length

# Most prompt and decode tokens in one step. Prompts are cut into such pieces, so a long one does not stop the others'
# decoding for long.
STEP_TOKENS = 256

# `step` keeps the GIL from start to end. Without a pause after it the event loop gets a turn only every few steps, and
# a health check or a new request waits five times as long. A message takes several turns of several threads, so the
# pause grows with the step: a long prompt's may take a second, and a few of these without a load report look like a
# hang.
GIL_PAUSE_SECONDS = 0.00005
GIL_PAUSE_SHARE = 0.01  # share of a step's time
SEED_BITS = 32


class OpenVinoRuntime(Runtime):
    def __init__(self, model: str, template_prompts: bool, max_rows: int) -> None:
        self._model = model
        self._template_prompts = template_prompts
        self._max_rows = max_rows
        self.prefill_tokens = max(STEP_TOKENS, max_rows)
        self._handles: dict[int, Any] = {}  # openvino_genai.GenerationHandle of each running row

    def load(self) -> None:
        try:
            import numpy
            import openvino
            import openvino_genai
        except ImportError as error:
            raise missing_package(error, "openvino") from error
        self._numpy, self._openvino, self._genai = numpy, openvino, openvino_genai
        path = self._locate()
        scheduler = openvino_genai.SchedulerConfig()
        scheduler.max_num_seqs = self._max_rows
        scheduler.max_num_batched_tokens = self.prefill_tokens
        with _writable(path) as file:
            self._pipeline: Any = openvino_genai.ContinuousBatchingPipeline(str(file), scheduler, "CPU")
        self._tokenizer: Any = self._pipeline.get_tokenizer()
        source = self._tokenizer.chat_template
        self._template = ChatTemplate(bool(source), source, self._render, self._template_prompts)
        config = self._pipeline.get_config()
        stops = {config.eos_token_id, self._tokenizer.get_eos_token_id(), *config.stop_token_ids}
        self._stops = {token for token in stops if token >= 0}
        self._vocabulary = len(self._tokenizer.get_vocab())
        self.context = context_length(path)

    def _locate(self) -> Path:
        if self._model == smollm2.NAME:
            try:
                return smollm2.locate("gguf", lambda text: event(logging.INFO, text))
            except ModelError as error:
                raise LoadError(str(error)) from error
        path = Path(self._model).expanduser()
        if not (path.suffix == ".gguf" and path.is_file()) and not (path / "openvino_model.xml").is_file():
            raise LoadError(
                f"MODEL_ID must be {smollm2.NAME}, a .gguf file or a folder with openvino_model.xml for backend "
                f'openvino, got "{self._model}"'
            )
        return path

    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        if isinstance(prompt, TokenIds):
            return known_tokens(prompt, self._vocabulary)
        text, add_special = self._template.text(prompt, raw)
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=add_special).input_ids.data[0].tolist()
        if len(tokens) >= self.context:  # the tokenizer cuts what is longer, so the true count is not known
            raise PromptError(
                f"the prompt must leave room for an answer in the model's context of {self.context} tokens, "
                f"got {len(tokens)} or more"
            )
        return tokens

    def _render(self, turns: Turns) -> str:
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True))

    def decode(self, tokens: list[int]) -> str:
        return str(self._tokenizer.decode(tokens)) if tokens else ""

    def decode_all(self, rows: list[list[int]]) -> list[str]:
        # One call for 32 rows takes 0.07 ms, 32 calls take 1.3 ms.
        return list(self._tokenizer.decode(rows))

    def add(self, rows: Sequence[NewRow]) -> None:
        added: dict[int, Any] = {}
        try:
            for row in rows:
                prompt = self._openvino.Tensor(self._numpy.array([row.prompt], dtype=self._numpy.int64))
                added[row.number] = self._pipeline.add_request(row.number, prompt, self._config(row))
        except Exception:
            for handle in added.values():
                handle.cancel()
            raise
        self._handles.update(added)

    def _config(self, row: NewRow) -> Any:
        config = self._genai.GenerationConfig()
        config.max_new_tokens = row.max_tokens
        config.min_new_tokens = row.min_tokens
        config.apply_chat_template = False  # `encode` has done it
        config.ignore_eos = row.ignore_eos
        if not row.ignore_eos:
            config.stop_token_ids = self._stops
        _sample(config, row.sampling)
        return config

    def remove(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._handles.pop(number).cancel()
        if not self._handles:
            self._pipeline.step()  # no other step comes soon, and only a step frees what they held

    def step(self) -> list[Stepped]:
        started = time.perf_counter()
        self._pipeline.step()
        time.sleep(max(GIL_PAUSE_SECONDS, GIL_PAUSE_SHARE * (time.perf_counter() - started)))
        stepped = [self._read(number, handle) for number, handle in self._handles.items() if handle.can_read()]
        for piece in stepped:
            if piece.finish is not None or piece.error is not None:
                del self._handles[piece.number]
        return stepped

    def _read(self, number: int, handle: Any) -> Stepped:
        tokens: list[int] = []
        finish: FinishReason | None = None
        reasons = self._genai.GenerationFinishReason
        while handle.can_read():
            for output in handle.read().values():  # one sequence: no beams
                tokens += output.generated_ids
                if output.finish_reason == reasons.LENGTH:
                    finish = FinishReason.LENGTH
                elif output.finish_reason == reasons.STOP:
                    finish = FinishReason.STOP
                    if tokens and tokens[-1] in self._stops:
                        tokens.pop()
        # A row that the KV cache has no room for, alone or among the others, is dropped with a read of nothing.
        if finish is None and handle.get_status() == self._genai.GenerationStatus.IGNORED:
            return Stepped(number, tokens, error="the KV cache has no room for it")
        return Stepped(number, tokens, finish)

    def kv_usage(self) -> float:
        # The cache grows as long as there is memory, so its own figure is always near 1.
        metrics = self._pipeline.get_metrics()
        size = metrics.kv_cache_size_in_bytes
        free = _free_memory()
        return float(metrics.cache_usage / 100 * size / (size + free)) if free else 0.0

    def close(self) -> None:
        if self._handles:
            self.remove(list(self._handles))
        # The pipeline goes on the thread that made it.
        if hasattr(self, "_pipeline"):
            del self._tokenizer, self._pipeline


@contextmanager
def _writable(path: Path) -> Iterator[Path]:
    """The path itself, or a copy while OpenVINO loads it: it opens a GGUF for writing, though it only reads it.
    Raises LoadError when there is no room for the copy.
    """
    if not path.is_file() or os.access(path, os.W_OK):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="omnispan-", ignore_cleanup_errors=True) as folder:
        event(logging.INFO, "copying the model, which OpenVINO opens for writing and may not", model=path)
        try:
            copy = Path(shutil.copyfile(path, Path(folder) / path.name))
        except OSError as error:
            raise LoadError(
                f"{path} must be a file that this user may write, for OpenVINO opens it so, or there must be room for "
                f"a copy of it in {tempfile.gettempdir()}: {error}"
            ) from error
        yield copy


def _sample(config: Any, sampling: Sampling) -> None:
    config.frequency_penalty = sampling.frequency_penalty
    config.presence_penalty = sampling.presence_penalty
    config.repetition_penalty = sampling.repetition_penalty
    config.do_sample = sampling.temperature > 0
    if config.do_sample:
        config.temperature = sampling.temperature
        config.top_p = sampling.top_p
        if sampling.top_k:
            config.top_k = sampling.top_k
        # Without a seed of its own each row would draw the same numbers.
        config.rng_seed = random.getrandbits(SEED_BITS) if sampling.seed is None else sampling.seed


def _free_memory() -> int:
    """Bytes; 0 where the system does not report them."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0


def make(settings: Settings) -> StepLoop:
    model = model_id(settings)
    runtime = OpenVinoRuntime(model, settings[CHAT_TEMPLATE], settings[MAX_ROWS])
    return StepLoop(Info("openvino", model, simulated=False), runtime, settings[MAX_ROWS])
