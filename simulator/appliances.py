"""The templates of containers that Proxmox offers for download."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

SOURCE = "http://download.proxmox.com/images"


@dataclass(frozen=True, slots=True)
class Appliance:
    """A template: `version` is that of the package, `size` that of the file in MiB."""

    package: str
    version: str
    os: str
    ending: str
    size: int
    section: str = "system"

    @property
    def template(self) -> str:
        """Return the name of the file."""
        return f"{self.package}_{self.version}_amd64.tar.{self.ending}"

    @property
    def location(self) -> str:
        """Return where the file is."""
        return f"{SOURCE}/{self.section}/{self.template}"

    def row(self) -> dict[str, Any]:
        """Return it as clients get it; checksums follow from the name."""
        name = self.template.encode()
        return {
            "package": self.package, "version": self.version, "os": self.os, "section": self.section, "type": "lxc",
            "architecture": "amd64", "template": self.template, "location": self.location, "source": SOURCE,
            "headline": f"{self.package} {self.version}", "description": "", "infopage": "https://www.proxmox.com",
            "maintainer": "support@proxmox.com", "md5sum": hashlib.md5(name, usedforsecurity=False).hexdigest(),
            "sha512sum": hashlib.sha512(name).hexdigest(),
        }  # fmt: skip


APPLIANCES = {
    appliance.template: appliance
    for appliance in (
        Appliance("debian-13-standard", "13.1-2", "debian-13", "zst", 124),
        Appliance("debian-13-standard", "13.6-1", "debian-13", "zst", 125),
        Appliance("debian-12-standard", "12.12-1", "debian-12", "zst", 121),
        Appliance("ubuntu-26.04-standard", "26.04-1", "ubuntu-26.04", "zst", 140),
        Appliance("ubuntu-24.04-standard", "24.04-2", "ubuntu-24.04", "zst", 135),
        Appliance("ubuntu-22.04-standard", "22.04-1", "ubuntu-22.04", "zst", 124),
        Appliance("alpine-3.24-default", "20260714", "alpine", "xz", 3),
        Appliance("alpine-3.23-default", "20260116", "alpine", "xz", 3),
        Appliance("almalinux-10-default", "20250930", "almalinux", "xz", 98),
        Appliance("rockylinux-10-default", "20251001", "rockylinux", "xz", 99),
        Appliance("centos-10-stream-default", "20260713", "centos", "xz", 88),
        Appliance("fedora-44-default", "20260713", "fedora", "xz", 85),
        Appliance("opensuse-16.0-default", "20260116", "opensuse", "xz", 47),
        Appliance("archlinux-base", "20260420-1", "archlinux", "zst", 145),
        Appliance("gentoo-current-openrc", "20250508", "gentoo", "xz", 246),
        Appliance("openeuler-25.03-default", "20250507", "openeuler", "xz", 48),
        Appliance("proxmox-mail-gateway-9.1-standard", "9.1-1", "debian-13", "zst", 380, section="mail"),
    )
}
