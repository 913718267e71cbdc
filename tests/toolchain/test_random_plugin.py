"""The process of the pulumi-random plugin."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time


def serves(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def test_the_plugin_ends_when_its_engine_is_killed() -> None:
    script = f"{sys.executable} -m toolchain.random_provider & echo $!; wait"
    with subprocess.Popen(["/bin/sh", "-c", script], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        plugin, port = int(engine.stdout.readline()), int(engine.stdout.readline())
        try:
            assert serves(port)
            engine.send_signal(signal.SIGKILL)
            deadline = time.monotonic() + 20
            while serves(port) and time.monotonic() < deadline:
                time.sleep(0.1)
            assert not serves(port)
        finally:
            engine.kill()
            if serves(port):
                os.kill(plugin, signal.SIGKILL)
