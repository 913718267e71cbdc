"""The configuration of haproxy: services that several servers answer together.

A server may be named before its name is known: it is asked for again and again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_PLACE = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})")
_PATH = re.compile(r"/[^\s\"'#\\]*")
_HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Balanced:
    """A service: where it is asked for, and who answers."""

    name: str
    port: int
    servers: Mapping[str, str]
    """Name -> address and port, such as 192.0.2.11:80."""
    mode: Literal["http", "tcp"] = "http"
    balance: Literal["roundrobin", "leastconn", "source", "first"] = "roundrobin"
    check_path: str | None = None
    """Asked of each server over HTTP; where not set, a server is there while it takes connections."""
    check_seconds: float = 2.0

    def __post_init__(self) -> None:
        for name in (self.name, *self.servers):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name: letters, digits, and _ . : -")
        for server, place in self.servers.items():
            match = _PLACE.fullmatch(place)
            if not match or not 0 < int(match[2]) <= _HIGHEST_PORT:
                raise ValueError(f"{server}: {place!r} is no address with a port, such as 192.0.2.11:80")
        if not 0 < self.port <= _HIGHEST_PORT:
            raise ValueError(f"{self.name}: there is no port {self.port}")
        if self.check_path is not None and not _PATH.fullmatch(self.check_path):
            raise ValueError(f"{self.name}: {self.check_path!r} is no path, such as /health")
        if self.check_seconds <= 0:
            raise ValueError(f"{self.name}: its servers have to be looked at from time to time")


def config(services: Sequence[Balanced], metrics_port: int | None) -> str:
    """All that haproxy is told; on the last port Prometheus can ask it for its figures."""
    names = [service.name for service in services]
    ports = [service.port for service in services] + ([metrics_port] if metrics_port else [])
    for what, values in (("name", names), ("port", ports)):
        if len(set(values)) < len(values):
            raise ValueError(f"two services have the same {what}")
    lines = [
        "global",
        "    user haproxy",
        "    group haproxy",
        "    maxconn 4096",
        "resolvers guests",
        "    parse-resolv-conf",
        "defaults",
        "    default-server init-addr last,libc,none resolvers guests",
        "    timeout connect 5s",
        "    timeout client 60s",
        "    timeout server 60s",
        *(line for service in services for line in _listen(service)),
        *(_metrics(metrics_port) if metrics_port else []),
    ]
    return "".join(f"{line}\n" for line in lines)


def _listen(service: Balanced) -> list[str]:
    check = [f"    option httpchk GET {service.check_path}"] if service.check_path else []
    forwarded = ["    option forwardfor"] if service.mode == "http" else []
    every = f"check inter {round(service.check_seconds * 1000)}ms"
    return [
        f"listen {service.name}",
        f"    bind :{service.port}",
        f"    mode {service.mode}",
        f"    balance {service.balance}",
        *forwarded,
        *check,
        *(f"    server {server} {place} {every}" for server, place in service.servers.items()),
    ]


def _metrics(port: int) -> list[str]:
    return [
        "frontend metrics",
        f"    bind :{port}",
        "    mode http",
        "    http-request use-service prometheus-exporter if { path /metrics }",
        "    http-request return status 404",
    ]
