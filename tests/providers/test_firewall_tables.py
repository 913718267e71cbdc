"""The evaluator's tables of macros and ICMP types, against those of others."""

from __future__ import annotations

import pytest

from providers._firewall.macros import IPV6_MACROS, MACROS, Form, forms_of
from providers._firewall.protocols import ICMP_TYPES, WITH_PORTS, protocol
from simulator.firewall.macros import MACROS as SIMULATED
from simulator.firewall.macros import rules_of
from simulator.firewall.names import ICMP_TYPES as NAMES4
from simulator.firewall.names import ICMPV6_TYPES as NAMES6
from simulator.firewall.names import PROTOCOLS, PROTOCOLS_WITH_PORTS
from tests.conftest import Simulator


def _plain(form: Form) -> tuple[int, str | None, str | None]:
    return protocol(form.proto), form.dport, form.sport


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("name", sorted(SIMULATED))
def test_a_macro_stands_for_what_the_simulator_says(name: str, version: int) -> None:
    forms = forms_of(name, version)

    expected = {(protocol(rule["proto"]), rule.get("dport"), rule.get("sport")) for rule in rules_of(name, version)}
    assert forms is not None
    assert {_plain(form) for form in forms} == expected


def test_every_macro_of_the_host_is_known_and_no_other(simulator: Simulator) -> None:
    rows = simulator.by_hand("GET", "/cluster/firewall/macros")

    assert {str(row["macro"]).lower() for row in rows} == {*MACROS, *IPV6_MACROS}
    assert forms_of("nosuchthing", 4) is None


def test_a_macro_for_the_other_version_of_ip_stands_for_nothing() -> None:
    assert forms_of("DHCPv6", 4) == ()
    assert forms_of("DHCPv6", 6) == (Form("udp", "546:547", "546:547"),)


def test_names_of_protocols_and_messages_are_the_ones_that_proxmox_takes() -> None:
    assert set(ICMP_TYPES[4]) | {"any"} == NAMES4
    assert set(ICMP_TYPES[6]) == NAMES6
    assert {name: str(protocol(name)) for name in PROTOCOLS} == PROTOCOLS
    assert {str(number) for number in WITH_PORTS} == {each for each in PROTOCOLS_WITH_PORTS if each.isdecimal()}
