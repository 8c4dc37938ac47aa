"""What the making of the small model says when it fails."""

from __future__ import annotations

import pytest

from models.smollm2 import why_pip_failed

FULL_DISK = """ERROR: Exception:
Traceback (most recent call last):
  File "shutil.py", line 144, in _fastcopy_sendfile
    sent = os.sendfile(outfd, infd, offset, blocksize)
OSError: [Errno 28] No space left on device: '/tmp/a.whl' -> '/cache/a.whl'
"""
NO_VERSION = """ERROR: Could not find a version that satisfies the requirement a==1 (from versions: none)
ERROR: No matching distribution found for a==1

[notice] A new release of pip is available
"""


@pytest.mark.parametrize(
    ("output", "why"),
    [
        (FULL_DISK, "OSError: [Errno 28] No space left on device: '/tmp/a.whl' -> '/cache/a.whl'"),
        (NO_VERSION, "ERROR: No matching distribution found for a==1"),
        ("no such option\n", "no such option"),
        ("", "pip said nothing"),
    ],
)
def test_the_line_that_says_why_pip_failed_is_given(output: str, why: str) -> None:
    assert why_pip_failed(output.encode()) == why
