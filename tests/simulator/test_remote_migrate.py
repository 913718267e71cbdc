"""Moving guests between clusters that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import ApiError, ParamError
from simulator.state import Datacenter
from tests.simulator.guest_bench import SECRET, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two hosts; the first has a machine 101 and a container 102."""
    made = Bench.open(tmp_path, "two-hosts")
    made.ok("POST", "qemu/9000/clone", newid=101, name="web")
    made.container(102, net0="name=eth0,bridge=vmbr0,ip=manual")
    return made


@pytest.fixture
def there(bench: Bench) -> Datacenter:
    """The second host."""
    return list(bench.world.datacenters.values())[1]


@pytest.fixture
def move(bench: Bench, there: Datacenter) -> Callable[..., Any]:
    """Begins to move a guest to the second host."""
    address = next(iter(there.nodes)).ip

    def begin(guest: str, **values: Any) -> Any:
        endpoint = (
            f"host={values.pop('host', address)},apitoken=PVEAPIToken=root@pam!labs={values.pop('secret', SECRET)}"
        )
        wanted = {"target-endpoint": endpoint, "target-storage": "local-lvm", "target-bridge": "vmbr1", **values}
        upid = bench.call("POST", f"{guest}/remote_migrate", **wanted)
        return bench.task(upid)

    return begin


def test_a_stopped_machine_is_copied_and_its_original_stays(
    bench: Bench, there: Datacenter, move: Callable[..., Any]
) -> None:
    task = move("qemu/101", target_vmid=201)
    assert task.exitstatus == "OK", task.log
    moved = there.guests[201]
    assert moved.config["scsi0"].startswith("local-lvm:vm-201-disk-0,")
    assert moved.config["ide2"].startswith("local-lvm:vm-201-cloudinit,")
    assert moved.config["net0"] == bench.guest(101).config["net0"].replace("vmbr0", "vmbr1")
    assert {volume.volid for volume in there.volumes.by("vmid", 201)} == {
        "local-lvm:vm-201-disk-0", "local-lvm:vm-201-cloudinit",
    }  # fmt: skip
    assert (bench.guest(101).status, bench.guest(101).lock) == ("stopped", None)


def test_a_running_machine_goes_online_and_leaves_nothing_when_it_is_to_be_deleted(
    bench: Bench, there: Datacenter, move: Callable[..., Any]
) -> None:
    bench.ok("POST", "qemu/101/status/start")
    bench.call("POST", "qemu/101/agent/file-write", file="/root/note", content="mine")
    with pytest.raises(ApiError, match="can't migrate running VM without --online"):
        move("qemu/101")
    assert move("qemu/101", online=1, delete=1).exitstatus == "OK"
    assert there.guests[101].status == "running"
    assert 101 not in bench.datacenter.guests
    assert not bench.volumes(101)
    (system,) = [volume for volume in there.volumes.by("vmid", 101) if "disk" in volume.name]
    assert system.files["/root/note"].text == "mine"


def test_a_running_container_is_restarted_there(bench: Bench, there: Datacenter, move: Callable[..., Any]) -> None:
    bench.ok("POST", "lxc/102/status/start")
    with pytest.raises(ApiError, match="can't migrate running container without --online or --restart"):
        move("lxc/102")
    assert move("lxc/102", restart=1).exitstatus == "OK"
    assert there.guests[102].status == "running"
    assert "bridge=vmbr1" in there.guests[102].config["net0"]
    assert bench.guest(102).status == "stopped"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"host": "192.0.2.250"}, "500 Can't connect to 192.0.2.250:8006 (No route to host)"),
        ({"secret": "wrong"}, "401 Authentication failed!"),
        ({"target-storage": "nope"}, "remote: storage 'nope' does not exist (or missing permission)!"),
        ({"target-storage": "local"}, "remote: storage 'local' cannot store images"),
        ({"target-bridge": "vmbr9"}, "remote: bridge 'vmbr9' does not exist (or missing permission)!"),
    ],
)
def test_what_the_other_cluster_lacks_is_refused(move: Callable[..., Any], change: dict[str, Any], text: str) -> None:
    with pytest.raises(ApiError) as refused:
        move("qemu/101", **change)
    assert refused.value.message == text


def test_a_number_that_is_taken_there_fails_the_task_and_leaves_all_as_it_was(
    bench: Bench, there: Datacenter, move: Callable[..., Any]
) -> None:
    task = move("qemu/101", target_vmid=9000)
    assert task.exitstatus.startswith("unable to create VM 9000 - VM 9000 already exists on node")
    assert bench.guest(101).lock is None
    assert there.guests[9000].template


def test_an_endpoint_that_is_none_is_refused(bench: Bench) -> None:
    with pytest.raises(ParamError) as refused:
        bench.call(
            "POST", "qemu/101/remote_migrate",
            **{"target-endpoint": "host=192.0.2.1", "target-storage": "1", "target-bridge": "1"},
        )  # fmt: skip
    assert list(refused.value.errors) == ["target-endpoint"]


def test_a_tunnel_lets_in_who_has_its_ticket(bench: Bench) -> None:
    opened = bench.call("POST", "qemu/300/mtunnel", storages="local-lvm")
    assert opened["socket"] == "/run/qemu-server/300.mtunnel"
    assert ":qmtunnel:300:" in opened["upid"]
    door = {"socket": opened["socket"], "ticket": opened["ticket"]}
    assert bench.call("GET", "qemu/300/mtunnelwebsocket", **door) == {"socket": opened["socket"]}
    with pytest.raises(ApiError, match="invalid PVETUNNEL ticket"):
        bench.call("GET", "qemu/300/mtunnelwebsocket", **door | {"socket": "/run/qemu-server/301.mtunnel"})
    with pytest.raises(ApiError, match="already exists"):
        bench.call("POST", "qemu/101/mtunnel")
