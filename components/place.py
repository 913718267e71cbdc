"""Where a file is put or a command is run: in a guest, or on a node itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from providers.guest_exec import GuestExec
from providers.guest_file import GuestFile
from providers.node_exec import NodeExec
from providers.node_file import NodeFile


@dataclass(frozen=True, kw_only=True)
class Place:
    """A machine: a guest by its VMID, or a node by its name."""

    vmid: pulumi.Input[int] | None = None
    """The guest, which runs and is Debian or one of its kin."""
    node: pulumi.Input[str] | None = None
    """The node, to which the connection has a way by SSH."""
    connection: str | None = None

    def __post_init__(self) -> None:
        if self.vmid is not None and self.node is not None:
            raise ValueError("a place is a guest or a node: give either vmid or node")

    @property
    def is_known(self) -> bool:
        """Whether it says where that is."""
        return self.vmid is not None or self.node is not None

    def file(self, name: str, opts: pulumi.ResourceOptions, **args: Any) -> GuestFile | NodeFile:
        """A file there."""
        if self.node is not None:
            return NodeFile(name, opts, node=self.node, connection=self.connection, **args)
        return GuestFile(name, opts, vmid=self._guest(), connection=self.connection, **args)

    def run(self, name: str, opts: pulumi.ResourceOptions, **args: Any) -> GuestExec | NodeExec:
        """A command there."""
        if self.node is not None:
            return NodeExec(name, opts, node=self.node, connection=self.connection, **args)
        return GuestExec(name, opts, vmid=self._guest(), connection=self.connection, **args)

    def _guest(self) -> pulumi.Input[int]:
        if self.vmid is None:
            raise ValueError("a place is a guest or a node: give vmid or node")
        return self.vmid
