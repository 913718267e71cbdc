"""A place: namespaces of its own, whose first process lives as long as the simulator keeps a pipe open to it.

When that process ends, the kernel ends everything else in the place, and in the places inside it: links, mounts and
programs. So nothing outlives the simulator, however it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

from simulator.guests.inside import Finished

KINDS = ("--mount", "--net", "--pid", "--uts", "--ipc")
INSIDE = ("--mount", "--pid", "--uts", "--ipc")
"""For a place with the network of the one around it."""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NOT_ALLOWED = "-mac_admin,-mac_override,-sys_module,-sys_rawio,-sys_time"
_AS_ROOT = ("--root", "--wd", "setpriv", f"--bounding-set={_NOT_ALLOWED}", f"--inh-caps={_NOT_ALLOWED}", "env", "-i")
_ENVIRONMENT = (f"PATH={_PATH}", "HOME=/root", "USER=root", "LANG=C.UTF-8", "TERM=linux")
_PATIENCE = 60
"""Seconds after which what should take a moment has failed."""
_TOO_LONG = f"it did not come to an end within {_PATIENCE} seconds"
_BEGIN = "read -r own _ </proc/self/stat\nexec 3<&0 </dev/null\n"
_HOLD = """
echo "$own"
exec >/dev/null 2>&1
exec sh -c 'cat <&3 & wait "$!"' init
"""
"""Waits for the pipe's end and meanwhile collects whatever ends in the place without a parent."""


class LiveError(Exception):
    """Something cannot be brought to life; the text is one line."""


def script(*lines: str) -> list[str]:
    """Return the command that runs lines of shell and ends at the first that fails."""
    return ["sh", "-ec", "\n".join(lines)]


def quoted(*words: object) -> str:
    """Return words as one line of shell."""
    return shlex.join(str(word) for word in words)


@dataclass(eq=False, slots=True)
class Place:
    """Namespaces and the process that holds them; `pid` is its first process, as this machine numbers it."""

    pid: int
    process: asyncio.subprocess.Process

    @property
    def network(self) -> str:
        """Return what `ip` calls the place's network by, from everywhere that this machine's `/proc` is seen."""
        return f"/proc/{self.pid}/ns/net"

    def enter(self, *kinds: str) -> list[str]:
        """Return the command that runs another one in these namespaces, all of them unless some are named."""
        return ["nsenter", f"--target={self.pid}", *(kinds or KINDS)]

    async def run(self, *lines: str, stdin: bytes = b"") -> str:
        """Run lines of shell in the place, with this machine's programs, and return what they print."""
        return await checked([*self.enter(), *script(*lines)], stdin)

    async def end(self) -> None:
        """End everything in the place; when this returns, nothing of it is left."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        await self.process.wait()


def as_root(place: Place) -> list[str]:
    """Return the command that runs another one as root of a place that has a file tree of its own."""
    return [*place.enter(), *_AS_ROOT, *_ENVIRONMENT]


async def hold(setup: str, outer: Place | None = None, kinds: Sequence[str] = KINDS) -> Place:
    """Make a place, inside another one if that is given, and run lines of shell as its first process."""
    enter = outer.enter() if outer is not None else []
    process = await asyncio.create_subprocess_exec(
        *enter, "unshare", *kinds, "--fork", "--kill-child", *script(_BEGIN + setup + _HOLD),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - both are pipes, see above
    assert process.stderr is not None  # noqa: S101
    try:
        said = (await asyncio.wait_for(process.stdout.readline(), _PATIENCE)).decode().strip()
    except TimeoutError:
        process.kill()
        raise LiveError(_TOO_LONG) from None
    if not said:
        error = await process.stderr.read()
        await process.wait()
        raise LiveError(_one_line(error))
    return Place(int(said), process)


async def finished(argv: Sequence[str], stdin: bytes = b"") -> Finished:
    """Run a program to its end; what it leaves running in the background is not waited for."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        given.write(stdin)
        given.seek(0)
        process = await asyncio.create_subprocess_exec(*argv, stdin=given, stdout=out, stderr=error)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise
        return Finished(code if code >= 0 else 128 - code, _content(out), _content(error))


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


async def checked(argv: Sequence[str], stdin: bytes = b"") -> str:
    """Run a program that must succeed, and soon, and return what it prints."""
    try:
        done = await asyncio.wait_for(finished(argv, stdin), _PATIENCE)
    except TimeoutError:
        raise LiveError(_TOO_LONG) from None
    if done.code != 0:
        raise LiveError(_one_line(done.error))
    return done.out.decode(errors="replace")


def _one_line(text: bytes) -> str:
    """Return what a program has complained of."""
    return " ".join(text.decode(errors="replace").split()) or "it ended without a word"
