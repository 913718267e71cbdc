"""Virtual machines of one kind, cloned from a template: `web-1`, `web-2` and so on.

GuestGroup("web", GuestGroupArgs(
    count=4, nodes={"pve1": Room(memory=8192, disk=102400), "pve2": Room(memory=8192, disk=102400)},
    template={"pve1": 9000, "pve2": 9001}, cores=2, memory=1024, disk="16G", storage="local-lvm", bridge="vmbr0",
    addresses=AddressPlan("192.0.2.0/24", first=10, last=99)))

VMID, MAC address and fixed address of a machine follow from its name, so that a preview shows them. Where a group is
spread over nodes, that says where a machine is made; one that is there stays where it is, whatever else comes or goes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.addresses import AddressPlan
from components.placement import Room, Wish, mebibytes, place
from providers.vm import VirtualMachine


@dataclass(frozen=True, kw_only=True)
class GuestGroupArgs:
    """What the machines of a group have in common, and which node each of them is made on."""

    count: int
    node: pulumi.Input[str] | None = None
    """The node that all of them are on; another one migrates them. Or else:"""
    nodes: Mapping[str, Room] = field(default_factory=dict)
    """The nodes that they are spread over, with the room that each has for them. Or else:"""
    places: Mapping[str, str] = field(default_factory=dict)
    """The node of each, by its name, as a program says it that places several groups together."""
    added: Collection[str] = ()
    """Those of `nodes` that came later: they get what the others have no room for."""
    template: pulumi.Input[int] | Mapping[str, pulumi.Input[int]]
    """VMID of the template with cloud-init that they are cloned from, or node -> VMID of its template."""
    linked: bool = True
    """Whether the clones share the template's disk."""
    cores: pulumi.Input[int]
    memory: int
    """MiB each."""
    disk: str
    """Size of the system disk, which the template's is grown to."""
    storage: pulumi.Input[str]
    """Where the clones' disks are; of linked ones the template's too."""
    bridge: pulumi.Input[str]
    nic: Mapping[str, Any] = field(default_factory=dict)
    """What else their network card takes, such as `tag` or `firewall`."""
    addresses: AddressPlan | None = None
    """Where their fixed addresses come from; without it, DHCP gives them any."""
    pool: pulumi.Input[str] | None = None
    tags: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """Anything else that a virtual machine takes."""

    def __post_init__(self) -> None:
        if (self.node is not None) + bool(self.nodes) + bool(self.places) != 1:
            raise ValueError("a group of guests is on a `node`, spread over `nodes`, or has `places`: give one of them")

    def names(self, group: str) -> list[str]:
        """The machines of the group of that name."""
        return [f"{group}-{number}" for number in range(1, self.count + 1)]

    def nodes_of(self, group: str) -> dict[str, str]:
        """The node of each machine, where they may be on several."""
        if not self.nodes:
            return {name: self.places[name] for name in self.names(group)}
        takes = Room(memory=self.memory, disk=mebibytes(self.disk))
        wishes = [Wish(name=name, takes=takes, group=group, number=n) for n, name in enumerate(self.names(group))]
        return place(self.nodes, wishes, self.added)


class GuestGroup(pulumi.ComponentResource):
    """A number of virtual machines that are alike."""

    machines: dict[str, VirtualMachine]
    """By their names."""
    guests: pulumi.Output[list[dict[str, Any]]]
    """Name, VMID, node and MAC address of each machine."""

    def __init__(self, name: str, args: GuestGroupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:GuestGroup", name, None, opts)
        self._args, own = args, pulumi.ResourceOptions(parent=self)
        if args.node is not None:
            self.machines = {each: self._machine(each, args.node, own) for each in args.names(name)}
        else:
            stays = pulumi.ResourceOptions(parent=self, ignore_changes=["node", "clone"])
            self.machines = {each: self._machine(each, node, stays) for each, node in args.nodes_of(name).items()}
        self.guests = pulumi.Output.all(*(_summary(machine) for machine in self.machines.values()))
        self.register_outputs({"guests": self.guests})

    def _machine(self, name: str, node: pulumi.Input[str], opts: pulumi.ResourceOptions) -> VirtualMachine:
        args = self._args
        template = args.template[str(node)] if isinstance(args.template, Mapping) else args.template
        return VirtualMachine(
            name,
            opts,
            name=name,
            node=node,
            clone={"vmid": template, "full": not args.linked, **({} if args.linked else {"storage": args.storage})},
            cores=args.cores,
            memory=args.memory,
            disks={"scsi0": {"storage": args.storage, "size": args.disk}},
            ipconfig={"ipconfig0": args.addresses.ipconfig(name) if args.addresses else {"ip": "dhcp"}},
            net={"net0": {"model": "virtio", "bridge": args.bridge, **args.nic}},
            tags=list(args.tags),
            pool=args.pool,
            **args.options,
        )


def _summary(machine: VirtualMachine) -> pulumi.Output[dict[str, Any]]:
    """What others want to know of a machine."""
    known = pulumi.Output.all(name=machine.name, vmid=machine.vmid, node=machine.node, macs=machine.macs)
    return known.apply(
        lambda of: {"name": of["name"], "vmid": of["vmid"], "node": of["node"], "mac": of["macs"]["net0"]}
    )
