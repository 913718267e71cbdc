"""Changes of the network are transactions: one apply for all, and a failing one leaves what runs as it was."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers._runtime.client import Client
from providers._runtime.errors import ProxmoxError, TookTooLong
from providers._sdn.journal import Journal
from simulator import daemon
from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.integration.test_kill import everything, kill, wait_for
from tests.providers.network import Network, zone
from tests.runtime.doors import connection_to, requests_on

ZONE = "providers.sdn_zone.SdnZone"
VNET = "providers.sdn_vnet.SdnVnet"


@pytest.fixture(autouse=True)
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a run keeps its notes on what it has staged."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "proxmox"


@pytest.fixture
def network(simulator: Simulator) -> Network:
    """The network of a host that stands alone."""
    return Network(simulator)


@pytest.fixture
def three_nodes(cluster: Simulator) -> Network:
    """The network of a cluster."""
    return Network(cluster)


# ---------------------------------------------------------------- together


def test_twenty_zones_at_the_same_moment_are_one_apply(network: Network) -> None:
    first = network.driver("r0")
    drivers = [first, *(network.driver(f"r{number}", beside=first) for number in range(1, 20))]
    network.simulator.forget_requests()

    told = network.together([(driver, zone(number + 1)) for number, driver in enumerate(drivers)])

    assert set(told) == {""}
    assert (network.applied, network.count("POST", "/cluster/sdn/lock")) == (1, 1)
    assert len(network.running()["zones"]) == 20
    assert not network.locked()


@pytest.mark.engine
def test_a_run_with_twenty_vnets_is_one_apply_and_costs_little(network: Network, program: Program) -> None:
    vnets = [{"vnet": f"v{number}", "zone": "lan", "tag": number} for number in range(1, 21)]
    lan = Resource(ZONE, {"zone": "lan", "type": "vlan", "bridge": "vmbr0"})
    program.declare({"lan": lan, **{str(args["vnet"]): Resource(VNET, args, ("lan",)) for args in vnets}})

    up = program.up()
    assert up.changes == {"create": 21}, up.text
    assert network.applied == 2, "the zone, and then all of its VNets"
    assert "pve1, interfaces-diff:" in up.diagnostics
    assert "+iface v20" in up.diagnostics

    network.simulator.forget_requests()
    assert program.preview().changes == {}
    assert network.simulator.requests() == []
    assert not program.refresh().changes
    assert len(network.simulator.requests()) <= 3, "one list of each kind"

    destroy = program.destroy()
    assert destroy.code == 0, destroy.text
    assert network.applied == 2, "the VNets, and then the zone"
    assert network.running() == {"zones": [], "vnets": [], "subnets": []}


def test_a_zone_of_its_own_takes_few_requests(network: Network) -> None:
    driver = network.driver()
    values = driver.check(zone(1))[0]
    network.simulator.forget_requests()

    driver.handler.create(driver.api, values)

    sent = [f"{row['method']} {row['path'].removeprefix('/api2/json')}" for row in network.simulator.requests()]
    assert [request for request in sent if not request.startswith("GET")] == [
        "POST /cluster/sdn/lock",
        "POST /cluster/sdn/zones",
        "POST /cluster/sdn/vnets",
        "POST /cluster/sdn/vnets/v1/subnets",
        "PUT /cluster/sdn",
        "DELETE /cluster/sdn/lock",
    ]
    assert len(sent) <= 13


def test_a_share_that_is_refused_fails_alone_and_is_taken_back(network: Network) -> None:
    good = network.driver("good")
    bad = network.driver("bad", beside=good)

    told = network.together([(good, zone(1)), (bad, zone(2, ipam="nowhere"))])

    assert told[0] == ""
    assert "sdn 'nowhere' does not exist" in told[1]
    assert [row["zone"] for row in network.running()["zones"]] == ["z1"]
    assert network.pending() == []
    assert network.applied == 1


def test_who_needs_what_another_one_makes_gets_a_second_chance(network: Network) -> None:
    evpn = {"zone": "z1", "type": "evpn", "controller": "ctl", "vrf_vxlan": 10, "vnets": {"v1": {"tag": 5}}}
    controller = {"controller": "ctl", "type": "evpn", "asn": 65000, "peers": ["192.0.2.1"]}
    first = network.driver("zone")
    second = network.driver("controller", "sdn_controller", first)

    assert network.together([(first, evpn), (second, controller)]) == ["", ""]
    assert network.applied == 1


def test_of_a_share_that_is_refused_halfway_nothing_stays(network: Network) -> None:
    driver = network.driver()
    network.simulator.fail(
        action="fail", method="POST", path="/cluster/sdn/vnets/v1/subnets", status=500, reason="not today"
    )

    with pytest.raises(ProxmoxError, match="not today"):
        network.make(driver, zone(1))

    assert (network.running()["zones"], network.pending(), network.applied) == ([], [], 0)
    assert not network.locked()


def test_unclustered_hosts_have_a_transaction_each(two_hosts: Simulator) -> None:
    network = Network(two_hosts)
    first, second = network.driver("first"), network.driver("second")
    other = list(two_hosts.running.connections.values())[1]
    access = {"endpoints": other.endpoints, "token_id": other.token_id, "token_secret": other.token_secret}
    second.client = Client("other", connection_to(two_hosts, **access), 4)
    second.again()

    told = network.together([(first, zone(1)), (second, zone(2))])

    assert told == ["", ""]
    assert network.applied == 2


# ---------------------------------------------------------------- going back


def test_an_apply_that_one_of_three_nodes_can_not_take_leaves_what_runs_as_it_was(three_nodes: Network) -> None:
    driver = three_nodes.driver()
    driver.up(zone(1))
    before = three_nodes.running()
    three_nodes.simulator.control("POST", "task-faults", {"type": "srvreload", "text": "ifreload failed: no carrier"})

    with pytest.raises(ProxmoxError) as told:
        driver.up({**zone(1, mtu=1400), "vnets": {"v2": {"alias": "new"}}})

    assert "ifreload failed: no carrier" in str(told.value)
    assert str(told.value).endswith("the running SDN configuration is as it was before")
    assert three_nodes.running() == before
    assert three_nodes.pending() == []
    assert not three_nodes.locked()
    assert {node: three_nodes.status(node) for node in ("pve1", "pve2", "pve3")} == {
        "pve1": {"z1": "available"},
        "pve2": {"z1": "available"},
        "pve3": {"z1": "available"},
    }


def test_an_apply_that_is_refused_leaves_nothing_staged(network: Network) -> None:
    network.simulator.fail(action="fail", method="PUT", path="/cluster/sdn", status=500, reason="cannot commit")

    with pytest.raises(ProxmoxError, match="cannot commit"):
        network.make(network.driver(), zone(1))

    assert (network.running()["zones"], network.pending(), network.locked()) == ([], [], False)


def test_an_apply_whose_task_fails_is_taken_back(network: Network) -> None:
    driver = network.driver()
    driver.up(zone(1))
    before = network.running()
    network.simulator.control("POST", "task-faults", {"type": "reloadnetworkall", "text": "no quorum"})

    with pytest.raises(ProxmoxError, match=r"no quorum.*; the running SDN configuration is as it was before"):
        driver.delete()

    assert (network.running(), network.pending(), network.locked()) == (before, [], False)


def test_a_zone_that_does_not_work_on_a_node_is_taken_back_with_the_nodes_own_words(network: Network) -> None:
    driver = network.driver()

    with pytest.raises(ProxmoxError, match=r"pve1: zone lan is error \(web: missing bridge 'vmbr77'\); the running"):
        network.make(driver, {"zone": "lan", "type": "vlan", "bridge": "vmbr77", "vnets": {"web": {"tag": 5}}})

    assert (network.running()["zones"], network.pending(), network.applied) == ([], [], 2)


def test_who_may_not_look_at_the_zones_is_told_that_nobody_has_looked(network: Network) -> None:
    hand = network.simulator.by_hand
    hand("POST", "/access/roles", {"roleid": "Builder", "privs": "SDN.Allocate"})
    hand("POST", "/access/users", {"userid": "net@pve"})
    hand("PUT", "/access/acl", {"path": "/sdn", "users": "net@pve", "roles": "Builder"})
    secret = hand("POST", "/access/users/net@pve/token/tok", {"privsep": 0})["value"]
    driver = network.driver()
    access = connection_to(network.simulator, token_id="net@pve!tok", token_secret=secret)
    driver.client = Client("net", access, 4)
    driver.again()

    driver.up(zone(1))

    assert any("can't be told: it needs SDN.Audit on /sdn/zones/z1" in text for text in driver.warnings)


def test_a_node_that_is_offline_is_told_and_not_waited_for(three_nodes: Network) -> None:
    three_nodes.simulator.control("POST", "nodes", {"node": "pve3", "online": False})
    driver = three_nodes.driver()

    driver.up(zone(1))

    assert any("pve3 is offline" in text for text in driver.warnings)
    assert three_nodes.status("pve2") == {"z1": "available"}


# ---------------------------------------------------------------- other people


def test_somebody_elses_pending_change_is_named_and_left_alone(network: Network) -> None:
    network.simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})
    driver = network.driver()

    assert driver.problems(zone(1)) == {}
    assert "staged that nobody has applied, zone theirs (new)" in driver.warnings[0]
    with pytest.raises(ProxmoxError, match=r"somebody else has staged .*: zone theirs \(new\); .*apply_foreign=True"):
        network.make(driver, zone(1))

    assert (network.pending(), network.applied) == (["theirs new"], 0)
    assert not network.locked()


def test_somebody_elses_pending_change_is_applied_along_where_that_is_said(network: Network) -> None:
    network.simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})

    network.driver().up(zone(1, apply_foreign=True))

    assert [row["zone"] for row in network.running()["zones"]] == ["theirs", "z1"]


def test_a_change_that_somebody_staged_in_our_own_zone_is_foreign_too(network: Network) -> None:
    driver = network.driver()
    driver.up(zone(1))
    network.simulator.by_hand("PUT", "/cluster/sdn/zones/z1", {"mtu": 1300})

    assert driver.drift() == {}
    with pytest.raises(ProxmoxError, match=r"zone z1 \(changed\)"):
        driver.up({**zone(1), "vnets": {"v1": {}}})


def test_a_lock_that_somebody_holds_is_waited_for(network: Network) -> None:
    token = network.simulator.by_hand("POST", "/cluster/sdn/lock")
    driver = network.driver()
    seen = threading.Event()

    def release() -> None:
        seen.wait(20)
        network.simulator.by_hand("DELETE", "/cluster/sdn/lock", {"lock-token": token})

    waiter = threading.Thread(target=release)
    waiter.start()
    api = driver.api
    api.say = lambda text: seen.set() if "somebody else holds the lock" in text else None
    wanted = {"zone": "z1", "type": "simple"}
    driver.handler.create(api, wanted)
    waiter.join()

    assert [row["zone"] for row in network.running()["zones"]] == ["z1"]


def test_a_lock_that_nobody_gives_back_is_named_with_the_remedy(network: Network) -> None:
    network.simulator.by_hand("POST", "/cluster/sdn/lock")

    with pytest.raises(TookTooLong, match=r"somebody else holds the lock .*`pvesh delete /cluster/sdn/lock --force 1"):
        network.make(network.driver(), zone(1), seconds=1)

    assert network.locked()


# ---------------------------------------------------------------- dying


@pytest.mark.engine
def test_a_run_that_was_killed_before_the_apply_is_gone_on_with(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    network, program = Network(cluster), program_on(cluster)
    program.declare({name: Resource(ZONE, zone(number)) for number, name in enumerate(("a", "b"), 1)})
    cluster.fail(action="delay", method="PUT", path="/cluster/sdn", seconds=30, count=1)
    run = program.start("up", "--yes", "--skip-preview", events=program.folder / "killed.jsonl")
    try:
        wait_for(lambda: requests_on(cluster, "/cluster/sdn/dry-run") >= 3)
    finally:
        kill(everything(run.pid))
        run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert network.locked()
    cluster.control("DELETE", "faults")
    program.pulumi("cancel", "--yes")

    up = program.up()

    assert up.code == 0, up.text
    assert [row["zone"] for row in network.running()["zones"]] == ["z1", "z2"]
    assert (network.pending(), network.locked()) == ([], False)
    assert program.up().changes == {}


def test_what_a_run_noted_is_gone_when_it_is_through(network: Network, notes: Path) -> None:
    network.driver().up(zone(1))

    assert list(notes.iterdir()) == []


def test_a_died_runs_lock_is_known_by_its_notes(network: Network) -> None:
    driver = network.driver()
    token = network.simulator.by_hand("POST", "/cluster/sdn/lock")
    network.simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "z9", "type": "simple", "lock-token": token})
    journal = Journal(driver.client.connection)
    assert journal.open()
    journal.note(str(token), [("zones", "z9")])
    journal.close()

    driver.up(zone(1))

    assert [row["zone"] for row in network.running()["zones"]] == ["z1", "z9"]
    assert not network.locked()


def test_a_vnet_that_a_died_run_has_staged_is_known_by_its_mark(network: Network) -> None:
    driver = network.driver()
    driver.up(zone(1))
    alias = {"alias": driver.owner.mark}
    network.simulator.by_hand("POST", "/cluster/sdn/vnets", {"vnet": "more", "zone": "z1", **alias})

    driver.up({**zone(1), "vnets": {**zone(1)["vnets"], "more": {}}})

    assert [row["vnet"] for row in network.running()["vnets"]] == ["more", "v1"]


# ---------------------------------------------------------------- what it costs, and older hosts


def test_a_refresh_of_many_zones_asks_for_each_list_once(network: Network) -> None:
    first = network.driver("r0")
    drivers = [first, *(network.driver(f"r{number}", beside=first) for number in range(1, 5))]
    assert set(network.together([(d, {"zone": f"z{n}", "type": "simple"}) for n, d in enumerate(drivers)])) == {""}
    first.facts.forget()
    network.simulator.forget_requests()

    for driver in drivers:
        assert driver.handler.read(driver.api, driver.id) is not None

    assert (network.count("GET", "/cluster/sdn/zones"), network.count("GET", "/cluster/sdn/vnets")) == (1, 1)


OLD = """
datacenters:
  old:
    clustered: true
    version: 8.4
    nodes:
      pve1: {}
      pve2: {}
"""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Network]:
    """The network of a cluster of Proxmox VE 8.4, which has no lock."""
    (tmp_path / "old.yaml").write_text(OLD)
    running = daemon.ensure(tmp_path / "old", str(tmp_path / "old.yaml"))
    yield Network(Simulator(running, tmp_path))
    daemon.stop(tmp_path / "old")


def test_a_host_without_the_lock_does_the_same_without_it(old: Network) -> None:
    driver = old.driver()
    driver.up(zone(1))
    before = old.running()
    assert (before["zones"][0]["zone"], old.applied) == ("z1", 1)

    old.simulator.control("POST", "task-faults", {"type": "srvreload", "text": "ifreload failed"})
    with pytest.raises(ProxmoxError, match="ifreload failed; the running SDN configuration is as it was before"):
        driver.up({**zone(1), "mtu": 1400})
    assert old.running() == before

    old.simulator.by_hand("POST", "/cluster/sdn/zones", {"zone": "theirs", "type": "simple"})
    with pytest.raises(ProxmoxError, match=r"zone theirs \(new\)"):
        driver.delete()
    assert old.running() == before
