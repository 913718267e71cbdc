"""Whether a rule makes sense beside the others: Proxmox refuses to make or change one that does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simulator.ha.rules import members, priorities
from simulator.records import Section

PAIR = 2
_MULTIPLE = "a node affinity rule with multiple priorities"


def problem(rule: Section, rules: Iterable[Section], cluster_nodes: int) -> str | None:
    """Return what is wrong with the resources of a rule, in Proxmox's words."""
    if rule.options.get("disable") == "1":
        return None
    others = [other for other in rules if other.id != rule.id and other.options.get("disable") != "1"]
    pinned = [other for other in others if other.type == "node-affinity"]
    affine = [other for other in others if other.type == "resource-affinity"]
    if rule.type == "node-affinity":
        return next(_of_nodes(rule, pinned, affine), None)
    return next(_of_resources(rule, pinned, affine, cluster_nodes), None)


def _of_nodes(rule: Section, pinned: list[Section], affine: list[Section]) -> Iterator[str]:
    mine = set(members(rule))
    for sid in sorted(mine & {sid for other in pinned for sid in members(other)}):
        yield f"resource '{sid}' is already used in another node affinity rule"
    beside = _sharing(affine, mine)
    positive = [other for other in affine if other.options["affinity"] == "positive"]
    if any(_has_priorities(each) for other in beside for each in (rule, *_sharing(pinned, set(members(other))))):
        yield f"resources are in a resource affinity rule and cannot be in {_MULTIPLE}"
    if any(other in positive and _sharing(pinned, _together(other, positive)) for other in beside):
        yield (
            "at least one resource is in a positive resource affinity rule and there are other resources in at"
            " least one other node affinity rule already"
        )
    if any(other not in positive and _too_few_nodes(other, [*pinned, rule]) for other in beside):
        yield (
            "at least one resource is in a negative resource affinity rule and this rule would restrict these"
            " to less nodes than available to the resources"
        )


def _of_resources(rule: Section, pinned: list[Section], affine: list[Section], cluster_nodes: int) -> Iterator[str]:
    mine, affinity = set(members(rule)), rule.options["affinity"]
    if len(mine) < PAIR:
        yield "rule is ineffective as there are less than two resources"
    opposite = {"positive": "negative", "negative": "positive"}[affinity]
    if any(other.options["affinity"] == opposite and len(mine & set(members(other))) >= PAIR for other in affine):
        yield f"rule shares two or more resources with a {opposite} resource affinity rule"
    if affinity == "negative" and len(mine) > cluster_nodes:
        yield "rule defines more resources than available nodes"
    if any(map(_has_priorities, _sharing(pinned, mine))):
        yield "resources are in node affinity rules with multiple priorities"
    positive = [other for other in affine if other.options["affinity"] == "positive"]
    if affinity == "positive" and len(_sharing(pinned, _together(rule, positive))) > 1:
        yield "resources are in multiple node affinity rules"
    if affinity == "negative" and _too_few_nodes(rule, pinned):
        yield "two or more resources are restricted to less nodes than available to the resources"


def _has_priorities(rule: Section) -> bool:
    return len(set(priorities(rule).values())) > 1


def _sharing(rules: list[Section], resources: set[str]) -> list[Section]:
    return [rule for rule in rules if resources & set(members(rule))]


def _together(rule: Section, positive: list[Section]) -> set[str]:
    """Return the resources that a rule keeps together, also by way of others."""
    found, before = set(members(rule)), 0
    while before != len(found):
        before = len(found)
        found = found.union(*(members(other) for other in _sharing(positive, found)))
    return found


def _too_few_nodes(negative: Section, pinned: list[Section]) -> bool:
    """Tell whether resources that are to be apart may be on fewer nodes than there are of them."""
    mine = set(members(negative))
    found = _sharing(pinned, mine)
    located = {sid for rule in found for sid in members(rule)} & mine
    return len({name for rule in found for name in priorities(rule)}) < len(located)
