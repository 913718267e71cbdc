"""A rule of high availability: on which nodes guests run, or which of them together or apart.

API: `/cluster/ha/rules`. Before Proxmox VE 9 there are no rules: there, the affinity of guests to nodes is kept as a
group of nodes (`/cluster/ha/groups`) of the same name, and that among guests is refused. A host that is upgraded turns
the group `x` into the rule `ha-group-x`; declare that name then. Guests that a rule names have to be under HA: let it
depend on their `HaResource`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, Field, model_validator

from providers._ha import groups
from providers._ha.contradictions import PAIR, Rule, contradictions
from providers._ha.release import has_rules
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, ConfigObject
from providers._runtime.markers import Carrier, Immutable, Separated, ServerDefault
from providers._runtime.model import Inputs, Problem, Values, from_wire
from providers._runtime.ownership import Owner, owner_in
from providers._runtime.privileges import Need


def _node(text: str) -> str:
    """Proxmox leaves the lowest priority out."""
    return text.removesuffix(":0")


HaNode = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(:\d+)?$"), AfterValidator(_node)]
Sid = Annotated[str, Field(pattern=r"^(vm|ct):[1-9][0-9]{2,8}$")]
OPPOSITE = {"positive": "negative", "negative": "positive"}


class HaRuleInputs(Inputs):
    """A rule as declared."""

    rule: Annotated[str, Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]+$")] = Field(
        description="Name of the rule."
    )
    type: Annotated[Literal["node-affinity", "resource-affinity"], Immutable()] = Field(
        description="What it is about: nodes and guests, or guests among themselves."
    )
    resources: Annotated[list[Sid], Separated(ordered=False), Field(min_length=1)] = Field(
        description="The guests, as `vm:100` and `ct:200`; each of them under HA."
    )
    nodes: Annotated[list[HaNode] | None, Separated(ordered=False)] = Field(
        default=None,
        min_length=1,
        description="Node affinity: the nodes that they are to be on; `pve1:2` is better than `pve2:1`.",
    )
    strict: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Node affinity: whether they are rather stopped than on any other node."
    )
    affinity: Literal["positive", "negative"] | None = Field(
        default=None, description="Resource affinity: on the same node (`positive`), or each on another (`negative`)."
    )
    disable: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="Whether it is switched off."
    )
    comment: Annotated[str | None, Carrier(), Field(max_length=4000)] = Field(
        default=None, description="What the rule is for."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> HaRuleInputs:
        needed, others = ("nodes", ("affinity",)) if self.type == "node-affinity" else ("affinity", ("nodes", "strict"))
        if getattr(self, needed) is None:
            raise InvalidValue(f"{needed}: a rule of type {self.type} needs it")
        for name in others:
            if getattr(self, name) is not None:
                raise InvalidValue(f"{name}: a rule of type {self.type} has no such field")
        if self.affinity and len(set(self.resources)) < PAIR:
            raise InvalidValue("resources: an affinity is between two guests at least")
        return self


class HaRuleOutputs(HaRuleInputs):
    """A rule as it is."""


class HaRuleHandler(ConfigObject):
    """Rules as Proxmox keeps them; in groups before there were any."""

    inputs: ClassVar = HaRuleInputs
    outputs: ClassVar = HaRuleOutputs
    path = "/cluster/ha/rules"
    key = "rule"
    missing = r"no such ha (rule|group)"
    restated = ("type",)
    coverage: ClassVar = Coverage(
        methods=("POST /cluster/ha/rules", "PUT /cluster/ha/rules/{rule}"),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
    )

    def fetch(self, api: Api, name: str) -> Values:
        """As a rule, or from the group of its name."""
        return super().fetch(api, name) if has_rules(api.facts) else groups.fetch(api, name)

    def add(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """As a rule, or as a group of nodes."""
        if has_rules(api.facts):
            super().add(api, name, parameters)
        else:
            groups.add(api, name, parameters)

    def change(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """The rule, or the group of its name."""
        if has_rules(api.facts):
            super().change(api, name, parameters)
        else:
            groups.change(api, name, parameters)

    def remove(self, api: Api, name: str) -> None:
        """The rule, or the group of its name."""
        if has_rules(api.facts):
            super().remove(api, name)
        else:
            groups.remove(api, name)

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Which guests it puts together or apart: no other rule may do the opposite."""
        return [(f"{wanted['affinity']} affinity", pair) for pair in _pairs(wanted)] if _in_force(wanted) else []

    def claims(self, wanted: Values) -> Iterator[Claim]:
        """A guest has one rule of node affinity."""
        if wanted.get("type") == "node-affinity" and not wanted.get("disable"):
            for sid in wanted.get("resources", ()):
                yield Claim("resources", ("node affinity", sid), f"{sid} is in another rule of node affinity already")

    def needs(self, wanted: Values) -> list[Need]:
        """All rules take the same."""
        return [("/", "Sys.Console")]

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """All rules at once."""
        return [("/", "Sys.Audit")]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """What Proxmox refuses when it is made or changed."""
        for name in sorted({node.partition(":")[0] for node in wanted.get("nodes", ())}):
            if why := facts.no_node(name):
                yield "nodes", why
        managed = {str(row.get("sid")) for row in facts.look("/cluster/ha/resources") or ()}
        for sid in wanted.get("resources", ()):
            if sid not in managed and not facts.announced("HA resource", sid):
                yield "resources", f"{sid} is not under HA, and no HaResource of this program puts it there"
        if not has_rules(facts):
            yield from _beyond_groups(wanted)
        elif {"rule", "type", "resources"} <= set(wanted) and not wanted.get("disable"):
            others = list(_others(facts, owner, wanted["rule"]))
            for text in contradictions(Rule.of(wanted), others, len(facts.node_names())):
                yield "resources", text
        for pair in _pairs(wanted) if _in_force(wanted) else ():
            if facts.announced(f"{OPPOSITE[wanted['affinity']]} affinity", pair):
                yield "resources", f"another rule of this program says the opposite of {pair}"


def _in_force(wanted: Values) -> bool:
    return "affinity" in wanted and not wanted.get("disable")


def _pairs(wanted: Values) -> list[str]:
    return [f"{one} and {other}" for one, other in combinations(sorted(wanted.get("resources", ())), PAIR)]


def _beyond_groups(wanted: Values) -> Iterator[Problem]:
    """What a group of nodes can't say."""
    if wanted.get("type") == "resource-affinity":
        yield "type", "Proxmox VE has resource affinity from 9.0 on; this host is older, and has groups of nodes only"
    if wanted.get("disable"):
        yield "disable", "Proxmox VE can switch a rule off from 9.0 on; this host is older"


def _others(facts: Facts, owner: Owner, own: str) -> Iterator[Rule]:
    """The rules in force beside this one; those of the same stack may change in this run and are compared by it."""
    rows: list[dict[str, Any]] = facts.look("/cluster/ha/rules") or []
    for row in rows:
        whose = owner_in(row.get("comment"))
        if row["rule"] != own and not row.get("disable") and (whose is None or whose.stack != owner.stack):
            yield Rule.of({**from_wire(HaRuleInputs, row), "rule": row["rule"]})


class HaRuleArgs(CommonArgs):
    """Arguments of `HaRule`."""

    rule: pulumi.Input[str]
    type: pulumi.Input[str]
    resources: pulumi.Input[list[pulumi.Input[str]]]
    nodes: NotRequired[pulumi.Input[list[pulumi.Input[str]]] | None]
    strict: NotRequired[pulumi.Input[bool] | None]
    affinity: NotRequired[pulumi.Input[str] | None]
    disable: NotRequired[pulumi.Input[bool] | None]
    comment: NotRequired[pulumi.Input[str] | None]


class HaRule(Resource, kind="ha_rule"):
    """A rule of high availability."""

    rule: pulumi.Output[str]
    type: pulumi.Output[str]
    resources: pulumi.Output[list[str]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[HaRuleArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
