"""OpenSSH's client: each guest and each host by its name, through the machine that leads to it.

`ssh -F FILE NAME`, or an `Include` at the top of one's own file.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.handoff import NothingForItError
from lab_outputs.models import Lab

FILE = "ssh_config"


def render(lab: Lab) -> str:
    """A block for each that can be reached; of two with the same name the guest is meant, since it comes first."""
    blocks = [*_guests(lab), *_hosts(lab)]
    if not blocks:
        raise NothingForItError("it is not known how to reach any of its guests or hosts by SSH")
    return "\n".join(blocks)


def _guests(lab: Lab) -> Iterator[str]:
    reached = ((name, guest.ssh) for name, guest in lab.guests.items() if guest.ssh)
    for name, ssh in reached:
        port, jump = str(ssh.port), ssh.jump
        yield _block(name, {"HostName": ssh.address, "User": ssh.user, "Port": port, "ProxyJump": jump})


def _hosts(lab: Lab) -> Iterator[str]:
    for name, host in lab.hosts.items():
        if host.address is not None:
            yield _block(name, {"HostName": host.address, "User": "root"})


def _block(name: str, options: dict[str, str | None]) -> str:
    lines = [f"    {key} {value}" for key, value in options.items() if value is not None]
    return "\n".join([f"Host {name}", *lines, ""])
