"""A private network over networks that others can listen to: a full mesh of tinc, in which each reaches all others.

VpnMesh("services", VpnMeshArgs(
    net=Net(name="services", port=656),
    members={"gw1": Member(endpoint="198.51.100.1", address="10.99.0.1/24", vmid=gw1.vmid),
             "pve2": Member(endpoint="198.51.100.2", bridge="vmbr1")}))

Each member has a key of its own, made once (`PrivateKey`). A member with a VMID is set up inside its guest, which needs
root rights over `/dev/net/tun`: package, files, and the service, which restarts only when its files change. For any
other machine `files` has what belongs into its `/etc/tinc/<net>`.

A machine may be in several meshes, of which each has a name and a port of its own; let the second depend on the first,
since one package is installed after the other. The package stays when the mesh goes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import pulumi

from components.tinc import KEY, SCRIPTS, Net, Peer, files, problems
from providers.guest_exec import GuestExec
from providers.guest_file import GuestFile
from providers.private_key import PrivateKey

__all__ = ["Member", "Net", "VpnMesh", "VpnMeshArgs"]

TINCD = "/usr/sbin/tincd"
INSTALL = (
    "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 install --yes "
    "--no-install-recommends tinc"
)


@dataclass(frozen=True, kw_only=True)
class Member(Peer):
    """A machine of the mesh."""

    endpoint: pulumi.Input[str]
    """The address or name at which the others reach it."""
    vmid: pulumi.Input[int] | None = None
    """The guest that it is, if it is to be set up; Debian is expected inside."""


@dataclass(frozen=True, kw_only=True)
class VpnMeshArgs:
    """The mesh, and who is in it."""

    net: Net
    members: Mapping[str, Member]
    key_bits: int = 3072
    connection: str | None = None

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
        texts = {member: self._texts(member, endpoints) for member in args.members}
        for member, each in args.members.items():
            if each.vmid is not None:
                self._set_up(f"{name}-{member}", each.vmid, texts[member], keys[member])
        whole = {
            member: pulumi.Output.all(texts[member], key.private_key_pem).apply(lambda both: {**both[0], KEY: both[1]})
            for member, key in keys.items()
        }
        self.files = pulumi.Output.secret(pulumi.Output.all(**whole))
        self.register_outputs({"files": self.files, "public_keys": self.public_keys})

    def _key(self, name: str) -> PrivateKey:
        """RSA is what tinc 1.0 knows."""
        own = pulumi.ResourceOptions(parent=self)
        return PrivateKey(name, own, algorithm="rsa", bits=self._args.key_bits, connection=self._args.connection)

    def _texts(self, me: str, endpoints: pulumi.Output[dict[str, str]]) -> pulumi.Output[dict[str, str]]:
        """The files of a member but its private key."""
        net, members = self._args.net, self._args.members
        known = pulumi.Output.all(endpoints, self.public_keys)
        return known.apply(lambda both: files(net, me, members, both[0], both[1]))

    def _set_up(
        self, name: str, vmid: pulumi.Input[int], texts: pulumi.Output[dict[str, str]], key: PrivateKey
    ) -> None:
        """Package, folder, files, service."""
        net, connection = self._args.net, self._args.connection
        folder, unit = PurePosixPath("/etc/tinc") / net.name, f"tinc@{net.name}"
        package = self._run(f"{name}-package", vmid, ["sh", "-c", INSTALL], [], creates=TINCD)
        hosts = str(folder / "hosts")
        place = self._run(f"{name}-folder", vmid, ["mkdir", "-p", hosts], [package], creates=hosts)
        own = pulumi.ResourceOptions(parent=self, depends_on=[place])
        contents: dict[str, pulumi.Output[str]] = {
            path: texts.apply(lambda known, path=path: known[path])  # type: ignore[misc]  # a lambda's default
            for path in self._paths()
        }
        written: list[pulumi.Resource] = [
            GuestFile(
                f"{name}-{path}",
                own,
                vmid=vmid,
                path=str(folder / path),
                content=content,
                mode={KEY: "0600", **dict.fromkeys(SCRIPTS, "0755")}.get(path, "0644"),
                connection=connection,
            )
            for path, content in {**contents, KEY: key.private_key_pem}.items()
        ]
        restart = ["sh", "-c", f"systemctl enable {unit} && systemctl restart {unit}"]
        self._run(
            f"{name}-service",
            vmid,
            restart,
            written,
            triggers={"files": texts.apply(digest)},
            delete_command=["systemctl", "disable", "--now", unit],
        )

    def _paths(self) -> list[str]:
        """The files that each member has."""
        blank = dict.fromkeys(self._args.members, "")
        return list(files(self._args.net, next(iter(blank)), self._args.members, blank, blank))

    def _run(
        self, name: str, vmid: pulumi.Input[int], command: list[str], after: list[pulumi.Resource], **args: Any
    ) -> GuestExec:
        own = pulumi.ResourceOptions(parent=self, depends_on=after)
        return GuestExec(name, own, vmid=vmid, command=list(command), connection=self._args.connection, **args)


def digest(texts: Mapping[str, str]) -> str:
    """Another one when a file changes; a new private key shows by its public half."""
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()
