"""Virtual machines of the lab: nodes of Kubernetes, and desktops that people see in their browser or by SPICE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_random

from components.golden_template import GoldenTemplate, GoldenTemplateArgs, Place
from components.ha_args import HAServiceNetworkArgs, Machines, MachineTemplate
from components.ha_plan import Plan
from providers.acl import Acl
from providers.group import Group
from providers.role import Role
from providers.vm import VirtualMachine

CONSOLES: Mapping[str, dict[str, Any]] = {
    "spice": {"vga": {"type": "qxl", "memory": 32}, "audio0": {"device": "ich9-intel-hda", "driver": "spice"}},
    "novnc": {"vga": {"type": "std"}},
}
"""What a desktop has to be seen by."""
LOOK = ("VM.Console", "VM.Audit")


@dataclass(frozen=True, kw_only=True)
class LabMachinesArgs:
    """The lab, where everything is in it, and the template."""

    lab: HAServiceNetworkArgs
    plan: Plan
    template: MachineTemplate


class LabMachines(pulumi.ComponentResource):
    """The virtual machines of the lab."""

    guests: dict[str, VirtualMachine]
    """By their names."""
    templates: pulumi.Output[dict[str, int]]
    """Host -> VMID of its template."""
    password: pulumi_random.RandomPassword
    """Of the user that cloud-init makes."""

    def __init__(self, name: str, args: LabMachinesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:LabMachines", name, None, opts)
        self._name, self._lab, self._plan, self._template = name, args.lab, args.plan, args.template
        self._own = pulumi.ResourceOptions(parent=self)
        self.password = pulumi_random.RandomPassword(f"{name}-user", length=24, special=False, opts=self._own)
        self.templates = self._templates()
        self.guests = dict(self._machines())
        if args.lab.desktops is not None:
            self._permit(args.lab.desktops.group)
        self.register_outputs({"templates": self.templates})

    def _templates(self) -> pulumi.Output[dict[str, int]]:
        """On each host, so that a clone needs no network."""
        template, connection = self._template, self._lab.connection
        places = [
            Place(
                node=node,
                connection=connection,
                storage=self._lab.storage.pinned,
                image_storage=template.image_storage,
            )
            for node in self._lab.hosts
        ]
        args = GoldenTemplateArgs(
            places=places,
            template_name=template.name,
            image=template.image,
            disk=template.disk,
            bridge=self._lab.network.bridge,
        )
        made = GoldenTemplate(f"{self._name}-template", args, self._own)
        return made.vmids.apply(lambda vmids: {place.node: vmids[place.name] for place in places})

    def _machines(self) -> Iterator[tuple[str, VirtualMachine]]:
        lab, plan = self._lab, self._plan
        if lab.kubernetes is not None:
            for group, sort in (("k8s-control", lab.kubernetes.control_plane), ("k8s-worker", lab.kubernetes.workers)):
                yield from ((name, self._machine(name, sort, ["kubernetes"], {})) for name in plan.of(group))
        if lab.desktops is not None:
            console = CONSOLES[lab.desktops.console]
            yield from ((name, self._machine(name, lab.desktops, ["desktop"], console)) for name in plan.of("desktop"))

    def _machine(self, name: str, sort: Machines, tags: list[str], more: dict[str, Any]) -> VirtualMachine:
        """A full clone: it may go where its template does not."""
        network, node = self._lab.network, self._plan.hosts[name]
        own = self._plan.addresses.get(name)
        servers = [self._plan.addresses[server] for server in self._plan.of("dns")]
        ip = {"ip": network.interface(own), "gw": network.vip} if own else {"ip": "dhcp"}
        return VirtualMachine(
            name,
            pulumi.ResourceOptions(parent=self, ignore_changes=["clone"]),
            connection=self._lab.connection,
            node=node,
            name=name,
            clone={
                "vmid": self.templates.apply(lambda vmids: vmids[node]),
                "full": True,
                "storage": self._lab.storage.name,
            },
            cores=sort.cores,
            memory=sort.memory,
            disks={"scsi0": {"storage": self._lab.storage.name, "size": sort.disk}},
            net={"net0": {"model": "virtio", "bridge": network.bridge, "mtu": network.mtu}},
            ipconfig={"ipconfig0": ip},
            nameserver=list(servers),
            searchdomain=network.domain,
            ciuser=self._template.user,
            cipassword=self.password.result,
            sshkeys=list(self._template.ssh_keys) or None,
            agent={"enabled": True},
            tags=list(tags),
            **more,
        )

    def _permit(self, group: str) -> None:
        """Its members see the desktops, and nothing else."""
        role = Role(
            f"{self._name}-{group}-role",
            self._own,
            connection=self._lab.connection,
            roleid=f"{group}-role",
            privs=list(LOOK),
        )
        made = Group(
            f"{self._name}-{group}",
            self._own,
            connection=self._lab.connection,
            groupid=group,
            comment="Who may open the desktops",
        )
        for name in self._plan.of("desktop"):
            path = self.guests[name].vmid.apply(lambda vmid: f"/vms/{vmid}")
            Acl(
                f"{self._name}-{name}-console",
                self._own,
                connection=self._lab.connection,
                path=path,
                roleid=role.roleid,
                group=made.groupid,
            )
