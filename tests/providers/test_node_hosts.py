"""Names that a node knows: what is peculiar to them; the whole lifecycle is in tests/contract."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers._nodes.hosts_block import names_in, with_names, without
from providers._runtime.ownership import Owner
from tests.conftest import Simulator
from tests.providers.guests import Driver

SETUP: list[tuple[str, str, dict[str, Any]]] = [("POST", "/nodes/pve1/hosts", {"data": "127.0.0.1 localhost\n"})]
EXAMPLE = {"node": "pve1", "entries": {"10.0.1.11": ["storage.example.lab", "storage"], "2001:DB8::1": ["gate"]}}
UPDATES = [
    {"node": "pve1", "entries": {"10.0.1.11": ["storage.example.lab"]}},
    {"node": "pve1", "entries": {"10.0.1.12": ["dns.example.lab", "dns"], "10.0.1.11": ["storage"]}},
]
HOSTS = "/nodes/pve1/hosts"
OWNER = Owner.of_urn("urn:pulumi:test::proxmox::pulumi-python:dynamic/proxmox:NodeHosts::it")
DRIFT = [("POST", HOSTS, {"data": with_names("127.0.0.1 localhost\n", OWNER, {"10.0.1.99": ["storage"]})})]
EXCLUSIVE = False

_owners = st.builds(Owner, st.just("labs/test"), st.from_regex(r"[0-9a-f]{12}", fullmatch=True))
_names = st.dictionaries(
    st.sampled_from(["10.0.0.1", "10.0.0.2", "2001:db8::1"]),
    st.lists(st.sampled_from(["a", "b.example.org"]), min_size=1, unique=True),
    min_size=1,
)
_texts = st.lists(st.sampled_from(["127.0.0.1 localhost", "", "# a note", "10.0.0.9 z"])).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(_texts, _owners, _owners, _names, _names)
def test_each_owner_has_a_block_of_its_own(
    text: str, one: Owner, other: Owner, first: dict[str, list[str]], second: dict[str, list[str]]
) -> None:
    both = with_names(with_names(text, one, first), other, second)

    assert names_in(both, other) == second
    if one != other:
        assert names_in(both, one) == first
        assert without(without(both, one), other) == text


def test_a_change_by_hand_shows_and_what_others_write_stays(simulator: Simulator) -> None:
    hosts = Driver(simulator, "node_hosts")
    hosts.up(EXAMPLE)
    text = simulator.by_hand("GET", HOSTS)["data"]
    simulator.by_hand("POST", HOSTS, {"data": re.sub("storage$", "disk", text, flags=re.MULTILINE) + "10.9.9.9 mine\n"})

    assert hosts.drift()["entries"]["10.0.1.11"] == ["storage.example.lab", "disk"]

    hosts.delete()
    left = simulator.by_hand("GET", HOSTS)["data"]
    assert "10.9.9.9 mine" in left
    assert "10.0.1.11" not in left


def test_a_name_that_has_another_address_already_is_a_warning(simulator: Simulator) -> None:
    hosts = Driver(simulator, "node_hosts")

    hosts.check({"node": "pve1", "entries": {"10.0.0.1": ["pve1"]}})

    assert hosts.warnings == ["pve1 is 192.0.2.10 in the hosts of pve1 already, and that line counts"]
