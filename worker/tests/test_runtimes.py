"""What every real runtime promises, on the built-in small model. Runs for the runtimes that are installed."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest
import pytest_asyncio

import config
from backends.backend import (
    Answer,
    Backend,
    Delta,
    Ended,
    Failure,
    FinishReason,
    Message,
    Outcome,
    Row,
    Sampling,
    Status,
    TokenIds,
)
from running import FRANCE, PARIS, RUNTIMES, SETTINGS

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECONDS = 120.0
CITIES = "Paris London Rome Berlin Madrid Cairo Tokyo Delhi Moscow Lima Oslo Vienna Athens Dublin Lisbon Havana".split()
KIND_AND_FRANCE = (  # as the model's template writes it
    f"<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n{FRANCE}<|im_end|>\n<|im_start|>assistant\n"
)
CAPITAL_OF_FRANCE = (504, 3575, 282, 4649, 314)  # the tokens of "The capital of France is"
LONG = "Write a very long story about a fox, a bear and a river."


@pytest.fixture(scope="module", params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def backend(runtime: str) -> AsyncIterator[Backend]:
    settings = config.read({**SETTINGS, "WORKER_BACKEND": runtime})
    loaded: Backend = importlib.import_module(f"backends.{runtime}").make(settings)
    await loaded.load()
    yield loaded
    await loaded.close()


async def generate(backend: Backend, *rows: Row) -> list[Outcome]:
    return await asyncio.wait_for(backend.generate(rows), SECONDS)


async def answers(backend: Backend, *rows: Row) -> list[Answer]:
    outcomes = await generate(backend, *rows)
    assert all(isinstance(outcome, Answer) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Answer)]


class Stream:
    """One streamed row: what came, and at which of the backend's steps."""

    def __init__(self, backend: Backend, row: Row) -> None:
        self.backend = backend
        self.deltas: list[Delta] = []
        self.outcome: Outcome | None = None
        self.ended = asyncio.Event()
        (self.number,) = backend.submit([row], self)

    def __call__(self, deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        for delta in deltas:
            assert delta.token_index == self.tokens
            self.deltas.append(delta)
        for end in ended:
            self.outcome = end.outcome
            self.ended.set()

    @property
    def tokens(self) -> int:
        return sum(delta.tokens for delta in self.deltas)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    async def answer(self) -> Answer:
        await asyncio.wait_for(self.ended.wait(), SECONDS)
        assert isinstance(self.outcome, Answer), self.outcome
        assert self.outcome.text == ""
        assert self.tokens == self.outcome.output_tokens
        return self.outcome

    async def has(self, tokens: int) -> None:
        end = time.monotonic() + SECONDS
        while self.tokens < tokens:
            assert time.monotonic() < end, "waited too long"
            await asyncio.sleep(0.001)


def shared_start(one: str, other: str) -> int:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(1 for _ in same)


async def test_the_model_answers_with_true_token_counts(backend: Backend) -> None:
    (answer,) = await answers(backend, Row(FRANCE, 40))
    assert answer.text == "The capital of France is Paris."
    assert (answer.input_tokens, answer.output_tokens) == (37, 7)  # with the chat template, without the stop token
    assert answer.first_token_at < answer.last_token_at


async def test_the_answer_has_at_most_max_tokens(backend: Backend) -> None:
    for answer, limit in zip(await answers(backend, Row(LONG, 1), Row(LONG, 9)), (1, 9), strict=True):
        assert answer.output_tokens == limit


async def test_the_model_does_not_end_an_answer_before_its_least_length(backend: Backend) -> None:
    # Alone it ends after 7 tokens, and says Paris at the sixth.
    rows = [
        Row(FRANCE, 40, min_tokens=25),
        Row(FRANCE, 40, min_tokens=20, stop=("Paris",)),
        Row(FRANCE, 9, min_tokens=9),
    ]
    longer, unstopped, exact = await answers(backend, *rows)
    assert longer.output_tokens >= 25
    assert unstopped.output_tokens >= 20
    assert exact.output_tokens == 9


@pytest.mark.parametrize(
    "penalty",
    [Sampling(frequency_penalty=2.0), Sampling(presence_penalty=2.0), Sampling(repetition_penalty=2.0)],
    ids=["frequency", "presence", "repetition"],
)
async def test_a_penalty_keeps_the_model_from_saying_the_same_again(backend: Backend, penalty: Sampling) -> None:
    asked = Row("fox, bear, fox, bear, fox, bear,", 40, ignore_eos=True, raw_prompt=True)
    rows = asked, replace(asked, sampling=penalty)
    plain, varied = [answer.text.count("bear") for answer in await answers(backend, *rows)]
    assert plain > 10
    assert varied < plain / 2


async def test_a_prompt_of_tokens_is_the_same_prompt_as_its_text(backend: Backend) -> None:
    text = Row("The capital of France is", 8, raw_prompt=True)
    tokens = replace(text, prompt=TokenIds(CAPITAL_OF_FRANCE))
    (from_text,), (from_tokens,) = await answers(backend, text), await answers(backend, tokens)
    assert from_tokens.input_tokens == from_text.input_tokens == len(CAPITAL_OF_FRANCE)
    assert from_tokens.text == from_text.text


async def test_a_token_that_the_model_does_not_have_is_refused_and_ends_nothing_else(backend: Backend) -> None:
    wrong = [Row(TokenIds((5, token)), 4) for token in (49_152, 2**32 - 1)]
    *refused, fine = await generate(backend, *wrong, Row(FRANCE, 4))
    for outcome, token in zip(refused, ("49152", "4294967295"), strict=True):
        assert isinstance(outcome, Failure)
        assert outcome.bad_request
        assert outcome.message == f"a token id of the prompt must be from 0 to 49151, got {token}"
    assert isinstance(fine, Answer)


async def test_decoding_is_greedy_and_repeatable(backend: Backend) -> None:
    first, second = [(await answers(backend, Row(LONG, 24)))[0].text for _ in range(2)]
    assert first == second


async def test_a_batch_runs_together_and_pays(backend: Backend) -> None:
    rows = [Row(f"Write a long story about {city}.", 24) for city in CITIES[:8]]
    started = time.perf_counter()
    for row in rows:
        await answers(backend, row)
    one_by_one = time.perf_counter() - started
    before = backend.step_stats()
    started = time.perf_counter()
    await answers(backend, *rows)
    together = time.perf_counter() - started
    after = backend.step_stats()
    assert after.largest >= 8
    assert (after.row_steps - before.row_steps) / (after.steps - before.steps) > 5
    assert together < 0.75 * one_by_one


async def test_overlapping_calls_share_the_batch_and_get_their_own_answers(backend: Backend) -> None:
    rows = [Row(f"Tell me one fact about the city of {city}.", 20) for city in CITIES]
    alone = [(await answers(backend, row))[0].text for row in rows]
    before = backend.step_stats()
    together = [answer for (answer,) in await asyncio.gather(*(answers(backend, row) for row in rows))]
    after = backend.step_stats()
    assert (after.row_steps - before.row_steps) / (after.steps - before.steps) > 3
    for number, answer in enumerate(together):
        # A batch may round otherwise than one row, so the wording may part later; it must begin like its own.
        closest = max(range(len(alone)), key=lambda other: shared_start(alone[other], answer.text))
        assert alone[closest] == alone[number], answer.text


async def test_a_cancelled_call_frees_its_rows(backend: Backend) -> None:
    hog = asyncio.create_task(generate(backend, *[Row(LONG, 1500, ignore_eos=True)] * 4))
    await asyncio.sleep(1.0)
    assert not hog.done()
    hog.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hog
    await asyncio.sleep(0.5)
    before = backend.step_stats()
    await answers(backend, Row(LONG, 12))
    after = backend.step_stats()
    assert after.row_steps - before.row_steps == after.steps - before.steps  # nobody else in any step


async def test_a_row_over_its_time_ends_alone(backend: Backend) -> None:
    rows = Row(LONG, 1500, deadline=time.perf_counter() + 0.5, ignore_eos=True), Row(FRANCE, 40)
    late, fine = await generate(backend, *rows)
    assert isinstance(late, Failure)
    assert late.status is Status.TIMEOUT
    assert isinstance(fine, Answer)


async def test_a_row_that_is_too_long_fails_alone_and_names_the_limit(backend: Backend) -> None:
    too_long, fine = await generate(backend, Row("word " * 9000, 4), Row(FRANCE, 40))
    assert isinstance(too_long, Failure)
    assert too_long.status is Status.RUNTIME_ERROR
    assert re.search(r"context of \d+ tokens, got (8192 or more|90\d\d tokens)$", too_long.message), too_long.message
    assert too_long.bad_request
    assert isinstance(fine, Answer)
    assert fine.text.startswith(PARIS)


async def test_odd_prompts_are_answered(backend: Backend) -> None:
    await answers(backend, Row(" ", 4), Row("\n", 4), Row("日本語のテキスト 🦊", 4), Row("<|im_end|>", 4))


async def test_a_conversation_of_one_user_message_is_the_prompt(backend: Backend) -> None:
    # The tokens of the prompts, not what greedy decoding makes of them: rows of one batch may round differently.
    for text, tokens in ((FRANCE, 37), (LONG, 45)):
        prompt, messages = await answers(backend, Row(text, 1), Row((Message("user", text),), 1))
        assert messages.input_tokens == prompt.input_tokens == tokens


async def test_a_raw_prompt_goes_without_the_template_and_may_bring_its_own(backend: Backend) -> None:
    raw, written, messages = await answers(
        backend,
        Row(FRANCE, 1, raw_prompt=True),
        Row(KIND_AND_FRANCE, 1, raw_prompt=True),
        Row((Message("system", "Be kind."), Message("user", FRANCE)), 1),
    )
    assert raw.input_tokens == 7
    assert written.input_tokens == messages.input_tokens < 37  # the template's own system message is longer


async def test_an_answer_follows_the_whole_conversation(backend: Backend) -> None:
    first = Message("user", "My name is Ferdinand."), Message("assistant", "Nice to meet you, Ferdinand!")
    asked = Message("user", "What is my name?")
    knows, does_not = await answers(backend, Row((*first, asked), 24), Row((asked,), 24))
    assert "Ferdinand" in knows.text
    assert "Ferdinand" not in does_not.text
    assert knows.input_tokens > does_not.input_tokens
    await answers(backend, Row((*first, Message("user", ""), asked), 2), Row(first, 2))


async def test_deltas_come_token_by_token_and_make_the_unary_answer(backend: Backend) -> None:
    row = Row(LONG, 40)
    (unary,) = await answers(backend, row)
    stream = Stream(backend, replace(row, stream=True))
    answer = await stream.answer()
    assert (stream.text, answer.output_tokens) == (unary.text, 40)
    assert answer.finish_reason is unary.finish_reason is FinishReason.LENGTH
    assert len(stream.deltas) > 30
    short = Stream(backend, Row(FRANCE, 40, stream=True))
    assert (await short.answer()).finish_reason is FinishReason.STOP
    assert (short.text, short.tokens) == ("The capital of France is Paris.", 7)


async def test_odd_characters_are_never_split(backend: Backend) -> None:
    for prompt in ("Repeat exactly: 🦊🐻👩‍👩‍👧 日本語のテキスト ça", "日本語で答えてください。", "Write ten emojis 🦊"):
        # Hot enough that bytes come that make no character.
        row = Row(prompt, 60, sampling=Sampling(temperature=1.8, seed=5), ignore_eos=True)
        (unary,) = await answers(backend, row)
        stream = Stream(backend, replace(row, stream=True))
        await stream.answer()
        # Another batch than the unary one may round otherwise: what they share must be the same characters.
        same = shared_start(stream.text, unary.text)
        assert stream.text == unary.text or same > 10
        assert sum(delta.text.count("\ufffd") for delta in stream.deltas[:-1]) <= stream.text.count("\ufffd")


async def test_a_stop_text_over_several_tokens_ends_the_answer_and_never_leaks(backend: Backend) -> None:
    (whole,) = await answers(backend, Row(LONG, 40))
    stop = whole.text[30:52]
    rows = [Row(LONG, 40, stop=("@@@", stop), stream=stream) for stream in (False, True)]
    (unary,) = await answers(backend, rows[0])
    stream = Stream(backend, rows[1])
    answer = await stream.answer()
    assert stream.text == unary.text == whole.text[: whole.text.index(stop)]
    assert answer.finish_reason is unary.finish_reason is FinishReason.STOP
    assert answer.output_tokens == unary.output_tokens < 40
    (none,) = await answers(backend, Row(LONG, 40, stop=("@@@",)))
    assert (none.text, none.finish_reason) == (whole.text, FinishReason.LENGTH)


async def test_a_seed_repeats_an_answer_and_others_differ(backend: Backend) -> None:
    def row(seed: int | None) -> Row:
        return Row("Write a poem.", 20, sampling=Sampling(temperature=1.0, top_p=0.95, top_k=50, seed=seed))

    texts = [(await answers(backend, row(seed)))[0].text for seed in (7, 7, 8, None, None)]
    assert texts[0] == texts[1]
    assert len(set(texts[1:])) == 4
    together = await answers(backend, row(None), row(None), row(None))
    assert len({answer.text for answer in together}) == 3


async def test_the_narrowest_sampling_is_greedy(backend: Backend) -> None:
    narrow = [Sampling(temperature=2.0, top_k=1, seed=1), Sampling(temperature=2.0, top_p=1e-6), Sampling(0.01)]
    (greedy, *others) = [(await answers(backend, Row(FRANCE, 20, sampling=s)))[0].text for s in (Sampling(), *narrow)]
    assert others == [greedy] * 3


async def test_ignore_eos_goes_on_to_max_tokens(backend: Backend) -> None:
    (answer,) = await answers(backend, Row(FRANCE, 30, ignore_eos=True))
    assert (answer.output_tokens, answer.finish_reason) == (30, FinishReason.LENGTH)
    assert answer.text.startswith("The capital of France is Paris.")
    stream = Stream(backend, Row(FRANCE, 30, ignore_eos=True, stream=True))
    await stream.answer()
    assert (stream.text, stream.tokens) == (answer.text, 30)


async def test_a_cancelled_stream_is_silent_and_leaves_the_batch_within_a_step(backend: Backend) -> None:
    goes, stays = [Stream(backend, Row(LONG, 400, ignore_eos=True, stream=True)) for _ in range(2)]
    await asyncio.gather(goes.has(5), stays.has(5))
    backend.cancel([goes.number])
    seen, before = goes.tokens, backend.step_stats()
    at = stays.tokens
    await stays.has(at + 20)
    after = backend.step_stats()
    steps = after.steps - before.steps
    assert goes.tokens == seen
    assert steps >= 18
    assert after.row_steps - before.row_steps <= steps + 2  # it was in the step that ran, and perhaps one more
    backend.cancel([stays.number])
    backend.cancel([goes.number, stays.number])
    await asyncio.sleep(0.5)
    assert (backend.load_now().running, backend.load_now().waiting) == (0, 0)
    assert goes.outcome is stays.outcome is None


async def test_the_load_shows_rows_and_the_cache(backend: Backend) -> None:
    streams = [Stream(backend, Row(LONG, 300, ignore_eos=True, stream=True)) for _ in range(6)]
    await asyncio.gather(*(stream.has(3) for stream in streams))
    await asyncio.sleep(0.3)
    load = backend.load_now()
    backend.cancel([stream.number for stream in streams])
    assert load.running == 6
    assert 0 <= load.kv_usage <= 1
    assert backend.limits.max_rows == 32
    assert backend.limits.context_tokens in (2048, 8192)
