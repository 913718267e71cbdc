"""A cluster, made on its first host; the others join it as `ClusterMember`.

API: `/cluster/config`. Only root@pam may make one, logged in with its password. Nothing of a cluster can be changed by
Proxmox's API once it is made, so that any change is refused; and there is no way to dissolve one: a destroy leaves the
host as it is, in a cluster of its own, and says so. A program that declares the same cluster again takes it over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._cluster.joining import MADE_HERE, await_quorum, await_task, cluster_name, not_root
from providers._cluster.links import Link, LinkSlot, NodeName, links_of
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.markers import Immutable, ServerDefault, Slots, Wire
from providers._runtime.model import Changes, Inputs, Problem, Values, to_wire
from providers._runtime.ownership import Owner

PATH = "/cluster/config"
ID = "cluster/config"


class ClusterInputs(Inputs):
    """A cluster as declared."""

    clustername: Annotated[NodeName, Immutable(), Field(max_length=15)] = Field(description="Name of the cluster.")
    link: Annotated[dict[LinkSlot, Link] | None, Immutable(), Slots(r"link\d+")] = Field(
        default=None,
        min_length=1,
        description="The first host's address on each link of the cluster, by `link0` to `link7`; without any, the "
        "address that its name stands for.",
    )
    nodeid: Annotated[int | None, Immutable(), Field(ge=1)] = Field(
        default=None, description="Number of the first host; 1 where it is not set."
    )
    votes: Annotated[int | None, Immutable(), Field(ge=1)] = Field(
        default=None, description="Votes of the first host; 1 where it is not set."
    )
    token_coefficient: Annotated[
        int | None, Wire("token-coefficient"), Immutable(), ServerDefault(value=125), Field(ge=0)
    ] = Field(default=None, description="Milliseconds that each node adds to the time in which a lost one is noticed.")


class ClusterOutputs(ClusterInputs):
    """A cluster as it is."""

    node: str = Field(description="The host that it was made on.")


class ClusterHandler(Handler):
    """Clusters as Proxmox keeps them."""

    inputs: ClassVar = ClusterInputs
    outputs: ClassVar = ClusterOutputs
    holds_data = True
    coverage: ClassVar = Coverage(methods=("POST /cluster/config",))

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Other hosts join it."""
        return [MADE_HERE]

    def find(self, api: Api, wanted: Values) -> Found | None:
        """A host is in one cluster at the most."""
        return self.read(api, ID)

    def create(self, api: Api, wanted: Values) -> str:
        """A task; the host's API is gone for a moment while its file system starts anew."""
        node = self._local(api)
        try:
            upid: str = api.post(PATH, to_wire(self.inputs, wanted))
        except ApiRefused as refused:
            if refused.says("already exists"):
                raise AlreadyThere(refused.reason) from None
            raise
        api.created(ID)
        await_task(api, upid, f"making cluster {wanted['clustername']}")
        await_quorum(api, node)
        return ID

    def read(self, api: Api, id_: str) -> Found | None:
        """From `corosync.conf`, as far as Proxmox shows it."""
        totem: dict[str, Any] | None = api.get(f"{PATH}/totem")
        if not totem or "cluster_name" not in totem:
            return None
        node = str(api.recorded.get("node") or self._local(api))
        rows: list[dict[str, Any]] = api.get(f"{PATH}/nodes")
        row = next((row for row in rows if row["node"] == node), {})
        values: Values = {"clustername": str(totem["cluster_name"]), "node": node}
        values |= {"nodeid": int(row["nodeid"])} if "nodeid" in row else {}
        values |= {"votes": int(row["quorum_votes"])} if "quorum_votes" in row else {}
        values |= {"token_coefficient": int(totem["token_coefficient"])} if "token_coefficient" in totem else {}
        return Found(ID, {**values, "link": _with_priorities(links_of(row), totem)})

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """There is nothing that Proxmox could change."""

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Proxmox has no request for it."""
        api.warn(
            f"Proxmox can't dissolve a cluster: {values.get('node')} stays in {values.get('clustername')}, as it is; "
            f"to separate a host from its cluster, see Proxmox's chapter on the cluster manager"
        )

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What Proxmox refuses."""
        if before:
            return
        yield from not_root("connection", facts)
        there = cluster_name(facts)
        if there is not None and there != wanted.get("clustername", there):
            yield "clustername", f"the host is in cluster {there!r} already, and can't be in another one"

    def _local(self, api: Api) -> str:
        """The node that answers."""
        rows: list[dict[str, Any]] = api.get("/cluster/status")
        return next(str(row["name"]) for row in rows if row.get("local"))


def _with_priorities(links: Values, totem: dict[str, Any]) -> Values:
    """Links, with the priorities that are the cluster's."""
    interfaces: dict[str, dict[str, Any]] = totem.get("interface") or {}
    given = {f"link{number}": row.get("knet_link_priority") for number, row in interfaces.items()}
    priorities = {slot: {"priority": int(text)} for slot, text in given.items() if text}
    return {slot: {**link, **priorities.get(slot, {})} for slot, link in links.items()}


class ClusterArgs(CommonArgs):
    """Arguments of `Cluster`."""

    clustername: pulumi.Input[str]
    link: NotRequired[pulumi.Input[dict[str, pulumi.Input[Link | dict[str, str | int]]]] | None]
    nodeid: NotRequired[pulumi.Input[int] | None]
    votes: NotRequired[pulumi.Input[int] | None]
    token_coefficient: NotRequired[pulumi.Input[int] | None]


class Cluster(Resource, kind="cluster"):
    """A cluster."""

    clustername: pulumi.Output[str]
    node: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[ClusterArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
