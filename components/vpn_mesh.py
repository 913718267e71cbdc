"""A private network over networks that others can listen to: a full mesh of tinc, in which each reaches all others.

VpnMesh("services", VpnMeshArgs(
    net=Net(name="services", port=656),
    members={"gw1": Member(endpoint="198.51.100.1", address="10.99.0.1/24", vmid=gw1.vmid),
             "pve2": Member(endpoint="198.51.100.2", bridge="vmbr1", node="pve2")}))

Each member has a key of its own, made once (`PrivateKey`). A member with a VMID or the name of a node is set up there
as any other service is; in a guest that needs root rights over `/dev/net/tun`. For any other machine `files` has what
belongs into its `/etc/tinc/<net>`.

A machine may be in several meshes, of which each has a name and a port of its own; the second has the first in `after`,
since one package is installed after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.place import Place
from components.service import Daemon, Service, ServiceArgs, ServiceFile
from components.tinc import KEY, MAIN, SCRIPTS, Net, Peer, files, problems
from providers.private_key import PrivateKey

__all__ = ["Member", "Net", "VpnMesh", "VpnMeshArgs"]


@dataclass(frozen=True, kw_only=True)
class Member(Peer, Place):
    """A machine of the mesh."""

    endpoint: pulumi.Input[str]
    """The address or name at which the others reach it."""


@dataclass(frozen=True, kw_only=True)
class VpnMeshArgs:
    """The mesh, and who is in it."""

    net: Net
    members: Mapping[str, Member]
    key_bits: int = 3072
    connection: str | None = None
    """That of the members that name none."""
    after: Sequence[pulumi.Resource] = ()
    """What has to be there, and well, before a member is touched."""

    def __post_init__(self) -> None:
        for problem in problems(self.net, self.members):
            raise ValueError(problem)


class VpnMesh(pulumi.ComponentResource):
    """A full mesh."""

    files: pulumi.Output[dict[str, dict[str, str]]]
    """Member -> path below `/etc/tinc/<net>` -> content; a secret, since the private keys are among them."""
    public_keys: pulumi.Output[dict[str, str]]
    """Member -> its public key as PEM."""

    def __init__(self, name: str, args: VpnMeshArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:VpnMesh", name, None, opts)
        self._args = args
        keys = {member: self._key(f"{name}-{member}-key") for member in args.members}
        self.public_keys = pulumi.Output.all(**{member: key.public_key_pem for member, key in keys.items()})
        endpoints = pulumi.Output.all(**{member: each.endpoint for member, each in args.members.items()})
        whole = {member: self._whole(member, endpoints, key) for member, key in keys.items()}
        for member, each in args.members.items():
            if each.is_known:
                self._set_up(f"{name}-{member}", each, whole[member])
        self.files = pulumi.Output.secret(pulumi.Output.all(**whole))
        self.register_outputs({"files": self.files, "public_keys": self.public_keys})

    def _key(self, name: str) -> PrivateKey:
        """RSA is what tinc 1.0 knows."""
        own = pulumi.ResourceOptions(parent=self)
        return PrivateKey(name, own, algorithm="rsa", bits=self._args.key_bits, connection=self._args.connection)

    def _whole(
        self, me: str, endpoints: pulumi.Output[dict[str, str]], key: PrivateKey
    ) -> dict[str, pulumi.Output[str]]:
        """The files of a member, of which the private key is a secret."""
        net, members = self._args.net, self._args.members
        known = pulumi.Output.all(endpoints, self.public_keys)
        texts = known.apply(lambda both: files(net, me, members, both[0], both[1]))
        blank = dict.fromkeys(members, "")
        paths = files(net, me, members, blank, blank)
        return {**{path: texts[path] for path in paths}, KEY: key.private_key_pem}

    def _set_up(self, name: str, member: Member, texts: Mapping[str, pulumi.Output[str]]) -> None:
        """A service like any other; of its configuration tinc 1.0 has no checker."""
        net = self._args.net
        modes = {KEY: "0600", **dict.fromkeys(SCRIPTS, "0755")}
        made = {
            path: ServiceFile(path=f"/etc/tinc/{net.name}/{path}", content=text, mode=modes.get(path, "0644"))
            for path, text in texts.items()
        }
        main = made.pop(MAIN)
        daemon = Daemon(unit=f"tinc@{net.name}", packages=["tinc"], config=main, files=list(made.values()))
        Service(
            name,
            ServiceArgs(
                vmid=member.vmid,
                node=member.node,
                connection=member.connection or self._args.connection,
                daemon=daemon,
                after=self._args.after,
            ),
            pulumi.ResourceOptions(parent=self),
        )
