"""Virtual machines of one kind, cloned from a template: `web-1`, `web-2` and so on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi

from providers.vm import VirtualMachine


@dataclass(frozen=True, kw_only=True)
class GuestGroupArgs:
    """What the machines of a group have in common."""

    count: int
    node: pulumi.Input[str]
    template: pulumi.Input[int]
    """VMID of the template with cloud-init that they are cloned from; the clones are linked to it."""
    cores: pulumi.Input[int]
    memory: pulumi.Input[int]
    disk: pulumi.Input[str]
    """Size of the system disk, which the template's is grown to."""
    storage: pulumi.Input[str]
    """Where the template's disk is, and so the clones' disks."""
    bridge: pulumi.Input[str]
    pool: pulumi.Input[str] | None = None
    tags: tuple[str, ...] = ()


class GuestGroup(pulumi.ComponentResource):
    """A number of virtual machines that are alike."""

    guests: pulumi.Output[list[dict[str, Any]]]
    """Name, VMID, node and MAC address of each machine."""

    def __init__(self, name: str, args: GuestGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:GuestGroup", name, None, opts)
        machines = [self._machine(f"{name}-{number}", args) for number in range(1, args.count + 1)]
        self.guests = pulumi.Output.all(*(_summary(machine) for machine in machines))
        self.register_outputs({"guests": self.guests})

    def _machine(self, name: str, args: GuestGroupArgs) -> VirtualMachine:
        return VirtualMachine(
            name,
            pulumi.ResourceOptions(parent=self),
            name=name,
            node=args.node,
            clone={"vmid": args.template, "full": False},
            cores=args.cores,
            memory=args.memory,
            disks={"scsi0": {"storage": args.storage, "size": args.disk}},
            ipconfig={"ipconfig0": {"ip": "dhcp"}},
            net={"net0": {"model": "virtio", "bridge": args.bridge}},
            tags=list(args.tags),
            pool=args.pool,
        )


def _summary(machine: VirtualMachine) -> pulumi.Output[dict[str, Any]]:
    """What others want to know of a machine."""
    known = pulumi.Output.all(name=machine.name, vmid=machine.vmid, node=machine.node, macs=machine.macs)
    return known.apply(
        lambda of: {"name": of["name"], "vmid": of["vmid"], "node": of["node"], "mac": of["macs"]["net0"]}
    )
