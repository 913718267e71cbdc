"""An alias of the firewall: a name for an address or a network, which rules and IP sets can use.

API: `…/firewall/aliases` of the cluster or of a guest. Rules say `dc/office` or `guest/office` where both have one by
that name. Names count without regard to case. Proxmox removes an alias that rules still use without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field

from providers._firewall.declared import with_alias
from providers._firewall.formats import Cidr, Comment, FirewallName
from providers._firewall.lockout import LockoutArgs, LockoutInputs, lockout_problems
from providers._firewall.named import NamedHandler
from providers._firewall.scope import GuestScopeArgs, GuestScopeInputs, Scope
from providers._runtime.api import Api
from providers._runtime.bridge import Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import ApiRefused
from providers._runtime.facts import Facts
from providers._runtime.handler import Found
from providers._runtime.markers import Carrier, Immutable
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner, marked, owner_in, unmarked

MISSING = "no such alias"


class FirewallAliasInputs(GuestScopeInputs, LockoutInputs):
    """An alias as declared."""

    name: Annotated[FirewallName, Immutable()] = Field(description="Name of the alias.")
    cidr: Cidr = Field(description="The address or network that it stands for.")
    comment: Annotated[Comment | None, Carrier()] = Field(default=None, description="What it is.")


class FirewallAliasOutputs(FirewallAliasInputs):
    """An alias as it is."""


class FirewallAliasHandler(NamedHandler):
    """Aliases as Proxmox keeps them."""

    inputs: ClassVar = FirewallAliasInputs
    outputs: ClassVar = FirewallAliasOutputs
    name_kind = "alias"
    collection = "aliases"
    coverage: ClassVar = Coverage(
        methods=(
            "POST /cluster/firewall/aliases",
            "PUT /cluster/firewall/aliases/{name}",
            "POST /nodes/{node}/qemu/{vmid}/firewall/aliases",
        ),
        left_out={
            "digest": "Proxmox does not tell the one of a single alias",
            "node": "a guest is looked for, wherever it is",
            "rename": "another name is another alias: rules go by it",
        },
    )

    def create(self, api: Api, wanted: Values) -> str:
        """One POST."""
        return self.make(api, wanted, _parameters(api, wanted))

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Proxmox replaces the whole alias: a comment that is not declared is sent along as it is."""
        if todo or found.owner != api.owner:
            kept = {name: value for name, value in found.values.items() if name not in todo.cleared}
            api.put(self.place(api, Scope.of(wanted), wanted["name"]), _parameters(api, {**kept, **wanted}))

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Proxmox takes the removal of one that is gone without a word."""
        scope = Scope.of_id(id_)
        if scope.path_if_there(api) is not None:
            api.delete(self.place(api, scope, self.name_of(id_)))

    def look(self, api: Api, scope: Scope, name: str) -> Found | None:
        """One GET."""
        if scope.path_if_there(api) is None:
            return None
        try:
            raw: Values = api.get(self.place(api, scope, name))
        except ApiRefused as refused:
            if refused.says(MISSING):
                return None
            raise
        comment = unmarked(raw.get("comment"))
        values = {**scope.values, "name": name, "cidr": raw["cidr"], **({"comment": comment} if comment else {})}
        return Found(self.id_of(scope, name), values, owner_in(raw.get("comment")), raw)

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """The guest is there."""
        scope = Scope.of(wanted)
        yield from scope.problems(facts)
        if "name" in wanted and "cidr" in wanted:
            change = with_alias(scope, wanted["name"], wanted["cidr"])
            yield from lockout_problems(facts, owner, "cidr", wanted, change)


def _parameters(api: Api, values: Values) -> dict[str, str]:
    return {"cidr": values["cidr"], "comment": marked(values.get("comment"), api.owner)}


class FirewallAliasArgs(GuestScopeArgs, LockoutArgs):
    """Arguments of `FirewallAlias`."""

    name: pulumi.Input[str]
    cidr: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]


class FirewallAlias(Resource, kind="firewall_alias"):
    """An alias of the firewall."""

    name: pulumi.Output[str]
    cidr: pulumi.Output[str]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[FirewallAliasArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
