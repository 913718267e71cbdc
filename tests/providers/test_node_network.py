"""A node's network: what is peculiar to it; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers._network import transaction
from providers._network.plan import Step
from providers._network.settings import settings_of
from providers._network.text import read
from providers._runtime.client import Client
from providers._runtime.errors import ConfigProblem, CutOff, ForeignChange, ProxmoxError
from providers._runtime.model import canonical
from providers._runtime.ssh import Ssh
from providers.node_network import NodeNetworkInputs
from tests.conftest import Simulator
from tests.providers import networks
from tests.providers.guests import Driver
from tests.providers.networks import lab
from tests.simulator.test_ssh import Remote, connected

SETUP: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/nodes/pve1/network", {"iface": "vmbr9", "type": "bridge", "autostart": 1, "comments": "of others"}),
    ("PUT", "/nodes/pve1/network", {}),
]
EXAMPLE = {
    "node": "pve1",
    "interfaces": {
        "vmbr7": {"type": "bridge", "cidr": "10.7.0.1/24", "bridge_vlan_aware": True, "comments": "the lab"},
        "vmbr7.20": {"type": "vlan", "cidr": "10.20.0.1/24"},
    },
}
UPDATES = [
    {
        "node": "pve1",
        "interfaces": {
            "vmbr7": {"type": "bridge", "cidr": "10.7.0.2/24", "mtu": 9000, "options": ["post-up true"]},
            "vmbr7.30": {"type": "vlan", "cidr": "10.30.0.1/24", "mtu": 1400},
        },
    },
    {
        "node": "pve1",
        "interfaces": {"vmbr7": {"type": "bridge", "cidr": "10.7.0.2/24", "autostart": True}},
        "confirm_seconds": 30,
    },
]
DRIFT = [
    ("PUT", "/nodes/pve1/network/vmbr7", {"type": "bridge", "cidr": "10.7.0.99/24"}),
    ("PUT", "/nodes/pve1/network", {}),
]

NETWORK = "/nodes/pve1/network"
SMALL: dict[str, Any] = {"vmbr7": {"type": "bridge", "cidr": "10.7.0.1/24"}}


@pytest.fixture(scope="module")
def _lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with lab(tmp_path_factory.mktemp("network")) as made:
        yield made


@pytest.fixture
def host(_lab: Simulator) -> Simulator:
    """A host with six network cards, as its installer leaves it."""
    _lab.control("POST", "reset")
    _lab.control("DELETE", "faults")
    _lab.forget_requests()
    return _lab


@pytest.fixture
def network(host: Simulator) -> Driver:
    """The network of the host, as a program has it."""
    return Driver(host, "node_network")


def declared(interfaces: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The arguments of a resource."""
    return {"node": "pve1", "interfaces": interfaces, **more}


def written(simulator: Simulator) -> list[str]:
    """The requests that changed something, without their common path."""
    return [
        f"{row['method']} {row['path'].removeprefix(f'/api2/json{NETWORK}').strip('/')}".strip()
        for row in simulator.requests()
        if row["method"] != "GET"
    ]


@pytest.mark.parametrize("interfaces", networks.NETWORKS.values(), ids=networks.NETWORKS.keys())
def test_the_network_of_an_environment_comes_up_from_an_empty_node_and_goes_to_the_last_byte(
    host: Simulator, network: Driver, interfaces: dict[str, Any]
) -> None:
    first = networks.file_of(host)
    args = declared(interfaces, **networks.TAKES_OVER)

    outputs = network.up(args)

    assert outputs["interfaces"].keys() == interfaces.keys()
    assert network.drift() == {}
    rows = host.by_hand("GET", NETWORK)
    assert read(networks.file_of(host)) == {row["iface"]: settings_of(row) for row in rows}, "as Proxmox reads it"
    host.forget_requests()
    network.up(args)
    assert written(host) == []
    network.delete()
    assert networks.file_of(host) == first
    assert networks.on_node(host, "ls -a /etc/network").split() == [
        ".",
        "..",
        "if-down.d",
        "if-up.d",
        "interfaces",
        "interfaces.d",
    ]


def test_one_network_becomes_another_in_place(host: Simulator, network: Driver) -> None:
    first = networks.file_of(host)

    for interfaces in (*networks.NETWORKS.values(), networks.BOND, networks.OPENSTACK_LAB, networks.BRIDGE):
        network.again()
        network.up(declared(interfaces, **networks.TAKES_OVER))
        assert network.drift() == {}

    network.delete()
    assert networks.file_of(host) == first


def test_a_preview_shows_how_the_file_changes_and_touches_nothing(host: Simulator, network: Driver) -> None:
    inputs, problems = network.check(declared({**SMALL, "eno2": {"type": "eth", "comments": "spare"}}))

    assert problems == []
    assert inputs["changes"].splitlines()[:2] == [f"--- {networks.INTERFACES}", f"+++ {networks.INTERFACES} (planned)"]
    assert [line for line in inputs["changes"].splitlines()[2:] if line[0] in "+-"] == [
        "+#spare", "+", "+auto vmbr7", "+iface vmbr7 inet static", "+\taddress 10.7.0.1/24", "+\tbridge-ports none",
        "+\tbridge-stp off", "+\tbridge-fd 0",
    ]  # fmt: skip
    assert written(host) == []


def test_everything_is_staged_in_order_and_applied_once(host: Simulator, network: Driver) -> None:
    network.up(declared(networks.OPENSTACK_LAB, **networks.TAKES_OVER))

    assert written(host) == [
        "DELETE vmbr0", "POST", "PUT ens1f0", "POST", "POST", "POST", "POST", "POST", "POST", "PUT",
    ]  # fmt: skip
    text = networks.file_of(host)
    assert "\tovs_ports ens1f0 outside vlan6i vlan7i vlan8i vlan10i vlan18i\n\tovs_mtu 9000\n#Web Management\n" in text
    assert "\tovs_extra set interface ${IFACE} external-ids:iface-id=pve1-${IFACE}-vif\n" in text
    assert text.count("post-up iptables -t nat -C POSTROUTING -s 10.") == len(networks.VLANS)


def test_what_comes_in_goes_on_to_one_interface_alone_and_to_the_address_that_this_one_has(
    host: Simulator, network: Driver
) -> None:
    def rules() -> list[str]:
        lines = [line.strip() for line in networks.file_of(host).splitlines() if "-j DROP" in line]
        return [line.partition(" || ")[2] or line.removeprefix("post-down ") for line in lines]

    answers = "-m conntrack ! --ctstate ESTABLISHED,RELATED"
    for address in ("10.0.1.12", "10.0.1.13"):
        interfaces = {"vmbr1": {**networks.APART["vmbr1"], "cidr": f"{address}/24"}}
        network.again()
        network.up(declared(interfaces))
        assert network.drift() == {}
        assert rules() == [
            f"{program} -t filter {how} {rule} -j DROP"
            for program, rule in (
                ("iptables", "FORWARD -i vmbr1 ! -o vmbr0"),
                ("iptables", f"FORWARD ! -i vmbr1 -o vmbr1 {answers}"),
                ("ip6tables", "FORWARD -i vmbr1 ! -o vmbr0"),
                ("ip6tables", f"FORWARD ! -i vmbr1 -o vmbr1 {answers}"),
                ("iptables", f"INPUT -i vmbr1 ! -d {address}"),
                ("ip6tables", "INPUT -i vmbr1"),
            )
            for how in ("-I", "-D")
        ]
    network.again()
    network.up(declared({"vmbr1": {"type": "bridge", "cidr": "10.0.1.13/24"}}))
    assert rules() == []


def test_somebody_elses_change_that_waits_is_named_and_not_applied(host: Simulator, network: Driver) -> None:
    host.by_hand("PUT", f"{NETWORK}/eno3", {"type": "eth", "comments": "mine"})
    host.by_hand("POST", NETWORK, {"iface": "vmbr5", "type": "bridge"})
    host.forget_requests()

    refused = network.problems(declared(SMALL))["node"]

    assert refused.startswith("somebody else's change of eno3, vmbr5 waits to be applied on pve1")
    inputs = {"node": "pve1", "interfaces": SMALL}
    with pytest.raises(ForeignChange, match="change of eno3, vmbr5 waits"):
        network.handler.create(network.api, inputs)
    assert written(host) == []


def test_a_change_that_cuts_the_node_off_is_taken_back_by_the_node(host: Simulator, network: Driver) -> None:
    first = networks.file_of(host)
    moved = {"vmbr0": {"type": "bridge", "bridge_ports": ["eno1"], "cidr": "203.0.113.5/24"}}

    with pytest.raises(
        CutOff, match=r"the change cut pve1 off .*, and after 2 s the node has put its old network back"
    ):
        network.up(declared(moved, confirm_seconds=2, **networks.TAKES_OVER))

    assert networks.file_of(host) == first
    assert networks.on_node(host, "ls /etc/network").split() == ["if-down.d", "if-up.d", "interfaces", "interfaces.d"]
    network.up(declared(networks.BRIDGE, **networks.TAKES_OVER))
    assert network.drift() == {}


def test_a_change_that_fails_to_be_set_up_is_taken_back_at_once(host: Simulator, network: Driver) -> None:
    first = networks.file_of(host)
    host.control("POST", "task-faults", {"type": "srvreload", "text": "command 'ifreload -a' failed: exit code 1"})

    with pytest.raises(CutOff, match=r"ifreload -a' failed.*; the old network of pve1 is back"):
        network.up(declared(SMALL))

    assert networks.file_of(host) == first
    assert "timer" not in networks.on_node(host, "systemctl list-timers")


def test_without_ssh_nothing_is_applied_unless_that_is_said(host: Simulator) -> None:
    network = Driver(host, "node_network", ssh=False)
    first = networks.file_of(host)

    refused = network.problems(declared({"vmbr7": {"type": "bridge", "options": ["post-up true"]}}))
    assert "nothing could undo a change that cuts the node off" in refused["unconfirmed"]
    assert refused["interfaces.vmbr7"].startswith("its further lines or rules take SSH")
    with pytest.raises(ConfigProblem, match="set unconfirmed=True"):
        network.handler.create(network.api, declared(SMALL))

    network.up(declared(SMALL, unconfirmed=True))
    assert network.drift() == {}
    network.delete()
    assert "vmbr7" not in networks.file_of(host)
    assert first.splitlines()[-1] in networks.file_of(host)


def test_what_others_do_to_the_network_meanwhile_stays_when_ours_goes(host: Simulator, network: Driver) -> None:
    network.up(declared({**SMALL, "eno2": {"type": "eth", "mtu": 9000}}))
    host.by_hand("POST", NETWORK, {"iface": "vmbr5", "type": "bridge", "autostart": 1})
    host.by_hand("PUT", NETWORK)
    assert network.drift() == {}

    network.delete()

    text = networks.file_of(host)
    assert "iface vmbr5 inet manual" in text
    assert "vmbr7" not in text
    assert "mtu 9000" not in text


def test_an_interface_that_is_there_already_is_somebodys(network: Driver) -> None:
    refused = network.problems(declared({"vmbr0": {"type": "bridge", "cidr": "192.0.2.99/24"}}))

    assert refused["interfaces.vmbr0"] == "it already exists on pve1; to take it over, set adopt to `if-exists`"


@pytest.mark.parametrize(
    ("interfaces", "field", "reason"),
    [
        ({"eno9": {"type": "eth"}}, "eno9", "pve1 has no network card of that name; it has eno1, eno2"),
        ({"vmbr7": {"type": "bridge", "bridge_ports": ["bond0"]}}, "vmbr7", "there is no interface bond0 to be its"),
        ({"vmbr7": {"type": "bridge", "bridge_ports": ["eno1"]}}, "vmbr7", "eno1 is a port of vmbr0 already"),
        ({"vmbr7": {"type": "bridge", "bridge_ports": ["eno2"], "mtu": 9000}}, "vmbr7", "eno2 lets 1500 bytes through"),
        ({"bond0": {"type": "bond", "slaves": ["vmbr0"]}}, "bond0", "vmbr0 is a bridge, and can't be bundled"),
        ({"vmbr7.5": {"type": "vlan"}}, "vmbr7.5", "there is no interface vmbr7 for the VLAN to be on"),
        ({"storage": {"type": "vlan"}}, "storage", "a VLAN is named like vmbr0.10, or says its"),
        ({"lan": {"type": "OVSIntPort", "ovs_bridge": "vmbr0"}}, "lan", "there is no OVSBridge vmbr0"),
        ({"vmbr7": {"type": "bridge", "forward_only_to": "wan"}}, "vmbr7", "there is no interface wan"),
        (
            {"vmbr7": {"type": "bridge", "cidr": "10.7.0.2/24", "gateway": "10.7.0.1"}},
            "vmbr7.gateway",
            "vmbr0 has the default gateway already",
        ),
        (
            {
                "vmbr7": {"type": "bridge", "bridge_ports": ["eno2"]},
                "eno2": {"type": "eth", "cidr": "10.7.0.2/24"},
            },
            "vmbr7",
            "its port eno2 has an address",
        ),
    ],
)
def test_what_proxmox_would_refuse_a_preview_refuses(
    network: Driver, interfaces: dict[str, Any], field: str, reason: str
) -> None:
    assert network.problems(declared(interfaces))[f"interfaces.{field}"].startswith(reason)


@pytest.mark.parametrize(
    ("name", "interface", "reason"),
    [
        ("vmbr1", {"type": "bridge", "slaves": ["eno1"]}, "slaves: an interface of type bridge has no such field"),
        ("bond0", {"type": "bond", "bond_mode": "balance-slb"}, "bond_mode: an interface of type bond has balance-rr,"),
        (
            "bond0",
            {"type": "bond", "slaves": ["eno1"], "bond_primary": "eno2"},
            "bond_primary: it is one of the slaves",
        ),
        ("lan", {"type": "OVSIntPort"}, "ovs_bridge: an interface of type OVSIntPort needs it"),
        ("team", {"type": "bond"}, "'team' is no name of a bond, such as bond0"),
        ("lo", {"type": "bridge"}, "'lo' is no name of a bridge"),
        ("vmbr1", {"type": "bridge", "cidr": "10.0.0.1"}, "'10.0.0.1' has no prefix length"),
        ("vmbr1", {"type": "bridge", "cidr": "2001:db8::1/64"}, "'2001:db8::1/64' is no address of IPv4"),
        ("vmbr1", {"type": "bridge", "gateway": "10.0.0.1"}, "gateway: it needs a cidr"),
        ("vmbr1", {"type": "bridge", "options": ["iface eno1 inet manual"]}, "'iface eno1 inet manual' is no line of"),
    ],
)
def test_what_no_interface_can_be_is_refused_without_a_host(name: str, interface: dict[str, Any], reason: str) -> None:
    _, problems = canonical(NodeNetworkInputs, declared({name: interface}), frozenset())

    assert reason in problems[0][1]


def test_large_packets_on_the_way_out_are_a_warning(network: Driver) -> None:
    network.check(declared({"vmbr0": {**networks.BRIDGE["vmbr0"], "mtu": 9000}}, **networks.TAKES_OVER))

    assert network.warnings == [
        "vmbr0 has the default gateway and an mtu of 9000: what is behind the gateway seldom takes packets above 1500"
    ]


def test_forwarding_is_switched_on_and_off_with_the_network(host: Simulator, network: Driver) -> None:
    network.up(declared(SMALL, ip_forward=True))
    assert networks.on_node(host, "sysctl -n net.ipv4.ip_forward") == "1\n"
    assert network.drift() == {}

    networks.on_node(host, "rm /etc/sysctl.d/90-pulumi-*")
    assert network.drift() == {"ip_forward": False}

    network.refresh()
    network.up(declared(SMALL, ip_forward=True))
    network.delete()
    assert networks.on_node(host, "sysctl -n net.ipv4.ip_forward; ls /etc/sysctl.d") == "0\n"


def test_a_staged_file_that_is_not_what_was_announced_is_never_applied(
    host: Simulator, network: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Step("POST", "vmbr7", {"type": "bridge", "cidr": "10.99.0.1/24"})
    monkeypatch.setattr(transaction, "steps", lambda *_: [other])
    first = networks.file_of(host)

    with pytest.raises(ProxmoxError, match=r"something else .* for vmbr7 .*10\.7\.0\.1.*Staged: .*10\.99\.0\.1"):
        network.up(declared(SMALL))

    assert written(host)[-1] == "DELETE"
    assert networks.file_of(host) == first
    assert networks.on_node(host, "ls /etc/network/interfaces.new") == ""


class Killed(BaseException):
    """The run is over at this point."""


def killed_at(number: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the run die before the request or command with that number; returns where it counts them."""
    done = [0]

    def counted(owner: type, name: str) -> None:
        original = getattr(owner, name)

        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not (name == "answer" and args[0] == "GET"):
                if done[0] == number:
                    raise Killed
                done[0] += 1
            return original(self, *args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    for owner, name in ((Client, "answer"), (Ssh, "run"), (Ssh, "write"), (Ssh, "remove")):
        counted(owner, name)
    return done


def finish(host: Simulator, args: dict[str, Any]) -> None:
    """The next run of a program whose last one died before its state was written."""
    following = Driver(host, "node_network")
    following.up(args)
    assert following.drift() == {}
    following.delete()


def finish_the_end(host: Simulator, args: dict[str, Any]) -> None:
    """The next run after one that died while it took everything back."""
    following = Driver(host, "node_network")
    following.id, following.outputs = "nodes/pve1/network", {**args, "before": {"eno2": {"type": "eth"}}}
    following.delete()


@pytest.mark.parametrize(("dies_at_its_end", "then"), [(False, finish), (True, finish_the_end)], ids=["up", "destroy"])
def test_a_run_that_dies_at_any_point_is_finished_by_the_next_one(
    host: Simulator, dies_at_its_end: bool, then: Callable[[Simulator, dict[str, Any]], None]
) -> None:
    args = declared({**SMALL, "vmbr7.5": {"type": "vlan"}, "eno2": {"type": "eth", "options": ["post-up true"]}})
    first = networks.file_of(host)
    with connected(host.running, "pve1") as client:
        for number in range(40):
            dying = Driver(host, "node_network")
            if dies_at_its_end:
                dying.up(args)
            with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
                done = killed_at(number, patch)
                dying.delete() if dies_at_its_end else dying.up(args)
            then(host, args)
            assert Remote(client).ok(f"cat {networks.INTERFACES}") == first, number
            left = Remote(client).ok("systemctl list-timers; ls /etc/network")
            assert left.split() == ["if-down.d", "if-up.d", "interfaces", "interfaces.d"], number
            if done[0] < number:
                return
    raise AssertionError("it never came to its end")
