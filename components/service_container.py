"""A container made for a service: `ServiceHost` says what it is, and `Daemon` what serves in it.

The container is Debian or one of its kin, reached over SSH on its node (`pct`); it needs a way to its packages, unless
its template brings them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.service import Daemon, Service, ServiceArgs
from providers.container import Container

USUAL = {"unprivileged": True, "features": {"nesting": True}, "onboot": True}
"""What `options` may say otherwise; without nesting, systemd can't shut a service off from the rest."""


@dataclass(frozen=True, kw_only=True)
class ServiceHost:
    """A container that a service is put into."""

    node: str
    ostemplate: str
    """Such as `local:vztmpl/…`, on its node."""
    storage: str
    """Where its disk is."""
    bridge: str
    """The bridge or VNet that it is attached to."""
    address: str
    """With the prefix length, such as 192.0.2.10/24."""
    gateway: str | None = None
    tag: int | None = None
    """The VLAN that it is in."""
    mtu: int | None = None
    more_nics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Its other network interfaces by slot: `net1`."""
    nameserver: tuple[str, ...] = ()
    disk: str = "4G"
    cores: int = 1
    memory: int = 512
    connection: str | None = None
    """Name of the host's connection, where the stack has several."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a container takes."""

    @property
    def ip(self) -> str:
        """Its address without the prefix length."""
        return self.address.partition("/")[0]


@dataclass(frozen=True, kw_only=True)
class ServiceContainerArgs:
    """Which container, and what serves in it."""

    host: ServiceHost
    daemon: Daemon
    after: Sequence[pulumi.Resource] = ()
    """What has to be well before the service is touched; the container itself does not wait."""


class ServiceContainer(pulumi.ComponentResource):
    """A container with a service; it is called as the resource is."""

    guest: Container
    """The container itself."""
    vmid: pulumi.Output[int]
    node: pulumi.Output[str]
    address: pulumi.Output[str]
    """Without the prefix length."""

    def __init__(self, name: str, args: ServiceContainerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:ServiceContainer", name, None, opts)
        host = args.host
        container = container_of(name, host, pulumi.ResourceOptions(parent=self))
        Service(
            name,
            ServiceArgs(vmid=container.vmid, daemon=args.daemon, after=args.after, connection=host.connection),
            pulumi.ResourceOptions(parent=self),
        )
        self.guest, self.vmid, self.node = container, container.vmid, container.node
        self.address = pulumi.Output.from_input(host.ip)
        self.register_outputs({"vmid": self.vmid, "node": self.node, "address": self.address})


def in_turn(
    parent: pulumi.Resource, hosts: Mapping[str, ServiceHost], daemons: Sequence[Daemon]
) -> dict[str, ServiceContainer]:
    """Containers of services that stand in for each other: made side by side, and changed one after the other.

    So all but one answer at any time, and what goes wrong goes wrong with the first one only.
    """
    made: dict[str, ServiceContainer] = {}
    for (name, host), daemon in zip(hosts.items(), daemons, strict=True):
        args = ServiceContainerArgs(host=host, daemon=daemon, after=list(made.values())[-1:])
        made[name] = ServiceContainer(name, args, pulumi.ResourceOptions(parent=parent))
    return made


def container_of(name: str, host: ServiceHost, opts: pulumi.ResourceOptions) -> Container:
    """The container itself, with nothing in it yet."""
    return Container(
        name,
        opts,
        connection=host.connection,
        node=host.node,
        hostname=name,
        ostemplate=host.ostemplate,
        cores=host.cores,
        memory=host.memory,
        rootfs={"storage": host.storage, "size": host.disk},
        net={"net0": _nic(host), **host.more_nics},
        nameserver=list(host.nameserver) or None,
        **{**USUAL, **host.options},
    )


def _nic(host: ServiceHost) -> dict[str, Any]:
    """Its first network interface."""
    more = {"gw": host.gateway, "tag": host.tag, "mtu": host.mtu}
    return {
        "name": "eth0",
        "bridge": host.bridge,
        "ip": host.address,
        **{key: value for key, value in more.items() if value is not None},
    }
