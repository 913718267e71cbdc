"""The folders and links that a node's installation came with."""

from __future__ import annotations

_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - names in the simulated tree
DIRECTORIES = frozenset(
    (
        *_TEMPORARY, "/", "/boot", "/dev", "/etc", "/etc/apt", "/etc/apt/sources.list.d",
        "/etc/cron.d", "/etc/default", "/etc/modprobe.d", "/etc/modules-load.d", "/etc/network",
        "/etc/network/interfaces.d", "/etc/network/if-up.d", "/etc/network/if-down.d", "/etc/ssh", "/etc/sysctl.d",
        "/etc/systemd", "/etc/systemd/system", "/etc/vz", "/home", "/media", "/mnt", "/mnt/pve", "/opt", "/proc",
        "/root", "/root/.ssh", "/run", "/run/lock", "/srv", "/sys", "/usr", "/usr/bin", "/usr/lib", "/usr/lib/systemd",
        "/usr/lib/systemd/system", "/usr/local", "/usr/local/bin", "/usr/local/sbin",
        "/usr/sbin", "/usr/share", "/var", "/var/cache", "/var/lib",
        "/var/lib/dpkg", "/var/lib/pve-cluster", "/var/lib/pve-manager", "/var/lib/vz", "/var/log", "/var/log/pve",
        "/var/log/pve/tasks", "/var/spool",
    )
)  # fmt: skip
LINKS = {
    "/bin": "usr/bin", "/lib": "usr/lib", "/sbin": "usr/sbin", "/var/run": "/run", "/var/lock": "/run/lock",
    "/root/.ssh/authorized_keys": "/etc/pve/priv/authorized_keys",
}  # fmt: skip
MODES = {
    "/root": 0o700, "/root/.ssh": 0o700, "/root/.bashrc": 0o600, "/run/lock": 0o1777,
    **dict.fromkeys(_TEMPORARY, 0o1777),
}  # fmt: skip
