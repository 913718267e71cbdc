"""What in a lab of two hosts does not fit together is told, by its key and with what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from components.answer_file import Install
from components.dual_args import DualHypervisorArgs, Network, RouterVm
from components.dual_checks import problems
from components.placement import Reserve
from tests.components.dual_lab import GUESTS, HOSTS, LAB, TENANTS

CI, WEB = GUESTS
BLUE, GREEN = TENANTS
INSTALL = Install(
    fqdn="a.lab.example", mailto="r@lab.example", timezone="UTC", country="us", keyboard="de", disks=("sda", "sdb")
)
ROUTER = RouterVm(host="alpha", iso="local:iso/opnsense.iso", wan_bridge="vmbr9")


def host(**changes: Any) -> dict[str, Any]:
    """Both hosts, one of them changed."""
    return {**HOSTS, "beta": replace(HOSTS["beta"], **changes)}


WRONG: list[tuple[DualHypervisorArgs, str, str]] = [
    (replace(LAB, hosts={**HOSTS, "gamma": replace(HOSTS["beta"], connection="c")}), "hosts", "three are enough"),
    (replace(LAB, hosts=host(connection="a")), "hosts.beta.connection", "alpha has that connection already"),
    (replace(LAB, hosts=host(reserve=Reserve(memory="16G"))), "hosts.beta.reserve.memory", "take less"),
    (replace(LAB, hosts=host(install=INSTALL)), "hosts.beta.install.disks", "ext4 is on one disk"),
    (replace(LAB, template=replace(LAB.template, guest="old")), "template", "`image` or of a `guest`"),
    (replace(LAB, opnsense=replace(LAB.opnsense, vm=replace(ROUTER, host="x"))), "opnsense.vm.host", "alpha, beta"),
    (replace(LAB, opnsense=replace(LAB.opnsense, vm=replace(ROUTER, name="fedora"))), "opnsense.vm.name", "template"),
    (replace(LAB, tenants=(BLUE, replace(GREEN, subnet="10.120.0.1/24"))), "tenants.1.subnet", "host bits set"),
    (replace(LAB, tenants=(BLUE, replace(GREEN, subnet="10.120.0.0/30"))), "tenants.1.subnet", "too small"),
    (replace(LAB, tenants=(BLUE, replace(GREEN, router="10.9.0.1"))), "tenants.1.router", "no address of"),
    (replace(LAB, tenants=(BLUE, replace(GREEN, router="x"))), "tenants.1", "write addresses like 10.120.0.1"),
    (
        replace(LAB, tenants=(BLUE, replace(GREEN, dhcp_pool="10.120.0.9-10.121.0.9"))),
        "tenants.1.dhcp_pool",
        "to 10.120.0.254 or earlier",
    ),
    (
        replace(LAB, tenants=(BLUE, replace(GREEN, dhcp_pool="10.120.0.1-10.120.0.9"))),
        "tenants.1.dhcp_pool",
        "holds the router's address",
    ),
    (replace(LAB, tenants=(BLUE, replace(GREEN, vlan=110))), "tenants.1.vlan", "tenants.0 has it already"),
    (replace(LAB, tenants=(replace(BLUE, name="lan"),), guests=()), "tenants.0.name", "own network is called so"),
    (replace(LAB, tenants=(BLUE, replace(GREEN, name="blue"))), "tenants.1.name", "tenants.0 has it already"),
    (
        replace(LAB, lan=Network(subnet="10.110.0.0/16", dhcp_pool="10.110.9.1-10.110.9.2")),
        "tenants.0.subnet",
        "it overlaps lan.subnet",
    ),
    (replace(LAB, guests=(CI, replace(CI, name="ci"))), "guests.1.name", "'ci' is the name of guests.0 already"),
    (replace(LAB, guests=(replace(CI, host="gamma"),)), "guests.0.host", "there are: alpha, beta"),
    (replace(LAB, guests=(replace(CI, disk="4G"),)), "guests.0.disk", "take as much, or more"),
    (replace(LAB, guests=(replace(CI, tenant="blue"),)), "guests.0.tenant", "and no other does"),
    (replace(LAB, guests=(replace(WEB, tenant="red", addresses=()),)), "guests.0.tenant", "there are: blue, green"),
    (replace(LAB, guests=(replace(WEB, addresses=("10.110.0.11",)),)), "guests.0.addresses", "there are 2 guests"),
    (replace(LAB, guests=(replace(WEB, addresses=("10.110.0.5",) * 2),)), "guests.0.addresses", "has it already"),
    (
        replace(LAB, guests=(replace(WEB, addresses=("10.110.0.5", "10.110.0.150")),)),
        "guests.0.addresses",
        "take one outside",
    ),
    (
        replace(LAB, guests=(replace(WEB, addresses=("10.110.0.5", "10.110.0.1")),)),
        "guests.0.addresses",
        "where the router is 10.110.0.1",
    ),
    (replace(LAB, guests=(replace(CI, addresses=("x",)),)), "guests.0.addresses", "write it like 192.0.2.1"),
    (replace(LAB, lan=None, guests=(replace(CI, addresses=("192.0.2.9",)),)), "guests.0.addresses", "declare `lan`"),
    (replace(LAB, guests=(replace(CI, memory=20000),)), "guests.0", "ci takes 20000 MiB of memory"),
    (
        replace(LAB, opnsense=replace(LAB.opnsense, vm=replace(ROUTER, memory=99999))),
        "opnsense.vm",
        "opnsense takes 99999 MiB of memory",
    ),
]


def test_a_lab_that_is_right_has_no_problem() -> None:
    assert list(problems(LAB)) == []
    assert list(problems(replace(LAB, opnsense=replace(LAB.opnsense, vm=ROUTER)))) == []


@pytest.mark.parametrize(("lab", "key", "reason"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_does_not_fit_is_told_by_its_key(lab: DualHypervisorArgs, key: str, reason: str) -> None:
    (problem, *more) = problems(lab)

    assert problem.key == key
    assert reason in problem.reason
    assert more == []
