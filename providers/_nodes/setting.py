"""Settings that a node always has: a program sets some of them, and at the end they are again what they were.

There is no room for a mark. What they were is kept in the state; that they are again as they were means that somebody
has taken the program's away.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from providers._runtime.api import Api
from providers._runtime.facts import Facts
from providers._runtime.handler import Claim, Found, Handler
from providers._runtime.model import Changes, Inputs, Problem, Values, fields_of, from_wire, to_wire
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need


class Before(Inputs):
    """What the outputs of all such settings have."""

    before: dict[str, Any] = Field(default_factory=dict, description="What the settings were before.")


class NodeSetting(Handler):
    """Settings of a node that are read with a GET and written together with a PUT."""

    setting: ClassVar[str]
    """The last part of the path, and what another resource can't have as well."""

    def path_of(self, node: str) -> str:
        """Where the API has them."""
        return f"/nodes/{node}/{self.setting}"

    def find(self, api: Api, wanted: Values) -> Found:
        """They are always there."""
        return self._found(wanted["node"], self._now(api, wanted["node"]))

    def create(self, api: Api, wanted: Values) -> str:
        """Set them, and keep what they were."""
        node = wanted["node"]
        before = self._now(api, node)
        self._write(api, node, {**before, **wanted})
        api.recorded = {"before": before}
        return self._found(node, before).id

    def read(self, api: Api, id_: str) -> Found | None:
        """As they are; gone where they are what they were before."""
        node = id_.split("/")[1]
        now, before = self._now(api, node), dict(api.recorded.get("before") or {})
        ours = {name: api.recorded[name] for name in self._names() if name in api.recorded}
        if ours and now == before and {**now, **ours} != now:
            return None
        found = self._found(node, now)
        found.values["before"] = before
        return found

    def update(self, api: Api, found: Found, wanted: Values, todo: Changes) -> None:
        """Set them where they are others; what is declared no longer is what it was before."""
        node = wanted["node"]
        now = {name: value for name, value in found.values.items() if name in self._names()}
        before = dict(api.recorded.get("before") or now)
        given_up = {name: before.get(name) for name in todo.cleared}
        if todo:
            self._write(api, node, {**now, **given_up, **wanted})
        api.recorded = {"before": before}

    def delete(self, api: Api, id_: str, values: Values) -> None:
        """They are again what they were."""
        if values.get("before"):
            self._write(api, id_.split("/")[1], values["before"])

    def needs(self, wanted: Values) -> list[Need]:
        """What Proxmox asks of whoever looks and writes."""
        node = f"/nodes/{wanted['node']}" if "node" in wanted else ""
        return [(node, "Sys.Audit"), (node, "Sys.Modify")] if node else []

    def claims(self, wanted: Values) -> list[Claim]:
        """Two resources would undo each other."""
        if "node" not in wanted:
            return []
        words = f"another resource of this program has the {self.setting} of {wanted['node']}"
        return [Claim("node", (self.setting, wanted["node"]), words)]

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> list[Problem]:
        """The node has to be there."""
        return node_problems(facts, wanted)

    def _names(self) -> list[str]:
        return [name for name, spec in fields_of(self.inputs).items() if spec.in_config and name != "node"]

    def _now(self, api: Api, node: str) -> Values:
        values = from_wire(self.inputs, dict(api.get(self.path_of(node))))
        return {name: value for name, value in values.items() if name in self._names()}

    def _found(self, node: str, now: Values) -> Found:
        return Found(self.path_of(node).strip("/"), {"node": node, **now, "before": {}})

    def _write(self, api: Api, node: str, values: Values) -> None:
        known = {name: value for name, value in values.items() if name in self._names()}
        api.put(self.path_of(node), to_wire(self.inputs, known))


def node_problems(facts: Facts, wanted: Values) -> list[Problem]:
    """A node that does not exist."""
    why = facts.no_node(wanted["node"]) if "node" in wanted else None
    return [("node", why)] if why else []
