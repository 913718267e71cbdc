"""The ordered list of rules of one scope, as a whole: the cluster, a node, a guest or a virtual network.

API: `…/firewall/rules`. The first rule that fits a packet decides, so the list is brought to what is declared by the
fewest calls: a rule that is at another place moves, one that is otherwise is changed, and only what differs is
touched. Each rule carries the resource's mark behind its comment; by it, it is told from the rules of others, for
which `foreign` says what becomes of them. What is peculiar to Proxmox VE 9.2: a new rule is always the first one,
whatever position is asked for; a rule may name a group that does not exist, and then does nothing.

Rules and what they name (`SecurityGroup`, `FirewallAlias`, `IpSet`) come before `FirewallOptions` that switch the
firewall on: say so by `depends_on`. Rules of type `forward` need the newer firewall (`nftables`) on their nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, NotRequired, Unpack

import pulumi
from pydantic import Field, model_validator

from providers._firewall import rule_list
from providers._firewall.declared import with_rules
from providers._firewall.effect import effect_advice
from providers._firewall.foreign import Foreign, Shared, words
from providers._firewall.lockout import ManagedArgs, ManagedInputs, lockout_doubts, lockout_problems, refuse_lockout
from providers._firewall.names import rule_problems
from providers._firewall.rule import CARRIED, FirewallRule, check_rules
from providers._firewall.rule_list import Row, rows_at, told_edits
from providers._firewall.scope import Scope, ScopeArgs, ScopeInputs
from providers._runtime import lifecycle
from providers._runtime.api import Api
from providers._runtime.bridge import Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import AlreadyThere
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.markers import Action, Local
from providers._runtime.model import Changes, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need

__all__ = ["FirewallRule", "FirewallRules"]


class FirewallRulesInputs(ScopeInputs, ManagedInputs):
    """A list of rules as declared."""

    rules: Annotated[list[FirewallRule], Action(), Field(min_length=1)] = Field(description="The rules in their order.")
    foreign: Annotated[Foreign | None, Local()] = Field(
        default=None,
        description="What becomes of rules that are not this resource's: they stay above or below its own "
        "(`keep-above`, `keep-below`), are removed (`remove`), or are a reason to do nothing (`fail`, the default).",
    )

    @model_validator(mode="after")
    def _rules_stand_there(self) -> FirewallRulesInputs:
        check_rules(self.rules, Scope.of(self.model_dump(exclude_none=True)).level)
        return self


class FirewallRulesOutputs(FirewallRulesInputs):
    """A list of rules as it is."""


class FirewallRulesHandler(Handler):
    """The rules of a scope as Proxmox keeps them."""

    inputs: ClassVar = FirewallRulesInputs
    outputs: ClassVar = FirewallRulesOutputs
    coverage: ClassVar = Coverage(
        methods=(
            "POST /cluster/firewall/rules",
            "PUT /cluster/firewall/rules/{pos}",
            "POST /nodes/{node}/qemu/{vmid}/firewall/rules",
            "POST /cluster/sdn/vnets/{vnet}/firewall/rules",
        ),
        carried=CARRIED,
        left_out={"digest": "sent with every change, so that a neighbour's is not overwritten"},
    )

    def find(self, api: Api, wanted: Values) -> Found | None:
        """What is in the scope, whoever made it."""
        scope = Scope.of(wanted)
        path = scope.path_if_there(api)
        rows = rows_at(api, f"{path}/rules") if path else []
        return _found(scope, rows, Shared.of(rows, api.owner, wanted["rules"]), wanted) if rows else None

    def create(self, api: Api, wanted: Values) -> str:
        """Put the rules in that are not there yet, perhaps from a run that died."""
        scope = Scope.of(wanted)
        rows = rows_at(api, f"{scope.path(api)}/rules")
        shared = Shared.of(rows, api.owner, wanted["rules"])
        _refuse_others(scope, shared, wanted)
        api.created(scope.id("rules"))
        api.recorded = dict(wanted)
        lifecycle.bring_to(self, api, _found(scope, rows, shared, wanted), {}, wanted)
        return scope.id("rules")

    def read(self, api: Api, id_: str) -> Found | None:
        """One request, however many rules there are."""
        scope = Scope.of_id(id_)
        path = scope.path_if_there(api)
        if path is None:
            return None
        rows = rows_at(api, f"{path}/rules")
        shared = Shared.of(rows, api.owner, api.recorded.get("rules", ()))
        return _found(scope, rows, shared, api.recorded) if any(shared.own) else None

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """The edits from what is there."""
        scope, rows = Scope.of_id(found.id), found.raw["rows"]
        shared = Shared.of(rows, api.owner, (api.recorded or wanted).get("rules", ()))
        _refuse_others(scope, shared, wanted)
        target = shared.target(wanted["rules"], api.owner, _policy(wanted))
        rule_list.bring_to(api, f"{scope.path(api)}/rules", list(rows), target)
        api.recorded = dict(wanted)

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """Take out what is ours, and leave what is not."""
        api.recorded = values
        found = self.read(api, id_)
        if found is not None:
            scope = Scope.of_id(id_)
            refuse_lockout(
                api, values, with_rules(scope, Shared.of(found.raw["rows"], api.owner, values["rules"]).others)
            )
            lifecycle.bring_to(self, api, found, values, {**values, "rules": [], "foreign": "keep-below"})

    def shown(self, wanted: Values, actual: Values) -> Values:
        """What became of the rules of others, where it is not what was said."""
        in_the_way = {name: value for name, value in actual.items() if name == "foreign"}
        return {**super().shown(wanted, actual), **in_the_way}

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """Two lists in one scope would change places for ever."""
        scope = Scope.of(wanted)
        field = next(iter(scope.values), "rules")
        yield Claim(field, ("firewall rules", scope), f"another resource of this program has the rules of {scope}")

    def needs(self, wanted: Values) -> list[Need]:
        """Those of its scope."""
        return Scope.of(wanted).needs()

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What the scope and the rules name is there, and no rules of others are in the way."""
        scope = Scope.of(wanted)
        yield from scope.problems(facts)
        yield from rule_problems(facts, scope, wanted.get("rules", ()))
        path = scope.seen_path(facts)
        rows = facts.look(f"{path}/rules") if path else None
        shared = Shared.of(rows or (), owner, (before or wanted).get("rules", ()))
        if shared.others and _policy(wanted) == "fail":
            yield "foreign", _refusal(scope, shared)
        if "rules" in wanted:
            change = with_rules(scope, shared.target(wanted["rules"], owner, _policy(wanted)))
            yield from lockout_problems(facts, owner, "rules", wanted, change)

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """Where the rules have no effect, and what could not be told of who is shut out."""
        yield from effect_advice(facts, Scope.of(wanted), wanted.get("rules", ()))
        yield from lockout_doubts(facts)

    def deeds(self, before: Values, wanted: Values) -> dict[str, str]:
        """The edits, by positions of the declared list."""
        return told_edits(before, wanted)


def _policy(values: Mapping[str, Any]) -> Foreign:
    foreign: Foreign = values.get("foreign") or "fail"
    return foreign


def _found(scope: Scope, rows: list[Row], shared: Shared, values: Mapping[str, Any]) -> Found:
    """What is there, as seen by a resource with that policy; rules in its way show as drift of the policy."""
    there: Values = {**scope.values, "rules": shared.ours}
    in_the_way = shared.in_the_way(_policy(values))
    if in_the_way:
        there["foreign"] = f"in the way: {'; '.join(map(words, in_the_way))}"
    return Found(scope.id("rules"), there, None, {"rows": rows})


def _refuse_others(scope: Scope, shared: Shared, wanted: Values) -> None:
    if shared.others and _policy(wanted) == "fail":
        raise AlreadyThere(_refusal(scope, shared))


def _refusal(scope: Scope, shared: Shared) -> str:
    """Why nothing is done where there are rules of others."""
    return (
        f"{scope} has {len(shared.others)} rules already defined that are not this resource's, the first of them "
        f"{words(shared.others[0])!r}; say by `foreign` what becomes of them"
    )


class FirewallRulesArgs(ScopeArgs, ManagedArgs):
    """Arguments of `FirewallRules`."""

    rules: pulumi.Input[Sequence[pulumi.Input[FirewallRule | dict[str, Any]]]]
    foreign: NotRequired[pulumi.Input[str] | None]


class FirewallRules(Resource, kind="firewall_rules"):
    """The rules of one scope of the firewall."""

    rules: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[FirewallRulesArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
