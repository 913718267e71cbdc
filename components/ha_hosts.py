"""Hosts that become a cluster, and a network that guests are in whichever of them they are on.

Where the hosts share no cable, a mesh of tinc carries what corosync says, so it is there before the cluster is; and a
second one, apart from it, joins the hosts' bridges. Each host is set up by its own connection.

A cluster can't be dissolved, and Proxmox lets no node go that is up: a destroy leaves the hosts in it, with the mesh by
which they talk, and says so. What else is made on them goes.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.ha_args import Cluster, ClusterMesh, Host, ServiceMesh, ServiceNetwork
from components.inherited import after, lasting
from components.router import InnerBridge, Outside, Router, RouterArgs
from components.vpn_mesh import Member, Net, VpnMesh, VpnMeshArgs
from providers.cluster import Cluster as ProxmoxCluster
from providers.cluster_member import ClusterMember


@dataclass(frozen=True, kw_only=True)
class HaHostsArgs:
    """The hosts, and what they have in common."""

    hosts: Mapping[str, Host]
    network: ServiceNetwork
    cluster: Cluster | None = None


class HaHosts(pulumi.ComponentResource):
    """Hosts of one cluster with one network for guests."""

    def __init__(self, name: str, args: HaHostsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("proxmox:components:HaHosts", name, None, opts)
        self._name, self._args = name, args
        self._connection = next(iter(args.hosts.values())).connection
        cables = self._cluster_mesh(args.cluster.mesh) if args.cluster and args.cluster.mesh else []
        members = self._form(args.cluster, cables) if args.cluster else []
        before: list[pulumi.Resource] = members
        for node, host in args.hosts.items():
            before = [*members, self._router(node, host, before)]
        if args.network.mesh:
            self._service_mesh(args.network.mesh, [*cables, *before])
        self.register_outputs({})

    def _cluster_mesh(self, mesh: ClusterMesh) -> list[pulumi.Resource]:
        """The hosts' addresses in it are the cluster's links, so it stays as long as that does."""
        length = ipaddress.ip_network(mesh.network).prefixlen
        members = {
            node: Member(endpoint=host.endpoint, address=f"{host.link}/{length}", node=node, connection=host.connection)
            for node, host in self._args.hosts.items()
        }
        net = Net(name=mesh.name, port=mesh.port)
        args = VpnMeshArgs(net=net, members=members, connection=self._connection)
        stays = pulumi.ResourceOptions(parent=self, transformations=lasting())
        return [VpnMesh(f"{self._name}-{mesh.name}", args, stays)]

    def _service_mesh(self, mesh: ServiceMesh, after_: list[pulumi.Resource]) -> None:
        """The hosts' bridges are one, so that a guest is in the same network on each of them."""
        network = self._args.network
        members = {
            node: Member(endpoint=host.endpoint, bridge=network.bridge, node=node, connection=host.connection)
            for node, host in self._args.hosts.items()
        }
        net = Net(name=mesh.name, port=mesh.port, mtu=network.mtu)
        args = VpnMeshArgs(net=net, members=members, connection=self._connection, after=after_)
        VpnMesh(f"{self._name}-{mesh.name}", args, pulumi.ResourceOptions(parent=self))

    def _form(self, cluster: Cluster, cables: list[pulumi.Resource]) -> list[pulumi.Resource]:
        """The first host makes it, and the others join; a destroy leaves it as it is."""
        (first, founder), *others = self._args.hosts.items()
        made: list[pulumi.Resource] = [
            ProxmoxCluster(
                f"{self._name}-{first}-cluster",
                pulumi.ResourceOptions(parent=self, depends_on=cables),
                connection=self._connection,
                clustername=cluster.name,
                link=_links(founder),
            )
        ]
        for node, host in others:
            stays = pulumi.ResourceOptions(parent=self, depends_on=made[:], retain_on_delete=True)
            made.append(
                ClusterMember(
                    f"{self._name}-{node}-member",
                    stays,
                    connection=self._connection,
                    joining=host.connection,
                    node=node,
                    link=_links(host),
                )
            )
        return made

    def _router(self, node: str, host: Host, before: list[pulumi.Resource]) -> Router:
        """One host after the other, so that a mistake stops at the first."""
        network = self._args.network
        return Router(
            f"{self._name}-{node}",
            RouterArgs(
                node=node,
                bridge=InnerBridge(name=network.bridge, ports=network.ports, mtu=network.mtu, comments="services"),
                outside=Outside(name=host.outside, type=host.outside_type),
                inside={network.bridge: network.network},
                addresses={network.bridge: host.address},
                options={"connection": self._connection, "adopt": "if-exists"},
            ),
            pulumi.ResourceOptions(parent=self, transformations=after(before)),
        )


def _links(host: Host) -> dict[str, Any] | None:
    return {"link0": {"address": host.link}} if host.link else None
