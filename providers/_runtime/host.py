"""What Pulumi's dynamic host for Python lacks, given back in one place.

The plugin process (`python -m pulumi.dynamic`) is the SDK's own program. It runs four requests at a time, has no way
to show progress, loses an object whose creation fails halfway, and prints a traceback for every error. What it does
have is reachable: the running gRPC server, the request and context of the call at hand, and the engine's address in
`sys.argv`. Everything that leans on the SDK's insides is in this module, and a test of each fails when the SDK changes.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import any_pb2, struct_pb2
from google.rpc import status_pb2
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, provider_pb2
from pulumi.runtime.proto.engine_pb2_grpc import EngineStub

from providers._runtime.errors import ProxmoxError

DEFAULT_PARALLEL = 32
HOST_MODULE = "pulumi.dynamic.__main__"
UNKNOWN_CODE = 2
STATUS_DETAILS = "grpc-status-details-bin"
WATCH_EVERY = 0.5
MISSES = 2


@dataclass(frozen=True)
class Call:
    """The request that the engine is waiting for."""

    request: Any
    context: Any

    @property
    def urn(self) -> str:
        """The resource's URN."""
        return str(self.request.urn)

    @property
    def timeout(self) -> float | None:
        """`custom_timeouts` of the resource's options for this operation, in seconds."""
        return float(getattr(self.request, "timeout", 0)) or None

    @property
    def planned(self) -> list[str]:
        """Inputs of a resource being read that were planned and not declared."""
        inputs = self.request.inputs
        return [str(name) for name in inputs["planned"]] if "planned" in inputs else []


def in_plugin() -> bool:
    """Whether this is the plugin process, and not a program or a test."""
    main = sys.modules.get("__main__")
    return main is not None and getattr(getattr(main, "__spec__", None), "name", None) == HOST_MODULE


def current_call() -> Call | None:
    """The call that led here, found in the frames of the SDK's servicer."""
    for frame in _frames():
        values = frame.f_locals
        if frame.f_globals.get("__name__") == "__main__" and "request" in values and "context" in values:
            return Call(values["request"], values["context"])
    return None


def _frames() -> Iterator[types.FrameType]:
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def widen(workers: int) -> bool:
    """Let the host run `workers` requests at once instead of four; False where its server could not be found."""
    main = _main_thread_frame()
    while main is not None:
        server = main.f_locals.get("server")
        pool: Any = getattr(getattr(server, "_state", None), "thread_pool", None)
        if hasattr(pool, "_max_workers"):
            pool._max_workers = max(workers, pool._max_workers)
            _start_workers(pool)
            return True
        main = main.f_back
    return False


def _start_workers(pool: Any) -> None:
    """Have all workers there before there is work.

    The pool counts a worker as idle that is about to take the next request from its queue, and then starts no further
    one: a few of many requests would wait until one of the others is done. So each new worker is kept busy meanwhile.
    """
    all_there = threading.Event()
    while len(pool._threads) < pool._max_workers:
        pool.submit(all_there.wait)
    all_there.set()


def _main_thread_frame() -> types.FrameType | None:
    ident = threading.main_thread().ident
    return sys._current_frames().get(ident) if ident is not None else None


class _OneLine:
    """Stands in for `traceback` in the host: a ProxmoxError is its message; a bug keeps its traceback."""

    @staticmethod
    def format_exc() -> str:
        """The exception at hand, as the host reports it to the engine."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, ProxmoxError) else traceback.format_exc()


def one_line_errors() -> bool:
    """Errors that a user can cause reach the user as one line; False where the host has changed."""
    main = sys.modules["__main__"]
    if getattr(main, "traceback", None) is None:
        return False
    main.traceback = _OneLine  # type: ignore[attr-defined]  # a global of the host's module
    return True


def end_with_the_engine() -> None:
    """End this process when the engine is gone.

    An engine that is killed can't tell its plugins. One that went on would work on resources that the next run is
    already working on.
    """
    address = sys.argv[1] if len(sys.argv) > 1 else ""
    name, _, port = address.rpartition(":")
    if port.isdigit():
        threading.Thread(target=_watch, args=(name, int(port)), daemon=True, name="engine-watch").start()


def _watch(name: str, port: int) -> None:
    missed = 0
    while missed < MISSES:
        time.sleep(WATCH_EVERY)
        try:
            socket.create_connection((name, port), timeout=WATCH_EVERY).close()
            missed = 0
        except ConnectionRefusedError:
            missed += 1
        except OSError:
            continue  # busy, and not gone
    os._exit(1)


def keep_partial(call: Call, id_: str, properties: struct_pb2.Struct, inputs: struct_pb2.Struct, reason: str) -> None:
    """Make the engine keep a resource whose creation or update failed halfway: the next `up` goes on with it."""
    failed = provider_pb2.ErrorResourceInitFailed(id=id_, properties=properties, inputs=inputs, reasons=[reason])
    detail = any_pb2.Any()
    detail.Pack(failed)
    status = status_pb2.Status(code=UNKNOWN_CODE, message=reason, details=[detail])
    call.context.set_trailing_metadata(((STATUS_DETAILS, status.SerializeToString()),))


class Voice:
    """Lines in the display of `pulumi up`: status lines that come and go, and ones that stay."""

    def __init__(self) -> None:
        self._engine: EngineStub | None = None
        self._guard = threading.Lock()

    def status(self, urn: str, text: str) -> None:
        """Show progress beside the resource until the next line comes."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def note(self, urn: str, text: str) -> None:
        """Say something that stays, and that nobody has to do anything about."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=False)

    def warning(self, urn: str, text: str) -> None:
        """Say something that stays."""
        self._log(engine_pb2.WARNING, urn, text, ephemeral=False)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, *, ephemeral: bool) -> None:
        engine = self._connected()
        if engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, streamId=0, ephemeral=ephemeral)
        try:
            engine.Log(request)
        except grpc.RpcError:
            return  # the engine is on its way out; the operation itself tells how it ended

    def _connected(self) -> EngineStub | None:
        with self._guard:
            if self._engine is None and in_plugin() and len(sys.argv) > 1:
                channel = grpc.insecure_channel(sys.argv[1], options=_GRPC_CHANNEL_OPTIONS)
                self._engine = EngineStub(channel)
            return self._engine
