"""The shell inside a guest."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.inside.system import BINARY
from simulator.inside.tree import GuestTree
from simulator.records import Guest
from simulator.ssh.shell import Program, Shell, Streams, in_background
from simulator.ssh.syntax import Pipeline

_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")


@dataclass(slots=True)
class Session:
    """What a program and all that it starts have done together: how long it took, and whether the guest goes down."""

    seconds: float = 0.0
    power: str = ""
    """`poweroff` or `reboot` when the system was told to."""


@dataclass(slots=True, kw_only=True)
class GuestShell(Shell):
    """A shell as root inside a guest."""

    tree: GuestTree
    guest: Guest
    now: float
    session: Session = field(default_factory=Session)

    async def wait(self, seconds: float) -> None:
        """Let simulated time go by: it is counted, and nobody waits."""
        self.session.seconds += seconds

    async def beside(self, pipeline: Pipeline) -> None:
        """Run what is to run beside everything else: in a model it has ended at once."""
        await in_background(self.child(), pipeline)

    def program(self, name: str) -> Program | None:
        """Return the command of a name: one of the model's, one that a package has brought, or a script."""
        known = self.programs.get(name)
        if known is not None or "/" in name:
            return known
        paths = [f"{folder}/{name}" for folder in _PATH]
        path = next((p for p in paths if self.tree.exists(p) and self.tree.stat(p).mode & 0o111), None)
        if path is None:
            return None
        return _nothing if self.tree.read(path) == BINARY else _script(path)


async def _nothing(_shell: GuestShell, _args: list[str], _streams: Streams) -> int:
    return 0


def _script(path: str) -> Program:
    async def run(shell: GuestShell, args: list[str], streams: Streams) -> int:
        return await shell.programs["bash"](shell, [path, *args], streams)

    return run
