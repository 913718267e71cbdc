"""Names that a node knows by itself: a block of its `/etc/hosts`.

API: `/nodes/{node}/hosts`, the whole text with its digest. Only the block between the marks of the resource is the
program's, so any number of stacks can have one, and what others write is left alone.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Unpack

import pulumi
from pydantic import AfterValidator, Field

from providers._nodes.hosts_block import Names, names_in, others_in, with_names, without
from providers._nodes.setting import node_problems
from providers._runtime import retry
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere, ApiRefused, InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import Found, Handler
from providers._runtime.lifecycle import NEIGHBOUR_CHANGED
from providers._runtime.markers import Action, Immutable
from providers._runtime.model import Changes, Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]


def _addresses(entries: dict[str, list[str]]) -> dict[str, list[str]]:
    """Addresses in their one form, each once."""
    found: dict[str, list[str]] = {}
    for text, names in entries.items():
        address = str(ipaddress.ip_address(text))
        if address in found:
            raise InvalidValue(f"{address} is there twice")
        found[address] = names
    return dict(sorted(found.items()))


class NodeHostsInputs(Inputs):
    """Names as declared."""

    node: Annotated[str, Immutable()] = Field(description="The node.")
    entries: Annotated[
        dict[str, Annotated[list[Name], Field(min_length=1)]], Action(), AfterValidator(_addresses)
    ] = Field(min_length=1, description="Address and the names that it has, the first of them its own.")  # fmt: skip


class NodeHostsOutputs(NodeHostsInputs):
    """Names as they are."""


class NodeHostsHandler(Handler):
    """A block of a node's file of hosts."""

    inputs: ClassVar = NodeHostsInputs
    outputs: ClassVar = NodeHostsOutputs
    coverage: ClassVar = Coverage(
        methods=("POST /nodes/{node}/hosts",), carried={"data": "entries", "digest": "(always sent)"}
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """By its marks."""
        return self.read(api, id_of(wanted["node"]))

    def create(self, api: Api, wanted: Values) -> str:
        """Write the block."""
        if self.find(api, wanted) is not None:
            raise AlreadyThere(f"its block already exists in the hosts of {wanted['node']}")
        _rewrite(api, wanted["node"], lambda text: with_names(text, api.owner, wanted["entries"]))
        return id_of(wanted["node"])

    def read(self, api: Api, id_: str) -> Found | None:
        """The names in the block."""
        node = id_.split("/")[1]
        names = names_in(str(api.get(_path(node))["data"]), api.owner)
        return None if names is None else Found(id_, {"node": node, "entries": _sorted(names)}, api.owner)

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Write the block anew."""
        if todo:
            _rewrite(api, wanted["node"], lambda text: with_names(text, api.owner, wanted["entries"]))

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Take the block out."""
        _rewrite(api, id_.split("/")[1], lambda text: without(text, api.owner))

    def needs(self, wanted: Values) -> list[Need]:
        """Proxmox asks for more to read the file than to write it."""
        return [("/", "Sys.Audit"), (f"/nodes/{wanted['node']}", "Sys.Modify")] if "node" in wanted else []

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> list[Problem]:
        """The node has to be there."""
        return node_problems(facts, wanted)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """A name that has another address already: the first line counts."""
        answer = facts.look(_path(wanted["node"])) if {"node", "entries"} <= wanted.keys() else None
        others = others_in(str(answer["data"]), owner) if answer else {}
        taken = {name: address for address, names in others.items() for name in names}
        for address, names in wanted.get("entries", {}).items():
            for name in names:
                if taken.get(name, address) != address:
                    yield f"{name} is {taken[name]} in the hosts of {wanted['node']} already, and that line counts"


def id_of(node: str) -> str:
    """`nodes/pve1/hosts`."""
    return f"nodes/{node}/hosts"


def _path(node: str) -> str:
    return f"/nodes/{node}/hosts"


def _sorted(names: Names) -> Names:
    return dict(sorted(names.items()))


def _rewrite(api: Api, node: str, change: Callable[[str], str]) -> None:
    """Write the changed text; again from the text that is there now where somebody has just written another."""
    for attempt in range(retry.ATTEMPTS):
        answer: Mapping[str, Any] = api.get(_path(node))
        text = change(str(answer["data"]))
        if text == answer["data"]:
            return
        try:
            api.post(_path(node), {"data": text, "digest": answer["digest"]})
        except ApiRefused as refused:
            if attempt == retry.ATTEMPTS - 1 or not refused.says(NEIGHBOUR_CHANGED):
                raise
            time.sleep(retry.pause(attempt))
        else:
            return


class NodeHostsArgs(CommonArgs):
    """Arguments of `NodeHosts`."""

    node: pulumi.Input[str]
    entries: pulumi.Input[Mapping[str, pulumi.Input[list[pulumi.Input[str]]]]]


class NodeHosts(Resource, kind="node_hosts"):
    """Names that a node knows by itself."""

    node: pulumi.Output[str]
    entries: pulumi.Output[dict[str, list[str]]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[NodeHostsArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
