"""A node's disks and package sources as somebody sees them who is logged in on it."""

from __future__ import annotations

from tests.simulator.test_ssh import Remote, pve1

__all__ = ["pve1"]
SOURCES = "/etc/apt/sources.list.d"


def test_package_sources_are_files_that_a_call_changes_and_a_person_removes(pve1: Remote) -> None:
    assert "Suites: trixie-security" in pve1.ok(f"cat {SOURCES}/debian.sources")
    pve1.ok("pvesh set /nodes/pve1/apt/repositories --handle no-subscription")
    assert "Components: pve-no-subscription" in pve1.ok(f"cat {SOURCES}/proxmox.sources")
    pve1.ok(f"rm {SOURCES}/proxmox.sources")
    found = pve1.json("pvesh get /nodes/pve1/apt/repositories")
    assert f"{SOURCES}/proxmox.sources" not in [file["path"] for file in found["files"]]


def test_a_storage_made_on_a_disk_is_in_the_file_of_storages(pve1: Remote) -> None:
    made = "--name tank --devices /dev/sdb,/dev/sdc --raidlevel mirror --add_storage 1"
    pve1.ok(f"pvesh create /nodes/pve1/disks/zfs {made}")
    assert "zfspool: tank\n\tpool tank\n" in pve1.ok("cat /etc/pve/storage.cfg")
    assert "tank" in pve1.ok("pvesm status")


def test_a_download_has_the_checksum_that_it_came_with_and_keeps_it_when_it_is_moved(pve1: Remote) -> None:
    folder, checksum = "/var/lib/vz/template/iso", "0123456789abcdef" * 4
    asked = "--content iso --filename a.iso --url https://images.example.org/a.iso"
    pve1.ok(
        f"pvesh create /nodes/pve1/storage/local/download-url {asked} --checksum {checksum} --checksum-algorithm sha256"
    )

    pve1.ok(f"mv -f {folder}/a.iso {folder}/b.iso")

    assert pve1.ok(f"sha256sum {folder}/b.iso") == f"{checksum}  {folder}/b.iso\n"
    assert "local:iso/b.iso" in pve1.ok("pvesm list local")
    assert pve1.run(f"test -e {folder}/a.iso").code == 1
