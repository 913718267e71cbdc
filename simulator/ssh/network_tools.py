"""The commands that set up a node's own network (`ifreload`, `ifup`, `ifdown`), and show it (`ip`, `bridge`)."""

from __future__ import annotations

import ipaddress
import json
import re
import zlib
from dataclasses import replace
from typing import Any

from simulator.guests.inside import Programs
from simulator.network.files import current, link_of, links, reload
from simulator.network.parsing import parse
from simulator.network.reach import watched
from simulator.records import Interface
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams

_MTU = 1500


async def ifreload(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Set the interfaces up as `/etc/network/interfaces` says (`ifreload -a`)."""
    if not {"-a", "--all"} & set(args):
        streams.complain("ifreload: error: '-a' option or interface list are required")
        return 1
    with shell.tree.world.database.transaction():
        reload(shell.datacenter, shell.node)
    return 0


def _named(shell: NodeShell, args: list[str]) -> list[str]:
    """Return the interfaces that are meant: those given, or with `-a` those that start by themselves."""
    entries = parse(current(shell.datacenter, shell.node).text).entries
    if {"-a", "--all"} & set(args):
        return [name for name, entry in entries.items() if entry.get("autostart") and name != "lo"]
    return [word for word in args if not word.startswith("-")]


def _switch(command: str) -> Program:
    """Make `ifup` or `ifdown`."""

    async def run(shell: NodeShell, args: list[str], streams: Streams) -> int:
        names, code = _named(shell, args), 0
        entries = parse(current(shell.datacenter, shell.node).text).entries
        if not names:
            streams.complain(f"{command}: error: '-a' option or interface list are required")
            return 1
        with shell.tree.world.database.transaction(), watched(shell.datacenter, shell.node):
            for name in names:
                if name not in entries:
                    streams.complain(f"error: {command}: interface {name} not found in configuration")
                    code = 1
                elif command == "ifup":
                    shell.datacenter.interfaces.put(link_of(shell.node, name, entries[name]))
                else:
                    _take_down(shell, name)
        return code

    return run


def _take_down(shell: NodeShell, name: str) -> None:
    key = f"{shell.node}/{name}"
    link = shell.datacenter.interfaces.get(key)
    if link is not None and link.type == "eth":
        shell.datacenter.interfaces.put(replace(link, options={"method": "manual"}))
    else:
        shell.datacenter.interfaces.delete(key)


def _mac(node: str, name: str) -> str:
    number = zlib.crc32(f"{node}/{name}".encode())
    return "bc:24:11:" + ":".join(f"{number >> shift & 0xFF:02x}" for shift in (16, 8, 0))


def _addresses(link: Interface) -> list[ipaddress.IPv4Interface | ipaddress.IPv6Interface]:
    texts = [link.options.get(key) for key in ("cidr", "cidr6", "address", "address6")]
    found = dict.fromkeys(ipaddress.ip_interface(text) for text in texts if text and "/" in text)
    return list(found)


def _link_rows(shell: NodeShell) -> list[dict[str, Any]]:
    """Return what `ip link` shows: the loopback, and every interface that is up."""
    rows: list[dict[str, Any]] = [
        {
            "ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP", "LOWER_UP"], "mtu": 65536, "qdisc": "noqueue",
            "operstate": "UNKNOWN", "link_type": "loopback", "address": "00:00:00:00:00:00",
        }
    ]  # fmt: skip
    all_links = links(shell.datacenter, shell.node)
    for number, link in enumerate(all_links, 2):
        ports = {port: bridge.iface for bridge in all_links for port in bridge.options.get("bridge_ports", "").split()}
        row = {
            "ifindex": number, "ifname": link.iface, "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
            "mtu": int(link.options.get("mtu", _MTU)), "qdisc": "noqueue" if link.type != "eth" else "pfifo_fast",
            "operstate": "UP", "link_type": "ether", "address": _mac(shell.node, link.iface),
            "broadcast": "ff:ff:ff:ff:ff:ff",
        }  # fmt: skip
        rows.append(row | ({"master": ports[link.iface]} if link.iface in ports else {}))
    return rows


def _address_rows(shell: NodeShell) -> list[dict[str, Any]]:
    known = {link.iface: _addresses(link) for link in links(shell.datacenter, shell.node)}
    known["lo"] = [ipaddress.ip_interface("127.0.0.1/8"), ipaddress.ip_interface("::1/128")]
    return [row | {"addr_info": [_info(row["ifname"], a) for a in known[row["ifname"]]]} for row in _link_rows(shell)]


def _with_real(rows: list[dict[str, Any]], told: bytes) -> list[dict[str, Any]]:
    """Tell what is so on a live node: whether an interface is up, and which addresses it has."""
    real = {row["ifname"]: row for row in json.loads(told or b"[]") if "ifname" in row}
    found = []
    for row in rows:
        seen = real.get(row["ifname"])
        if seen is None:
            found.append(row)
            continue
        there = [ipaddress.ip_interface(f"{each['local']}/{each['prefixlen']}") for each in seen["addr_info"]]
        infos = [_info(row["ifname"], each) for each in there if not each.is_link_local]
        down = {} if "UP" in seen["flags"] else {"flags": ["BROADCAST", "MULTICAST"], "operstate": "DOWN"}
        found.append(row | down | ({"addr_info": infos} if "addr_info" in row else {}))
    return found


def _info(name: str, address: ipaddress.IPv4Interface | ipaddress.IPv6Interface) -> dict[str, Any]:
    family = "inet" if address.version == 4 else "inet6"  # noqa: PLR2004 - the version of IP
    return {
        "family": family, "local": str(address.ip), "prefixlen": address.network.prefixlen,
        "scope": "host" if name == "lo" else "global", "label": name,
    }  # fmt: skip


def _route_rows(shell: NodeShell) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for link in links(shell.datacenter, shell.node):
        for key in ("gateway", "gateway6"):
            gateway = link.options.get(key)
            rows += [{"dst": "default", "gateway": gateway, "dev": link.iface, "protocol": "kernel"}] if gateway else []
        rows += [
            {"dst": str(a.network), "dev": link.iface, "protocol": "kernel", "scope": "link", "prefsrc": str(a.ip)}
            for a in _addresses(link)
        ]
    return rows


_CHANGES = {"address": ("add", "replace", "del", "delete"), "link": ("set",)}
_ALL = "priority=65535"
"""A flow that goes before all others."""
_OBJECTS = {"address": _address_rows, "link": _link_rows, "route": _route_rows}


async def ip(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Show addresses, links and routes; with -j as JSON. On a live node, change its addresses and links for real."""
    options = [word for word in args if word.startswith("-")]
    words = [word for word in args if not word.startswith("-")]
    name = next((known for known in _OBJECTS if words and known.startswith(words[0])), None)
    if name is None:
        text = (
            f'Object "{words[0]}" is unknown, try "ip help".' if words else "Usage: ip [ OPTIONS ] OBJECT { COMMAND }"
        )
        streams.complain(text)
        return 1 if words else 255
    verb = words[1] if len(words) > 1 else "show"
    if shell.real is not None and verb in _CHANGES.get(name, ()):
        return await _change(shell, shell.real, args, streams)
    if verb not in ("show", "list", "ls", "sh", "s", "l"):
        streams.complain(f'Command "{verb}" is unknown, try "ip {name} help".')
        return 255
    device = next((word for word in words[2:] if word not in ("dev", "default", "up")), None)
    rows = [row for row in _OBJECTS[name](shell) if device in (None, row.get("ifname", row.get("dev")))]
    rows = [row for row in rows if "default" not in words[2:] or row.get("dst") == "default"]
    if device is not None and not rows:
        streams.complain(f'Device "{device}" does not exist.')
        return 1
    if name != "route" and shell.real is not None:
        rows = _with_real(rows, (await shell.real.run(["ip", "-json", "address"])).out)
    if {"-j", "-json", "-jp"} & set(options):
        streams.say(json.dumps(rows, separators=(",", ":")))
        return 0
    for row in rows:
        _show(name, row, streams)
    return 0


async def _change(shell: NodeShell, real: Programs, args: list[str], streams: Streams) -> int:
    """Do it on the live node. A bridge of Linux that is down carries nothing, which its live switch has to be told."""
    done = await real.run(["ip", *args])
    bridges = [link.iface for link in links(shell.datacenter, shell.node) if link.type == "bridge"]
    for name in set(bridges) & set(args) if done.code == 0 and {"up", "down"} & set(args) else ():
        command = ["del-flows", "--strict", name, _ALL] if "up" in args else ["add-flow", name, f"{_ALL},actions=drop"]
        await real.run(["ovs-ofctl", *command])
    return streams.end(done)


def _show(name: str, row: dict[str, Any], streams: Streams) -> None:
    if name == "route":
        parts = [row["dst"], *(f"{word} {row[key]}" for key, word in _ROUTE_WORDS.items() if key in row)]
        streams.say(" ".join(parts))
        return
    master = f" master {row['master']}" if "master" in row else ""
    streams.say(
        f"{row['ifindex']}: {row['ifname']}: <{','.join(row['flags'])}> mtu {row['mtu']} qdisc {row['qdisc']}{master}"
        f" state {row['operstate']} group default qlen 1000"
    )
    streams.say(f"    link/{row['link_type']} {row['address']} brd {row.get('broadcast', '00:00:00:00:00:00')}")
    for info in row.get("addr_info", []):
        label = f" {info['label']}" if info["family"] == "inet" else ""
        streams.say(f"    {info['family']} {info['local']}/{info['prefixlen']} scope {info['scope']}{label}")


_ROUTE_WORDS = {"gateway": "via", "dev": "dev", "protocol": "proto", "scope": "scope", "prefsrc": "src"}


async def bridge(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Show which VLANs a bridge that is aware of them lets through (`bridge vlan show`)."""
    if args[:1] != ["vlan"] and args[1:2] != ["vlan"]:
        streams.complain(f'Object "{args[0] if args else ""}" is unknown, try "bridge help".')
        return 1
    streams.say(f"{'port':<18}vlan-id")
    for link in links(shell.datacenter, shell.node):
        if link.type == "bridge":
            vids = re.split(r"[\s,;]+", link.options.get("bridge_vids", "2-4094"))
            more = vids if link.options.get("bridge_vlan_aware") == "1" else []
            streams.say(f"{link.iface:<18}1 PVID Egress Untagged")
            for vid in more:
                streams.say(f"{'':<18}{vid}")
    return 0


PROGRAMS: dict[str, Program] = {
    "bridge": bridge, "ifdown": _switch("ifdown"), "ifreload": ifreload, "ifup": _switch("ifup"), "ip": ip,
}  # fmt: skip
