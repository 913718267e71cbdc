"""An address that one of several machines has, and the next one takes over when that is gone (keepalived).

The members tell each other by unicast, which passes where multicast does not. The first of them is the master, and the
priorities of the others follow their order. With VRRP version 3 and its default interval the address moves in less than
a second; version 2 knows whole seconds only, and a password, which is made here and known to the members alone.

A change reaches one member after the other, and the master last, so that the address moves once.

The members are containers that are there, or nodes, with what else they serve: `after` says what has to be installed
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_random

from components.place import Place
from components.render import keepalived
from components.render.keepalived import TrackScript, Vrrp
from components.service import FILE, Daemon, Service, ServiceArgs, ServiceFile

NOTIFY = "/etc/keepalived/notify"

__all__ = ["TrackScript", "VirtualIp", "VirtualIpArgs", "VirtualIpMember"]


@dataclass(frozen=True, kw_only=True)
class VirtualIpMember(Place):
    """A container or a node that can have the address."""

    name: str
    address: str
    """Its own address, without the prefix length."""
    interface: str = "eth0"
    """The one that the address is on: of a node a bridge, such as vmbr1."""


@dataclass(frozen=True, kw_only=True)
class VirtualIpArgs:
    """Which address, and who can have it."""

    members: Sequence[VirtualIpMember]
    """The first one has it as long as it can."""
    address: str
    """With the prefix length, such as 192.0.2.1/24."""
    virtual_router_id: int
    """1 to 255, and another one for each address of a network."""
    vrrp_version: Literal[2, 3] = 3
    advert_int: float | None = None
    """Seconds between two adverts: 0.2 where not set, and with version 2 it is 1."""
    track: Sequence[TrackScript] = ()
    """Programs that say whether a member may have the address."""
    notify: str | None = None
    """A script that is told of each change: `INSTANCE`, its name, the new state and the priority."""
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before a member is touched: the other services of these machines."""

    def __post_init__(self) -> None:
        for what in ("name", "address"):
            if len({getattr(member, what) for member in self.members}) < len(self.members):
                raise ValueError(f"two members of {self.address} have the same {what}")
        if self.address.partition("/")[0] in {member.address for member in self.members}:
            raise ValueError(f"{self.address} is the address of one of its members")


class VirtualIp(pulumi.ComponentResource):
    """One address on several machines."""

    address: pulumi.Output[str]
    """Without the prefix length."""
    auth_pass: pulumi.Output[str | None]
    """The members' password, a secret; version 3 has none."""

    def __init__(self, name: str, args: VirtualIpArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:VirtualIp", name, None, opts)
        vrrp = Vrrp(
            name=name,
            virtual_router_id=args.virtual_router_id,
            address=args.address,
            vrrp_version=args.vrrp_version,
            advert_int=args.advert_int,
            track=args.track,
            notify=NOTIFY if args.notify else None,
        )
        self.auth_pass = self._password(name, args)
        before = args.after
        for place in reversed(range(len(args.members))):
            before = [self._member(name, place, vrrp, args, before)]
        self.address = pulumi.Output.from_input(args.address.partition("/")[0])
        self.register_outputs({"address": self.address, "auth_pass": self.auth_pass})

    def _password(self, name: str, args: VirtualIpArgs) -> pulumi.Output[str | None]:
        if args.vrrp_version == 3:  # noqa: PLR2004 - the version
            return pulumi.Output.from_input(None)
        own = pulumi.ResourceOptions(parent=self)
        return pulumi_random.RandomPassword(name, length=keepalived.PASSWORD_LENGTH, special=False, opts=own).result

    def _member(
        self, name: str, place: int, vrrp: Vrrp, args: VirtualIpArgs, before: Sequence[pulumi.Resource]
    ) -> Service:
        member, hosts = args.members[place], [other.address for other in args.members]
        text = self.auth_pass.apply(lambda password: keepalived.config(vrrp, place, member.interface, hosts, password))
        notify = [ServiceFile(path=NOTIFY, content=args.notify, mode="0755")] if args.notify else []
        daemon = Daemon(
            unit="keepalived",
            packages=["keepalived"],
            config=ServiceFile(path="/etc/keepalived/keepalived.conf", content=text, mode="0600"),
            check=["keepalived", "--config-test", "--use-file", FILE],
            files=notify,
        )
        return Service(
            f"{name}-{member.name}",
            ServiceArgs(vmid=member.vmid, node=member.node, connection=member.connection, daemon=daemon, after=before),
            pulumi.ResourceOptions(parent=self),
        )
