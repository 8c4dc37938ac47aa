"""What the tokenizer gets of a row: its prompt as it is, or what the chat template makes of its conversation."""

from __future__ import annotations

import re
from collections.abc import Callable

from backends.backend import Message
from backends.runtime import PromptError

# What a template may say of itself: `raise_exception('Roles must alternate')`, but not with text of a message in it.
OWN_WORDS = re.compile(r"""raise_exception\(\s*(?:'([^']+)'|"([^"]+)")\s*\)""")

Turns = list[dict[str, str]]


class ChatTemplate:
    """A prompt goes through the template as a conversation of one user message, where the model has one and the
    setting `prompts_too` wants it so; a conversation always goes through it."""

    def __init__(self, exists: bool, source: object, render: Callable[[Turns], str], prompts_too: bool) -> None:
        self._exists = exists
        self._source = source
        self._render = render
        self._prompts_too = prompts_too

    def text(self, prompt: str | tuple[Message, ...], raw: bool) -> tuple[str, bool]:
        """The text, and whether the tokenizer has to add special tokens: a template writes its own. Raises
        PromptError."""
        if isinstance(prompt, str):
            if raw or not (self._exists and self._prompts_too):
                return prompt, True
            return self._apply([{"role": "user", "content": prompt}]), False
        if not self._exists:
            raise PromptError("messages need a chat template, and the model has none; a prompt does not need one")
        return self._apply([message._asdict() for message in prompt]), False

    def _apply(self, turns: Turns) -> str:
        try:
            return self._render(turns)
        except Exception as error:  # jinja's own, or that of what a runtime has in its place
            raise PromptError(f"the model's chat template refuses the messages: {self._reason(error)}") from error

    def _reason(self, error: Exception) -> str:
        """The template's own words, else the error's kind: its text may be a message's."""
        said = str(error)
        own = [single or double for single, double in OWN_WORDS.findall(str(self._source))]
        # The first in it: openvino adds the template's lines around the place.
        return min((words for words in own if words in said), key=said.index, default=type(error).__name__)
