"""Node affinity before Proxmox VE 9: a group of nodes, which each of its HA resources names.

A rule is kept as the group of its name. It reads and changes as a rule does, so that a program need not know.
"""

from __future__ import annotations

from typing import Any

from providers._runtime.api import Api, quoted
from providers._runtime.model import Values

PATH = "/cluster/ha/groups"
RESOURCES = "/cluster/ha/resources"
_NAMES = {"rule": "group", "strict": "restricted", "nodes": "nodes", "comment": "comment", "digest": "digest"}
"""A rule's parameter -> the group's."""


def add(api: Api, name: str, parameters: dict[str, str]) -> None:
    """Make the group, and put the resources into it."""
    api.post(PATH, _of_group(parameters))
    api.created(f"cluster/ha/rules/{name}")
    _set_members(api, name, parameters)


def fetch(api: Api, name: str) -> Values:
    """The group, with the resources that name it, as a rule."""
    group: Values = api.get(f"{PATH}/{quoted(name)}")
    rule = {rule: group[param] for rule, param in _NAMES.items() if param in group}
    return {**rule, "type": "node-affinity", "resources": ",".join(_members(api, name))}


def change(api: Api, name: str, parameters: dict[str, str]) -> None:
    """Change the group, and who is in it."""
    changed = _of_group(parameters)
    if set(changed) - {"digest"}:
        api.put(f"{PATH}/{quoted(name)}", changed)
    _set_members(api, name, parameters)


def remove(api: Api, name: str) -> None:
    """Empty the group first: one that is in use stays."""
    _set_members(api, name, {"resources": ""})
    api.delete(f"{PATH}/{quoted(name)}")


def _of_group(parameters: dict[str, str]) -> dict[str, str]:
    found = {param: parameters[rule] for rule, param in _NAMES.items() if rule in parameters}
    unset = [_NAMES[rule] for rule in parameters.get("delete", "").split(",") if rule in _NAMES]
    return {**found, **({"delete": ",".join(unset)} if unset else {})}


def _members(api: Api, name: str) -> list[str]:
    rows: list[dict[str, Any]] = api.get(RESOURCES)
    return sorted(str(row["sid"]) for row in rows if row.get("group") == name)


def _set_members(api: Api, name: str, parameters: dict[str, str]) -> None:
    """Let exactly the resources of the rule name the group, where the rule says which they are."""
    if "resources" not in parameters:
        return
    there, wanted = set(_members(api, name)), set(filter(None, parameters["resources"].split(",")))
    for sid in sorted(wanted - there):
        api.put(f"{RESOURCES}/{quoted(sid)}", {"group": name})
    for sid in sorted(there - wanted):
        api.put(f"{RESOURCES}/{quoted(sid)}", {"delete": "group"})
