"""Metrics servers: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

from typing import Any

import pytest

from providers._runtime.model import canonical, fields_of
from providers.metrics_server import MetricsServerInputs
from tests.conftest import Simulator
from tests.providers.guests import Driver

EXAMPLE = {
    "server_id": "figures",
    "type": "influxdb",
    "server": "192.0.2.80",
    "port": 8086,
    "influxdbproto": "https",
    "organization": "lab",
    "bucket": "pve",
    "token": "a-first-token",
    "disable": True,
}
UPDATES = [
    {**EXAMPLE, "token": "another-token", "port": 8087, "verify_certificate": False},
    {"server_id": "figures", "type": "influxdb", "server": "192.0.2.81", "port": 8089, "disable": True},
]
DRIFT = [("PUT", "/cluster/metrics/server/figures", {"server": "192.0.2.99", "port": 8089})]
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "graphite": ({"proto": "tcp", "path": "pve.lab"}, {"proto": "udp", "mtu": 9000}),
    "opentelemetry": (
        {"otel_protocol": "http", "otel_headers": "eyJ4IjoxfQ=="},
        {"otel_path": "/otlp", "otel_timeout": 3},
    ),
}


@pytest.mark.parametrize("kind", sorted(OTHERS))
def test_servers_of_every_type_are_made_and_changed_and_then_nothing_is_left_to_do(
    kind: str, simulator: Simulator
) -> None:
    common = {"server_id": "x1", "type": kind, "server": "192.0.2.80", "port": 2003}
    made, changed = OTHERS[kind]
    server = Driver(simulator, "metrics_server")

    for args in (made, changed):
        server.up({**common, **args})
        assert server.drift() == {}
    server.delete()

    assert simulator.by_hand("GET", "/cluster/metrics/server") == []


def test_a_field_of_another_type_is_refused() -> None:
    _, problems = canonical(MetricsServerInputs, {**EXAMPLE, "proto": "tcp"}, frozenset())

    assert "proto: a server of type influxdb has no such field" in problems[0][1]


def test_one_that_was_removed_meanwhile_is_removed_without_a_word(simulator: Simulator) -> None:
    server = Driver(simulator, "metrics_server")
    server.up(EXAMPLE)
    simulator.by_hand("DELETE", "/cluster/metrics/server/figures")

    assert server.drift() == {"gone": True}
    server.delete()


def test_what_lets_somebody_write_to_a_server_is_a_secret() -> None:
    assert {name for name, spec in fields_of(MetricsServerInputs).items() if spec.secret} == {"token", "otel_headers"}
