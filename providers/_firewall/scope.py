"""Where a piece of firewall configuration is: at the cluster, a node, a guest or a virtual network (VNet).

A resource names its scope by `node`, `vmid` or `vnet`; one that names none is at the cluster. IDs have no node of a
guest in them, since guests migrate: `vms/100/firewall/rules`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired

import pulumi
from pydantic import Field, model_validator

from providers._guests.target import missing, needed, row_of, target
from providers._guests.values import VmId
from providers._runtime import privileges
from providers._runtime.api import Api
from providers._runtime.bridge import CommonArgs
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.markers import Immutable
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.privileges import Need

Level = Literal["cluster", "node", "guest", "vnet"]
FIELDS: dict[str, Level] = {"node": "node", "vmid": "guest", "vnet": "vnet"}
"""The field that names a scope -> its level."""
_IN_IDS: dict[Level, str] = {"node": "nodes", "guest": "vms", "vnet": "vnets"}
VNETS = "/cluster/sdn/vnets"


class GuestScopeInputs(Inputs):
    """A declaration for the cluster or for a guest."""

    vmid: Annotated[VmId | None, Immutable(names=True)] = Field(
        default=None, description="The guest whose firewall it belongs to."
    )


class ScopeInputs(GuestScopeInputs):
    """A declaration for any scope."""

    node: Annotated[str | None, Immutable(names=True)] = Field(
        default=None, min_length=1, description="The node whose firewall it belongs to."
    )
    vnet: Annotated[str | None, Immutable(names=True)] = Field(
        default=None,
        pattern=r"^[a-zA-Z][a-zA-Z0-9]*[a-zA-Z0-9]$",
        max_length=8,
        description="The virtual network whose firewall it belongs to.",
    )

    @model_validator(mode="after")
    def _one_scope(self) -> ScopeInputs:
        named = [name for name in FIELDS if getattr(self, name) is not None]
        if len(named) > 1:
            raise InvalidValue(f"{named[-1]}: there is one scope, and {named[0]} names it")
        return self


class GuestScopeArgs(CommonArgs):
    """Arguments that say the cluster or a guest."""

    vmid: NotRequired[pulumi.Input[int] | None]


class ScopeArgs(GuestScopeArgs):
    """Arguments that say any scope."""

    node: NotRequired[pulumi.Input[str] | None]
    vnet: NotRequired[pulumi.Input[str] | None]


@dataclass(frozen=True)
class Scope:
    """One scope."""

    level: Level = "cluster"
    name: str = ""
    """Of the node or the VNet, or the guest's number."""

    @classmethod
    def of(cls, values: Values) -> Scope:
        """The scope that a resource names."""
        return next((cls(level, str(values[field])) for field, level in FIELDS.items() if field in values), cls())

    @classmethod
    def of_id(cls, id_: str) -> Scope:
        """The scope in a resource's ID."""
        first, name = id_.split("/")[:2]
        return next((cls(level, name) for level, word in _IN_IDS.items() if word == first), cls())

    @property
    def values(self) -> Values:
        """The fields that name it."""
        names = {level: field for field, level in FIELDS.items()}
        if self.level == "cluster":
            return {}
        return {names[self.level]: int(self.name) if self.level == "guest" else self.name}

    def id(self, *what: str) -> str:
        """`vms/100/firewall/rules`."""
        place = [_IN_IDS[self.level], self.name] if self.level != "cluster" else ["cluster"]
        return "/".join([*place, "firewall", *what])

    def __str__(self) -> str:
        return "the cluster" if self.level == "cluster" else f"{self.level} {self.name}"

    @property
    def _fixed_path(self) -> str:
        """Where it is addressed, for all but guests."""
        if self.level == "cluster":
            return "/cluster/firewall"
        return f"/nodes/{self.name}/firewall" if self.level == "node" else f"{VNETS}/{self.name}/firewall"

    def path(self, api: Api) -> str:
        """Where it is addressed now; what it belongs to has to be there."""
        return f"{needed(api, int(self.name)).path}/firewall" if self.level == "guest" else self._fixed_path

    def path_if_there(self, api: Api) -> str | None:
        """As `path`; None if what it belongs to is gone, and its firewall with it."""
        if self.level == "guest":
            place = target(api, int(self.name))
            return f"{place.path}/firewall" if place else None
        if self.level == "vnet" and all(row.get("vnet") != self.name for row in api.get(VNETS)):
            return None
        return self._fixed_path

    def seen_path(self, facts: Facts) -> str | None:
        """As `path`, for a preview; None where what it belongs to is not there yet."""
        if self.level == "guest":
            row = row_of(facts, int(self.name))
            return f"/nodes/{row['node']}/{row['type']}/{self.name}/firewall" if row else None
        if self.level == "node" and facts.node(self.name) is None:
            return None
        return self._fixed_path if self.level != "vnet" or self.zone(facts) else None

    def zone(self, facts: Facts) -> str | None:
        """The zone that a VNet is in; None if there is no such VNet, or it may not be seen."""
        rows = facts.look(VNETS) or []
        return next((str(row["zone"]) for row in rows if row.get("vnet") == self.name), None)

    def needs(self) -> list[Need]:
        """The privileges that its methods ask for; those of a VNet depend on its zone (`problems`)."""
        if self.level == "guest":
            return [(f"/vms/{self.name}", "VM.Audit"), (f"/vms/{self.name}", "VM.Config.Network")]
        if self.level == "vnet":
            return []
        place = "/" if self.level == "cluster" else f"/nodes/{self.name}"
        return [(place, "Sys.Audit"), (place, "Sys.Modify")]

    def problems(self, facts: Facts) -> Iterator[Problem]:
        """That what it belongs to is not there, or may not be touched."""
        if self.level == "guest":
            yield from missing(facts, self.values)
        elif self.level == "node" and (why := facts.no_node(self.name)):
            yield "node", why
        elif self.level == "vnet":
            zone = self.zone(facts)
            if zone:
                yield from privileges.missing(facts, [(f"/sdn/zones/{zone}/{self.name}", "SDN.Allocate")])
            elif not facts.announced("vnet", self.name):
                yield "vnet", f"there is no VNet {self.name!r}, and this program makes none"
