"""A snapshot of a whole lab: of each of its guests, stage by stage.

The guests of a stage are taken side by side, and a stage after the one before it is through: databases before what
writes to them, for example. Going back, which a new word in `rollback` asks for, keeps the same order, so that what
others need runs again before they do. A stage that fails ends the run there; the next `up` goes on with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from providers.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class SnapshotSetArgs:
    """Which guests, in which order, and under which name."""

    snapname: str
    stages: Sequence[Mapping[str, pulumi.Input[int]]]
    """The guests of each stage, each by a name of its own with its VMID; a guest may change its stage."""
    description: str | None = None
    vmstate: Collection[str] = ()
    """The names of the running virtual machines whose memory is saved too."""
    rollback: str | None = None
    """A word of your own; another one than before takes all guests back, and what happened since is lost."""
    connection: str | None = None


class SnapshotSet(pulumi.ComponentResource):
    """The snapshots of several guests under one name."""

    snapname: pulumi.Output[str]
    vmids: pulumi.Output[list[int]]
    """The guests, in the order in which they are taken."""

    def __init__(self, name: str, args: SnapshotSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:SnapshotSet", name, None, opts)
        before: list[Snapshot] = []
        for stage in args.stages:
            opts = pulumi.ResourceOptions(parent=self, depends_on=before)
            before = [
                self._snapshot(f"{name}-{guest}", guest in args.vmstate, vmid, args, opts)
                for guest, vmid in stage.items()
            ]
        self.snapname = pulumi.Output.from_input(args.snapname)
        self.vmids = pulumi.Output.all(*(vmid for stage in args.stages for vmid in stage.values()))
        self.register_outputs({"snapname": self.snapname, "vmids": self.vmids})

    @staticmethod
    def _snapshot(
        name: str, vmstate: bool, vmid: pulumi.Input[int], args: SnapshotSetArgs, opts: pulumi.ResourceOptions
    ) -> Snapshot:
        return Snapshot(
            name,
            opts,
            connection=args.connection,
            vmid=vmid,
            snapname=args.snapname,
            description=args.description,
            vmstate=vmstate or None,
            rollback=args.rollback,
        )
