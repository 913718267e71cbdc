"""`/cluster/ha/rules`: on which nodes resources run, and which of them together or apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.api.ha import AUDIT, CHANGE
from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.ha.feasibility import problem
from simulator.ha.rules import members, priorities
from simulator.ha.state import wake
from simulator.records import Section
from simulator.routing import Call, route
from simulator.schema import Param, boolean, string
from simulator.sections import SectionType, given, typed
from simulator.state import digest

_RULE: dict[str, Param] = {"rule": string(format="pve-configid")}
_TYPE = string(enum=("node-affinity", "resource-affinity"))
_COMMON: dict[str, Param] = {
    "comment": string(max_length=4096, optional=True),
    "disable": boolean(optional=True),
}
_RESOURCES = {"resources": string(format="pve-ha-resource-id-list")}
_NEW: dict[str, dict[str, Param]] = {
    "node-affinity": {
        **_COMMON, **_RESOURCES, "nodes": string(format="pve-ha-node-list"), "strict": boolean(optional=True),
    },
    "resource-affinity": {**_COMMON, **_RESOURCES, "affinity": string(enum=("positive", "negative"))},
}  # fmt: skip
_CHANGED = {kind: {name: replace(param, optional=True) for name, param in params.items()} for kind, params in _NEW.items()}  # fmt: skip  # noqa: E501 - one thought
_TYPES = {
    "node-affinity": SectionType.of("nodes resources", "comment disable strict"),
    "resource-affinity": SectionType.of("affinity resources", "comment disable"),
}


def _digest(call: Call) -> str:
    return digest([(row.id, row.type, sorted(row.options.items())) for row in call.datacenter.ha_rules])


def _row(call: Call, rule: Section) -> dict[str, Any]:
    order = call.datacenter.ha_rules.keys().index(rule.id) + 1
    row = {"rule": rule.id, "type": rule.type, "order": order, "digest": _digest(call)}
    return row | typed(rule.options, _NEW[rule.type])


def _existing(call: Call, prefix: str = "") -> Section:
    rule = call.datacenter.ha_rules.get(call.text("rule"))
    if rule is None:
        raise ApiError(f"{prefix}no such ha rule '{call.text('rule')}'")
    return rule


@route(
    "GET", "/cluster/ha/rules", params={"resource": string(optional=True), "type": replace(_TYPE, optional=True)},
    check=AUDIT,
)  # fmt: skip
def rules(call: Call) -> list[dict[str, Any]]:
    """List the rules, all or those about a resource."""
    return [
        _row(call, rule)
        for rule in call.datacenter.ha_rules
        if call.optional("type") in (None, rule.type)
        and ("resource" not in call or call.text("resource") in members(rule))
    ]


@route("GET", "/cluster/ha/rules/{rule}", params=_RULE, check=AUDIT)
def read_rule(call: Call) -> dict[str, Any]:
    """Return a rule."""
    return _row(call, _existing(call))


def _check(call: Call, rule: Section, prefix: str) -> None:
    """Refuse a rule about what is not there, or that contradicts another one."""
    unmanaged = [sid for sid in members(rule) if sid not in call.datacenter.ha_resources]
    if unmanaged:
        raise ApiError(f"{prefix}cannot use unmanaged resource(s) {', '.join(unmanaged)}.")
    if rule.type == "node-affinity":
        unknown = [name for name in priorities(rule) if name not in call.datacenter.nodes]
        if unknown:
            raise ApiError(f"{prefix}cannot use non-existent node(s) {', '.join(unknown)}.")
    wrong = problem(rule, call.datacenter.ha_rules, len(call.datacenter.nodes))
    if wrong is not None:
        raise ApiError(f"{prefix}400 Rule '{rule.id}' is invalid.\nresources: {wrong}")


def _normalised(options: dict[str, str]) -> dict[str, str]:
    """Return options with their lists joined by commas."""
    lists = {name: ",".join(split_list(options[name])) for name in ("resources", "nodes") if name in options}
    return options | lists


@route(
    "POST", "/cluster/ha/rules", params={**_RULE, "type": _TYPE}, variants=_NEW, check=CHANGE, protected=True,
)  # fmt: skip
def create_rule(call: Call) -> None:
    """Add a rule."""
    prefix = "create ha rule failed: "
    call.need_quorum()
    kind = call.text("type")
    rule = Section(id=call.text("rule"), type=kind, options=_normalised(given(call, _NEW[kind])))
    if rule.id in call.datacenter.ha_rules:
        raise ApiError(f"{prefix}HA rule '{rule.id}' already defined")
    _check(call, rule, prefix)
    call.datacenter.ha_rules.put(rule)
    wake(call.datacenter, call.now)


@route(
    "PUT", "/cluster/ha/rules/{rule}",
    params={
        **_RULE, "type": _TYPE,
        "delete": string(format="pve-configid-list", max_length=4096, optional=True),
        "digest": string(max_length=64, optional=True),
    },
    variants=_CHANGED, check=CHANGE, protected=True,
)  # fmt: skip
def update_rule(call: Call) -> None:
    """Change a rule."""
    prefix = "update ha rule failed: "
    call.need_quorum()
    rule = _existing(call, prefix)
    text = "detected modified configuration - file changed by other user? Try again."
    call.check_digest(_digest(call), f"{prefix}{text}")
    if rule.type != call.text("type"):
        raise ApiError(f"{prefix}cannot change the type of rule '{rule.id}'")
    try:
        options = _TYPES[rule.type].changed(rule.options, given(call, _NEW[rule.type]), call.listing("delete"))
    except ApiError as error:
        raise ApiError(f"{prefix}{error.message}") from None
    changed = replace(rule, options=_normalised(options))
    _check(call, changed, prefix)
    call.datacenter.ha_rules.put(changed)
    wake(call.datacenter, call.now)


@route("DELETE", "/cluster/ha/rules/{rule}", params=_RULE, check=CHANGE, protected=True)
def delete_rule(call: Call) -> None:
    """Remove a rule; one that is not there is no error."""
    call.need_quorum()
    call.datacenter.ha_rules.delete(call.text("rule"))
    wake(call.datacenter, call.now)
