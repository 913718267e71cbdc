"""What goes wrong on a host while a program runs: it is got over, or told in one line, and nothing is lost by it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.conftest import Simulator
from tests.engine import Program, Resource, Result
from tests.integration.guests import clones, config, guests
from tests.runtime.doors import password_of

pytestmark = pytest.mark.engine

GUEST = "/nodes/pve1/qemu/[1-9][0-9]{5}"
"""Where the program's own guests are: their numbers have six digits."""
LOCKED = "can't lock file '/var/lock/qemu-server/lock-9000.conf' - got timeout"
CHANGED = "detected modified configuration - file changed by other user? Try again."
TICKET = "permission denied - invalid PVE ticket"
GIB = 1 << 30


@dataclass(frozen=True)
class Trouble:
    """Something that goes wrong, as orders to the control plane."""

    orders: tuple[tuple[str, Mapping[str, Any]], ...]
    says: tuple[str, ...] = ()
    """What the failing run tells; nothing where it gets over the trouble by itself."""
    ends: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """What mends it, besides forgetting the ordered faults."""
    guest: Mapping[str, Any] = field(default_factory=dict)
    """What is special about the guests."""
    count: int = 6
    login: Mapping[str, Any] = field(default_factory=dict)
    """Settings of a connection with root's password, in place of the token."""


def call(action: str, method: str, path: str, **more: Any) -> tuple[str, Mapping[str, Any]]:
    """Disturb calls."""
    return "faults", {"action": action, "method": method, "path": path, **more}


def task(type_: str, text: str, count: int) -> tuple[str, Mapping[str, Any]]:
    """Let tasks fail."""
    return "task-faults", {"type": type_, "text": text, "count": count}


TROUBLES = {
    "locks are busy and neighbours write": Trouble(
        (
            call("fail", "POST", ".*/9000/clone", reason=LOCKED, count=20),
            call("fail", "PUT", f"{GUEST}/config", reason=CHANGED, count=20),
            task("qmclone", LOCKED, 5),
            task("qmstart", LOCKED, 5),
        ),
        count=30,
    ),
    "gateways are overloaded and connections break": Trouble(
        (
            call("fail", "GET", ".*/config", status=503, reason="Service Unavailable", count=5),
            call("fail", "PUT", f"{GUEST}/.*", status=596, reason="Connection timed out", count=5),
            call("fail", "POST", ".*/clone", status=595, reason="No route to host", count=5),
            call("drop", "POST", ".*/9000/clone", nth=3, count=4),
            call("drop", "GET", f"{GUEST}/config", count=3),
            call("drop", "PUT", f"{GUEST}/.*", nth=3, count=4),
        )
    ),
    "a ticket expires and answers come too late": Trouble(
        (
            call("fail", ".*", f"{GUEST}/.*", status=401, reason=TICKET),
            call("delay", "POST", ".*/9000/clone", seconds=3, count=2),
        ),
        login={"request_timeout": 1.5},
        count=4,
    ),
    "tasks fail and an answer is lost": Trouble(
        (
            call("fail", "POST", ".*/clone", status=596, reason="Broken pipe"),
            task("qmclone", "clone failed: copy failed: exit code 1", 1),
            task("resize", "lvextend error: exit code 5", 1),
            task("qmstart", "QEMU exited with code 1", 1),
        ),
        says=(
            r"Broken pipe \(POST /nodes/pve1/qemu/9000/clone, status 596\)",
            r"cloning qemu/9000 to qemu/\d+ failed: clone failed: copy failed",
            r"growing scsi0 of qemu/\d+ to 12G failed: lvextend error",
            r"start of qemu/\d+ failed: QEMU exited with code 1",
        ),
    ),
    "a storage is full": Trouble(
        (("storages", {"storage": "local-lvm", "free": 2 * GIB}),),
        says=(r"cloning qemu/9000 to qemu/\d+ failed: .*free space in thin pool",),
        ends=(("storages", {"storage": "local-lvm", "free": 1000 * GIB}),),
        guest={"clone": {"vmid": 9000, "full": True}},
    ),
    "tasks hang": Trouble(
        (("clock", {"mode": "held"}),),
        says=(r"cloning qemu/9000 to qemu/\d+ is still running; the task goes on as UPID:",),
        ends=(("clock", {"mode": "immediate"}),),
        guest={"timeouts": {"create": 3}},
    ),
}


def said_in_one_line(result: Result, words: str) -> bool:
    """Whether a resource's error is told in a line of its own, without a traceback."""
    return "Traceback" not in result.text and any(re.search(words, line) for line in result.diagnostics.splitlines())


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_trouble_costs_a_second_run_at_most_and_loses_nothing(
    trouble: Trouble, program: Program, simulator: Simulator
) -> None:
    if trouble.login:
        (simulated,) = simulator.running.connections.values()
        root = {"username": "root@pam", "password": password_of(simulator), "ca_file": str(simulated.ca_file)}
        program.connect({"endpoints": simulated.endpoints, **root, **trouble.login})
    program.declare(clones(trouble.count, **trouble.guest))
    for command, body in trouble.orders:
        simulator.control("POST", command, body)

    met = program.up("--continue-on-error")

    if trouble.says:
        assert met.code != 0
        assert [words for words in trouble.says if not said_in_one_line(met, words)] == [], met.text
        simulator.control("DELETE", "faults")
        for command, body in trouble.ends:
            simulator.control("POST", command, body)
        met = program.up()
    assert met.code == 0, met.text
    as_declared(simulator, program, trouble.count)


def as_declared(simulator: Simulator, program: Program, count: int) -> None:
    """Each guest is there once, as large as declared, and runs; and the next run has nothing to do."""
    there = guests(simulator)
    assert set(there) == {f"web-{number}" for number in range(1, count + 1)}
    assert {row["status"] for row in there.values()} == {"running"}
    assert {f"qemu/{row['vmid']}" for row in there.values()} == {made["id"] for made in program.state().values()}
    assert all("size=12G" in config(simulator, row["vmid"])["scsi0"] for row in there.values())
    again = program.up()
    assert (again.code, again.changes) == (0, {}), again.text


def test_a_node_that_goes_down_keeps_its_guests_and_its_place_in_the_state(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(cluster)
    program.declare(spread(memory=512))
    assert program.up().changes == {"create": 6}
    ids = {name: resource["id"] for name, resource in program.state().items()}
    program.declare(spread(memory=1024))
    cluster.control("POST", "nodes", {"node": "pve2", "online": False})

    met = program.up("--continue-on-error")

    assert met.code != 0
    assert said_in_one_line(met, "pve2 is offline"), met.text
    assert program.refresh().code == 0, "what is known of its guests is kept"
    assert {name: resource["id"] for name, resource in program.state().items()} == ids
    cluster.control("POST", "nodes", {"node": "pve2", "online": True})
    mended = program.up()
    assert mended.code == 0, mended.text
    rows = [row for row in cluster.by_hand("GET", "/cluster/resources", {"type": "vm"}) if not row.get("template")]
    assert sorted(row["id"] for row in rows) == sorted(ids.values())
    assert {row["maxmem"] for row in rows} == {1024 << 20}
    assert program.up().changes == {}


def spread(memory: int) -> dict[str, Resource]:
    """Machines on two nodes, which don't start with their node."""
    usual = {"disks": {"scsi0": {"storage": "local-lvm", "size": "1G"}}, "started": False, "memory": memory}
    return {
        f"vm{number}": Resource("providers.vm.VirtualMachine", {**usual, "node": f"pve{1 + number % 2}"})
        for number in range(6)
    }
