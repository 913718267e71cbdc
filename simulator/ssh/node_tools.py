"""The commands that set up a node's own network."""

from __future__ import annotations

from simulator.network.files import reload
from simulator.ssh.shell import Program, Shell, Streams


async def ifreload(shell: Shell, args: list[str], streams: Streams) -> int:
    """Set the interfaces up as `/etc/network/interfaces` says (`ifreload -a`)."""
    if args not in (["-a"], ["--all"]):
        streams.complain("ifreload: error: '-a' option or interface list are required")
        return 1
    with shell.tree.world.database.transaction():
        reload(shell.datacenter, shell.node)
    return 0


PROGRAMS: dict[str, Program] = {"ifreload": ifreload}
