"""Moving guests to another cluster: finding it among the simulated ones, and what has to be there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from simulator.access import Access, token_owner
from simulator.errors import ApiError
from simulator.formats import named_format
from simulator.guests.migration import StorageMap
from simulator.guests.qemu_hotplug import bridge_exists
from simulator.guests.storages import StorageView
from simulator.propstring import join, split
from simulator.routing import Call
from simulator.schema import PropertyString, integer, string
from simulator.state import Datacenter, World

_DEFAULT_PORT = 8006
_TOKEN = "PVEAPIToken="  # noqa: S105 - the word before a token
ENDPOINT = PropertyString(
    {
        "host": string(format="address"),
        "port": integer(optional=True),
        "apitoken": string(),
        "fingerprint": string(pattern=r"([A-Fa-f0-9]{2}:){31}[A-Fa-f0-9]{2}", optional=True),
    }
)


@named_format("proxmox-remote")
def _remote(value: str) -> None:
    ENDPOINT.parse(value, "target-endpoint")


@dataclass(frozen=True, slots=True)
class Remote:
    """A node of another cluster, who is known there, and the number that a guest is to have there."""

    host: str
    datacenter: Datacenter
    node: str
    authid: str
    vmid: int

    def view(self, now: float) -> StorageView:
        """Return the storages as that node sees them."""
        return StorageView(self.datacenter, self.node, int(now))


def _find(world: World, host: str, port: int) -> tuple[Datacenter, str] | None:
    """Return the simulated node that answers at an address: by its own, or on this computer by its port."""
    if host in ("127.0.0.1", "localhost"):
        machine = world.endpoints.get(f"127.0.0.1:{port}")
        if machine is None:
            return None
        datacenter, node = world.place_of(machine)
        return datacenter, node.name
    for datacenter in world.datacenters.values():
        for node in datacenter.nodes:
            if host in (node.ip, node.name) and port == _DEFAULT_PORT:
                return datacenter, node.name
    return None


def connect(call: Call, vmid: int) -> Remote:
    """Reach the other cluster as its token says, or fail as a client of its API does."""
    endpoint = ENDPOINT.parse(call.text("target-endpoint"), "target-endpoint")
    host, port = str(endpoint["host"]), int(endpoint.get("port", _DEFAULT_PORT))
    found = _find(call.world, host, port)
    if found is None or not found[0].nodes[found[1]].online:
        raise ApiError(f"500 Can't connect to {host}:{port} (No route to host)")
    fingerprint = call.client.get("fingerprint", "")
    wanted = str(endpoint.get("fingerprint", fingerprint))
    if wanted.upper() != fingerprint:
        raise ApiError(f"500 Can't connect to {host}:{port} (certificate verify failed)")
    token = str(endpoint["apitoken"]).removeprefix(_TOKEN)
    authid = token_owner(found[0], token, call.now)
    if authid is None:
        raise ApiError("401 Authentication failed!")
    access = Access(found[0], authid)
    if not (access.may(f"/vms/{vmid}", ["VM.Allocate"]) and access.may("/", ["Sys.Incoming"])):
        raise ApiError("403 Permission check failed")
    return Remote(host, *found, authid, vmid)


def pairs(call: Call, name: str) -> StorageMap:
    """Read which storage or bridge becomes which; `1` says that each stays itself."""
    items = [item.partition(":") for item in call.listing(name) if item != "1"]
    default = next((source for source, separator, _ in items if not separator), None)
    return StorageMap({source: target for source, separator, target in items if separator}, default)


def check_storages(remote: Remote, now: float, volids: list[str], wanted: StorageMap, content: str) -> None:
    """Refuse storages that the other cluster lacks, or that hold something else."""
    view = remote.view(now)
    for storage in dict.fromkeys(wanted.target(volid.partition(":")[0]) for volid in volids):
        known = remote.datacenter.storages.get(storage)
        if known is None or not Access(remote.datacenter, remote.authid).may(
            f"/storage/{storage}", ["Datastore.AllocateSpace"]
        ):
            raise ApiError(f"remote: storage '{storage}' does not exist (or missing permission)!")
        if content not in view.contents(storage):
            what = "images" if content == "images" else "containers"
            raise ApiError(f"remote: storage '{storage}' cannot store {what}")


def bridged(remote: Remote, now: float, config: Mapping[str, str], wanted: StorageMap) -> dict[str, str]:
    """Return a configuration whose cards are on the other cluster's bridges, or refuse a bridge that it lacks."""
    result = dict(config)
    for key, value in config.items():
        if not re.fullmatch(r"net\d+", key):
            continue
        nic = split(value, "model")
        if "bridge" in nic:
            nic["bridge"] = wanted.target(nic["bridge"])
            if not bridge_exists(remote.view(now), nic["bridge"]):
                raise ApiError(f"remote: bridge '{nic['bridge']}' does not exist (or missing permission)!")
        first = next(iter(nic))
        bare = {name: text for name, text in nic.items() if name != first}
        head = value.partition(",")[0]
        result[key] = ",".join([head, join(bare, None, bare)]).rstrip(",")
    return result
