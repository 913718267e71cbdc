"""What is said about a lab of two hosts that are in no cluster: see `DualHypervisor`.

The fields' limits are checked where a page is read; what has to fit together is in `dual_checks`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from components.answer_file import Install
from components.golden_template import Template
from components.placement import Capacity, Room, Size, Wish, mebibytes

WORKLOADS = ("infrastructure", "application", "tenant")
Workload = Literal["infrastructure", "application", "tenant"]
Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]


@dataclass(frozen=True, kw_only=True)
class Host(Capacity):
    """One of the hosts. Its key is its name in the lab."""

    connection: str
    """Name of its connection."""
    node: str
    storage: str = "local-lvm"
    """Where disks are."""
    image_storage: str = "local"
    """Where the template's image is kept."""
    bridge: str = "vmbr0"
    """The bridge to the router, which carries the tenants' VLANs too."""
    install: Install | None = None
    """How it is installed: rendered as an answer file, and not done."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """An IPv4 network behind the router."""

    subnet: str
    dhcp_pool: Annotated[str, Field(pattern=r"^[0-9.]+-[0-9.]+$")]
    """Addresses that the router gives out: first and last, with a hyphen."""
    router: str | None = None
    """The router's address; the first one of the subnet where not set."""

    @property
    def gateway(self) -> str:
        """The router's address."""
        return self.router or str(ipaddress.IPv4Network(self.subnet)[1])

    @property
    def pool(self) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
        """First and last address of the pool."""
        first, last = self.dhcp_pool.split("-")
        return ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)


@dataclass(frozen=True, kw_only=True)
class Tenant(Network):
    """A tenant: a VLAN of its own, the same on both hosts."""

    name: Name
    vlan: Annotated[int, Field(ge=1, le=4094)]
    isolated_guests: bool = False
    """Whether its own guests on a host can't reach each other either."""

    @property
    def vnet(self) -> str:
        """Name of its virtual network."""
        return f"vlan{self.vlan}"


@dataclass(frozen=True, kw_only=True)
class Guest:
    """One virtual machine, or a number of them that are alike: `ci-1`, `ci-2`."""

    name: Name
    workload: Workload
    memory: Annotated[int, Field(ge=64)]
    """MiB each."""
    disk: Size
    cores: Annotated[int, Field(ge=1)] = 1
    count: Annotated[int, Field(ge=1)] | None = None
    """How many; one that has the name itself where not set."""
    host: str | None = None
    """The host, if it is chosen by hand; by room where not set."""
    tenant: str | None = None
    """For `tenant`: whose network it is in."""
    addresses: tuple[str, ...] = ()
    """Addresses that the router reserves for it, one each."""
    protection: bool = False
    """Whether it is kept from being removed."""

    @property
    def names(self) -> list[str]:
        """The names of the machines."""
        return [self.name] if self.count is None else [f"{self.name}-{number}" for number in range(1, self.count + 1)]

    @property
    def wishes(self) -> list[Wish]:
        """What each of them wants of a host."""
        takes = Room(memory=self.memory, disk=mebibytes(self.disk))
        return [
            Wish(name=name, takes=takes, group=self.name, number=number, host=self.host)
            for number, name in enumerate(self.names)
        ]


@dataclass(frozen=True, kw_only=True)
class RouterVm:
    """OPNsense as a virtual machine, which is set up by hand from its installer."""

    host: str
    iso: str
    """Volume of its installer, such as `local:iso/OPNsense-dvd-amd64.iso`; the host has it already."""
    wan_bridge: str
    name: Name = "opnsense"
    cores: int = 2
    memory: int = 4096
    disk: Size = "20G"


@dataclass(frozen=True, kw_only=True)
class Opnsense:
    """The router: outside, unless `vm` says otherwise."""

    device: str
    """Its card that carries the VLANs, such as `igb1`; of a virtual machine it is `vtnet1`."""
    vm: RouterVm | None = None


@dataclass(frozen=True, kw_only=True)
class DualHypervisorArgs:
    """The lab."""

    hosts: Annotated[Mapping[str, Host], Field(min_length=1)]
    template: Template
    opnsense: Opnsense
    guests: tuple[Guest, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    lan: Network | None = None
    """The network of `bridge` itself, without a VLAN; only needed where addresses in it are reserved."""
    user: str = "ansible"
    """The user that cloud-init makes in the guests."""
    ssh_keys: tuple[str, ...] = ()
    zone: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{1,7}$")] = "tenants"
    pool_prefix: str = ""
    """Put before the names of the pools, where a host has others already."""

    @property
    def wishes(self) -> list[Wish]:
        """All guests that want a place; the router last, so that it moves nobody."""
        vm = self.opnsense.vm
        guests = [wish for guest in self.guests for wish in guest.wishes]
        if vm is None:
            return guests
        takes = Room(memory=vm.memory, disk=mebibytes(vm.disk))
        return [*guests, Wish(name=vm.name, takes=takes, group=vm.name, host=vm.host)]

    def network_of(self, guest: Guest) -> Network | None:
        """The network that a guest is in, as far as it is known."""
        if guest.tenant is None:
            return self.lan
        return next((tenant for tenant in self.tenants if tenant.name == guest.tenant), None)
