"""From the network that is there to the one that is declared: what each interface is to be, and the requests for it.

The order is that in which Proxmox takes them, whatever the order of the declaration: what another interface is to have
(a gateway, a port) is let go first, then interfaces are removed, and then made or changed, each after those that it
needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from providers._network.interface import OVS_PORTS
from providers._network.settings import Network, Settings, normal, parameters_of, removed_of, settled
from providers._network.text import natural

Declared = dict[str, dict[str, Any]]
DEFAULT_MTU = 1500
_PORTS = ("bridge_ports", "slaves", "ovs_bonds", "ovs_ports")
_RANK = ("bond", "bridge", "OVSBridge", "OVSPort", "OVSBond", "OVSIntPort", "vlan", "eth")
_ADDRESSES = ("cidr", "cidr6", "gateway", "gateway6")
_CARDS = ("eth", "OVSPort")
_SELF_ADDED = ("OVSIntPort", "OVSBond")
"""Ports that join and leave their Open vSwitch bridge as they are made and removed."""


@dataclass(frozen=True)
class Step:
    """One request of those that stage a change."""

    method: str
    name: str
    parameters: dict[str, str]


def touched(declared: Declared) -> set[str]:
    """The declared interfaces, and the cards that they turn into their ports or start."""
    ports = {port for item in declared.values() for key in _PORTS[1:] for port in item.get(key) or ()}
    return set(declared) | ports


def target(current: Network, first: Network, owned: Declared, declared: Declared) -> Network:
    """What the network is to be: `first` is what each of ours was before, `owned` what was declared until now."""
    goal = {name: dict(settings) for name, settings in current.items()}
    for name in sorted(touched(owned) - set(declared)):
        if name in first:
            goal[name] = dict(first[name])
        elif name in owned:
            goal.pop(name, None)
    for name, wanted in declared.items():
        goal[name] = _wanted(name, current.get(name), first.get(name, {}), owned.get(name, {}), wanted)
    for name, settings in goal.items():
        if settings["type"] == "OVSBridge":
            settings["ovs_ports"] = _ports_of(name, goal, declared)
    return settled(goal)


def _wanted(name: str, there: Settings | None, first: Settings, owned: Settings, declared: Settings) -> Settings:
    """What is declared over what the host has, in the host's order; what is declared no longer is as it was before."""
    wanted = normal(name, declared)
    if there is None or not same_kind(there, wanted):
        return normal(name, {"autostart": True, **{key: declared[key] for key in declared}})
    kept = {key: value for key, value in there.items() if key not in owned and key not in declared}
    back = {key: first[key] for key in owned if key not in declared and key in first}
    merged = {**kept, **back, **wanted}
    return normal(name, {key: merged[key] for key in [*there, *merged] if key in merged})


def same_kind(there: Settings, wanted: Settings) -> bool:
    """Whether an interface can become the other in place: a card may be a port, any other type is made anew."""
    kinds = (there["type"], wanted["type"])
    return kinds[0] == kinds[1] or all(kind in _CARDS for kind in kinds)


def _ports_of(bridge: str, goal: Network, declared: Declared) -> list[str]:
    """The ports of an Open vSwitch bridge: those that it names, and those that name it."""
    named = [port for port in goal[bridge].get("ovs_ports", ()) if port in goal]
    joining = [
        name
        for name, settings in goal.items()
        if settings.get("ovs_bridge") == bridge and (settings["type"] in _SELF_ADDED or name in declared)
    ]
    elsewhere = {name for name in named if name in declared and name not in joining and "ovs_bridge" in goal[name]}
    return sorted({*named, *joining} - elsewhere)


# ---------------------------------------------------------------- the requests


def steps(current: Network, goal: Network, names: Iterable[str]) -> list[Step]:
    """The requests that stage the way from the one to the other, of the named interfaces."""
    return list(_Way(current, goal, sorted(set(names) & (set(current) | set(goal)), key=natural)).steps())


class _Way:
    """Keeps in mind what the staged file has after each request."""

    def __init__(self, current: Network, goal: Network, names: list[str]) -> None:
        self._there = {name: dict(settings) for name, settings in current.items()}
        self._goal, self._names = goal, names

    def steps(self) -> Iterator[Step]:
        """Let go, remove, make and change."""
        backwards = list(reversed(_in_order(self._there, [name for name in self._names if name in self._there])))
        going = [n for n in backwards if n not in self._goal or not same_kind(self._there[n], self._goal[n])]
        for name in backwards:
            less = self._there[name] if name in going else self._less(name)
            if less != self._there[name]:
                yield self._put(name, less)
        for name in going:
            yield self._remove(name)
        for name in _in_order(self._goal, [name for name in self._names if name in self._goal]):
            wanted = self._with_ports_that_are_there(self._goal[name])
            if name not in self._there:
                yield self._post(name, wanted)
            elif parameters_of(name, wanted) != parameters_of(name, self._there[name]):
                yield self._put(name, wanted)

    def _less(self, name: str) -> Settings:
        """The interface without what another one is to have."""
        there, goal = self._there[name], self._goal.get(name, {})
        others = [self._goal[other] for other in self._names if other != name and other in self._goal]
        less = dict(there)
        for key in ("gateway", "gateway6"):
            if key in there and there[key] != goal.get(key) and any(key in other for other in others):
                del less[key]
        if any(name in other.get("bridge_ports", ()) for other in others):
            less = {key: value for key, value in less.items() if key not in _ADDRESSES or key in goal}
        for key in _PORTS:
            gone = [port for port in there.get(key, ()) if port not in goal.get(key, ()) and self._is_moved(port, name)]
            if gone and goal:
                less[key] = [port for port in there[key] if port not in gone]
        if self._gets_smaller(there, goal) and any("mtu" in other for other in others):
            less = {**less, "mtu": goal["mtu"]} if "mtu" in goal else {k: v for k, v in less.items() if k != "mtu"}
        return normal(name, less)

    def _is_moved(self, port: str, holder: str) -> bool:
        """Whether a port goes to another interface, or goes away otherwise than by itself."""
        if port not in self._goal:
            return self._there.get(port, {}).get("type") not in _SELF_ADDED
        return any(port in self._goal[other].get(key, ()) for other in self._goal if other != holder for key in _PORTS)

    @staticmethod
    def _gets_smaller(there: Settings, goal: Settings) -> bool:
        return bool(goal) and int(there.get("mtu", 0)) > int(goal.get("mtu", DEFAULT_MTU))

    def _with_ports_that_are_there(self, settings: Settings) -> Settings:
        """An Open vSwitch bridge can't name a port that is made later; that one joins by itself."""
        if settings["type"] != "OVSBridge":
            return settings
        ports = [port for port in settings.get("ovs_ports", ()) if port in self._there]
        return {**{key: value for key, value in settings.items() if key != "ovs_ports"}, **_some("ovs_ports", ports)}

    def _post(self, name: str, wanted: Settings) -> Step:
        self._note(name, wanted)
        return Step("POST", name, parameters_of(name, wanted))

    def _put(self, name: str, wanted: Settings) -> Step:
        gone = removed_of(self._there[name], wanted)
        self._note(name, wanted)
        return Step("PUT", name, parameters_of(name, wanted) | ({"delete": ",".join(gone)} if gone else {}))

    def _remove(self, name: str) -> Step:
        bridge = self._there.get(self._there[name].get("ovs_bridge", ""), {})
        if name in bridge.get("ovs_ports", ()):
            bridge["ovs_ports"] = [port for port in bridge["ovs_ports"] if port != name]
        del self._there[name]
        self._there = settled(self._there)
        return Step("DELETE", name, {})

    def _note(self, name: str, wanted: Settings) -> None:
        self._there[name] = dict(wanted)
        bridge = self._there.get(wanted.get("ovs_bridge", ""))
        if wanted["type"] in OVS_PORTS and bridge is not None:
            bridge["ovs_ports"] = sorted({*bridge.get("ovs_ports", ()), name})
        self._there = settled(self._there)


def _some(key: str, value: list[str]) -> Settings:
    return {key: value} if value else {}


def _in_order(network: Network, names: list[str]) -> list[str]:
    """Each after those that it needs; else by type and name."""
    left = sorted(names, key=lambda name: (_rank(network[name]), natural(name)))
    done: list[str] = []
    while left:
        free = next((name for name in left if not _needs(network, name) & set(left)), left[0])
        left.remove(free)
        done.append(free)
    return done


def _rank(settings: Settings) -> int:
    return _RANK.index(settings["type"]) if settings["type"] in _RANK else len(_RANK)


def _needs(network: Network, name: str) -> set[str]:
    """The interfaces that have to be as they are to be before this one."""
    settings = network[name]
    needed = {*settings.get("bridge_ports", ()), settings.get("vlan_raw_device"), settings.get("ovs_bridge")}
    needed |= {slave for slave in settings.get("slaves", ()) if network.get(slave, {}).get("type") == "bond"}
    if settings["type"] == "eth":
        needed |= {other for other, it in network.items() if name in (*it.get("slaves", ()), *it.get("ovs_bonds", ()))}
    return {other for other in needed if other in network and other != name}
