"""Making a guest of a backup: what machines and containers have in common."""

from __future__ import annotations

from simulator.backup.archives import require_archive
from simulator.errors import ApiError
from simulator.firewall.files import guest_path
from simulator.guests.draft import check_lock, set_lock
from simulator.guests.life import check_may_create, check_pool, reserve_vmid
from simulator.guests.storages import StorageView
from simulator.guests.volume_names import parse_name, split_volid
from simulator.records import Archive, File, Guest
from simulator.routing import Call
from simulator.ssh.stored_files import place_of
from simulator.tasks import TaskRun


def existing(call: Call, kind: str) -> Guest | None:
    """Return the guest that a restore would replace: one of this type on this node."""
    guest = call.datacenter.guests.get(call.integer("vmid"))
    return guest if guest is not None and (guest.type, guest.node) == (kind, call.node) else None


def check_may_restore(call: Call, kind: str) -> None:
    """Refuse the call unless the caller may make the guest, or back the one up that is to be replaced."""
    vmid = call.integer("vmid")
    if existing(call, kind) and call.flag("force") and call.access.may(f"/vms/{vmid}", ["VM.Backup"]):
        check_pool(call)
    else:
        check_may_create(call, vmid)


def source_volume(call: Call, view: StorageView, text: str) -> str:
    """Return the volume ID of a backup, which root may name by its path as well."""
    if text == "-":
        raise ApiError("pipe requires cli environment")
    if text.startswith("/"):
        if not call.is_root:
            raise ApiError("Only root can pass arbitrary filesystem paths.")
        place = place_of(call.datacenter, call.node, text)
        if place is None:
            raise ApiError(f"path '{text}' does not exist")
        return f"{place.storage}:{place.name}"
    storage, name = split_volid(text)
    if parse_name(view.type_of(storage), name).content != "backup":
        raise ApiError(f"unable to use volume {text} - content type needs to be 'backup'")
    return text


def take_over(call: Call, kind: str) -> None:
    """Take the VMID: a free one, or that of the guest that is to be replaced; it stays locked until all is done."""
    vmid, label = call.integer("vmid"), "VM" if kind == "qemu" else "CT"
    other, mine = call.datacenter.guests.get(vmid), existing(call, kind)
    if other is None:
        reserve_vmid(call.datacenter, vmid, kind, call.node)
        return
    try:
        check_unused(call, kind)
        check_lock(mine or other)
    except ApiError as error:
        raise ApiError(f"unable to restore {label} {vmid} - {error}") from None
    set_lock(call.datacenter, vmid, "create")


def check_unused(call: Call, kind: str) -> None:
    """Refuse a VMID that is taken, unless the guest is one that is to be replaced."""
    other = call.datacenter.guests.get(call.integer("vmid"))
    if other is not None and not (call.flag("force") and existing(call, kind)):
        label = "VM" if other.type == "qemu" else "CT"
        raise ApiError(f"{label} {other.vmid} already exists on node '{other.node}'")


def archive_of(view: StorageView, volid: str, kind: str) -> Archive:
    """Return what is in a backup, or refuse one of the other type of guests."""
    archive = require_archive(view, volid)
    if archive.type != kind:
        raise ApiError(f"archive '{volid}' contains no configuration file")
    return archive


def restore_firewall(run: TaskRun, vmid: int, archive: Archive) -> None:
    """Give a guest the firewall rules of its backup."""
    if archive.firewall:
        run.datacenter.files.put(File(node="", path=guest_path(vmid), text=archive.firewall, changed=run.now))
