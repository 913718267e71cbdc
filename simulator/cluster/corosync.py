"""`corosync.conf`: the cluster's configuration as its own daemon and the API show it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from simulator.cluster.records import COROSYNC, ClusterConfig
from simulator.records import Node
from simulator.schema import PropertyString, integer, string
from simulator.state import Datacenter

PATH = "/etc/pve/corosync.conf"
AUTHKEY = "/etc/corosync/authkey"
LINKS = 8
"""How many links a cluster can have."""
LINK = PropertyString(
    {
        "address": string(format="address", default_key=True),
        "priority": integer(minimum=0, maximum=255, optional=True),
    }
)


def links_in(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the links that parameters describe (`link0`, ...), by their numbers."""
    given = {str(number): values.get(f"link{number}") for number in range(LINKS)}
    return {number: LINK.parse(str(text), f"link{number}") for number, text in given.items() if text}


def addresses_in(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the addresses of the links that parameters describe."""
    return {number: str(link["address"]) for number, link in links_in(values).items()}


def config_of(datacenter: Datacenter) -> ClusterConfig:
    """Return the configuration of a cluster."""
    return datacenter.cluster_config[COROSYNC]


def node_entry(node: Node) -> dict[str, str]:
    """Return what the file says of a node."""
    entry = {"name": node.name, "nodeid": str(node.nodeid)}
    entry |= {"quorum_votes": str(node.votes)} if node.votes else {}
    return entry | {f"ring{number}_addr": address for number, address in node.rings.items()}


def totem(config: ClusterConfig) -> dict[str, Any]:
    """Return the settings of the protocol by which the nodes talk with one another."""
    interfaces = {
        number: {"linknumber": number} | ({"knet_link_priority": priority} if priority else {})
        for number, priority in config.links.items()
    }
    coefficient = {} if config.token_coefficient is None else {"token_coefficient": str(config.token_coefficient)}
    return {
        "cluster_name": config.cluster_name, "config_version": str(config.config_version), "interface": interfaces,
        "ip_version": "ipv4-6", "link_mode": "passive", "secauth": "on",
        "version": "2",
    } | coefficient  # fmt: skip


def render(datacenter: Datacenter) -> str:
    """Return the text of the file."""
    settings = totem(config_of(datacenter))
    nodes = sorted(datacenter.nodes, key=lambda node: node.name)
    sections: dict[str, dict[str, Any]] = {
        "logging": {"debug": "off", "to_syslog": "yes"},
        "nodelist": {"node": [node_entry(node) for node in nodes]},
        "quorum": {"provider": "corosync_votequorum"},
        "totem": settings | {"interface": [row for _, row in sorted(settings["interface"].items())]},
    }
    return "".join(f"{name} {{\n{_lines(section, '  ')}}}\n\n" for name, section in sections.items())


def _lines(section: dict[str, Any], indent: str) -> str:
    text = ""
    for key, value in sorted(section.items()):
        if isinstance(value, list):
            text += "".join(f"{indent}{key} {{\n{_lines(row, indent + '  ')}{indent}}}\n" for row in value)
        else:
            text += f"{indent}{key}: {value}\n"
    return text


def digest(datacenter: Datacenter) -> str:
    """Return the digest of the file."""
    return hashlib.sha1(render(datacenter).encode(), usedforsecurity=False).hexdigest()
