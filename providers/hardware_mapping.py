"""A hardware mapping: one name in the cluster for a PCI device, a USB device or a directory of each node.

API: `/cluster/mapping/{pci,usb,dir}`. A guest that uses the name can be started on every node that has an entry.
Proxmox takes entries for nodes and devices that are not there, and only a guest's start fails then; so a node that is
not there is refused here, and a device that is not there, or is another one, is worth a warning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal, NotRequired, Unpack

import pulumi
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from providers._runtime.api import Api, quoted
from providers._runtime.bridge import CommonArgs, Resource
from providers._runtime.coverage import Coverage
from providers._runtime.errors import InvalidValue
from providers._runtime.facts import Facts
from providers._runtime.handler import ConfigObject, Found
from providers._runtime.markers import Action, Carrier, Immutable, Repeated, ServerDefault, Wire
from providers._runtime.model import Inputs, Problem, Values
from providers._runtime.ownership import Owner
from providers._runtime.privileges import Need
from providers._runtime.wire import Part

PAIR = r"^[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}$"
KEYS = {
    "pci": ({"path", "id"}, {"description", "iommugroup", "subsystem_id"}),
    "usb": ({"id"}, {"path", "description"}),
    "dir": ({"path"}, set[str]()),
}
"""Type -> what an entry needs besides its node, and what it may have."""


class MapEntry(Part):
    """What the name stands for on one node."""

    node: str = Field(min_length=1, description="The node.")
    path: str | None = Field(
        default=None,
        min_length=1,
        description="Where it is: a PCI address such as `0000:01:00.0` (several with `;`: the first free one is "
        "taken), a USB port such as `1-4.2`, or the absolute path of a directory.",
    )
    id: str | None = Field(default=None, pattern=PAIR, description="Vendor and device ID, such as `8086:1521`.")
    subsystem_id: str | None = Field(
        default=None, alias="subsystem-id", pattern=PAIR, description="pci: vendor and device ID of the subsystem."
    )
    iommugroup: int | None = Field(default=None, description="pci: the IOMMU group that it has to be in.")
    description: str | None = Field(default=None, max_length=4096, description="Which device of the node it is.")


def _entry(given: object) -> str:
    """An entry in Proxmox's notation, its keys in one order."""
    if isinstance(given, Mapping):
        return MapEntry.print(MapEntry.model_validate(given).as_dict())
    return MapEntry.print(MapEntry.parse(str(given)))


def _by_node(entries: list[str]) -> list[str]:
    """The order of the nodes means nothing, that of one node's devices does."""
    return sorted(entries, key=lambda entry: str(MapEntry.parse(entry).get("node")))


class HardwareMappingInputs(Inputs):
    """A mapping as declared."""

    type: Annotated[Literal["pci", "usb", "dir"], Action(), Immutable()] = Field(description="What has the name.")
    mapping_id: Annotated[str, Wire("id"), Immutable(), Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]+$")] = Field(
        description="The name."
    )
    map: Annotated[list[Annotated[str, BeforeValidator(_entry)]], Repeated(), AfterValidator(_by_node)] = Field(
        min_length=1,
        description="What it stands for on each node: a `MapEntry` (node, path, id, subsystem_id, iommugroup, "
        "description), or Proxmox's own `node=pve1,path=0000:01:00.0,id=8086:1521`.",
    )
    mdev: Annotated[bool | None, ServerDefault(value=False)] = Field(
        default=None, description="pci: whether it is divided into mediated devices."
    )
    live_migration_capable: Annotated[bool | None, Wire("live-migration-capable"), ServerDefault(value=False)] = Field(
        default=None, description="pci: whether a guest can be migrated with it while it runs."
    )
    description: Annotated[str | None, Carrier(), Field(max_length=4000)] = Field(
        default=None, description="What it is for."
    )

    @model_validator(mode="after")
    def _fields_belong_to_the_type(self) -> HardwareMappingInputs:
        for name in ("mdev", "live_migration_capable"):
            if self.type != "pci" and getattr(self, name) is not None:
                raise InvalidValue(f"{name}: only PCI devices have it")
        needed, possible = KEYS[self.type]
        entries = [MapEntry.parse(entry) for entry in self.map]
        for entry in entries:
            if lacking := sorted(needed - set(entry)):
                raise InvalidValue(f"map: an entry of type {self.type} needs {', '.join(lacking)}")
            if wrong := sorted(set(entry) - needed - possible - {"node"}):
                raise InvalidValue(f"map: an entry of type {self.type} has no {', '.join(wrong)}")
        nodes = [entry["node"] for entry in entries]
        if self.type == "dir" and len(set(nodes)) < len(nodes):
            raise InvalidValue("map: a node can have one directory of that name only")
        return self


class HardwareMappingOutputs(HardwareMappingInputs):
    """A mapping as it is."""


class HardwareMappingHandler(ConfigObject):
    """Mappings as Proxmox keeps them."""

    inputs: ClassVar = HardwareMappingInputs
    outputs: ClassVar = HardwareMappingOutputs
    path = "/cluster/mapping"
    key = "mapping_id"
    missing = r"mapping '.*' not found"
    restated = ("map",)
    coverage: ClassVar = Coverage(
        methods=tuple(
            f"{method} /cluster/mapping/{kind}" + ("/{id}" if method == "PUT" else "")
            for kind in ("pci", "usb", "dir")
            for method in ("POST", "PUT")
        ),
        carried={"delete": "(what is declared no longer)", "digest": "(always sent)"},
    )

    def announces(self, wanted: Values) -> list[tuple[str, str]]:
        """Guests use it."""
        return [("mapping", self.named(wanted))] if {"type", "mapping_id"} <= set(wanted) else []

    def needs(self, wanted: Values) -> list[Need]:
        """Making and removing it takes the privilege for all of its kind."""
        return [(f"/mapping/{wanted['type']}", "Mapping.Modify")] if "type" in wanted else []

    def needs_to_read(self, wanted: Values) -> list[Need]:
        """Any privilege on it will do."""
        if not {"type", "mapping_id"} <= set(wanted):
            return []
        return [(f"/mapping/{self.named(wanted)}", "Mapping.Audit|Mapping.Use|Mapping.Modify")]

    def needs_to_change(self, before: Values, wanted: Values) -> list[Need]:
        """Changing one takes it for that one."""
        return [(f"/mapping/{self.named(before)}", "Mapping.Modify")]

    def named(self, wanted: Values) -> str:
        """`pci/gpu`."""
        return f"{wanted['type']}/{wanted['mapping_id']}"

    def object_path(self, name: str) -> str:
        """Each kind has a path of its own."""
        kind, _, mapping = name.partition("/")
        return f"{self.path}/{kind}/{quoted(mapping)}"

    def add(self, api: Api, name: str, parameters: dict[str, str]) -> None:
        """To the collection of its kind."""
        api.post(f"{self.path}/{name.partition('/')[0]}", parameters)

    def read(self, api: Api, id_: str) -> Found | None:
        """Its name says of which kind it is."""
        found = super().read(api, id_)
        kind, _, mapping = self.name_of(id_).partition("/")
        return found and replace(found, values={**found.values, "type": kind, "mapping_id": mapping})

    def preflight(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[Problem]:
        """Proxmox takes a node that does not exist without a word; nobody means that."""
        for name in sorted({MapEntry.parse(entry)["node"] for entry in wanted.get("map", ())}):
            if why := facts.no_node(name):
                yield "map", why

    def advice(self, facts: Facts, owner: Owner, before: Values, wanted: Values) -> Iterator[str]:
        """What a node does not have at this moment may be plugged in before a guest is started."""
        for entry in map(MapEntry.parse, wanted.get("map", ())) if wanted.get("type") in _LOOK else ():
            rows = facts.look(f"/nodes/{entry['node']}/hardware/{wanted['type']}")
            if rows is not None and (text := _LOOK[wanted["type"]](entry, rows)):
                yield f"{self.named(wanted)}: node {entry['node']} has {text}; a guest with it would not start there"


def _pci_problem(entry: Values, rows: list[dict[str, Any]]) -> str | None:
    """What is wrong with a PCI device; an address without its function is that of the whole device."""
    for path in entry["path"].split(";"):
        row = next((row for row in rows if str(row["id"]).partition(".")[0] == path or row["id"] == path), None)
        if row is None:
            return f"no PCI device {path}"
        if (there := _pair(row["vendor"], row["device"])) != entry["id"].lower():
            return f"a device {there} at {path}, and not {entry['id']}"
    return None


def _usb_problem(entry: Values, rows: list[dict[str, Any]]) -> str | None:
    """What is wrong with a USB device, by its IDs or by the port that it is to be at."""
    at = entry.get("path")
    there = [row for row in rows if at in (None, f"{row['busnum']}-{row.get('usbpath')}")]
    if any(_pair(row["vendid"], row["prodid"]) == entry["id"].lower() for row in there):
        return None
    return f"no USB device {entry['id']}" + (f" at {at}" if at else "")


def _pair(vendor: object, device: object) -> str:
    return ":".join(str(part).removeprefix("0x").lower().rjust(4, "0") for part in (vendor, device))


_LOOK = {"pci": _pci_problem, "usb": _usb_problem}


class HardwareMappingArgs(CommonArgs):
    """Arguments of `HardwareMapping`."""

    type: pulumi.Input[str]
    mapping_id: pulumi.Input[str]
    map: pulumi.Input[list[pulumi.Input[MapEntry | str | dict[str, str | int]]]]
    mdev: NotRequired[pulumi.Input[bool] | None]
    live_migration_capable: NotRequired[pulumi.Input[bool] | None]
    description: NotRequired[pulumi.Input[str] | None]


class HardwareMapping(Resource, kind="hardware_mapping"):
    """One name for a device or directory of each node."""

    type: pulumi.Output[str]
    mapping_id: pulumi.Output[str]
    map: pulumi.Output[list[str]]

    def __init__(
        self, resource_name: str, opts: pulumi.ResourceOptions | None = None, **args: Unpack[HardwareMappingArgs]
    ) -> None:
        super().__init__(resource_name, args, opts)
