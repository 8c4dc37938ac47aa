"""How the worker starts, refuses to start and ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from pathlib import Path

import pytest

import config
from address import AddressError, probe
from running import WORKER, Start


async def test_stdout_has_one_line_and_sigterm_ends_it_with_0(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim")
    assert worker.line.endswith("backend=sim model=a40 simulated\n")
    assert await worker.end(signal.SIGTERM) == 0
    assert await worker.rest_of_stdout() == ""


async def test_sigint_ends_it_with_0(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim")
    assert await worker.end(signal.SIGINT) == 0


async def test_a_supervised_worker_ignores_sigint_and_ends_with_its_stdin(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", WORKER_EXIT_ON_STDIN_CLOSE="1", stdin=asyncio.subprocess.PIPE)
    worker.process.send_signal(signal.SIGINT)
    await asyncio.sleep(0.3)
    assert worker.process.returncode is None
    assert worker.process.stdin is not None
    worker.process.stdin.close()
    assert await worker.wait() == 0


async def test_a_process_that_the_worker_spawned_ends_with_it(tmp_path: Path) -> None:
    # What multiprocessing's `spawn` does to a child: it imports the main script as __mp_main__.
    child = f"import runpy, time; runpy.run_path({str(WORKER)!r}, run_name='__mp_main__'); time.sleep(60)"
    script = tmp_path / "parent.py"
    script.write_text(
        "import subprocess, sys, time\n"
        f"print(subprocess.Popen([sys.executable, '-c', {child!r}], stdout=sys.stderr).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, str(script), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    assert parent.stderr is not None
    assert int(await asyncio.wait_for(parent.stdout.readline(), 20)) > 0
    await asyncio.sleep(1)  # the child has to import
    parent.kill()
    await parent.wait()
    # The child holds the pipe for as long as it lives.
    assert await asyncio.wait_for(parent.stderr.read(), 20) == b""


async def test_a_stop_while_loading_ends_it_at_once_with_0(start: Start, tmp_path: Path) -> None:
    for package in ("numpy", "openvino", "openvino_genai"):
        (tmp_path / f"{package}.py").write_text("import time; time.sleep(60)")
    worker = await start(WORKER_BACKEND="openvino", PYTHONPATH=str(tmp_path), until_ready=False)
    while b"loading" not in worker.log:
        assert worker.process.returncode is None
        await asyncio.sleep(0.05)
    assert await asyncio.wait_for(worker.end(), 10) == 0
    assert await worker.rest_of_stdout() == ""


@pytest.mark.parametrize("holder", ["listener", "reuseport listener", "outgoing connection"])
async def test_a_taken_port_is_found_before_the_model_is_loaded(start: Start, holder: str) -> None:
    with socket.socket() as other, socket.socket() as peer:
        if holder == "outgoing connection":
            peer.bind(("127.0.0.1", 0))
            peer.listen()
            other.connect(peer.getsockname())
        else:
            if holder == "reuseport listener":
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            other.bind(("127.0.0.1", 0))
            other.listen()
        port = other.getsockname()[1]
        # This model does not exist: had it been looked at, the error would be another.
        worker = await start(WORKER_BACKEND="openvino", MODEL_ID="/no/such/model", WORKER_PORT=str(port))
        assert worker.line == ""
        assert await worker.wait() == 1
    (line,) = (await worker.stderr()).splitlines()
    assert f"can't listen on WORKER_HOST:WORKER_PORT 127.0.0.1:{port}: Address already in use" in line
    assert "another worker" in line
    assert f":{port}" in line.split("To see who")[1]


async def test_a_second_worker_on_the_same_port_does_not_start(start: Start) -> None:
    first = await start(WORKER_BACKEND="sim")
    second = await start(WORKER_BACKEND="sim", WORKER_PORT=first.address.rpartition(":")[2])
    assert (second.line, await second.wait()) == ("", 1)
    assert first.process.returncode is None


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AddressError, match=r"WORKER_HOST:WORKER_PORT 192\.0\.2\.1:0"):
        probe("192.0.2.1", 0)


def test_a_taken_address_of_a_name_is_refused_also_when_another_of_it_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, port))
            for host in ("127.0.0.2", "192.0.2.1", "127.0.0.1")
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        with pytest.raises(AddressError, match=r"name:.* in use; another worker"):
            probe("name", port)
        found.pop()
        probe("name", port)  # one that this machine does not have is no harm


@pytest.mark.parametrize("host", ["a..b", "x" * 70, " "])
def test_what_cannot_be_a_name_is_refused(host: str) -> None:
    with pytest.raises(AddressError, match=f"WORKER_HOST:WORKER_PORT {host}:0: "):
        probe(host, 0)


async def test_wrong_settings_end_it_with_2_and_a_line_for_each(start: Start) -> None:
    worker = await start(WORKER_BACKEND="cuda", WORKER_PORT="x", VLLM_MAX_MODEL_LEN="-1")
    assert (worker.line, await worker.wait()) == ("", 2)
    assert (await worker.stderr()).splitlines() == [
        'worker: WORKER_BACKEND must be one of mlx, openvino, vllm, sim, got "cuda"',
        'worker: WORKER_PORT must be a whole number from 0 to 65535, got "x"',
        'worker: VLLM_MAX_MODEL_LEN must be a whole number from 1 to 100000000, got "-1"',
    ]


async def test_a_wrong_profile_ends_it_with_2(start: Start) -> None:
    worker = await start(WORKER_BACKEND="sim", SIM_PROFILE="h100")
    assert (worker.line, await worker.wait()) == ("", 2)
    assert 'SIM_PROFILE must be one of a40, fixed20, null or the path of a profile, got "h100"' in await worker.stderr()


@pytest.mark.parametrize(
    ("backend", "package", "requirements"),
    [
        ("mlx", "mlx_lm", "requirements.txt"),
        ("vllm", "vllm", "requirements-vllm.txt"),
        ("openvino", "openvino_genai", "requirements-openvino.txt"),
    ],
)
async def test_a_missing_package_names_its_requirements_file(
    start: Start, tmp_path: Path, backend: str, package: str, requirements: str
) -> None:
    # Hides the package where it is installed: the folder comes first on the path and fails like an absent one.
    (tmp_path / f"{package}.py").write_text(
        f'raise ModuleNotFoundError("No module named \'{package}\'", name="{package}")'
    )
    worker = await start(WORKER_BACKEND=backend, MODEL_ID=str(tmp_path), PYTHONPATH=str(tmp_path))
    assert (worker.line, await worker.wait()) == ("", 1)
    last = (await worker.stderr()).splitlines()[-1]
    assert last.startswith(f"worker: backend {backend} could not import a package it needs")
    assert last.endswith(f"`pip install -r worker/{requirements}`")
    assert "Traceback" not in await worker.stderr()


async def test_help_shows_the_settings(start: Start) -> None:
    worker = await start("--help")
    assert await worker.wait() == 0
    assert worker.line + await worker.rest_of_stdout() == config.help_text() + "\n"
