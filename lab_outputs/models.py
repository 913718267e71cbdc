"""The outputs of every kind of lab, as they are in a stack: each field of `Lab` is an output of that name."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
"""Raised when a field changes its meaning or goes; one that is added raises nothing."""


class _Model(BaseModel):
    """A lab may tell more than a reader knows."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Host(_Model):
    """A Proxmox VE host."""

    node: str
    """Its name in Proxmox."""
    connection: str | None = None
    """The connection of the stack that it is reached by, where the stack has several."""
    address: str | None = None
    """Where it is reached by SSH."""


class Nic(_Model):
    """A network card of a guest."""

    mac: str
    network: str | None = None
    """The network of the lab that it is in."""
    address: str | None = None
    """Its address without the prefix length, if it is a fixed one."""


class Ssh(_Model):
    """How to log in to a guest."""

    user: str
    address: str
    port: int = 22
    jump: str | None = None
    """The machine to go through, as `user@address`, where the guest can't be reached directly."""


class Guest(_Model):
    """A virtual machine or a container."""

    name: str
    type: Literal["qemu", "lxc"]
    vmid: int
    node: str
    """The node that it was made on; high availability may have moved it."""
    host: str
    """Its host's name in the lab."""
    nics: dict[str, Nic] = {}
    """By slot: `net0`."""
    groups: tuple[str, ...] = ()
    """What it is part of: a service, a class of workload, a tenant."""
    ssh: Ssh | None = None
    data_disks: tuple[str, ...] = ()
    """What it calls its disks that are empty, for whoever keeps data there: `/dev/disk/by-id/…`."""

    @property
    def address(self) -> str | None:
        """The first of its fixed addresses."""
        return next((nic.address for nic in self.nics.values() if nic.address), None)


class Network(_Model):
    """A network of the lab."""

    bridge: str | None = None
    """What a guest's NIC is attached to: a bridge or a VNet; none if it is called differently on each host."""
    vnet: bool = False
    """Whether that is a VNet, which puts the tag on by itself, so that a NIC takes none."""
    vlan: int | None = None
    """Its tag."""
    cidr: str | None = None
    gateway: str | None = None
    gateway_host: str | None = None
    """The host of the lab that the gateway is, if it is one."""
    mtu: int | None = None
    dhcp: tuple[str, str] | None = None
    """The first and the last address that are given out."""
    domain: str | None = None
    roles: tuple[str, ...] = ()
    """What it is for, in the lab's words: `management`, `storage`, `external`."""


class Vip(_Model):
    """An address that one of several guests or hosts has."""

    address: str
    network: str | None = None
    members: tuple[str, ...]
    """Who can have it; the first one has it as long as it can."""


class Login(_Model):
    """Who logs in, and the password."""

    user: str
    password: str


class Lab(_Model):
    """All that a lab tells."""

    version: int = VERSION
    kind: str
    hosts: dict[str, Host] = {}
    guests: dict[str, Guest] = {}
    networks: dict[str, Network] = {}
    vips: dict[str, Vip] = {}
    endpoints: dict[str, str] = {}
    """URLs of what serves, by its name."""
    templates: dict[str, int] = {}
    """Host -> VMID of the lab's template on it."""
    files: dict[str, str] = {}
    """Texts to hand over to other tools, by file name."""
    credentials: dict[str, Login] = Field(default={}, repr=False)
    """What the lab has made up itself, by the guest's name, or `guests` for all that have none of their own, or by
    what else it is for; a secret of the stack."""
    secret_files: dict[str, str] = Field(default={}, repr=False)
    """Files with something secret in them."""
