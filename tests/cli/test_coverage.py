"""The page that says what is simulated is true, and nothing that the simulator is for is missing from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import docs
from cli.coverage import MISSING, coverage, page, schema_file

SURFACE = (
    "/version", "/access", "/pools", "/storage", "/cluster/status", "/cluster/resources", "/cluster/nextid",
    "/cluster/tasks", "/cluster/log", "/cluster/options", "/cluster/config", "/cluster/sdn", "/cluster/firewall",
    "/cluster/ha", "/cluster/backup", "/cluster/backup-info", "/cluster/replication", "/nodes/{node}/status",
    "/nodes/{node}/version", "/nodes/{node}/time", "/nodes/{node}/dns", "/nodes/{node}/hosts", "/nodes/{node}/config",
    "/nodes/{node}/services", "/nodes/{node}/tasks", "/nodes/{node}/startall", "/nodes/{node}/stopall",
    "/nodes/{node}/vzdump", "/nodes/{node}/disks/list", "/nodes/{node}/hardware", "/nodes/{node}/rrddata",
    "/nodes/{node}/aplinfo", "/nodes/{node}/network", "/nodes/{node}/qemu", "/nodes/{node}/lxc",
    "/nodes/{node}/storage", "/nodes/{node}/sdn", "/nodes/{node}/firewall", "/nodes/{node}/replication",
)  # fmt: skip


def _schema() -> Path:
    schema = schema_file()
    if schema is None:
        pytest.skip("the schema is not there; set PVE_API_SCHEMA to its place")
    return schema


def _below(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


def test_the_page_is_up_to_date() -> None:
    assert docs.COVERAGE.read_text(encoding="utf-8") == page(_schema()), "run `make docs`"


def test_nothing_that_the_simulator_is_for_is_missing() -> None:
    states = coverage(_schema()).items()
    assert [f"{method} {path}" for (path, method), state in states if state == MISSING and _below(path, SURFACE)] == []
