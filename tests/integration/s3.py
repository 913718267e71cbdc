"""A server that speaks S3, on loopback and in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.ports import free_port, wait_for
from toolchain.cache import cached, platform_name
from toolchain.errors import ToolchainError
from toolchain.gobuild import build_tool

PROGRAM, VERSION = "gofakes3", "1.2.0"
MODULE = Path(__file__).parent / "s3_server"
KEYS = {"AWS_ACCESS_KEY_ID": "labs", "AWS_SECRET_ACCESS_KEY": "of-the-bucket", "AWS_REGION": "none"}
"""What has to be in the environment of whoever asks it."""


@contextmanager
def s3() -> Iterator[str]:
    """One with a bucket, which is built once; the URL of a backend in it."""
    try:
        program = cached(f"{PROGRAM}-{VERSION}-{platform_name()}", _build) / PROGRAM
    except ToolchainError as problem:
        pytest.skip(f"there is no S3 server here: {problem}")
    port = free_port()
    process = subprocess.Popen(
        [program, "-backend", "memory", "-initialbucket", "labs", "-host", f"127.0.0.1:{port}", "-quiet"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield f"s3://labs?endpoint=http://127.0.0.1:{port}&use_path_style=true"
    finally:
        process.terminate()
        process.wait()


def _build(directory: Path) -> None:
    build_tool("github.com/johannesboyne/gofakes3/cmd/gofakes3", MODULE, directory)
