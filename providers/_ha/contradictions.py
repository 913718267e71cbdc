"""Which rules contradict each other, as Proxmox decides when one is made or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from providers._runtime.model import Values

PAIR = 2


@dataclass(frozen=True)
class Rule:
    """A rule that is in force."""

    name: str
    kind: str
    """`node-affinity`, `positive` or `negative`."""
    resources: frozenset[str]
    nodes: tuple[str, ...] = ()
    """With their priorities, as `pve1:2`."""

    @classmethod
    def of(cls, values: Values) -> Rule:
        """From a rule's values."""
        kind = str(values.get("affinity", values.get("type")))
        return cls(str(values["rule"]), kind, frozenset(values["resources"]), tuple(values.get("nodes", ())))

    @property
    def node_names(self) -> set[str]:
        """Its nodes."""
        return {node.partition(":")[0] for node in self.nodes}

    @property
    def priorities(self) -> set[str]:
        """Its priorities."""
        return {node.partition(":")[2] or "0" for node in self.nodes}


def contradictions(rule: Rule, others: Iterable[Rule], cluster_nodes: int) -> Iterator[str]:
    """Why Proxmox would refuse a rule beside others."""
    beside = list(others)
    if rule.kind == "node-affinity":
        yield from _of_nodes(rule, beside)
        return
    opposite = {"positive": "negative", "negative": "positive"}[rule.kind]
    for other in beside:
        shared = rule.resources & other.resources
        if other.kind == opposite and len(shared) >= PAIR:
            yield f"{_listed(shared)} are in rule {other.name}, which says the opposite of them"
    pinned = [other for other in beside if other.kind == "node-affinity" and other.resources & rule.resources]
    for other in pinned:
        if len(other.priorities) > 1:
            yield (
                f"{_listed(rule.resources & other.resources)} are in rule {other.name}, whose nodes have several "
                f"priorities: such a rule goes with no affinity of resources"
            )
    if rule.kind == "negative":
        yield from _too_few_nodes(rule, pinned, cluster_nodes)
    else:
        together = _joined(rule, [other for other in beside if other.kind == "positive"])
        pinned = [other for other in beside if other.kind == "node-affinity" and other.resources & together]
        if len(pinned) > 1:
            yield f"they are in several rules of node affinity: {', '.join(sorted(other.name for other in pinned))}"


def _of_nodes(rule: Rule, beside: list[Rule]) -> Iterator[str]:
    """What stands against a rule of node affinity."""
    pinned = [other for other in beside if other.kind == "node-affinity"]
    for other in pinned:
        if shared := rule.resources & other.resources:
            yield f"{_listed(shared)} can be in one rule of node affinity only, and is in {other.name} already"
    affine = [other for other in beside if other.kind != "node-affinity" and other.resources & rule.resources]
    for other in affine:
        if len(rule.priorities) > 1:
            yield f"rule {other.name} has resources of this one, so that its nodes can't have several priorities"
        if other.kind == "negative":
            yield from _too_few_nodes(other, [*(each for each in pinned if each.resources & other.resources), rule])
        elif any(each.resources & _joined(other, affine) for each in pinned):
            yield f"rule {other.name} keeps its resources together with some that are in another rule of node affinity"


def _too_few_nodes(rule: Rule, pinned: list[Rule], cluster_nodes: int | None = None) -> Iterator[str]:
    """Resources that are to be apart need a node each."""
    if cluster_nodes is not None and len(rule.resources) > cluster_nodes:
        yield f"{len(rule.resources)} resources are to be apart, and there are {cluster_nodes} nodes"
    located = {sid for other in pinned for sid in other.resources & rule.resources}
    nodes = {name for other in pinned for name in other.node_names}
    if len(nodes) < len(located):
        yield f"{_listed(located)} are to be apart by rule {rule.name}, and may be on {', '.join(sorted(nodes))} only"


def _joined(rule: Rule, positive: list[Rule]) -> set[str]:
    """All resources that rules of positive affinity tie to those of this one."""
    found, before = set(rule.resources), 0
    while before != len(found):
        before = len(found)
        for other in positive:
            if other.kind == "positive" and other.resources & found:
                found |= other.resources
    return found


def _listed(resources: Iterable[str]) -> str:
    return ", ".join(sorted(resources))
