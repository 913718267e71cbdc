"""Ansible: an inventory of the guests, by what they are part of, and of the hosts, as the group `proxmox`.

A container that nobody can log in to is reached through its host, by `pct`, which takes the collection
community.proxmox. Ansible's groups are written with underscores, and are not called as a machine is: there, `_guests`
is put behind. What Proxmox knows of a machine is in its variables `proxmox_…`. Passwords are in it only where secrets
are asked for; they are marked as text that is no template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from components.handoff import NothingForItError
from lab_outputs.models import Guest, Host, Lab, Login, Ssh

FILE = "inventory.yaml"
HOSTS = "proxmox"
EVERY_GUEST = "guests"
"""The login that all guests have, where one has none of its own."""
RESERVED = {"all", "ungrouped", HOSTS}

BY_PCT = "community.proxmox.proxmox_pct_remote"

Variables = dict[str, Any]


class _Unsafe(str):
    """A text that Ansible must not read as a template."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes such texts with Ansible's own mark."""


_Dumper.add_representer(_Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def render(lab: Lab) -> str:
    """The inventory as YAML."""
    if not lab.guests and not lab.hosts:
        raise NothingForItError("it has neither guests nor hosts")
    hosts = {_host_name(name, lab): _host(host) for name, host in lab.hosts.items()}
    guests = {name: {**_known(guest), **_way(guest, lab)} for name, guest in lab.guests.items()}
    children = {HOSTS: dict.fromkeys(hosts), **_groups(lab, {*hosts, *guests})}
    inventory = {
        "all": {
            "hosts": {**guests, **hosts},
            "children": {group: {"hosts": dict.fromkeys(members)} for group, members in children.items()},
        }
    }
    return yaml.dump(inventory, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _groups(lab: Lab, machines: set[str]) -> dict[str, dict[str, None]]:
    """Group -> its members, each once."""
    groups: dict[str, dict[str, None]] = {}
    for name, guest in lab.guests.items():
        for group in guest.groups:
            groups.setdefault(_group_name(group, machines), {})[name] = None
    return dict(sorted(groups.items()))


def _group_name(group: str, machines: set[str]) -> str:
    name = re.sub(r"\W", "_", group, flags=re.ASCII)
    name = f"_{name}" if name[:1].isdigit() else name
    return f"{name}_guests" if name in machines or name in RESERVED else name


def _host_name(name: str, lab: Lab) -> str:
    return f"{HOSTS}-{name}" if name in lab.guests else name


def _host(host: Host) -> Variables:
    if host.address is None:
        return {"proxmox_node": host.node}
    return {"ansible_host": host.address, "ansible_user": "root", "proxmox_node": host.node}


def _known(guest: Guest) -> Variables:
    return {"proxmox_vmid": guest.vmid, "proxmox_type": guest.type, "proxmox_node": guest.node}


def _way(guest: Guest, lab: Lab) -> Variables:
    """How a guest is reached."""
    if guest.ssh is not None:
        return _by_ssh(guest.name, guest.ssh, lab.credentials)
    host = lab.hosts.get(guest.host)
    if guest.type == "lxc" and host is not None and host.address is not None:
        return {"ansible_connection": BY_PCT, "ansible_host": host.address, "ansible_user": "root"}
    return {}


def _by_ssh(name: str, ssh: Ssh, logins: Mapping[str, Login]) -> Variables:
    found: Variables = {"ansible_host": ssh.address, "ansible_user": ssh.user, "ansible_port": ssh.port}
    if ssh.jump is not None:
        found["ansible_ssh_common_args"] = f"-o ProxyJump={ssh.jump}"
    login = logins.get(name, logins.get(EVERY_GUEST))
    if login is not None and login.user == ssh.user:
        found["ansible_password"] = _Unsafe(login.password)
    return found
