"""The shell inside a guest."""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.inside.tree import GuestTree
from simulator.records import Guest
from simulator.ssh.shell import Shell, in_background
from simulator.ssh.syntax import Pipeline


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
