"""Containers: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from providers._guests import waiting
from providers._guests.place import Place
from providers._runtime.errors import DataAtRisk, InvalidValue
from providers._runtime.model import canonical
from providers.container import ContainerInputs
from tests.conftest import Simulator, as_json
from tests.providers.guests import Driver

TEMPLATE = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst"
NIC = {"name": "eth0", "bridge": "vmbr0", "ip": "dhcp"}
ROOT = {"storage": "local-lvm", "size": "4G"}
DATA = {"storage": "local-lvm", "size": "1G", "mp": "/data"}

EXAMPLE: dict[str, Any] = {
    "node": "pve1",
    "vmid": 600,
    "hostname": "dns",
    "description": "answers\nquestions",
    "tags": ["dns", "Prod"],
    "ostemplate": TEMPLATE,
    "rootfs": ROOT,
    "mp": {"mp0": {**DATA, "backup": True}},
    "net": {"net0": {**NIC, "firewall": True}},
    "features": {"nesting": True},
    "env": {"LANG": "C.UTF-8", "GREETING": "a = b"},
    "lxc": ["lxc.idmap: u 0 100000 65536", "lxc.idmap = g 0 100000 65536", "lxc.cap.drop: sys_time"],
    "unprivileged": True,
    "cores": 1,
    "cpulimit": 0.5,
    "memory": 256,
    "swap": 128,
    "password": "wonderland",
    "ssh_public_keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIa2 me@home"],
    "nameserver": ["192.0.2.53"],
    "searchdomain": "example.test",
    "startup": {"order": 3},
    "onboot": True,
    "started": True,
}
AT_FIRST = {
    name: EXAMPLE[name] for name in ("node", "vmid", "ostemplate", "unprivileged", "password", "ssh_public_keys")
}
UPDATES: list[dict[str, Any]] = [
    {
        **EXAMPLE,
        "hostname": "dns2",
        "env": {"LANG": "C.UTF-8"},
        "lxc": ["lxc.idmap: u 0 200000 65536"],
        "entrypoint": "/sbin/init --verbose",
        "debug": True,
        "memory": 512,
        "rootfs": {"storage": "local-lvm", "size": "5G"},
        "mp": {"mp0": {"storage": "local-lvm", "size": "2G", "mp": "/data"}, "mp1": {**DATA, "mp": "/more"}},
        "net": {"net0": {**NIC, "ip": "192.0.2.60/24", "gw": "192.0.2.1"}, "net1": {**NIC, "name": "eth1"}},
    },
    {**AT_FIRST, "rootfs": {"storage": "local-lvm", "size": "5G"}, "started": False},
    {**AT_FIRST, "rootfs": {"storage": "local-lvm", "size": "5G"}, "net": {"net0": NIC}, "hostname": "ns"},
]
DRIFT = [("PUT", "/nodes/pve1/lxc/600/config", {"hostname": "by-hand"})]
SMALL: dict[str, Any] = {
    "node": "pve1",
    "hostname": "small",
    "ostemplate": TEMPLATE,
    "rootfs": ROOT,
    "net": {"net0": NIC},
}


def test_one_is_made_and_started_and_leaves_nothing(container: Driver, simulator: Simulator) -> None:
    before = as_json(simulator.state())

    outputs = container.up(EXAMPLE)

    assert outputs["started"] is True
    assert set(outputs["volumes"]) == {"rootfs", "mp0"}
    assert container.drift() == {}
    container.delete()
    assert as_json(simulator.state()) == before


def test_every_change_is_made_in_place_and_leaves_nothing_to_do(container: Driver) -> None:
    container.up(EXAMPLE)
    for update in UPDATES:
        container.again()
        container.up(update)
        assert container.drift() == {}
        assert container.id == "lxc/600"


def test_one_that_a_died_run_made_is_gone_on_with(container: Driver, simulator: Simulator) -> None:
    container.up(SMALL)
    there = as_json(simulator.state())
    heir = Driver(simulator, "container")

    heir.up(SMALL)

    assert heir.id == container.id
    assert as_json(simulator.state()) == there


def test_a_neighbour_who_was_faster_costs_the_number_and_nothing_else(container: Driver, simulator: Simulator) -> None:
    inputs, _ = container.check(SMALL)
    simulator.by_hand("POST", "/nodes/pve1/qemu", {"vmid": inputs["vmid"]})

    container.up(SMALL)

    assert container.id == f"lxc/{inputs['vmid'] + 1}"


def test_a_mount_point_grows_and_is_never_made_anew(container: Driver) -> None:
    container.up({**SMALL, "mp": {"mp0": DATA}})
    volume = container.outputs["volumes"]["mp0"]
    container.again()

    container.up({**SMALL, "mp": {"mp0": {**DATA, "size": "2G"}}})

    assert container.outputs["volumes"]["mp0"] == volume
    assert container.drift() == {}


def test_a_mount_point_that_is_declared_no_longer_is_detached_and_kept(container: Driver) -> None:
    stopped = {**SMALL, "started": False}
    container.up({**stopped, "mp": {"mp0": DATA}})
    volume = container.outputs["volumes"]["mp0"]
    container.again()

    container.up(stopped)

    assert container.config()["unused0"] == volume
    assert container.drift() == {}


def test_it_is_destroyed_only_where_that_is_asked_for(container: Driver) -> None:
    stopped = {**SMALL, "started": False}
    container.up({**stopped, "mp": {"mp0": DATA}})
    container.again()

    container.up({**stopped, "on_disk_removed": "delete"})

    assert not {"mp0", "unused0"} & set(container.config())


def test_the_root_file_system_moves_and_grows(cluster: Simulator) -> None:
    template = next(
        row["volid"] for row in cluster.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "vztmpl"})
    )
    container = Driver(cluster, "container")
    stopped = {**SMALL, "ostemplate": template, "started": False}
    container.up(stopped)
    container.again()

    container.up({**stopped, "rootfs": {"storage": "nfs1", "size": "5G"}})

    assert container.outputs["volumes"]["rootfs"].startswith("nfs1:")
    assert container.drift() == {}


def test_a_running_container_restarts_on_another_node(cluster: Simulator) -> None:
    template = next(
        row["volid"] for row in cluster.by_hand("GET", "/nodes/pve1/storage/local/content", {"content": "vztmpl"})
    )
    container = Driver(cluster, "container")
    on_pve1 = {**SMALL, "ostemplate": template, "rootfs": {"storage": "nfs1", "size": "4G"}}
    container.up(on_pve1)
    container.again()
    assert container.check({**on_pve1, "node": "pve2"})[0]["impact"] == "node: migrates stop-start"

    container.up({**on_pve1, "node": "pve2"})

    assert container.outputs["started"] is True
    assert container.drift() == {}


def test_a_clone_keeps_what_its_source_has(container: Driver, simulator: Simulator) -> None:
    container.up({**SMALL, "started": False, "cores": 2})
    copy = Driver(simulator, "container", name="copy")

    source = {"vmid": container.outputs["vmid"], "full": True}
    outputs = copy.up({"node": "pve1", "hostname": "copy", "clone": source, "net": {"net0": NIC}})

    assert outputs["started"] is True
    assert copy.config()["cores"] == 2
    assert copy.outputs["macs"] != container.outputs["macs"]
    assert copy.drift() == {}


def test_a_password_is_set_once_and_a_change_does_not_show_it(container: Driver) -> None:
    container.up(EXAMPLE)
    container.again()

    problem = container.problems({**EXAMPLE, "password": "looking-glass"})["password"]

    assert "can't change it" in problem
    assert "wonderland" not in problem
    assert "looking-glass" not in problem


def test_a_protected_container_is_not_even_stopped(container: Driver) -> None:
    container.up({**SMALL, "protection": True})

    with pytest.raises(DataAtRisk, match="protection"):
        container.delete()

    assert container.drift() == {}


def test_memory_that_is_declared_no_longer_is_what_proxmox_gives_by_itself(container: Driver) -> None:
    container.up({**SMALL, "memory": 1024})
    container.again()

    container.up(SMALL)

    assert container.config()["memory"] == 512
    assert container.drift() == {}


def test_what_a_running_container_does_not_take_is_reported(container: Driver) -> None:
    container.up(SMALL)
    container.again()

    container.up({**SMALL, "features": {"nesting": True}})

    assert container.warnings == [f"{container.id} has to be rebooted before these take effect: features"]
    assert container.drift() == {}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"ostemplate": "local:vztmpl/no.tar.zst"}, "ostemplate", f"there are {TEMPLATE}"),
        ({"rootfs": {"storage": "local", "size": "4G"}}, "rootfs", "can't hold rootdir"),
        ({"mp": {"mp0": {**DATA, "storage": "nope"}}}, "mp0", "there is no storage 'nope'"),
    ],
)
def test_what_the_host_would_refuse_is_refused_in_preview(
    container: Driver, change: dict[str, Any], field: str, words: str
) -> None:
    assert words in container.problems({**SMALL, **change})[field]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ostemplate": None}, "made from a template"),
        ({"rootfs": None}, "rootfs: it needs"),
        ({"mp": {"mp0": {"mp": "data", "volume": "/srv"}}}, "no absolute path"),
        ({"net": {"net0": {"bridge": "vmbr0"}}}, "it is required"),
        ({"clone": {"vmid": 600}}, "ostemplate: a clone takes over"),
        ({"clone": {"vmid": 600, "full": True, "format": "raw"}, "ostemplate": None}, "no choice of format"),
    ],
)
def test_a_value_that_proxmox_would_not_take_is_refused_without_a_host(change: dict[str, Any], words: str) -> None:
    given = {name: value for name, value in {**SMALL, **change}.items() if value is not None}

    _, problems = canonical(ContainerInputs, given, frozenset())

    assert words in problems[0][1]


def test_a_volume_that_a_running_container_still_holds_is_reported(container: Driver) -> None:
    container.up({**SMALL, "mp": {"mp0": DATA}})
    container.again()

    container.up({**SMALL, "on_disk_removed": "delete"})

    assert "mp0" in " ".join(container.warnings)
    assert container.drift() == {}


def test_it_counts_as_made_when_it_has_an_address_which_is_an_output(container: Driver) -> None:
    waits = {"node": "pve1", "hostname": "dns", "ostemplate": TEMPLATE, "rootfs": ROOT, "net": {"net0": NIC}}

    (address,) = container.up({**waits, "wait_for": "ip"})["addresses"]

    assert ipaddress.ip_address(address).version == 4
    container.again()
    assert container.drift() == {}
    assert container.outputs["addresses"] == [address]


def test_one_that_does_not_run_gets_no_address_and_says_so_at_once(container: Driver, simulator: Simulator) -> None:
    container.up({"node": "pve1", "hostname": "dns", "ostemplate": TEMPLATE, "rootfs": ROOT, "net": {"net0": NIC}})
    simulator.by_hand("POST", f"/nodes/pve1/{container.id}/status/stop")

    with pytest.raises(InvalidValue, match="does not run, so it gets no address"):
        waiting.wait(container.api, Place("lxc", container.outputs["vmid"], "pve1"), {"wait_for": "ip"})
