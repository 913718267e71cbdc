"""`exposed-guests-have-a-firewall`."""

from __future__ import annotations

from typing import Any

from policies.firewalls import FILTERED
from tests.policies.judging import NOT_KNOWN_YET, Described, described, machine, said

NETWORKS = ["vmbr0", "dmz*"]


def options(**values: Any) -> Described:
    return described("FirewallOptions", "options", **values)


def nic(bridge: str, **values: Any) -> dict[str, Any]:
    return {"net0": {"model": "virtio", "bridge": bridge, **values}}


def test_a_nic_without_the_firewall_and_a_guest_whose_firewall_is_off_are_told_apart() -> None:
    unfiltered, off = said(FILTERED, machine(net=nic("dmz1")), networks=NETWORKS)

    assert unfiltered.endswith("net0 is on dmz1, and its `firewall` is not on. Set firewall=True on net0.")
    assert "is on dmz1, and its firewall is not switched on. Declare FirewallOptions(vmid=…, enable=True)" in off


def test_a_guest_with_both_is_fine() -> None:
    guest = machine(net=nic("vmbr0", firewall=True))

    assert said(FILTERED, guest, options(vmid=100, enable=True), networks=NETWORKS) == []
    assert said(FILTERED, guest, options(vmid=NOT_KNOWN_YET, enable=True), networks=NETWORKS) == []


def test_options_of_another_scope_or_switched_off_are_none() -> None:
    guest = machine(net=nic("vmbr0", firewall=True))

    for other in (options(vmid=101, enable=True), options(vmid=100, enable=False), options(node="pve1", enable=True)):
        assert len(said(FILTERED, guest, other, networks=NETWORKS)) == 1


def test_the_main_switch_must_not_be_off() -> None:
    [text] = said(FILTERED, options(enable=False), networks=NETWORKS)

    assert text == "FirewallOptions options switches the firewall of all guests off. Set enable=True."


def test_other_networks_are_nobodys_business() -> None:
    assert said(FILTERED, machine(net=nic("lan")), machine(net=NOT_KNOWN_YET), networks=NETWORKS) == []
    assert said(FILTERED, machine(net=nic("vmbr0")), options(enable=False)) == []
