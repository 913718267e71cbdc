"""`rrd` and `rrddata` of nodes, guests and storages: how they fared over time."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from simulator import rrd
from simulator.api.resources import guest_stats
from simulator.guests.facts import storage_usage
from simulator.records import Guest, Node
from simulator.routing import Call, Handler, route
from simulator.rrd import Source
from simulator.schema import Param, integer, string
from simulator.state import Datacenter

_FRAMES = ("hour", "day", "week", "month", "year")
_NODE = {"node": string(format="pve-node")}
_GUEST = {**_NODE, "vmid": integer(format="pve-vmid", minimum=100, maximum=999999999)}
_STORAGE = {**_NODE, "storage": string(format="pve-storage-id")}
_CF = string(enum=("AVERAGE", "MAX"), optional=True)
_SEE_STORAGE = ["perm", "/storage/{storage}", ["Datastore.Audit", "Datastore.AllocateSpace"], "any", 1]
_NODE_PRESSURES = ("pressurecpusome", "pressureiosome", "pressureiofull", "pressurememorysome", "pressurememoryfull")
_GUEST_PRESSURES = ("pressurecpufull", *_NODE_PRESSURES)
_BYTES_PER_SECOND = {"netin": 20_000, "netout": 15_000, "diskread": 4_000, "diskwrite": 30_000}


def _node(call: Call) -> Source:
    node = call.datacenter.nodes.get(call.text("node"))
    if node is None:
        raise rrd.missing(f"pve2-node/{call.text('node')}")
    source = Source(f"pve-node-9.0/{node.name}", node.started, lambda moment: _of_node(source, node, moment))
    return source


def _of_node(source: Source, node: Node, moment: int) -> dict[str, float]:
    swing = partial(source.swing, moment=moment)
    used = swing("memused", level=node.memory / 10)
    return {
        "loadavg": swing("loadavg", level=0.02 * node.cpus), "maxcpu": node.cpus, "cpu": swing("cpu", level=0.02),
        "iowait": swing("iowait", level=0.001), "memtotal": node.memory, "memused": used,
        "memavailable": node.memory - used, "swaptotal": 8 << 30, "swapused": 0, "roottotal": node.disk,
        "rootused": node.disk / 20, "netin": swing("netin", level=50_000), "netout": swing("netout", level=40_000),
        "arcsize": 0, **dict.fromkeys(_NODE_PRESSURES, 0),
    }  # fmt: skip


def _guest(kind: str, call: Call) -> Source:
    guest = call.datacenter.guests.get(call.integer("vmid"))
    if guest is None or guest.type != kind:
        raise rrd.missing(f"pve2-vm/{call.integer('vmid')}")
    source = Source(
        f"pve-vm-9.0/{guest.vmid}", _made(call.datacenter, guest), lambda moment: _of_guest(source, call, guest, moment)
    )
    return source


def _made(datacenter: Datacenter, guest: Guest) -> float:
    """Return since when a guest is there: its volumes know it."""
    times = [volume.ctime for volume in datacenter.volumes.by("vmid", guest.vmid)]
    return min(times, default=guest.started or datacenter.nodes[guest.node].started)


def _of_guest(source: Source, call: Call, guest: Guest, moment: int) -> dict[str, float]:
    row = guest_stats(call.datacenter, call.node, guest, call.now)
    up = guest.status == "running" and moment >= (guest.started or 0)
    swing = partial(source.swing, moment=moment)
    memory = swing("mem", level=row["maxmem"] / 4)
    values: dict[str, float] = {
        "maxcpu": row["maxcpu"], "cpu": swing("cpu", level=0.01), "maxmem": row["maxmem"], "mem": memory,
        "memhost": memory, "maxdisk": row["maxdisk"], "disk": row["disk"],
        **{name: swing(name, level=level) for name, level in _BYTES_PER_SECOND.items()},
        **dict.fromkeys(_GUEST_PRESSURES, 0),
    }  # fmt: skip
    return values if up else {name: value if name.startswith("max") else 0 for name, value in values.items()}


def _storage(call: Call) -> Source:
    storage, node = call.datacenter.storages.get(call.text("storage")), call.datacenter.nodes[call.node]
    if storage is None:
        raise rrd.missing(f"pve2-storage/{call.node}/{call.text('storage')}")
    total, used = storage_usage(call.datacenter, storage, call.node)
    values: Mapping[str, float] = {"total": total, "used": used}
    return Source(f"pve-storage-9.0/{node.name}/{storage.id}", node.started, lambda _: values)


def _declare(path: str, of: Any, params: Mapping[str, Param], check: list[Any], **options: Any) -> None:
    """Declare both methods of one kind of object."""
    frames = (*_FRAMES, "decade") if of is _node else _FRAMES
    common = {**params, "cf": _CF, "timeframe": string(enum=frames)}

    def series(call: Call) -> list[dict[str, Any]]:
        return rrd.data(of(call), call.text("timeframe"), call.text("cf"), call.now)

    def graph(call: Call) -> dict[str, str]:
        return rrd.graph(of(call), call.listing("ds"), call.now)

    methods: dict[str, tuple[Handler, Mapping[str, Param]]] = {
        "rrddata": (series, common), "rrd": (graph, {**common, "ds": string(format="pve-configid-list")}),
    }  # fmt: skip
    for name, (handler, declared) in methods.items():
        route("GET", f"{path}/{name}", params=declared, check=check, protected=True, **options)(handler)


_declare("/nodes/{node}", _node, _NODE, ["perm", "/nodes/{node}", ["Sys.Audit"]])
for _kind in ("qemu", "lxc"):
    _declare(f"/nodes/{{node}}/{_kind}/{{vmid}}", partial(_guest, _kind), _GUEST, ["perm", "/vms/{vmid}", ["VM.Audit"]])
_declare("/nodes/{node}/storage/{storage}", _storage, _STORAGE, _SEE_STORAGE, proxyto="node")
