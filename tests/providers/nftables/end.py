"""One end of a link between two networks, as a process in a network of its own; told on its input what to do.

    send: a list of frames' parameters goes out as packets;
    hear: answers with the tokens of those that were let in, until the fence has come.

It sees what the firewall has let in through raw sockets, to which the kernel gives packets after the input hook.
"""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

from tests.providers.nftables.frames import FENCE, ICMP, ICMPV6, TCP, UDP, frame, token_of

CARD = "vmbr0"


class End:
    """What a process has open in its network."""

    def __init__(self) -> None:
        self._link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._heard: list[tuple[socket.socket, int]] = []

    def ready(self) -> None:
        """The process is in its network."""

    def begin(self, peer: str) -> None:
        """The card is there: listen to it, and know who is at its other end."""
        self._link.bind((CARD, 0))
        mac = self._link.getsockname()[4]
        self._macs = bytes.fromhex(peer.replace(":", "")) + mac
        for family, protocols in ((socket.AF_INET, (ICMP, TCP, UDP)), (socket.AF_INET6, (ICMPV6, TCP, UDP))):
            self._heard += [(self._raw(family, proto), proto) for proto in protocols]
        self._fence = self._raw(socket.AF_INET, FENCE)
        self._fence.settimeout(10)

    @staticmethod
    def _raw(family: int, proto: int) -> socket.socket:
        made = socket.socket(family, socket.SOCK_RAW, proto)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        return made

    def send(self, packets: list[list[Any]]) -> None:
        """Send packets, and the fence behind them."""
        for proto, source, dest, token, ports, kind in packets:
            self._link.send(frame(self._macs, (proto, source, dest, token, tuple(ports), tuple(kind))))
        self._link.send(frame(self._macs, (FENCE, "198.18.0.1", "198.18.0.2", 0, (0, 0), (0, 0))))

    def hear(self) -> list[int]:
        """The tokens of what has come in before the fence."""
        self._fence.recv(100)
        tokens = []
        for heard, proto in self._heard:
            heard.settimeout(0)
            while True:
                try:
                    data = heard.recv(2000)
                except BlockingIOError:
                    break
                skip = 4 * (data[0] & 15) if heard.family == socket.AF_INET else 0
                tokens.append(token_of(proto, data[skip:]))
        return tokens


def main() -> None:
    """Do what the input says, line by line."""
    end = End()
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        sys.stdout.write(json.dumps(getattr(end, what)(*arguments)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
