"""Waiting until a virtual machine is of use; and what never hangs."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Iterator

import pytest

from providers._guests import patience, waiting
from providers._guests.place import Place
from providers._runtime.errors import InvalidValue, Missing, TookTooLong
from tests.conftest import Simulator
from tests.providers.guests import Driver, tasks
from tests.providers.test_vm import CLONE, SMALL


@pytest.fixture
def ssh_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Something on loopback that says hello as an SSH server does."""
    listener = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(waiting, "SSH_PORT", listener.getsockname()[1])

    def greet() -> None:
        try:
            while True:
                line, _ = listener.accept()
                with line:
                    line.sendall(b"SSH-2.0-OpenSSH_10.0\r\n")
        except OSError:
            return

    server = threading.Thread(target=greet)
    server.start()
    yield
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    server.join()


@pytest.mark.parametrize("what", ["agent", "ip"])
def test_a_guest_counts_as_made_when_its_agent_tells_what_is_waited_for(vm: Driver, what: str) -> None:
    assert vm.up({**CLONE, "wait_for": what})["started"] is True


def test_where_others_reach_it_is_an_output_and_stays_one_without_asking_again(vm: Driver) -> None:
    (address,) = vm.up({**CLONE, "wait_for": "ip"})["addresses"]

    assert ipaddress.ip_address(address).version == 4
    vm.again()
    assert vm.drift() == {}
    assert vm.outputs["addresses"] == [address]


def test_an_address_that_cloud_init_gives_is_known_without_waiting(vm: Driver) -> None:
    fixed = {"ipconfig": {"ipconfig0": {"ip": "192.0.2.7/24", "ip6": "2001:db8::7/64"}}}
    assert vm.up({**CLONE, **fixed})["addresses"] == ["192.0.2.7", "2001:db8::7"]

    vm.again()
    assert vm.up({**CLONE, "ipconfig": {"ipconfig0": {"ip": "192.0.2.8/24"}}})["addresses"] == ["192.0.2.8"]


@pytest.mark.usefixtures("ssh_server")
def test_it_counts_as_made_when_one_can_log_in(vm: Driver) -> None:
    on_loopback = {**CLONE, "ipconfig": {"ipconfig0": {"ip": "127.0.0.1/8"}}}

    assert vm.up({**on_loopback, "wait_for": "ssh"})["started"] is True


def test_an_agent_that_does_not_answer_costs_the_budget_and_no_more(
    vm: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.05)
    silent = {**SMALL, "agent": {"enabled": True}, "wait_for": "agent", "wait_seconds": 0.3}

    with pytest.raises(TookTooLong, match=r"waiting for its agent has taken more than 0.3 s"):
        vm.up(silent)


def test_a_guest_whose_wait_was_in_vain_is_kept_and_gone_on_with(
    vm: Driver, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PAUSE", 0.05)
    silent = {**SMALL, "agent": {"enabled": True}, "wait_for": "agent", "wait_seconds": 0.1}
    with pytest.raises(TookTooLong):
        vm.up(silent)
    heir = Driver(simulator, "vm")

    heir.up({**silent, "wait_for": "none"})

    assert heir.drift() == {}
    assert len(simulator.by_hand("GET", "/nodes/pve1/qemu")) == 2


def test_a_guest_without_an_agent_is_refused_in_preview(vm: Driver) -> None:
    assert "it has none" in vm.problems({**SMALL, "wait_for": "ip"})["wait_for"]


def test_a_guest_that_is_not_started_is_refused_in_preview(vm: Driver) -> None:
    stopped = {**SMALL, "agent": {"enabled": True}, "started": False, "wait_for": "agent"}

    assert "not started" in vm.problems(stopped)["wait_for"]


def test_a_copy_whose_agent_is_off_says_so_at_once(vm: Driver, simulator: Simulator) -> None:
    simulator.by_hand("PUT", "/nodes/pve1/qemu/9000/config", {"agent": "enabled=0"})

    with pytest.raises(InvalidValue, match="will never answer"):
        vm.up({**CLONE, "wait_for": "agent", "wait_seconds": 100})


def test_a_guest_that_was_stopped_meanwhile_says_so_at_once(vm: Driver, simulator: Simulator) -> None:
    vm.up(CLONE)
    simulator.by_hand("POST", f"/nodes/pve1/{vm.id}/status/stop")
    place = Place("qemu", vm.outputs["vmid"], "pve1")

    with pytest.raises(InvalidValue, match=r"VM \d+ is not running"):
        waiting.wait(vm.api, place, {"wait_for": "ip"})


def test_cloud_init_is_waited_for_to_its_end(vm: Driver) -> None:
    assert vm.up({**CLONE, "wait_for": "cloud-init"})["started"] is True


def say_inside(simulator: Simulator, vm: Driver, result: str) -> None:
    """Let cloud-init have come to that result."""
    file = {"file": "/run/cloud-init/result.json", "content": f'{{"v1": {result}}}'}
    simulator.by_hand("POST", f"/nodes/pve1/{vm.id}/agent/exec", {"command": ["mkdir", "-p", "/run/cloud-init"]})
    simulator.by_hand("POST", f"/nodes/pve1/{vm.id}/agent/file-write", file)


def test_cloud_init_that_failed_fails_the_run_and_one_that_complained_is_reported(
    vm: Driver, simulator: Simulator
) -> None:
    vm.up(CLONE)
    waits = {**CLONE, "wait_for": "cloud-init"}
    say_inside(simulator, vm, '{"recoverable_errors": {"WARNING": ["no such package"]}}')

    vm.again()
    vm.up(waits)
    assert vm.warnings == [f"cloud-init of {vm.id} is through, with complaints: status: degraded"]

    say_inside(simulator, vm, '{"errors": ["no network"]}')
    vm.again()
    with pytest.raises(Missing, match="has failed: status: error"):
        vm.up({**waits, "tags": ["again"]})


def test_neither_preview_nor_refresh_ask_the_agent(vm: Driver, simulator: Simulator) -> None:
    waits = {**CLONE, "wait_for": "ip"}
    vm.up(waits)
    simulator.forget_requests()

    vm.again()
    vm.check({**waits, "memory": 4096})
    assert vm.drift() == {}

    assert tasks(simulator) == []
    assert not [row for row in simulator.requests() if "/agent/" in row["path"]]
