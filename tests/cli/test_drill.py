"""`proxmox-labs drill`: what it reads out of pings, how it asks services, and what it refuses."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli import drill as command
from cli import drill_ask, drill_run, drill_watch, drill_ways
from cli.drill_ping import Loss, loss
from cli.drill_power import RealHost, Way
from cli.drill_run import Back, Figures, Moved, drill
from cli.drill_site import DrillError, Site
from cli.drill_ways import Lose, way_of
from cli.main import app
from lab_outputs import Guest, Host, Lab, Network, Vip
from providers._runtime.command import Finished
from providers._runtime.errors import Unreachable

VIP = Vip(address="10.0.1.1", network="services", members=("pve1", "pve2", "pve3"))
BALANCERS = Vip(address="10.0.1.5", members=("web-1", "web-2"))
LAB = Lab(
    kind="ha-services",
    hosts={name: Host(node=name, connection="pve1") for name in VIP.members},
    guests={
        name: Guest(name=name, type="lxc", vmid=vmid, node=node, host=node)
        for name, vmid, node in (
            ("web-1", 101, "pve1"),
            ("web-2", 102, "pve2"),
            ("kept", 103, "pve1"),
            ("other", 104, "pve3"),
        )
    },
    networks={"services": Network(bridge="vmbr1", gateway="10.0.1.1")},
    vips={"balancers": BALANCERS, "router": VIP},
    endpoints={"web": "http://10.0.1.5/", "kubernetes": "https://10.0.1.5:6443"},
)


def pings(answered: Sequence[tuple[int, float]], missed: Sequence[int] = ()) -> str:
    """As `ping -D -O` prints them."""
    lines = [f"[{at:.6f}] 64 bytes from 10.0.1.1: icmp_seq={number} ttl=64 time=0.5 ms" for number, at in answered]
    lines += [f"[{1000 + number / 10:.6f}] no answer yet for icmp_seq={number}" for number in missed]
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


def test_silence_that_does_not_end_is_measured_too() -> None:
    assert loss(pings([(1, 1000.1), (2, 1000.2)], range(3, 51))) == Loss(sent=50, lost=48, seconds=4.7)


def test_where_nothing_answers_there_is_nothing_to_measure() -> None:
    with pytest.raises(DrillError, match="no ping is answered by the address"):
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
    """Three hosts that are made up: the first one in `order` that nothing has happened to has the address."""

    def __init__(self, lab: Lab = LAB, order: Sequence[str] = VIP.members) -> None:
        super().__init__(lab, {})
        self.order = order
        self.gone: set[str] = set()
        """Who has no address at the moment."""
        self.down = ""
        self.was_down = False
        self.started: list[int] = []
        self.stopped: set[int] = set()
        self.net = "name=eth0,bridge=vmbr1,link_down=0,hwaddr=BC:24:11:00:00:01,ip=dhcp"
        self.nets: list[str] = []
        self.commands: list[list[str]] = []
        self.shown = "10.0.1.0/24 proto kernel scope link src 10.0.1.2"
        """What an interface has."""

    def request(self, method: str, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """What the cluster says."""
        if path == "/cluster/status":
            return [{"type": "node", "name": name, "online": int(name != self.down)} for name in self.lab.hosts]
        if path == "/cluster/resources":
            return self.rows()
        vmid, command = int(path.split("/")[4]), path.rpartition("/")[2]
        name = next(guest.name for guest in self.lab.guests.values() if guest.vmid == vmid)
        if command == "start":
            self.started.append(vmid)
            self.stopped.discard(vmid)
            self.gone.discard(name)
        elif command == "stop":
            self.stopped.add(vmid)
            self.gone.add(name)
        elif command == "current":
            return {"status": "stopped" if vmid in self.stopped else "running"}
        elif method == "GET":
            return {"net0": self.net}
        else:
            self.net = (parameters or {})["net0"]
            self.nets.append(self.net)
            (self.gone.add if "link_down=1" in self.net else self.gone.discard)(name)
        return None

    def rows(self) -> list[dict[str, Any]]:
        """What there is of guests: HA moves one, and one stays where it is."""
        moved = "pve3" if self.down == "pve1" else "pve1"
        stays = "stopped" if self.down or (self.started == [] and self.was_down) else "running"
        return [
            {"type": "lxc", "vmid": 101, "name": "web-1", "node": moved, "status": "running", "hastate": "started"},
            {"type": "lxc", "vmid": 102, "name": "web-2", "node": "pve2", "status": "running", "hastate": "started"},
            {"type": "lxc", "vmid": 103, "name": "kept", "node": "pve1", "status": stays},
            {"type": "lxc", "vmid": 104, "name": "other", "node": "pve3", "status": "running"},
        ]

    def on(self, node: str, command: Sequence[str], seconds: float = 0) -> Finished:
        """What programs say there."""
        assert node != self.down, "a host that is lost is asked for nothing"
        words = list(command)
        if "ping" in words:
            return Finished(0, pings([(1, 1000.1), (2, 1000.2), (9, 1000.9), (10, 1001.0)], range(3, 9)).encode(), b"")
        if "-json" in words:
            holder = next((name for name in self.order if name not in self.gone), None)
            asked = next((guest.name for guest in self.lab.guests.values() if str(guest.vmid) in words), node)
            address = "10.0.1.1" if self.order == VIP.members else "10.0.1.5"
            has = [{"ifname": "vmbr1", "addr_info": [{"local": address, "prefixlen": 24}]}] if asked == holder else []
            return Finished(0, json.dumps(has).encode(), b"")
        self.commands.append(words)
        if drill_ways._KILL in words or words[-1] == "down":
            self.gone.add(node)
        if words[-1] in ("up", "keepalived") and "systemd-run" not in words:
            self.gone.discard(node)
        return Finished(0, self.shown.encode() if drill_ways._LOOK in words else b"", b"")


class Switch:
    """A made-up host that loses its power."""

    speed = 2.0
    longest = 20.0

    def __init__(self, hosts: Hosts, node: str) -> None:
        self._hosts, self.lost = hosts, node
        self.node: str | None = node

    def takes(self, member: str) -> bool:
        return member == self.node

    def lose(self) -> float:
        self._hosts.down, self._hosts.was_down = self.lost, True
        self._hosts.gone.add(self.lost)
        return time.monotonic()

    def restore(self) -> str | None:
        assert self.lost == self._hosts.down
        self._hosts.down = ""
        self._hosts.gone.clear()
        return None


def drilled(hosts: Hosts, lose: Lose = Lose.HOST, vip: Vip = VIP, patience: float = 20) -> Figures:
    """What comes of it."""

    def pick(holder: str | None) -> Way:
        return way_of(lose, hosts, vip, holder, lambda node: Switch(hosts, node))

    return drill(hosts, vip, pick, patience)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the pings before and after, and with services that all answer."""
    monkeypatch.setattr(drill_watch, "BEFORE", 0.0)
    monkeypatch.setattr(drill_run, "AFTER", 0.0)


@pytest.mark.usefixtures("at_once")
def test_the_host_with_the_address_is_lost_and_everything_is_measured_and_brought_back() -> None:
    hosts = Hosts()

    found = drilled(hosts)

    assert (found.lost, found.node, found.holder, found.successor) == ("pve1", "pve1", "pve1", "pve2")
    assert found.loss == Loss(sent=10, lost=6, seconds=0.6)
    assert [(moved.name, moved.node) for moved in found.moved] == [("web-1", "pve3")]
    assert found.services.keys() == {"web"}
    assert (found.missing, found.notes) == ([], [])
    assert found.back is not None
    assert (found.back.holder, found.back.loss) == ("pve1", found.loss)
    assert hosts.started == [103]


@pytest.mark.usefixtures("at_once")
def test_a_router_that_is_a_host_is_killed_whole_and_started_again() -> None:
    hosts = Hosts()

    found = drilled(hosts, Lose.ROUTER)

    assert (found.lost, found.node, found.holder, found.successor) == ("the router of pve1", "pve1", "pve1", "pve2")
    kill, *_, start = [words for words in hosts.commands if "keepalived" in words[-1] or drill_ways._KILL in words]
    assert kill[2:] == [drill_ways._KILL, "sh", "10.0.1.1/24", "vmbr1"]
    assert start == ["systemctl", "start", "keepalived"]
    assert (found.moved, found.missing, found.notes, found.back and found.back.holder) == ([], [], [], "pve1")


@pytest.mark.usefixtures("at_once")
def test_a_router_that_is_a_container_is_stopped_hard_and_started_again() -> None:
    hosts = Hosts(order=BALANCERS.members)

    found = drilled(hosts, Lose.ROUTER, BALANCERS)

    assert (found.lost, found.node, found.successor) == ("web-1", "pve1", "web-2")
    assert (hosts.started, hosts.stopped, found.back and found.back.holder) == ([101], set(), "web-1")


@pytest.mark.usefixtures("at_once")
def test_the_cable_of_a_container_is_pulled_and_put_back_word_by_word() -> None:
    hosts = Hosts(order=BALANCERS.members)
    before = hosts.net

    found = drilled(hosts, Lose.LINK, BALANCERS)

    assert (found.lost, found.successor, found.missing) == ("net0 of web-1", "web-2", [])
    assert hosts.nets == ["name=eth0,bridge=vmbr1,hwaddr=BC:24:11:00:00:01,ip=dhcp,link_down=1", before]


@pytest.mark.usefixtures("at_once")
def test_the_interface_of_a_host_is_set_down_with_its_way_back_laid_before() -> None:
    hosts = Hosts()

    found = drilled(hosts, Lose.LINK)

    assert (found.lost, found.holder, found.successor) == ("vmbr1 of pve1", "pve1", "pve2")
    link = ["ip", "link", "set", "dev", "vmbr1"]
    done = [words for words in hosts.commands if words[-1] in ("up", "down")]
    assert done == [
        ["systemd-run", "--on-active=60", "--unit=proxmox-labs-drill", *link, "up"],
        [*link, "down"],
        [*link, "up"],
    ]
    assert ["systemctl", "stop", "proxmox-labs-drill.timer"] in hosts.commands


@pytest.mark.usefixtures("at_once")
def test_a_link_that_cuts_off_its_own_command_is_tried_again_until_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts, answer, deaf = Hosts(), Hosts.on, [True, True, True]

    def cut(self: Hosts, node: str, command: Sequence[str], seconds: float = 0) -> Finished:
        done = answer(self, node, command, seconds)
        if command[0] == "ip" and command[-1] in ("down", "up") and deaf:
            deaf.pop()
            raise Unreachable("no answer")
        return done

    monkeypatch.setattr(Hosts, "on", cut)

    assert drilled(hosts, Lose.LINK).missing == []
    assert deaf == []


@pytest.mark.parametrize("shown", ["default via 192.0.2.1 onlink", "inet6 2001:db8::2/64 scope global"])
def test_a_link_whose_routes_would_not_come_back_with_it_is_not_cut(shown: str) -> None:
    hosts = Hosts()
    hosts.shown = shown

    with pytest.raises(DrillError, match="vmbr1 of pve1 has routes by a gateway or addresses of IPv6"):
        drilled(hosts, Lose.LINK)
    assert hosts.gone == set()


@pytest.mark.usefixtures("at_once")
def test_a_member_that_has_the_address_only_for_a_moment_is_not_the_one_that_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts, first = Hosts(), [["pve2"], ["pve1", "pve2"]]
    seen = hosts.holders
    monkeypatch.setattr(hosts, "holders", lambda *asked: first.pop(0) if first else seen(*asked))

    assert (drilled(hosts).lost, first) == ("pve1", [])


@pytest.mark.usefixtures("at_once")
def test_what_does_not_come_back_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(drill_watch.Watcher, "hears", lambda *_: not hosts.was_down)
    monkeypatch.setattr(hosts, "holders", lambda _vip, lost=None: [] if lost else ["pve1"])

    assert drilled(hosts, patience=0.5).missing == ["10.0.1.1", "web"]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("end", "told"), [(["pve2"], []), (["pve1", "pve2"], ["10.0.1.1 at one alone (pve1, pve2 has it)"])]
)
def test_who_has_the_address_in_the_end_is_told(
    monkeypatch: pytest.MonkeyPatch, end: list[str], told: list[str]
) -> None:
    hosts, answers = Hosts(), iter([["pve1"], ["pve2"]])
    monkeypatch.setattr(drill_run, "SETTLED", 0.0)
    monkeypatch.setattr(hosts, "holders", lambda _vip, _lost=None: next(answers, end))

    found = drilled(hosts)

    assert found.missing == told
    assert found.back == (None if told else Back(holder="pve2", seconds=None, loss=found.loss))


@pytest.mark.usefixtures("at_once")
def test_what_answers_only_when_all_is_there_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(drill_watch.Watcher, "hears", lambda *_: not hosts.gone)
    monkeypatch.setattr(drill_ways.KilledRouter, "longest", 0.5)

    found = drilled(hosts, Lose.ROUTER)

    assert found.notes == ["web has answered only when the router of pve1 was there again"]
    assert found.services["web"] >= 0.5


@pytest.mark.usefixtures("at_once")
def test_where_nobody_shows_the_address_only_a_host_can_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = Hosts()
    monkeypatch.setattr(hosts, "holders", lambda *_: [])

    found = drilled(hosts)

    assert found.notes == ["nobody is seen to have 10.0.1.1, so that its way is not measured"]
    assert (found.node, found.loss, found.back, found.missing) == ("pve1", None, None, [])
    assert [moved.name for moved in found.moved] == ["web-1"]
    with pytest.raises(DrillError, match="so that there is no link to lose; lose the host"):
        drilled(hosts, Lose.LINK)


def test_nobody_is_lost_where_nobody_could_watch() -> None:
    alone = Hosts(LAB.model_copy(update={"guests": {"web-1": LAB.guests["web-1"]}}))

    with pytest.raises(DrillError, match="no container of the lab runs on another host than pve1"):
        drilled(alone, patience=1)
    assert not alone.was_down


@pytest.mark.parametrize(
    ("lose", "vip", "name", "lost"),
    [
        (Lose.HOST, VIP, "pve1", "pve1"),
        (Lose.ROUTER, VIP, "pve1", "the router of pve1"),
        (Lose.LINK, BALANCERS, "web-1", "net0 of web-1"),
    ],
)
def test_what_is_really_there_is_lost_by_its_name_only(lose: Lose, vip: Vip, name: str, lost: str) -> None:
    hosts = Hosts(order=vip.members)
    holder = hosts.holders(vip)[0]

    with pytest.raises(DrillError, match=f"say --yes-kill {name}"):
        command._allowed(lose, hosts, vip, holder, "pve2")
    assert command._allowed(lose, hosts, vip, holder, name).lost == lost
    assert "pve1 is off: switch it on where it is rented" in str(RealHost(hosts, "pve1").restore())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was drilled; the figures are made up."""
    drilled: list[str] = []

    def figures(_site: Site, vip: Vip, _pick: object, _patience: float) -> Figures:
        drilled.append(vip.address)
        gone = ["web"] if vip.address == "10.0.1.5" else []
        moved = [Moved(name="web-1", node="pve3", seconds=131.0)]
        lost = Loss(sent=150, lost=6, seconds=0.63)
        return Figures(
            lost="pve1",
            node="pve1",
            address=vip.address,
            holder="a",
            successor="b",
            loss=lost,
            moved=moved,
            missing=gone,
            back=Back(holder="a", seconds=4.2, loss=lost),
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
    assert "a has it again after 4.2 s" in table.output
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
