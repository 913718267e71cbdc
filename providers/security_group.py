"""A security group: a list of rules that the rules of a cluster, a node or a guest insert by its name.

API: `/cluster/firewall/groups`. The group is owned whole: rules that somebody else puts in are drift, and are taken
out again. Proxmox removes a group that rules still name without a word, but refuses to remove one that is not empty:
rules that somebody has put in since the last refresh keep the group there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._firewall import rule_list
from providers._firewall.declared import with_group
from providers._firewall.formats import Comment, GroupName
from providers._firewall.lockout import LockoutArgs, LockoutInputs, lockout_doubts, lockout_problems, refuse_lockout
from providers._firewall.names import GROUP, rule_problems
from providers._firewall.rule import CARRIED, FirewallRule, check_rules
from providers._firewall.rule_list import contents, identity, rows_at, told_edits
from providers._firewall.scope import Scope
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Action, Carrier, Immutable
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner, owner_in, unmarked
from providers._runtime.privileges import Need

__all__ = ["FirewallRule", "SecurityGroup"]


class SecurityGroupInputs(LockoutInputs):
    """A security group as declared."""

    group: Annotated[GroupName, Immutable()] = Field(description="Name of the group, of 18 characters at most.")
    comment: Annotated[Comment | None, Carrier()] = Field(default=None, description="What the group is for.")
    rules: Annotated[list[FirewallRule], Action()] = Field(description="Its rules in their order.")

    @model_validator(mode="after")
    def _rules_stand_there(self) -> SecurityGroupInputs:
        check_rules(self.rules, "group")
        return self


class SecurityGroupOutputs(SecurityGroupInputs):
    """A security group as it is."""


class SecurityGroupHandler(ConfigObject):
    """Security groups as Proxmox keeps them."""

    inputs: ClassVar = SecurityGroupInputs
    outputs: ClassVar = SecurityGroupOutputs
    path = "/cluster/firewall/groups"
    key = "group"
    missing = "no such security group"
    coverage: ClassVar = Coverage(
        methods=(
            "POST /cluster/firewall/groups",
            "POST /cluster/firewall/groups/{group}",
            "PUT /cluster/firewall/groups/{group}/{pos}",
        ),
        carried={name: field for name, field in CARRIED.items() if name != "comment"},
        left_out={
            "digest": "sent with every change of a rule, so that a neighbour's is not overwritten",
            "rename": "another name is another group: rules go by it",
        },
    )

    def create(self, api: Api, wanted: Values) -> str:
        """The group, and then its rules: no rule names it yet."""
        id_ = super().create(api, wanted)
        api.created(id_)
        rule_list.bring_to(api, self.object_path(wanted["group"]), [], wanted["rules"])
        return id_

    def read(self, api: Api, id_: str) -> Found | None:
        """Its comment is in the list of all groups."""
        name = self.name_of(id_)
        row = next((row for row in api.get(self.path) if row["group"] == name), None)
        if row is None:
            return None
        rows = rows_at(api, self.object_path(name))
        values: Values = {"group": name, "rules": contents(rows), "comment": unmarked(row.get("comment"))}
        known = {field: value for field, value in values.items() if value is not None}
        return Found(id_, known, owner_in(row.get("comment")), {"rows": rows})

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Proxmox changes a comment by renaming the group to its own name."""
        name = self.name_of(found.id)
        if "comment" in todo.names() or found.owner != api.owner:
            kept = {} if "comment" in todo.cleared else {"comment": found.values.get("comment")}
            api.post(self.path, self.with_mark(api, {**kept, **wanted}, {"group": name, "rename": name}))
        rule_list.bring_to(api, self.object_path(name), list(found.raw["rows"]), wanted["rules"])

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Its rules first."""
        found = self.read(api, id_)
        if found is None:
            return
        ours = [identity(rule) for rule in values.get("rules", ())]
        left = [rule for rule in found.values["rules"] if identity(rule) not in ours]
        refuse_lockout(api, values, with_group(self.name_of(id_), left))
        rule_list.bring_to(api, self.object_path(self.name_of(id_)), list(found.raw["rows"]), left)
        super().delete(api, id_, values)

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Rules name it."""
        return [(GROUP, wanted["group"])] if "group" in wanted else []

    def needs(self, wanted: Values) -> list[Need]:
        """It is the cluster's."""
        return Scope().needs()

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What its rules name is there."""
        yield from rule_problems(facts, Scope(), wanted.get("rules", ()))
        if "group" in wanted and "rules" in wanted:
            change = with_group(wanted["group"], wanted["rules"])
            yield from lockout_problems(facts, owner, "rules", wanted, change)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """What could not be told of who is shut out."""
        yield from lockout_doubts(facts)

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """The edits, by positions of the declared list."""
        return told_edits(before, wanted)


class SecurityGroupArgs(CommonArgs, LockoutArgs):
    """Arguments of `SecurityGroup`."""

    group: pulumi.Input[str]
    comment: NotRequired[pulumi.Input[str] | None]
    rules: pulumi.Input[Sequence[pulumi.Input[FirewallRule | dict[str, Any]]]]


class SecurityGroup(Resource, kind="security_group"):
    """A security group."""

    group: pulumi.Output[str]
    rules: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[SecurityGroupArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
