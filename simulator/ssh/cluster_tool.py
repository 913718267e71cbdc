"""`pvecm`: what the cluster says of its members and its quorum."""

from __future__ import annotations

from simulator.ssh.calling import FAILED, NO_FILE
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams

_NO_CLUSTER = "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"


async def pvecm(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Print the members, or all that is known of the cluster's state."""
    shown = {"status": _status, "nodes": _members}.get(args[0] if args else "")
    if shown is None:
        what = f"unknown command 'pvecm {args[0]}'" if args else "no command specified"
        streams.complain(f"ERROR: {what}\nUSAGE: pvecm <COMMAND> [ARGS] [OPTIONS]")
        return FAILED
    if not shell.datacenter.clustered:
        streams.complain(_NO_CLUSTER)
        return NO_FILE
    shown(shell, streams)
    return 0


def _members(shell: NodeShell, streams: Streams) -> None:
    streams.say("\nMembership information\n----------------------\n    Nodeid      Votes Name")
    for node in sorted(shell.datacenter.nodes, key=lambda node: node.nodeid):
        if node.online:
            local = " (local)" if node.name == shell.node else ""
            streams.say(f"{node.nodeid:>10}          1 {node.name}{local}")


def _status(shell: NodeShell, streams: Streams) -> None:
    nodes = sorted(shell.datacenter.nodes, key=lambda node: node.nodeid)
    online = [node for node in nodes if node.online]
    own = shell.datacenter.nodes[shell.node]
    quorate = shell.datacenter.quorate
    need = len(nodes) // 2 + 1
    blocked = "" if quorate else " Activity blocked"
    rows = [
        ("Cluster information", [("Name", shell.datacenter.name), ("Config Version", len(nodes)),
                                 ("Transport", "knet"), ("Secure auth", "on")]),
        ("Quorum information", [("Quorum provider", "corosync_votequorum"), ("Nodes", len(online)),
                                ("Node ID", f"0x{own.nodeid:08x}"), ("Quorate", "Yes" if quorate else "No")]),
        ("Votequorum information", [("Expected votes", len(nodes)), ("Highest expected", len(nodes)),
                                    ("Total votes", len(online)), ("Quorum", f"{need}{blocked}"),
                                    ("Flags", "Quorate" if quorate else "")]),
    ]  # fmt: skip
    for title, lines in rows:
        streams.say(f"{title}\n{'-' * len(title)}")
        for name, value in lines:
            streams.say(f"{name + ':':<18}{value}".rstrip())
        streams.say("")
    streams.say("Membership information\n----------------------\n    Nodeid      Votes Name")
    for node in online:
        local = " (local)" if node.name == shell.node else ""
        streams.say(f"0x{node.nodeid:08x}          1 {node.ip}{local}")


PROGRAMS: dict[str, Program] = {"pvecm": pvecm}
