"""Ports of servers that a test starts on loopback."""

from __future__ import annotations

import socket
import time

PATIENCE = 60


def free_port() -> int:
    """One that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody answers there."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, f"nobody answers at port {port}"
            time.sleep(0.05)
        else:
            return
