"""Whether packets reach a node: its address has to be on an interface that leads to a network card.

A node that applies a network without its own address, or with it where no cable is, is cut off: its API and SSH answer
nobody, and the other nodes take it for lost, until its network is set up otherwise. Whatever runs on it goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from simulator.formats import split_list
from simulator.network.kinds import counts
from simulator.records import Interface
from simulator.state import Datacenter

_CARDS = ("eth", "OVSPort")
_PORTS = ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds")


@contextmanager
def watched(datacenter: Datacenter, name: str) -> Iterator[None]:
    """Change a node's interfaces; one that was reached before and is no longer is cut off from here."""
    before = _is_reached(datacenter, name)
    yield
    node, after = datacenter.nodes[name], _is_reached(datacenter, name)
    cut = (node.cut or before) and not after
    if cut != node.cut:
        datacenter.nodes.put(replace(node, cut=cut, moved=datacenter.clock.now()))


def _is_reached(datacenter: Datacenter, name: str) -> bool:
    """Tell whether an interface that leads out has the node's address."""
    links = {link.iface: link for link in datacenter.interfaces.by("node", name)}
    address = datacenter.nodes[name].ip
    return any(_has(link, address) and _leads_out(links, link) for link in links.values())


def _has(link: Interface, address: str) -> bool:
    given = (link.options.get(key, "") for key in ("cidr", "address", "cidr6", "address6"))
    return any(text.partition("/")[0] == address for text in given)


def _leads_out(links: Mapping[str, Interface], link: Interface) -> bool:
    """Tell whether what is sent on an interface leaves through a card, in no VLAN."""
    if link.type in _CARDS:
        return True
    if link.type == "vlan" or counts(link.options.get("ovs_tag")):
        return False
    if link.type == "OVSIntPort":
        bridge = links.get(link.options.get("ovs_bridge", ""))
        return bridge is not None and _leads_out(links, bridge)
    ports = [links.get(port) for key in _PORTS for port in split_list(link.options.get(key, ""))]
    return any(port.type != "OVSIntPort" and _leads_out(links, port) for port in ports if port is not None)
