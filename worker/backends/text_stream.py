"""A row's tokens as text, one token at a time.

`TextStream` puts two parts together: `Detokenizer` gives the text that can't change any more, and `StopTexts` holds
back what may yet become a stop text. Both do a bounded amount of work for a token, however long the answer is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

UNFINISHED = "\ufffd"  # what many decoders give for bytes that don't make a character yet
CHARACTER_BYTES = 4  # length of the longest character in UTF-8
KEPT_TOKENS = 8  # more than a character's bytes, so that decoding has found its place after them
WINDOW_TOKENS = 24


class Detokenizer:
    """The text of a growing list of tokens, decoded in a window of the last few.

    The texts it gives, joined, are `decode` of all tokens, for a `decode` as `Runtime.decode` promises it. None of them
    ends inside a character.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        self._decode = decode
        self._window: list[int] = []
        self._given = ""  # the window's text, as far as it has been given
        self._text = ""  # the window's text
        self._speaking = 0  # tokens of the window up to the last that gave text
        self._starts = [0]  # tokens of the window before which no character was incomplete, as far as the text shows
        self._taken_back = 0  # tokens since the decoder took back what has been given
        self._longest = WINDOW_TOKENS

    def push(self, token: int) -> list[int]:
        """Adds a token; `take` must get the text of the tokens that this gives before the next."""
        self._window.append(token)
        return self._window

    def take(self, text: str) -> str:
        """What is new and settled; `text` is the decoded window."""
        self._text = text
        long = len(self._window) >= self._longest
        silent = len(self._window) - self._speaking >= KEPT_TOKENS
        if not text.startswith(self._given):
            # Some decoders take a run of bytes back while its last character is incomplete: wait until it is complete.
            self._taken_back += 1
            if self._taken_back < KEPT_TOKENS:
                return ""
            self._given = text[: len(self._given)]
        self._taken_back = 0
        settled = text.rstrip(UNFINISHED)
        if long and silent:
            # So many tokens can't be one character's bytes: only the last bytes can still become one.
            settled += text[len(settled) : 1 - CHARACTER_BYTES]
        new = settled[len(self._given) :]
        if new:
            self._given = settled
            self._speaking = len(self._window)
            if settled == text:
                self._starts.append(self._speaking)
        if long and (silent or settled == text):
            self._shorten()
        return new

    def rest(self) -> str:
        """Gives the bytes that never became a character, as `decode` gives them. To be called at the end."""
        return self._text[len(self._given) :]

    def _shorten(self) -> None:
        """Starts the window later, if its text shows that decoding from there goes on in the same way."""
        size = len(self._window)
        wanted = max(0, self._speaking - KEPT_TOKENS)
        start = max((start for start in self._starts if wanted - KEPT_TOKENS <= start <= wanted), default=wanted)
        spoken = self._window[start : self._speaking]
        kept = spoken + self._window[max(self._speaking, size - KEPT_TOKENS) :]
        text = self._decode(kept)
        # The window may still start inside a character, whose last bytes are no text or up to three wrong characters.
        wrong = range(min(CHARACTER_BYTES, len(text)))
        if text != self._text and not any(self._text.endswith(text[characters:]) for characters in wrong):
            self._longest = 2 * size
            return
        held = len(self._text) - len(self._given)
        self._window, self._text, self._given = kept, text, text[: len(text) - held]
        self._speaking = len(spoken)
        self._starts = [at - start for at in self._starts if at >= start]
        self._longest = WINDOW_TOKENS


class StopTexts:
    """Passes text on up to the first stop text: the one that is whole first, whatever pieces it comes in; the
    longest, if several end at the same character."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [(stop, _fallbacks(stop)) for stop in stops]
        self._firsts = {stop[0] for stop in stops}
        self._matched = [0] * len(stops)  # characters of each stop text that the text so far ends with
        self._held = ""
        self.found = False

    def take(self, text: str) -> str:
        """What may be passed on: nothing of a stop text, nor of its beginning."""
        if not self._held and not any(first in text for first in self._firsts):
            return text
        begin = len(self._held)
        text = self._held + text
        for end in range(begin, len(text)):
            if whole := self._advance(text[end]):
                self.found = True
                self._held = ""
                return text[: end + 1 - whole]
        safe = len(text) - max(self._matched)
        self._held = text[safe:]
        return text[:safe]

    def rest(self) -> str:
        """Gives what was held back and has not become a stop text. To be called at the end."""
        return self._held

    def _advance(self, character: str) -> int:
        """Length of the longest stop text that ends with this character, or 0 (Knuth, Morris and Pratt)."""
        longest = 0
        for number, (stop, fallbacks) in enumerate(self._stops):
            matched = self._matched[number]
            while matched and stop[matched] != character:
                matched = fallbacks[matched]
            matched += stop[matched] == character
            if matched == len(stop):
                longest = max(longest, matched)
            self._matched[number] = matched
        return longest


def _fallbacks(stop: str) -> list[int]:
    """Gives for each beginning of `stop` the length of the longest shorter beginning that it ends with."""
    fallbacks = [0] * (len(stop) + 1)
    matched = 0
    for end in range(1, len(stop)):
        while matched and stop[matched] != stop[end]:
            matched = fallbacks[matched]
        matched += stop[matched] == stop[end]
        fallbacks[end + 1] = matched
    return fallbacks


class TextStream:
    """One row's text. For each token: `take` the text of what `push` gives, then `delta` if the row is streamed.
    After the last token or a stop text: `end`, and `delta` once more. In the text of the first `min_tokens` tokens no
    stop text is looked for."""

    def __init__(self, decode: Callable[[list[int]], str], stops: Sequence[str] = (), min_tokens: int = 0) -> None:
        self._detokenizer = Detokenizer(decode)
        self._min_tokens = min_tokens
        self._stops = StopTexts(stops) if stops else None
        self._pieces: list[str] = []  # texts that have not been given yet
        self._given_tokens = 0
        self._ended = False
        self.tokens = 0
        self.push = self._detokenizer.push

    @property
    def stopped(self) -> bool:
        """A stop text has come: no token may follow."""
        return self._stops is not None and self._stops.found

    def take(self, text: str) -> None:
        self.tokens += 1
        self._add(self._detokenizer.take(text))

    def end(self) -> None:
        if not self.stopped:
            self._add(self._detokenizer.rest())
        if self._stops is not None and not self._stops.found:
            self._pieces.append(self._stops.rest())
        self._ended = True

    def delta(self) -> tuple[int, int, str] | None:
        """Index of its first token, tokens and text of what is new; None while there is no text for it."""
        text = self.text()
        tokens = self.tokens - self._given_tokens
        if not text and not (tokens and self._ended):
            return None
        index, self._given_tokens = self._given_tokens, self.tokens
        return index, tokens, text

    def text(self) -> str:
        """All text that has not been given yet."""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _add(self, text: str) -> None:
        if text:
            if self._stops is not None and self.tokens > self._min_tokens:
                text = self._stops.take(text)
            self._pieces.append(text)


def whole_text(decode: Callable[[list[int]], str], tokens: list[int]) -> str:
    """The text that the deltas of these tokens make, in one go."""
    text = decode(tokens)
    if UNFINISHED not in text:
        return text
    # Where bytes make no character, a decoder may give others for all than for some: say what a stream says.
    stream = TextStream(decode)
    for token in tokens:
        stream.take(decode(stream.push(token)))
    stream.end()
    return stream.text()
