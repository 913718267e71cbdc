"""Containers: what a client sees of their configuration, their volumes, their power and their clones."""

from __future__ import annotations

import pytest

from simulator.errors import ApiError
from tests.simulator.guest_bench import Bench


def test_a_container_gets_a_root_with_its_system_and_sensible_defaults(bench: Bench) -> None:
    bench.container(101, hostname="web", net0="name=eth0,bridge=vmbr0,ip=dhcp")
    config = bench.call("GET", "lxc/101/config")
    assert config["rootfs"] == "local-lvm:vm-101-disk-0,size=4G"
    assert (config["ostype"], config["arch"], config["unprivileged"]) == ("debian", "amd64", 1)
    assert config["net0"].startswith("name=eth0,bridge=vmbr0,hwaddr=BC:24:11:")
    assert bench.volumes(101)[0].used > 0


def test_a_template_that_does_not_exist_leaves_nothing_behind(bench: Bench) -> None:
    task = bench.run("POST", "lxc", vmid=101, ostemplate="local:vztmpl/nope.tar.zst", rootfs="local-lvm:4")
    assert task.exitstatus == "unable to create CT 101 - volume 'local:vztmpl/nope.tar.zst' does not exist"
    assert 101 not in bench.datacenter.guests
    assert not bench.volumes(101)


def test_a_container_whose_volume_does_not_fit_is_not_made(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="fat", type="lvm", vgname="fat", content="rootdir")
    before = bench.volumes(101)
    task = bench.run(
        "POST", "lxc", vmid=101, ostemplate="local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst", rootfs="fat:500"
    )  # fmt: skip
    assert "insufficient free space" in str(task.exitstatus)
    assert bench.volumes(101) == before


def test_a_running_container_takes_some_changes_at_once_and_keeps_others_pending(bench: Bench) -> None:
    bench.container(101)
    bench.ok("POST", "lxc/101/status/start")
    bench.call("PUT", "lxc/101/config", memory=1024, nameserver="192.0.2.53", mp0="local-lvm:1,mp=/data")
    rows = {row["key"]: row for row in bench.call("GET", "lxc/101/pending")}
    assert rows["memory"]["value"] == 1024
    assert rows["mp0"]["value"] == "local-lvm:vm-101-disk-1,mp=/data,size=1G"
    assert rows["nameserver"] == {"key": "nameserver", "pending": "192.0.2.53"}
    bench.ok("POST", "lxc/101/status/reboot")
    assert bench.guest(101).config["nameserver"] == "192.0.2.53"


def test_power_calls_that_make_no_sense_are_refused_at_once(bench: Bench) -> None:
    bench.container(101)
    for action in ("stop", "shutdown", "reboot"):
        with pytest.raises(ApiError, match="CT 101 not running"):
            bench.call("POST", f"lxc/101/status/{action}")
    bench.ok("POST", "lxc/101/status/start")
    with pytest.raises(ApiError, match="CT 101 already running"):
        bench.call("POST", "lxc/101/status/start")
    with pytest.raises(ApiError, match="unable to destroy CT 101 - container is running"):
        bench.call("DELETE", "lxc/101")


def test_a_running_container_shows_its_addresses(bench: Bench) -> None:
    bench.container(101, net0="name=eth0,bridge=vmbr0,ip=192.0.2.60/24,gw=192.0.2.1")
    assert bench.call("GET", "lxc/101/interfaces") is None
    bench.ok("POST", "lxc/101/status/start")
    rows = {row["name"]: row for row in bench.call("GET", "lxc/101/interfaces")}
    assert rows["eth0"]["inet"] == "192.0.2.60/24"
    assert rows["eth0"]["ip-addresses"] == [{"ip-address": "192.0.2.60", "ip-address-type": "inet", "prefix": 24}]


def test_while_a_container_is_cloned_it_is_locked(bench: Bench) -> None:
    bench.container(101)
    bench.hold()
    upid = bench.call("POST", "lxc/101/clone", newid=102, hostname="copy", full=1)
    with pytest.raises(ApiError, match=r"CT is locked \(disk\)"):
        bench.call("POST", "lxc/101/clone", newid=103)
    bench.pass_time(0)
    bench.pass_time(60)
    assert bench.task(upid).exitstatus == "OK"
    assert bench.guest(101).lock is None
    assert bench.guest(102).config["hostname"] == "copy"


def test_a_clone_that_is_stopped_unlocks_its_source(bench: Bench) -> None:
    bench.container(101)
    bench.hold()
    upid = bench.call("POST", "lxc/101/clone", newid=102)
    bench.pass_time(0)
    bench.call("DELETE", f"tasks/{upid}")
    assert bench.guest(101).lock is None
    assert 102 not in bench.datacenter.guests


def test_a_template_can_be_cloned_as_a_link_where_the_storage_can_do_it(bench: Bench) -> None:
    bench.container(101)
    assert bench.call("POST", "lxc/101/template") is None
    assert bench.guest(101).config["rootfs"] == "local-lvm:base-101-disk-0,size=4G"
    bench.ok("POST", "lxc/101/clone", newid=102)
    assert bench.volumes(102)[0].used == 0


def test_a_volume_grows_moves_and_changes_its_owner(bench: Bench) -> None:
    bench.call("POST", "/storage", storage="tank", type="zfspool", pool="rpool/data", content="rootdir")
    bench.container(101, mp0="local-lvm:1,mp=/data")
    bench.container(102)
    bench.ok("PUT", "lxc/101/resize", disk="mp0", size="+1G")
    bench.ok("POST", "lxc/101/move_volume", volume="mp0", storage="tank", delete=1)
    assert bench.guest(101).config["mp0"] == "tank:subvol-101-disk-0,mp=/data,size=2G"
    bench.ok("POST", "lxc/101/move_volume", volume="mp0", target_vmid=102)
    assert "mp0" not in bench.guest(101).config
    assert bench.guest(102).config["mp0"] == "tank:subvol-102-disk-0,mp=/data,size=2G"


def test_a_running_container_is_moved_by_a_restart(three_nodes: Bench) -> None:
    three_nodes.container(101, rootfs="nfs1:4", mp0="local-lvm:1,mp=/data")
    three_nodes.ok("POST", "lxc/101/status/start")
    with pytest.raises(ApiError, match="can't migrate running container without --online or --restart"):
        three_nodes.call("POST", "lxc/101/migrate", target="pve2")
    three_nodes.ok("POST", "lxc/101/migrate", target="pve2", restart=1)
    guest = three_nodes.guest(101)
    assert (guest.node, guest.status) == ("pve2", "running")
    assert {volume.node for volume in three_nodes.volumes(101)} == {"", "pve2"}


def test_a_snapshot_of_a_container_can_be_gone_back_to(bench: Bench) -> None:
    bench.container(101, memory=256)
    bench.ok("POST", "lxc/101/snapshot", snapname="before")
    bench.call("PUT", "lxc/101/config", memory=512, mp0="local-lvm:1,mp=/data")
    bench.ok("POST", "lxc/101/snapshot/before/rollback", start=1)
    guest = bench.guest(101)
    assert (guest.config["memory"], guest.status) == ("256", "running")
    assert guest.config["unused0"] == "local-lvm:vm-101-disk-1"


def test_destroying_by_force_stops_a_container_first(bench: Bench) -> None:
    bench.container(101)
    bench.ok("POST", "lxc/101/status/start")
    bench.ok("DELETE", "lxc/101", force=1, purge=1)
    assert 101 not in bench.datacenter.guests
    assert not bench.volumes(101)
