"""`/nodes/{node}/hosts`: the text of `/etc/hosts`."""

from __future__ import annotations

import hashlib

from simulator.records import File
from simulator.routing import Call, route
from simulator.schema import string
from simulator.state import Datacenter

PATH = "/etc/hosts"
_NODE = {"node": string(format="pve-node")}
_LAST_LINES = """
# The following lines are desirable for IPv6 capable hosts

::1     ip6-localhost ip6-loopback
fe00::0 ip6-localnet
ff00::0 ip6-mcastprefix
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
ff02::3 ip6-allhosts
"""


def hosts_text(datacenter: Datacenter, name: str) -> str:
    """Return the file. Until it is asked for the first time it is what the installer wrote; then it is kept."""
    file = datacenter.files.get(f"{name}:{PATH}")
    if file is not None:
        return file.text
    node = datacenter.nodes[name]
    domain = node.dns.get("search", "")
    full_name = f"{name}.{domain} {name}" if domain else name
    text = f"127.0.0.1 localhost.localdomain localhost\n{node.ip} {full_name}\n{_LAST_LINES}"
    datacenter.files.put(File(node=name, path=PATH, text=text, changed=node.started))
    return text


def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@route("GET", "/nodes/{node}/hosts", params=_NODE, check=["perm", "/", ["Sys.Audit"]], protected=True, proxyto="node")
def read_hosts(call: Call) -> dict[str, str]:
    """Return the file with its digest."""
    text = hosts_text(call.datacenter, call.node)
    return {"data": text, "digest": _digest(text)}


@route(
    "POST",
    "/nodes/{node}/hosts",
    params=_NODE | {"data": string(), "digest": string(max_length=64, optional=True)},
    check=["perm", "/nodes/{node}", ["Sys.Modify"]],
    protected=True,
    proxyto="node",
)
def write_hosts(call: Call) -> None:
    """Replace the file."""
    call.check_digest(_digest(hosts_text(call.datacenter, call.node)))
    call.datacenter.files.put(File(node=call.node, path=PATH, text=call.text("data"), changed=call.now))
