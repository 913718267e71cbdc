"""Hardware mappings: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.model import canonical
from providers.hardware_mapping import HardwareMappingInputs, MapEntry
from tests.conftest import Simulator
from tests.providers.guests import Driver

CARD = "node=pve1,path=0000:04:00.0,id=8086:1533"
EXAMPLE: dict[str, Any] = {
    "type": "pci",
    "mapping_id": "uplink",
    "map": [{"node": "pve1", "path": "0000:04:00.0", "id": "8086:1533", "iommugroup": 3}],
    "description": "the card that a firewall gets",
}
UPDATES: list[dict[str, Any]] = [
    {**EXAMPLE, "map": [CARD, "id=8086:1533,node=pve1,path=0000:05:00.0"], "live_migration_capable": True},
    {"type": "pci", "mapping_id": "uplink", "map": [CARD], "mdev": True},
]
DRIFT = [("PUT", "/cluster/mapping/pci/uplink", {"map": "node=pve1,path=0000:09:00.0,id=8086:1533", "mdev": 0})]


def problems(**values: Any) -> str:
    """What is wrong with a mapping."""
    return "; ".join(why for _, why in canonical(HardwareMappingInputs, {"mapping_id": "x1", **values}, frozenset())[1])


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"type": "pci", "map": ["node=pve1,path=0000:04:00.0"]}, "an entry of type pci needs id"),
        ({"type": "usb", "map": ["node=pve1,id=1234:5678,iommugroup=3"]}, "an entry of type usb has no iommugroup"),
        ({"type": "usb", "map": ["node=pve1,id=1234:5678"], "mdev": True}, "mdev: only PCI devices have it"),
        ({"type": "dir", "map": ["node=a,path=/x", "node=a,path=/y"]}, "a node can have one directory of that name"),
    ],
)
def test_what_a_mapping_of_the_type_cannot_have_is_refused(values: dict[str, Any], problem: str) -> None:
    assert problem in problems(**values)


def test_the_order_of_nodes_and_keys_means_nothing_and_that_of_a_nodes_devices_does() -> None:
    def form(*entries: Any) -> Any:
        values = {"type": "pci", "mapping_id": "x1", "map": list(entries)}
        return canonical(HardwareMappingInputs, values, frozenset())[0]["map"]

    other = MapEntry(node="pve0", path="0000:01:00.0", id="10de:1eb8").as_dict()
    second = "node=pve1,path=0000:05:00.0,id=8086:1533"

    assert form(CARD, other) == form("path=0000:01:00.0,node=pve0,id=10de:1eb8", CARD)
    assert form(CARD, second) != form(second, CARD)


@pytest.mark.parametrize(
    ("kind", "entry", "changed"),
    [("usb", "node=pve1,id=1d6b:0002", "node=pve1,id=1d6b:0003"), ("dir", "node=pve1,path=/srv", "node=pve1,path=/x")],
)
def test_mappings_of_the_other_kinds_are_made_changed_and_removed(
    kind: str, entry: str, changed: str, simulator: Simulator
) -> None:
    mapping = Driver(simulator, "hardware_mapping")
    mapping.up({"type": kind, "mapping_id": "x1", "map": [entry]})
    assert mapping.drift() == {}
    assert mapping.id == f"cluster/mapping/{kind}/x1"
    mapping.up({"type": kind, "mapping_id": "x1", "map": [changed], "description": "another"})
    assert mapping.drift() == {}
    assert mapping.warnings == []
    mapping.delete()

    assert simulator.by_hand("GET", f"/cluster/mapping/{kind}") == []


def test_a_node_that_is_not_there_is_refused_in_the_preview(simulator: Simulator) -> None:
    mapping = Driver(simulator, "hardware_mapping")

    found = mapping.problems({"type": "dir", "mapping_id": "x1", "map": ["node=pve9,path=/srv"]})

    assert found == {"map": "there is no node 'pve9'; there are pve1"}


@pytest.mark.parametrize(
    ("kind", "entry", "warning"),
    [
        ("pci", "node=pve1,path=0000:04:00,id=8086:1533", None),
        ("pci", "node=pve1,path=0000:ff:00.0,id=8086:1533", "no PCI device 0000:ff:00.0"),
        ("pci", "node=pve1,path=0000:04:00.0,id=10de:1eb8", "a device 8086:1533 at 0000:04:00.0, and not 10de:1eb8"),
        ("usb", "node=pve1,id=046d:c52b,path=1-4", "no USB device 046d:c52b at 1-4"),
    ],
)
def test_a_device_that_a_node_does_not_have_is_worth_a_warning(
    kind: str, entry: str, warning: str | None, simulator: Simulator
) -> None:
    mapping = Driver(simulator, "hardware_mapping")

    assert mapping.problems({"type": kind, "mapping_id": "x1", "map": [entry]}) == {}

    expected = [f"{kind}/x1: node pve1 has {warning}; a guest with it would not start there"] if warning else []
    assert mapping.warnings == expected
