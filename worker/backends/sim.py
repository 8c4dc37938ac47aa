"""The simulated backend: no model. A profile says how long prefill and decode steps take; the text is made of the
prompt's digest and a fixed list of words, so equal prompts get equal answers and a mix-up between two shows.

A profile is a JSON object:
    source          where the figures come from
    prefill_ms      added to a step which rows join, however many
    prefill_row_ms  added to a step for each row that joins it
    step_ms         [[rows, milliseconds], ...] by rising rows: a step's time, interpolated between two entries and
                    constant beyond the first and the last
    max_rows        most rows that run at once; more wait
    exit_on         the process ends at once in the step which a row joins whose prompt has this text, as if the
                    runtime had crashed on it: to see what a lost worker costs
A row joins at the start of a step and gets its first token at the end of that step, then one in each.
When every time is 0 (the null profile) answers are made at once, without batch or thread: it measures what is around.
Streamed rows get a token in each step then, and steps follow each other as fast as the listener takes them.
Stop texts end an answer; sampling and penalties change nothing in it, and the end that it ignores with ignore_eos never
comes. A prompt of tokens may have any.
"""

from __future__ import annotations

import json
import math
import os
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backends.backend import Backend, FinishReason, Info, Prompt
from backends.instant_sim import InstantSim
from backends.runtime import NewRow, Runtime, Stepped
from backends.sim_text import CONTEXT, count_words, digest, text_of, word
from backends.step_loop import StepLoop
from config import MAX_ROWS, SIM_PROFILE, Settings, SettingsError

PROFILES = Path(__file__).parent / "profiles"
CRASHED = 70  # the exit code of `exit_on`
INDEX_BITS = CONTEXT.bit_length()  # bits of a token that count its place; the others are the digest


@dataclass(frozen=True)
class Profile:
    """Times are milliseconds; see the module's text."""

    name: str
    prefill_ms: float
    prefill_row_ms: float
    step_ms: tuple[tuple[int, float], ...]
    max_rows: int
    exit_on: str = ""

    @property
    def instant(self) -> bool:
        return not (self.exit_on or self.prefill_ms or self.prefill_row_ms or any(ms for _, ms in self.step_ms))

    def duration_ms(self, rows: int, joining: int) -> float:
        """Time of one step of `rows` rows, of which `joining` are new."""
        prefill = self.prefill_ms + self.prefill_row_ms * joining if joining else 0.0
        return prefill + self._decode_ms(rows)

    def _decode_ms(self, rows: int) -> float:
        right = bisect_left(self.step_ms, (rows, -math.inf))
        if right == 0:
            return self.step_ms[0][1]
        if right == len(self.step_ms):
            return self.step_ms[-1][1]
        (low, low_ms), (high, high_ms) = self.step_ms[right - 1], self.step_ms[right]
        return low_ms + (high_ms - low_ms) * (rows - low) / (high - low)


def read_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or a file. Raises SettingsError with the rule that is broken."""
    shipped = PROFILES / f"{name_or_path}.json"
    path = shipped if shipped.is_file() else Path(name_or_path)
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = ", ".join(sorted(profile.stem for profile in PROFILES.glob("*.json")))
        raise SettingsError(
            [f'SIM_PROFILE must be one of {names} or the path of a profile, got "{name_or_path}": {error.strerror}']
        ) from error
    except ValueError as error:
        raise SettingsError([f"SIM_PROFILE {path} must be JSON: {error}"]) from error
    return _check_profile(path, raw)


def _check_profile(path: Path, raw: object) -> Profile:
    def reject(rule: str, got: object) -> SettingsError:
        return SettingsError([f"SIM_PROFILE {path}: {rule}, got {json.dumps(got)}"])

    def milliseconds(name: str, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise reject(f"{name} must be a number of milliseconds from 0", value)
        return float(value)

    if not isinstance(raw, dict):
        raise reject("the profile must be an object", raw)
    unknown = sorted(raw.keys() - {"source", "prefill_ms", "prefill_row_ms", "step_ms", "max_rows", "exit_on"})
    if unknown:
        names = "source, prefill_ms, prefill_row_ms, step_ms, max_rows and exit_on"
        raise reject(f"the profile's names are {names}", unknown)
    steps: list[tuple[int, float]] = []
    table = raw.get("step_ms")
    for entry in table if isinstance(table, list) else []:
        if not (isinstance(entry, list) and len(entry) == 2 and isinstance(entry[0], int)):
            raise reject("each entry of step_ms must be [rows, milliseconds]", entry)
        if entry[0] <= (steps[-1][0] if steps else 0):
            raise reject("the rows of step_ms must rise from 1", table)
        steps.append((entry[0], milliseconds("step_ms", entry[1])))
    if not steps:
        raise reject("step_ms must be a list of [rows, milliseconds]", table)
    max_rows = raw.get("max_rows")
    if isinstance(max_rows, bool) or not isinstance(max_rows, int) or max_rows < 1:
        raise reject("max_rows must be a whole number from 1", max_rows)
    exit_on = raw.get("exit_on", "")
    if not isinstance(exit_on, str):
        raise reject("exit_on must be a text", exit_on)
    return Profile(
        path.stem,
        milliseconds("prefill_ms", raw.get("prefill_ms", 0)),
        milliseconds("prefill_row_ms", raw.get("prefill_row_ms", 0)),
        tuple(steps),
        max_rows,
        exit_on,
    )


class SimRuntime(Runtime):
    """A batch whose steps take the profile's time.

    A step ends a step's time after the last one ended, not after the thread woke up, so lateness never adds up.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._next: dict[int, int] = {}  # each row's next token: its digest and the word's index
        self._last: dict[int, int] = {}
        self._joining: set[int] = set()
        self._deadly: set[int] = set()  # digests of prompts that end the process
        self._step_end = 0.0

    def load(self) -> None:
        self.context = CONTEXT

    def encode(self, prompt: Prompt, raw: bool) -> list[int]:
        if self._profile.exit_on and self._profile.exit_on in text_of(prompt):
            self._deadly.add(digest(prompt))
        # The digest travels in every token, so the answer can be made of the tokens alone.
        return [digest(prompt)] + [0] * (count_words(prompt) - 1)

    def decode(self, tokens: list[int]) -> str:
        return "".join(word(token >> INDEX_BITS, token & ((1 << INDEX_BITS) - 1)) for token in tokens)

    def add(self, rows: Sequence[NewRow]) -> None:
        if not self._next:
            self._step_end = time.perf_counter()
        for row in rows:
            first = row.prompt[0] << INDEX_BITS
            self._next[row.number], self._last[row.number] = first, first + row.max_tokens - 1
            self._joining.add(row.number)

    def remove(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self._next[number], self._last[number]
            self._joining.discard(number)

    def step(self) -> list[Stepped]:
        if self._deadly and any(self._next[number] >> INDEX_BITS in self._deadly for number in self._joining):
            os._exit(CRASHED)
        self._step_end += self._profile.duration_ms(len(self._next), len(self._joining)) / 1000
        self._joining.clear()
        time.sleep(max(0.0, self._step_end - time.perf_counter()))
        stepped = []
        for number, token in list(self._next.items()):
            if token == self._last[number]:
                stepped.append(Stepped(number, (token,), FinishReason.LENGTH))
                del self._next[number], self._last[number]
            else:
                stepped.append(Stepped(number, (token,)))
                self._next[number] = token + 1
        return stepped

    def close(self) -> None:
        return None


def make(settings: Settings) -> Backend:
    """The simulated backend of SIM_PROFILE. Raises SettingsError."""
    profile = read_profile(settings[SIM_PROFILE])
    info = Info("sim", profile.name, simulated=True)
    if profile.instant:
        return InstantSim(info, min(settings[MAX_ROWS], profile.max_rows))
    return StepLoop(info, SimRuntime(profile), min(settings[MAX_ROWS], profile.max_rows))
