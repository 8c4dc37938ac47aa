"""The simulated model: a token is a word, and an answer is made of the prompt's digest and a fixed list of words, so
equal prompts get equal answers and a mix-up between two shows."""

from __future__ import annotations

import hashlib
import itertools

from backends.backend import Prompt, TokenIds

WORDS = (
    "the a model token batch step queue row cache decode prefill window arrives waits joins leaves shares runs "
    "early late often never always then now soon and while because under over between after before slowly"
).split()
SPACED = [" " + word for word in WORDS]
CONTEXT = 1_000_000


def text_of(prompt: Prompt) -> str:
    """A prompt as it is, and of tokens their numbers. A conversation of one user message is that prompt; of others the
    roles count too."""
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, TokenIds):
        return " ".join(map(str, prompt.ids))
    if len(prompt) == 1 and prompt[0].role == "user":
        return prompt[0].content
    return "\x1e".join(f"{role}\x1f{content}" for role, content in prompt)  # both characters separate words


def digest(prompt: Prompt) -> int:
    """Eight hexadecimal digits' worth of the prompt; every answer starts with it."""
    return int.from_bytes(hashlib.blake2b(text_of(prompt).encode(), digest_size=4).digest(), "big")


def word(prompt_digest: int, index: int) -> str:
    """One token of the answer, with its space: `simulated-<digest>` at 0, then words from a place of the digest on."""
    if index == 0:
        return f"simulated-{prompt_digest:08x}"
    return SPACED[(prompt_digest + index - 1) % len(SPACED)]


def answer_text(prompt_digest: int, tokens: int) -> str:
    """The answer of exactly `tokens` words."""
    start = prompt_digest % len(SPACED)
    words = itertools.islice(itertools.cycle(SPACED), start, start + tokens - 1)
    return "".join((word(prompt_digest, 0), *words))


def count_words(prompt: Prompt) -> int:
    return max(1, len(text_of(prompt).split()))
