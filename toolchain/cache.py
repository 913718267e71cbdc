"""The user's cache of built tools: shared by all checkouts, filled once, never half-filled.

An entry is a directory whose name carries what it depends on (version, platform). It is made in a scratch
directory beside it and renamed into place, under a file lock, so that two set-ups at once do the work once
and a set-up that dies leaves nothing that looks finished.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from toolchain.errors import ToolchainError
from toolchain.progress import say

_ARCHITECTURES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name() -> str:
    """Name the machine as Pulumi's releases do: `linux-x64`, `darwin-arm64`."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system not in {"linux", "darwin"} or machine not in _ARCHITECTURES:
        raise ToolchainError(f"Pulumi has no build for {system} on {machine}: use Linux or macOS on x86-64 or ARM64")
    return f"{system}-{_ARCHITECTURES[machine]}"


def user_cache() -> Path:
    """Return the directory of this project in the user's cache, made if need be."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(base) / "proxmox-labs"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def cached(name: str, make: Callable[[Path], None]) -> Path:
    """Return the entry `name`, filled by `make` if this is the first time anybody asks for it."""
    entry = user_cache() / name
    if entry.is_dir():
        return entry
    with _locked(user_cache() / f"{name}.lock", name):
        if not entry.is_dir():
            _fill(entry, make)
    return entry


def point(link: Path, directory: Path) -> None:
    """Let a link in a checkout lead to an entry; whoever follows it meanwhile finds the old one or the new one."""
    link.parent.mkdir(parents=True, exist_ok=True)
    scratch = link.with_name(f"{link.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(directory)
    scratch.replace(link)


def _fill(entry: Path, make: Callable[[Path], None]) -> None:
    """Make the entry beside its place and move it there when it is complete."""
    prefix = f".{entry.name}-"
    for left_behind in entry.parent.glob(f"{prefix}*"):
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=entry.parent, prefix=prefix) as scratch:
        unfinished = Path(scratch) / entry.name
        unfinished.mkdir()
        make(unfinished)
        unfinished.rename(entry)


@contextmanager
def _locked(path: Path, name: str) -> Iterator[None]:
    """Hold the lock of an entry; the operating system gives it back however this process ends."""
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Another set-up is already making {name}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
