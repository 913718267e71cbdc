"""The package sources of a node: files of stanzas below `/etc/apt/sources.list.d`, read and changed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from simulator.errors import ApiError
from simulator.records import File
from simulator.state import Datacenter

_FOLDER = "/etc/apt/sources.list.d/"
_SUITE = "trixie"
_KEYRING = "/usr/share/keyrings/proxmox-archive-keyring.gpg"
_DEBIAN = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main contrib non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://security.debian.org/debian-security
Suites: trixie-security
Components: main contrib non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""
_LISTS = ("Types", "URIs", "Suites", "Components")


@dataclass(frozen=True, slots=True)
class Standard:
    """A repository of Proxmox that can be added by its handle."""

    handle: str
    name: str
    uri: str
    component: str
    file: str

    def stanza(self) -> str:
        """Return the stanza that is written for it."""
        return f"Types: deb\nURIs: {self.uri}\nSuites: {_SUITE}\nComponents: {self.component}\nSigned-By: {_KEYRING}\n"


_PVE, _CEPH = "proxmox.com/debian/pve", "proxmox.com/debian/ceph-squid"
STANDARD = (
    Standard("enterprise", "Enterprise", f"https://enterprise.{_PVE}", "pve-enterprise", "pve-enterprise.sources"),
    Standard("no-subscription", "No-Subscription", f"http://download.{_PVE}", "pve-no-subscription", "proxmox.sources"),
    Standard("test", "Test", f"http://download.{_PVE}", "pve-test", "proxmox.sources"),
    Standard("ceph-squid-enterprise", "Ceph Squid Enterprise", f"https://enterprise.{_CEPH}", "enterprise",
             "ceph.sources"),
    Standard("ceph-squid-no-subscription", "Ceph Squid No-Subscription", f"http://download.{_CEPH}",
             "no-subscription", "ceph.sources"),
    Standard("ceph-squid-test", "Ceph Squid Test", f"http://download.{_CEPH}", "test", "ceph.sources"),
)  # fmt: skip
_INSTALLED = {
    "ceph.sources": STANDARD[3].stanza(),
    "debian.sources": _DEBIAN,
    "pve-enterprise.sources": STANDARD[0].stanza(),
}


@dataclass(slots=True)
class Repository:
    """A stanza: its fields in their order, and the comment lines above it."""

    fields: dict[str, str]
    comments: list[str]

    @property
    def enabled(self) -> bool:
        """Tell whether packages come from here."""
        return self.fields.get("Enabled", "yes").lower() not in ("no", "false", "0", "off", "disable", "without")

    def enable(self, *, enabled: bool) -> None:
        """Let packages come from here or not."""
        self.fields.pop("Enabled", None)
        if not enabled:
            self.fields = {"Enabled": "false", **self.fields}

    def words(self, name: str) -> list[str]:
        """Return the words of a field."""
        return self.fields.get(name, "").split()

    def is_standard(self, standard: Standard) -> bool:
        """Tell whether this is that repository of Proxmox."""
        uris = [re.sub("^https?://", "", uri).rstrip("/") for uri in self.words("URIs")]
        return re.sub("^https?://", "", standard.uri) in uris and standard.component in self.words("Components")

    def shown(self) -> dict[str, Any]:
        """Return the repository as the API shows it."""
        row: dict[str, Any] = {"FileType": "sources", "Enabled": int(self.enabled)}
        row |= {name: self.words(name) for name in _LISTS}
        others = [name for name in self.fields if name not in (*_LISTS, "Enabled")]
        row["Options"] = [{"Key": name, "Values": self.words(name)} for name in others]
        return row | ({"Comment": "\n".join(self.comments)} if self.comments else {})


def install(datacenter: Datacenter, node: str, now: float) -> None:
    """Write the files that the installer writes."""
    for name, text in _INSTALLED.items():
        datacenter.files.put(File(node=node, path=_FOLDER + name, text=text, changed=now))


def files(datacenter: Datacenter, node: str) -> dict[str, str]:
    """Return the text of each file by its path."""
    own = (file for file in datacenter.files if file.node == node and file.path.endswith(".sources"))
    return {file.path: file.text for file in sorted(own, key=lambda file: file.path) if file.path.startswith(_FOLDER)}


def parse(text: str) -> list[Repository]:
    """Read a file of stanzas."""
    found = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        comments = [line[1:] for line in lines if line.startswith("#")]
        pairs = (line.partition(":") for line in lines if not line.startswith("#") and ":" in line)
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        if fields:
            found.append(Repository(fields, comments))
    return found


def render(repositories: list[Repository]) -> str:
    """Write a file of stanzas."""
    return "\n".join(
        "".join(f"#{comment}\n" for comment in repository.comments)
        + "".join(f"{name}: {value}\n" for name, value in repository.fields.items())
        for repository in repositories
    )


def fetched(datacenter: Datacenter, node: str) -> list[tuple[str, bool]]:
    """Return each place that package lists are read from, and whether it refuses: some are for subscribers only."""
    has_key = node in datacenter.subscriptions
    entries = [entry for text in files(datacenter, node).values() for entry in parse(text) if entry.enabled]
    places = [f"{entry.fields['URIs']} {entry.words('Suites')[0]} InRelease" for entry in entries]
    return [(place, "//enterprise." in place and not has_key) for place in places]


def digest(datacenter: Datacenter, node: str) -> str:
    """Return the digest of all files together."""
    everything = "".join(f"{path}\n{text}" for path, text in files(datacenter, node).items())
    return hashlib.sha256(everything.encode()).hexdigest()


def write(datacenter: Datacenter, node: str, path: str, repositories: list[Repository], now: float) -> None:
    """Keep a file of stanzas."""
    datacenter.files.put(File(node=node, path=path, text=render(repositories), changed=now))


def change(datacenter: Datacenter, node: str, path: str, index: int, now: float, *, enabled: bool) -> None:
    """Enable or disable a repository by its file and its place in it."""
    found = files(datacenter, node)
    if path not in found:
        raise ApiError(f"invalid path - {path}")
    repositories = parse(found[path])
    if not 0 <= index < len(repositories):
        raise ApiError(f"invalid index - {index}")
    repositories[index].enable(enabled=enabled)
    write(datacenter, node, path, repositories, now)


def status(datacenter: Datacenter, node: str, standard: Standard) -> bool | None:
    """Tell whether a repository of Proxmox is enabled; None when it is in no file."""
    found = [
        repository.enabled
        for text in files(datacenter, node).values()
        for repository in parse(text)
        if repository.is_standard(standard)
    ]
    return any(found) if found else None


def add(datacenter: Datacenter, node: str, handle: str, now: float) -> None:
    """Add a repository of Proxmox, or enable the one that is there."""
    standard = next((entry for entry in STANDARD if entry.handle == handle), None)
    if standard is None:
        raise ApiError(f"unknown repository handle '{handle}'")
    for path, text in files(datacenter, node).items():
        repositories = parse(text)
        for repository in repositories:
            if repository.is_standard(standard):
                repository.enable(enabled=True)
                write(datacenter, node, path, repositories, now)
                return
    path = _FOLDER + standard.file
    before = parse(files(datacenter, node).get(path, ""))
    write(datacenter, node, path, [*before, *parse(standard.stanza())], now)
