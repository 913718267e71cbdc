"""A virtual switch: an Open vSwitch of its own in a place, which needs nothing of the kernel but veth devices.

Its datapath is the one in userspace, so VLANs, trunks, bonds and tunnels work on every kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from simulator.live.place import Place, quoted

START = """
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/openvswitch
cd /run/openvswitch
ovsdb-tool create conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /run/openvswitch/conf.db --remote=punix:db.sock --pidfile --detach -vconsole:off >/dev/null
ovs-vsctl --no-wait init -- set Open_vSwitch . other_config:vlan-limit=0
ovs-vswitchd --pidfile --detach -vconsole:off >/dev/null 2>&1
ip link set lo up
"""
"""What a place runs first to have a switch; its database and sockets are the place's own."""
_DEFAULT_MTU = 1500


def answering(device: str, *, itself: bool) -> str:
    """Return what keeps the kernel from answering on a port of the switch, where it sees the frames too, or lets it."""
    silent = f"net/ipv6/conf/{device}/disable_ipv6={0 if itself else 1}"
    return quoted("sysctl", "-qw", f"net/ipv4/conf/{device}/arp_ignore={0 if itself else 8}", silent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port of a bridge. Without tag and trunks it carries all VLANs, and what has none."""

    name: str
    tag: int | None = None
    """The VLAN of frames without a tag: the port's only one, or with `trunks` one of several."""
    trunks: tuple[int, ...] = ()
    """The VLANs that the port carries with their tags; 0 stands for frames without."""
    mode: str = ""
    """How tags are dealt with, where it does not follow from `tag` and `trunks`."""
    type: str = ""
    """Empty for a device that is there, `internal` for one that the switch makes, `patch` or `vxlan`."""
    options: tuple[tuple[str, str], ...] = ()
    members: tuple[str, ...] = ()
    """The devices of a bond."""
    bond_mode: str = ""
    mtu: int | None = None
    """Of a port that the switch makes; that of the bridge where not set."""

    def commands(self, bridge: str) -> list[str]:
        """Return the words of `ovs-vsctl` that plug the port in, or bring one that is there into this form."""
        many = len(self.members) > 1
        add = ["add-bond", bridge, self.name, *self.members] if many else ["add-port", bridge, self.name]
        words = ["--", "--may-exist", *add, "--", "set", "port", self.name, f"tag={self.tag or '[]'}"]
        words += [f"trunks={','.join(map(str, self.trunks)) or '[]'}", f"vlan_mode={self._vlan_mode() or '[]'}"]
        if many:
            words.append(f"bond_mode={self.bond_mode}")
        if self.mode == "dot1q-tunnel":
            words.append("other_config:qinq-ethtype=802.1q")
        if self.type:
            options = [f"options:{key}={value}" for key, value in self.options]
            words += ["--", "set", "interface", self.name, f"type={self.type}", *options]
        return words

    def _vlan_mode(self) -> str:
        if self.mode or self.tag is None:
            return self.mode
        return "native-untagged" if self.trunks else "access"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge with the ports that it has besides those of guests."""

    name: str
    ports: tuple[Port, ...] = ()
    mtu: int = _DEFAULT_MTU

    def commands(self) -> list[str]:
        """Return the words of `ovs-vsctl` that make the bridge."""
        words = ["--", "--may-exist", "add-br", self.name]
        words += ["--", "set", "bridge", self.name, "datapath_type=netdev", "other_config:mac-aging-time=300"]
        words += ["--", "set", "interface", self.name, f"mtu_request={self.mtu}"]
        for port in self.ports:
            words += port.commands(self.name)
        return words


async def shape(place: Place, old: Iterable[Bridge], new: Iterable[Bridge]) -> None:
    """Bring a switch from one set of bridges to another, in one step; ports of guests stay where they are."""
    wanted = {bridge.name: bridge for bridge in new}
    words: list[str] = []
    for bridge in old:
        if bridge.name not in wanted:
            words += ["--", "--if-exists", "del-br", bridge.name]
        else:
            words += _lost_ports(bridge, wanted[bridge.name])
    for bridge in wanted.values():
        words += bridge.commands()
    if words:
        await place.run(quoted("ovs-vsctl", *words), *_bring_up(wanted.values()))


def _lost_ports(old: Bridge, new: Bridge) -> Iterator[str]:
    """Yield the words that unplug what is not in the new form, or is there as something else."""
    kept = {(port.name, port.type, port.members) for port in new.ports}
    for port in old.ports:
        if (port.name, port.type, port.members) not in kept:
            yield from ("--", "--if-exists", "del-port", old.name, port.name)


def _bring_up(bridges: Iterable[Bridge]) -> Iterator[str]:
    for bridge in bridges:
        yield quoted("ip", "link", "set", bridge.name, "up")
        yield answering(bridge.name, itself=True)
        for port in bridge.ports:
            if port.type == "internal":
                yield quoted("ip", "link", "set", port.name, "mtu", port.mtu or bridge.mtu, "up")
                yield answering(port.name, itself=True)
