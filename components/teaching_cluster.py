"""A cluster for teaching: nodes with their networks and storages, courses with pupils, and guests for their exercises.

The nodes are in a cluster already, or are made one. Each has the networks of the classroom: guests on the one that
people reach, and management and storage on the other, or each on one of its own. Every team of a course has a pool of
its own, in which it sees its guests and nobody else's. The guests are clones of one template, spread over the nodes by
turns; they get their addresses from whoever gives them out in that network.

What Proxmox's installer has made (bridge, storages) is taken over; at the end the networks are again what they were,
and the storages stay.
"""

from __future__ import annotations

import pulumi
import pulumi_random

from components.backup_policy import BackupPolicy
from components.golden_template import GoldenTemplate
from components.guest_firewall import GuestFirewall
from components.guest_group import GuestGroup, GuestGroupArgs
from components.outputs import Exports, login
from components.placement import place
from components.teaching_access import CourseAccess
from components.teaching_args import Copies, Course, TeachingClusterArgs, TeamGuests
from components.teaching_checks import problems
from components.teaching_nodes import TeachingNodes
from components.teaching_outputs import GUESTS, exports
from components.teaching_parts import access, backup_policy, guest_firewall, template
from providers.replication import Replication
from providers.vm import VirtualMachine


class TeachingCluster(pulumi.ComponentResource):
    """A cluster, courses, and guests."""

    machines: dict[str, VirtualMachine]
    """The guests by their names."""
    exports: Exports
    """All that it tells of itself: networks, guests, and who logs in to what."""

    def __init__(self, name: str, args: TeachingClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        for problem in problems(args):
            raise ValueError(str(problem))
        super().__init__("proxmox:components:TeachingCluster", name, None, opts)
        self._name, self._args = name, args
        nodes = TeachingNodes(f"{name}-nodes", args, self)
        self._access = CourseAccess(name, access(args), self._after(*nodes.ready))
        golden = template(args)
        made = GoldenTemplate(f"{name}-template", golden, self._after(*nodes.ready))
        self._templates = {place.node: made.vmids[place.name] for place in golden.places}
        self._password = pulumi_random.RandomPassword(f"{name}-guests", length=16, special=False, opts=self._after())
        self._places = place(args.rooms, args.wishes, args.added)
        groups = {group: self._guests(group, course) for course in args.courses for group in course.groups}
        self.machines = {name: machine for group in groups.values() for name, machine in group.machines.items()}
        vmids: dict[str, pulumi.Input[int]] = {guest: machine.vmid for guest, machine in self.machines.items()}
        fence = guest_firewall(args, vmids)
        if fence is not None:
            GuestFirewall(f"{name}-guests", fence, self._after())
        policy = backup_policy(args, vmids)
        if policy is not None:
            BackupPolicy(f"{name}-backups", policy, self._after(*nodes.ready))
        if args.replication is not None:
            for guest, machine in self.machines.items():
                self._copies(guest, machine, args.replication)
        self.exports = exports(
            args,
            guests={group: made.machines for group, made in groups.items()},
            templates=self._templates,
            credentials={GUESTS: login(args.user, self._password), **self._access.logins},
        )
        self.register_outputs(self.exports.told())

    def _after(self, *others: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(others))

    def _copies(self, guest: str, machine: VirtualMachine, copies: Copies) -> None:
        """On the node after the guest's own, and after the last one on the first."""
        nodes = sorted(self._args.nodes)
        Replication(
            f"{self._name}-{guest}-copy",
            self._after(),
            connection=self._args.connection,
            job_id=pulumi.Output.format("{0}-0", machine.vmid),
            target=machine.node.apply(lambda node: nodes[(nodes.index(node) + 1) % len(nodes)]),
            schedule=copies.schedule,
        )

    def _guests(self, group: TeamGuests, course: Course) -> GuestGroup:
        """The guests of a team for one exercise, each a clone of its own node's template."""
        exercise = group.exercise
        args = GuestGroupArgs(
            count=exercise.count,
            places=self._places,
            template=self._templates,
            linked=self._args.template.linked,
            cores=exercise.cores,
            memory=exercise.memory,
            disk=exercise.disk,
            storage=self._args.storage,
            bridge=self._args.guest_bridge,
            nic={"firewall": True} if self._args.firewall and self._args.firewall.guests is not None else {},
            pool=f"{course.name}/{group.team.name}",
            tags=tuple(sorted({course.name, exercise.name})),
            options={
                "agent": {"enabled": True},
                "ciuser": self._args.user,
                "cipassword": self._password.result,
                "sshkeys": list(self._args.ssh_keys) or None,
                "vmid_range": course.vmids,
                "connection": self._args.connection,
            },
        )
        return GuestGroup(group.name, args, self._after(self._access.pools[course.name, group.team.name]))
