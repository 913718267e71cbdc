"""What a preview refuses of a rule is what the simulated Proxmox refuses, over many rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from providers._firewall.rule import FirewallRule, Place, check_rules
from providers._runtime.model import Values
from simulator.errors import ParamError
from simulator.firewall.rules import verify
from simulator.formats import check_format

ENVIRONMENTS: dict[Place, str] = {"cluster": "cluster", "node": "host", "guest": "vm", "vnet": "vnet", "group": "group"}
ENDPOINTS = (
    "192.0.2.7", "192.0.2.0/24", "192.0.2.7/24", "192.0.2.1,198.51.100.0/24", "192.0.2.1,2001:db8::1",
    "192.0.2.1-192.0.2.9", "192.0.2.9-192.0.2.1", "192.0.2.1-192.0.2.9,192.0.2.20", "2001:db8::/32", "192.0.2.0/33",
    "192.0.2.256", "office", "dc/office", "+blocked", "+dc/blocked", "192.0.2.1,",
)  # fmt: skip
PORTS = (
    "22",
    "80:90",
    "90:80",
    "22,80:90",
    "https",
    "65536",
    "22,",
    ",".join(map(str, range(1, 16))),
    "1:2," * 7 + "9,10",
)
RULES: st.SearchStrategy[Values] = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["in", "out", "forward"]),
        "action": st.sampled_from(["ACCEPT", "DROP", "REJECT", "DENY"]),
    },
    optional={
        "source": st.sampled_from(ENDPOINTS),
        "dest": st.sampled_from(ENDPOINTS),
        "proto": st.sampled_from(["tcp", "udp", "6", "icmp", "icmpv6", "gre", "sctp"]),
        "sport": st.sampled_from(PORTS),
        "dport": st.sampled_from(PORTS),
        "icmp_type": st.just("echo-request"),
        "iface": st.sampled_from(["net0", "vmbr0"]),
        "log": st.sampled_from(["info", "nolog"]),
        "enable": st.booleans(),
    },
)


def refused_in_preview(rule: Values, place: Place) -> bool:
    """Whether the declaration is refused."""
    try:
        check_rules(TypeAdapter(list[FirewallRule]).validate_python([rule]), place)
    except ValueError:
        return True
    return False


def refused_by_proxmox(rule: Values, place: Place) -> bool:
    """Whether the simulated Proxmox refuses it, where every alias and IP set is there."""
    row = {name.replace("_", "-"): value for name, value in rule.items()}
    try:
        for name, format_name in (("source", "pve-fw-addr-spec"), ("sport", "pve-fw-sport-spec")):
            check_format(format_name, row.get(name, ""))
        check_format("pve-fw-dport-spec", row.get("dport", ""))
        verify(row, ENVIRONMENTS[place], _everything)
    except (ParamError, ValueError):
        return True
    return False


def _everything(_kind: str, _scope: str, name: str) -> Mapping[str, Any]:
    return {"name": name, "ipversion": None}


@given(rule=RULES, place=st.sampled_from(["cluster", "node", "guest", "vnet"]))
def test_a_preview_refuses_what_proxmox_refuses_and_nothing_else(rule: Values, place: Place) -> None:
    assert refused_in_preview(rule, place) == refused_by_proxmox(rule, place)


@pytest.mark.parametrize("place", ["cluster", "node", "guest", "vnet"])
def test_a_group_can_be_inserted_everywhere_but_in_a_group(place: Place) -> None:
    rule = {"type": "group", "action": "base"}

    assert not refused_in_preview(rule, place)
    assert not refused_by_proxmox(rule, place)
    assert refused_in_preview(rule, "group")
    assert refused_by_proxmox(rule, "group")
