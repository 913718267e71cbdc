"""`python -m toolchain.policy_host`: runs a policy pack for an engine that is newer than its language host.

The engine asks the language host to run a pack in words that the older host which this set-up builds does not know:
that one starts Python with an empty name for the program, and keeps to itself which pack is meant. But the engine then
shakes hands with what answers, and says there where the pack is. So this answers first, runs the pack as the SDK does
(`pulumi.policy`), and hands all further calls on to it. The vendor's own language host needs none of this.
"""

from __future__ import annotations

import functools
import os
import queue
import runpy
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import analyzer_pb2

_HANDSHAKE = "/pulumirpc.Analyzer/Handshake"
_LOOK_AT_PARENT_EVERY = 1.0
_WORKERS = 4
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
)


class Front(grpc.GenericRpcHandler):
    """What the engine talks to: learns at the handshake which pack is meant, then passes on all that it is asked."""

    def __init__(self) -> None:
        self.packs: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.ports: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._pack: grpc.Channel | None = None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any]:
        """Find what answers a call."""
        if handler_call_details.method == _HANDSHAKE:
            return grpc.unary_unary_rpc_method_handler(
                self._handshake,
                request_deserializer=analyzer_pb2.AnalyzerHandshakeRequest.FromString,
                response_serializer=analyzer_pb2.AnalyzerHandshakeResponse.SerializeToString,
            )
        return grpc.unary_unary_rpc_method_handler(functools.partial(self._pass_on, handler_call_details.method))

    def _handshake(
        self, request: analyzer_pb2.AnalyzerHandshakeRequest, context: grpc.ServicerContext
    ) -> analyzer_pb2.AnalyzerHandshakeResponse:
        """Have the pack run, and answer when it does."""
        self.packs.put(request.program_directory)
        port = self.ports.get().strip()
        if not port.isdigit():
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, f"{request.program_directory} has no policy pack")
        self._pack = grpc.insecure_channel(f"127.0.0.1:{port.decode()}", options=_OPTIONS)
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def _pass_on(self, method: str, request: bytes, context: grpc.ServicerContext) -> bytes:
        """Have the pack answer, in its own words also when it fails."""
        if self._pack is None:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "there was no handshake")
            raise AssertionError(method)
        call: Callable[..., bytes] = self._pack.unary_unary(method)
        try:
            return call(request, metadata=context.invocation_metadata())
        except grpc.RpcError as problem:
            context.abort(problem.code(), problem.details() or "")
            raise


def main() -> None:
    """Serve until the engine ends."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    front = Front()
    server = grpc.server(ThreadPoolExecutor(max_workers=_WORKERS), handlers=[front], options=_OPTIONS)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    directory = front.packs.get()
    threading.Thread(target=_read_port, args=(front.ports, *_divert_output()), daemon=True).start()
    sys.argv = ["pulumi.policy", sys.argv[1], directory]
    try:
        runpy.run_module("pulumi.policy", run_name="__main__", alter_sys=True)
    finally:
        front.ports.put(b"")
        server.stop(grace=1).wait()


def _divert_output() -> tuple[int, int]:
    """Have what the pack prints, its port above all, come out at the first of two files; the other is our own."""
    own = os.dup(1)
    pack, entry = os.pipe()
    os.dup2(entry, 1)
    os.close(entry)
    return pack, own


def _read_port(ports: queue.SimpleQueue[bytes], pack: int, own: int) -> None:
    """Take the first line that a pack prints, which says its port; what follows is for the user."""
    with os.fdopen(pack, "rb", buffering=0) as printed, os.fdopen(own, "wb", buffering=0) as shown:
        ports.put(printed.readline())
        for line in printed:
            shown.write(line)


def _end_with(parent: int) -> NoReturn:
    """End as soon as the language host has ended: an engine that was killed must leave nothing behind."""
    while os.getppid() == parent:
        time.sleep(_LOOK_AT_PARENT_EVERY)
    os._exit(0)


if __name__ == "__main__":
    main()
