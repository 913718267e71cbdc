"""A lab of two hosts asks each of them for its own, and nothing of one needs anything of the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pulumi import Output

from components.dual_args import DualHypervisorArgs, Network, RouterVm
from components.dual_hypervisor import DualHypervisor
from components.placement import place
from lab_outputs import Lab
from tests.components.asked import asked
from tests.components.dual_lab import GUESTS, HOSTS, LAB, TENANTS
from tests.stacks.told import told

PLANNED = {"volid": "local:import/f.qcow2"}


def made(args: DualHypervisorArgs) -> tuple[dict[str, dict[str, Any]], Lab]:
    """What is asked for by the name of the resource, and what the lab tells of itself."""
    found = asked(lambda: {"it": Output.from_input(DualHypervisor("lab", args).exports.of("dual-hypervisor"))}, PLANNED)
    return found.inputs, told(found.outputs["it"])


def test_everything_is_on_each_host_by_its_own_connection() -> None:
    resources, lab = made(LAB)

    for host, connection in (("alpha", "a"), ("beta", "b")):
        own = {name: inputs for name, inputs in resources.items() if name.startswith(f"lab-{host}-") and inputs}
        assert {inputs["connection"] for inputs in own.values()} == {connection}
        assert {inputs["poolid"] for inputs in own.values() if "poolid" in inputs} == {
            "infrastructure",
            "application",
            "tenant",
        }
        zone = resources[f"lab-{host}-tenants"]
        assert (zone["type"], zone["bridge"]) == ("vlan", HOSTS[host].bridge)
        assert {name: vnet["tag"] for name, vnet in zone["vnets"].items()} == {"vlan110": 110, "vlan120": 120}
    assert lab.templates.keys() == HOSTS.keys()


def test_a_guest_is_a_clone_of_its_own_hosts_template_in_its_tenants_network() -> None:
    resources, lab = made(LAB)
    where = place({name: host.room for name, host in HOSTS.items()}, LAB.wishes)

    for name in ("ci", "web-1", "web-2"):
        machine = resources[f"lab-{name}"]
        assert machine["clone"] == {"vmid": lab.templates[where[name]], "full": False}
        assert machine["connection"] == HOSTS[where[name]].connection
        assert lab.guests[name].host == where[name]
        assert machine["disks"]["scsi0"]["storage"] == HOSTS[where[name]].storage
    web = resources["lab-web-1"]
    assert (web["net"]["net0"]["bridge"], web["pool"], web["tags"]) == ("vlan110", "tenant", ["blue", "tenant"])
    assert resources["lab-ci"]["net"]["net0"]["bridge"] == "vmbr0"
    assert where["web-1"] != where["web-2"]


def test_the_router_is_told_the_addresses_of_the_guests_that_have_fixed_ones() -> None:
    _, lab = made(LAB)

    macs = {name: guest.nics["net0"].mac.lower() for name, guest in lab.guests.items()}
    assert lab.files["opnsense-reservations.csv"].splitlines()[1:] == [
        f"10.110.0.11,{macs['web-1']},web-1,labs",
        f"10.110.0.12,{macs['web-2']},web-2,labs",
    ]
    assert macs["web-2"] in lab.files["opnsense-config.xml"]


def test_the_guests_of_a_tenant_may_be_kept_from_each_other_too() -> None:
    resources, _ = made(replace(LAB, tenants=(replace(TENANTS[0], isolated_guests=True), TENANTS[1])))

    vnets = resources["lab-beta-tenants"]["vnets"]
    assert vnets["vlan110"]["isolate_ports"] is True
    assert "isolate_ports" not in vnets["vlan120"]


def test_no_tenant_reaches_the_network_of_the_hosts() -> None:
    _, lab = made(replace(LAB, lan=Network(subnet="203.0.113.0/24", dhcp_pool="203.0.113.9-203.0.113.99")))

    assert "203.0.113.0/24" in lab.files["opnsense-config.xml"]


def test_the_router_may_be_a_machine_with_a_card_outside_and_one_to_the_guests() -> None:
    vm = RouterVm(host="beta", iso="local:iso/opnsense.iso", wan_bridge="vmbr9")
    resources, lab = made(replace(LAB, opnsense=replace(LAB.opnsense, device="vtnet1", vm=vm)))

    router = resources["lab-beta-opnsense"]
    assert {slot: nic["bridge"] for slot, nic in router["net"].items()} == {"net0": "vmbr9", "net1": "vmbr1"}
    assert router["pool"] == "infrastructure"
    assert lab.guests["opnsense"].vmid


def test_without_tenants_there_is_no_zone_and_full_clones_are_on_the_hosts_storage() -> None:
    resources, _ = made(replace(LAB, tenants=(), guests=GUESTS[:1], template=replace(LAB.template, linked=False)))

    assert not [name for name in resources if name.endswith("-tenants")]
    assert resources["lab-ci"]["clone"]["storage"] == "local-lvm"
    assert resources["lab-ci"]["clone"]["full"] is True


def test_a_lab_that_does_not_fit_together_is_not_made() -> None:
    with pytest.raises(
        ValueError, match=r"^guests.0.host: there is no such host; there are: alpha, beta \(it is 'x'\)"
    ):
        DualHypervisor("lab", replace(LAB, guests=(replace(GUESTS[0], host="x"),)))
