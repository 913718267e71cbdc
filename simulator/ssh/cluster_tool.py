"""`pvecm`: makes clusters, joins them, and tells what they say of their members and their quorum."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from simulator.access import ROOT
from simulator.cluster.corosync import addresses_in, config_of
from simulator.cluster.joining import JoinRequest, join_cluster
from simulator.errors import ApiError, ParamError
from simulator.records import Node
from simulator.schema import Param, boolean, check, integer, string
from simulator.ssh.calling import FAILED, NO_FILE, UsageError, finished, params_of, read_options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams

_NO_CLUSTER = "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"
_USAGE = {
    "add": "pvecm add <hostname> [OPTIONS]", "create": "pvecm create <clustername> [OPTIONS]",
    "delnode": "pvecm delnode <node>", "expected": "pvecm expected <expected>", "nodes": "pvecm nodes",
    "status": "pvecm status",
}  # fmt: skip
_ASKED_FOR = ("hostname", "password")
_ADD: dict[str, Param] = {
    **{name: param for name, param in params_of("POST", "/cluster/config/join").items() if name not in _ASKED_FOR},
    "fingerprint": string(pattern="([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", optional=True),
    "use_ssh": boolean(optional=True),
}
_EXPECTED: dict[str, Param] = {"expected": integer(minimum=1)}


async def pvecm(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Run a command of the tool."""
    name = args[0] if args else ""
    if name not in _COMMANDS:
        what = f"unknown command 'pvecm {name}'" if args else "no command specified"
        streams.complain(f"ERROR: {what}\nUSAGE: pvecm <COMMAND> [ARGS] [OPTIONS]")
        return FAILED
    if name not in ("add", "create") and not shell.datacenter.clustered:
        streams.complain(_NO_CLUSTER)
        return NO_FILE
    try:
        return await _COMMANDS[name](shell, args[1:], streams)
    except UsageError as error:
        streams.complain(f"{error}\n{_USAGE[name]}")
        return FAILED
    except ApiError as refusal:
        return refused(shell, refusal, _USAGE[name], streams)


def _read(args: list[str], params: Mapping[str, Param], *words: str) -> dict[str, Any]:
    """Return the parameters of a command, those without their names among them."""
    options = read_options(args, params)
    if len(options.words) != len(words):
        raise UsageError(f"400 {'not enough' if len(options.words) < len(words) else 'too many'} arguments")
    return options.values | dict(zip(words, options.words, strict=True))


async def _create(shell: NodeShell, args: list[str], streams: Streams) -> int:
    values = _read(args, params_of("POST", "/cluster/config"), "clustername")
    return await finished(shell, await shell.api("POST", "/cluster/config", values), streams)


async def _add(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Join a cluster: with the password of a member, or as the hosts trust one another over SSH."""
    given = _read(args, _ADD, "hostname")
    hostname = given.pop("hostname")
    values, errors = check(_ADD, given)
    if errors:
        raise ParamError(errors)
    password: str | None = None
    if not values.get("use_ssh"):
        streams.out(f"Please enter superuser (root) password for '{hostname}': ".encode())
        password = (await streams.read()).decode(errors="replace").partition("\n")[0]
        streams.say("")
    request = JoinRequest(
        hostname=hostname, password=password, fingerprint=values.get("fingerprint"), links=addresses_in(values),
        nodeid=values.get("nodeid"), votes=values.get("votes"), force=bool(values.get("force")),
    )  # fmt: skip
    tasks = shell.router.tasks
    with shell.tree.world.database.transaction():
        upid = tasks.start(
            shell.datacenter, shell.node, ROOT, kind="clusterjoin", id_="",
            body=lambda run: join_cluster(run, tasks, request),
        )  # fmt: skip
    tasks.run_due()
    return await finished(shell, upid, streams)


async def _delnode(shell: NodeShell, args: list[str], streams: Streams) -> int:
    wanted = _read(args, {}, "node")["node"]
    node = shell.datacenter.nodes.get(wanted)
    await shell.api("DELETE", f"/cluster/config/nodes/{wanted}")
    if node is not None:
        streams.say(f"Killing node {node.nodeid}")
    return 0


async def _expected(shell: NodeShell, args: list[str], _streams: Streams) -> int:
    """Tell the nodes that are connected how many votes to expect."""
    values, errors = check(_EXPECTED, _read(args, {}, "expected"))
    if errors:
        raise ParamError(errors)
    datacenter = shell.datacenter
    with shell.tree.world.database.transaction():
        for node in datacenter.connected(shell.node):
            datacenter.nodes.put(replace(node, expected=int(values["expected"])))
    shell.router.tasks.run_due()
    return 0


def _online(shell: NodeShell) -> list[Node]:
    return sorted(shell.datacenter.members(shell.node), key=lambda node: node.nodeid)


async def _nodes(shell: NodeShell, args: list[str], streams: Streams) -> int:
    _read(args, {})
    streams.say("\nMembership information\n----------------------\n    Nodeid      Votes Name")
    for node in _online(shell):
        local = " (local)" if node.name == shell.node else ""
        streams.say(f"{node.nodeid:>10} {node.votes:>10} {node.name}{local}")
    return 0


async def _status(shell: NodeShell, args: list[str], streams: Streams) -> int:
    _read(args, {})
    datacenter, online = shell.datacenter, _online(shell)
    config, quorate = config_of(datacenter), datacenter.quorate_on(shell.node)
    expected = datacenter.expected_votes(online)
    blocked = "" if quorate else " Activity blocked"
    rows = [
        ("Cluster information", [("Name", config.cluster_name), ("Config Version", config.config_version),
                                 ("Transport", "knet"), ("Secure auth", "on")]),
        ("Quorum information", [("Quorum provider", "corosync_votequorum"), ("Nodes", len(online)),
                                ("Node ID", f"0x{datacenter.nodes[shell.node].nodeid:08x}"),
                                ("Quorate", "Yes" if quorate else "No")]),
        ("Votequorum information", [("Expected votes", expected), ("Highest expected", expected),
                                    ("Total votes", sum(node.votes for node in online)),
                                    ("Quorum", f"{expected // 2 + 1}{blocked}"),
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
        streams.say(f"0x{node.nodeid:08x} {node.votes:>10} {node.rings.get('0', node.ip)}{local}")
    return 0


_COMMANDS: dict[str, Callable[[NodeShell, list[str], Streams], Awaitable[int]]] = {
    "add": _add, "create": _create, "delnode": _delnode, "expected": _expected, "nodes": _nodes, "status": _status,
}  # fmt: skip
PROGRAMS: dict[str, Program] = {"pvecm": pvecm}
