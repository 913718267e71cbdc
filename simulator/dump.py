"""A canonical dump of the state, to compare what was there before with what is there after."""

from __future__ import annotations

import json
from typing import Any

from simulator.state import World
from simulator.store import Table, encode

_LEFT_OUT = ("agents", "clusterlog", "consoles", "ha/manager", "ha/nodes", "journal", "settings", "tasks")
_VOLATILE = ("changed", "created", "ctime", "last_step", "moved", "started", "pid", "secret", "password")


def dump(world: World) -> dict[str, Any]:
    """Return all records as plain data, sorted, without what passes (tasks, times, pids) and secrets."""
    result: dict[str, Any] = {}
    for datacenter in world.datacenters.values():
        tables = {table.name.removeprefix(f"{datacenter.name}/"): table for table in datacenter.tables()}
        if datacenter.nodes:
            rows = {name: _rows(table) for name, table in tables.items() if name not in _LEFT_OUT}
            result[datacenter.name] = rows | {"sdn/versions": _behind(rows["sdn/versions"])}
    return result


def _behind(versions: dict[str, Any]) -> dict[str, Any]:
    """Return the lock, and the nodes that have not loaded what runs; how often that was applied is no state."""
    running = versions.get("running", {}).get("value")
    return {name: row for name, row in versions.items() if name != "running" and row["value"] != running}


def _rows(table: Table[Any, Any]) -> dict[str, Any]:
    rows = {str(table.key(record)): json.loads(encode(record)) for record in table}
    return {
        key: {name: value for name, value in sorted(rows[key].items()) if name not in _VOLATILE} for key in sorted(rows)
    }
