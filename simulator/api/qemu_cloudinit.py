"""`/nodes/{node}/qemu/{vmid}/cloudinit`: what cloud-init finds in a machine."""

from __future__ import annotations

import hashlib
import ipaddress
import urllib.parse
from typing import Any

from simulator.api.qemu import GUEST
from simulator.errors import ApiError
from simulator.formats import split_list
from simulator.guests.draft import check_lock, typed
from simulator.guests.facts import guest_name
from simulator.guests.qemu_drives import drives, is_cloudinit
from simulator.guests.qemu_options import EXPANDED, IPCONFIG
from simulator.guests.qemu_power import nics
from simulator.records import Guest
from simulator.routing import Call, route
from simulator.schema import string
from simulator.tasks import guest_lock_path

_LISTED = ("cipassword", "ciuser", "nameserver", "searchdomain", "sshkeys")
_AUDIT = ["perm", "/vms/{vmid}", ["VM.Audit"]]


def _machine(call: Call) -> Guest:
    return call.datacenter.guest(call.integer("vmid"), "qemu", call.node)


@route("GET", "/nodes/{node}/qemu/{vmid}/cloudinit", params=GUEST, check=_AUDIT, proxyto="node")
def read_cloudinit(call: Call) -> list[dict[str, Any]]:
    """Return the settings that cloud-init gets."""
    config = _machine(call).config
    return [{"key": key, "value": typed(EXPANDED, key, config[key])} for key in _LISTED if key in config]


@route(
    "PUT", "/nodes/{node}/qemu/{vmid}/cloudinit", params=GUEST,
    check=["perm", "/vms/{vmid}", ["VM.Config.Cloudinit"]], protected=True, proxyto="node",
)  # fmt: skip
def regenerate(call: Call) -> None:
    """Write the cloud-init drive anew."""
    guest = _machine(call)
    check_lock(guest)
    call.need_lock(guest_lock_path(guest.vmid, "qemu"))
    if not any(is_cloudinit(drive) for _, drive in drives(guest.config)):
        raise ApiError("no cloudinit drive configured")


@route(
    "GET",
    "/nodes/{node}/qemu/{vmid}/cloudinit/dump",
    params={**GUEST, "type": string(enum=("user", "network", "meta"))},
    check=_AUDIT,
    proxyto="node",
)
def dump(call: Call) -> str:
    """Return one of the files on the cloud-init drive."""
    guest = _machine(call)
    if call.text("type") == "network":
        return _network(guest)
    user = _user(guest)
    if call.text("type") == "user":
        return user
    name = hashlib.sha1((user + _network(guest)).encode(), usedforsecurity=False).hexdigest()
    return f"instance-id: {name}\n"


def _user(guest: Guest) -> str:
    config, name = guest.config, guest_name(guest).split(".")[0]
    lines = ["#cloud-config", f"hostname: {name}", "manage_etc_hosts: true"]
    domain = split_list(config.get("searchdomain", ""))
    lines.append(f"fqdn: {name}.{domain[0]}" if domain else f"fqdn: {name}")
    if "ciuser" in config:
        lines.append(f"user: {config['ciuser']}")
    else:
        lines.append("disable_root: False")
    if "cipassword" in config:
        lines.append(f"password: {config['cipassword']}")
    if "sshkeys" in config:
        keys = [key for key in urllib.parse.unquote(config["sshkeys"]).splitlines() if key]
        lines += ["ssh_authorized_keys:", *(f"  - {key}" for key in keys)]
    lines += ["chpasswd:", "  expire: False"]
    if config.get("ciuser") != "root":
        lines += ["users:", "  - default"]
    if config.get("ciupgrade", "1") == "1":
        lines.append("package_upgrade: true")
    return "\n".join(lines) + "\n"


def _network(guest: Guest) -> str:
    """Return the network configuration in cloud-init's first format."""
    lines = ["version: 1", "config:"]
    for number, (index, nic) in enumerate(nics(guest)):
        lines += [
            "    - type: physical", f"      name: eth{number}",
            f"      mac_address: '{str(nic.get('macaddr', '')).lower()}'", "      subnets:",
        ]  # fmt: skip
        lines += _subnets(guest.config.get(f"ipconfig{index}", ""))
    servers = split_list(guest.config.get("nameserver", ""))
    search = split_list(guest.config.get("searchdomain", ""))
    if servers or search:
        lines += ["    - type: nameserver", "      address:", *(f"      - '{server}'" for server in servers)]
        lines += ["      search:", *(f"      - '{domain}'" for domain in search)]
    return "\n".join(lines) + "\n"


def _subnets(text: str) -> list[str]:
    settings, lines = IPCONFIG.parse(text, "ipconfig"), list[str]()
    if settings.get("ip") == "dhcp":
        lines.append("      - type: dhcp4")
    elif "ip" in settings:
        address = ipaddress.IPv4Interface(settings["ip"])
        lines += ["      - type: static", f"        address: '{address.ip}'", f"        netmask: '{address.netmask}'"]
        lines += [f"        gateway: '{settings['gw']}'"] if "gw" in settings else []
    ip6 = settings.get("ip6")
    if ip6 in ("dhcp", "auto"):
        lines.append(f"      - type: {'dhcp6' if ip6 == 'dhcp' else 'ipv6_slaac'}")
    elif ip6:
        lines += ["      - type: static6", f"        address: '{ip6}'"]
        lines += [f"        gateway: '{settings['gw6']}'"] if "gw6" in settings else []
    return lines
