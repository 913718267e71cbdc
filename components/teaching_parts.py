"""What is said of a cluster for teaching, as the parts take it that the lab is made of."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.backup_policy import BackupClass, BackupPolicyArgs
from components.firewall_baseline import FirewallBaselineArgs
from components.golden_template import GoldenTemplateArgs, Place
from components.guest_firewall import GuestFirewallArgs
from components.node_networks import NodeLink, NodeNetworksArgs
from components.teaching_access import CourseAccessArgs
from components.teaching_args import SSH, TeachingClusterArgs
from providers.firewall_rules import FirewallRule


def node_networks(lab: TeachingClusterArgs) -> NodeNetworksArgs:
    """The nodes' networks; what Proxmox's installer has made is taken over."""
    return NodeNetworksArgs(
        networks={
            name: NodeLink(cidr=each.cidr, link=each.link, gateway=each.gateway, mtu=each.mtu)
            for name, each in lab.networks.items()
        },
        nodes={name: node.addresses for name, node in lab.nodes.items()},
        roles=lab.network_of,
        further=dict.fromkeys(lab.nodes, lab.further or {}),
        connections={name: lab.connection_of(name) for name in lab.nodes},
        options={"adopt": "if-exists"},
    )


def firewall(lab: TeachingClusterArgs) -> FirewallBaselineArgs | None:
    """Who reaches the nodes, if that is to be limited."""
    if lab.firewall is None:
        return None
    return FirewallBaselineArgs(
        management=lab.firewall.management,
        nodes={name: list(node.addresses.values()) for name, node in lab.nodes.items()},
        services=lab.firewall.services,
        foreign=lab.firewall.foreign,
        connection=lab.connection,
    )


def guest_firewall(lab: TeachingClusterArgs, guests: Mapping[str, pulumi.Input[int]]) -> GuestFirewallArgs | None:
    """What guests let in, if they don't let in all; `guests` has the VMID of each."""
    if lab.firewall is None or lab.firewall.guests is None:
        return None
    ssh = [FirewallRule(type="in", action="ACCEPT", macro=SSH, source=source) for source in lab.ssh_from]
    return GuestFirewallArgs(rules=[*ssh, *lab.firewall.guests], guests=guests, connection=lab.connection)


def template(lab: TeachingClusterArgs) -> GoldenTemplateArgs:
    """The same template on each node, since disks are on the nodes' own storages."""
    places = [
        Place(node=node, connection=lab.connection, storage=lab.storage, image_storage=lab.image_storage)
        for node in lab.nodes
    ]
    return lab.template.made_at(places, lab.guest_bridge)


def access(lab: TeachingClusterArgs) -> CourseAccessArgs:
    """Who may do what."""
    return CourseAccessArgs(
        courses=lab.courses,
        pupils_may=lab.pupils_may,
        teachers_may=lab.teachers_may,
        backup_storage=lab.backup.storage if lab.backup else None,
        connection=lab.connection,
    )


def backup_policy(lab: TeachingClusterArgs, guests: Mapping[str, pulumi.Input[int]]) -> BackupPolicyArgs | None:
    """How the guests are backed up, if they are; `guests` has the VMID of each."""
    if lab.backup is None:
        return None
    kind = BackupClass(
        schedule=lab.backup.schedule,
        storage=lab.backup.storage,
        keep=lab.backup.keep,
        mode=lab.backup.mode,
        compress=lab.backup.compress,
    )
    groups = (group for course in lab.courses for group in course.groups)
    anew = [name for group in groups if not group.exercise.backup for name in group.names]
    return BackupPolicyArgs(
        classes={"guests": kind},
        guests=guests,
        others="guests",
        without=dict.fromkeys(anew, "made anew from the template"),
        connection=lab.connection,
    )
