"""A lab of two hosts that are in no cluster: each with its own connection, storage, template, pools and networks.

The guests are clones of one template, placed by hand or by room; a router in front of the hosts, OPNsense, gives them
their addresses and keeps tenants apart. Nothing on a host depends on the other one, so that what is to be done on one
goes on while the other is down (with `--continue-on-error` where something was to be done on both).

A guest stays on its host: that it should be on the other one is refused, since it would lose its disks.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import pulumi
import pulumi_random

from components.answer_file import Install, answer_file
from components.dual_args import WORKLOADS, DualHypervisorArgs, Guest, RouterVm, Tenant
from components.dual_checks import problems
from components.dual_outputs import LAN, host_output, network_outputs
from components.golden_template import GoldenTemplate, Place
from components.opnsense import Reservation, Vlan, config_xml, reservations_csv
from components.outputs import Exports, guest_output, login
from components.placement import place
from lab_outputs import Guest as GuestTold
from lab_outputs import Ssh
from providers.pool import Pool
from providers.sdn_zone import SdnZone
from providers.vm import VirtualMachine


class DualHypervisor(pulumi.ComponentResource):
    """Two hosts in one lab."""

    exports: Exports
    """What it tells of itself; the files are those that OPNsense imports and, as secrets, the hosts' answer files."""

    def __init__(self, name: str, args: DualHypervisorArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        for problem in problems(args):
            raise ValueError(str(problem))
        super().__init__("proxmox:components:DualHypervisor", name, None, opts)
        self._name, self._args, self._own = name, args, pulumi.ResourceOptions(parent=self)
        self._password = pulumi_random.RandomPassword(f"{name}-guests", length=24, special=False, opts=self._own)
        self._pools = {host: self._pools_of(host) for host in args.hosts}
        self._zones = {host: self._zone_of(host) for host in args.hosts} if args.tenants else {}
        self._templates = {host: self._template_on(host) for host in args.hosts}
        placed = place({host: each.room for host, each in args.hosts.items()}, args.wishes)
        guests = self._guests(placed)
        if args.opnsense.vm is not None:
            guests[args.opnsense.vm.name] = self._router(args.opnsense.vm)
        installs = {host: each.install for host, each in args.hosts.items() if each.install}
        roots = {host: self._root(host) for host in installs}
        self.exports = Exports(
            hosts={host: host_output(each) for host, each in args.hosts.items()},
            guests=guests,
            networks=network_outputs(args),
            templates=self._templates,
            files=self._imports(guests),
            credentials={
                "guests": login(args.user, self._password),
                **{f"root@{host}": login("root@pam", root) for host, root in roots.items()},
            },
            secret_files={f"{host}-answer.toml": _answers(install, roots[host]) for host, install in installs.items()},
        )
        self.register_outputs(self.exports.told())

    def _pools_of(self, host: str) -> dict[str, Pool]:
        """One for each class of workload."""
        return {
            workload: Pool(
                f"{self._name}-{host}-{workload}",
                self._own,
                connection=self._args.hosts[host].connection,
                poolid=f"{self._args.pool_prefix}{workload}",
                comment=f"Guests of the class {workload}",
            )
            for workload in WORKLOADS
        }

    def _zone_of(self, host: str) -> SdnZone:
        """The tenants' VLANs; their gateway is the router, so that the host has no address in them."""
        return SdnZone(
            f"{self._name}-{host}-tenants",
            self._own,
            connection=self._args.hosts[host].connection,
            zone=self._args.zone,
            type="vlan",
            bridge=self._args.hosts[host].bridge,
            vnets={tenant.vnet: _vnet(tenant) for tenant in self._args.tenants},
        )

    def _template_on(self, name: str) -> pulumi.Output[int]:
        """A component for each host, so that none waits for the other's."""
        host, template = self._args.hosts[name], self._args.template
        where = Place(
            node=host.node, connection=host.connection, storage=host.storage, image_storage=host.image_storage
        )
        made = GoldenTemplate(
            f"{self._name}-{name}-template",
            template.made_at((where,), host.bridge),
            self._own,
        )
        return made.vmids.apply(lambda vmids: vmids[where.name])

    def _guests(self, placed: Mapping[str, str]) -> dict[str, pulumi.Output[dict[str, Any]]]:
        found = {}
        for guest in self._args.guests:
            for name, address in zip_longest(guest.names, guest.addresses):
                found[name] = guest_output(
                    self._machine(name, placed[name], guest),
                    host=placed[name],
                    nics={"net0": (guest.tenant or LAN, address)},
                    groups=_groups(guest),
                    ssh=Ssh(user=self._args.user, address=address) if address else None,
                )
        return found

    def _machine(self, name: str, on: str, guest: Guest) -> VirtualMachine:
        """A clone. What it was cloned from stays as it is when there is another template."""
        host, linked = self._args.hosts[on], self._args.template.linked
        tenant = next((tenant for tenant in self._args.tenants if tenant.name == guest.tenant), None)
        waits = [self._zones[on]] if tenant else []
        return VirtualMachine(
            f"{self._name}-{name}",
            pulumi.ResourceOptions(parent=self, depends_on=waits, ignore_changes=["clone"]),
            connection=host.connection,
            node=host.node,
            name=name,
            clone={"vmid": self._templates[on], "full": not linked, **({} if linked else {"storage": host.storage})},
            cores=guest.cores,
            memory=guest.memory,
            disks={"scsi0": {"storage": host.storage, "size": guest.disk}},
            net={"net0": {"model": "virtio", "bridge": tenant.vnet if tenant else host.bridge}},
            ipconfig={"ipconfig0": {"ip": "dhcp"}},
            ciuser=self._args.user,
            cipassword=self._password.result,
            sshkeys=list(self._args.ssh_keys) or None,
            agent={"enabled": True},
            tags=[*sorted(_groups(guest))],
            pool=self._pools[on][guest.workload].poolid,
            protection=guest.protection or None,
        )

    def _router(self, vm: RouterVm) -> pulumi.Output[dict[str, Any]]:
        """OPNsense with two cards: the outside, and the hosts' bridge with all VLANs on it."""
        host = self._args.hosts[vm.host]
        machine = VirtualMachine(
            f"{self._name}-{vm.host}-{vm.name}",
            self._own,
            connection=host.connection,
            node=host.node,
            name=vm.name,
            cores=vm.cores,
            memory=vm.memory,
            disks={"scsi0": {"storage": host.storage, "size": vm.disk}, "ide2": {"file": vm.iso, "media": "cdrom"}},
            boot={"order": ["scsi0", "ide2"]},
            net={
                "net0": {"model": "virtio", "bridge": vm.wan_bridge},
                "net1": {"model": "virtio", "bridge": host.bridge},
            },
            onboot=True,
            startup={"order": 1},
            tags=["infrastructure"],
            pool=self._pools[vm.host]["infrastructure"].poolid,
        )
        return guest_output(machine, host=vm.host, nics={"net1": (LAN, None)}, groups=("infrastructure",))

    def _imports(self, guests: Mapping[str, pulumi.Output[dict[str, Any]]]) -> dict[str, pulumi.Output[str]]:
        """The MAC addresses are planned, so a preview has the files too."""
        vlans = [
            Vlan(name=each.name, tag=each.vlan, subnet=each.subnet, gateway=each.gateway, pool=each.dhcp_pool)
            for each in self._args.tenants
        ]
        reservations = pulumi.Output.all(*guests.values()).apply(_reservations)
        device, closed = self._args.opnsense.device, [self._args.lan.subnet] if self._args.lan else []
        return {
            "opnsense-config.xml": reservations.apply(lambda known: config_xml(vlans, known, device, closed)),
            "opnsense-reservations.csv": reservations.apply(reservations_csv),
        }

    def _root(self, host: str) -> pulumi_random.RandomPassword:
        return pulumi_random.RandomPassword(f"{self._name}-{host}-root", length=24, special=False, opts=self._own)


def _answers(install: Install, root: pulumi_random.RandomPassword) -> pulumi.Output[str]:
    hashed: pulumi.Output[str] = root.bcrypt_hash
    return hashed.apply(lambda known: answer_file(install, known))


def _groups(guest: Guest) -> tuple[str, ...]:
    """Its class of workload, and its tenant."""
    return (guest.workload, *filter(None, [guest.tenant]))


def _reservations(told: list[dict[str, Any]]) -> list[Reservation]:
    """The addresses that guests always get."""
    guests = [GuestTold.model_validate(each) for each in told]
    nics = [(guest.name, nic) for guest in guests for nic in guest.nics.values()]
    return [Reservation(hostname=name, address=nic.address, mac=nic.mac) for name, nic in nics if nic.address]


def _vnet(tenant: Tenant) -> dict[str, Any]:
    return {
        "tag": tenant.vlan,
        "alias": tenant.name,
        **({"isolate_ports": True} if tenant.isolated_guests else {}),
        "subnets": {tenant.subnet: {"gateway": tenant.gateway}},
    }
