"""Live containers touch nothing of the machine around them, and nothing of them outlives their simulator."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from simulator import daemon
from simulator.live import machine
from tests.simulator.conftest import client_of
from tests.simulator.live.lab import TWO_NODES, Lab, live_lab, until


def _machine() -> dict[str, str]:
    """What somebody on the machine sees of its network and mounts."""
    looks = {"link": ["link"], "address": ["-4", "address"], "route": ["route"], "rules": ["rule"]}
    seen = {
        name: subprocess.run(["ip", "-o", *words], capture_output=True, text=True, check=True).stdout
        for name, words in looks.items()
    }
    return seen | {"mounts": Path("/proc/self/mounts").read_text(encoding="utf-8")}


def _parents() -> dict[int, int]:
    """The parent of everything that runs."""
    rows = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            rows[int(stat.parent.name)] = int(fields[1])
    return rows


def _networks(processes: Iterable[int]) -> dict[int, str]:
    """The network that each of some processes is in."""
    found = {}
    for pid in processes:
        with contextlib.suppress(OSError):
            found[pid] = os.readlink(f"/proc/{pid}/ns/net")
    return found


def _own_networks(pid: int) -> set[str]:
    """The networks that a process and all that descend from it have made."""
    parents, found = _parents(), {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return set(_networks(found).values()) - {os.readlink("/proc/self/ns/net")}


def _alive(networks: set[str]) -> set[int]:
    """Everything that runs in one of these networks."""
    return {pid for pid, network in _networks(_parents()).items() if network in networks}


def _busy(lab: Lab) -> set[str]:
    """Start two containers and a node's daemon, and return the networks that the simulator has made."""
    for vmid in (101, 201):
        lab.start(vmid, f"bridge=vmbr0,ip=10.1.0.{vmid}/24")
        lab.ok(vmid, "setsid sleep 1000 >/dev/null 2>&1 &")
    assert lab.reaches(101, "10.1.0.201")
    if shutil.which("haproxy"):
        lab.remote("pve1").ok("apt-get install --yes haproxy && systemctl is-active --quiet haproxy")
    networks = _own_networks(lab.running.pid)
    assert len(networks) == 5  # of the cables, two nodes and two containers
    assert len(_alive(networks)) > 10
    return networks


def test_the_machine_stays_as_it_is_and_stopping_leaves_no_process(tmp_path: Path) -> None:
    before = _machine()
    with live_lab(tmp_path) as lab:
        networks = _busy(lab)
        assert _machine() == before
        lab.client.call("POST", "/nodes/pve1/lxc/101/status/stop")  # the simulator ends while it is at work
    assert _alive(networks) == set()
    assert _machine() == before


def test_nothing_outlives_a_simulator_that_is_killed_and_its_containers_come_back(tmp_path: Path) -> None:
    before = _machine()
    with live_lab(tmp_path) as lab:
        networks = _busy(lab)
        lab.ok(101, "echo kept >/root/file")
        os.kill(lab.running.pid, signal.SIGKILL)
        until(lambda: not _alive(networks))
        assert _machine() == before
        again = Lab(daemon.ensure(lab.running.home, str(tmp_path / "topology.yaml")), lab.client)
        assert again.status(101)["status"] == "running"
        assert again.ok(101, "cat /root/file") == "kept\n"
        until(lambda: again.reaches(101, "10.1.0.201"))
        again.close()


def test_two_simulators_do_not_disturb_each_other(lab: Lab, tmp_path: Path) -> None:
    with live_lab(tmp_path) as other:
        for each in (lab, other):
            each.start(101, "bridge=vmbr0,ip=10.1.0.1/24")
        lab.start(201, "bridge=vmbr0,ip=10.1.0.2/24")
        lab.ok(101, "echo here >/root/file")
        assert lab.reaches(101, "10.1.0.2")
        assert not other.reaches(101, "10.1.0.2")
        assert other.inside(101, "cat /root/file").code != 0


def test_a_reset_forgets_what_containers_have_written(lab: Lab) -> None:
    lab.start(101)
    lab.ok(101, "echo old >/root/file")
    lab.client.control("reset", {})
    lab.start(101)
    assert lab.ok(101, "ls /root") == ""


def test_where_it_cannot_be_done_the_model_serves_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ip", "mount", "unshare"):
        (tmp_path / name).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "lab.yaml").write_text(TWO_NODES, encoding="utf-8")
    running = daemon.ensure(tmp_path / "home", str(tmp_path / "lab.yaml"))
    try:
        assert running.guests.startswith("modelled: live guests need ")
        lab = Lab(running, client_of(running))
        lab.start(101)
        assert lab.log[0] == f"the guests are {running.guests}"
        assert lab.ok(101, "hostname") == "ct101\n"
        lab.close()
    finally:
        daemon.stop(tmp_path / "home")


def test_what_is_missing_is_named_with_its_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name.startswith(("ovs", "nft")) else f"/{name}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    reason = asyncio.run(machine.obstacle(tmp_path))
    assert reason.startswith("live guests need ovs-vswitchd, ")
    assert reason.endswith("install with: apt install nftables openvswitch-switch")
