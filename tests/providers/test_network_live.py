"""A change that cuts a node off is taken back by the node itself: with a real kernel, real links and real packets.

A namespace is the node, with a bridge on the end of a cable, the file, and small stand-ins of `ifreload` and systemd's
timers; the one around it is the operator. What reaches the node goes there only while it answers on the cable.
"""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from providers._network.confirm import Confirmed
from providers._network.text import PATH, STAGED_PATH
from providers._runtime import tasks
from providers._runtime.command import Finished
from providers._runtime.connection import Connection, SshAccess, SshHost
from providers._runtime.errors import CommandFailed, CutOff, Unreachable
from providers._runtime.ownership import Owner
from simulator.live import machine
from simulator.live.place import LiveError, Place, hold
from tests.runtime.doors import OWNER
from tests.simulator.live.lab import until

ADDRESS = "192.0.2.10"
WAY_IN = "auto vmbr0\niface vmbr0 inet static\n\taddress 192.0.2.10/24\n\tbridge-ports eno1\n"
NO_WAY_IN = WAY_IN.replace("192.0.2.10", "203.0.113.10")
NO_PORT = WAY_IN.replace("eno1", "none")
MORE = WAY_IN + "\nauto vmbr1\niface vmbr1 inet manual\n\tbridge-ports none\n"

IFRELOAD = """#!/bin/sh
ip -br link show type bridge | while read -r name _; do ip link del "$name"; done
while read -r key value rest; do
  case $key in
    iface) name=$value; ip link add name "$name" type bridge; ip link set "$name" up ;;
    address) ip address add "$value" dev "$name" ;;
    bridge-ports) for port in $value $rest; do [ "$port" = none ] || ip link set "$port" master "$name" up; done ;;
  esac
done </etc/network/interfaces
"""
SYSTEMD_RUN = """#!/bin/sh
for word in "$@"; do
  case $word in
    --unit=*) unit=${word#*=}; shift ;;
    --on-active=*) seconds=${word#*=}; shift ;;
    --*) shift ;;
    *) break ;;
  esac
done
setsid sh -c 'sleep "$0" && exec "$@"' "$seconds" "$@" >/dev/null 2>&1 </dev/null &
echo $! >"/run/$unit.timer"
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = stop ] && kill -- "-$(cat "/run/$2")" && rm "/run/$2"
"""
NODE = """
mount -t tmpfs tmpfs /run
mkdir /run/changes /run/work
mount -t overlay -o lowerdir=/etc,upperdir=/run/changes,workdir=/run/work overlay /etc
mkdir -p /etc/network
"""


@dataclass
class Node:
    """The node on its cable, as far as `Confirmed` uses a way to it."""

    operator: Place
    place: Place
    programs: Path

    address: str = ADDRESS
    """Where it is looked for."""

    def answers(self) -> bool:
        """Whether a packet comes back from the node."""
        ping = [*self.operator.enter(), "ping", "-c", "1", "-W", "0.3", self.address]
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    def inside(self, command: Sequence[str], stdin: bytes = b"") -> Finished:
        """A command on the node's console."""
        path = f"PATH={self.programs}:/usr/sbin:/usr/bin:/sbin:/bin"
        done = subprocess.run(
            [*self.place.enter(), "env", path, *command], input=stdin, capture_output=True, check=False
        )  # fmt: skip
        return Finished(done.returncode, done.stdout, done.stderr)

    def run(self, _node: str, command: Sequence[str], stdin: bytes = b"", *, deadline: float) -> Finished:
        """A command over the cable."""
        if not self.answers():
            raise Unreachable("no answer")
        assert time.monotonic() < deadline
        return self.inside(command, stdin)

    def check(self, node: str, command: Sequence[str], stdin: bytes = b"", *, deadline: float) -> bytes:
        """One that has to succeed."""
        done = self.run(node, command, stdin, deadline=deadline)
        if done.code:
            raise CommandFailed(shlex.join(command), done.code, done.error)
        return done.out

    def read(self, node: str, path: str, *, deadline: float) -> bytes | None:
        """A file of the node."""
        done = self.run(node, ["cat", path], deadline=deadline)
        return done.out if done.code == 0 else None

    def write(self, node: str, path: str, data: bytes, *, deadline: float) -> None:
        """Write a file."""
        self.check(node, ["sh", "-c", f"cat >{path}"], data, deadline=deadline)

    def remove(self, node: str, path: str, *, deadline: float) -> None:
        """Remove a file."""
        self.check(node, ["rm", "-f", path], deadline=deadline)

    def drop(self, _node: str) -> None:
        """Nothing is kept open."""


@dataclass
class LiveClient:
    """A client of the node, as far as `Confirmed` uses it: there is SSH, and no endpoint of the API."""

    connection: Connection
    ssh: Node
    name: str = "lab"

    def anew(self, connection: Connection) -> LiveClient:
        """One that looks for the node where that connection does."""
        assert connection.ssh is not None
        return LiveClient(connection, replace(self.ssh, address=connection.ssh.hosts["pve1"].address))

    def follow(self, connection: Connection) -> None:
        """Look for it there from now on."""
        other = self.anew(connection)
        self.connection, self.ssh = connection, other.ssh

    def close(self) -> None:
        """Nothing is kept open."""


@dataclass
class LiveApi:
    """The API of the node, as far as `Confirmed` uses it."""

    client: LiveClient
    deadline: float
    facts: Any = None
    owner: Owner = OWNER
    warned: list[str] = field(default_factory=list)

    def put(self, _path: str) -> str:
        """Apply, as Proxmox does."""
        self.client.ssh.check("pve1", ["sh", "-c", f"mv {STAGED_PATH} {PATH}; ifreload -a"], deadline=self.deadline)
        return "UPID"

    def say(self, _text: str) -> None:
        """Nobody listens."""

    def warn(self, text: str) -> None:
        """Keep it."""
        self.warned.append(text)


def _answers(api: Any, _upid: str, _what: str) -> None:
    """The task has ended once the node answers."""
    api.client.ssh.check("pve1", ["true"], deadline=api.deadline)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node that answers on its cable; skips where there can be none."""
    for name, text in (("ifreload", IFRELOAD), ("systemd-run", SYSTEMD_RUN), ("systemctl", SYSTEMCTL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    with asyncio.Runner() as runner:
        if why := runner.run(machine.obstacle(tmp_path)):
            pytest.skip(why)
        try:
            operator = runner.run(hold("ip link set lo up\n"))
        except LiveError as error:
            pytest.skip(str(error))
        try:
            made = Node(operator, runner.run(hold(NODE, operator)), tmp_path)
            runner.run(
                operator.run(
                    f"ip link add name cable type veth peer name eno1 netns {made.place.network}",
                    "ip address add 192.0.2.1/24 dev cable",
                    "ip link set cable up",
                )
            )
            made.inside(["sh", "-c", f"cat >{PATH}; ifreload -a"], WAY_IN.encode())
            until(made.answers)
            yield made
            runner.run(made.place.end())
        finally:
            runner.run(operator.end())


@pytest.fixture
def api(node: Node, monkeypatch: pytest.MonkeyPatch) -> LiveApi:
    """What a change is applied with, on its way over the cable."""
    monkeypatch.setattr(tasks, "wait", _answers)
    hosts = {"pve1": SshHost(address=ADDRESS, host_key="ssh-ed25519 AAAA")}
    ssh = SshAccess(password=SecretStr("unused"), hosts=hosts)
    connection = Connection.model_construct(endpoints=[], ssh=ssh)
    return LiveApi(LiveClient(connection, node), time.monotonic() + 60)


def confirmed(api: Any, seconds: float, moved: dict[str, str] | None = None) -> Confirmed:
    """A change under guard."""
    return Confirmed(api, "pve1", seconds, moved or {})


def file_of(node: Node) -> str:
    """The file as somebody at the console sees it."""
    return node.inside(["cat", PATH]).out.decode()


@pytest.mark.parametrize("cuts_off", [NO_WAY_IN, NO_PORT], ids=["another address", "no cable"])
def test_a_node_that_is_cut_off_answers_again_by_itself(node: Node, api: LiveApi, cuts_off: str) -> None:
    node.inside(["sh", "-c", f"cat >{STAGED_PATH}"], cuts_off.encode())

    with pytest.raises(CutOff, match="the change cut pve1 off"):
        confirmed(api, 2).apply(WAY_IN, cuts_off)

    assert node.answers()
    assert file_of(node) == WAY_IN


def test_a_node_that_answers_keeps_its_new_network(node: Node, api: LiveApi) -> None:
    node.inside(["sh", "-c", f"cat >{STAGED_PATH}"], MORE.encode())

    confirmed(api, 2).apply(WAY_IN, MORE)

    assert node.inside(["sh", "-c", "sleep 2.2; ls /run/*.timer"]).out == b""
    assert file_of(node) == MORE
    assert b"vmbr1" in node.inside(["ip", "-br", "link", "show", "type", "bridge"]).out
    assert node.answers()


def test_a_node_that_moves_to_another_address_is_confirmed_there(node: Node, api: LiveApi) -> None:
    elsewhere = WAY_IN.replace(ADDRESS, "192.0.2.20")
    node.inside(["sh", "-c", f"cat >{STAGED_PATH}"], elsewhere.encode())

    confirmed(api, 10, {ADDRESS: "192.0.2.20"}).apply(WAY_IN, elsewhere)

    assert not node.answers()
    assert replace(node, address="192.0.2.20").answers()
    assert file_of(node) == elsewhere
    assert api.warned == ["pve1 has another address now: in connection 'lab', 192.0.2.10 becomes 192.0.2.20"]


def test_a_node_is_cut_off_for_no_longer_than_it_was_told(node: Node, api: LiveApi) -> None:
    guard = confirmed(api, 1)
    guard._arm(WAY_IN)
    node.inside(["sh", "-c", f"cat >{PATH}; ifreload -a"], NO_WAY_IN.encode())
    assert not node.answers()

    assert until(node.answers) < 10
