"""The pack through the real engine: a stack that every policy stops, and one that all of them let pass."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from policies.pack import POLICIES
from tests.conftest import Simulator
from tests.engine import ROOT, Program, Resource

pytestmark = pytest.mark.engine

PACK = str(ROOT / "policies")
SETTINGS: dict[str, Any] = {
    "exposed-guests-have-a-firewall": {"networks": ["vmbr0"]},
    "production-guests-are-protected": {"production": True},
    "ram-limit": {"stack_gib": 4},
    "disk-limit": {"guest_gib": 8},
    "guest-names": {"pattern": r"[a-z]+-\d\d"},
    "guest-tags": {"required": ["env-.*"]},
    "pool-names": {"pattern": "prod(/.*)?", "required": True},
}
TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"


def stack(good: Mapping[str, Mapping[str, Any]], connection: str) -> dict[str, Resource]:
    """A pool, a machine under high availability, a container and rules; with more arguments for each of them."""

    def one(name: str, module: str, class_name: str, *after: str, **args: Any) -> Resource:
        given = {**args, "connection": connection, **good.get(name, {})}
        return Resource(f"providers.{module}.{class_name}", given, after)

    machine = {"vmid": 100, "node": "pve1", "memory": 4096, "started": False}
    container = {"vmid": 101, "node": "pve1", "ostemplate": TEMPLATE, "memory": 512, "started": False}
    found = {
        "pool": one("pool", "pool", "Pool"),
        "db": one("db", "vm", "VirtualMachine", "pool", **machine),
        "dns": one("dns", "container", "Container", "pool", **container),
        "rules": one("rules", "firewall_rules", "FirewallRules"),
        "ha": one("ha", "ha_resource", "HaResource", "db", vmid=100),
    }
    if "options" in good:
        found["options"] = one("options", "firewall_options", "FirewallOptions", "db")
        found["job"] = one("job", "backup_job", "BackupJob", "db", "dns")
    return found


BAD = stack(
    {
        "pool": {"poolid": "scratch"},
        "db": {
            "name": "db",
            "disks": {"scsi0": {"storage": "local-lvm", "size": "16G"}},
            "net": {"net0": {"model": "virtio", "bridge": "vmbr0"}},
        },
        "dns": {"hostname": "dns", "unprivileged": False, "rootfs": {"storage": "local-lvm", "size": "4G"}},
        "rules": {"rules": [{"type": "in", "action": "ACCEPT", "macro": "SSH"}]},
    },
    "blind",
)
GOOD = stack(
    {
        "pool": {"poolid": "prod"},
        "db": {
            "name": "db-01",
            "memory": 2048,
            "disks": {"scsi0": {"storage": "nfs1", "size": "8G"}},
            "net": {"net0": {"model": "virtio", "bridge": "vmbr0", "firewall": True}},
            "pool": "prod",
            "tags": ["env-prod"],
            "protection": True,
        },
        "dns": {
            "hostname": "dns-01",
            "rootfs": {"storage": "nfs1", "size": "4G"},
            "pool": "prod",
            "tags": ["env-prod"],
            "protection": True,
        },
        "rules": {"rules": [{"type": "in", "action": "ACCEPT", "macro": "SSH", "source": "10.0.0.0/8"}]},
        "options": {"vmid": 100, "enable": True},
        "job": {"job_id": "nightly", "schedule": "02:30", "storage": "nfs1", "all": True},
    },
    "lab",
)


@pytest.fixture
def program(cluster: Simulator, program_on: Callable[..., Program]) -> Program:
    """A program with two connections to one cluster, of which one trusts anybody."""
    simulated = next(iter(cluster.running.connections.values()))
    known = {"endpoints": simulated.endpoints, "token_id": simulated.token_id, "token_secret": simulated.token_secret}
    lab = {**known, "ca_file": str(simulated.ca_file)}
    return program_on(cluster, {"proxmox:connections": {"lab": lab, "blind": {**known, "insecure": True}}})


def policies(program: Program, **settings: Any) -> list[str]:
    """The flags that have the engine use the pack, with settings."""
    file = program.folder / "policies.json"
    file.write_text(json.dumps({**SETTINGS, **settings}))
    return ["--policy-pack", PACK, "--policy-pack-config", str(file)]


def test_every_policy_stops_the_stack_that_breaks_it(program: Program) -> None:
    program.declare(BAD)

    refused = program.preview(*policies(program, all="mandatory"))

    assert refused.code != 0
    assert refused.violations == {(policy.name, "mandatory") for policy in POLICIES}, refused.text
    assert "container dns (VMID 101) has unprivileged=False. Take that out" in refused.text
    assert "Pool pool has insecure=True. Give its connection `fingerprint`" in refused.text


def test_advice_lets_the_same_stack_pass(program: Program) -> None:
    program.declare(BAD)

    advised = program.preview(*policies(program, all="advisory"))

    assert advised.code == 0, advised.text
    assert advised.violations == {(policy.name, "advisory") for policy in POLICIES}


def test_a_stack_that_keeps_to_all_of_them_is_brought_up(program: Program) -> None:
    program.declare(GOOD)
    settings = policies(program, all="mandatory")

    done = program.up(*settings)

    assert done.code == 0, done.text
    assert done.violations == set()
    assert program.preview(*settings, "--expect-no-changes").code == 0
