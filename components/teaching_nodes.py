"""The nodes of a cluster for teaching, as they are before anybody has a guest there.

Each has its networks; those that are in no cluster yet join one, over the network for management. Then come what holds
for all of them: storages, name servers, and at the end the firewall. A cluster can't be dissolved, so that a destroy
leaves the nodes in it.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.firewall_baseline import FirewallBaseline
from components.node_networks import NodeNetworks
from components.teaching_args import Formation, LabStorage, TeachingClusterArgs
from components.teaching_parts import firewall, node_networks
from providers.cluster import Cluster
from providers.cluster_member import ClusterMember
from providers.node_dns import NodeDns
from providers.storage import Storage


class TeachingNodes:
    """Networks, cluster, storages, name servers and firewall of nodes: a part of `TeachingCluster`."""

    ready: list[pulumi.Resource]
    """What guests have to wait for."""

    def __init__(self, name: str, args: TeachingClusterArgs, parent: pulumi.Resource) -> None:
        self._name, self._args, self._parent = name, args, parent
        networks = NodeNetworks(f"{name}-network", node_networks(args), self._after())
        members: list[pulumi.Resource] = self._form(args.cluster, networks) if args.cluster else [networks]
        for node in args.nodes if args.dns else ():
            self._dns(node, members)
        baseline = firewall(args)
        if baseline is not None:
            FirewallBaseline(f"{name}-firewall", baseline, self._after(*members))
        storages = [self._storage(storage, each, members) for storage, each in args.all_storages.items()]
        self.ready = [*members, *storages]

    def _after(self, *others: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self._parent, depends_on=list(others))

    def _form(self, cluster: Formation, networks: NodeNetworks) -> list[pulumi.Resource]:
        """One node makes it, and the others join one after the other."""
        founder = Cluster(
            f"{self._name}-cluster",
            self._after(networks),
            connection=self._args.connection,
            clustername=cluster.name,
            link=self._link(self._args.founder),
        )
        made: list[pulumi.Resource] = [founder]
        for node in sorted(cluster.joining):
            stays = pulumi.ResourceOptions(parent=self._parent, depends_on=made[:], retain_on_delete=True)
            made.append(
                ClusterMember(
                    f"{self._name}-{node}-member",
                    stays,
                    connection=self._args.connection,
                    joining=cluster.joining[node],
                    node=node,
                    link=self._link(node),
                )
            )
        return made

    def _link(self, node: str) -> dict[str, Any]:
        """The only link, in the network for management."""
        return {"link0": {"address": self._args.nodes[node].addresses[self._args.network_of["management"]]}}

    def _storage(self, storage: str, of: LabStorage, members: list[pulumi.Resource]) -> Storage:
        """What the installer has made must be there, and stays when the lab goes."""
        opts = pulumi.ResourceOptions(parent=self._parent, depends_on=members, retain_on_delete=of.installed)
        how: dict[str, Any] = {"content": list(of.content), "connection": self._args.connection, **of.options}
        adopt = "required" if of.installed else "never"
        return Storage(f"{self._name}-{storage}", opts, storage=storage, type=of.type, adopt=adopt, **how)

    def _dns(self, node: str, members: list[pulumi.Resource]) -> None:
        assert self._args.dns is not None  # noqa: S101 - told to mypy; the caller has looked
        servers = {f"dns{number}": server for number, server in enumerate(self._args.dns.servers, 1)}
        how: dict[str, Any] = {"search": self._args.dns.search, "connection": self._args.connection, **servers}
        NodeDns(f"{self._name}-{node}-dns", self._after(*members), node=node, adopt="if-exists", **how)
