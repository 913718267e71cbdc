"""What is said about a lab in which OpenStack is tried out: see `OpenStackLab`.

The fields' limits are checked where a page is read; what has to fit together is in `openstack_checks`. Sizes, and what
each network is for, are assumptions where nothing is said: they follow from the deployer, see `openstack_deployers`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from components import golden_template
from components.openstack_deployers import DEPLOYERS, Deployer, DeployerName, Machine, Role
from components.placement import Capacity, Size

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Number = Annotated[int, Field(ge=2)]
Vlan = Annotated[int, Field(ge=1, le=4094)]
Mtu = Annotated[int, Field(ge=1280, le=9216)]
LARGE, USUAL = 9000, 1500
UNTAGGED = 6
"""The VLAN whose interface on the host has no tag where the lab is taken literally."""
NAMES = {6: "boot", 7: "management", 8: "storage", 10: "tunnel", 18: "external"}


@dataclass(frozen=True, kw_only=True)
class Host(Capacity):
    """A Proxmox VE host. Its key is its name in the lab."""

    node: str
    card: str
    """The card in the bridge, which carries all VLANs and what has none."""
    outside: str
    """The host's address towards everything else, with its prefix length; packets without a tag go there."""
    gateway: str
    connection: str | None = None
    """Name of its connection, where the stack has several."""
    storage: str = "local-lvm"
    """Where disks are."""
    image_storage: str = "local"
    """Where the template's image is kept."""

    @property
    def address(self) -> str:
        """Where it is reached."""
        return self.outside.partition("/")[0]


@dataclass(frozen=True, kw_only=True)
class Network:
    """An inner network: a VLAN, whose gateway is a host."""

    vlan: Vlan
    cidr: str | None = None
    """`10.<vlan>.0.0/24` where not set."""
    roles: tuple[Role, ...] | None = None
    """What it is for; what the deployer has for this VLAN where not set."""
    pool: Annotated[str, Field(pattern=r"^[0-9.]+-[0-9.]+$")] | None = None
    """Addresses that OpenStack and its deployer give out: first and last; 100 to 199 of the network where not set."""

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        """Its addresses."""
        return ipaddress.IPv4Network(self.cidr or f"10.{self.vlan}.0.0/24")

    @property
    def given_out(self) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
        """The first and the last address of the pool."""
        if self.pool is None:
            return self.subnet[100], self.subnet[199]
        first, last = self.pool.split("-")
        return ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)

    @property
    def interface(self) -> str:
        """The host's interface in it."""
        return f"vlan{self.vlan}i"


@dataclass(frozen=True, kw_only=True)
class Template(golden_template.Template):
    """What the machines are clones of: made of an image of Ubuntu for the cloud."""

    name: Name = "openstack-template"
    disk: Size = "10G"
    linked: bool = False


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """The machines that OpenStack is put on: `node-1` and so on. What is not set follows from the deployer."""

    count: Annotated[int, Field(ge=1, le=50)] = 3
    size: Machine | None = None
    osd_disks: Annotated[int, Field(ge=0, le=12)] = 2
    """Disks for Ceph, besides that of the system."""
    osd_size: Size = "50G"

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [f"node-{number}" for number in range(1, self.count + 1)]


@dataclass(frozen=True, kw_only=True)
class OpenStackLabArgs:
    """The lab."""

    hosts: Annotated[Mapping[str, Host], Field(min_length=1)]
    template: Template
    ostemplate: str
    """What the containers are made of, such as `local:vztmpl/…`; each host has it."""
    domain: Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")]
    """The reverse proxy serves `dashboard` of it, and what else there is."""
    deployer: DeployerName = "maas-juju"
    """Who puts OpenStack on the nodes; from it follow sizes, what the networks are for, and the files to hand over."""
    router: str | None = None
    """The host that is the gateway of all inner networks; the first one by its name where not set."""
    literal: bool = False
    """The network as the lab's first description has it: VLAN 6 has no tag on the host, large packets go outside too,
    and everything that leaves any interface gets the host's address, also between inner networks, which are open."""
    networks: Mapping[str, Network] = field(
        default_factory=lambda: {name: Network(vlan=vlan) for vlan, name in NAMES.items()}
    )
    bridge: str = "vmbr0"
    comment: str | None = "Web Management"
    """The bridge's."""
    mtu: Mtu = LARGE
    """Of the bridge, of its card and of all inner networks."""
    external_mtu: Mtu | None = None
    """Of the interface outside; 1500 where not set, and taken literally that of the inner networks."""
    nodes: Nodes = field(default_factory=Nodes)
    machines: Mapping[str, Machine] = field(default_factory=dict)
    """Sizes of the other guests, by name, where they are not the usual ones."""
    placement: Mapping[str, str] = field(default_factory=dict)
    """Guest -> host, where it is chosen by hand; by room where not."""
    numbers: Mapping[str, Number] = field(default_factory=dict)
    """Guest -> its place in each network that it has a fixed address in, such as 21 for 10.7.0.21."""
    proxy_outside: str | None = None
    """An address outside for the reverse proxy, with its prefix length; without one it is reached from inside."""
    sites: Mapping[str, str] = field(default_factory=dict)
    """Further sites of the reverse proxy: name in the domain -> URL of who answers."""
    user: str = "ubuntu"
    """The user that cloud-init makes in the machines."""
    ssh_keys: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    """For all guests; those of their hosts where none are named."""
    pool: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = "openstack"
    """The resource pool of all guests."""

    @property
    def kit(self) -> Deployer:
        """What follows from the deployer."""
        return DEPLOYERS[self.deployer]

    @property
    def outside_mtu(self) -> int:
        """Of the interface outside."""
        return self.external_mtu or (self.mtu if self.literal else USUAL)

    @property
    def gateway(self) -> Host:
        """The host that is the gateway."""
        return self.hosts[self.gateway_name]

    @property
    def gateway_name(self) -> str:
        """Its name in the lab. Keys of a page have no order, so that none can follow from where they stand."""
        return self.router or min(self.hosts)

    @property
    def network_names(self) -> list[str]:
        """The networks by their VLANs."""
        return sorted(self.networks, key=lambda name: self.networks[name].vlan)

    def roles(self, name: str) -> tuple[Role, ...]:
        """What a network is for."""
        network = self.networks[name]
        return self.kit.roles.get(network.vlan, ()) if network.roles is None else network.roles

    def by_role(self, role: Role) -> Network:
        """The network that has a role."""
        return next(network for name, network in self.networks.items() if role in self.roles(name))
