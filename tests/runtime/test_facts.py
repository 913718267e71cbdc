"""What is asked of a cluster once and shared by all that need it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from providers._runtime import facts as module
from providers._runtime.errors import Unreachable
from providers._runtime.facts import Facts
from tests.conftest import Simulator
from tests.runtime.doors import at_once, connection_to, dead_endpoint, opened, requests_on

RESOURCES = "/cluster/resources"


@pytest.fixture
def facts(cluster: Simulator) -> Iterator[Facts]:
    """What is known of the cluster of three nodes."""
    with opened(connection_to(cluster), parallel=32) as client:
        yield Facts(client)


def test_one_request_serves_all_that_ask_at_once(facts: Facts, cluster: Simulator) -> None:
    cluster.fail(action="delay", path=RESOURCES, seconds=0.3)
    seen: list[int] = []

    at_once(32, lambda: seen.append(len(facts.resources())))

    assert requests_on(cluster, RESOURCES) == 1
    assert len(set(seen)) == 1


def test_nodes_storages_and_bridges_are_told_by_name(facts: Facts, cluster: Simulator) -> None:
    node = facts.node("pve2")
    assert node
    assert node["status"] == "online"
    assert facts.node("pve9") is None
    assert {"local", "local-lvm", "nfs1"} <= set(facts.storages("pve1"))
    assert facts.bridges("pve1") == {"vmbr0", "vmbr1"}
    assert "VM.Audit" in facts.permissions()["/"]
    assert requests_on(cluster, RESOURCES) == 1


def test_a_guest_is_found_on_its_node(facts: Facts) -> None:
    assert facts.node_of(9000) == "pve1"


def test_a_guest_that_is_not_known_is_looked_for_again(
    facts: Facts, cluster: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECENT", 0.0)
    facts.resources()
    guest = {"vmid": 100, "type": "qemu", "node": "pve3", "config": {"name": "new"}, "status": "stopped"}
    cluster.control("POST", "seed", {"table": "guests", "records": [guest]})

    assert facts.node_of(100) == "pve3"
    assert requests_on(cluster, RESOURCES) == 2


def test_a_guest_that_moved_is_found_by_looking_again(
    facts: Facts, cluster: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECENT", 0.0)
    guest = {"vmid": 100, "type": "qemu", "node": "pve3", "config": {}, "status": "stopped"}
    cluster.control("POST", "seed", {"table": "guests", "records": [guest]})
    assert facts.node_of(100) == "pve3"
    cluster.control("POST", "seed", {"table": "guests", "records": [{**guest, "node": "pve2"}]})

    assert facts.node_of(100, look_again=True) == "pve2"


def test_what_this_run_has_placed_needs_no_question(facts: Facts, cluster: Simulator) -> None:
    facts.place(100, "pve2")

    assert facts.node_of(100) == "pve2"
    assert requests_on(cluster, RESOURCES) == 0
    facts.place(100, None)
    assert facts.node_of(100) is None


def test_a_guest_that_is_nowhere_is_told_so(facts: Facts) -> None:
    assert facts.node_of(4711) is None


def test_an_identity_that_may_not_look_at_the_network_knows_no_bridges(facts: Facts, cluster: Simulator) -> None:
    cluster.fail(action="fail", path="/nodes/pve1/network", status=403)

    assert facts.bridges("pve1") is None


def test_a_vmid_is_promised_to_one_resource_only(facts: Facts) -> None:
    assert facts.reserve(100, "one")
    assert facts.reserve(100, "one")
    assert not facts.reserve(100, "other")


def test_what_this_run_will_make_is_known_before_it_is_there(facts: Facts) -> None:
    assert not facts.announced("storage", "nfs9")
    facts.announce("storage", "nfs9")
    assert facts.announced("storage", "nfs9")


def test_what_was_forgotten_is_asked_again(facts: Facts, cluster: Simulator) -> None:
    facts.resources()
    facts.forget()
    facts.resources()

    assert requests_on(cluster, RESOURCES) == 2


def test_a_host_that_is_down_is_asked_once_by_all(simulator: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "proxmox")
    with opened(connection_to(simulator, endpoints=[dead_endpoint()]), parallel=16) as client:
        facts = Facts(client)

        def ask() -> None:
            with pytest.raises(Unreachable, match="can't be reached"):
                facts.resources()

        at_once(16, ask)

    assert len(caplog.messages) == 2, "one try, and one more: it has one endpoint"


def test_a_host_that_refused_once_is_asked_again_and_believed(facts: Facts, cluster: Simulator) -> None:
    cluster.fail(action="fail", path=RESOURCES, status=599)

    assert facts.resources()


def test_a_host_that_never_answers_counts_as_down(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.4)
    simulator.fail(action="delay", path=RESOURCES, seconds=2, count=9)
    with opened(connection_to(simulator)) as client, pytest.raises(Unreachable):
        Facts(client).resources()
