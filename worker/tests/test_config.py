from __future__ import annotations

import pytest

import config


def problems(**environment: str) -> list[str]:
    with pytest.raises(config.SettingsError) as caught:
        config.read(environment)
    return caught.value.problems


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = config.read({})
    assert (settings[config.BACKEND], settings[config.HOST], settings[config.PORT]) == ("mlx", "127.0.0.1", 50071)
    assert settings[config.CHAT_TEMPLATE] is True
    assert settings[config.DEFAULT_MAX_TOKENS] == 128
    assert settings[config.VLLM_MAX_MODEL_LEN] is None


@pytest.mark.parametrize(
    ("backend", "model"),
    [
        ("mlx", "mlx-community/Qwen2.5-7B-Instruct-4bit"),
        ("vllm", "Qwen/Qwen2.5-7B-Instruct"),
        ("openvino", "smollm2-135m"),
    ],
)
def test_each_backend_has_its_own_default_model(backend: str, model: str) -> None:
    assert config.model_id(config.read({"WORKER_BACKEND": backend})) == model
    assert config.model_id(config.read({"WORKER_BACKEND": backend, "MODEL_ID": "mine"})) == "mine"


@pytest.mark.parametrize("value", ["x", "-1", "65536", "1.5", "5 0", "1_000", "٣"])
def test_a_wrong_port_names_setting_rule_and_value(value: str) -> None:
    assert problems(WORKER_PORT=value) == [f'WORKER_PORT must be a whole number from 0 to 65535, got "{value}"']


def test_every_wrong_setting_has_its_own_line() -> None:
    lines = problems(WORKER_BACKEND="cuda", WORKER_CHAT_TEMPLATE="maybe", VLLM_GPU_MEMORY_UTILIZATION="1.2")
    assert lines == [
        'WORKER_BACKEND must be one of mlx, openvino, vllm, sim, got "cuda"',
        'WORKER_CHAT_TEMPLATE must be 1 (true) or 0 (false), got "maybe"',
        'VLLM_GPU_MEMORY_UTILIZATION must be a number above 0 and up to 1, got "1.2"',
    ]


@pytest.mark.parametrize("value", ["0", "nan", "-0.5", "inf", "half"])
def test_a_share_is_above_0_and_up_to_1(value: str) -> None:
    assert len(problems(VLLM_GPU_MEMORY_UTILIZATION=value)) == 1


def test_an_empty_variable_counts_as_unset() -> None:
    assert config.read({"WORKER_PORT": ""})[config.PORT] == 50071


def test_the_awq_example_is_read() -> None:
    settings = config.read(
        {
            "WORKER_BACKEND": "vllm",
            "MODEL_ID": "Qwen/Qwen3-32B-AWQ",
            "VLLM_QUANTIZATION": "AWQ",
            "VLLM_GPU_MEMORY_UTILIZATION": "0.85",
            "VLLM_MAX_MODEL_LEN": "4096",
            "VLLM_ENFORCE_EAGER": "1",
            "VLLM_ENABLE_PREFIX_CACHING": "1",
        }
    )
    assert settings[config.VLLM_QUANTIZATION] == "awq"
    assert settings[config.VLLM_GPU_MEMORY_UTILIZATION] == 0.85
    assert settings[config.VLLM_MAX_MODEL_LEN] == 4096
    assert settings[config.VLLM_ENFORCE_EAGER] is True


def test_help_shows_every_setting_with_its_default() -> None:
    text = config.help_text()
    for setting in config.TABLE:
        assert f"\n{setting.name} (" in text
    assert "WORKER_PORT (a whole number from 0 to 65535; default 50071)" in text
