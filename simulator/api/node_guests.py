"""`/nodes/{node}/startall`, `stopall`, `suspendall` and `migrateall`: all guests of a node at once."""

from __future__ import annotations

from simulator.api import lxc_migrate, qemu_migrate, qemu_status
from simulator.api.bulk_action import SHUTDOWNS, STARTS
from simulator.errors import ApiError, ParamError, PermissionDenied, TaskError
from simulator.guests.bulk import (
    WORDS,
    Skipped,
    Work,
    by_order,
    called,
    check_rights,
    chosen,
    is_error,
    most_workers,
    startup,
)
from simulator.guests.draft import is_running, set_lock
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import boolean, integer, string
from simulator.tasks import Steps, TaskRun

_NODE = {"node": string(format="pve-node")}
_VMS = {"vms": string(format="pve-vmid-list", optional=True)}
_WORKERS = {"max-workers": integer(minimum=1, maximum=64, optional=True)}
_MACHINE_DELAY, _DEFAULT_TIMEOUT = 3, 180


def _check(call: Call, privileges: list[str]) -> None:
    if not call.access.may("/", privileges):
        check_rights(call, call.listing("vms"), privileges[:1])


def _nothing(_guest: Guest, _status: str) -> Steps:
    yield from ()


@route(
    "POST", "/nodes/{node}/startall", params={**_NODE, **_VMS, **_WORKERS, "force": boolean(optional=True)},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def start_all(call: Call) -> str:
    """Start the guests of a node that are to start with it (or all, by force), in their startup order."""
    _check(call, ["VM.PowerMgmt"])
    return call.start_task("startall", "", lambda run: _start_all(run, call))


def _start_all(run: TaskRun, call: Call) -> Steps:
    def begin(guest: Guest) -> str | None:
        if is_running(run.datacenter.guests[guest.vmid]):
            return None
        run.lines.append(f"Starting {WORDS[guest.type]} {guest.vmid}")
        return str(called(call, STARTS[guest.type], guest, {}))

    def ended(guest: Guest, status: str) -> Steps:
        if is_error(status):
            yield f"Starting {WORDS[guest.type]} {guest.vmid} failed: {status}"
            return
        wanted = startup(guest).get("up")
        if wanted:
            yield f"Waiting for {wanted} seconds (startup delay)"
        yield float(wanted if wanted is not None else _MACHINE_DELAY if guest.type == "qemu" else 0)

    waiting = not run.datacenter.quorate_on(run.node)
    if waiting:
        yield "waiting for quorum ..."
        while not run.datacenter.quorate_on(run.node):
            yield 1.0
        yield "got quorum"
    for guest in chosen(run.datacenter, run.node, [], all_kinds=True):
        if guest.lock == "backup":
            set_lock(run.datacenter, guest.vmid, None)
            yield f"removed left over backup lock from '{guest.vmid}'!"
    guests = chosen(run.datacenter, run.node, call.listing("vms"), all_kinds=False)
    wanted = [guest for guest in guests if call.flag("force") or guest.config.get("onboot") == "1"]
    yield from Work(run, most_workers(call), begin, ended).over(by_order(wanted, backwards=False))


@route(
    "POST",
    "/nodes/{node}/stopall",
    params={
        **_NODE,
        **_VMS,
        **_WORKERS,
        "force-stop": boolean(optional=True),
        "timeout": integer(minimum=0, maximum=7200, optional=True),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def stop_all(call: Call) -> str:
    """Shut down the guests of a node, against their startup order."""
    _check(call, ["VM.PowerMgmt"])

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            if not is_running(run.datacenter.guests[guest.vmid]):
                return None
            timeout = startup(guest).get("down", call.integer("timeout", _DEFAULT_TIMEOUT))
            run.lines.append(f"Stopping {WORDS[guest.type]} {guest.vmid} (timeout = {timeout} seconds)")
            values = {"timeout": timeout, "forceStop": call.flag("force-stop", default=True)}
            return str(called(call, SHUTDOWNS[guest.type], guest, values))

        guests = chosen(run.datacenter, run.node, call.listing("vms"), all_kinds=False)
        yield from Work(run, most_workers(call), begin, _nothing).over(by_order(guests[::-1], backwards=True))

    return call.start_task("stopall", "", body)


@route(
    "POST", "/nodes/{node}/suspendall", params={**_NODE, **_VMS, **_WORKERS},
    user="all", protected=True, proxyto="node",
)  # fmt: skip
def suspend_all(call: Call) -> str:
    """Put the machines of a node to sleep on disk, against their startup order."""
    if not call.access.may("/", ["VM.PowerMgmt", "VM.Config.Disk"]) and not call.listing("vms"):
        raise PermissionDenied("/, VM.PowerMgmt && VM.Config.Disk")
    _check(call, ["VM.PowerMgmt", "VM.Config.Disk"])

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            if guest.type != "qemu":
                raise Skipped(f"skipping {guest.vmid}, only VMs can be suspended")
            if not is_running(run.datacenter.guests[guest.vmid]):
                run.lines.append(f"VM {guest.vmid} not running, skipping suspension")
                return None
            run.lines.append(f"Suspending VM {guest.vmid}")
            return str(called(call, qemu_status.suspend_machine, guest, {"todisk": True}))

        guests = chosen(run.datacenter, run.node, call.listing("vms"), all_kinds=False)
        yield from Work(run, most_workers(call), begin, _nothing).over(by_order(guests[::-1], backwards=True))

    return call.start_task("suspendall", "", body)


@route(
    "POST",
    "/nodes/{node}/migrateall",
    params={
        **_NODE,
        **_VMS,
        **_WORKERS,
        "maxworkers": integer(minimum=1, maximum=64, optional=True),
        "target": string(format="pve-node"),
        "with-local-disks": boolean(optional=True),
    },
    user="all",
    protected=True,
    proxyto="node",
)
def migrate_all(call: Call) -> str:
    """Migrate the guests of a node to another one."""
    _check(call, ["VM.Migrate"])
    target, setting = call.text("target"), call.datacenter.options.get("max_workers")
    if target == call.node:
        raise ParamError({"target": "target is local node."})
    call.need_quorum()
    if target not in call.datacenter.nodes:
        raise ApiError(f"no such cluster node '{target}'")
    if setting is None and "maxworkers" not in call and "max-workers" not in call:
        raise ApiError("either 'max-workers' parameter or max_workers in datacenter.cfg must be set!")
    workers = call.integer("maxworkers", most_workers(call))
    return call.start_task("migrateall", "", lambda run: _migrate_all(run, call, workers))


def _migrate_all(run: TaskRun, call: Call, workers: int) -> Steps:
    guests = chosen(run.datacenter, run.node, call.listing("vms"), all_kinds=True)
    if not guests:
        yield "no virtual guests matched, nothing to do.."
        return
    work = Work(run, workers, lambda guest: _migrate(run, call, run.datacenter.guests[guest.vmid]), _nothing)
    yield from work.over([guests])
    if not work.begun:
        raise TaskError("no migrations worker started...")
    yield f"All jobs finished, used {work.begun} workers in total."


def _migrate(run: TaskRun, call: Call, guest: Guest) -> str:
    values: dict[str, object] = {"target": call.text("target")}
    if guest.type == "lxc":
        run.lines.append(f"Migrating CT {guest.vmid}")
        return str(called(call, lxc_migrate.migrate, guest, values | {"restart": is_running(guest)}))
    local = "with-local-disks"
    known = called(call, qemu_migrate.preconditions, guest, values)
    problems = ""
    if is_running(guest) and not call.flag(local) and known["local_disks"]:
        problems += f"\n  Has local disks: {', '.join(disk['volid'] for disk in known['local_disks'])}"
    if known["local_resources"]:
        problems += f"\n  Has local resources: {', '.join(known['local_resources'])}"
    if problems:
        run.lines.append(f"Check VM {guest.vmid}: skip VM {guest.vmid} - precondition check failed:")
        raise ApiError(problems.strip("\n"))
    run.lines += [f"Check VM {guest.vmid}: precondition check passed", f"Migrating VM {guest.vmid}"]
    values |= {"online": is_running(guest)} | ({local: call.flag(local)} if local in call else {})
    return str(called(call, qemu_migrate.migrate, guest, values))
