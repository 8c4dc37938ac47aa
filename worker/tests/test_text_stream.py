"""Text that comes token by token is the text that comes at once, for tokenizers of every kind."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from backends.text_stream import WINDOW_TOKENS, StopTexts, TextStream, whole_text

Decode = Callable[[list[int]], str]

SAMPLE = "Once upon a time — 日本語のテキスト 🦊👩‍👩‍👧 ça, naïve: «ok»\n\n\ttabs  e\u0301 \ufffd end. "
SPECIAL = 999  # a token without text


def byte_pieces(seed: int) -> list[bytes]:
    """A vocabulary of single bytes and of pieces that don't care where characters begin."""
    dice = random.Random(seed)
    raw = SAMPLE.encode() * 3
    pieces = [bytes([byte]) for byte in range(256)]
    for _ in range(200):
        start = dice.randrange(len(raw) - 7)
        pieces.append(raw[start : start + dice.randint(1, 6)])
    return pieces


def byte_level(pieces: list[bytes], errors: str) -> Decode:
    """Byte-level BPE: U+FFFD for what is no character ("replace"), or nothing ("ignore")."""

    def decode(tokens: list[int]) -> str:
        return b"".join(pieces[token] for token in tokens if token != SPECIAL).decode("utf-8", errors)

    return decode


def byte_fallback(pieces: list[bytes]) -> Decode:
    """Words with a space before them, the first one taken off; a run of single bytes that is not text as a whole is
    U+FFFD for each of its bytes."""

    def flush(run: bytearray) -> str:
        try:
            text = run.decode()
        except UnicodeDecodeError:
            text = "\ufffd" * len(run)
        run.clear()
        return text

    def decode(tokens: list[int]) -> str:
        text, run = "", bytearray()
        for token in tokens:
            if token == SPECIAL:
                continue
            if token < 256:
                run += pieces[token]
            else:
                text += flush(run) + f" w{token}"
        return (text + flush(run)).removeprefix(" ")

    return decode


def tokenize(text: str, pieces: list[bytes], dice: random.Random) -> list[int]:
    """The text in pieces chosen at random among those that fit."""
    raw, tokens = text.encode(), []
    while raw:
        fitting = [token for token, piece in enumerate(pieces) if raw.startswith(piece)]
        tokens.append(dice.choice(fitting))
        raw = raw[len(pieces[tokens[-1]]) :]
        if dice.random() < 0.05:
            tokens.append(SPECIAL)
    return tokens


def stream(decode: Decode, tokens: list[int], stops: tuple[str, ...] = ()) -> tuple[list[tuple[int, int, str]], int]:
    """The deltas, and the longest window that was decoded."""
    text, deltas, longest = TextStream(decode, stops), [], 0
    for token in tokens:
        window = text.push(token)
        longest = max(longest, len(window))
        text.take(decode(window))
        if text.stopped:
            break
        deltas.append(text.delta())
    text.end()
    deltas.append(text.delta())
    given = [delta for delta in deltas if delta is not None]
    assert [index for index, _, _ in given] == [sum(d[1] for d in given[:n]) for n in range(len(given))]
    assert sum(tokens for _, tokens, _ in given) == text.tokens
    return given, longest


def first_stop(text: str, stops: tuple[str, ...]) -> str:
    """The text before the stop text that is whole first."""
    ends = [(text.find(stop) + len(stop), text.find(stop)) for stop in stops if stop in text]
    return text[: min(ends)[1]] if ends else text


@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize("seed", range(150))
def test_deltas_make_the_whole_answer_and_split_no_character(seed: int, errors: str) -> None:
    dice = random.Random(seed)
    pieces = byte_pieces(seed % 7)
    decode = byte_level(pieces, errors)
    start = dice.randrange(len(SAMPLE))
    tokens = tokenize(SAMPLE[start:] + SAMPLE * dice.randint(0, 3), pieces, dice)
    tokens = tokens[: dice.randint(1, len(tokens))]  # often inside a character
    deltas, longest = stream(decode, tokens)
    assert "".join(text for _, _, text in deltas) == decode(tokens) == whole_text(decode, tokens)
    assert all(text for _, _, text in deltas[:-1])
    assert longest <= 2 * WINDOW_TOKENS
    if errors == "replace":
        broken = sum(text.count("\ufffd") for _, _, text in deltas[:-1])
        assert broken <= decode(tokens).count("\ufffd")


@pytest.mark.parametrize("errors", ["replace", "ignore"])
@pytest.mark.parametrize("seed", range(100))
def test_tokens_at_random_most_of_them_no_text(seed: int, errors: str) -> None:
    dice = random.Random(seed)
    pieces = byte_pieces(seed % 7)
    choice = [range(len(pieces)), range(256), range(128, 256), [SPECIAL, 240, 159, 65]][seed % 4]
    tokens = [dice.choice(choice) for _ in range(dice.randint(1, 200))]
    decode = byte_level(pieces, errors)
    deltas, longest = stream(decode, tokens)
    assert "".join(text for _, _, text in deltas) == decode(tokens) == whole_text(decode, tokens)
    assert longest <= 4 * WINDOW_TOKENS


@pytest.mark.parametrize("seed", range(100))
def test_words_that_lose_their_first_space_and_runs_of_bytes(seed: int) -> None:
    dice = random.Random(seed)
    pieces = byte_pieces(0)
    decode = byte_fallback(pieces)
    tokens: list[int] = []
    for _ in range(dice.randint(1, 60)):
        kind = dice.random()
        if kind < 0.5:
            tokens.append(dice.randint(256, 400))
        elif kind < 0.7:
            tokens += [SPECIAL] * dice.choice([1, 1, 30])
        else:
            tokens += ("🦊é" * dice.randint(1, 3)).encode()
    deltas, _ = stream(decode, tokens)
    assert "".join(text for _, _, text in deltas) == decode(tokens) == whole_text(decode, tokens)
    for broken in ([*tokens, 240, 159], [240, *tokens, 159, 300, *tokens, *tokens]):
        deltas, longest = stream(decode, broken)
        assert "".join(text for _, _, text in deltas) == whole_text(decode, broken)
        assert longest <= 8 * WINDOW_TOKENS


@pytest.mark.parametrize("seed", range(200))
def test_the_answer_ends_before_the_first_stop_text_and_nothing_of_it_leaks(seed: int) -> None:
    dice = random.Random(seed)
    letters = "".join(dice.choice("ab🦊") for _ in range(60))
    pieces = [bytes([byte]) for byte in range(256)]
    pieces += [letters[i : i + n].encode() for i in range(40) for n in range(1, 6)]
    stops = tuple("".join(dice.choice("ab🦊") for _ in range(dice.randint(2, 7))) for _ in range(dice.randint(1, 3)))
    decode = byte_level(pieces, "replace")
    deltas, _ = stream(decode, tokenize(letters, pieces, dice), stops)
    whole = "".join(text for _, _, text in deltas)
    assert whole == first_stop(letters, stops)
    for stop in stops:
        assert stop not in whole


def test_a_token_is_given_as_soon_as_its_text_is_sure() -> None:
    decode = byte_level([bytes([byte]) for byte in range(256)], "replace")
    text, given = TextStream(decode, ("END",)), []
    for byte in "aé ENEND".encode():
        text.take(decode(text.push(byte)))
        given.append(text.delta())
    assert given == [(0, 1, "a"), None, (1, 2, "é"), (3, 1, " "), None, None, (4, 3, "EN"), None, None][: len(given)]
    assert text.stopped


def test_a_stop_text_that_never_comes_is_given_at_the_end() -> None:
    decode = byte_level([bytes([byte]) for byte in range(256)], "replace")
    deltas, _ = stream(decode, list(b"go STO"), ("STOP",))
    assert "".join(text for _, _, text in deltas) == "go STO"


def test_stop_texts_do_not_depend_on_the_pieces() -> None:
    for size in range(1, 9):
        stops, passed = StopTexts(["abcdef", "cd", "bcd"]), ""
        text = "xabcabcdef"
        for start in range(0, len(text), size):
            passed += stops.take(text[start : start + size])
            if stops.found:
                break
        assert (passed, stops.found) == ("xabca", True)


def test_a_stop_text_in_the_least_length_does_not_end_the_answer() -> None:
    stream = TextStream(lambda tokens: "".join(map(chr, tokens)), ("b", "cd"), 3)
    for letter in "abcdbe":
        stream.take("".join(map(chr, stream.push(ord(letter)))))
        if stream.stopped:
            break
    stream.end()
    # "cd" begins within the first three tokens, the second "b" stands after them.
    assert (stream.text(), stream.tokens, stream.stopped) == ("abcd", 5, True)
