"""`qm` and `pct`: machines and containers; `vzdump` and `qmrestore`: their backups."""

from __future__ import annotations

import re

from simulator.errors import ApiError
from simulator.ssh import printing
from simulator.ssh.calling import FAILED, UsageError, finished, params_of, read_options, refused
from simulator.ssh.node_shell import NodeShell
from simulator.ssh.shell import Program, Streams
from simulator.ssh.tools import Entry, entry, make

_VZDUMP_USAGE = "vzdump help\nvzdump {<vmid>} [OPTIONS]"


async def _rescan(_shell: NodeShell, _args: list[str], streams: Streams) -> int:
    """Look for volumes whose size in a configuration is another one: here the two always agree."""
    streams.say("rescan volumes...")
    return 0


async def _wait(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Wait until a machine is stopped."""
    numbers = [word for word in args if word.isdecimal()]
    if not numbers:
        streams.complain("400 not enough arguments\nqm wait <vmid> [OPTIONS]")
        return FAILED
    limit = int(numbers[1]) if "-timeout" in " ".join(args) and len(numbers) > 1 else None
    end = None if limit is None else shell.tree.now + limit
    vmid = int(numbers[0])
    shell.datacenter.guest(vmid, "qemu", shell.node)
    while (guest := shell.datacenter.guests.get(vmid)) is not None and guest.status != "stopped":
        if end is not None and shell.tree.now >= end:
            streams.complain(f"VM {vmid} still running - timeout")
            return FAILED
        await shell.tree.changed()
    return 0


async def vzdump(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Back guests up: those that are named, or those that the options choose."""
    try:
        options = read_options(args, params_of("POST", f"/nodes/{shell.node}/vzdump"))
    except UsageError as error:
        streams.complain(f"{error}\n{_VZDUMP_USAGE}")
        return FAILED
    wrong = next((word for word in options.words if not re.fullmatch("[0-9]+", word)), None)
    if wrong is not None:
        streams.complain(f"400 Parameter verification failed.\nvmid: invalid format - value '{wrong}' is no VMID")
        return FAILED
    values = options.values | ({"vmid": ",".join(options.words)} if options.words else {})
    try:
        upid = await shell.api("POST", f"/nodes/{shell.node}/vzdump", values)
    except ApiError as refusal:
        return refused(shell, refusal, _VZDUMP_USAGE, streams)
    return await finished(shell, str(upid), streams)


def _guest(kind: str) -> dict[str, Entry | Program]:
    """Return the commands that `qm` and `pct` share."""
    base = f"/nodes/{{node}}/{kind}"
    one = f"{base}/{{vmid}}"
    status = f"POST {one}/status"
    return {
        "list": entry(f"GET {base}", show=printing.MACHINES if kind == "qemu" else printing.CONTAINERS),
        "config": entry(f"GET {one}/config", "vmid", printing.config),
        "pending": entry(f"GET {one}/pending", "vmid", printing.pending),
        "set": entry(f"PUT {one}/config", "vmid"),
        "start": entry(f"{status}/start", "vmid"),
        "stop": entry(f"{status}/stop", "vmid"),
        "shutdown": entry(f"{status}/shutdown", "vmid"),
        "reboot": entry(f"{status}/reboot", "vmid"),
        "suspend": entry(f"{status}/suspend", "vmid"),
        "resume": entry(f"{status}/resume", "vmid"),
        "status": entry(f"GET {one}/status/current", "vmid", printing.status),
        "destroy": entry(f"DELETE {one}", "vmid"),
        "clone": entry(f"POST {one}/clone", "vmid newid"),
        "template": entry(f"POST {one}/template", "vmid"),
        "migrate": entry(f"POST {one}/migrate", "vmid target"),
        "resize": entry(f"PUT {one}/resize", "vmid disk size"),
        "snapshot": entry(f"POST {one}/snapshot", "vmid snapname"),
        "delsnapshot": entry(f"DELETE {one}/snapshot/{{snapname}}", "vmid snapname"),
        "rollback": entry(f"POST {one}/snapshot/{{snapname}}/rollback", "vmid snapname"),
        "unlock": entry(f"PUT {one}/config", "vmid", fixed=(("delete", "lock"), ("skiplock", "1")), quiet=True),
        "remote-migrate": entry(f"POST {one}/remote_migrate", "vmid target-vmid target-endpoint", optional=1),
        "listsnapshot": entry(f"GET {one}/snapshot", "vmid", printing.snapshots),
    }


_QM: dict[str, Entry | Program] = {
    **_guest("qemu"),
    "create": entry("POST /nodes/{node}/qemu", "vmid"),
    "reset": entry("POST /nodes/{node}/qemu/{vmid}/status/reset", "vmid"),
    "rescan": _rescan,
    "wait": _wait,
    "sendkey": entry("PUT /nodes/{node}/qemu/{vmid}/sendkey", "vmid key"),
    "unlink": entry("PUT /nodes/{node}/qemu/{vmid}/unlink", "vmid"),
    "move-disk": entry("POST /nodes/{node}/qemu/{vmid}/move_disk", "vmid disk storage", optional=1),
    "cloudinit dump": entry("GET /nodes/{node}/qemu/{vmid}/cloudinit/dump", "vmid type", printing.plain),
    "cloudinit pending": entry("GET /nodes/{node}/qemu/{vmid}/cloudinit", "vmid", printing.pending),
    "cloudinit update": entry("PUT /nodes/{node}/qemu/{vmid}/cloudinit", "vmid"),
}
_QM |= {
    "disk resize": _QM["resize"], "disk move": _QM["move-disk"], "disk unlink": _QM["unlink"],
    "move_disk": _QM["move-disk"], "disk rescan": _QM["rescan"],
}  # fmt: skip
_PCT: dict[str, Entry | Program] = {
    **_guest("lxc"),
    "create": entry("POST /nodes/{node}/lxc", "vmid ostemplate"),
    "restore": entry("POST /nodes/{node}/lxc", "vmid ostemplate", fixed=(("restore", "1"),)),
    "rescan": _rescan,
    "move-volume": entry("POST /nodes/{node}/lxc/{vmid}/move_volume", "vmid volume storage", optional=1),
}
_PCT |= {"move_volume": _PCT["move-volume"]}


_RESTORE = entry("POST /nodes/{node}/qemu", "archive vmid")


async def qmrestore(shell: NodeShell, args: list[str], streams: Streams) -> int:
    """Restore a machine from a backup."""
    return await make("qmrestore", {"": _RESTORE})(shell, ["", *args], streams)


PROGRAMS: dict[str, Program] = {
    "pct": make("pct", _PCT), "qm": make("qm", _QM), "qmrestore": qmrestore, "vzdump": vzdump,
}  # fmt: skip
