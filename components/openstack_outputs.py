"""What a lab for OpenStack tells of itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi

from components.handoff import formats as all_formats
from components.openstack_args import OpenStackLabArgs
from components.openstack_deployers import PROXY
from components.openstack_network import OUTSIDE
from components.openstack_plan import Guest, guests, sites, tag, vips
from components.outputs import Exports, LoginOutput, guest_output
from lab_outputs import Host, Lab, Network, Ssh, Vip
from providers.container import Container
from providers.vm import VirtualMachine

KIND = "openstack-lab"
DISK = "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_drive-scsi"
"""What a machine calls the disk of a slot, wherever the kernel has put it."""


def describe(
    lab: OpenStackLabArgs,
    placed: Mapping[str, str],
    made: Mapping[str, VirtualMachine | Container],
    templates: Mapping[str, pulumi.Output[int]],
    logins: Mapping[str, LoginOutput],
) -> Exports:
    """All that it tells; the files for the deployer are made of the rest."""
    planned = guests(lab)
    known = {name: _guest(lab, planned[name], placed[name], machine) for name, machine in made.items()}
    plain = from_page(lab)
    formats = {each.file: each for name, each in all_formats().items() if name in lab.kit.formats}
    whole = pulumi.Output.all(**known).apply(lambda told: Lab(kind=KIND, **vars(plain) | {"guests": told}))
    return replace(
        plain,
        guests=known,
        templates=templates,
        files={file: whole.apply(each.render) for file, each in formats.items()},
        credentials=logins,
    )


def from_page(lab: OpenStackLabArgs) -> Exports:
    """What is known from the page alone."""
    hosts = {
        name: Host(node=host.node, connection=host.connection, address=host.address)
        for name, host in sorted(lab.hosts.items())
    }
    members = tuple(lab.nodes.names)
    return Exports(
        hosts=hosts,
        networks={**{name: _network(lab, name) for name in lab.networks}, OUTSIDE: _outside(lab)},
        vips={
            name: Vip(address=address, network=_name_of(lab), members=members) for name, address in vips(lab).items()
        },
        endpoints={
            **{f"proxmox-{name}": f"https://{host.address}:8006/" for name, host in lab.hosts.items()},
            **{word: f"http://{word}.{lab.domain}/" for word in sites(lab)},
        },
    )


def _name_of(lab: OpenStackLabArgs) -> str:
    return next(name for name in lab.networks if "management" in lab.roles(name))


def _network(lab: OpenStackLabArgs, name: str) -> Network:
    network = lab.networks[name]
    first, last = network.given_out
    return Network(
        bridge=lab.bridge,
        vlan=tag(lab, network),
        cidr=str(network.subnet),
        gateway=str(network.subnet[1]),
        gateway_host=lab.gateway_name,
        mtu=lab.mtu,
        dhcp=(str(first), str(last)),
        domain=lab.domain,
        roles=lab.roles(name),
    )


def _outside(lab: OpenStackLabArgs) -> Network:
    """What the gateway goes out by."""
    host = lab.gateway
    subnet = str(ipaddress.IPv4Interface(host.outside).network)
    return Network(bridge=lab.bridge, cidr=subnet, gateway=host.gateway, mtu=lab.outside_mtu, roles=(OUTSIDE,))


def _guest(
    lab: OpenStackLabArgs, guest: Guest, host: str, machine: VirtualMachine | Container
) -> pulumi.Output[dict[str, Any]]:
    """Its user comes from cloud-init in a machine; the way in is the gateway, which is in all networks."""
    user = "root" if guest.type == "lxc" else lab.user
    ssh = Ssh(user=user, address=guest.address, jump=f"root@{lab.gateway.address}") if guest.address else None
    nics = {
        f"net{slot}": (card.network, card.address and card.address.partition("/")[0])
        for slot, card in enumerate(guest.cards)
    }
    if guest.name == PROXY and lab.proxy_outside:
        nics[f"net{len(guest.cards)}"] = (OUTSIDE, lab.proxy_outside.partition("/")[0])
    empty = [f"{DISK}{slot}" for slot in range(1, len(guest.osd_disks) + 1)]
    return guest_output(machine, host=host, nics=nics, groups=guest.groups, ssh=ssh).apply(
        lambda told: {**told, "data_disks": empty}
    )
