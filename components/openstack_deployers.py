"""What follows from who puts OpenStack on the nodes: which machines there are besides, and what networks are for.

The sizes are assumptions: what the deployers' own guides ask for a trial, or a little more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from components.placement import Size

DeployerName = Literal["maas-juju", "kolla", "openstack-ansible", "sunbeam", "none"]
Role = Literal["boot", "hosts", "management", "storage", "replication", "migration", "tunnel", "external"]
"""`boot`: machines are started and installed over it. `hosts`: they are reached over it. `management`: the services
talk to each other. `storage`: guests' disks. `replication`: copies of these. `migration`: guests on the move.
`tunnel`: tenants' networks. `external`: floating addresses, whose card on a node has none of its own."""


VIPS = {"internal": 5, "external": 6}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The size of a guest."""

    cores: Annotated[int, Field(ge=1)]
    memory: Annotated[int, Field(ge=256)]
    """MiB."""
    disk: Size


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """What a deployer wants."""

    roles: Mapping[int, tuple[Role, ...]]
    """VLAN -> what it is for."""
    node: Machine
    controllers: Mapping[str, Machine]
    """Machines of its own."""
    net_boot: bool = False
    """Whether the nodes are empty and installed over the network; otherwise they are clones of the template."""
    formats: tuple[str, ...] = ()
    """What is handed over, as `components/handoff` calls it."""
    groups: tuple[str, ...] = ()
    """What each node is part of besides, as the deployer's inventory calls it."""
    vips: Mapping[str, int] = field(default_factory=lambda: VIPS)
    """Addresses that are kept for its load balancer, as places in the network of the management."""
    needs: tuple[Role, ...] = ("management", "external")
    """What there has to be a network for."""


ANSIBLE, PROXY = "ansible", "proxy"
CONTAINERS: Mapping[str, Machine] = {
    ANSIBLE: Machine(cores=2, memory=2048, disk="10G"),
    PROXY: Machine(cores=1, memory=512, disk="4G"),
}
NUMBERS = {"maas": 11, "juju": 12, ANSIBLE: 13, PROXY: 14}
"""Place of a guest in each of its networks; the nodes follow from 21 on."""
FIRST_NODE = 21
_OTHERS: Mapping[int, tuple[Role, ...]] = {7: ("management",), 8: ("storage",), 10: ("tunnel",), 18: ("external",)}

DEPLOYERS: Mapping[DeployerName, Deployer] = {
    "maas-juju": Deployer(
        roles={6: ("boot",), **_OTHERS},
        node=Machine(cores=8, memory=16384, disk="80G"),
        controllers={
            "maas": Machine(cores=4, memory=8192, disk="60G"),
            "juju": Machine(cores=2, memory=4096, disk="40G"),
        },
        net_boot=True,
        formats=("maas", "juju"),
        needs=("boot", "management", "external"),
    ),
    "kolla": Deployer(
        roles={6: ("migration",), **_OTHERS},
        node=Machine(cores=8, memory=16384, disk="80G"),
        controllers={},
        formats=("kolla",),
        groups=("control", "network", "compute", "monitoring", "storage"),
    ),
    "openstack-ansible": Deployer(
        roles={6: ("hosts",), **_OTHERS},
        node=Machine(cores=8, memory=16384, disk="100G"),
        controllers={},
        formats=("openstack-ansible",),
        needs=("management", "storage", "tunnel", "external"),
    ),
    "sunbeam": Deployer(
        roles={6: ("replication",), **_OTHERS},
        node=Machine(cores=4, memory=32768, disk="200G"),
        controllers={},
        formats=("sunbeam",),
        vips={},  # it takes addresses out of the pool
    ),
    "none": Deployer(
        roles={6: ("hosts",), **_OTHERS},
        node=Machine(cores=4, memory=8192, disk="40G"),
        controllers={},
        needs=("management",),
    ),
}
