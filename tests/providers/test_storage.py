"""Storages: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import json
from typing import Any

import pytest

from providers._runtime.model import canonical, fields_of
from providers._storages.kinds import KINDS
from providers.storage import StorageInputs
from simulator.guests.storage_types import TYPES
from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource
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


MADE_AND_CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dir": (
        {"path": "/srv/vm", "content_dirs": {"iso": "isos"}, "bwlimit": {"move": 1024}},
        {"content_dirs": {"iso": "isos", "backup": "dumps"}, "bwlimit": {"move": 2048, "clone": 0}},
    ),
    "btrfs": ({"path": "/srv/btrfs", "nocow": True}, {"nocow": False, "content": ["images"]}),
    "nfs": (
        {"server": "192.0.2.7", "export": "/srv/vm", "content": ["images", "iso"]},
        {"options": "vers=4.2", "content": ["iso"], "prune_backups": {"keep_last": 2}},
    ),
    "cifs": (
        {"server": "192.0.2.7", "share": "vm", "username": "labs", "password": "a secret", "domain": "LAB"},
        {"password": "another secret", "smbversion": "3.11", "content": ["backup"]},
    ),
    "cephfs": (
        {"monhost": ["192.0.2.1", "192.0.2.2"], "fs_name": "labs", "content": ["backup"]},
        {"monhost": ["192.0.2.1", "192.0.2.3"], "fuse": True, "content": ["backup", "iso"]},
    ),
    "lvm": (
        {"vgname": "pve", "content": ["images"], "saferemove": True},
        {"saferemove": False, "tagged_only": True, "saferemove_stepsize": 16},
    ),
    "lvmthin": (
        {"vgname": "pve", "thinpool": "data", "content": ["images", "rootdir"]},
        {"content": ["images"], "nodes": ["pve1"]},
    ),
    "zfspool": (
        {"pool": "rpool/vm", "content": ["rootdir"], "sparse": True},
        {"sparse": False, "blocksize": "16k", "content": ["images", "rootdir"]},
    ),
    "zfs": (
        {
            "portal": "192.0.2.8", "target": "iqn.2001-09.example:vm", "pool": "tank", "iscsiprovider": "LIO",
            "blocksize": "8k", "lio_tpg": "tpg1",
        },
        {"lio_tpg": "tpg2", "nowritecache": True},
    ),
    "rbd": (
        {"monhost": ["192.0.2.1"], "pool": "vm", "username": "labs", "keyring": "[client.labs]\nkey = AQ==\n"},
        {"krbd": True, "namespace": "labs"},
    ),
    "iscsi": (
        {"portal": "192.0.2.8", "target": "iqn.2001-09.example:vm", "content": ["none"]},
        {"content": ["images"]},
    ),
    "iscsidirect": (
        {"portal": "192.0.2.8", "target": "iqn.2001-09.example:vm", "content": ["images"]},
        {"disable": True},
    ),
    "pbs": (
        {
            "server": "192.0.2.9", "datastore": "labs", "username": "root@pam", "password": "a secret",
            "fingerprint": ":".join(["ab"] * 32),
        },
        {"password": "another secret", "namespace": "labs", "prune_backups": {"keep_daily": 7}},
    ),
    "esxi": (
        {"server": "192.0.2.10", "username": "root", "password": "a secret", "skip_cert_verification": True},
        {"skip_cert_verification": False, "password": "another secret"},
    ),
}  # fmt: skip
"""Type -> what makes one, and what is changed in place."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_storage_of_each_type_is_made_changed_in_place_and_removed(simulator: Simulator, kind: str) -> None:
    made, changed = MADE_AND_CHANGED[kind]
    before = as_json(simulator.state())
    storage = Driver(simulator, "storage")
    storage.up({"storage": "other", "type": kind, **made})
    assert storage.drift() == {}

    storage.again()
    outputs = storage.up({"storage": "other", "type": kind, **made, **changed})

    assert {name: outputs[name] for name in changed} == changed
    assert storage.drift() == {}
    storage.delete()
    assert as_json(simulator.state()) == before


@pytest.mark.parametrize("kind", KINDS)
def test_the_table_of_types_is_the_one_that_a_host_goes_by(kind: str) -> None:
    ours, hosts = KINDS[kind], TYPES[kind]
    wire = {spec.wire for name, spec in fields_of(StorageInputs).items() if name in ours.fields and not spec.local}

    assert wire - {"storage", "type"} == (hosts.required | hosts.fixed | hosts.optional) - {"mkdir"}
    assert ours.holds - {"none"} == hosts.contents - {"none"}


@pytest.mark.engine
def test_a_password_is_in_the_state_only_as_a_secret(program: Program) -> None:
    made, _ = MADE_AND_CHANGED["cifs"]
    program.declare({"it": Resource("providers.storage.Storage", {"storage": "other", "type": "cifs", **made})})

    up = program.up()

    assert up.changes == {"create": 1}, up.text
    assert "a secret" not in up.text + json.dumps(program.state())
