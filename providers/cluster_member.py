"""A host that joins a cluster, by a connection of its own.

API: `/cluster/config/join` on the host, `/cluster/config/nodes` on the cluster. `connection` is the cluster's,
`joining` the host's; both have to log in as root@pam with its password, which a join takes from the cluster's
connection. A host that joins gives up its own `/etc/pve` (users, tokens, storages) and gets another certificate: a
fingerprint that its connection pins is good no longer, and from then on it is managed by the cluster's connection.
Hosts join one after the other, each when the cluster has quorum with the one before.

Nothing of a member can be changed by Proxmox's API. A destroy puts the node out of the cluster; it is refused while the
node has guests or is up, as one that comes back with its old configuration can break the cluster. The others need
quorum for it, so that the last of two can't be put out this way. What the node had in `/etc/pve/nodes` stays, and
before it is used again it has to be installed anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._cluster import joining
from providers._cluster.links import Link, LinkSlot, NodeName, links_of
from providers._runtime.api import Api, quoted
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import (
    AlreadyThere,
    ApiRefused,
    ConfigProblem,
    DataAtRisk,
    InvalidValue,
    Missing,
)
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Action, Immutable, Local, Slots
from providers._runtime.model import Changes, Inputs, Problem, Values, to_wire
from providers._runtime.ownership import Owner

NODES = "/cluster/config/nodes"
JOIN = "/cluster/config/join"
UNKNOWN = r"is not a known host of the cluster"


class ClusterMemberInputs(Inputs):
    """A member as declared."""

    node: Annotated[NodeName, Action(), Immutable()] = Field(description="Name of the host that joins.")
    joining: Annotated[str, Local()] = Field(description="Name of the host's own connection.")
    link: Annotated[dict[LinkSlot, Link] | None, Immutable(), Slots(r"link\d+")] = Field(
        default=None,
        min_length=1,
        description="Its address on each link that the cluster has; without any, the address that its name stands for.",
    )
    nodeid: Annotated[int | None, Immutable(), Field(ge=1)] = Field(
        default=None, description="Its number; the next free one where it is not set."
    )
    votes: Annotated[int | None, Immutable(), Field(ge=0)] = Field(
        default=None, description="Its votes; 1 where it is not set."
    )

    @model_validator(mode="after")
    def _priorities_are_the_clusters(self) -> ClusterMemberInputs:
        if any(link.priority is not None for link in (self.link or {}).values()):
            raise InvalidValue("link: the priority of a link is said where the cluster is made")
        return self


class ClusterMemberOutputs(ClusterMemberInputs):
    """A member as it is."""


class ClusterMemberHandler(Handler):
    """Members as the cluster's configuration names them."""

    inputs: ClassVar = ClusterMemberInputs
    outputs: ClassVar = ClusterMemberOutputs
    holds_data = True
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/config/join",),
        left_out={
            "fingerprint": "the cluster tells it",
            "force": "it would let a host join that has guests or is in a cluster",
            "hostname": "the cluster tells it",
            "password": "the one of the cluster's connection",
        },
    )

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Others may be on it."""
        return [("node", wanted["node"])] if "node" in wanted else []

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its name."""
        return self.read(api, self._id(wanted))

    def create(self, api: Api, wanted: Values) -> str:
        """One after the other; the host asks a member to take it in, and becomes what the cluster is."""
        node, joiner = wanted["node"], api.on(wanted["joining"])
        with joining.turn(api.client.name):
            if self.find(api, wanted) is not None:
                raise AlreadyThere(f"node {node} already exists in the cluster")
            member = _preferred(api)
            parameters = {
                **to_wire(self.inputs, wanted),
                "hostname": str(member["pve_addr"]),
                "fingerprint": str(member["pve_fp"]),
                "password": joining.password(api.client.connection),
            }
            upid: str = joiner.post(JOIN, parameters)
            api.created(self._id(wanted))
            joining.await_task(joiner, upid, f"joining of {node}")
            joining.await_quorum(api, node)
            joiner.facts.forget()
        return self._id(wanted)

    def read(self, api: Api, id_: str) -> Found | None:
        """As the cluster's configuration has it."""
        rows: list[dict[str, Any]] = api.get(NODES)
        row = next((row for row in rows if self._id({"node": row["node"]}) == id_), None)
        if row is None:
            return None
        votes = {"votes": int(row["quorum_votes"])} if "quorum_votes" in row else {}
        return Found(id_, {"node": row["node"], "nodeid": int(row["nodeid"]), "link": links_of(row), **votes})

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """There is nothing that Proxmox could change."""

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Put it out of the cluster, if that is safe."""
        node = values["node"]
        guests = sorted(int(row["vmid"]) for row in api.facts.of_type("qemu", "lxc") if row.get("node") == node)
        if guests:
            raise DataAtRisk(f"node {node} has guests ({', '.join(map(str, guests))}): move or remove them first")
        if any(row["name"] == node and row.get("online") for row in api.get("/cluster/status")):
            raise DataAtRisk(
                f"node {node} is up: power it off for good before it is put out of its cluster, and install it anew "
                f"before it is used again; to leave it where it is, `pulumi state delete` forgets this resource"
            )
        try:
            api.delete(f"{NODES}/{quoted(node)}")
        except ApiRefused as refused:
            if not refused.says(UNKNOWN):
                raise
        api.facts.forget()

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What Proxmox refuses, or finds out only in the middle of a join."""
        if before or not {"node", "joining"} <= set(wanted):
            return
        try:
            joiner = facts.elsewhere(wanted["joining"])
        except ConfigProblem as problem:
            yield "joining", str(problem)
            return
        known = {str(row["node"]) for row in facts.look(NODES) or ()}
        if wanted["node"] not in known or joining.cluster_name(joiner) != joining.cluster_name(facts):
            yield from joining.problems(facts, joiner, wanted)

    @staticmethod
    def _id(wanted: Values) -> str:
        return f"cluster/config/nodes/{wanted['node']}"


def _preferred(api: Api) -> dict[str, Any]:
    """The member to ask, with its address and the fingerprint of its certificate."""
    info: dict[str, Any] = api.get(JOIN)
    for row in info["nodelist"]:
        if row["name"] == info["preferred_node"]:
            return dict(row)
    raise Missing(f"the cluster does not say how {info['preferred_node']} is reached")


class ClusterMemberArgs(CommonArgs):
    """Arguments of `ClusterMember`."""

    node: pulumi.Input[str]
    joining: pulumi.Input[str]
    link: NotRequired[pulumi.Input[dict[str, pulumi.Input[Link | dict[str, str | int]]]] | None]
    nodeid: NotRequired[pulumi.Input[int] | None]
    votes: NotRequired[pulumi.Input[int] | None]


class ClusterMember(Resource, kind="cluster_member"):
    """A host of a cluster that has joined it."""

    node: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ClusterMemberArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
