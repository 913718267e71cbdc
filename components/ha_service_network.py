"""Three rented hosts as one cluster, and services that go on when one of them dies.

The hosts share no cable: a mesh of tinc carries the cluster's own traffic, and a second one the network of all guests,
on a bridge of every host. A router's address moves between the hosts (VRRP); names and addresses come from dnsmasq,
balancers lead to what there is several of, and Prometheus gathers figures. HA starts the guests of a lost host on
another one, as far as their storage allows it.

A destroy leaves the hosts in their cluster, which Proxmox can't dissolve, with the mesh that this talks over, and says
so; all else goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi

from components.firewall_baseline import CLUSTER, FirewallBaseline, FirewallBaselineArgs
from components.ha_args import Directory, Firewall, HAServiceNetworkArgs
from components.ha_availability import HighAvailability, HighAvailabilityArgs, Machine
from components.ha_checks import problems
from components.ha_hosts import HaHosts, HaHostsArgs
from components.ha_machines import LabMachines, LabMachinesArgs
from components.ha_plan import plan
from components.ha_routers import MovingRouter, MovingRouterArgs
from components.ha_services import SharedServices, SharedServicesArgs
from components.inherited import after
from components.node_exporter import PORT as FIGURES
from providers.firewall_rules import FirewallRule
from providers.realm import Realm

APART = ("dns", "lb", "web", "k8s-control")
"""What is never on one host together, as long as there are hosts enough."""


class HAServiceNetwork(pulumi.ComponentResource):
    """The lab."""

    guests: Mapping[str, Machine]
    """By their names."""
    machines: LabMachines | None
    """The virtual machines, if there are any."""

    def __init__(self, name: str, args: HAServiceNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        for problem in problems(args):
            raise ValueError(str(problem))
        super().__init__("proxmox:components:HAServiceNetwork", name, None, opts)
        self._name, self._args, self.plan = name, args, plan(args)
        hosts = HaHosts(
            f"{name}-hosts",
            HaHostsArgs(hosts=args.hosts, network=args.network, cluster=args.cluster),
            pulumi.ResourceOptions(parent=self),
        )
        own = pulumi.ResourceOptions(parent=self, transformations=after([hosts]))
        routers = self._routers(own)
        services = SharedServices(f"{name}-services", SharedServicesArgs(lab=args, plan=self.plan), own)
        self.machines = self._machines(own)
        kept: dict[str, Machine] = {**services.guests, **(self.machines.guests if self.machines else {})}
        self.guests = {**routers, **kept}
        well = pulumi.ResourceOptions(parent=self, transformations=after([services]))
        self._availability(kept, well)
        self._directory(args.directory, own)
        self._firewall(args.firewall, own)
        self.register_outputs({"guests": list(self.guests)})

    def _routers(self, own: pulumi.ResourceOptions) -> Mapping[str, Machine]:
        args = MovingRouterArgs(lab=self._args, plan=self.plan)
        return MovingRouter(f"{self._name}-routers", args, own).guests

    def _machines(self, own: pulumi.ResourceOptions) -> LabMachines | None:
        template = self._args.template
        if template is None:
            return None
        args = LabMachinesArgs(lab=self._args, plan=self.plan, template=template)
        return LabMachines(f"{self._name}-machines", args, own)

    def _availability(self, kept: Mapping[str, Machine], opts: pulumi.ResourceOptions) -> None:
        args = HighAvailabilityArgs(
            guests=kept,
            apart={group: guests for group in APART if (guests := self.plan.of(group))},
            nodes=self.plan.hosts,
            all_nodes=list(self._args.hosts),
            storage=self._args.storage,
            connection=self._args.connection,
        )
        HighAvailability(f"{self._name}-ha", args, opts)

    def _directory(self, directory: Directory | None, own: pulumi.ResourceOptions) -> None:
        if directory is None:
            return
        Realm(
            f"{self._name}-{directory.realm}",
            own,
            connection=self._args.connection,
            realm=directory.realm,
            type="ldap",
            server1=directory.server,
            base_dn=directory.base_dn,
            user_attr=directory.user_attr,
            mode=directory.mode,
            bind_dn=directory.bind_dn,
            sync_on_change=directory.sync or None,
        )

    def _firewall(self, firewall: Firewall | None, own: pulumi.ResourceOptions) -> None:
        """One list of rules for all hosts."""
        if firewall is None:
            return
        hosts = self._args.hosts
        nodes = {node: [each for each in (host.endpoint, host.link) if each] for node, host in hosts.items()}
        args = FirewallBaselineArgs(
            management=firewall.management,
            nodes=nodes,
            rules=list(_own_rules(self._args)),
            connection=self._args.connection,
        )
        FirewallBaseline(f"{self._name}-firewall", args, own)


def _own_rules(lab: HAServiceNetworkArgs) -> Iterator[FirewallRule]:
    """What the hosts say to one another through the Internet and on the services' network, and that routers answer."""
    meshes = [lab.cluster.mesh if lab.cluster else None, lab.network.mesh]
    for mesh in meshes:
        for proto in ("tcp", "udp") if mesh else ():
            yield FirewallRule(
                type="in",
                action="ACCEPT",
                source=f"+dc/{CLUSTER}",
                proto=proto,
                dport=str(mesh.port) if mesh else None,
                comment=f"mesh {mesh.name}" if mesh else None,
            )
    inside = lab.network.cidr
    if lab.monitor.machines:
        yield FirewallRule(
            type="in", action="ACCEPT", source=inside, proto="tcp", dport=str(FIGURES), comment="figures"
        )
    yield FirewallRule(type="in", action="ACCEPT", source=inside, proto="vrrp", comment="who has the router's address")
    yield FirewallRule(type="in", action="ACCEPT", macro="Ping", source=inside, comment="guests look for the router")
