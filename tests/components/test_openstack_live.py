"""The network of a lab for OpenStack with a real kernel: what a guest in one of its networks reaches, and what not.

The host has the very interfaces that the lab computes; small containers are the guests. A second machine is what is
outside: it is on the same cable, and knows no way to the inner networks.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.openstack_args import OpenStackLabArgs
from components.openstack_network import router
from components.openstack_plan import tag
from components.router import interfaces_of
from tests.components.openstack_labs import HOST, LAB
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.simulator.live.lab import Lab, live_lab, until

INSIDE = dict(zip(LAB.networks, (106, 107, 108, 110, 118), strict=True))
"""Network -> the container in it."""
NEIGHBOUR, FAR = 109, 201
"""One more in the network of the storage, and one outside."""
OUTSIDE = "192.0.2.99"
TOPOLOGY = """
guests: live
datacenters:
  lab:
    nodes:
      pve1: {ip: 192.0.2.10, nics: [eno1, eno2, eno3, eno4, ens1f0, ens1f1]}
      world: {ip: 192.0.2.1, nics: [ens1f0]}
    bridges: [vmbr0]
    storages:
      local: {type: dir, path: /var/lib/vz, content: "rootdir,images", size: 100G}
    guests:
""" + "".join(
    f"      {vmid}: {{type: lxc, node: {node}, disks: {{rootfs: 'local:4G'}}, config: {{hostname: ct{vmid}}}}}\n"
    for node, vmids in (("pve1", [*INSIDE.values(), NEIGHBOUR]), ("world", [FAR]))
    for vmid in vmids
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with live_lab(tmp_path_factory.mktemp("openstack"), TOPOLOGY) as lab:
        yield lab


def built(live: Lab, args: OpenStackLabArgs) -> Lab:
    """The lab's network, with a guest in each of its networks."""
    live.client.control("reset", {})
    network = Driver(Simulator(live.running, Path()), "node_network")
    wanted = router(args)
    network.up({"node": "pve1", "interfaces": interfaces_of(wanted), "ip_forward": True, "adopt": "if-exists"})
    live.start(FAR, f"bridge=vmbr0,ip={OUTSIDE}/24")
    for name, vmid in [*INSIDE.items(), ("storage", NEIGHBOUR)]:
        live.start(vmid, card(args, name, vmid))
    until(lambda: live.reaches(INSIDE["management"], "10.7.0.1"))
    return live


def card(args: OpenStackLabArgs, name: str, vmid: int) -> str:
    """A guest's card in a network."""
    network = args.networks[name]
    vlan = tag(args, network)
    words: dict[str, Any] = {
        "bridge": args.bridge,
        **({"tag": vlan} if vlan else {}),
        "ip": f"{network.subnet[vmid]}/{network.subnet.prefixlen}",
        "gw": network.subnet[1],
        "mtu": args.mtu,
    }
    return ",".join(f"{key}={value}" for key, value in words.items())


@pytest.fixture
def lab(live: Lab) -> Lab:
    """As it is made where nothing is said."""
    return built(live, LAB)


def reached(lab: Lab, vmid: int, addresses: Iterable[str]) -> set[str]:
    """Which of some addresses answer a guest, all asked at once."""
    asked = "; ".join(f"(ping -c 1 -W 1 {address} >/dev/null 2>&1 && echo {address}) &" for address in addresses)
    return set(lab.inside(vmid, f"{asked.replace('&;', '&')} wait").out.split())


def neighbours(lab: Lab, vmid: int) -> int:
    """How many answer a guest by IPv6 on its own network, besides itself."""
    said = lab.inside(vmid, "ping -c 3 -i 0.3 ff02::1%eth0").out
    return len(set(re.findall(r"from (fe80:\S+):", said))) - 1


def knows_a_way(lab: Lab) -> None:
    """Give who is outside a route to the inner networks."""
    lab.ok(FAR, f"ip route replace 10.0.0.0/8 via {HOST.address}")


def test_each_network_reaches_its_gateway_and_what_is_outside_and_no_other_network(lab: Lab) -> None:
    own = {name: {str(net.subnet[1]), str(net.subnet[INSIDE[name]])} for name, net in LAB.networks.items()}
    everything = {*itertools.chain.from_iterable(own.values()), HOST.address, OUTSIDE}

    for name, vmid in INSIDE.items():
        wanted = {*own[name], OUTSIDE}
        until(lambda wanted=wanted, vmid=vmid: wanted <= reached(lab, vmid, wanted))  # type: ignore[misc]
        assert reached(lab, vmid, everything) <= wanted, "other networks, and the host by another address, are closed"

    knows_a_way(lab)
    guests = {str(net.subnet[INSIDE[name]]) for name, net in LAB.networks.items()}
    assert reached(lab, FAR, {HOST.address, *guests}) == {HOST.address}, "nobody gets in, with or without a route"
    until(lambda: neighbours(lab, INSIDE["storage"]) == 1)
    assert neighbours(lab, INSIDE["management"]) == 0, "the host has no IPv6 for a guest"


def test_large_frames_pass_inside_and_not_outside(lab: Lab) -> None:
    storage, whole = INSIDE["storage"], "-M do -s 8972"

    until(lambda: lab.reaches(storage, f"10.8.0.{NEIGHBOUR}", whole))
    until(lambda: lab.reaches(storage, "10.8.0.1", whole))
    until(lambda: lab.reaches(storage, OUTSIDE, "-M do -s 1472"))
    assert not lab.reaches(storage, f"10.8.0.{NEIGHBOUR}", "-M do -s 8973")
    assert not lab.reaches(storage, OUTSIDE, whole)


def test_taken_literally_the_networks_are_open_to_each_other(live: Lab) -> None:
    lab = built(live, replace(LAB, literal=True))

    until(lambda: lab.reaches(INSIDE["management"], f"10.8.0.{NEIGHBOUR}"))
    until(lambda: lab.reaches(INSIDE["boot"], "10.6.0.1"))
    until(lambda: lab.reaches(INSIDE["tunnel"], OUTSIDE))
    knows_a_way(lab)
    until(lambda: lab.reaches(FAR, f"10.8.0.{NEIGHBOUR}"))
    until(lambda: neighbours(lab, INSIDE["storage"]) == len(["the other guest", "the host"]))
