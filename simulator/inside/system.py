"""What every guest has from the start: the files of a small Debian, made from the guest's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.guests.facts import guest_name
from simulator.guests.lxc_power import nics as container_nics
from simulator.guests.qemu_power import address_from, address_of
from simulator.guests.qemu_power import nics as machine_nics
from simulator.records import Guest
from simulator.ssh.apt import UNITS, package_entry, unit
from simulator.state import Datacenter

KERNEL, RELEASE = "6.12.48+deb13-amd64", "13 (trixie)"
PACKAGES = (
    "adduser", "apt", "base-files", "bash", "ca-certificates", "coreutils", "cron", "dash", "dbus", "debianutils",
    "dpkg", "findutils", "grep", "gzip", "hostname", "ifupdown", "init", "iproute2", "iputils-ping", "less", "libc6",
    "login", "logrotate", "mount", "openssh-client", "openssh-server", "passwd", "perl-base", "procps", "sed",
    "systemd", "tar", "tzdata", "util-linux", "vim-tiny",
)  # fmt: skip
_USERS = (
    ("root", 0, "/root", "/bin/bash"), ("daemon", 1, "/usr/sbin", "/usr/sbin/nologin"),
    ("bin", 2, "/bin", "/usr/sbin/nologin"), ("sys", 3, "/dev", "/usr/sbin/nologin"),
    ("mail", 8, "/var/mail", "/usr/sbin/nologin"), ("www-data", 33, "/var/www", "/usr/sbin/nologin"),
    ("nobody", 65534, "/nonexistent", "/usr/sbin/nologin"), ("sshd", 992, "/run/sshd", "/usr/sbin/nologin"),
)  # fmt: skip
_RELEASE = f"""PRETTY_NAME="Debian GNU/Linux {RELEASE}"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION="{RELEASE}"
VERSION_CODENAME=trixie
ID=debian
HOME_URL="https://www.debian.org/"
"""
_SERVICES = ("cron", "dbus", "ssh", "systemd-journald", "systemd-logind")
WANTED = "/etc/systemd/system/multi-user.target.wants"
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - names in the simulated tree
FOLDERS = (
    "/boot", "/dev", "/etc/apt/sources.list.d", "/etc/systemd/system", "/home", "/media", "/mnt", "/opt", "/proc",
    "/root/.ssh", "/run/systemd/units", "/srv", "/sys", *_TEMPORARY, "/usr/local/bin", "/usr/local/sbin", "/usr/sbin",
    "/usr/share", "/var/cache", "/var/lib", "/var/log", "/var/www",
)  # fmt: skip
MODES = {
    "/etc/shadow": 0o640, "/root": 0o700, "/root/.ssh": 0o700, **dict.fromkeys(_TEMPORARY, 0o1777),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Nic:
    """A network card as the system sees it; the address has its prefix."""

    name: str
    mac: str
    address: str | None


def nics(guest: Guest) -> Iterator[Nic]:
    """Yield the network cards of a guest."""
    if guest.type == "lxc":
        for _, nic in container_nics(guest):
            mac = str(nic.get("hwaddr", "")).lower()
            yield Nic(str(nic["name"]), mac, address_from(str(nic.get("ip", "manual")), mac))
        return
    for number, (index, nic) in enumerate(machine_nics(guest)):
        mac = str(nic.get("macaddr", "")).lower()
        yield Nic(f"eth{number}", mac, address_of(guest, index, mac))


def files(datacenter: Datacenter, guest: Guest) -> dict[str, bytes]:
    """Return the files that a guest's system comes with."""
    name = guest_name(guest).replace(" ", "-")
    node = datacenter.nodes[guest.node]
    domain = guest.config.get("searchdomain") or node.dns.get("search", "")
    server = guest.config.get("nameserver") or node.dns.get("dns1", "")
    texts = {
        "/etc/hostname": f"{name}\n",
        "/etc/hosts": f"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n{_hosts(guest, name)}",
        "/etc/resolv.conf": f"search {domain}\nnameserver {server}\n",
        "/etc/os-release": _RELEASE,
        "/etc/debian_version": "13.2\n",
        "/etc/timezone": "Etc/UTC\n",
        "/etc/fstab": "# UNCONFIGURED FSTAB FOR BASE SYSTEM\n",
        "/etc/network/interfaces": _interfaces(guest),
        "/etc/passwd": "".join(f"{user}:x:{uid}:{uid}:{user}:{home}:{shell}\n" for user, uid, home, shell in _USERS),
        "/etc/group": "".join(f"{user}:x:{uid}:\n" for user, uid, _, _ in _USERS),
        "/etc/shadow": "".join(f"{user}:*:20400:0:99999:7:::\n" for user, *_ in _USERS),
        "/etc/apt/sources.list": "deb http://deb.debian.org/debian trixie main\n",
        "/etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
        "/var/lib/dpkg/status": "".join(package_entry(package, "13.0-1") for package in PACKAGES),
        "/proc/version": f"Linux version {KERNEL}\n",
        **{f"{UNITS}/{service}.service": unit(service) for service in _SERVICES},
        **{f"{WANTED}/{service}.service": unit(service) for service in _SERVICES},
    }
    return {path: text.encode() for path, text in texts.items()}


def _hosts(guest: Guest, name: str) -> str:
    address = next((nic.address for nic in nics(guest) if nic.address is not None), "127.0.1.1")
    return f"{address.partition('/')[0]}\t{name}\n"


def _interfaces(guest: Guest) -> str:
    parts = ["auto lo\niface lo inet loopback\n"]
    for nic in nics(guest):
        method = f"static\n\taddress {nic.address}" if nic.address is not None else "manual"
        parts.append(f"auto {nic.name}\niface {nic.name} inet {method}\n")
    return "\n".join(parts)
