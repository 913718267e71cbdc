"""An IP set of the firewall: addresses, networks and aliases that rules name together, as `+blocked`.

API: `…/firewall/ipset` of the cluster or of a guest. The entries are owned whole, and changed one by one. Rules say
`+dc/blocked` or `+guest/blocked` where both have a set by that name. Some names mean something to Proxmox:
`management` (who may reach the nodes), `blacklist`, and a guest's `ipfilter-net0`. Proxmox removes a set that rules
still name without a word, but refuses to remove one that is not empty: entries that somebody has put in since the last
refresh keep the set there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._firewall.declared import with_ip_set
from providers._firewall.formats import Comment, FirewallName, SetEntry
from providers._firewall.lockout import LockoutArgs, LockoutInputs, lockout_problems, refuse_lockout
from providers._firewall.named import NamedHandler
from providers._firewall.names import name_problems
from providers._firewall.scope import GuestScopeArgs, GuestScopeInputs, Scope
from providers._runtime.api import Api, quoted
from providers._runtime.bridge import Resource
from providers._runtime.coverage import Coverage
from providers._runtime.facts import Facts
from providers._runtime.handler import Found
from providers._runtime.markers import Action, Carrier, Immutable, ServerDefault
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner, marked, owner_in, unmarked
from providers._runtime.wire import Part, to_text


class IpSetEntry(Part):
    """One address, network or alias of a set."""

    nomatch: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it is an exception: it is not in the set, although a larger network is."
    )
    comment: Comment | None = Field(default=None, description="What it is.")


class IpSetInputs(GuestScopeInputs, LockoutInputs):
    """An IP set as declared."""

    name: Annotated[FirewallName, Immutable()] = Field(description="Name of the set.")
    comment: Annotated[Comment | None, Carrier()] = Field(default=None, description="What the set is for.")
    entries: Annotated[dict[SetEntry, IpSetEntry], Action()] = Field(
        description="What is in it: an address, a network, or an alias (`dc/office`, `guest/office`) each."
    )


class IpSetOutputs(IpSetInputs):
    """An IP set as it is."""


class IpSetHandler(NamedHandler):
    """IP sets as Proxmox keeps them."""

    inputs: ClassVar = IpSetInputs
    outputs: ClassVar = IpSetOutputs
    name_kind = "ipset"
    collection = "ipset"
    coverage: ClassVar = Coverage(
        methods=(
            "POST /cluster/firewall/ipset",
            "POST /cluster/firewall/ipset/{name}",
            "PUT /cluster/firewall/ipset/{name}/{cidr}",
            "POST /nodes/{node}/qemu/{vmid}/firewall/ipset",
        ),
        carried={"cidr": "entries (the key of each one)", "nomatch": "entries (of each one)"},
        left_out={
            "digest": "an entry is addressed by itself, so nobody else's change is overwritten",
            "node": "a guest is looked for, wherever it is",
            "rename": "another name is another set: rules go by it",
        },
    )

    def create(self, api: Api, wanted: Values) -> str:
        """The set, and then its entries."""
        id_ = self.make(api, wanted, {"comment": marked(wanted.get("comment"), api.owner)})
        api.created(id_)
        place = self.place(api, Scope.of(wanted), wanted["name"])
        for cidr, entry in wanted["entries"].items():
            api.post(place, {"cidr": cidr, **_parameters(entry)})
        return id_

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Proxmox changes a comment by renaming the set to its own name."""
        scope, name = Scope.of(wanted), wanted["name"]
        if "comment" in todo.names() or found.owner != api.owner:
            comment = None if "comment" in todo.cleared else wanted.get("comment", found.values.get("comment"))
            self.make(api, wanted, {"rename": name, "comment": marked(comment, api.owner)})
        place = self.place(api, scope, name)
        for cidr, entry in todo.set.get("entries", {}).items():
            if cidr in found.values["entries"]:
                api.put(f"{place}/{quoted(cidr)}", _parameters(entry))
            else:
                api.post(place, {"cidr": cidr, **_parameters(entry)})
        for cidr in todo.dropped.get("entries", ()):
            api.delete(f"{place}/{quoted(cidr)}")

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """With its entries, unless somebody else's are among them."""
        found = self.read(api, id_)
        if found is None:
            return
        scope, name = Scope.of_id(id_), self.name_of(id_)
        refuse_lockout(api, values, with_ip_set(scope, name, {}))
        place = self.place(api, scope, name)
        ours, there = set(values.get("entries", ())), set(found.values["entries"])
        if there <= ours:
            api.delete(place, {"force": "1"})
            return
        for cidr in sorted(ours & there):
            api.delete(f"{place}/{quoted(cidr)}")
        api.delete(place)

    def look(self, api: Api, scope: Scope, name: str) -> Found | None:
        """Its comment is in the list of all sets."""
        path = scope.path_if_there(api)
        rows: list[Values] = api.get(f"{path}/{self.collection}") if path else []
        row = next((row for row in rows if row["name"] == name), None)
        if row is None:
            return None
        entries = {str(entry["cidr"]): _entry(entry) for entry in api.get(self.place(api, scope, name))}
        comment = unmarked(row.get("comment"))
        values = {**scope.values, "name": name, "entries": entries, **({"comment": comment} if comment else {})}
        return Found(self.id_of(scope, name), values, owner_in(row.get("comment")), row)

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The guest is there, and so are the aliases that it names."""
        scope = Scope.of(wanted)
        yield from scope.problems(facts)
        for cidr in wanted.get("entries", ()):
            yield from name_problems(facts, scope, f"entries.{cidr}", cidr)
        if "name" in wanted and "entries" in wanted:
            change = with_ip_set(scope, wanted["name"], wanted["entries"])
            yield from lockout_problems(facts, owner, "entries", wanted, change)


def _entry(row: Mapping[str, Any]) -> Values:
    """An entry as Proxmox lists it."""
    texts = {key: to_text(row[key]) for key in IpSetEntry.wire_keys().values() if row.get(key) not in (None, "")}
    return IpSetEntry.from_keys(texts)


def _parameters(entry: Values) -> dict[str, str]:
    return {key: to_text(value) for key, value in entry.items()}


class IpSetArgs(GuestScopeArgs, LockoutArgs):
    """Arguments of `IpSet`."""

    name: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]
    entries: pulumi.Input[Mapping[str, pulumi.Input[IpSetEntry | dict[str, bool | str]]]]


class IpSet(Resource, kind="ip_set"):
    """An IP set of the firewall."""

    name: pulumi.Output[str]
    entries: pulumi.Output[dict[str, dict[str, Any]]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[IpSetArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
