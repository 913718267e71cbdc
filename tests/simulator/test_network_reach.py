"""A node whose network has its own address no longer is cut off, until its network is set up otherwise."""

from __future__ import annotations

import contextlib

import pytest
import requests

from tests.conftest import Simulator, as_json
from tests.simulator.client import Client
from tests.simulator.conftest import client_of
from tests.simulator.live.lab import until
from tests.simulator.test_ssh import Remote, connected, pve1

__all__ = ["pve1"]
WAY_IN = {"type": "bridge", "bridge_ports": "eno1", "cidr": "192.0.2.10/24", "autostart": 1}
NETWORK = "/nodes/pve1/network"
RESTORE = "/bin/sh -c 'cp /root/before /etc/network/interfaces && ifreload -a'"


def answers(client: Client) -> bool:
    """Tell whether the node's API answers."""
    try:
        return client.call("GET", "/version").status == 200
    except requests.ConnectionError:
        return False


def arm(remote: Remote, seconds: float) -> None:
    """Let the node put back the network that it has now, after that time."""
    remote.run(f"cp /etc/network/interfaces /root/before; systemd-run --on-active={seconds} --unit=undo {RESTORE}")


@pytest.mark.parametrize(
    "change",
    [
        {**WAY_IN, "cidr": "192.0.2.99/24"},
        {**WAY_IN, "bridge_ports": ""},
        {"type": "bridge", "bridge_ports": "eno1", "cidr": "192.0.2.10/24", "delete": "autostart"},
    ],
    ids=["another address", "no way out", "not started"],
)
def test_a_node_that_cuts_itself_off_answers_nobody_until_a_timer_puts_its_network_back(
    simulator: Simulator, client: Client, pve1: Remote, change: dict[str, object]
) -> None:
    client.call("PUT", f"{NETWORK}/vmbr0", {**WAY_IN, "comments": "as it was"})
    client.call("PUT", NETWORK)
    arm(pve1, 1)
    client.call("PUT", f"{NETWORK}/vmbr0", change)
    with contextlib.suppress(requests.ConnectionError):
        client.call("PUT", NETWORK)

    assert not answers(client)
    with pytest.raises(Exception, match=r"banner|reset|EOF|closed"), connected(simulator.running, "pve1"):
        pass
    until(lambda: not pve1.client.get_transport().is_active())  # type: ignore[union-attr]
    until(lambda: answers(client))

    with connected(simulator.running, "pve1") as again:
        assert "as it was" in Remote(again).ok("cat /etc/network/interfaces")


def test_a_change_that_leaves_the_way_in_alone_cuts_nobody_off(client: Client) -> None:
    client.call("POST", NETWORK, {"iface": "vmbr5", "type": "bridge", "autostart": 1})
    client.call("PUT", NETWORK)

    assert answers(client)


def test_an_address_on_a_port_of_an_open_vswitch_bridge_is_reached_over_its_card(client: Client) -> None:
    client.call("DELETE", f"{NETWORK}/vmbr0")
    client.call("POST", NETWORK, {"iface": "vmbr0", "type": "OVSBridge", "ovs_ports": "eno1", "autostart": 1})
    client.call(
        "POST", NETWORK, {"iface": "outside", "type": "OVSIntPort", "ovs_bridge": "vmbr0", "cidr": "192.0.2.10/24"}
    )
    client.call("PUT", NETWORK)

    assert answers(client)


def test_the_others_of_a_cluster_lose_a_node_that_cuts_itself_off_and_what_runs_on_it_goes_on(
    cluster: Simulator,
) -> None:
    first, second = client_of(cluster.running, 0), client_of(cluster.running, 1)
    second.call("POST", "/nodes/pve2/qemu", {"vmid": 777, "memory": 64})
    second.call("POST", "/nodes/pve2/qemu/777/status/start")
    first.call("DELETE", "/nodes/pve2/network/vmbr0")

    first.call("PUT", "/nodes/pve2/network")

    assert not answers(second)
    assert first.call("GET", "/nodes/pve2/network").status == 595
    lost = {row["node"]: row["status"] for row in first.call("GET", "/nodes").data}
    assert (lost["pve1"], lost["pve2"]) == ("online", "offline")
    assert '"status": "running"' in as_json(cluster.state())
    first.close()
    second.close()


def test_settings_of_the_kernel_are_set_at_once_and_from_their_files(pve1: Remote) -> None:
    assert pve1.ok("sysctl -n net.ipv4.ip_forward") == "0\n"
    pve1.ok("echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/90-lab.conf; sysctl -q -p /etc/sysctl.d/90-lab.conf")
    assert pve1.ok("sysctl net.ipv4.ip_forward") == "net.ipv4.ip_forward = 1\n"
    pve1.ok("sysctl -q -w net.ipv4.ip_forward=0; sysctl -q --system")
    assert pve1.ok("sysctl -n net.ipv4.ip_forward") == "1\n"
    assert pve1.run("sysctl -n no.such.thing").code == 1
