"""What is said about a lab of three hosts whose services outlive each of them: see `HAServiceNetwork`.

What is not said is an assumption of this lab: sizes of guests, ports of the meshes, how many of each there are. The
fields' limits are checked where a page is read; what has to fit together is in `ha_checks`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from components.golden_template import Image
from components.networks import Network
from components.placement import Room, mebibytes
from components.zero_tier import Joining

Size = Annotated[str, Field(pattern=r"^[1-9]\d*[MGT]$")]
"""Such as 16G."""
Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Memory = Annotated[int, Field(ge=16)]
"""MiB."""
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True, kw_only=True)
class Host:
    """A rented host. Its key is the node's name."""

    connection: str
    """Name of its own connection; that of the first host is the cluster's."""
    endpoint: str
    """Its fixed address on the Internet, where the others reach it."""
    address: str
    """Its address in the network of the services."""
    link: str | None = None
    """Its address in the mesh of the cluster, by which corosync talks; without a mesh, any that the others reach."""
    outside: str = "vmbr0"
    """The interface with the address on the Internet."""
    outside_type: Literal["bridge", "bond", "eth"] = "bridge"
    memory: Size | None = None
    """What it has for guests; where it is said, guests that can't fit are refused."""
    disk: Size | None = None
    """What the guests' storage has for them there."""

    @property
    def room(self) -> Room:
        """What it has for guests; more than anybody wants where that is not said."""
        return Room(memory=mebibytes(self.memory or "1024T"), disk=mebibytes(self.disk or "1024T"))


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A network of tinc between the hosts."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,15}$")]
    """Of the mesh, and of its interface on each host."""
    port: Port


@dataclass(frozen=True, kw_only=True)
class ClusterMesh(Mesh):
    """The mesh that corosync talks over."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,15}$")] = "cluster"
    port: Port = 655
    network: str
    """The network of the hosts' `link` addresses, such as 10.99.0.0/24."""


@dataclass(frozen=True, kw_only=True)
class ServiceMesh(Mesh):
    """The mesh that joins the hosts' bridges."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,15}$")] = "services"
    port: Port = 656


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The cluster that the hosts are made to be."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,13}[A-Za-z0-9])?$")]
    mesh: ClusterMesh | None = None
    """None where the hosts share a private network already."""


@dataclass(frozen=True, kw_only=True)
class ServiceNetwork:
    """The network that all guests are in, whichever host they are on."""

    vip: str
    """The address of the router that moves between its members; guests take it as their way out."""
    static: tuple[str, str]
    """First and last of the addresses that the lab gives to its own guests."""
    dhcp: tuple[str, str]
    """First and last of the addresses that dnsmasq gives to all others."""
    domain: str
    cidr: str = "10.0.1.0/24"
    lease: str = "48h"
    upstream: tuple[str, ...] = ()
    """Name servers for everything outside the domain."""
    bridge: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,9}$")] = "vmbr1"
    mesh: ServiceMesh | None = None
    """How the hosts' bridges are joined; None where `ports` do that."""
    ports: tuple[str, ...] = ()
    """Cards of each host that the bridge is on, where the provider has a network of its own between the hosts."""
    mtu: Annotated[int, Field(ge=1280, le=9216)] = 1400
    """What a packet may have: what a mesh adds has to fit into the Internet's 1500."""

    @property
    def network(self) -> Network:
        """Its addresses."""
        return Network(cidr=self.cidr, gateway=self.vip, mtu=self.mtu, dhcp=self.dhcp)

    def interface(self, address: str) -> str:
        """An address with the prefix length."""
        return f"{address}/{ipaddress.ip_network(self.cidr).prefixlen}"


@dataclass(frozen=True, kw_only=True)
class Routers:
    """Who has the VIP: one member on each host, the first host's first."""

    run_on: Literal["hosts", "containers"] = "hosts"
    vrrp_version: Literal[2, 3] = 3
    """3 notices a lost master within a second; 2 needs up to four, and knows a password."""
    virtual_router_id: Annotated[int, Field(ge=1, le=255)] = 10
    memory: Memory = 256
    """Of a container."""
    disk: Size = "2G"


@dataclass(frozen=True, kw_only=True)
class GuestStorage:
    """Where the guests' disks are, and what that is worth when a host is lost."""

    mode: Literal["shared", "replication", "none"]
    """`shared`: all hosts see it. `replication`: each has its own, and copies travel. `none`: guests wait for their
    host to come back."""
    name: str
    """The storage, as Proxmox calls it."""
    schedule: str = "*/15"
    """`replication`: how often copies are made; what was written since the last one is lost with the host."""
    local: str | None = None
    """Where the routers' disks are, which stay on their host; `name` where not set."""

    @property
    def pinned(self) -> str:
        """The storage of guests that stay on their host."""
        return self.local or self.name


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Several containers that do the same."""

    count: Count = 2
    cores: Count = 1
    memory: Memory = 512
    disk: Size = "4G"


@dataclass(frozen=True, kw_only=True)
class Balancers(Containers):
    """Containers with haproxy."""

    vip: str | None = None
    """One address of all of them, which moves between them."""
    virtual_router_id: Annotated[int, Field(ge=1, le=255)] = 11
    metrics_port: Port = 8405


@dataclass(frozen=True, kw_only=True)
class Web(Containers):
    """The two or more backends that the balancers lead to: each answers with its own name."""

    port: Port = 80


@dataclass(frozen=True, kw_only=True)
class Monitor(Containers):
    """The container with Prometheus."""

    count: Annotated[int, Field(ge=1, le=1)] = 1
    memory: Memory = 1024
    disk: Size = "16G"
    scrape_interval: Annotated[str, Field(pattern=r"^\d+(ms|s|m)$")] = "15s"
    machines: bool = False
    """Whether the hosts and the containers of services give figures of themselves too (node exporter)."""


@dataclass(frozen=True, kw_only=True)
class MachineTemplate:
    """What virtual machines are clones of: made once on each host."""

    image: Image
    name: Name = "services-template"
    disk: Size = "10G"
    image_storage: str = "local"
    user: str = "lab"
    """The user that cloud-init makes."""
    ssh_keys: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Virtual machines that are alike."""

    count: Count
    cores: Count = 2
    memory: Memory = 4096
    disk: Size = "32G"


@dataclass(frozen=True, kw_only=True)
class Kubernetes:
    """Nodes of Kubernetes: machines with addresses and a file for kubeadm, not yet set up inside."""

    control_plane: Machines = field(default_factory=lambda: Machines(count=3))
    workers: Machines = field(default_factory=lambda: Machines(count=2, memory=8192, disk="64G"))
    port: Port = 6443


@dataclass(frozen=True, kw_only=True)
class Desktops(Machines):
    """Desktops that people see in their browser or by SPICE."""

    console: Literal["spice", "novnc"] = "spice"
    group: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$")] = "desktop-users"
    """The group that may open their consoles, and nothing else; it is made."""


@dataclass(frozen=True, kw_only=True)
class WayIn(Joining):
    """A second way in by ZeroTier, for some users to some services."""

    services: tuple[Literal["dns", "lb", "web", "monitor"], ...]
    """Whose guests join it."""


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory (LDAP) whose users may log in to Proxmox."""

    server: str
    base_dn: str
    realm: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]+$")] = "ldap"
    user_attr: str = "uid"
    mode: Literal["ldap", "ldaps", "ldap+starttls"] = "ldaps"
    bind_dn: str | None = None
    sync: bool = False
    """Whether users and groups are taken over when the realm is made or changed."""


@dataclass(frozen=True, kw_only=True)
class Firewall:
    """The same rules on all hosts."""

    management: Annotated[Mapping[str, str], Field(min_length=1)]
    """Name -> address or network of those who manage the hosts."""


@dataclass(frozen=True, kw_only=True)
class HAServiceNetworkArgs:
    """The lab."""

    hosts: Annotated[Mapping[Name, Host], Field(min_length=1)]
    network: ServiceNetwork
    storage: GuestStorage
    ostemplate: str
    """The containers' template, such as `local:vztmpl/…`, on every host."""
    cluster: Cluster | None = None
    """None where the hosts are in one already."""
    routers: Routers = field(default_factory=Routers)
    dns: Containers = field(default_factory=Containers)
    balancers: Balancers = field(default_factory=Balancers)
    web: Web = field(default_factory=Web)
    monitor: Monitor = field(default_factory=Monitor)
    template: MachineTemplate | None = None
    """Only needed with virtual machines: `kubernetes` or `desktops`."""
    kubernetes: Kubernetes | None = None
    desktops: Desktops | None = None
    zerotier: WayIn | None = None
    directory: Directory | None = None
    firewall: Firewall | None = None

    @property
    def connection(self) -> str:
        """The cluster's."""
        return next(iter(self.hosts.values())).connection

    @property
    def groups(self) -> Iterator[tuple[str, Containers | Machines]]:
        """What guests there are besides the routers, by the name that they begin with."""
        yield from (("dns", self.dns), ("lb", self.balancers), ("web", self.web), ("monitor", self.monitor))
        if self.kubernetes is not None:
            yield "k8s-control", self.kubernetes.control_plane
            yield "k8s-worker", self.kubernetes.workers
        if self.desktops is not None:
            yield "desktop", self.desktops
