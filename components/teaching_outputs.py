"""What a cluster for teaching tells of itself, as `lab_outputs` says it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.outputs import Exports, LoginOutput, guest_output
from components.teaching_args import TeachingClusterArgs, TeamGuests
from lab_outputs import Host, Network
from providers.vm import VirtualMachine

GUESTS = "guests"
"""The login in the guests; those in Proxmox are called as the users are."""


def exports(
    args: TeachingClusterArgs,
    *,
    guests: Mapping[TeamGuests, Mapping[str, VirtualMachine]],
    templates: Mapping[str, pulumi.Output[int]],
    credentials: Mapping[str, LoginOutput],
) -> Exports:
    """All that others want to know."""
    black = args.network_of["guests"]
    at = {name: node.addresses[args.network_of["management"]] for name, node in args.nodes.items()}
    return Exports(
        hosts={name: Host(node=name, connection=args.connection, address=address) for name, address in at.items()},
        guests={
            name: guest_output(
                machine, nics={"net0": (black, None)}, groups=(group.course, group.team.name, group.exercise.name)
            )
            for group, machines in guests.items()
            for name, machine in machines.items()
        },
        networks={name: network_output(name, args) for name in args.networks},
        endpoints={name: f"https://{address}:8006" for name, address in at.items()},
        templates=templates,
        credentials=credentials,
    )


def network_output(name: str, args: TeachingClusterArgs) -> Network:
    """A network of the nodes, and what it is for."""
    network = args.networks[name]
    return Network(
        bridge=network.bridge,
        vlan=network.vlan.tag if network.vlan else None,
        cidr=network.cidr,
        gateway=network.gateway,
        mtu=network.mtu,
        roles=tuple(str(role) for role, of in args.network_of.items() if of == name),
    )
