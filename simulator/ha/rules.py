"""Where a resource may run: what the rules ask for, and which node that leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from simulator.formats import split_list
from simulator.ha.records import HaService
from simulator.records import Section
from simulator.state import Datacenter


def members(rule: Section) -> list[str]:
    """Return the resources of a rule."""
    return split_list(rule.options["resources"])


def priorities(rule: Section) -> dict[str, int]:
    """Return the nodes of a rule with their priorities."""
    parts = (item.partition(":") for item in split_list(rule.options["nodes"]))
    return {name: int(priority or 0) for name, _, priority in parts}


def forget(datacenter: Datacenter, sid: str) -> None:
    """Take a resource out of all rules; a rule without any goes too."""
    for rule in datacenter.ha_rules:
        if sid not in members(rule):
            continue
        left = [other for other in members(rule) if other != sid]
        if left:
            datacenter.ha_rules.put(replace(rule, options={**rule.options, "resources": ",".join(left)}))
        else:
            datacenter.ha_rules.delete(rule.id)


def _node_affinity(datacenter: Datacenter, sid: str) -> Section | None:
    """Return the rule that says on which nodes a resource may be; where there are groups, its group is such a rule."""
    group = _group(datacenter, sid)
    if group is None:
        return next(_active(datacenter, "node-affinity", sid), None)
    options = {"resources": sid, "nodes": group.options["nodes"], "strict": group.options.get("restricted", "0")}
    return Section(id=group.id, type="node-affinity", options=options)


def _group(datacenter: Datacenter, sid: str) -> Section | None:
    resource = datacenter.ha_resources.get(sid)
    return datacenter.ha_groups.get(resource.options.get("group", "")) if resource is not None else None


def fails_back(datacenter: Datacenter, resource: Section) -> bool:
    """Tell whether a resource returns to a better node as soon as that is there."""
    group = _group(datacenter, resource.id)
    if group is not None:
        return group.options.get("nofailback") != "1"
    return resource.options.get("failback", "1") == "1"


def _active(datacenter: Datacenter, kind: str, sid: str) -> Iterator[Section]:
    for rule in datacenter.ha_rules:
        if rule.type == kind and rule.options.get("disable") != "1" and sid in members(rule):
            yield rule


def affine(datacenter: Datacenter, sid: str, affinity: str) -> list[str]:
    """Return the other resources that a resource is to be with (`positive`) or away from (`negative`)."""
    return [
        other
        for rule in _active(datacenter, "resource-affinity", sid)
        if rule.options["affinity"] == affinity
        for other in members(rule)
        if other != sid
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """The nodes between which a resource may be put: the best ones, and all that are permitted."""

    best: list[str]
    permitted: list[str]


def place(service: HaService) -> str:
    """Return the node on which a resource is, or to which it is on its way."""
    return service.target or service.node


_IDLE = ("stopped", "request_stop", "error")


def _taken(datacenter: Datacenter, sids: list[str]) -> set[str]:
    """Return the nodes that resources hold: one on its way holds both where it comes from and where it goes."""
    found = (datacenter.ha_services.get(sid) for sid in sids)
    busy = ("started", "migrate", "relocate", "fence")
    there = [service for service in found if service is not None and service.state in busy]
    return {service.node for service in there} | {place(service) for service in there}


def choose(datacenter: Datacenter, sid: str, available: list[str]) -> Choice:
    """Return where a resource may run, of the nodes that are available."""
    permitted = list(available)
    rule = _node_affinity(datacenter, sid)
    wanted = priorities(rule) if rule is not None else {}
    preferred = [name for name in permitted if name in wanted]
    if rule is not None and (preferred or rule.options.get("strict") == "1"):
        if rule.options.get("strict") == "1":
            permitted = preferred
    else:
        preferred = permitted
    apart = _taken(datacenter, affine(datacenter, sid, "negative"))
    permitted = [name for name in permitted if name not in apart]
    together = _taken(datacenter, affine(datacenter, sid, "positive")) & set(permitted)
    best = [name for name in preferred if name in permitted] or permitted
    if together:
        best = [name for name in permitted if name in together]
    highest = max((wanted.get(name, -1) for name in best), default=-1)
    return Choice([name for name in best if wanted.get(name, -1) == highest], permitted)


def select(
    datacenter: Datacenter, service: HaService, available: list[str], *, stay: bool = True, failback: bool = True
) -> str | None:
    """Return the node for a resource: where it is if that is as good as any, else the one with the least to do."""
    choice = choose(datacenter, service.sid, available)
    if stay and service.node in (choice.best if failback else choice.permitted):
        return service.node
    best = [name for name in choice.best if stay or name != service.node]
    busy = [place(other) for other in datacenter.ha_services if other.state not in _IDLE]
    load = {name: busy.count(name) for name in best}
    return min(best, key=lambda name: (load[name], name), default=None)
