"""`ovs-vsctl`: the bridges and ports of Open vSwitch that a node's network has."""

from __future__ import annotations

import re

from simulator.network.files import links
from simulator.records import Interface
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams

_COMMANDS = {
    "show": 0, "list-br": 0, "list-ports": 1, "list-ifaces": 1, "br-exists": 1, "port-to-br": 1, "iface-to-br": 1,
    "get": 3,
}  # fmt: skip
_NO_BRIDGE = 2


def _bridges(shell: NodeShell) -> dict[str, list[Interface]]:
    """Return the bridges with their ports."""
    found = links(shell.datacenter, shell.node)
    names = [link.iface for link in found if link.type == "OVSBridge"]
    by_name = {link.iface: link for link in found}
    result: dict[str, list[Interface]] = {}
    for name in names:
        listed = by_name[name].options.get("ovs_ports", "").split()
        own = [link.iface for link in found if link.options.get("ovs_bridge") == name]
        result[name] = [by_name[port] for port in dict.fromkeys([*listed, *own]) if port in by_name]
    return result


async def ovs_vsctl(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Show what there is; changes belong into `/etc/network/interfaces`."""
    words = [word for word in args if not word.startswith("-")]
    name, rest = (words[0], words[1:]) if words else ("", [])
    if name not in _COMMANDS:
        text = (
            f"unknown command '{name}'; use --help for help" if name else "missing command name (use --help for help)"
        )
        streams.complain(f"ovs-vsctl: {text}")
        return 1
    if len(rest) < _COMMANDS[name]:
        streams.complain(f"ovs-vsctl: '{name}' command requires at least {_COMMANDS[name]} arguments")
        return 1
    bridges = _bridges(shell)
    if name == "list-br":
        for bridge in sorted(bridges):
            streams.say(bridge)
        return 0
    if name == "br-exists":
        return 0 if rest[0] in bridges else _NO_BRIDGE
    return _OF[name](bridges, rest, streams)


def _show(bridges: dict[str, list[Interface]], _rest: list[str], streams: Streams) -> int:
    for bridge, ports in sorted(bridges.items()):
        streams.say(f"    Bridge {bridge}")
        for port in sorted(ports, key=lambda port: port.iface):
            streams.say(f"        Port {port.iface}")
            if _tag(port):
                streams.say(f"            tag: {_tag(port)}")
            streams.say(f"            Interface {port.iface}")
            if port.type == "OVSIntPort":
                streams.say("                type: internal")
        streams.say(f"        Port {bridge}\n            Interface {bridge}\n                type: internal")
    streams.say('    ovs_version: "3.5.0"')
    return 0


def _tag(port: Interface) -> str:
    match = re.search(r"\btag=(\d+)", port.options.get("ovs_options", ""))
    return port.options.get("ovs_tag", match[1] if match else "")


def _ports(bridges: dict[str, list[Interface]], rest: list[str], streams: Streams) -> int:
    if rest[0] not in bridges:
        streams.complain(f"ovs-vsctl: no bridge named {rest[0]}")
        return 1
    for port in sorted(port.iface for port in bridges[rest[0]]):
        streams.say(port)
    return 0


def _bridge_of(bridges: dict[str, list[Interface]], rest: list[str], streams: Streams) -> int:
    for bridge, ports in bridges.items():
        if rest[0] in [port.iface for port in ports]:
            streams.say(bridge)
            return 0
    streams.complain(f"ovs-vsctl: no port named {rest[0]}")
    return 1


def _get(bridges: dict[str, list[Interface]], rest: list[str], streams: Streams) -> int:
    """Print a column of a record: of a port its tag, of everything its name."""
    table, record, column = rest[:3]
    known = {port.iface: port for ports in bridges.values() for port in ports}
    if record not in known and record not in bridges:
        streams.complain(f'ovs-vsctl: no row "{record}" in table {table.capitalize()}')
        return 1
    tag = _tag(known[record]) if record in known else ""
    values = {"name": record, "tag": tag or "[]", "trunks": "[]", "type": "internal" if record in bridges else '""'}
    if column not in values:
        streams.complain(f'ovs-vsctl: {table.capitalize()} does not contain a column whose name matches "{column}"')
        return 1
    streams.say(values[column])
    return 0


_OF = {
    "show": _show, "list-ports": _ports, "list-ifaces": _ports, "port-to-br": _bridge_of, "iface-to-br": _bridge_of,
    "get": _get,
}  # fmt: skip
PROGRAMS: dict[str, Program] = {"ovs-vsctl": ovs_vsctl}
