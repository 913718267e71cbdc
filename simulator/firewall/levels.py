"""The levels of the firewall, as the API has them: path, parameters, privileges, file and lock of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.errors import ApiError
from simulator.firewall import files
from simulator.firewall.config import Firewall, lookup_in
from simulator.firewall.options import BY_ENVIRONMENT
from simulator.firewall.rules import Lookup
from simulator.routing import Call
from simulator.schema import Param, integer, string

_NODE = string(format="pve-node")
_GUEST = {"node": _NODE, "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999)}
_VNET = {"vnet": string(min_length=2, max_length=8, pattern="[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]")}
_NO_VNET = "invalid vnet specified at /usr/share/perl5/PVE/API2/Firewall/Helpers.pm line 54."


def _no_further_check(_call: Call, *, modify: bool) -> None:
    """Whoever passes the declared check may go on."""


def _check_vnet(call: Call, *, modify: bool) -> None:
    """A virtual network's firewall takes privileges on the network in its zone."""
    vnet = call.text("vnet")
    found = call.datacenter.sdn.get(f"vnets/{vnet}")
    if found is None:
        raise ApiError(_NO_VNET)
    wanted = ["SDN.Allocate"] if modify else ["SDN.Allocate", "SDN.Audit"]
    call.access.require(f"/sdn/zones/{found.options.get('zone', '')}/{vnet}", wanted, any_of=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of the firewall. Each has rules and options, cluster and guests also aliases and ipsets."""

    environment: str
    path: str
    params: Mapping[str, Param] = field(default_factory=dict)
    audit: Sequence[Any] | None = None
    modify: Sequence[Any] | None = None
    user: str | None = None
    proxyto: str | None = None
    options_proxyto: str | None = None
    file: Callable[[Call], str]
    lock: Callable[[Call], str]
    check: Callable[..., None] = _no_further_check

    @property
    def options(self) -> Mapping[str, Param]:
        """Return the options of this level."""
        return BY_ENVIRONMENT[self.environment]

    def load(self, call: Call) -> tuple[Firewall, Firewall]:
        """Return what is configured here, and in the cluster's file."""
        cluster = files.load_cluster(call.datacenter, call.now)
        if self.environment == "cluster":
            return cluster, cluster
        return files.load(call.datacenter, self.file(call), self.environment, cluster), cluster

    def lookup(self, call: Call) -> Lookup:
        """Return what finds the aliases and ipsets that a rule here may name."""
        return lookup_in(*self.load(call))

    def begin_change(self, call: Call) -> Firewall:
        """Take the lock of the file and return what is configured."""
        self.check(call, modify=True)
        call.cfs_lock(f"firewall-{self.lock(call)}")
        return self.load(call)[0]

    def save(self, call: Call, firewall: Firewall) -> None:
        """Write what is configured now."""
        files.save(call.datacenter, self.file(call), firewall, call.now)


CLUSTER = Level(
    environment="cluster",
    path="/cluster/firewall",
    audit=["perm", "/", ["Sys.Audit"]],
    modify=["perm", "/", ["Sys.Modify"]],
    file=lambda _: files.CLUSTER_PATH,
    lock=lambda _: "cluster",
)
HOST = Level(
    environment="host",
    path="/nodes/{node}/firewall",
    params={"node": _NODE},
    audit=["perm", "/nodes/{node}", ["Sys.Audit"]],
    modify=["perm", "/nodes/{node}", ["Sys.Modify"]],
    proxyto="node",
    options_proxyto="node",
    file=lambda call: files.host_path(call.node),
    lock=lambda call: f"host-{call.node}",
)


def _guest_level(environment: str, kind: str) -> Level:
    return Level(
        environment=environment,
        path=f"/nodes/{{node}}/{kind}/{{vmid}}/firewall",
        params=_GUEST,
        audit=["perm", "/vms/{vmid}", ["VM.Audit"]],
        modify=["perm", "/vms/{vmid}", ["VM.Config.Network"]],
        options_proxyto="node",
        file=lambda call: files.guest_path(call.integer("vmid")),
        lock=lambda call: f"vm-{call.integer('vmid')}",
    )


VM = _guest_level("vm", "qemu")
CT = _guest_level("ct", "lxc")
VNET = Level(
    environment="vnet",
    path="/cluster/sdn/vnets/{vnet}/firewall",
    params=_VNET,
    user="all",
    file=lambda call: files.vnet_path(call.text("vnet")),
    lock=lambda call: f"vnet-{call.text('vnet')}",
    check=_check_vnet,
)
ALL = (CLUSTER, HOST, VM, CT, VNET)
WITH_NAMES = (CLUSTER, VM, CT)
"""The levels that have aliases and ipsets."""
