"""What is in a backup: finding it, and its configuration as a file."""

from __future__ import annotations

from simulator.errors import ApiError
from simulator.guests.storages import StorageView
from simulator.records import Archive
from simulator.ssh.guest_conf import GuestConf, render


def require_archive(view: StorageView, volid: str) -> Archive:
    """Return what is in a backup, or refuse: a file that was put there under a backup's name holds nothing."""
    archive = view.require(volid).archive
    if archive is None:
        raise ApiError(f"archive '{volid}' contains no configuration file")
    return archive


def config_text(archive: Archive) -> str:
    """Write the configuration in a backup as its file; a machine's says which disk is which in the archive."""
    config = dict(archive.config)
    if archive.type == "lxc":
        if "description" in config:
            config["description"] = config["description"].removesuffix("\n")
        return render("lxc", GuestConf(config=config))
    kept = {key: value for key, value in config.items() if not key.startswith("unused")}
    hints = [
        f"#qmdump#map:{slot}:{drive_name(slot)}:{saved.storage}:{saved.format}:\n"
        for slot, saved in sorted(archive.volumes.items())
    ]
    return render("qemu", GuestConf(config=kept)) + "".join(hints)


def drive_name(slot: str) -> str:
    """Return what a disk is called in an archive."""
    return "drive-tpmstate0-backup" if slot == "tpmstate0" else f"drive-{slot}"
