"""Hands a command to the server with all that a process has, and ends as the program there has ended.

It is started for each program of the engine, so it loads next to nothing.
"""

from __future__ import annotations

import marshal
import os
import signal
import socket
import sys
from typing import NoReturn

KILLED = 137


def main() -> NoReturn:
    """Run what the server is for, a module or a file; leave everything else to the real Python."""
    arguments = [argument for argument in sys.argv[1:] if argument != "-u"]
    if not arguments or arguments[0] in ("", "-c", "--version"):
        real = os.environ["WARM_PYTHON_ELSE"]
        os.execv(real, [real, *sys.argv[1:]])  # noqa: S606 - it takes the place of this process
    asked = marshal.dumps((arguments, dict(os.environ), os.getcwd()))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.connect(os.environ["WARM_PYTHON_SOCKET"])
        socket.send_fds(server, [len(asked).to_bytes(4, "big")], [0, 1, 2])
        server.sendall(asked)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _: server.sendall(bytes([number])))
        code = server.recv(1)
    os._exit(code[0] if code else KILLED)


main()
