"""Meshes as they are rendered, with Debian's real tinc: three machines that share a cable find together."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.tinc import KEY, SCRIPTS, Net, Peer, files

MEMBERS = ("pve-1", "pve-2", "pve-3")
PEERS = {member: Peer(address=f"10.99.0.{place}/24") for place, member in enumerate(MEMBERS, 1)}
ENDPOINTS = {member: f"192.0.2.{place}" for place, member in enumerate(MEMBERS, 1)}
SECONDS = 15.0


def done(*command: str) -> bool:
    """Whether a command succeeds."""
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture
def cables() -> Iterator[list[str]]:
    """A network of its own for each member, with one cable between all."""
    if shutil.which("tincd") is None:
        pytest.skip("there is no tincd here: `make live` installs it")
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        pytest.skip("interfaces of its own take root and /dev/net/tun")
    mark = uuid.uuid4().hex[:6]
    switch, *machines = (f"mesh-{mark}-{name}" for name in ("switch", *MEMBERS))
    with ExitStack() as stack:
        for name in (switch, *machines):
            if not done("ip", "netns", "add", name):
                pytest.skip("this machine lets nobody make networks (`ip netns add`)")
            stack.callback(done, "ip", "netns", "delete", name)
        assert done("ip", "-n", switch, "link", "add", "br0", "up", "type", "bridge")
        for place, (member, name) in enumerate(zip(MEMBERS, machines, strict=True)):
            assert done(*f"ip -n {name} link add eth0 type veth peer name port{place} netns {switch}".split())
            assert done(*f"ip -n {switch} link set port{place} master br0 up".split())
            assert done(*f"ip -n {name} address add {ENDPOINTS[member]}/24 dev eth0".split())
            assert done(*f"ip -n {name} link set eth0 up".split())
        yield machines


@contextmanager
def running(net: Net, machines: Sequence[str], place: Path) -> Iterator[None]:
    """The mesh, from its first daemon to its last."""
    keys = {member: generate_private_key(65537, 2048) for member in MEMBERS}
    public = {
        member: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        for member, key in keys.items()
    }
    with ExitStack() as stack:
        for member, machine in zip(MEMBERS, machines, strict=True):
            folder = place / member
            private = keys[member].private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
            texts = {**files(net, member, PEERS, ENDPOINTS, public), KEY: private.decode()}
            for path, text in texts.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(text)
                (folder / path).chmod(0o755 if path in SCRIPTS else 0o600)
            daemon = ("tincd", "-c", str(folder), "-D", f"--pidfile={folder / 'pid'}")
            log = stack.enter_context((folder / "log").open("w"))
            process = subprocess.Popen(["ip", "netns", "exec", machine, *daemon], stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
        yield


@pytest.mark.parametrize("mode", ["switch", "router"])
def test_every_member_reaches_every_other_and_a_whole_packet_goes_through(
    mode: Literal["switch", "router"], cables: list[str], tmp_path: Path
) -> None:
    net = Net(name="mesh", port=656, mode=mode)
    with running(net, cables, tmp_path):
        deadline = time.monotonic() + SECONDS
        for machine, (member, peer) in itertools.product(cables, PEERS.items()):
            if machine.endswith(member):
                continue
            whole = ("-M", "do", "-s", str(net.mtu - 28), str(peer.address).partition("/")[0])
            while not done("ip", "netns", "exec", machine, "ping", "-c1", "-W1", *whole):
                assert time.monotonic() < deadline, (tmp_path / member / "log").read_text()
                time.sleep(0.05)
