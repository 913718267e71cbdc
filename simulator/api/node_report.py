"""`/nodes/{node}/report`: one text with all that somebody who helps wants to know about a node."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from simulator.api.node_hosts import hosts_text
from simulator.network.files import current
from simulator.nodes import apt_sources, disk_groups
from simulator.nodes.packages import version_lines
from simulator.routing import Call, route
from simulator.schema import string
from simulator.ssh import pve_files

_PVE = "/etc/pve"
Section = tuple[str, str]


@route(
    "GET",
    "/nodes/{node}/report",
    params={"node": string(format="pve-node")},
    check=["perm", "/nodes/{node}", ["Sys.Audit"]],
    protected=True,
    proxyto="node",
)
def report(call: Call) -> str:
    """Return the report: the output of many commands under their names."""
    text = ""
    for title, sections in (
        ("general system info", _system(call)),
        ("info about storage", _storage(call)),
        ("info about virtual guests", _guests(call)),
        ("info about network & firewall", _network(call)),
        ("info about cluster", _cluster(call)),
    ):
        text += f"\n==== {title} ====\n"
        for command, output in sections:
            text += f"\n# {command}\n\n{output.rstrip()}\n"
    return text


def _pve_file(call: Call, name: str) -> Section:
    path = f"{_PVE}/{name}"
    return f"cat {path}", pve_files.read(call.datacenter, path) or ""


def _system(call: Call) -> Iterator[Section]:
    node = call.this_node
    moment = datetime.datetime.fromtimestamp(call.now, datetime.UTC)
    yield "hostname", node.name
    yield "date -R", f"{moment:%a, %d %b %Y %H:%M:%S} +0000"
    yield "cat /proc/cmdline", f"BOOT_IMAGE=/boot/vmlinuz-{node.release.kernel} root=/dev/mapper/pve-root ro quiet"
    yield "pveversion --verbose", "\n".join(version_lines(node.release))
    yield "cat /etc/hosts", hosts_text(call.datacenter, node.name)
    key = call.datacenter.subscriptions.get(node.name)
    yield "pvesubscription get", f"status: {'active' if key is not None else 'notfound'}"
    for path, text in apt_sources.files(call.datacenter, node.name).items():
        yield f"cat {path}", text
    yield "lscpu", f"CPU(s): {node.cpus}"


def _storage(call: Call) -> Iterator[Section]:
    yield _pve_file(call, "storage.cfg")
    for kind, command in (("lvm", "vgs"), ("lvmthin", "lvs"), ("zfs", "zpool list")):
        groups = disk_groups.of_kind(call.datacenter, call.node, kind)
        yield command, "\n".join(f"{group.name} {group.size}" for group in groups)


def _guests(call: Call) -> Iterator[Section]:
    for guest in sorted(call.datacenter.guests, key=lambda guest: guest.vmid):
        if guest.node == call.node:
            folder, tool = ("qemu-server", "qm") if guest.type == "qemu" else ("lxc", "pct")
            path = f"{_PVE}/nodes/{call.node}/{folder}/{guest.vmid}.conf"
            yield f"{tool} config {guest.vmid}", pve_files.read(call.datacenter, path) or ""


def _network(call: Call) -> Iterator[Section]:
    yield "cat /etc/network/interfaces", current(call.datacenter, call.node).text
    yield _pve_file(call, "firewall/cluster.fw")


def _cluster(call: Call) -> Iterator[Section]:
    online = ", ".join(node.name for node in call.datacenter.nodes if node.online)
    yield "pvecm nodes", f"online: {online}"
    yield _pve_file(call, "datacenter.cfg")
