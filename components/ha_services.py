"""The services that all guests of a lab share, in containers: names and addresses, balancers, their backends, figures.

What there are several of stands in for one another; the balancers have one address together if that is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.dns_dhcp import DnsDhcp, DnsDhcpArgs, DnsHost, DnsZone
from components.ha_args import Containers, HAServiceNetworkArgs
from components.ha_plan import Plan
from components.load_balancer import Balanced, LoadBalancer, LoadBalancerArgs
from components.monitoring import PORT, Monitoring, MonitoringArgs, Targets
from components.node_exporter import PORT as FIGURES
from components.node_exporter import NodeExporter, NodeExporterArgs
from components.place import Place
from components.render import web
from components.service import FILE, Daemon, ServiceFile
from components.service_container import ServiceHost, in_turn
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from components.zero_tier import DEVICE, Joining, ZeroTier, ZeroTierArgs
from providers.container import Container

BALANCED = "services"
"""What the balancers' common address is called in the lab's domain."""
SERVICES = ("dns", "lb", "web", "monitor")
"""The groups of containers."""


@dataclass(frozen=True, kw_only=True)
class SharedServicesArgs:
    """The lab, and where everything is in it."""

    lab: HAServiceNetworkArgs
    plan: Plan


class SharedServices(pulumi.ComponentResource):
    """The containers with services."""

    guests: dict[str, Container]
    """By their names."""

    def __init__(self, name: str, args: SharedServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:SharedServices", name, None, opts)
        self._name, self._lab, self._plan = name, args.lab, args.plan
        self._own = pulumi.ResourceOptions(parent=self)
        self._made: list[pulumi.Resource] = []
        names = DnsDhcp(
            f"{name}-names", DnsDhcpArgs(servers=self._hosts("dns", self._lab.dns), zone=self.zone), self._own
        )
        backends = self._web()
        balancers = self._balancers()
        monitor = self._monitor(balancers)
        self.guests = {**names.guests, **backends, **balancers.guests, "monitor": monitor.guest}
        self._made += [names, balancers, monitor]
        if self._lab.monitor.machines:
            self._made.append(self._figures())
        if self._lab.zerotier is not None:
            self._way_in(self._lab.zerotier)
        self.register_outputs({})

    @property
    def zone(self) -> DnsZone:
        """All that has an address of its own has a name, and the range leaves it out."""
        network, addresses = self._lab.network, self._plan.addresses
        known = {**addresses, **{node: host.address for node, host in self._lab.hosts.items()}}
        known |= {"router": network.vip, **({BALANCED: vip} if (vip := self._lab.balancers.vip) else {})}
        servers = set(self._plan.of("dns"))
        return DnsZone(
            domain=network.domain,
            network=network.cidr,
            first=network.dhcp[0],
            last=network.dhcp[1],
            router=network.vip,
            hosts=[DnsHost(name=name, address=address) for name, address in known.items() if name not in servers],
            lease=network.lease,
            upstream=network.upstream,
        )

    def _hosts(self, group: str, sort: Containers) -> dict[str, ServiceHost]:
        return {name: self._host(name, sort) for name in self._plan.of(group)}

    def _host(self, name: str, sort: Containers) -> ServiceHost:
        """A container that may run on any host, where its storage lets it."""
        network, plan = self._lab.network, self._plan
        servers = [plan.addresses[server] for server in plan.of("dns")]
        return ServiceHost(
            node=plan.hosts[name],
            ostemplate=self._lab.ostemplate,
            storage=self._lab.storage.name,
            bridge=network.bridge,
            address=network.interface(plan.addresses[name]),
            gateway=network.vip,
            mtu=network.mtu,
            nameserver=tuple(servers),
            cores=sort.cores,
            memory=sort.memory,
            disk=sort.disk,
            connection=self._lab.connection,
            options={"searchdomain": network.domain, "tags": ["services"], **self._device(name)},
        )

    def _device(self, name: str) -> Mapping[str, Any]:
        """What a guest needs that joins ZeroTier too."""
        return DEVICE if name in self._joining() else {}

    def _joining(self) -> list[str]:
        way_in = self._lab.zerotier
        return [name for group in way_in.services for name in self._plan.of(group)] if way_in else []

    def _way_in(self, joining: Joining) -> None:
        """When all services are there, so that no two programs are installed at once."""
        places = {name: Place(vmid=self.guests[name].vmid, connection=self._lab.connection) for name in self._joining()}
        ZeroTier(f"{self._name}-zerotier", ZeroTierArgs(joining=joining, guests=places, after=self._made), self._own)

    def _figures(self) -> NodeExporter:
        """Of the hosts, and of the containers, when all else is well in them."""
        connection = self._lab.connection
        places = {name: Place(vmid=guest.vmid, connection=connection) for name, guest in self.guests.items()}
        hosts = {node: Place(node=node, connection=host.connection) for node, host in self._lab.hosts.items()}
        args = NodeExporterArgs(places={**places, **hosts}, after=list(self._made))
        return NodeExporter(f"{self._name}-figures", args, self._own)

    def _machines(self) -> list[str]:
        """Where figures of machines are asked for."""
        own = [self._plan.addresses[name] for group in SERVICES for name in self._plan.of(group)]
        return [f"{address}:{FIGURES}" for address in (*own, *(host.address for host in self._lab.hosts.values()))]

    def _web(self) -> dict[str, Container]:
        names, port = self._plan.of("web"), self._lab.web.port
        made = in_turn(self, self._hosts("web", self._lab.web), [_web_server(name, port) for name in names])
        self._made += made.values()
        return {name: container.guest for name, container in made.items()}

    def _balancers(self) -> LoadBalancer:
        """In front of the backends, and of what Kubernetes is told by."""
        lab, hosts = self._lab, self._hosts("lb", self._lab.balancers)
        services = [Balanced(name="web", port=80, servers=self._at("web", lab.web.port), check_path="/")]
        if lab.kubernetes is not None:
            port = lab.kubernetes.port
            services.append(Balanced(name="kubernetes", port=port, mode="tcp", servers=self._at("k8s-control", port)))
        port = lab.balancers.metrics_port
        args = LoadBalancerArgs(hosts=hosts, services=services, metrics_port=port)
        made = LoadBalancer(f"{self._name}-balancers", args, self._own)
        if lab.balancers.vip is not None:
            self._shared_address(lab.balancers.vip, made)
        return made

    def _shared_address(self, vip: str, balancers: LoadBalancer) -> None:
        members = [
            VirtualIpMember(
                name=name, vmid=guest.vmid, address=self._plan.addresses[name], connection=self._lab.connection
            )
            for name, guest in balancers.guests.items()
        ]
        number = self._lab.balancers.virtual_router_id
        shared = VirtualIp(
            f"VI_{number}",
            VirtualIpArgs(
                members=members,
                address=self._lab.network.interface(vip),
                virtual_router_id=number,
                vrrp_version=self._lab.routers.vrrp_version,
                after=[balancers],
            ),
            self._own,
        )
        self._made.append(shared)

    def _at(self, group: str, port: int) -> Mapping[str, str]:
        return {name: f"{self._plan.addresses[name]}:{port}" for name in self._plan.of(group)}

    def _monitor(self, balancers: LoadBalancer) -> Monitoring:
        """It asks the balancers, who in turn look after what they balance."""
        host = self._host("monitor", self._lab.monitor)
        jobs = {"balancers": Targets(targets=balancers.metrics)}
        if self._lab.monitor.machines:
            jobs["machines"] = Targets(targets=list(self._machines()))
        args = MonitoringArgs(host=host, jobs=jobs, scrape_interval=self._lab.monitor.scrape_interval)
        return Monitoring("monitor", args, self._own)


def endpoints(lab: HAServiceNetworkArgs, plan: Plan) -> dict[str, str]:
    """Where the services are asked for, by their names."""
    web_at = [lab.balancers.vip] if lab.balancers.vip else [plan.addresses[name] for name in plan.of("lb")]
    found = {"web" if place == 1 else f"web-{place}": f"http://{address}/" for place, address in enumerate(web_at, 1)}
    found["prometheus"] = f"http://{plan.addresses['monitor']}:{PORT}"
    if lab.kubernetes is not None:
        found["kubernetes"] = f"https://{web_at[0]}:{lab.kubernetes.port}"
    some_name = f"router.{lab.network.domain}"
    return {**found, **{name: f"dns://{plan.addresses[name]}/{some_name}" for name in plan.of("dns")}}


def _web_server(name: str, port: int) -> Daemon:
    return Daemon(
        unit="nginx",
        packages=["nginx"],
        config=ServiceFile(path="/etc/nginx/nginx.conf", content=web.config(name, port)),
        check=["nginx", "-t", "-q", "-c", FILE],
    )
