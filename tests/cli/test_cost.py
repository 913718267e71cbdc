"""`proxmox-labs cost`: what a stack takes of its hosts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import cost as command
from cli.cost_count import guests_in, hosts, storages
from cli.main import app
from cli.taken import Taken
from tests.conftest import Simulator

GIB = 1 << 30
TYPE = "pulumi-python:dynamic/proxmox:"
MACHINE = {
    "node": "pve1",
    "memory": 2048,
    "cores": 2,
    "sockets": 2,
    "disks": {"scsi0": {"size": "16G", "storage": "local-lvm"}, "ide2": {"file": "local:iso/debian.iso"}},
}
CONTAINER = {
    "node": "pve1",
    "rootfs": {"size": "4G", "storage": "local-lvm"},
    "mp": {"mp0": {"size": "512M", "storage": "local", "mp": "/srv"}},
}
STATE: list[dict[str, Any]] = [
    {"type": "pulumi:pulumi:Stack", "outputs": {}},
    {"type": f"{TYPE}Pool", "outputs": {"poolid": "demo"}},
    {"type": f"{TYPE}VirtualMachine", "outputs": MACHINE},
    {"type": f"{TYPE}VirtualMachine", "outputs": {**MACHINE, "started": False}},
    {"type": f"{TYPE}Container", "outputs": CONTAINER},
]
TAKEN = st.builds(
    Taken,
    connection=st.none(),
    node=st.sampled_from(["pve1", "pve2"]),
    memory=st.integers(0, 100),
    cores=st.integers(0, 9),
    disks=st.dictionaries(st.sampled_from(["local", "nas"]), st.integers(0, 100)),
)
ROWS = [
    {"type": "storage", "storage": name, "node": node, "shared": int(name == "nas"), "maxdisk": 500, "disk": 10}
    for name in ("local", "nas")
    for node in ("pve1", "pve2")
]


def test_what_is_meant_to_run_takes_memory_and_processors_and_every_disk_takes_room() -> None:
    running, stopped, container = guests_in(STATE)

    assert (running.memory, running.cores, running.disks) == (2 * GIB, 4, {"local-lvm": 16 * GIB})
    assert (stopped.memory, stopped.cores, stopped.disks) == (0, 0, {"local-lvm": 16 * GIB})
    assert (container.memory, container.cores) == (GIB // 2, 1)
    assert container.disks == {"local-lvm": 4 * GIB, "local": GIB // 2}


@given(st.lists(TAKEN, max_size=8))
def test_nothing_is_lost_or_counted_twice_and_a_shared_storage_is_one(taken: list[Taken]) -> None:
    nodes, stores = hosts({"lab": taken}, {"lab": ROWS}), storages({"lab": taken}, {"lab": ROWS})

    assert sum(each.guests for each in nodes) == len(taken)
    assert sum(each.memory for each in nodes) == sum(each.memory for each in taken)
    assert sum(each.cores for each in nodes) == sum(each.cores for each in taken)
    assert sum(each.disks for each in stores) == sum(size for each in taken for size in each.disks.values())
    assert len({(each.node, each.storage) for each in stores}) == len(stores)
    assert {each.node for each in stores if each.storage == "nas"} <= {None}
    assert all((each.total, each.used) == (500, 10) for each in stores)


def test_it_is_told_beside_what_the_hosts_have(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(simulator.base))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(command, "resources", lambda _directory, _stack: STATE)
    (node,) = [row for row in simulator.by_hand("GET", "/cluster/resources") if row["type"] == "node"]

    told = json.loads(CliRunner().invoke(app, ["cost", "--json"]).output)
    shown = CliRunner().invoke(app, ["cost"]).output

    (host,) = told["hosts"]
    assert (host["guests"], host["memory"], host["cores"]) == (3, 5 * GIB // 2, 5)
    assert (host["memory_total"], host["cores_total"]) == (node["maxmem"], node["maxcpu"])
    assert {each["storage"]: each["disks"] for each in told["storages"]} == {
        "local": GIB // 2,
        "local-lvm": 36 * GIB,
    }
    assert all(each["total"] > each["used"] for each in told["storages"])
    assert "36.0 GiB" in shown
    assert "\x1b" not in shown


def test_a_stack_without_guests_costs_nothing(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(simulator.base))
    monkeypatch.setattr(command, "resources", lambda _directory, _stack: [])

    done = CliRunner().invoke(app, ["cost"])

    assert (done.exit_code, done.output) == (0, "The stack has no guests.\n")
