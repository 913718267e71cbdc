"""The human monitor of a running machine: who may give which command, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.guests.facts import guest_name, guest_numbers
from simulator.guests.qemu_drives import drives
from simulator.guests.qemu_power import halted, nics
from simulator.guests.storages import StorageView
from simulator.records import Guest

OPEN = ("help", "?", "info")
_MODIFY_NAMES = """
announce_self backup_cancel balloon block_job_cancel block_job_complete block_job_pause block_job_resume
block_job_set_speed block_resize block_set_io_throttle boot_set c calc_dirty_rate cancel_vcpu_dirty_limit chardev-
send-break closefd commit cont cpu delvm eject exit_preconfig expire_password getfd gpa2hpa gpa2hva gva2gpa i loadvm
log migrate_cancel migrate_continue migrate_pause migrate_set_capability migrate_set_parameter migrate_start_postcopy
mouse_button mouse_move mouse_set one-insn-per-tb p print q qemu-io qom-get qom-list quit replay_break
replay_delete_break replay_seek ringbuf_read ringbuf_write s savevm sendkey set_link set_password set_vcpu_dirty_limit
snapshot_blkdev_internal snapshot_delete_blkdev_internal stop stopcapture sum sync-profile system_powerdown
system_reset system_wakeup trace-event x x_colo_lost_heartbeat xp
"""
MODIFY = frozenset(_MODIFY_NAMES.split())
"""Commands for which Sys.Modify is needed; all others are for root alone."""
_ROOT_ONLY_NAMES = """
backup block_stream change chardev-add chardev-change chardev-remove client_migrate_info device_add device_del
drive_add drive_backup drive_del drive_mirror dump-guest-memory dumpdtb gdbserver hostfwd_add hostfwd_remove logfile
mce memsave migrate migrate_incoming migrate_recover nbd_server_add nbd_server_remove nbd_server_start nbd_server_stop
netdev_add netdev_del nmi o object_add object_del pcie_aer_inject_error pmemsave qom-set savevm-end savevm-start
screendump snapshot_blkdev watchdog_action wavcapture
"""
_ROOT_ONLY = frozenset(_ROOT_ONLY_NAMES.split())
_KEYS_NAMES = """
shift shift_r alt alt_r ctrl ctrl_r menu esc minus equal backspace tab ret bracket_left bracket_right meta_l meta_r
semicolon apostrophe grave_accent backslash comma dot slash asterisk spc caps_lock num_lock scroll_lock kp_divide
kp_multiply kp_subtract kp_add kp_enter kp_decimal sysrq less print home pgup pgdn end left up down right insert
delete pause power sleep wake
"""
_KEYS = frozenset(
    (_KEYS_NAMES + " a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9").split()
) | {*(f"f{n}" for n in range(1, 13)), *(f"kp_{n}" for n in range(10))}


def send_keys(text: str) -> str:
    """Press keys together (`ctrl-alt-delete`); the answer is empty unless one is not known."""
    unknown = next((key for key in text.split("-") if key not in _KEYS and not key.startswith("0x")), None)
    return "" if unknown is None else f"invalid parameter: {unknown}\n"


def answer(view: StorageView, guest: Guest, command: str) -> str:
    """Return what the monitor prints for a command line."""
    words = command.split() or [""]
    name = words[0]
    if name == "info":
        shown = _INFO.get(words[1]) if len(words) > 1 else None
        if shown is not None:
            return shown(view, guest)
        return _help_of_info() if len(words) == 1 else f"unknown command: '{command}'\n"
    if name in ("help", "?"):
        return "".join(f"{known}\n" for known in sorted({"help", "info", *MODIFY, *_ROOT_ONLY}))
    if name == "sendkey":
        return send_keys(words[1]) if len(words) > 1 else "sendkey: string expected\n"
    if name in _ACTIONS:
        _ACTIONS[name](view, guest)
    return "" if name in MODIFY | _ROOT_ONLY else f"unknown command: '{command}'\n"


def _pause(view: StorageView, guest: Guest) -> None:
    view.datacenter.guests.put(replace(guest, paused=True))


def _go_on(view: StorageView, guest: Guest) -> None:
    view.datacenter.guests.put(replace(guest, paused=False))


def _quit(view: StorageView, guest: Guest) -> None:
    halted(view, guest.vmid)


_ACTIONS: dict[str, Callable[[StorageView, Guest], None]] = {
    "stop": _pause, "s": _pause, "cont": _go_on, "c": _go_on, "system_wakeup": _go_on, "quit": _quit, "q": _quit,
    "system_powerdown": _quit,
}  # fmt: skip


def _status(_: StorageView, guest: Guest) -> str:
    return f"VM status: {'paused' if guest.paused else 'running'}\n"


def _block(view: StorageView, guest: Guest) -> str:
    lines = []
    for slot, drive in drives(guest.config):
        volume = view.find(drive["file"])
        where = f"{view.path(volume.volid)} ({volume.format})" if volume is not None else "[not inserted]"
        lines.append(f"drive-{slot}: {where}\n    Attached to:      {slot}\n    Cache mode:       writeback, direct\n")
    return "\n".join(lines)


def _network(_: StorageView, guest: Guest) -> str:
    rows = (
        f"net{index}: index=0,type=nic,model={nic.get('model')},macaddr={nic.get('macaddr')}\n"
        f" \\ net{index}: index=0,type=tap,ifname=tap{guest.vmid}i{index},script=/usr/libexec/qemu-server/pve-bridge\n"
        for index, nic in nics(guest)
    )
    return "".join(rows)


def _processors(_: StorageView, guest: Guest) -> str:
    rows = range(guest_numbers(guest)[0])
    return "".join(f"{'*' if n == 0 else ' '} CPU #{n}: thread_id={(guest.pid or 0) + n + 10}\n" for n in rows)


def _balloon(_: StorageView, guest: Guest) -> str:
    size = guest_numbers(guest)[1] >> 20
    return f"balloon: actual={size} max_mem={size} total_mem={size} free_mem={size * 3 // 4}\n"


_INFO: dict[str, Callable[[StorageView, Guest], str]] = {
    "balloon": _balloon,
    "block": _block,
    "cpus": _processors,
    "kvm": lambda *_: "kvm support: enabled\n",
    "name": lambda _, guest: f"{guest_name(guest)}\n",
    "network": _network,
    "snapshots": lambda *_: "There is no snapshot available.\n",
    "status": _status,
    "uuid": lambda _, guest: f"{guest.config.get('smbios1', '').partition('uuid=')[2].partition(',')[0]}\n",
    "version": lambda *_: "10.0.13 (pve-qemu-kvm_10.0.13-1)\n",
    "vnc": lambda *_: "default:\n  Server: none\n",
}


def _help_of_info() -> str:
    return "".join(f"info {name}\n" for name in sorted(_INFO))
