"""Which rows go through the model's chat template, and what is reported of one that refuses."""

from __future__ import annotations

import pytest

from backends.backend import Message
from backends.chat_template import ChatTemplate, Turns
from backends.runtime import PromptError

CONVERSATION = (Message("system", "Be kind."), Message("user", "Hi"), Message("assistant", ""), Message("user", "So?"))
REFUSALS = "{{ raise_exception('No system role') }}{{ raise_exception('Roles must alternate') }}"


def joined(turns: Turns) -> str:
    return "".join(f"[{turn['role']}]{turn['content']}" for turn in turns)


def template(exists: bool = True, prompts_too: bool = True) -> ChatTemplate:
    return ChatTemplate(exists, "source", joined, prompts_too)


def test_a_prompt_is_a_conversation_of_one_user_message_unless_it_is_raw() -> None:
    assert template().text("Hi", raw=False) == ("[user]Hi", False)
    assert template().text((Message("user", "Hi"),), raw=False) == ("[user]Hi", False)
    assert template().text("Hi", raw=True) == ("Hi", True)


def test_the_setting_is_for_prompts_alone() -> None:
    off = template(prompts_too=False)
    assert off.text("Hi", raw=False) == ("Hi", True)
    assert off.text(CONVERSATION, raw=False) == ("[system]Be kind.[user]Hi[assistant][user]So?", False)


def test_without_a_template_prompts_go_as_they_are_and_messages_are_refused() -> None:
    none = template(exists=False)
    assert none.text("Hi", raw=False) == ("Hi", True)
    with pytest.raises(PromptError, match="messages need a chat template, and the model has none"):
        none.text(CONVERSATION, raw=False)


@pytest.mark.parametrize(
    ("source", "said", "reported"),
    [
        ("{{ raise_exception('Roles must alternate') }}", "Roles must alternate", "Roles must alternate"),
        ('{{ raise_exception("No system role") }}', "Error: No system role at row 1", "No system role"),
        (REFUSALS, f"Roles must alternate at row 1:\n{REFUSALS}", "Roles must alternate"),
        ("{{ raise_exception('No ' + messages[0].content) }}", "No secret", "ValueError"),
        ("{{ messages[0].name.first }}", "'secret' has no attribute 'first'", "ValueError"),
        (None, "secret", "ValueError"),
    ],
)
def test_only_a_templates_own_words_are_reported_when_it_refuses(source: str | None, said: str, reported: str) -> None:
    def refuse(turns: Turns) -> str:
        raise ValueError(said)

    with pytest.raises(PromptError) as caught:
        ChatTemplate(True, source, refuse, True).text("secret", raw=False)
    assert str(caught.value) == f"the model's chat template refuses the messages: {reported}"
