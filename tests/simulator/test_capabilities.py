"""What machines can be made of, processor models of one's own, and talking to a machine's process."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import ApiError, ParamError, PermissionDenied
from tests.simulator.guest_bench import Bench
from tests.simulator.oracles import recordings

_MODELS = "/cluster/qemu/custom-cpu-models"


@pytest.mark.parametrize("what", ["cpu", "machines"])
def test_processors_and_machine_types_are_those_that_were_recorded(bench: Bench, what: str) -> None:
    recorded = next(row for row in recordings("pve-9.2.jsonl") if row["id"] == f"base.node-capabilities-{what}")[
        "response"
    ]["data"]
    answered = bench.call("GET", f"/nodes/pve1/capabilities/qemu/{what}")

    def ordered(rows: list[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
        return sorted(sorted(row.items()) for row in rows)

    assert ordered(answered) == ordered(recorded)


def test_flags_tell_on_which_nodes_they_work(bench: Bench) -> None:
    rows = bench.call("GET", "/nodes/pve1/capabilities/qemu/cpu-flags")
    assert rows[0]["name"] == "nested-virt"
    where = {row["name"]: row["supported-on"] for row in rows}
    assert (where["aes"], where["amd-ssbd"]) == (["pve1"], [])
    assert len(bench.call("GET", "/cluster/qemu/cpu-flags")) > len(rows)
    assert bench.call("GET", "/cluster/qemu/cpu-flags", arch="aarch64") == []


def test_a_model_of_ones_own_lives_with_or_without_its_prefix(bench: Bench) -> None:
    bench.call("POST", _MODELS, cputype="custom-x1", reported_model="qemu64", flags="+aes;-pcid", hidden=1)
    with pytest.raises(ApiError, match="custom CPU model 'x1' already exists"):
        bench.call("POST", _MODELS, cputype="x1", reported_model="host")
    shown = bench.call("GET", f"{_MODELS}/x1")
    digest = shown.pop("digest")
    assert shown == {"cputype": "custom-x1", "reported-model": "qemu64", "flags": "+aes;-pcid", "hidden": 1}
    names = {row["name"]: row for row in bench.call("GET", "/nodes/pve1/capabilities/qemu/cpu")}
    assert names["custom-x1"] == {"name": "custom-x1", "custom": 1, "vendor": "default"}
    bench.call("PUT", f"{_MODELS}/custom-x1", delete="flags", level=30, digest=digest)
    with pytest.raises(ApiError, match="modified configuration"):
        bench.call("PUT", f"{_MODELS}/x1", hidden=0, digest=digest)
    (row,) = bench.call("GET", _MODELS)
    assert (row["level"], "flags" in row) == (30, False)
    bench.call("DELETE", f"{_MODELS}/x1")
    assert bench.call("GET", _MODELS) == []
    with pytest.raises(ApiError, match="Custom cputype 'x1' not found"):
        bench.call("GET", f"{_MODELS}/x1")
    with pytest.raises(ApiError, match="custom CPU model 'x1' does not exist"):
        bench.call("DELETE", f"{_MODELS}/x1")


def test_a_models_values_are_checked(bench: Bench) -> None:
    for wrong in ({"reported_model": "x86-64-v2"}, {"flags": "aes"}, {"phys_bits": "7"}, {"guest_phys_bits": 16}):
        with pytest.raises(ParamError):
            bench.call("POST", _MODELS, **{"cputype": "x1", "reported_model": "host", **wrong})


def test_a_model_is_seen_by_those_who_may(bench: Bench) -> None:
    bench.call("POST", _MODELS, cputype="x1", reported_model="host")
    bench.call("POST", _MODELS, cputype="x2", reported_model="host")
    bench.call("POST", "/access/users", userid="anna@pve")
    secret = bench.call("POST", "/access/users/anna@pve/token/tok", privsep=0)["value"]
    bench.call("PUT", "/access/acl", path="/mapping/cpu/x1", users="anna@pve", roles="PVEMappingUser")
    anna = bench.by(f"anna@pve!tok={secret}")
    assert [row["cputype"] for row in anna("GET", _MODELS)] == ["custom-x1"]
    with pytest.raises(PermissionDenied):
        anna("GET", f"{_MODELS}/x2")
    with pytest.raises(PermissionDenied):
        anna("DELETE", f"{_MODELS}/x1")


@pytest.fixture
def running(bench: Bench) -> Bench:
    """A host with a running machine 101."""
    bench.ok("POST", "qemu/9000/clone", newid=101, name="web")
    bench.ok("POST", "qemu/101/status/start")
    return bench


def test_the_monitor_tells_of_the_machine(running: Bench) -> None:
    def ask(command: str) -> str:
        return str(running.call("POST", "qemu/101/monitor", command=command))

    assert ask("info status") == "VM status: running\n"
    assert ask("info name") == "web\n"
    assert "drive-scsi0: /dev/pve/vm-101-disk-0 (raw)" in ask("info block")
    assert "ifname=tap101i0" in ask("info network")
    assert ask("info nonsense") == "unknown command: 'info nonsense'\n"
    assert ask("help").splitlines()[:1] == ["announce_self"]


def test_the_monitor_pauses_goes_on_and_ends_the_machine(running: Bench) -> None:
    running.call("POST", "qemu/101/monitor", command="stop")
    assert running.guest(101).paused
    running.call("POST", "qemu/101/monitor", command="cont")
    assert not running.guest(101).paused
    running.call("POST", "qemu/101/monitor", command="quit")
    assert running.guest(101).status == "stopped"
    assert running.call("POST", "qemu/101/monitor", command="info status") == "ERROR: VM 101 not running\n"


def test_dangerous_commands_of_the_monitor_are_for_root_alone(running: Bench) -> None:
    with pytest.raises(PermissionDenied):
        running.call("POST", "qemu/101/monitor", command="device_add x")


def test_keys_are_pressed_on_a_running_machine_if_they_exist(running: Bench) -> None:
    assert running.call("PUT", "qemu/101/sendkey", key="ctrl-alt-delete") is None
    with pytest.raises(ApiError, match="invalid parameter: nope"):
        running.call("PUT", "qemu/101/sendkey", key="ctrl-nope")
    running.call("POST", "qemu/101/dbus-vmstate", action="start")
    running.ok("POST", "qemu/101/status/stop")
    with pytest.raises(ApiError, match="VM 101 not running"):
        running.call("PUT", "qemu/101/sendkey", key="ret")
    with pytest.raises(ApiError, match="VM 101 not running"):
        running.call("POST", "qemu/101/dbus-vmstate", action="start")
