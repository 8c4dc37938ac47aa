"""The small model's making: whole or not at all, checked, once. No network is used."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

gguf = pytest.importorskip("gguf", reason="the backend of this environment needs no conversion")
np = pytest.importorskip("numpy")

from models import cache, gguf_to_hf, smollm2  # noqa: E402 - needs gguf
from models.context import UNKNOWN, context_length  # noqa: E402 - needs gguf


def quiet(_: str) -> None: ...


class Maker:
    def __init__(self, content: bytes = b"weights", fail: bool = False) -> None:
        self.content, self.fail, self.times = content, fail, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "model.bin").write_bytes(self.content)
        if self.fail:
            raise cache.ModelError("no more bytes")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    for _ in range(2):
        assert (cache.ensure(tmp_path / "m", make, quiet) / "model.bin").read_bytes() == b"weights"
    assert make.times == 1


def test_a_whole_folder_needs_no_writing_so_the_cache_may_be_read_only(tmp_path: Path) -> None:
    cache.ensure(tmp_path / "m", Maker(), quiet)
    (tmp_path / "m.lock").unlink()
    (tmp_path / "m.lock").mkdir()  # can't be opened, for root neither
    assert cache.ensure(tmp_path / "m", Maker(fail=True), quiet).is_dir()


def test_a_failed_making_leaves_nothing_and_is_tried_again(tmp_path: Path) -> None:
    with pytest.raises(cache.ModelError, match="no more bytes"):
        cache.ensure(tmp_path / "m", Maker(fail=True), quiet)
    assert [path.name for path in tmp_path.iterdir()] == ["m.lock"]
    assert cache.ensure(tmp_path / "m", Maker(), quiet).is_dir()


@pytest.mark.parametrize("damage", [b"weigh", b"WEIGHTS", None])
def test_a_damaged_folder_is_made_again(tmp_path: Path, damage: bytes | None) -> None:
    make = Maker()
    file = cache.ensure(tmp_path / "m", make, quiet) / "model.bin"
    if damage is None:
        file.unlink()
    else:
        file.write_bytes(damage)
    reports: list[str] = []
    assert (cache.ensure(tmp_path / "m", make, reports.append) / "model.bin").read_bytes() == b"weights"
    assert make.times == 2
    assert "damaged" in reports[0]


def test_a_copied_folder_counts_as_whole_by_its_hash(tmp_path: Path) -> None:
    make = Maker()
    file = cache.ensure(tmp_path / "m", make, quiet) / "model.bin"
    file.write_bytes(b"weights")  # same bytes, another time
    cache.ensure(tmp_path / "m", make, quiet)
    assert make.times == 1


def test_what_a_killed_maker_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "m.making-old").mkdir()
    cache.ensure(tmp_path / "m", Maker(), quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "m.lock"]


def test_makers_at_the_same_time_make_it_once(tmp_path: Path) -> None:
    make = Maker()
    threads = [threading.Thread(target=cache.ensure, args=(tmp_path / "m", make, quiet)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert make.times == 1


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("OMNISPAN_CACHE", raising=False)
    assert cache.cache_folder() == tmp_path / "omnispan"
    monkeypatch.setenv("OMNISPAN_CACHE", str(tmp_path / "own"))
    assert cache.cache_folder() == tmp_path / "own"


def test_the_command_says_why_it_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMNISPAN_CACHE", str(tmp_path / "file"))
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run([sys.executable, smollm2.__file__], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("smollm2: can't make ")
    assert "Traceback" not in done.stderr


def test_unpermute_undoes_llama_cpps_interleaving() -> None:
    heads, half, width = 3, 4, 5
    weights: Any = np.arange(heads * 2 * half * width, dtype=np.float32).reshape(heads * 2 * half, width)
    interleaved = weights.reshape(heads, 2, half, width).swapaxes(1, 2).reshape(weights.shape)
    assert not np.array_equal(interleaved, weights)
    assert np.array_equal(gguf_to_hf.unpermute(interleaved, heads), weights)


def test_bfloat16_rounds_to_nearest_even() -> None:
    # 1 + 2^-8 lies between two bfloat16 values, 1 and 1 + 2^-7: ties go to the even one.
    values = np.array([1.0, 1 + 2**-8, 1 + 3 * 2**-8, -2.5, 0.0], dtype=np.float32)
    assert [hex(bits) for bits in gguf_to_hf.to_bfloat16(values)] == ["0x3f80", "0x3f80", "0x3f82", "0xc020", "0x0"]


@pytest.mark.parametrize(("dtype", "width"), [("F32", 4), ("BF16", 2)])
def test_safetensors_have_header_offsets_and_arrays(tmp_path: Path, dtype: gguf_to_hf.Dtype, width: int) -> None:
    tensors: dict[str, Any] = {"a": np.ones((2, 3), dtype=np.float32), "b": np.full((4,), 2, dtype=np.float32)}
    gguf_to_hf.write_safetensors(tmp_path / "x.safetensors", tensors, dtype)
    raw = (tmp_path / "x.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + length])
    assert length % 8 == 0
    assert header["b"] == {"dtype": dtype, "shape": [4], "data_offsets": [6 * width, 10 * width]}
    assert len(raw) == 8 + length + 10 * width


def test_tensor_names_are_hugging_faces() -> None:
    assert gguf_to_hf.hf_name("blk.3.attn_q.weight") == "model.layers.3.self_attn.q_proj.weight"
    assert gguf_to_hf.hf_name("token_embd.weight") == "model.embed_tokens.weight"


def test_the_context_length_is_read_from_a_gguf_or_a_folder(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(str(tmp_path / "m.gguf"), "llama")
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc"])  # an array before it has to be skipped
    writer.add_context_length(4096)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    assert context_length(tmp_path / "m.gguf") == 4096
    (tmp_path / "config.json").write_text('{"max_position_embeddings": 2048}')
    assert context_length(tmp_path) == 2048
    (tmp_path / "config.json").write_text("{}")
    assert context_length(tmp_path) == UNKNOWN
    (tmp_path / "short.gguf").write_bytes(b"GGUF\x03\x00")
    assert context_length(tmp_path / "short.gguf") == UNKNOWN
