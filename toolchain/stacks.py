"""Runs a stack without ever writing into the checkout.

Pulumi keeps the salt of the passphrase-protected secrets in the stack's file: `pulumi stack init` and
`pulumi up` would add `encryptionsalt` to `stacks/Pulumi.<stack>.yaml`, although that file is committed and
the salt belongs to one backend and one passphrase only. So the project's and the stack's file are mirrored
into `.pulumi/`:

- the stack is created from the mirror, so that Pulumi writes the salt there and into the stack's state;
- every later operation gets a fresh copy of the committed file with `--config-file`. The copy has no salt,
  and `PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER` (see environment.py) makes Pulumi take the one in the state.

A committed file with `secure:` values has a salt or a secrets provider of its own; the copy carries it and
Pulumi uses it. Whoever calls plain `pulumi` with a backend of their own gets Pulumi's ordinary behaviour.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

from toolchain.errors import ToolchainError


def stack_names(root: Path) -> list[str]:
    """List the stacks that have a file in `stacks/`."""
    files = (root / "stacks").glob("Pulumi.*.yaml")
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files)


def check_there_is(root: Path, stack: str) -> None:
    """Refuse a stack that has no file in `stacks/`."""
    if stack not in stack_names(root):
        known = ", ".join(stack_names(root)) or "none"
        raise ToolchainError(f"there is no stack {stack}: stacks/Pulumi.{stack}.yaml is missing (there are: {known})")


def mirror(root: Path, stack: str) -> Path:
    """Copy the project's file and the stack's file into `.pulumi/` and return the copy of the latter."""
    check_there_is(root, stack)
    _copy(root / "Pulumi.yaml", mirror_directory(root) / "Pulumi.yaml")
    return _copy(root / "stacks" / f"Pulumi.{stack}.yaml", mirror_directory(root) / "stacks" / f"Pulumi.{stack}.yaml")


def mirror_directory(root: Path) -> Path:
    """Return the directory from which stacks are created."""
    return root / ".pulumi"


def _copy(source: Path, target: Path) -> Path:
    """Copy a file so that another operation reading the target never sees half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.copyfile(source, draft)
    draft.replace(target)
    return target


def mend(backend: Path, project: str, stack: str) -> bool:
    """Take back a checkpoint that a killed Pulumi left half-written in a file backend; tell whether it had to be.

    Pulumi keeps the one before beside it. What that one does not know of yet is found again by its mark when it is
    created. Beside each file lies another one with its attributes, which is overwritten in place; they are not needed.
    """
    checkpoint = backend / ".pulumi" / "stacks" / project / f"{stack}.json"
    before = checkpoint.with_name(f"{checkpoint.name}.bak")
    halves = [file for file in map(_attributes_of, (checkpoint, before)) if file.exists() and not _is_whole(file)]
    for file in halves:
        file.unlink()
    if not checkpoint.exists() or _is_whole(checkpoint) or not before.exists() or not _is_whole(before):
        return bool(halves)
    _copy(before, checkpoint)
    return True


def unlock(backend: Path, project: str, stack: str) -> int:
    """Take away the locks in a file backend of this machine's runs that died with them; tell how many there were.

    A run that is alive keeps its lock, and so does one of another machine, which nobody here can tell.
    """
    locks = (backend / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json")
    dead = [lock for lock in locks if _is_left_behind(lock)]
    for lock in dead:
        _attributes_of(lock).unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    return len(dead)


def _is_left_behind(lock: Path) -> bool:
    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
        host, pid = str(holder["hostname"]), int(holder["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return host == socket.gethostname() and not _is_alive(pid)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _attributes_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.attrs")


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True
