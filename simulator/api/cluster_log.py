"""`/cluster/log`: who logged in, which tasks began and ended, who joined and left."""

from __future__ import annotations

from typing import Any

from simulator.routing import Call, route
from simulator.schema import integer

_SHOWN = 50


@route("GET", "/cluster/log", params={"max": integer(minimum=1, optional=True)}, user="all")
def read_log(call: Call) -> list[dict[str, Any]]:
    """Return the newest lines first: everybody's, or the caller's own."""
    every = call.access.may("/", ["Sys.Syslog"])
    entries = [entry for entry in call.datacenter.cluster_log if every or entry.user == call.authid]
    entries.sort(key=lambda entry: (entry.time, entry.node, entry.uid), reverse=True)
    return [
        {
            "id": f"{entry.uid}:{entry.node}", "uid": str(entry.uid), "node": entry.node, "time": entry.time,
            "user": entry.user, "tag": entry.tag, "pid": entry.pid, "pri": entry.pri, "msg": entry.msg,
        }
        for entry in entries[: call.integer("max", _SHOWN)]
    ]  # fmt: skip
