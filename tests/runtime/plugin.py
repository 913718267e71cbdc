"""The plugin process as Pulumi's engine starts it, with a test in the engine's place."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime import rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from providers._runtime.bridge import PROVIDER_KEY, ProxmoxProvider
from tests.conftest import Simulator

ROOT = Path(__file__).parent.parent.parent
LIMIT = 60


def urn_of(name: str) -> str:
    """The URN of a pool of the test's program."""
    return f"urn:pulumi:test::labs::pulumi-python:dynamic/proxmox:Pool::{name}"


@dataclass
class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what the plugin tells the engine."""

    told: list[engine_pb2.LogRequest] = field(default_factory=list)

    def Log(self, request: engine_pb2.LogRequest, context: Any) -> empty_pb2.Empty:  # noqa: N802 - gRPC's name
        """One line."""
        self.told.append(request)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A running plugin process."""

    stub: provider_pb2_grpc.ResourceProviderStub
    engine: Engine
    process: subprocess.Popen[str]
    server: grpc.Server

    def configure(self, config: Mapping[str, Any]) -> None:
        """Hand over the stack's configuration."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=_struct(config)), timeout=LIMIT)

    def check(self, name: str, args: Mapping[str, Any], kind: str = "pool") -> provider_pb2.CheckResponse:
        """Check a resource's inputs."""
        request = provider_pb2.CheckRequest(urn=urn_of(name), olds=_struct({}), news=_bag(kind, args))
        answer: provider_pb2.CheckResponse = self.stub.Check(request, timeout=LIMIT)
        return answer

    def create(self, name: str, args: Mapping[str, Any], custom_timeout: float = 0) -> provider_pb2.CreateResponse:
        """Make a pool."""
        request = provider_pb2.CreateRequest(urn=urn_of(name), properties=_bag("pool", args), timeout=custom_timeout)
        answer: provider_pb2.CreateResponse = self.stub.Create(request, timeout=LIMIT)
        return answer


def _bag(kind: str, args: Mapping[str, Any]) -> struct_pb2.Struct:
    return _struct({**args, PROVIDER_KEY: serialize_provider(ProxmoxProvider(kind))})


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return asyncio.run(rpc.serialize_properties(dict(values), {}))


@contextmanager
def running(simulator: Simulator, folder: Path, config: Mapping[str, Any] | None = None) -> Iterator[Plugin]:
    """A plugin for the simulator, configured; ended afterwards."""
    (folder / "Pulumi.yaml").write_text("name: labs\nruntime: python\n")
    engine = Engine()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{port}"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PROXMOX_SIM_HOME": str(simulator.base)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
            plugin = Plugin(provider_pb2_grpc.ResourceProviderStub(channel), engine, process, server)
            plugin.configure({"proxmox:simulator": simulator.topology, **(config or {})})
            yield plugin
    finally:
        process.kill()
        process.communicate()
        server.stop(0).wait()
