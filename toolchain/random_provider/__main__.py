"""Serves the plugin on a port of loopback and tells the engine which one, as every Pulumi plugin does."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from toolchain.random_provider.server import RandomProvider

_LOOK_AT_PARENT_EVERY = 1.0
_WORKERS = 8


def main() -> None:
    """Serve until the engine ends; an engine that was killed must not leave its plugin behind."""
    parent = os.getppid()
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(RandomProvider(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while server.wait_for_termination(timeout=_LOOK_AT_PARENT_EVERY) and os.getppid() == parent:
        pass


if __name__ == "__main__":
    main()
