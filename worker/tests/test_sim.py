from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

import config
from backends import instant_sim, sim, sim_text
from backends.backend import STOPPING, Answer, Backend, Delta, Ended, Failure, Message, Row, Sampling, TokenIds
from backends.runtime import NewRow


async def loaded(profile: str, **settings: str) -> Backend:
    backend = sim.make(config.read({"SIM_PROFILE": profile, **settings}))
    await backend.load()
    return backend


def write(tmp_path: Path, **profile: object) -> str:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(profile))
    return str(path)


def answers(outcomes: list[object]) -> list[Answer]:
    assert all(isinstance(outcome, Answer) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Answer)]


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_an_answer_is_the_prompts_own_and_has_exactly_max_tokens_words(profile: str) -> None:
    backend = await loaded(profile)
    rows = [Row(f"prompt number {number}", max_tokens) for number, max_tokens in enumerate([1, 2, 7, 3])]
    for row, answer in zip(rows, answers([*await backend.generate(rows)]), strict=True):
        words = answer.text.split()
        assert words[0] == f"simulated-{sim_text.digest(row.prompt):08x}"
        assert len(words) == answer.output_tokens == row.max_tokens
        assert answer.input_tokens == 3
    assert await backend.generate(rows[:1]) != await backend.generate(rows[1:2])
    await backend.close()


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_prompt_of_tokens_has_so_many_and_an_answer_of_its_own(profile: str) -> None:
    backend = await loaded(profile)
    rows = [Row(TokenIds(ids), 3) for ids in ((1, 2), (1, 2), (1, 3), (12,))]
    first, again, other, joined = answers([*await backend.generate(rows)])
    assert (first.input_tokens, joined.input_tokens) == (2, 1)
    assert first.text == again.text
    assert len({first.text, other.text, joined.text}) == 3
    await backend.close()


@pytest.mark.parametrize("profile", ["null", "fixed20"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_text_ends_no_answer_before_its_least_length(profile: str, stream: bool) -> None:
    backend = await loaded(profile)
    (whole,) = answers([*await backend.generate([Row("hello", 200)])])
    second = whole.text.split()[1]
    again = whole.text.split().index(second, 2)
    rows = [Row("hello", 200, stop=(second,), min_tokens=count, stream=stream) for count in (0, 1, 2, again, again + 1)]
    outcomes = answers([*await backend.generate(rows)])
    assert [outcome.output_tokens for outcome in outcomes[:4]] == [2, 2, again + 1, again + 1]
    assert outcomes[4].output_tokens > again + 1
    await backend.close()


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_every_profile_has_the_same_context(profile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sim, instant_sim):
        monkeypatch.setattr(module, "CONTEXT", 10)
    backend = await loaded(profile)
    too_long, cut = await backend.generate([Row("a " * 10, 1), Row("a b c d e f g h", 2**32 - 1)])
    assert isinstance(too_long, Failure)
    assert "context of 10 tokens, got 10" in too_long.message
    assert too_long.bad_request
    assert isinstance(cut, Answer)
    assert (cut.output_tokens, len(cut.text.split())) == (2, 2)
    await backend.close()


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_conversation_of_one_user_message_is_its_prompt_and_any_other_is_its_own(profile: str) -> None:
    conversations = [
        (Message("user", "a b"),),
        (Message("assistant", "a b"),),
        (Message("system", "a"), Message("user", "b")),
        (Message("user", "a"), Message("system", "b")),
        (Message("system", ""), Message("user", "a b")),
    ]
    backend = await loaded(profile)
    prompt, raw, single, *others = answers(
        [*await backend.generate([Row("a b", 3), Row("a b", 3, raw_prompt=True), *(Row(c, 3) for c in conversations)])]
    )
    assert (prompt.text, prompt.input_tokens) == (raw.text, raw.input_tokens) == (single.text, single.input_tokens)
    assert [answer.input_tokens for answer in others] == [3, 4, 4, 4]  # the roles count
    assert len({answer.text.split()[0] for answer in (prompt, *others)}) == 5
    streamed = Row(conversations[2], 3, stream=True)
    texts: list[str] = []
    done = asyncio.Event()

    def listen(deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        texts.extend(delta.text for delta in deltas)
        if ended:
            done.set()

    backend.submit([streamed], listen)
    await asyncio.wait_for(done.wait(), 5)
    assert "".join(texts) == others[1].text
    await backend.close()


async def test_both_kinds_of_profile_give_the_same_text() -> None:
    texts = []
    for profile in ("null", "fixed20"):
        backend = await loaded(profile)
        texts.append([answer.text for answer in answers([*await backend.generate([Row("a b", 5)])])])
        await backend.close()
    assert texts[0] == texts[1]


def test_step_times_are_interpolated_and_constant_outside_the_table() -> None:
    profile = sim.Profile("x", 5.0, 2.0, ((2, 10.0), (4, 20.0)), 8)
    assert [profile.duration_ms(rows, 0) for rows in (1, 2, 3, 4, 8)] == [10, 10, 15, 20, 20]
    assert profile.duration_ms(3, 2) == 15 + 5 + 2 * 2


def test_the_a40_profile_has_the_published_figures() -> None:
    profile = sim.read_profile("a40")
    assert profile.duration_ms(1, 1) == pytest.approx(47.0)
    assert profile.duration_ms(32, 0) == pytest.approx(38.2)
    # Groups of rows of 13 + 150 tokens that start and end together: tok/s as published by rows running at once.
    published = {1: 32.9, 2: 65.0, 4: 128.9, 8: 250.6, 16: 467.5, 32: 859.9, 64: 1170.4, 128: 1258.6}
    for rows, tokens_per_second in published.items():
        seconds = (profile.duration_ms(rows, rows) + 149 * profile.duration_ms(rows, 0)) / 1000
        assert rows * 163 / seconds == pytest.approx(tokens_per_second, rel=0.01), rows


def test_lateness_of_single_steps_does_not_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def sleep_too_long(seconds: float) -> None:
        nonlocal now
        now += seconds + 0.0003

    monkeypatch.setattr(sim, "time", SimpleNamespace(perf_counter=lambda: now, sleep=sleep_too_long))
    runtime = sim.SimRuntime(sim.read_profile(write(tmp_path, step_ms=[[1, 1.0]], max_rows=4)))
    runtime.load()
    runtime.add([NewRow(1, runtime.encode("x", True), 400, 0, Sampling(), ignore_eos=False)])
    for _ in range(400):
        runtime.step()
    assert now == pytest.approx(0.4003), "400 steps of 1 ms"


async def test_a_fixed20_batch_takes_20_ms_whatever_its_size() -> None:
    profile = sim.read_profile("fixed20")
    assert [profile.duration_ms(rows, rows) for rows in (1, 32)] == [20, 20]
    backend = await loaded("fixed20")
    for steps, rows in enumerate((1, 32), start=1):
        started = time.perf_counter()
        outcomes = answers([*await backend.generate([Row("x", 1)] * rows)])
        assert all(answer.first_token_at - started >= 0.02 for answer in outcomes)
        assert backend.step_stats().steps == steps
    assert backend.step_stats().largest == 32
    await backend.close()


async def test_more_rows_than_the_profile_allows_wait(tmp_path: Path) -> None:
    backend = await loaded(write(tmp_path, step_ms=[[1, 5]], max_rows=2))
    outcomes = answers([*await backend.generate([Row("x", 1)] * 5)])
    first, second, third = (outcomes[at].first_token_at for at in (0, 2, 4))
    assert first < second < third
    stats = backend.step_stats()
    assert (stats.steps, stats.row_steps, stats.largest) == (3, 5, 2)
    await backend.close()


async def test_a_row_that_comes_later_joins_the_running_batch(tmp_path: Path) -> None:
    backend = await loaded(write(tmp_path, step_ms=[[1, 5]], max_rows=8))
    long = asyncio.create_task(backend.generate([Row("long", 40)]))
    await asyncio.sleep(0.03)
    (short,) = answers([*await backend.generate([Row("short", 2)])])
    assert not long.done()
    (long_answer,) = answers([*await long])
    assert short.last_token_at < long_answer.last_token_at
    assert backend.step_stats().largest == 2
    await backend.close()


@pytest.mark.parametrize(
    ("profile", "rule"),
    [
        ({"step_ms": [], "max_rows": 1}, "step_ms must be a list of [rows, milliseconds], got []"),
        ({"step_ms": [[2, 1], [1, 1]], "max_rows": 1}, "the rows of step_ms must rise from 1, got [[2, 1], [1, 1]]"),
        ({"step_ms": [[1, -1]], "max_rows": 1}, "step_ms must be a number of milliseconds from 0, got -1"),
        ({"step_ms": [[1, 1]]}, "max_rows must be a whole number from 1, got null"),
        ({"step_ms": [[1, 1]], "max_rows": 1, "exit_on": 1}, "exit_on must be a text, got 1"),
        ({"step_ms": [[1, 1]], "max_rows": 1, "decode_ms": 3}, 'got ["decode_ms"]'),
    ],
)
def test_a_wrong_profile_is_refused_with_its_rule(profile: dict[str, object], rule: str, tmp_path: Path) -> None:
    with pytest.raises(config.SettingsError, match="SIM_PROFILE") as caught:
        sim.read_profile(write(tmp_path, **profile))
    assert str(caught.value).endswith(rule)


def test_an_unknown_profile_names_the_shipped_ones() -> None:
    with pytest.raises(config.SettingsError, match='one of a40, fixed20, null or the path of a profile, got "h100"'):
        sim.read_profile("h100")


@pytest.mark.parametrize("profile", ["null", "fixed20"])
async def test_a_stream_is_the_unary_text_a_token_a_step(profile: str) -> None:
    backend = await loaded(profile)
    calls: list[tuple[list[Delta], list[Ended]]] = []
    rows = [Row(f"prompt {number}", 4, stream=True) for number in range(3)]
    done = asyncio.Event()

    def listen(deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        calls.append((list(deltas), list(ended)))
        if ended:
            done.set()

    numbers = backend.submit(rows, listen)
    assert calls == []
    await asyncio.wait_for(done.wait(), 5)
    assert len(calls[-1][1]) == 3
    assert [len(deltas) for deltas, _ in calls] == [3] * 4
    for number, row in zip(numbers, rows, strict=True):
        text = "".join(delta.text for deltas, _ in calls for delta in deltas if delta.number == number)
        assert text == sim_text.answer_text(sim_text.digest(row.prompt), 4)
    await backend.close()


async def test_the_null_profile_waits_for_a_listener_that_is_behind_and_not_with_the_others() -> None:
    backend = await loaded("null")
    ready = asyncio.get_running_loop().create_future()
    slow, fast = 0, asyncio.Event()

    def behind(deltas: Sequence[Delta], ended: Sequence[Ended]) -> asyncio.Future[None]:
        nonlocal slow
        slow += 1
        return ready

    def quick(deltas: Sequence[Delta], ended: Sequence[Ended]) -> None:
        if ended:
            fast.set()

    (waits,) = backend.submit([Row("a", 50, stream=True)], behind)
    backend.submit([Row("b", 50, stream=True)], quick)
    await asyncio.wait_for(fast.wait(), 5)
    assert slow == 1
    backend.cancel([waits])
    ready.set_result(None)
    await asyncio.sleep(0.01)
    assert slow == 1
    assert backend.load_now().running == 0
    await backend.close()


async def test_the_null_profile_ends_its_rows_at_the_close() -> None:
    backend = await loaded("null")
    ended: list[Ended] = []

    def behind(deltas: Sequence[Delta], news: Sequence[Ended]) -> asyncio.Future[None]:
        ended.extend(news)
        return asyncio.get_running_loop().create_future()

    (number,) = backend.submit([Row("a", 50, stream=True)], behind)
    await asyncio.sleep(0.01)
    await backend.close()
    assert [(end.number, end.outcome) for end in ended] == [(number, STOPPING)]
    (late,) = await backend.generate([Row("a", 50, stream=True)])
    assert late == STOPPING
