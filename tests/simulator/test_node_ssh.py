"""A node's disks and package sources as somebody sees them who is logged in on it."""

from __future__ import annotations

from tests.conftest import Simulator
from tests.simulator.test_ssh import Remote, connected, pve1

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


def test_a_package_brings_its_programs_and_services_and_takes_them_away_again(pve1: Remote) -> None:
    assert pve1.run("keepalived --version || systemctl status keepalived").code == 4
    pve1.ok("apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120 keepalived tinc")
    assert pve1.ok("dpkg-query -W -f='${db:Status-Status}\\n' keepalived tinc pve-manager") == "installed\n" * 3
    pve1.ok("keepalived --config-test --use-file /etc/hosts && /usr/sbin/tincd --version")
    assert pve1.ok("systemctl is-active keepalived; systemctl is-enabled keepalived") == "active\nenabled\n"
    pve1.ok("systemctl enable tinc@lab && systemctl stop keepalived")
    assert pve1.run("systemctl is-active keepalived tinc@lab").out == "inactive\ninactive\n"

    pve1.ok("apt-get purge --yes keepalived")

    assert pve1.run("systemctl is-active keepalived || keepalived --version").code == 127
    assert "keepalived" not in pve1.ok("dpkg -l")


def test_what_is_enabled_runs_again_after_a_start_of_the_node_and_nothing_else(
    simulator: Simulator, pve1: Remote
) -> None:
    pve1.ok("apt-get install --yes haproxy tinc && systemctl disable haproxy && systemctl enable tinc@lab")
    assert pve1.run("systemctl is-active haproxy tinc@lab").out == "active\ninactive\n"

    simulator.control("POST", "nodes", {"node": "pve1", "online": False})
    simulator.control("POST", "nodes", {"node": "pve1", "online": True})

    with connected(simulator.running, "pve1") as client:
        assert Remote(client).run("systemctl is-active haproxy tinc@lab").out == "inactive\nactive\n"


def test_lists_of_packages_that_are_for_subscribers_only_are_refused_here_too(pve1: Remote) -> None:
    ran = pve1.run("apt-get update")
    assert (ran.code, "401  Unauthorized" in ran.error) == (100, True)
