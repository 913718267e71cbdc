"""Where the `.fw` files are, and what happens to a guest's file when the guest is cloned or destroyed."""

from __future__ import annotations

import functools

from simulator.firewall.config import Firewall, parse, render
from simulator.firewall.options import BY_ENVIRONMENT
from simulator.records import File
from simulator.state import Datacenter

CLUSTER_PATH = "/etc/pve/firewall/cluster.fw"
_TEST_SECONDS = 60


def host_path(node: str) -> str:
    """Return the place of a node's file."""
    return f"/etc/pve/nodes/{node}/host.fw"


def guest_path(vmid: int) -> str:
    """Return the place of a guest's file: it does not depend on the guest's node."""
    return f"/etc/pve/firewall/{vmid}.fw"


def vnet_path(vnet: str) -> str:
    """Return the place of a virtual network's file."""
    return f"/etc/pve/sdn/firewall/{vnet}.fw"


def load_cluster(datacenter: Datacenter, now: float) -> Firewall:
    """Read the cluster's file; a firewall that was enabled for a test only is off again after a minute."""
    text = _text(datacenter, CLUSTER_PATH)
    found = parse(text, "cluster", BY_ENVIRONMENT["cluster"], sdn_ipsets=functools.partial(sdn_ipsets, datacenter))
    enabled = found.options.get("enable", 0)
    if enabled > 1 and now - enabled > _TEST_SECONDS:
        found.options["enable"] = 0
    return found


def sdn_ipsets(datacenter: Datacenter) -> frozenset[str]:
    """Return the names of the ipsets that follow from running virtual networks and from addresses given out."""
    vnets = datacenter.sdn_running.by("kind", "vnets")
    names = {f"{vnet.id}-{part}" for vnet in vnets for part in ("all", "gateway", "no-gateway", "dhcp")}
    return frozenset(names | {f"guest-ipam-{entry.vmid}" for entry in datacenter.ips if entry.vmid})


def load(datacenter: Datacenter, path: str, environment: str, cluster: Firewall) -> Firewall:
    """Read another file; names in it may be defined in the cluster's."""
    return parse(_text(datacenter, path), environment, BY_ENVIRONMENT[environment], cluster)


def save(datacenter: Datacenter, path: str, firewall: Firewall, now: float) -> None:
    """Write a file; one with nothing in it is removed."""
    text = render(firewall)
    if text:
        datacenter.files.put(File(node="", path=path, text=text, changed=now))
    else:
        datacenter.files.delete(f":{path}")


def remove_guest(datacenter: Datacenter, vmid: int) -> None:
    """Remove the file of a guest that is destroyed."""
    datacenter.files.delete(f":{guest_path(vmid)}")


def clone_guest(datacenter: Datacenter, vmid: int, newid: int, now: float) -> None:
    """Give a clone the file of its source, or none when that has none."""
    remove_guest(datacenter, newid)
    text = _text(datacenter, guest_path(vmid))
    if text:
        datacenter.files.put(File(node="", path=guest_path(newid), text=text, changed=now))


def _text(datacenter: Datacenter, path: str) -> str:
    file = datacenter.files.get(f":{path}")
    return file.text if file is not None else ""
