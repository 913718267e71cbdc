"""Loads the libraries once and forks itself for each program that a client asks for.

Between the server and a program stands a keeper, a fork as well: it tells the client how the program ended, hands on
the signals that the client gets, and ends the program when the client is gone: who kills what he started means it.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import runpy
import select
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

import grpc
import pip._internal.commands.list
import pulumi
import pulumi.dynamic
import pydantic
import requests
import yaml

LOADED = (grpc, pip, pulumi, pydantic, requests, yaml)


def main() -> None:
    """Serve until the input ends."""
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to wait for
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(sys.argv[1])
        door.listen(64)
        print("ready", flush=True)  # noqa: T201 - whoever started this waits for it
        while sys.stdin not in select.select([door, sys.stdin], [], [])[0]:
            client, _ = door.accept()
            if os.fork() == 0:
                door.close()
                _keep(client)
            client.close()


def _keep(client: socket.socket) -> NoReturn:
    """Start the program, and watch it and the client."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    start, streams, _, _ = socket.recv_fds(client, 4, 3)
    with client.makefile("rb") as rest:
        arguments, environment, folder = marshal.loads(rest.read(int.from_bytes(start, "big")))  # noqa: S302 - our own
    program = os.fork()
    if program == 0:
        client.close()
        _become(environment, folder, streams)
        _run(arguments)
    for stream in streams:
        os.close(stream)
    ended = os.pidfd_open(program)
    while ended not in select.select([client.fileno(), ended], [], [])[0]:
        signals = client.recv(1)
        os.kill(program, signals[0] if signals else signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    with contextlib.suppress(BrokenPipeError):
        client.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _become(environment: dict[str, str], folder: str, streams: list[int]) -> None:
    """Take over what the client's process has: its streams, its folder, its environment."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)


def _run(arguments: list[str]) -> NoReturn:
    """Be what `python` with these arguments would be, to the end."""
    sys.path[0:1] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    if arguments[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(arguments[0]).resolve().parent))
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    main()
