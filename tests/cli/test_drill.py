"""`proxmox-labs drill`: what it reads out of pings, how it asks services, and what it refuses."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import drill as command
from cli import drill_ask, drill_run
from cli.drill_ping import Loss, loss
from cli.drill_power import RealPower
from cli.drill_run import DrillError, Figures, Moved, drill
from cli.drill_site import Site
from cli.main import app
from lab_outputs import Guest, Host, Lab, Network, Vip
from providers._runtime.command import Finished

VIP = Vip(address="10.0.1.1", network="services", members=("pve1", "pve2", "pve3"))
LAB = Lab(
    kind="ha-services",
    hosts={name: Host(node=name, connection="pve1") for name in VIP.members},
    guests={
        name: Guest(name=name, type="lxc", vmid=vmid, node=node, host=node)
        for name, vmid, node in (("web-1", 101, "pve1"), ("web-2", 102, "pve2"), ("kept", 103, "pve1"))
    },
    networks={"services": Network(bridge="vmbr1", gateway="10.0.1.1")},
    vips={"balancers": Vip(address="10.0.1.5", members=("web-1", "web-2")), "router": VIP},
    endpoints={"web": "http://10.0.1.5/", "kubernetes": "https://10.0.1.5:6443"},
)


def pings(answered: Sequence[tuple[int, float]], missed: Sequence[int] = ()) -> str:
    """As `ping -D -O` prints them."""
    lines = [f"[{at:.6f}] 64 bytes from 10.0.1.1: icmp_seq={number} ttl=64 time=0.5 ms" for number, at in answered]
    lines += [f"[{1.0:.6f}] no answer yet for icmp_seq={number}" for number in missed]
    return "PING 10.0.1.1 (10.0.1.1) 56(84) bytes of data.\n" + "".join(f"{line}\n" for line in lines)


@given(st.sets(st.integers(1, 200), min_size=1))
def test_what_is_lost_and_for_how_long_is_read_out_of_the_pings(answered: set[int]) -> None:
    last = max(answered)
    rows = [(number, 1000 + number / 10) for number in sorted(answered)]

    found = loss(pings(rows, sorted(set(range(1, last)) - answered)))

    assert (found.sent, found.lost) == (last, last - len(answered))
    numbers = sorted(answered)
    longest = max((later - earlier for earlier, later in pairwise(numbers)), default=1)
    assert found.seconds == pytest.approx((longest - 1) / 10, abs=0.01)


def test_where_nothing_answers_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="nothing answered at all"):
        loss(pings([], [1, 2]))


class Page(http.server.BaseHTTPRequestHandler):
    """Answers one page."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/there" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


@pytest.fixture
def web() -> Iterator[int]:
    """The port of a web server."""
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def asked(url: str) -> bool:
    """Whether the words that ask a service succeed."""
    return subprocess.run(drill_ask.command(url), check=False, capture_output=True).returncode == 0


def test_a_web_server_is_asked_by_the_shell_alone(web: int) -> None:
    assert asked(f"http://127.0.0.1:{web}/there")
    assert not asked(f"http://127.0.0.1:{web}/elsewhere")


@pytest.mark.parametrize(("answers", "code", "good"), [(1, 0, True), (0, 0, False), (0, 3, False)])
def test_a_name_server_is_asked_by_the_shell_alone(answers: int, code: int, good: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def answer() -> None:
            packet, sender = server.recvfrom(512)
            assert packet == drill_ask.question("router.example.lab")
            server.sendto(packet[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, answers]) + packet[8:], sender)

        thread = threading.Thread(target=answer)
        thread.start()
        assert asked(f"dns://127.0.0.1:{server.getsockname()[1]}/router.example.lab") is good
        thread.join()


def test_only_what_can_be_asked_so_is_asked() -> None:
    assert [name for name, url in LAB.endpoints.items() if drill_ask.can_ask(url)] == ["web"]


class Hosts(Site):
    """Three hosts that are made up: `pve1` has the address until it is lost, and HA moves what it keeps."""

    def __init__(self, lab: Lab = LAB) -> None:
        super().__init__(lab, {})
        self.down = ""
        self.started: list[int] = []

    def request(self, method: str, path: str) -> Any:
        """What the cluster says."""
        if path == "/cluster/status":
            return [{"type": "node", "name": name, "online": int(name != self.down)} for name in self.lab.hosts]
        if method == "POST":
            return self.started.append(int(path.split("/")[4]))
        moved = "pve3" if self.down == "pve1" else "pve1"
        stays = "stopped" if self.down or (self.started == [] and self.was_down) else "running"
        return [
            {"type": "lxc", "vmid": 101, "name": "web-1", "node": moved, "status": "running", "hastate": "started"},
            {"type": "lxc", "vmid": 102, "name": "web-2", "node": "pve2", "status": "running", "hastate": "started"},
            {"type": "lxc", "vmid": 103, "name": "kept", "node": "pve1", "status": stays},
        ]

    was_down = False

    def on(self, node: str, command: Sequence[str], seconds: float = 0) -> Finished:
        """What programs say there."""
        assert node != self.down, "a host that is lost is asked for nothing"
        if "ping" in command:
            return Finished(0, pings([(1, 0.1), (2, 0.2), (9, 0.9), (10, 1.0)], range(3, 9)).encode(), b"")
        holder = "pve2" if self.down else "pve1"
        return Finished(0, b"2: vmbr1 inet 10.0.1.1/24 scope global vmbr1" if node == holder else b"", b"")


class Switch:
    """Kills made-up hosts."""

    speed = 2.0
    reason = ": guests are modelled"

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def kill(self, node: str) -> float:
        self._hosts.down, self._hosts.was_down = node, True
        return time.monotonic()

    def restore(self, node: str) -> str | None:
        assert node == self._hosts.down
        self._hosts.down = ""
        return None


def allowed(_node: str) -> None:
    """Anything may be killed here."""


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pings before."""
    monkeypatch.setattr(drill_run, "BEFORE", 0.0)


@pytest.mark.usefixtures("at_once")
def test_the_host_with_the_address_is_lost_and_everything_is_measured_and_brought_back() -> None:
    hosts = Hosts()

    found = drill(hosts, Switch(hosts), VIP, 20, allowed)

    assert (found.node, found.holder, found.successor) == ("pve1", "pve1", "pve2")
    assert found.loss == Loss(sent=10, lost=6, seconds=0.6)
    assert [(moved.name, moved.node) for moved in found.moved] == [("web-1", "pve3")]
    assert found.services.keys() == {"web"}
    assert (found.missing, found.notes) == ([], [])
    assert hosts.started == [103]


@pytest.mark.usefixtures("at_once")
def test_what_does_not_come_back_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(drill_run.Watcher, "hears", lambda *_: not hosts.was_down)
    monkeypatch.setattr(hosts, "holder", lambda _vip, lost=None: None if lost else "pve1")

    assert drill(hosts, Switch(hosts), VIP, 0.5, allowed).missing == ["web", "10.0.1.1"]


@pytest.mark.usefixtures("at_once")
def test_where_nobody_shows_the_address_that_is_said_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(hosts, "holder", lambda *_: None)

    found = drill(hosts, Switch(hosts), VIP, 20, allowed)

    assert found.notes == [
        "nobody is seen to have 10.0.1.1, so that its way is not measured: guests are modelled",
    ]
    assert (found.node, found.loss, found.missing) == ("pve1", None, [])
    assert [moved.name for moved in found.moved] == ["web-1"]


def test_nobody_is_killed_where_it_is_not_allowed_or_nobody_could_watch() -> None:
    def refuse(node: str) -> None:
        raise DrillError(f"not {node}")

    hosts = Hosts()
    with pytest.raises(DrillError, match="not pve1"):
        drill(hosts, Switch(hosts), VIP, 1, refuse)
    alone = Hosts(LAB.model_copy(update={"guests": {"web-1": LAB.guests["web-1"]}}))
    with pytest.raises(DrillError, match="no container of the lab runs on another host than pve1"):
        drill(alone, Switch(alone), VIP, 1, allowed)
    assert not hosts.was_down
    assert not alone.was_down


def test_a_real_host_is_killed_by_its_name_only() -> None:
    hosts = Hosts()
    with pytest.raises(DrillError, match="say --yes-kill pve1"):
        command._allow(RealPower(hosts), "pve1", "pve2")
    command._allow(RealPower(hosts), "pve1", "pve1")
    command._allow(Switch(hosts), "pve1", None)
    assert "pve1 is off: switch it on where it is rented" in str(RealPower(hosts).restore("pve1"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was drilled; the figures are made up."""
    drilled: list[str] = []

    def figures(_site: Site, _power: object, vip: Vip, _patience: float, _allowed: object) -> Figures:
        drilled.append(vip.address)
        gone = ["web"] if vip.address == "10.0.1.5" else []
        moved = [Moved(name="web-1", node="pve3", seconds=131.0)]
        lost = Loss(sent=150, lost=6, seconds=0.63)
        return Figures(
            node="pve1", address=vip.address, holder="a", successor="b", loss=lost, moved=moved, missing=gone
        )

    monkeypatch.setattr(command, "lab_of", lambda _directory, _stack: LAB)
    monkeypatch.setattr(command, "config_of", lambda _directory, _stack: {})
    monkeypatch.setattr(command, "clients_of", lambda *_: nullcontext({}))
    monkeypatch.setattr(command, "run_drill", figures)
    return drilled


def test_the_figures_are_for_people_or_for_programs(told: list[str]) -> None:
    table = CliRunner().invoke(app, ["drill", "ha-services"])
    answer = CliRunner().invoke(app, ["drill", "ha-services", "--json"])

    assert table.exit_code == 0
    assert "pve1 was lost" in table.output
    assert "0.63 s, 6 of 150" in table.output
    assert json.loads(answer.output)["loss"] == {"sent": 150, "lost": 6, "seconds": 0.63}
    assert told == ["10.0.1.1", "10.0.1.1"], "the gateway of a network goes before other addresses"


def test_it_ends_badly_where_something_has_not_come_back(told: list[str]) -> None:
    ended = CliRunner().invoke(app, ["drill", "ha-services", "--vip", "balancers"])

    assert ended.exit_code == 1
    assert "has not come back in time" in ended.output
    assert told == ["10.0.1.5"]


def test_a_lab_without_such_an_address_is_told_in_one_line(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = CliRunner().invoke(app, ["drill", "ha-services", "--vip", "x"])
    monkeypatch.setattr(command, "lab_of", lambda _directory, _stack: Lab(kind="demo"))
    none = CliRunner().invoke(app, ["drill", "demo"])

    assert unknown.output == "error: the lab has no address 'x'; there are: balancers, router\n"
    assert none.output == "error: a lab of the kind demo has no address that moves\n"
    assert told == []
