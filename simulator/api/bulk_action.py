"""`/cluster/bulk-action/guest`: starting, shutting down, suspending and migrating many guests of a cluster."""

from __future__ import annotations

from typing import Any

from simulator.api import lxc_migrate, lxc_status, qemu_migrate, qemu_status
from simulator.guests.bulk import WORDS, Ended, Skipped, Work, by_order, called, check_rights, chosen, is_error, startup
from simulator.guests.draft import is_running
from simulator.records import Guest
from simulator.routing import Call, Handler, route
from simulator.schema import array, boolean, integer, string
from simulator.tasks import Steps, TaskRun

_WORKERS = {name: integer(minimum=1, maximum=64, optional=True) for name in ("max-workers", "maxworkers")}
_COMMON = {
    **_WORKERS, "vms": array(integer(format="pve-vmid", minimum=100, maximum=999999999), optional=True),
}  # fmt: skip
_DEFAULT_TIMEOUT = 180
STARTS: dict[str, Handler] = {"qemu": qemu_status.start_machine, "lxc": lxc_status.start_container}
SHUTDOWNS: dict[str, Handler] = {"qemu": qemu_status.shutdown_machine, "lxc": lxc_status.shutdown_container}
_MIGRATIONS: dict[str, Handler] = {"qemu": qemu_migrate.migrate, "lxc": lxc_migrate.migrate}


@route("GET", "/cluster/bulk-action", user="all")
def index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List what bulk actions are about."""
    return [{"name": "guest"}]


@route("GET", "/cluster/bulk-action/guest", user="all")
def guest_index(call: Call) -> list[dict[str, str]]:  # noqa: ARG001 - every handler takes the call
    """List the bulk actions."""
    return [{"name": name} for name in ("start", "shutdown", "migrate", "suspend")]


def _workers(call: Call, default: int) -> int:
    return call.integer("max-workers", call.integer("maxworkers", default))


def _opening(call: Call, words: str, end: str = "") -> str:
    named = ", ".join(call.listing("vms"))
    return f"{words} guests{end}: {named}" if named else f"{words} all guests{end}"


def _reported(run: TaskRun, words: str) -> Ended:
    """Return what warns of each guest for which a task failed."""

    def ended(guest: Guest, status: str) -> Steps:
        if is_error(status):
            run.warn(f"{words} {WORDS[guest.type]} {guest.vmid} failed: {status}")
        yield from ()

    return ended


def _skipped(guest: Guest, reason: str) -> Skipped:
    return Skipped(f"Skipping {WORDS[guest.type]} {guest.vmid}, {reason}.")


@route(
    "POST", "/cluster/bulk-action/guest/start", params={**_COMMON, "timeout": integer(optional=True)},
    user="all", protected=True,
)  # fmt: skip
def start(call: Call) -> str:
    """Start or resume guests, in their startup order."""
    check_rights(call, call.listing("vms"), ["VM.PowerMgmt"])

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            guest = run.datacenter.guests[guest.vmid]
            if is_running(guest) and not guest.paused:
                raise _skipped(guest, "already running")
            run.lines.append(f"Starting {WORDS[guest.type]} {guest.vmid}")
            if guest.paused:
                return str(called(call, qemu_status.resume_machine, guest, {}))
            timeout = {"timeout": call.integer("timeout")} if "timeout" in call and guest.type == "qemu" else {}
            return str(called(call, STARTS[guest.type], guest, timeout))

        def ended(guest: Guest, status: str) -> Steps:
            yield from reported(guest, status)
            delay = startup(guest).get("up", 0)
            if delay > 0 and not is_error(status):
                yield f"Waiting for {delay} seconds (startup delay)"
                yield float(delay)

        reported = _reported(run, "Starting")
        yield _opening(call, "Starting")
        guests = chosen(run.datacenter, None, call.listing("vms"), all_kinds=False)
        work = Work(run, _workers(call, 4), begin, ended)
        yield from work.over(by_order(guests, backwards=False))
        work.check("start: ")

    return call.start_task("bulk-start", "", body)


@route(
    "POST",
    "/cluster/bulk-action/guest/shutdown",
    params={**_COMMON, "force-stop": boolean(optional=True), "timeout": integer(optional=True)},
    user="all",
    protected=True,
)
def shutdown(call: Call) -> str:
    """Shut guests down, against their startup order."""
    check_rights(call, call.listing("vms"), ["VM.PowerMgmt"])
    force = call.flag("force-stop", default=True)

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            guest = run.datacenter.guests[guest.vmid]
            if not is_running(guest):
                raise _skipped(guest, "not running")
            if guest.paused and not force:
                raise _skipped(guest, "resume paused VM before shutdown")
            timeout = startup(guest).get("down", call.integer("timeout", _DEFAULT_TIMEOUT))
            run.lines.append(f"Shutting down {WORDS[guest.type]} {guest.vmid} (Timeout = {timeout} seconds)")
            return str(called(call, SHUTDOWNS[guest.type], guest, {"timeout": timeout, "forceStop": force}))

        yield _opening(call, "Shutting down")
        guests = chosen(run.datacenter, None, call.listing("vms"), all_kinds=False)
        work = Work(run, _workers(call, 4), begin, _reported(run, "Stopping"))
        yield from work.over(by_order(guests, backwards=True))
        work.check("shutdown ")

    return call.start_task("bulk-shutdown", "", body)


@route(
    "POST",
    "/cluster/bulk-action/guest/suspend",
    params={
        **_COMMON,
        "statestorage": string(format="pve-storage-id", optional=True, requires="to-disk"),
        "to-disk": boolean(optional=True),
    },
    user="all",
    protected=True,
)
def suspend(call: Call) -> str:
    """Pause machines, or put them to sleep on disk."""
    check_rights(call, call.listing("vms"), ["VM.PowerMgmt"])
    if call.flag("to-disk"):
        check_rights(call, call.listing("vms"), ["VM.Config.Disk"])
        if "statestorage" in call:
            call.access.require(f"/storage/{call.text('statestorage')}", ["Datastore.AllocateSpace"])
    values: dict[str, Any] = {"todisk": call.flag("to-disk")}
    values |= {"statestorage": call.text("statestorage")} if "statestorage" in call else {}

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            if guest.type != "qemu":
                raise Skipped(f"skipping {guest.vmid}, only VMs can be suspended")
            if not is_running(run.datacenter.guests[guest.vmid]):
                raise _skipped(guest, "not running")
            run.lines.append(f"Suspending VM {guest.vmid}")
            return str(called(call, qemu_status.suspend_machine, guest, values))

        yield _opening(call, "Suspending")
        guests = chosen(run.datacenter, None, call.listing("vms"), all_kinds=False)
        work = Work(run, _workers(call, 4), begin, _reported(run, "Stopping"))
        yield from work.over(by_order(guests, backwards=True))
        work.check("suspend ")

    return call.start_task("bulk-suspend", "", body)


@route(
    "POST",
    "/cluster/bulk-action/guest/migrate",
    params={
        **_COMMON,
        "online": boolean(optional=True),
        "target": string(format="pve-node"),
        "with-local-disks": boolean(optional=True),
    },
    user="all",
    protected=True,
)
def migrate(call: Call) -> str:
    """Migrate guests to a node."""
    check_rights(call, call.listing("vms"), ["VM.Migrate"])
    target = call.text("target")

    def body(run: TaskRun) -> Steps:
        def begin(guest: Guest) -> str | None:
            word = WORDS[guest.type]
            if guest.node == target:
                raise Skipped(f"{word} {guest.vmid} already on {target}, skipping.")
            values: dict[str, Any] = {"target": target}
            online = "restart" if guest.type == "lxc" else "online"
            values |= {online: call.flag("online")} if "online" in call else {}
            if guest.type == "qemu" and "with-local-disks" in call:
                values["with-local-disks"] = call.flag("with-local-disks")
            run.lines.append(f"Migrating {word} {guest.vmid}")
            return str(called(call, _MIGRATIONS[guest.type], guest, values))

        yield _opening(call, "Migrating", f" to {target}")
        guests = chosen(run.datacenter, None, call.listing("vms"), all_kinds=True)
        work = Work(run, _workers(call, 1), begin, _reported(run, "Migrating"))
        yield from work.over([guests])
        work.check("migrate ")

    return call.start_task("bulk-migrate", "", body)
