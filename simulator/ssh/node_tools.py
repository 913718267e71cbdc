"""The commands that tell of a node and set up its network."""

from __future__ import annotations

from simulator.network.files import reload
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams


async def ifreload(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Set the interfaces up as `/etc/network/interfaces` says (`ifreload -a`)."""
    if args not in (["-a"], ["--all"]):
        streams.complain("ifreload: error: '-a' option or interface list are required")
        return 1
    with shell.tree.world.database.transaction():
        reload(shell.datacenter, shell.node)
    return 0


async def hostname(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the node's name; with -f the full one, with -I the address."""
    node = shell.datacenter.nodes[shell.node]
    domain = node.dns.get("search", "")
    full = f"{node.name}.{domain}" if domain else node.name
    streams.say({"-f": full, "--fqdn": full, "-I": f"{node.ip} ", "-i": node.ip}.get("".join(args), node.name))
    return 0


PROGRAMS: dict[str, Program] = {"hostname": hostname, "ifreload": ifreload}
