"""What is taken over and what is left out, where there is more to it than reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cli.adoption.finding import Finder, Findings
from cli.adoption.known import Known
from cli.adoption.reach import Reach
from providers._runtime.facts import Facts
from simulator.daemon import SimulatedConnection
from tests.conftest import Simulator
from tests.runtime.doors import access_to, connection_to, opened

Find = Callable[..., Findings]
QM = "/nodes/pve1/qemu"
CONFIG = {
    "name": "gpu",
    "memory": "512",
    "args": "-device secret",
    "hostpci0": "0000:01:00.0,pcie=1",
    "hostpci1": "mapping=share",
    "unused0": "local-lvm:vm-700-disk-9",
    "net0": "virtio=BC:24:11:00:00:07,bridge=vmbr9",
    "net1": "virtio=BC:24:11:00:00:08,bridge=vmbr0",
    "scsi0": "local-lvm:vm-700-disk-0,size=2G,from-the-future=1",
    "lock": "backup",
}
"""What root has written into a configuration himself."""


@pytest.fixture
def find(cluster: Simulator) -> Iterator[Find]:
    """Reads the cluster, with a connection of which something may be changed."""
    with ExitStack() as doors:
        yield lambda reach=Reach(), **changes: Finder(  # noqa: B008 - it can't be changed
            Facts(doors.enter_context(opened(connection_to(cluster, ssh=access_to(cluster), **changes)))),
            reach,
            "mine",
            Known(),
        ).all()


def test_what_no_token_may_set_and_what_no_field_carries_stays_on_the_host(cluster: Simulator, find: Find) -> None:
    guest = {"vmid": 700, "type": "qemu", "node": "pve1", "config": CONFIG}
    cluster.control("POST", "seed", {"table": "guests", "records": [guest]})

    found = find()

    args = _args(found, "VirtualMachine", "gpu")
    assert {*args} == {"name", "node", "vmid", "started", "disks"}
    assert args["disks"] == {"scsi0": {"storage": "local-lvm", "size": "2G"}}
    notes = "\n".join(each.why for each in found.left_out if each.what == "of VirtualMachine gpu")
    assert "args: only root@pam may set it" in notes
    assert "unused0: no field carries this, and it stays as it is" in notes
    assert "disks: no field carries this, and it stays as it is: from-the-future" in notes
    assert "hostpci: only root@pam may set it" in notes
    assert "net.net0: there is no bridge or VNet 'vmbr9' on pve1" in notes


def test_what_is_staged_and_does_not_run_is_left_alone(cluster: Simulator, find: Find) -> None:
    cluster.by_hand("POST", "/cluster/sdn/zones", {"zone": "inner", "type": "simple"})
    cluster.by_hand("PUT", "/cluster/sdn")
    cluster.by_hand("PUT", "/cluster/sdn/zones/inner", {"mtu": 1400})
    cluster.by_hand("PUT", "/nodes/pve2/network/vmbr1", {"type": "bridge", "mtu": 1400})

    found = find()

    left = {each.what: each.why for each in found.left_out}
    assert left["SdnZone inner simple"].startswith("changes are staged that nobody has applied")
    assert "waits to be applied on pve2" in left["NodeNetwork pve2"]
    assert not _named(found, "SdnZone")
    assert _named(found, "NodeNetwork") == ["pve1", "pve3"]


def test_what_the_connection_may_not_do_is_told(cluster: Simulator, find: Find) -> None:
    cluster.by_hand("POST", "/access/users", {"userid": "eve@pve"})
    token = cluster.by_hand("POST", "/access/users/eve@pve/token/tok", {"privsep": 0})
    cluster.by_hand("PUT", "/access/acl", {"path": "/", "roles": "PVEAuditor", "users": "eve@pve"})

    found = find(token_id="eve@pve!tok", token_secret=token["value"])

    assert not any(found.families.values())
    left = {each.what: each.why for each in found.left_out}
    assert "VM." in left["VirtualMachine debian-13-template"]
    assert "Datastore.Allocate" in left["Storage nfs1"] + left.get("all of type Storage", "")


def test_a_node_that_is_down_keeps_nobody_from_reading_the_others(cluster: Simulator, find: Find) -> None:
    cluster.by_hand("POST", "/nodes/pve3/qemu", {"vmid": 300, "name": "away"})
    cluster.control("POST", "nodes", {"node": "pve3", "online": False})
    try:
        found = find()
    finally:
        cluster.control("POST", "nodes", {"node": "pve3", "online": True})

    assert _named(found, "NodeTime") == ["pve1", "pve2"]
    assert "VirtualMachine 300 pve3" in {each.what for each in found.left_out}
    assert "debian-13-template" in _named(found, "VirtualMachine")


@pytest.mark.parametrize("topology", ["simulator", "cluster", "two_hosts", "three_hosts", "classroom"])
def test_of_what_the_simulator_begins_with_everything_is_taken_over(
    topology: str, request: pytest.FixtureRequest
) -> None:
    simulated: Simulator = request.getfixturevalue(topology)
    for each in simulated.running.connections.values():
        changes = {"endpoints": each.endpoints, "token_id": each.token_id, "token_secret": each.token_secret}
        connection = connection_to(simulated, ssh=access_to(simulated, hosts=_hosts(each)), **changes)
        with opened(connection) as client:
            found = Finder(Facts(client), Reach(), "mine", Known()).all()

        assert {each.what for each in found.left_out} == {"ApiToken root@pam!labs"}
        assert _named(found, "NodeNetwork") == _named(found, "NodeDns") == sorted(each.ssh)


def _hosts(connection: SimulatedConnection) -> dict[str, dict[str, object]]:
    """How its nodes are reached over SSH."""
    return {
        node: {"address": host.address, "port": host.port, "host_key": host.public_key}
        for node, host in connection.ssh.items()
    }


def _named(found: Findings, class_name: str) -> list[str]:
    return [each.name for family in found.families.values() for each in family if each.class_name == class_name]


def _args(found: Findings, class_name: str, name: str) -> dict[str, object]:
    (args,) = [
        each.it.args
        for family in found.families.values()
        for each in family
        if (each.class_name, each.name) == (class_name, name)
    ]
    return args
