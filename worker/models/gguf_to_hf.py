"""A llama-family GGUF as a Hugging Face folder: weights, config and byte-level BPE tokenizer.

Written for SmolLM2 and checked against it; another llama GGUF with the same kind of tokenizer should do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from gguf.quants import dequantize

Dtype = Literal["F32", "BF16"]  # safetensors' names

CONTROL_TOKEN = 3  # the value in tokenizer.ggml.token_type

BLOCK_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
NAMES = {"token_embd": "embed_tokens", "output_norm": "norm"}


def convert(file: Path, folder: Path, dtype: Dtype) -> None:
    """Writes config.json, model.safetensors, tokenizer.json and tokenizer_config.json into `folder`."""
    reader = gguf.GGUFReader(str(file))

    def read(name: str) -> Any:  # the type is the field's own
        return reader.fields[name].contents()

    config = _config(read, dtype)
    heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
    tensors: dict[str, Any] = {}
    for tensor in reader.tensors:
        weights = dequantize(tensor.data, tensor.tensor_type).reshape(tensor.shape[::-1].tolist()).astype(np.float32)
        for part, count in heads.items():
            if f".{part}." in tensor.name:
                weights = unpermute(weights, count)
        tensors[hf_name(tensor.name)] = weights
    write_safetensors(folder / "model.safetensors", tensors, dtype)
    _write_json(folder / "config.json", config)
    _write_json(folder / "tokenizer.json", _tokenizer(read))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(read, config["max_position_embeddings"]))


def hf_name(name: str) -> str:
    """blk.3.attn_q.weight -> model.layers.3.self_attn.q_proj.weight"""
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{BLOCK_NAMES[parts[2]]}.{parts[3]}"
    return f"model.{NAMES[parts[0]]}.{parts[1]}"


def unpermute(weights: Any, heads: int) -> Any:
    """GGUF keeps the rotary halves of each head interleaved; Hugging Face keeps them one after the other."""
    rows = weights.shape[0]
    return weights.reshape(heads, rows // heads // 2, 2, -1).swapaxes(1, 2).reshape(weights.shape)


def write_safetensors(path: Path, tensors: dict[str, Any], dtype: Dtype) -> None:
    """The safetensors layout: header length (u64), JSON header, then the arrays one after another."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name, array in tensors.items():
        end = offset + array.size * {"F32": 4, "BF16": 2}[dtype]
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(to_bfloat16(array) if dtype == "BF16" else array).data)


def to_bfloat16(array: Any) -> Any:
    """fp32 to the bits of bfloat16, rounded to the nearest, ties to even; numpy has no such type."""
    bits = np.ascontiguousarray(array, dtype="<f4").view("<u4")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def _config(read: Any, dtype: Dtype) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": read("llama.embedding_length"),
        "intermediate_size": read("llama.feed_forward_length"),
        "num_hidden_layers": read("llama.block_count"),
        "num_attention_heads": read("llama.attention.head_count"),
        "num_key_value_heads": read("llama.attention.head_count_kv"),
        "max_position_embeddings": read("llama.context_length"),
        "rms_norm_eps": round(read("llama.attention.layer_norm_rms_epsilon"), 12),
        "rope_theta": read("llama.rope.freq_base"),
        "vocab_size": len(read("tokenizer.ggml.tokens")),
        "bos_token_id": read("tokenizer.ggml.bos_token_id"),
        "eos_token_id": read("tokenizer.ggml.eos_token_id"),
        "pad_token_id": read("tokenizer.ggml.padding_token_id"),
        "attention_bias": False,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "torch_dtype": {"F32": "float32", "BF16": "bfloat16"}[dtype],
    }


def _tokenizer(read: Any) -> dict[str, Any]:
    tokens = read("tokenizer.ggml.tokens")
    kinds = read("tokenizer.ggml.token_type")
    special = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": token, **special}
            for number, (token, kind) in enumerate(zip(tokens, kinds, strict=True))
            if kind == CONTROL_TOKEN
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level],
        },
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": read("tokenizer.ggml.merges"),
        },
    }


def _tokenizer_config(read: Any, context: int) -> dict[str, Any]:
    tokens = read("tokenizer.ggml.tokens")
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[read("tokenizer.ggml.bos_token_id")],
        "eos_token": tokens[read("tokenizer.ggml.eos_token_id")],
        "pad_token": tokens[read("tokenizer.ggml.padding_token_id")],
        "add_bos_token": False,
        "clean_up_tokenization_spaces": False,
        "model_max_length": context,
        "chat_template": read("tokenizer.chat_template"),
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
