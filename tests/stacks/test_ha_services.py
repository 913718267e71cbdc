"""The lab of three hosts: its page, and on the real engine the whole of it, with services that are really there."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from typing import Any

import pytest

from cli.drill_power import SimulatedHost, Way
from cli.drill_run import Figures, drill
from cli.drill_site import Site
from cli.drill_ways import Lose, way_of
from lab_outputs import Lab
from providers._runtime import connection as connections
from providers._runtime.client import Client
from tests.conftest import Simulator
from tests.engine import Program
from tests.stacks.pages import Page, declare, with_own_main

PAGE = Page("ha-services")
FILE, page, refusal = PAGE.file, PAGE.changed, PAGE.refusal
TOPOLOGY = "rented-hosts"
PROGRAMS = ("curl", "dhclient", "dnsmasq", "haproxy", "keepalived", "nginx", "prometheus", "tincd")
PROBE = 900
PATIENCE = 90.0


def smaller(vrrp_version: int) -> dict[str, Any]:
    """The same with a single virtual machine, since each of these takes its time."""
    lab = page(routers={"run_on": "hosts", "vrrp_version": vrrp_version}, desktops={**page()["desktops"], "count": 1})
    return {key: value for key, value in lab.items() if key != "kubernetes"}


def test_a_page_that_does_not_fit_together_is_told_with_file_key_value_and_remedy() -> None:
    network = {**page()["network"], "vip": "10.0.1.150"}

    assert refusal(network=network) == (
        f"{FILE}: proxmox:lab.network.vip: it is inside of network.dhcp (10.0.1.100 to 10.0.1.199), which gives it to "
        "others; take another (it is '10.0.1.150')"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"routers": {"runs_on": "hosts"}}, "proxmox:lab.routers.runs_on: there is no such key; take it out"),
        ({"storage": {"mode": "copies", "name": "x"}}, "proxmox:lab.storage.mode: Input should be 'shared', 'repl"),
        ({"hosts": {}}, "proxmox:lab.hosts: Dictionary should have at least 1 item"),
        ({"what": 1}, "proxmox:lab.what: there is no such key"),
    ],
)
def test_what_is_no_key_or_no_value_is_told(changes: dict[str, Any], told: str) -> None:
    assert told in refusal(**changes)


@pytest.fixture
def hosts(_simulators: Callable[[str], Simulator]) -> Iterator[Simulator]:
    """Three hosts that are in no cluster, as new; they are so again afterwards."""
    simulator = _simulators(TOPOLOGY)
    simulator.control("POST", "reset")
    yield simulator
    simulator.control("POST", "reset")


def until(what: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


@contextmanager
def looking_at(program: Program, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The lab as a drill sees it."""
    monkeypatch.setenv("PROXMOX_SIM_HOME", str(simulator.base))
    told = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    found = connections.load({"proxmox:simulator": TOPOLOGY}, program.folder)
    clients = {name: Client(name, each, 8) for name, each in found.items()}
    yield Site(Lab.model_validate(told), clients)
    for client in clients.values():
        client.close()


def drilled(site: Site, simulator: Simulator, lose: Lose = Lose.HOST, name: str = "router") -> Figures:
    """What becomes of the lab when who has an address is lost, or a part of it."""
    vip = site.lab.vips[name]

    def pick(holder: str | None) -> Way:
        return way_of(lose, site, vip, holder, lambda node: SimulatedHost(site, node, simulator.running, "pve1"))

    return drill(site, vip, pick, PATIENCE)


def outlives_its_routers_and_their_links(site: Site, hosts: Simulator) -> None:
    """Of hosts and of containers: another one has the address meanwhile, and the first one again, alone, in the end."""
    for name, lose in itertools.product(("router", "balancers"), (Lose.ROUTER, Lose.LINK)):
        found = drilled(site, hosts, lose, name)
        assert found.loss is not None, found
        assert found.loss.seconds < 3, found
        assert found.back is not None, found
        assert (found.missing, found.back.holder) == ([], found.holder), found
        assert found.successor not in (None, found.holder), found


def serves(site: Site, hosts: Simulator) -> None:
    """A guest that nobody knows gets an address, finds others by name, is balanced, and everything gives figures."""
    template, net = page()["ostemplate"], "name=eth0,bridge=vmbr1,ip=dhcp"
    made = {"vmid": PROBE, "ostemplate": template, "rootfs": "local-zfs:4", "net0": net, "unprivileged": 1, "start": 1}
    hosts.by_hand("POST", "/nodes/pve3/lxc", made)

    def inside(command: str) -> str:
        done = site.on("pve3", ["pct", "exec", str(PROBE), "--", "sh", "-c", command])
        return done.out.decode()

    until(lambda: "inet 10.0.1.1" in inside("ip -4 -o address show eth0"))
    found = re.search(r"inet (\S+)/24", inside("ip -4 -o address show eth0"))
    assert found is not None
    assert IPv4Address("10.0.1.100") <= IPv4Address(found[1]) <= IPv4Address("10.0.1.199")
    assert "default via 10.0.1.1 " in inside("ip route")
    address = site.lab.guests["web-2"].address
    until(lambda: inside("getent hosts web-2").split()[:2] == [address, "web-2.example.lab"])
    until(lambda: {inside("curl -s -m 2 http://services.example.lab/") for _ in range(4)} == {"web-1\n", "web-2\n"})
    ask = "curl -s -m 2 'http://monitor.example.lab:9090/api/v1/query?query=up'"
    balancers = {f"{site.lab.guests[name].address}:8405" for name in ("lb-1", "lb-2")}

    def up() -> set[str]:
        rows = json.loads(inside(ask) or "{}").get("data", {}).get("result", [])
        return {row["metric"]["instance"] for row in rows if row["value"][1] == "1"}

    until(lambda: up() > balancers)
    hosts.by_hand("POST", f"/nodes/pve3/lxc/{PROBE}/status/stop")
    until(lambda: site.guests()[PROBE]["status"] == "stopped")
    hosts.by_hand("DELETE", f"/nodes/pve3/lxc/{PROBE}")


@pytest.mark.engine
@pytest.mark.timeout(900)  # a lab of two hundred resources, three times changed and six times drilled
def test_the_lab_comes_up_from_nothing_serves_outlives_a_host_and_goes(
    hosts: Simulator, program_on: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = hosts.running.guests == "live" and all(shutil.which(name) for name in PROGRAMS)
    program = with_own_main(program_on(hosts))
    declare(program, smaller(3))

    first = program.up()

    assert first.code == 0, first.text
    second = program.up()
    assert (second.code, second.changes) == (0, {}), second.text
    with looking_at(program, hosts, monkeypatch) as site:
        if live:
            serves(site, hosts)
        quick = drilled(site, hosts)
        assert not quick.missing
        assert {moved.node for moved in quick.moved} <= {"pve1", "pve2", "pve3"} - {quick.node}
        if live:
            outlives_its_routers_and_their_links(site, hosts)
        declare(program, smaller(2))
        changed = program.up()
        assert changed.code == 0, changed.text
        assert changed.changes.keys() <= {"create", "update"}, "that HA has moved guests changes nothing of them"
        if live:
            assert quick.loss is not None
            assert quick.loss.seconds < 3, quick
            slow = drilled(site, hosts)
            assert slow.loss is not None
            assert slow.loss.seconds < 8, slow
            assert not slow.missing
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert "Proxmox can't dissolve a cluster: pve1 stays in lab" in gone.text
    assert {row["type"] for row in hosts.by_hand("GET", "/cluster/resources")} == {"node", "storage", "network"}
    for path in ("/cluster/replication", "/cluster/ha/resources", "/cluster/ha/rules", "/cluster/firewall/rules"):
        assert hosts.by_hand("GET", path) == [], path
    nodes = [row for row in hosts.by_hand("GET", "/cluster/status") if row["type"] == "node"]
    assert {row["name"]: row["online"] for row in nodes} == {"pve1": 1, "pve2": 1, "pve3": 1}
    if not live:
        pytest.skip(f"the services were not asked: {hosts.running.guests}, or one of {', '.join(PROGRAMS)} is missing")
