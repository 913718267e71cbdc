"""Making a container of a backup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from simulator.backup.restore import (
    archive_of,
    check_may_restore,
    check_unused,
    existing,
    restore_firewall,
    source_volume,
    take_over,
)
from simulator.errors import ApiError, TaskError
from simulator.guests.draft import check_protection, is_running, set_lock, worker
from simulator.guests.facts import parse_size
from simulator.guests.life import free_quietly, join_pool, owned_volumes
from simulator.guests.lxc_mounts import is_mount, is_volume, make_mount, mounts, parse_mount, print_mount
from simulator.guests.lxc_power import start
from simulator.guests.lxc_rights import check_holds_containers, check_keys, check_mount_sources, check_values
from simulator.guests.lxc_update import given_options, normal_nic, normalise
from simulator.guests.qemu_clone import base_volume
from simulator.guests.qemu_power import view_for
from simulator.guests.rights import check_allocation, check_volume
from simulator.guests.storages import StorageView
from simulator.guests.transfer import seconds_for
from simulator.records import Archive, Guest
from simulator.routing import Call
from simulator.tasks import Lock, Steps, TaskRun, guest_lock_path

_NOT_MERGED = ("unprivileged", "template", "lock", "parent")
_DEFAULTS = {"memory": "512", "swap": "512"}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be restored, and how; `values` are the call's own options, its mount points among them."""

    call: Call
    vmid: int
    volid: str
    storage: str
    values: Mapping[str, str]
    made: list[str] = field(default_factory=list)


def restore_container(call: Call) -> str:
    """Start the task that makes a container of a backup; what else the call sets replaces what the backup says."""
    view, vmid, pool = (
        StorageView(call.datacenter, call.node, int(call.now)),
        call.integer("vmid"),
        call.optional("pool"),
    )
    check_unused(call, "lxc")
    _check_replaceable(existing(call, "lxc"), vmid)
    check_may_restore(call, "lxc")
    storage, given = call.text("storage", "local"), given_options(call)
    for key, value in given.items():
        if is_mount(key) and re.match(r"\d+(?:\.\d+)?(?:,|$)", value):
            given[key] = f"{storage}:{value}"
    check_keys(call, vmid, pool, given)
    values = normalise(call.datacenter, given)
    if given.get("unprivileged") == "0":
        call.access.require("/", ["Sys.Modify"])
    check_values(call, values, unprivileged=given.get("unprivileged", "1") == "1")
    volid = source_volume(call, view, call.text("ostemplate"))
    if not call.text("ostemplate").startswith("/"):
        check_volume(call, view, volid, vmid)
    if any(is_mount(key) for key in values) and "rootfs" not in values:
        raise ApiError("mount points configured, but 'rootfs' not set - aborting")
    check_mount_sources(call, view, vmid, values)
    if "rootfs" not in values:
        view.available(storage)
        check_holds_containers(view, storage)
        check_allocation(call, storage)
    view.require(volid)
    call.need_quorum()
    take_over(call, "lxc")
    plan = _Plan(call, vmid, volid, storage, values)
    return call.start_task("vzrestore", str(vmid), worker(lambda run: _run(run, plan)))


def _check_replaceable(guest: Guest | None, vmid: int) -> None:
    """Refuse to replace a container that runs or is protected."""
    if guest is not None:
        if is_running(guest):
            raise ApiError("can't overwrite running container")
        check_protection(guest, f"unable to restore CT {vmid}")


def _run(run: TaskRun, plan: _Plan) -> Steps:
    yield Lock(guest_lock_path(plan.vmid, "lxc"))
    guest = run.datacenter.guest(plan.vmid, "lxc", run.node)
    try:
        yield from _restore(run, plan, guest)
    except (ApiError, TaskError) as error:
        free_quietly(view_for(run), plan.made)
        if set(guest.config) == {"lock"}:
            run.datacenter.guests.delete(plan.vmid)
        else:
            set_lock(run.datacenter, plan.vmid, None)
        raise TaskError(f"unable to restore CT {plan.vmid} - {error}") from None
    if plan.call.flag("start"):
        body = worker(lambda other: start(other, plan.vmid))
        plan.call.tasks.start(run.datacenter, run.node, run.user, kind="vzstart", id_=str(plan.vmid), body=body)


def _restore(run: TaskRun, plan: _Plan, old: Guest) -> Steps:
    view = view_for(run)
    if is_running(old):
        raise ApiError("can't overwrite running container")
    yield f"recovering backed-up configuration from '{plan.volid}'"
    archive = archive_of(view, plan.volid, "lxc")
    config = _merged(run, plan, archive)
    nics = {key: value for key, value in config.items() if key.startswith("net")}
    unprivileged = config.get("unprivileged") == "1"
    check_values(plan.call, nics, unprivileged=unprivileged)
    if not unprivileged and old.config.get("unprivileged", "1") == "1":
        plan.call.access.require("/", ["Sys.Modify"])
    yield from _make_volumes(view, plan, archive, config)
    free_quietly(view, [volid for volid in owned_volumes(old) if volid not in plan.made])
    yield f"restoring '{plan.volid}' now.."
    yield f"extracting archive '{view.path(plan.volid)}'"
    data = sum(saved.data for saved in archive.volumes.values())
    yield seconds_for(data, float(plan.call.text("bwlimit", "0")))
    yield f"Total bytes read: {data} ({data >> 10}KiB, 192MiB/s)"
    yield "merging backed-up and given configuration.."
    if archive.config.get("template") == "1":
        yield "Convert restored container to template..."
        _to_template(view, config)
    guest = replace(old, config=config, pending={}, pending_delete={}, snapshots={})
    run.datacenter.guests.put(guest)
    restore_firewall(run, plan.vmid, archive)
    join_pool(run.datacenter, plan.vmid, plan.call.optional("pool"))


def _merged(run: TaskRun, plan: _Plan, archive: Archive) -> dict[str, str]:
    """Return the call's options and, where it sets none, those of the backup."""
    config = {
        key: value for key, value in archive.config.items()
        if key not in _NOT_MERGED and not key.startswith("unused") and not is_mount(key)
    }  # fmt: skip
    if plan.call.flag("unique"):
        for key in [key for key in config if re.fullmatch(r"net\d+", key)]:
            config[key] = normal_nic(run.datacenter, key, config[key], renew=True)
    config = {"hostname": f"CT{plan.vmid}", **_DEFAULTS, **config}
    config |= {key: value for key, value in plan.values.items() if not key.startswith("unused")}
    if "unprivileged" not in plan.values and archive.config.get("unprivileged") == "1":
        config["unprivileged"] = "1"
    if config.get("unprivileged") == "0":
        del config["unprivileged"]
    return config


def _make_volumes(view: StorageView, plan: _Plan, archive: Archive, config: dict[str, str]) -> Steps:
    """Make the volumes that the call asks for, or as many as the backup had, all on one storage."""
    if "rootfs" not in config:
        config |= _old_mounts(plan, archive)
    for key, mount in list(mounts(config)):
        saved = archive.volumes.get(key)
        made = yield from make_mount(view, plan.vmid, mount, saved.data if saved else 0)
        if made["volume"] != mount["volume"]:
            plan.made.append(made["volume"])
            if saved is not None:
                view.fill(made["volume"], saved.data, saved)
        config[key] = print_mount(made)


def _old_mounts(plan: _Plan, archive: Archive) -> dict[str, str]:
    """Return the mount points of a backup, with new volumes of the same size."""
    found: dict[str, str] = {}
    for key, mount in mounts(archive.config):
        if not is_volume(mount):
            kind = "device" if mount["volume"].startswith("/dev/") else "bind"
            if not plan.call.is_root:
                raise ApiError(f"restoring '{key}' to {kind} mount is only possible for root")
            found[key] = archive.config[key]
            continue
        if "size" not in mount:
            raise ApiError(f"unable to detect disk size - please specify {key} (size)")
        size = parse_size(mount.pop("size")) / (1 << 30)
        found[key] = print_mount(mount | {"volume": f"{plan.storage}:{size:.10g}"})
    if "rootfs" not in found:
        raise ApiError("rootfs configuration could not be recovered, please check and specify manually!")
    return found


def _to_template(view: StorageView, config: dict[str, str]) -> None:
    """Let a restored container be a template, as the one that was backed up."""
    config["template"] = "1"
    for key, mount in list(mounts(config)):
        if is_volume(mount):
            base = base_volume(view, view.require(mount["volume"]))
            config[key] = print_mount(parse_mount(key, config[key]) | {"volume": base.volid})
