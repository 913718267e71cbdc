"""What would lose data, or touch what is not ours, is refused before anything is done."""

from __future__ import annotations

import pytest

from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource
from tests.integration.guests import clone, config, guests

pytestmark = pytest.mark.engine

VM = "providers.vm.VirtualMachine"


def test_another_source_is_refused_in_preview_and_allowed_by_word_only(program: Program, simulator: Simulator) -> None:
    simulator.by_hand("POST", "/nodes/pve1/qemu/9000/clone", {"newid": 9100, "full": 1})
    simulator.by_hand("POST", "/nodes/pve1/qemu/9100/template")
    program.declare({"it": Resource(VM, clone("it", vmid=500))})
    assert program.up().changes == {"create": 1}
    there = as_json(simulator.state())

    other = clone("it", vmid=500, clone={"vmid": 9100, "full": False})
    program.declare({"it": Resource(VM, other)})
    refused = program.preview()
    assert refused.code != 0
    assert "the object would be destroyed with its data" in refused.diagnostics
    assert "Traceback" not in refused.text
    assert as_json(simulator.state()) == there

    program.declare({"it": Resource(VM, {**other, "replace_allowed": True})})
    preview = program.preview()
    assert "clone: data loss" in preview.inputs("it")["impact"]
    first = config(simulator, 500)["vmgenid"]
    assert program.up().code == 0
    assert config(simulator, 500)["vmgenid"] != first, "it is another machine"
    assert program.state()["it"]["outputs"]["clone"]["vmid"] == 9100


def test_a_protected_guest_is_neither_stopped_nor_removed(program: Program, simulator: Simulator) -> None:
    program.declare({"it": Resource(VM, clone("it", protection=True))})
    assert program.up().code == 0

    refused = program.destroy()

    assert refused.code != 0
    assert "protection" in refused.diagnostics
    assert guests(simulator)["it"]["status"] == "running"


def test_a_disk_that_shrinks_is_refused_in_preview(program: Program) -> None:
    program.declare({"it": Resource(VM, clone("it"))})
    assert program.up().code == 0
    program.declare({"it": Resource(VM, clone("it", disks={"scsi0": {"storage": "local-lvm", "size": "9G"}}))})

    refused = program.preview()

    assert refused.code != 0
    assert "can't shrink a volume to 9G" in refused.diagnostics


def test_a_token_that_lacks_a_privilege_is_told_in_preview_with_the_command(
    simulator: Simulator, program: Program
) -> None:
    simulator.by_hand("POST", "/access/users", {"userid": "ci@pve"})
    made = simulator.by_hand("POST", "/access/users/ci@pve/token/labs", {"privsep": 0})
    simulator.by_hand("PUT", "/access/acl", {"path": "/", "users": "ci@pve", "roles": "PVEAuditor"})
    (simulated,) = simulator.running.connections.values()
    program.connect(
        {
            "endpoints": simulated.endpoints,
            "token_id": made["full-tokenid"],
            "token_secret": made["value"],
            "ca_file": str(simulated.ca_file),
        }
    )
    program.declare({"it": Resource("providers.pool.Pool", {"poolid": "prod"})})

    refused = program.preview()

    assert refused.code != 0
    assert "it needs Pool.Allocate on /pool/prod: pveum acl modify /pool/prod" in refused.diagnostics

    simulator.by_hand("PUT", "/access/acl", {"path": "/", "users": "ci@pve", "roles": "PVEAdmin"})
    assert program.up().changes == {"create": 1}
    assert made["value"] not in program.pulumi("stack", "export").stdout
