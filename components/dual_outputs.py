"""What a lab of two hosts tells of itself: its guests and networks, and who logs in to what."""

from __future__ import annotations

from typing import TypedDict

import pulumi

from components.dual_args import Guest, RouterVm, Tenant, Workload
from providers.vm import VirtualMachine


class GuestOutput(TypedDict):
    """One guest."""

    name: pulumi.Output[str | None]
    host: str
    """The host's name in the lab."""
    node: pulumi.Output[str]
    vmid: pulumi.Output[int]
    macs: pulumi.Output[dict[str, str] | None]
    """By slot: `net0`; known in a preview."""
    workload: Workload
    tenant: str | None
    address: str | None
    """The address that the router reserves for it; without one, it gets any from the pool."""


class NetworkOutput(TypedDict):
    """One tenant's network, the same on both hosts."""

    vlan: int
    vnet: str
    """Name by which guests are attached to it."""
    subnet: str
    gateway: str
    dhcp_pool: str


class Login(TypedDict):
    """Who logs in, and the password, which is a secret."""

    user: str
    password: pulumi.Output[str]


class Credentials(TypedDict):
    """All that the lab has made up itself."""

    guests: Login
    """The user that cloud-init makes in every guest."""
    root: dict[str, Login]
    """Host -> root, as its answer file sets it up; nothing on a host that runs already is changed."""


def guest_output(machine: VirtualMachine, host: str, of: Guest | RouterVm, address: str | None = None) -> GuestOutput:
    """What others want to know of a guest."""
    return {
        "name": machine.name,
        "host": host,
        "node": machine.node,
        "vmid": machine.vmid,
        "macs": machine.macs,
        "workload": of.workload if isinstance(of, Guest) else "infrastructure",
        "tenant": of.tenant if isinstance(of, Guest) else None,
        "address": address,
    }


def network_output(tenant: Tenant) -> NetworkOutput:
    """What others want to know of a tenant's network."""
    return {
        "vlan": tenant.vlan,
        "vnet": tenant.vnet,
        "subnet": tenant.subnet,
        "gateway": tenant.gateway,
        "dhcp_pool": tenant.dhcp_pool,
    }
