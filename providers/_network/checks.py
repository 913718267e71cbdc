"""What Proxmox would refuse of a network, told before anything is staged."""

from __future__ import annotations

from collections.abc import Iterator

from providers._network.plan import DEFAULT_MTU, Declared
from providers._network.settings import Network
from providers._runtime.model import Problem

_PORTS = ("bridge_ports", "slaves", "ovs_ports", "ovs_bonds")
_VLAN_PARENTS = ("eth", "bond", "bridge", "vlan")


def faults(node: str, current: Network, goal: Network, declared: Declared) -> Iterator[Problem]:
    """What is wrong with the declared interfaces, as (field, reason)."""
    for name in declared:
        where = f"interfaces.{name}"
        if goal[name]["type"] in ("eth", "OVSPort") and name not in current:
            cards = ", ".join(sorted(other for other in current if current[other]["type"] in ("eth", "OVSPort")))
            yield where, f"{node} has no network card of that name; it has {cards or 'none'}"
        for reason in (*_ports(name, goal), *_parent(name, goal), *_onward(name, goal), *_sizes(name, goal)):
            yield where, reason
    for key, what in (("gateway", "default gateway"), ("gateway6", "default gateway of IPv6")):
        holders = sorted(name for name, settings in goal.items() if key in settings)
        if len(holders) > 1 and set(holders) & set(declared):
            mine = next(name for name in reversed(holders) if name in declared)
            other = next(name for name in holders if name != mine)
            yield f"interfaces.{mine}.{key}", f"{other} has the {what} already, and a node has one"


def _ports(name: str, goal: Network) -> Iterator[str]:
    """Ports that are not there, belong to another, or have an address of their own."""
    for key in _PORTS:
        for port in goal[name].get(key, ()):
            others = [
                other for other in goal for held in _PORTS if other != name and port in goal[other].get(held, ())
            ]  # fmt: skip
            if others:
                yield f"{port} is a port of {others[0]} already"
            if port not in goal and port.rpartition(".")[0] not in goal:
                yield f"there is no interface {port} to be its port"
            elif key == "bridge_ports" and {"cidr", "cidr6"} & set(goal.get(port, {})):
                yield f"its port {port} has an address, which belongs on the bridge"
            elif key in ("slaves", "ovs_bonds") and (kind := goal.get(port, {}).get("type")) not in ("eth", "bond"):
                yield f"{port} is a {kind or 'vlan'}, and can't be bundled"


def _parent(name: str, goal: Network) -> Iterator[str]:
    """What it stands on."""
    settings = goal[name]
    if settings["type"] == "vlan":
        parent = settings.get("vlan_raw_device")
        if not parent or not settings.get("vlan_id"):
            yield "a VLAN is named like vmbr0.10, or says its vlan_raw_device and vlan_id"
        elif parent not in goal:
            yield f"there is no interface {parent} for the VLAN to be on"
        elif goal[parent]["type"] not in _VLAN_PARENTS:
            yield f"{parent} is a {goal[parent]['type']}, and a VLAN is on one of {', '.join(_VLAN_PARENTS)}"
    if "ovs_bridge" in settings and goal.get(settings["ovs_bridge"], {}).get("type") != "OVSBridge":
        yield f"there is no OVSBridge {settings['ovs_bridge']}"


def _onward(name: str, goal: Network) -> Iterator[str]:
    """Where it leads."""
    onward = goal[name].get("forward_only_to", name)
    if onward not in goal:
        yield f"there is no interface {onward} that packets could be passed on to, so that none would be"


def _sizes(name: str, goal: Network) -> Iterator[str]:
    """A packet that is too large for what it has to go through."""
    settings = goal[name]
    pairs = [(port, name) for port in settings.get("bridge_ports", ())]
    pairs += [(name, port) for key in ("slaves", "ovs_bonds", "ovs_ports") for port in settings.get(key, ())]
    pairs += [(parent, name) for parent in (settings.get("vlan_raw_device"), settings.get("ovs_bridge")) if parent]
    for outer, inner in pairs:
        size, around = goal.get(inner, {}).get("mtu"), goal.get(outer)
        if size is None or around is None or (around["type"] == "bond" and "mtu" not in around):
            continue
        room = around.get("mtu", DEFAULT_MTU)
        if int(room) < int(size):
            yield f"{outer} lets {room} bytes through, and {inner} has an mtu of {size}"
