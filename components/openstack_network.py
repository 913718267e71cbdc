"""The network of the hosts of a lab for OpenStack: an Open vSwitch that carries its VLANs, and one host as the router.

One host is the gateway of every inner network. What comes from one goes outside under the host's address, and to no
other inner network, nor to the host itself but its address there; from outside only answers come in, whoever has a
route. There is no IPv6. The other hosts carry the VLANs for their guests and have no address in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.networks import Network
from components.openstack_args import UNTAGGED, OpenStackLabArgs
from components.openstack_plan import tag
from components.router import InnerBridge, Outside, RouterArgs

OUTSIDE = "outside"
IFACE_ID = "ovs_extra set interface ${IFACE} external-ids:iface-id=$(hostname -s)"
EVERYTHING = "post-up iptables -t nat -A POSTROUTING{} -j MASQUERADE"


def router(lab: OpenStackLabArgs) -> RouterArgs:
    """The network of the host that is the gateway."""
    inside = {
        network.interface: Network(cidr=str(network.subnet), vlan=tag(lab, network), mtu=lab.mtu)
        for network in (lab.networks[name] for name in lab.network_names)
    }
    return _host(lab, lab.gateway_name, inside)


def others(lab: OpenStackLabArgs) -> dict[str, RouterArgs]:
    """Host -> its network, of all others."""
    return {name: _host(lab, name, {}) for name in lab.hosts if name != lab.gateway_name}


def _host(lab: OpenStackLabArgs, name: str, inside: Mapping[str, Network]) -> RouterArgs:
    host = lab.hosts[name]
    return RouterArgs(
        node=host.node,
        bridge=InnerBridge(name=lab.bridge, type="OVSBridge", ports=(host.card,), mtu=lab.mtu, comments=lab.comment),
        outside=Outside(name=OUTSIDE, type="OVSIntPort", cidr=host.outside, gateway=host.gateway, mtu=lab.outside_mtu),
        inside=inside,
        apart=not lab.literal,
        further=_literally(lab) if lab.literal and inside else {},
        options={"connection": host.connection, "adopt": "if-exists"},
    )


def _literally(lab: OpenStackLabArgs) -> dict[str, dict[str, Any]]:
    """Two rules that hold for everything, and a name of the switch's for one interface."""
    return {
        OUTSIDE: {"masquerade": []},
        lab.bridge: {"options": [EVERYTHING.format(f" -o {lab.bridge}"), EVERYTHING.format("")]},
        f"vlan{UNTAGGED}i": {"options": [IFACE_ID]},
    }
