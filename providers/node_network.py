"""The network of a node: a set of its interfaces, changed in one transaction, and taken back by the node if it fails.

API: `/nodes/{node}/network`, where changes are staged in `interfaces.new` and then applied together. The declared
interfaces are ordered by themselves, in whatever order they are written; all others are left alone. A card that is
declared is changed and not made; at the end it is again what it was, and the file is again the very text that it was.

A change is applied under guard: before that, the node is told over SSH to put the old file back after
`confirm_seconds`. If then everything answers again that answered before, it is told not to; if not, the node has its
old network back, whatever was cut off. A stack whose connection has no SSH applies only with `unconfirmed`.

Seen on Proxmox VE 9.2: a bridge of Open vSwitch can't name ports that are made later, they join it themselves; further
lines of an interface (`options`, and the rules of `masquerade` and `forward_only_to`) are kept by the API, but only a
hand can write them, so they go over SSH into the staged file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._network import forwarding
from providers._network.interface import Interface, named
from providers._network.plan import Declared, target, touched
from providers._network.preview import picture_of, problems, strangers
from providers._network.settings import UNSENT, Network
from providers._network.site import Site, kept_on, look, network_path
from providers._network.text import read
from providers._network.transaction import CONFIRM_SECONDS, Transaction
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Action, Immutable, Local, ServerDefault
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

_LEFT_OUT = {
    "address": "`cidr` says it",
    "netmask": "`cidr` says it",
    "address6": "`cidr6` says it",
    "netmask6": "`cidr6` says it",
    "comments6": "Proxmox reads it back as a part of `comments`",
    "regenerate-frr": "belongs to SDN, which applies its own changes",
}


class NodeNetworkInputs(Inputs):
    """The interfaces of a node as declared."""

    node: Annotated[str, Immutable()] = Field(description="The node.")
    interfaces: Annotated[dict[str, Interface], Action()] = Field(
        min_length=1, description="The interfaces that belong to the program, by name; all others are left alone."
    )
    ip_forward: Annotated[bool | None, Action(), ServerDefault(value=False)] = Field(
        default=None, description="Whether the node passes packets of IPv4 on between its networks; this takes SSH."
    )
    confirm_seconds: Annotated[int | None, Local(), Field(ge=1, le=3600)] = Field(
        default=None,
        description=f"Seconds that a change has to prove itself before the node takes it back; {CONFIRM_SECONDS} where "
        "not set.",
    )
    unconfirmed: Annotated[bool | None, Local()] = Field(
        default=None, description="Apply also where there is no SSH, so that nothing can take a change back."
    )
    changes: Annotated[str | None, Local()] = Field(
        default=None, description="Planned: what changes in the file, as a unified diff. Not to be set."
    )

    @model_validator(mode="after")
    def _names_fit_their_types(self) -> NodeNetworkInputs:
        for name, interface in self.interfaces.items():
            named(name, interface.type)
        return self


class NodeNetworkOutputs(NodeNetworkInputs):
    """The interfaces of a node as they are."""

    before: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="What those of the interfaces were that were there before the program came."
    )


class NodeNetworkHandler(Handler):
    """A node's network as Proxmox keeps it."""

    inputs: ClassVar = NodeNetworkInputs
    outputs: ClassVar = NodeNetworkOutputs
    coverage: ClassVar = Coverage(
        methods=("POST /nodes/{node}/network", "PUT /nodes/{node}/network/{iface}", "PUT /nodes/{node}/network"),
        carried={
            "iface": "interfaces",
            "delete": "(what is declared no longer)",
            **{wire: f"interfaces.{name}" for name, wire in Interface.wire_keys().items() if name not in UNSENT},
        },
        left_out=_LEFT_OUT,
    )

    def find(self, api: Api, wanted: Values) -> Found:
        """The network is always there."""
        network = look(api, wanted["node"]).network
        return Found(
            id_of(wanted["node"]), {"node": wanted["node"], "interfaces": _seen(network, wanted), "before": {}}
        )

    def create(self, api: Api, wanted: Values) -> str:
        """Take the declared interfaces over from what is there; those of a run that died are known by what it kept."""
        node, declared = wanted["node"], wanted["interfaces"]
        kept = kept_on(api.client.ssh, api.owner, node, api.deadline)
        site = look(api, node)
        there = [] if kept else strangers(site, declared)
        if there:
            raise AlreadyThere(f"{', '.join(there)} already exists on {node}")
        first = read(kept.first) if kept else site.network
        self._bring(api, site, wanted, {name: first[name] for name in touched(declared) if name in first}, {})
        return id_of(node)

    def read(self, api: Api, id_: str) -> Found | None:
        """The interfaces as they are in effect; gone where nothing is left of what the program made."""
        node = id_.split("/")[1]
        declared, before = api.recorded.get("interfaces") or {}, dict(api.recorded.get("before") or {})
        network = look(api, node).network
        made = [name for name in declared if name not in before]
        if made and not set(made) & set(network):
            return None
        values: Values = {"node": node, "interfaces": dict(network), "before": before}
        if api.recorded.get("ip_forward") is not None and api.client.ssh.reaches(node):
            values["ip_forward"] = forwarding.is_on(api, node)
        return Found(id_, values)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """From what was declared until now to what is declared."""
        node, declared = wanted["node"], wanted["interfaces"]
        owned = dict(api.recorded.get("interfaces") or {})
        site, kept = look(api, node), kept_on(api.client.ssh, api.owner, node, api.deadline)
        there = read(kept.first) if kept and not owned else site.network
        new = {name: there[name] for name in touched(declared) - touched(owned) if name in there}
        self._bring(api, site, wanted, {**new, **(api.recorded.get("before") or {})}, owned)

    def _bring(self, api: Api, site: Site, wanted: Values, first: Network, owned: Declared) -> None:
        declared = wanted["interfaces"]
        goal = target(site.network, first, owned, declared)
        names = touched(declared) | touched(owned)
        transaction(api, wanted).carry_out(site, goal, names)
        if "ip_forward" in wanted or "ip_forward" in api.recorded:
            forwarding.switch(api, wanted["node"], on=bool(wanted.get("ip_forward")))
        kept = touched(declared)
        api.recorded = {
            "interfaces": declared,
            "before": {name: first[name] for name in sorted(first) if name in kept},
            "ip_forward": wanted.get("ip_forward"),
        }

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Everything is again what it was."""
        node, owned = id_.split("/")[1], values["interfaces"]
        site = look(api, node)
        goal = target(site.network, values.get("before") or {}, owned, {})
        transaction(api, {**values, "node": node}).take_back(site, goal, touched(owned))
        if values.get("ip_forward"):
            forwarding.switch(api, node, on=False)

    def shown(self, wanted: Values, actual: Values) -> Values:
        """The declared interfaces alone; those of others are theirs."""
        seen = {**actual, "interfaces": _seen(actual.get("interfaces") or {}, wanted)}
        return super().shown(wanted, seen)

    # ------------------------------------------------------------ the preview

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests are attached to its bridges."""
        return [
            ("bridge", name)
            for name, item in (wanted.get("interfaces") or {}).items()
            if item["type"] in ("bridge", "OVSBridge")
        ]

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """Two transactions on one node would disturb each other."""
        if "node" in wanted:
            words = f"another resource of this program has the network of {wanted['node']}: declare all of it there"
            yield Claim("node", ("network", wanted["node"]), words)

    def needs(self, wanted: Values) -> list[Need]:
        """What Proxmox asks of whoever changes a network; whoever may not see a bridge is not told of it."""
        if "node" not in wanted:
            return []
        node = f"/nodes/{wanted['node']}"
        return [(node, "Sys.Modify"), (node, "Sys.Audit"), ("/sdn/zones/localnetwork/*", "SDN.Audit")]

    def plan(
        self, facts: Facts | None, owner: Owner, before: Values, wanted: Values, unknown: frozenset[str]
    ) -> Values:
        """What changes in the file."""
        picture = picture_of(facts, owner, before, wanted) if facts else None
        return {"changes": picture.changes} if picture and picture.changes else {}

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> list[Problem]:
        """What `up` would refuse."""
        picture = picture_of(facts, owner, before, wanted)
        if picture is not None:
            return list(problems(facts, picture, before, wanted))
        why = facts.no_node(wanted["node"]) if "node" in wanted else None
        return [("node", why)] if why else []

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """Large packets on the way out."""
        for name, item in (wanted.get("interfaces") or {}).items():
            if "gateway" in item and item.get("mtu", 0) > 1500:  # noqa: PLR2004 - what the Internet carries
                yield (
                    f"{name} has the default gateway and an mtu of {item['mtu']}: what is behind the gateway seldom "
                    f"takes packets above 1500"
                )


def id_of(node: str) -> str:
    """`nodes/pve1/network`."""
    return network_path(node).strip("/")


def transaction(api: Api, wanted: Values) -> Transaction:
    """The transaction of a resource."""
    seconds = float(wanted.get("confirm_seconds") or CONFIRM_SECONDS)
    return Transaction(api, wanted["node"], seconds, bool(wanted.get("unconfirmed")))


def _seen(network: Network, wanted: Values) -> Network:
    """The declared interfaces; ports that joined an Open vSwitch bridge by themselves are no change of it."""
    declared = wanted["interfaces"]
    seen = {name: dict(network[name]) for name in declared if name in network}
    for name, settings in seen.items():
        joined = {port for port, item in declared.items() if item.get("ovs_bridge") == name}
        listed = set(declared[name].get("ovs_ports") or ())
        if "ovs_ports" in settings:
            settings["ovs_ports"] = [port for port in settings["ovs_ports"] if port in listed or port not in joined]
    return seen


class NodeNetworkArgs(CommonArgs):
    """Arguments of `NodeNetwork`."""

    node: pulumi.Input[str]
    interfaces: pulumi.Input[Mapping[str, pulumi.Input[Interface | Mapping[str, Any]]]]
    ip_forward: NotRequired[pulumi.Input[bool] | None]
    confirm_seconds: NotRequired[pulumi.Input[int] | None]
    unconfirmed: NotRequired[pulumi.Input[bool] | None]
    changes: NotRequired[pulumi.Input[str] | None]


class NodeNetwork(Resource, kind="node_network"):
    """A set of interfaces of a node."""

    node: pulumi.Output[str]
    interfaces: pulumi.Output[dict[str, dict[str, Any]]]
    changes: pulumi.Output[str | None]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeNetworkArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
