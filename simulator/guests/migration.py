"""Moving guests between the nodes of a cluster: what goes along, where it ends, and the log of it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from simulator.errors import ApiError, ParamError, TaskError
from simulator.guests.facts import storage_visible
from simulator.guests.jobs import replication_jobs
from simulator.guests.rights import check_allocation
from simulator.guests.storages import StorageView
from simulator.guests.transfer import BYTES_PER_SECOND, data_of
from simulator.guests.volume_names import own_name
from simulator.records import Node, Volume
from simulator.routing import Call
from simulator.state import volume_key
from simulator.tasks import Step, TaskRun

_PROGRESS_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class StorageMap:
    """Where volumes go: a storage for each of the source's, or one for all, or each to its own name."""

    pairs: dict[str, str]
    default: str | None

    def target(self, storage: str) -> str:
        """Return the storage on the target for a storage of the source."""
        return self.pairs.get(storage, self.default or storage)


def storage_map(call: Call, name: str, target: str) -> StorageMap:
    """Read the wish for target storages, and refuse those that do not exist or are not there."""
    pairs, default = dict[str, str](), None
    view = StorageView(call.datacenter, target, int(call.now))
    for item in call.listing(name):
        source, separator, wanted = item.partition(":")
        if item == "1":
            continue
        chosen = wanted if separator else source
        view.available(chosen)
        check_allocation(call, chosen)
        if separator:
            pairs[source] = wanted
        else:
            default = source
    return StorageMap(pairs, default)


def target_node(call: Call) -> Node:
    """Return the node to which a guest is to go, or refuse it."""
    target = call.text("target")
    node = call.datacenter.nodes.get(target)
    if node is None:
        raise ApiError(f"no such cluster node '{target}'")
    if target == call.node:
        raise ParamError({"target": "target is local node."})
    return node


def check_storages(view: StorageView, volids: list[str], wanted: StorageMap, target: str) -> None:
    """Refuse a target that lacks a storage which is needed there."""
    for volid in volids:
        storage = wanted.target(volid.partition(":")[0])
        if not storage_visible(view.section(storage), target):
            raise ApiError(f"storage '{storage}' is not available on node '{target}'")


def unavailable_storages(view: StorageView, volids: list[str], target: str) -> list[str]:
    """Return the storages of a guest that a node does not have."""
    storages = dict.fromkeys(volid.partition(":")[0] for volid in volids)
    return [storage for storage in storages if not storage_visible(view.section(storage), target)]


class MigrationLog:
    """Writes log lines as migrations do: with the time in front."""

    def __init__(self, run: TaskRun) -> None:
        """Begin now."""
        self._run = run
        self._began = run.now

    def line(self, text: str) -> str:
        """Return a line with the time."""
        return f"{datetime.fromtimestamp(self._run.now, UTC):%Y-%m-%d %H:%M:%S} {text}"

    def duration(self) -> str:
        """Return how long it took."""
        seconds = int(self._run.now - self._began)
        return f"(duration {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02})"

    def abort(self, reason: str) -> TaskError:
        """Log why nothing came of it and return the error that ends the task."""
        self._run.lines.append(self.line(f"ERROR: migration aborted {self.duration()}: {reason}"))
        return TaskError("migration aborted")


def ssh_line(node: Node, command: str) -> str:
    """Return the line about a command that is run on another node."""
    known_hosts = f"/etc/pve/nodes/{node.name}/ssh_known_hosts"
    return (
        f"# /usr/bin/ssh -e none -o 'BatchMode=yes' -o 'HostKeyAlias={node.name}' -o 'UserKnownHostsFile={known_hosts}'"
        f" -o 'GlobalKnownHostsFile=none' root@{node.ip} {command}"
    )


def check_reachable(log: MigrationLog, run: TaskRun, target: str) -> None:
    """Fail when the target is down."""
    node = run.datacenter.nodes[target]
    if node not in run.datacenter.connected(run.node):
        run.lines.append(log.line(ssh_line(node, "/bin/true")))
        run.lines.append(log.line(f"ssh: connect to host {node.ip} port 22: No route to host"))
        raise log.abort("Can't connect to destination address using public key")


def move_volume(
    log: MigrationLog, view: StorageView, volume: Volume, target: str, storage: str
) -> Generator[Step, None, Volume]:
    """Copy a volume to another node; the source stays until the migration is through."""
    there = StorageView(view.datacenter, target, view.now)
    data = data_of(view, volume)
    formats = there.type_of(storage).formats
    format_ = volume.format if volume.format in formats else there.default_format(storage)
    name: str | None = there.full_name(storage, volume.vmid or 0, _bare(volume), format_)
    if volume_key(there.place(storage), f"{storage}:{name}") in view.datacenter.volumes:
        name = None
    made = there.allocate(storage, volume.vmid or 0, volume.size, format_, name=name, content=volume.content)
    try:
        for text in there.log_allocation(made):
            yield log.line(text)
        done, speed = 0.0, float(BYTES_PER_SECOND)
        while done < data:
            yield _PROGRESS_SECONDS
            done = min(data, done + _PROGRESS_SECONDS * speed)
            yield log.line(f"{int(done)} bytes copied")
        made = there.fill(made.volid, data, volume)
    except (ApiError, TaskError):
        there.free(made.volid)
        raise
    yield log.line(f"successfully imported '{made.volid}'")
    yield log.line(f"volume '{volume.volid}' is '{made.volid}' on the target")
    return made


def _bare(volume: Volume) -> str:
    return own_name(volume.name).rsplit(".", 1)[0] if "." in own_name(volume.name) else own_name(volume.name)


def renamed_config(config: dict[str, str], names: dict[str, str]) -> dict[str, str]:
    """Return a configuration in which moved volumes have their new names."""
    changed = dict(config)
    for key, value in config.items():
        first, separator, rest = value.partition(",")
        if first in names:
            changed[key] = f"{names[first]}{separator}{rest}"
    return changed


def settle(run: TaskRun, vmid: int, target: str, names: dict[str, str], *, running: bool) -> None:
    """Let a guest live on its new node, with its volumes there, and free those that it left behind.

    A replication job that copied to the new node copies to the old one from then on; Proxmox leaves its source alone.
    """
    view = StorageView(run.datacenter, run.node, int(run.now))
    guest = run.datacenter.guests[vmid]
    config = {key: value for key, value in renamed_config(dict(guest.config), names).items() if key != "lock"}
    moved = replace(guest, node=target, config=config, pending=renamed_config(dict(guest.pending), names))
    run.datacenter.guests.put(moved if running else replace(moved, running={}))
    for volid in names:
        view.free(volid)
    for job in replication_jobs(run.datacenter, vmid):
        if job.options.get("target") == target:
            turned = replace(job, options={**job.options, "target": guest.node})
            run.datacenter.replication_jobs.put(turned)


def other_nodes(call: Call) -> list[str]:
    """Return every other node of the cluster."""
    return [node.name for node in call.datacenter.nodes if node.name != call.node]
