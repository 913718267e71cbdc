"""The packages of a node that matter to Proxmox VE, and those of which a newer version is to be had."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.versions import Release


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; `newer` is the version that the repositories have, if another one."""

    name: str
    version: str
    title: str
    newer: str = ""
    section: str = "admin"
    origin: str = "Proxmox"


_PACKAGES = (
    Package("pve-manager", "9.2.11", "Proxmox Virtual Environment Management Tools", newer="9.2.12"),
    Package("proxmox-kernel-helper", "9.0.4", "Function for various kernel maintenance tasks"),
    Package("ceph-fuse", "19.2.3-pve2", "FUSE-based client for the Ceph distributed file system"),
    Package("corosync", "3.1.9-pve2", "cluster engine daemon and utilities"),
    Package("criu", "4.1.1-1", "checkpoint and restore in userspace", origin="Debian"),
    Package("ifupdown2", "3.3.0-1+pmx11", "Network Interface Management tool similar to ifupdown"),
    Package("libproxmox-acme-perl", "1.7.0", "Proxmox ACME integration perl library", section="perl"),
    Package("libproxmox-rs-perl", "0.4.1", "PVE/PMG common perl parts for Rust perlmod bindings", section="perl"),
    Package("libpve-access-control", "9.1.1", "Proxmox VE access control library", section="perl"),
    Package("libpve-cluster-api-perl", "9.1.6", "Proxmox VE cluster-related API functions", section="perl"),
    Package("libpve-common-perl", "9.1.4", "Proxmox VE base library", section="perl"),
    Package("libpve-guest-common-perl", "6.0.2", "Proxmox VE common guest-related modules", section="perl"),
    Package("libpve-network-perl", "1.3.0", "Proxmox VE's SDN (Software Defined Network) stack", section="perl"),
    Package("libpve-storage-perl", "9.1.7", "Proxmox VE storage management library", section="perl"),
    Package("lxc-pve", "6.0.5-3", "Linux containers userspace tools"),
    Package("lxcfs", "6.0.4-pve1", "LXC userspace filesystem"),
    Package("novnc-pve", "1.6.0-3", "HTML5 VNC client", section="web"),
    Package("proxmox-backup-client", "4.1.0-1", "Proxmox Backup Client tools"),
    Package("proxmox-firewall", "1.2.1", "Proxmox nftables firewall implementation"),
    Package("pve-cluster", "9.1.6", "Cluster infrastructure for Proxmox Virtual Environment"),
    Package("pve-container", "6.1.10", "Proxmox VE Container management tool", section="perl"),
    Package("pve-docs", "9.2.1", "Proxmox VE Documentation", section="doc"),
    Package("pve-edk2-firmware", "4.2025.05-2", "edk2 based UEFI firmware modules for virtual machines"),
    Package("pve-firewall", "6.0.4", "Proxmox VE Firewall"),
    Package("pve-firmware", "3.17-2", "Binary firmware code for the pve-kernel"),
    Package("pve-ha-manager", "5.2.0", "Proxmox VE HA Manager"),
    Package("pve-i18n", "3.6.5", "Internationalization support for Proxmox VE"),
    Package("pve-qemu-kvm", "10.1.2-4", "Full virtualization on x86 hardware"),
    Package("pve-xtermjs", "5.5.0-3", "xterm.js webapp for Proxmox projects"),
    Package("qemu-server", "9.2.6", "Qemu Server Tools", newer="9.2.7"),
    Package("smartmontools", "7.4-pve1", "control and monitor storage systems using S.M.A.R.T.", section="utils"),
    Package("spiceterm", "3.4.1", "Interface for Spice Terminal"),
    Package("swtpm", "0.8.0+pve3", "Libtpms-based TPM emulator"),
    Package("vncterm", "1.9.1", "VNC Terminal for Proxmox VE"),
    Package("zfsutils-linux", "2.3.4-pve1", "command-line tools to manage OpenZFS filesystems"),
)
_OLDER: dict[str, dict[str, str]] = {
    "8.4": {
        "pve-manager": "8.4.14", "proxmox-kernel-helper": "8.1.4", "ceph-fuse": "17.2.8-pve2",
        "corosync": "3.1.9-pve1", "criu": "3.17.1-2+deb12u1", "ifupdown2": "3.2.0-1+pmx11",
        "libproxmox-acme-perl": "1.6.0", "libproxmox-rs-perl": "0.3.5", "libpve-access-control": "8.2.2",
        "libpve-cluster-api-perl": "8.1.2", "libpve-common-perl": "8.3.4", "libpve-guest-common-perl": "5.2.2",
        "libpve-network-perl": "0.11.2", "libpve-storage-perl": "8.3.7", "lxc-pve": "6.0.0-1", "lxcfs": "6.0.0-pve2",
        "novnc-pve": "1.6.0-2", "proxmox-backup-client": "3.4.6-1", "proxmox-firewall": "0.7.1",
        "pve-cluster": "8.1.2", "pve-container": "5.3.3", "pve-docs": "8.4.1",
        "pve-edk2-firmware": "4.2025.02-4~bpo12+1", "pve-firewall": "5.1.2", "pve-firmware": "3.16-3",
        "pve-ha-manager": "4.0.7", "pve-i18n": "3.4.5", "pve-qemu-kvm": "9.2.0-7", "pve-xtermjs": "5.5.0-2",
        "qemu-server": "8.4.5", "smartmontools": "7.3-pve1", "spiceterm": "3.3.1", "swtpm": "0.8.0+pve1",
        "vncterm": "1.8.1", "zfsutils-linux": "2.2.8-pve1",
    },
}  # fmt: skip
"""The versions of the packages in older releases; these get no newer ones."""


def packages_of(release: Release) -> list[Package]:
    """Return the packages of a release, the kernel first of all."""
    kernel = release.kernel.removesuffix("-pve")
    series = ".".join(kernel.split(".")[:2])
    older = _OLDER.get(release.release, {})
    rest = [replace(row, version=older[row.name], newer="") if row.name in older else row for row in _PACKAGES]
    return [
        Package("proxmox-ve", f"{release.release}.0", "Proxmox Virtual Environment"),
        Package(f"proxmox-kernel-{series}", kernel, "Latest Proxmox Kernel Image", section="kernel"),
        Package(f"proxmox-kernel-{release.kernel}-signed", kernel, "Proxmox Kernel Image (signed)", section="kernel"),
        *rest,
    ]


def version_lines(release: Release) -> list[str]:
    """Return what `pveversion --verbose` prints."""
    manager = release.manager.removeprefix("pve-manager/")
    running = {
        "proxmox-ve": f" (running kernel: {release.kernel})",
        "pve-manager": f" (running version: {manager})",
    }
    return [f"{row.name}: {row.version}{running.get(row.name, '')}" for row in packages_of(release)]
