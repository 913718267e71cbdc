"""A lab in which OpenStack is tried out: its network, the nodes that it is put on, and what is needed besides.

On one host, or spread over several that share a cable with all VLANs. The network comes first; then the template, whose
full clones the controllers are, and the nodes too where nobody installs them over the network; the containers any time
after the network. The nodes see the host's processor, so that they can have guests of their own, and their MAC
addresses follow from their names. Putting OpenStack on them is the deployer's: the lab writes down what it wants to be
told (`files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pulumi
import pulumi_random

from components.ansible_controller import AnsibleController, AnsibleControllerArgs, inventory_of
from components.golden_template import GoldenTemplate, Place
from components.handoff.maas import POWER_TOKEN, POWER_USER
from components.least_privilege import LeastPrivilege, LeastPrivilegeArgs
from components.openstack_args import OpenStackLabArgs
from components.openstack_checks import problems
from components.openstack_deployers import ANSIBLE, PROXY
from components.openstack_network import others, router
from components.openstack_outputs import describe
from components.openstack_plan import Card, Guest, guests, placed, sites
from components.outputs import Exports, LoginOutput, login
from components.reverse_proxy import ReverseProxy, ReverseProxyArgs, Site
from components.router import Router, interfaces_of
from components.service_container import ServiceHost
from providers.container import Container
from providers.node_exec import NodeExec
from providers.node_network import NodeNetwork
from providers.pool import Pool
from providers.private_key import PrivateKey
from providers.vm import VirtualMachine

SWITCH, MARK = "openvswitch-switch", "/var/lib/proxmox-labs.openvswitch"
INSTALL = (
    'set -e; export DEBIAN_FRONTEND=noninteractive; get() { apt-get install --quiet --yes "$1"; }; '
    'get "$1" || { apt-get update --quiet; get "$1"; }; touch "$2"'
)
REMOVE = (
    'set -e; export DEBIAN_FRONTEND=noninteractive; [ -e "$2" ] || exit 0; apt-get purge --quiet --yes "$1"; rm "$2"'
)


class OpenStackLab(pulumi.ComponentResource):
    """A lab for OpenStack."""

    exports: Exports
    """What it tells other programs."""

    def __init__(self, name: str, args: OpenStackLabArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        for problem in problems(args):
            raise ValueError(str(problem))
        super().__init__("proxmox:components:OpenStackLab", name, None, opts)
        self._name, self._args, self._own = name, args, pulumi.ResourceOptions(parent=self)
        self._placed = placed(args)
        self._pool = self._pool_after(self._networks())
        self._templates = self._template()
        self._password = pulumi_random.RandomPassword(f"{name}-guests", length=24, special=False, opts=self._own)
        self._key = PrivateKey(f"{name}-ansible", self._own, algorithm="ed25519")
        self._keys: list[pulumi.Input[str]] = [*args.ssh_keys, self._key.public_key_openssh]
        planned = guests(args)
        made = {name: self._guest(guest) for name, guest in planned.items() if name != ANSIBLE}
        logins = {"guests": login(args.user, self._password), **(self._power() if args.kit.net_boot else {})}
        others = describe(args, self._placed, made, self._templates, logins)
        made[ANSIBLE] = self._ansible(planned[ANSIBLE], others)
        self.exports = describe(args, self._placed, made, self._templates, logins)
        self.register_outputs(self.exports.told())

    def _networks(self) -> list[pulumi.Output[Any]]:
        """Known when they are there; each host has Open vSwitch before."""
        args = self._args
        switches = {name: self._switch(name) for name in args.hosts}
        first = replace(router(args), after=(switches[args.gateway_name],))
        ready: list[pulumi.Output[Any]] = [Router(f"{self._name}-router", first, self._own).gateways]
        for host, each in others(args).items():
            opts = pulumi.ResourceOptions(parent=self, depends_on=[switches[host]])
            interfaces = interfaces_of(each)
            made = NodeNetwork(
                f"{self._name}-{host}-network", opts, node=each.node, interfaces=interfaces, **each.options
            )
            ready.append(made.urn)
        return ready

    def _switch(self, name: str) -> pulumi.Resource:
        """Open vSwitch on a host, which had it before, or has it for as long as the lab."""
        host = self._args.hosts[name]
        return NodeExec(
            f"{self._name}-{name}-openvswitch",
            self._own,
            connection=host.connection,
            node=host.node,
            command=["sh", "-c", INSTALL, "sh", SWITCH, MARK],
            unless=["dpkg-query", "-W", SWITCH],
            delete_command=["sh", "-c", REMOVE, "sh", SWITCH, MARK],
        )

    def _pool_after(self, ready: list[pulumi.Output[Any]]) -> dict[str | None, pulumi.Output[str]]:
        """Connection -> the pool of its guests. Whoever is in it is made after the networks, and goes before them."""
        pools = {}
        for connection in {host.connection: None for host in self._args.hosts.values()}:
            pool = Pool(
                f"{self._name}-pool" if connection is None else f"{self._name}-{connection}-pool",
                self._own,
                connection=connection,
                poolid=self._args.pool,
                comment="The lab for OpenStack",
            )
            pools[connection] = pulumi.Output.all(pool.poolid, *ready).apply(lambda known: str(known[0]))
        return pools

    def _power(self) -> dict[str, LoginOutput]:
        """Who may switch the guests on and off, and see them, on each connection; that is what MAAS needs."""
        found = {}
        for connection in self._pool:
            own = "power" if connection is None else f"power-{connection}"
            made = LeastPrivilege(
                f"{self._name}-{own}",
                LeastPrivilegeArgs(
                    userid=POWER_USER,
                    tokenid=POWER_TOKEN,
                    privileges={f"/pool/{self._args.pool}": ("VM.Audit", "VM.PowerMgmt")},
                    connection=connection,
                ),
                self._own,
            )
            found[own] = LoginOutput(user=f"{POWER_USER}!{POWER_TOKEN}", password=made.token_secret)
        return found

    def _template(self) -> dict[str, pulumi.Output[int]]:
        """Host -> its template."""
        found = {}
        for name, host in self._args.hosts.items():
            where = Place(
                node=host.node, connection=host.connection, storage=host.storage, image_storage=host.image_storage
            )
            made = GoldenTemplate(
                f"{self._name}-{name}-template",
                self._args.template.made_at((where,), self._args.bridge, pool=self._pool[host.connection]),
                self._own,
            )
            found[name] = made.vmids.apply(lambda vmids: next(iter(vmids.values())))
        return found

    def _guest(self, guest: Guest) -> VirtualMachine | Container:
        if guest.name == PROXY:
            return self._proxy(guest)
        return self._net_booted(guest) if guest.net_boot else self._clone(guest)

    def _clone(self, guest: Guest) -> VirtualMachine:
        """What it was cloned from stays as it is when there is another template."""
        on, linked = self._placed[guest.name], self._args.template.linked
        host = self._args.hosts[on]
        return VirtualMachine(
            f"{self._name}-{guest.name}",
            pulumi.ResourceOptions(parent=self, ignore_changes=["clone"]),
            clone={"vmid": self._templates[on], "full": not linked, **({} if linked else {"storage": host.storage})},
            ipconfig={f"ipconfig{slot}": _ipconfig(card) for slot, card in enumerate(guest.cards) if card.address},
            ciuser=self._args.user,
            cipassword=self._password.result,
            sshkeys=self._keys,
            nameserver=list(self._args.nameservers) or None,
            searchdomain=self._args.domain,
            agent={"enabled": True},
            **self._machine(guest),
        )

    def _net_booted(self, guest: Guest) -> VirtualMachine:
        """Empty; who installs it switches it on and off too."""
        return VirtualMachine(
            f"{self._name}-{guest.name}",
            pulumi.ResourceOptions(parent=self, ignore_changes=["started"]),
            boot={"order": ["net0", "scsi0"]},
            scsihw="virtio-scsi-single",
            ostype="l26",
            **self._machine(guest),
        )

    def _machine(self, guest: Guest) -> dict[str, Any]:
        """What all machines have in common."""
        host = self._args.hosts[self._placed[guest.name]]
        sizes = dict(zip(count(), [guest.size.disk, *guest.osd_disks], strict=False))
        return {
            "connection": host.connection,
            "node": host.node,
            "name": guest.name,
            "cores": guest.size.cores,
            "memory": guest.size.memory,
            "cpu": {"cputype": "host"},
            "disks": {f"scsi{slot}": {"storage": host.storage, "size": size} for slot, size in sizes.items()},
            "net": {f"net{slot}": {"model": "virtio", **self._wire(card)} for slot, card in enumerate(guest.cards)},
            "tags": sorted(guest.groups),
            "pool": self._pool[host.connection],
        }

    def _wire(self, card: Card) -> dict[str, Any]:
        """How a card is in its network."""
        return {"bridge": self._args.bridge, **({} if card.tag is None else {"tag": card.tag}), "mtu": self._args.mtu}

    def _service_host(self, guest: Guest, *, outside: str | None = None) -> ServiceHost:
        """A container; with an address outside, that is its way out."""
        args, host = self._args, self._args.hosts[self._placed[guest.name]]
        first, *rest = guest.cards
        more = {
            f"net{slot}": {"name": f"eth{slot}", **self._wire(card), "ip": str(card.address)}
            for slot, card in enumerate(rest, 1)
        }
        if outside is not None:
            last = {"name": f"eth{len(guest.cards)}", "bridge": args.bridge, "mtu": args.outside_mtu}
            more[f"net{len(guest.cards)}"] = {**last, "ip": outside, "gw": host.gateway}
        return ServiceHost(
            connection=host.connection,
            node=host.node,
            ostemplate=args.ostemplate,
            storage=host.storage,
            bridge=args.bridge,
            address=str(first.address),
            gateway=None if outside else first.gateway,
            tag=first.tag,
            mtu=args.mtu,
            more_nics=more,
            nameserver=args.nameservers,
            disk=guest.size.disk,
            cores=guest.size.cores,
            memory=guest.size.memory,
            options={
                "tags": sorted(guest.groups),
                "pool": self._pool[host.connection],
                "searchdomain": args.domain,
                "ssh_public_keys": self._keys,
            },
        )

    def _proxy(self, guest: Guest) -> Container:
        """The way in to the lab's sites."""
        names = {word: f"{word}.{self._args.domain}" for word in sites(self._args)}
        args = ReverseProxyArgs(
            host=self._service_host(guest, outside=self._args.proxy_outside),
            sites={word: Site(names=(names[word],), url=url) for word, url in sites(self._args).items()},
        )
        return ReverseProxy(guest.name, args, self._own).guest

    def _ansible(self, guest: Guest, others: Exports) -> Container:
        """With all others in its inventory; those that cloud-init sets up know its key.

        The host that is the gateway lets nobody from inside reach it by another address.
        """
        name = self._args.gateway_name
        gateway = others.hosts[name].model_copy(update={"address": guest.cards[0].gateway})
        inventory = inventory_of(replace(others, hosts={**others.hosts, name: gateway}))
        args = AnsibleControllerArgs(host=self._service_host(guest), inventory=inventory, key=self._key)
        return AnsibleController(guest.name, args, self._own).guest


def _ipconfig(card: Card) -> Mapping[str, Any]:
    return {"ip": card.address, **({"gw": card.gateway} if card.gateway else {})}
