"""Guests that join a network of ZeroTier: a second way in, by which some users reach some services.

Who is let in, and with which address, is decided where the network is administered. ZeroTier is no package of Debian:
its repository and the key that this is signed with are given. A container needs the host's `/dev/net/tun` (`DEVICE`),
which root alone may give to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pulumi
from pydantic import Field

from components.place import Place
from components.service import ServiceFile, packages, placed

REPOSITORY = "https://download.zerotier.com/debian/trixie"
DEVICE: Mapping[str, Any] = {"dev": {"dev0": {"path": "/dev/net/tun"}}}
"""What `options` of a container say so that ZeroTier can make an interface in it."""
SOURCES = "/etc/apt/sources.list.d/zerotier.sources"
NETWORKS = "/var/lib/zerotier-one/networks.d"
JOIN = f': >"{NETWORKS}/$1.conf" && systemctl enable --quiet zerotier-one && systemctl restart zerotier-one'
"""ZeroTier joins what it finds there when it starts."""
LEAVE = f'rm -f "{NETWORKS}/$1.conf" && systemctl try-restart zerotier-one'


@dataclass(frozen=True, kw_only=True)
class Joining:
    """The network that is joined, and where the program comes from."""

    network: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    """ID of the network."""
    repository_key: str
    """The repository's public key, as ZeroTier publishes it (`-----BEGIN PGP PUBLIC KEY BLOCK-----`)."""
    repository: str = REPOSITORY


@dataclass(frozen=True, kw_only=True)
class ZeroTierArgs:
    """The network, and who joins it."""

    joining: Joining
    guests: Mapping[str, Place]
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before a guest is touched."""


class ZeroTier(pulumi.ComponentResource):
    """Guests of a network of ZeroTier."""

    def __init__(self, name: str, args: ZeroTierArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:ZeroTier", name, None, opts)
        for guest, place in args.guests.items():
            self._join(f"{name}-{guest}", place, args)
        self.register_outputs({})

    def _join(self, name: str, place: Place, args: ZeroTierArgs) -> None:
        waits = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        file = ServiceFile(path=SOURCES, content=sources(args.joining))
        source = placed(f"{name}-sources", file.path, file, place, waits)
        known = pulumi.ResourceOptions(parent=self, depends_on=[source])
        installed = packages(name, ["zerotier-one"], [NETWORKS], place, known)
        place.run(
            f"{name}-joined",
            pulumi.ResourceOptions(parent=self, depends_on=[installed]),
            command=["sh", "-c", JOIN, "sh", args.joining.network],
            creates=f"{NETWORKS}/{args.joining.network}.conf",
            delete_command=["sh", "-c", LEAVE, "sh", args.joining.network],
        )


def sources(joining: Joining) -> str:
    """The repository as apt takes it, with its key in it."""
    key = [f" {line.strip() or '.'}" for line in joining.repository_key.strip().splitlines()]
    suite = joining.repository.rstrip("/").rpartition("/")[2]
    lines = ["Types: deb", f"URIs: {joining.repository}", f"Suites: {suite}", "Components: main", "Signed-By:", *key]
    return "".join(f"{line}\n" for line in lines)
