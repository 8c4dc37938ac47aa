from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "direct_bench.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(TOOL), *arguments], capture_output=True, text=True, timeout=60)


def test_it_measures_full_batches_of_the_given_prompts(tmp_path: Path) -> None:
    (tmp_path / "prompts.json").write_text('["one", "two"]')
    options = ["--rows", "8", "--max-tokens", "1", "--rounds", "3", "--prompts-file", str(tmp_path / "prompts.json")]
    done = run("--backend", "sim", "--model", "fixed20", *options)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["rows"], result["simulated"], result["mean_rows_per_step"]) == (8, True, 8.0)
    assert [measured["output_tokens"] for measured in result["rounds"]] == [8, 8, 8]
    assert 200 < result["output_tokens_per_second"] <= 400  # 8 tokens in 20 ms and what comes around it


def test_what_is_wrong_is_said_in_a_line() -> None:
    done = run("--backend", "sim", "--model", "h100")
    assert (done.returncode, done.stdout) == (1, "")
    assert "SIM_PROFILE must be one of" in done.stderr
    assert "Traceback" not in done.stderr
