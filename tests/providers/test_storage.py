"""Storages: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.model import canonical
from providers.storage import StorageInputs
from tests.conftest import Simulator, as_json
from tests.providers.guests import Driver

EXAMPLE = {
    "storage": "backups",
    "type": "dir",
    "path": "/srv/backups",
    "content": ["iso", "backup"],
    "prune_backups": {"keep_last": 3, "keep_daily": 7},
}
UPDATES = [
    {**EXAMPLE, "content": ["backup", "iso", "snippets"], "nodes": ["pve1"]},
    {**EXAMPLE, "prune_backups": {"keep_all": True}, "disable": True},
    {"storage": "backups", "type": "dir", "path": "/srv/backups", "content": ["backup"], "shared": False},
]
DRIFT = [("PUT", "/storage/backups", {"content": "backup,images", "shared": 1})]


def problems(**values: object) -> list[str]:
    """What is wrong with a storage, as `field: reason`."""
    return [f"{field}: {why}" for field, why in canonical(StorageInputs, dict(values), frozenset())[1]]


def test_a_type_without_what_it_needs_is_refused() -> None:
    assert "server: a storage of type nfs needs it" in problems(storage="s1", type="nfs", export="/e")[0]


def test_a_field_of_another_type_is_refused() -> None:
    wrong = problems(storage="s1", type="lvmthin", vgname="pve", thinpool="data", path="/x")

    assert "path: a storage of type lvmthin has no such field" in wrong[0]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"type": "lvmthin", "vgname": "pve", "thinpool": "data"}, "iso"),
        ({"type": "zfspool", "pool": "rpool"}, "backup"),
    ],
)
def test_content_that_the_type_cannot_hold_is_refused(values: dict[str, str], kind: str) -> None:
    assert f"can't hold {kind}" in problems(storage="s1", content=[kind], **values)[0]


def test_keep_all_goes_with_nothing_else() -> None:
    wrong = problems(storage="s1", type="dir", path="/x", prune_backups={"keep_all": True, "keep_last": 1})

    assert "keep_all can't be set together with other options" in wrong[0]


def test_the_order_of_content_means_nothing() -> None:
    one, _ = canonical(StorageInputs, {**EXAMPLE, "content": ["iso", "backup"]}, frozenset())
    other, _ = canonical(StorageInputs, {**EXAMPLE, "content": ["backup", "iso"]}, frozenset())

    assert one == other


@pytest.mark.parametrize(
    ("made", "changed"),
    [
        (
            {"type": "nfs", "server": "192.0.2.7", "export": "/srv/vm", "content": ["images", "iso"]},
            {"options": "vers=4.2", "content": ["iso"], "prune_backups": {"keep_last": 2}},
        ),
        (
            {"type": "lvmthin", "vgname": "pve", "thinpool": "data", "content": ["images", "rootdir"]},
            {"content": ["images"], "nodes": ["pve1"]},
        ),
        (
            {"type": "zfspool", "pool": "rpool/vm", "content": ["rootdir"], "sparse": True},
            {"sparse": False, "blocksize": "16k", "content": ["images", "rootdir"]},
        ),
    ],
    ids=lambda values: values.get("type", "changed"),
)
def test_a_storage_of_each_type_is_made_changed_in_place_and_removed(
    simulator: Simulator, made: dict[str, Any], changed: dict[str, Any]
) -> None:
    before = as_json(simulator.state())
    storage = Driver(simulator, "storage")
    storage.up({"storage": "other", **made})
    assert storage.drift() == {}

    storage.again()
    outputs = storage.up({"storage": "other", **made, **changed})

    assert {name: outputs[name] for name in changed} == changed
    assert storage.drift() == {}
    storage.delete()
    assert as_json(simulator.state()) == before
