"""Two networks with a link between them: what one sends, and what the firewall of the other lets in."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.providers.nftables.end import CARD
from tests.providers.nftables.frames import Sent

ROOT = Path(__file__).parents[3]
SENT_FROM, SENT_TO = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Wire:
    """The link: a process at each end."""

    def __init__(self, sender: subprocess.Popen[str], receiver: subprocess.Popen[str]) -> None:
        self._sender, self._receiver = sender, receiver

    def load(self, ruleset: str) -> None:
        """Give the receiving end a firewall in place of the one before."""
        command = ["nsenter", "-t", str(self._receiver.pid), "-n", "nft", "-f", "-"]
        done = subprocess.run(command, input=f"flush ruleset\n{ruleset}", text=True, check=False, capture_output=True)
        assert done.returncode == 0, f"{done.stderr}\n{ruleset}"

    def passed(self, packets: Sequence[Sent]) -> set[int]:
        """Send packets; returns the tokens of those that were let in."""
        self.ask(self._sender, "send", list(packets))
        return set(self.ask(self._receiver, "hear"))

    @staticmethod
    def ask(end: subprocess.Popen[str], *what: Any) -> Any:
        """Let one end do something."""
        assert end.stdin is not None
        assert end.stdout is not None
        end.stdin.write(json.dumps(what) + "\n")
        end.stdin.flush()
        return json.loads(end.stdout.readline())


def _inside(end: subprocess.Popen[str], *command: str) -> None:
    subprocess.run(["nsenter", "-t", str(end.pid), "-n", *command], check=True, capture_output=True)


@contextmanager
def _end() -> Iterator[subprocess.Popen[str]]:
    """A process in a new network, which ends with its input."""
    command = ["unshare", "--net", sys.executable, "-m", "tests.providers.nftables.end"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as end:
        yield end


@contextmanager
def wire(addresses: Sequence[str]) -> Iterator[Wire]:
    """A link; the receiving end has these addresses. Skips the test, with the reason, where there can be none."""
    missing = [name for name in ("ip", "nft", "nsenter", "unshare") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: `make live` installs them")
    if subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs a network of its own, which only root can make")
    with ExitStack() as stack:
        sender, receiver = stack.enter_context(_end()), stack.enter_context(_end())
        for end in (sender, receiver):
            Wire.ask(end, "ready")
        link = ["address", SENT_FROM, "netns", str(sender.pid), "type", "veth", "peer", CARD, "address", SENT_TO]
        subprocess.run(["ip", "link", "add", CARD, *link, "netns", str(receiver.pid)], check=True, capture_output=True)
        for setting in ("rp_filter", "log_martians", "accept_local"):
            for card in ("all", CARD):
                value = int(setting == "accept_local")
                _inside(receiver, "sh", "-c", f"echo {value} >/proc/sys/net/ipv4/conf/{card}/{setting}")
        for address in (*addresses, "198.18.0.2"):
            _inside(receiver, "ip", "address", "add", address, "dev", CARD, *(["nodad"] if ":" in address else []))
        for end, peer in ((sender, SENT_TO), (receiver, SENT_FROM)):
            _inside(end, "ip", "link", "set", CARD, "up")
            Wire.ask(end, "begin", peer)
        yield Wire(sender, receiver)
