"""The firewall on its levels: what is peculiar about rules, names and options, and the files that hold them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.firewall.config import Firewall, parse, render
from simulator.firewall.macros import MACROS
from simulator.firewall.options import BY_ENVIRONMENT
from tests.simulator.client import Answer, Client

CLUSTER = "/cluster/firewall"
GUEST = "/nodes/pve1/qemu/9000/firewall"
FILE = """\
[OPTIONS]

enable: 1
policy_in: DROP

[ALIASES]

web 192.0.2.80 # the server

[IPSET blocked] # nobody

198.51.100.0/24 # documentation
!198.51.100.7
web

[RULES]

GROUP base -i net0 # what all need
IN SSH(ACCEPT) -source +dc/blocked -log nolog
|OUT DROP -dest dc/web -p tcp -dport 80,443

[group base]

IN ACCEPT -p icmp -icmp-type echo-request

"""


@pytest.fixture
def host(client: Client) -> Client:
    client.control("reset", {})
    return client


def _errors(answer: Answer) -> Any:
    assert answer.status == 400, answer.reason
    return answer.body["errors"]


def _rule(host: Client, place: str = CLUSTER, **rule: Any) -> Answer:
    return host.call("POST", f"{place}/rules", {"type": "in", "action": "ACCEPT", **rule})


def _rules(host: Client, place: str = CLUSTER) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = host.call("GET", f"{place}/rules").data
    return rows


def test_a_file_is_written_as_it_was_read() -> None:
    assert render(parse(FILE, "cluster", BY_ENVIRONMENT["cluster"])) == FILE


def test_lines_that_say_nothing_sensible_are_skipped() -> None:
    nonsense = "hello\n[OPTIONS]\nenable: maybe\ncolour: red\n[RULES]\nIN\nSIDEWAYS ACCEPT --what\n[group x]\nIN DROP\n"
    assert parse(nonsense, "cluster", BY_ENVIRONMENT["cluster"]) == Firewall()


_words = st.from_regex(r"[a-z][a-z0-9]{1,8}", fullmatch=True)
_comments = st.one_of(st.just(""), st.from_regex(r"[a-zäß#]([a-z ]{0,9}[a-z#])?", fullmatch=True))
_cidrs = st.sampled_from(["192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "fd00::1"])
_one_rule = st.fixed_dictionaries(
    {"type": st.sampled_from(["in", "out", "forward"]), "action": st.sampled_from(["ACCEPT", "DROP", "REJECT"])},
    optional={
        "enable": st.sampled_from([0, 1]), "macro": st.sampled_from(sorted(MACROS)), "iface": st.just("vmbr0"),
        "source": _cidrs, "proto": st.sampled_from(["tcp", "udp", "icmp", "89"]), "dport": st.just("22,80:90"),
        "log": st.just("info"), "comment": _comments,
    },
)  # fmt: skip
_firewalls = st.builds(
    Firewall,
    options=st.fixed_dictionaries({}, optional={"enable": st.just(1), "policy_in": st.just("DROP")}),
    aliases=st.dictionaries(_words, _cidrs).map(
        lambda found: {name: {"name": name, "cidr": cidr} for name, cidr in found.items()}
    ),
    ipsets=st.dictionaries(_words, st.lists(st.fixed_dictionaries({"cidr": _cidrs, "nomatch": st.booleans()}))),
    rules=st.lists(_one_rule, max_size=4),
    groups=st.dictionaries(_words, st.lists(_one_rule, max_size=3), max_size=2),
)


@given(_firewalls)
def test_whatever_is_configured_survives_its_file(firewall: Firewall) -> None:
    written = render(firewall)
    read = parse(written, "cluster", BY_ENVIRONMENT["cluster"])
    assert render(read) == written
    kept = ("type", "action", "macro", "iface", "source", "proto", "dport", "log")
    assert [{key: rule.get(key) for key in kept} for rule in read.rules] == [
        {key: rule.get(key) for key in kept} for rule in firewall.rules
    ]


@given(st.text(max_size=200))
def test_any_text_can_be_read_as_a_file(text: str) -> None:
    render(parse(f"[RULES]\n{text}\n[IPSET x1]\n{text}\n[ALIASES]\n{text}", "vm", BY_ENVIRONMENT["vm"], Firewall()))


def test_a_new_rule_is_the_first_one(host: Client) -> None:
    for number in range(3):
        assert _rule(host, comment=str(number), pos=number).status == 200
    assert [rule["comment"] for rule in _rules(host)] == ["2", "1", "0"]


@pytest.mark.parametrize(
    ("target", "order"), [(0, "abcd"), (1, "abcd"), (2, "bacd"), (3, "bcad"), (4, "bcda"), (99, "bcda")]
)
def test_a_rule_moves_before_the_one_that_has_the_target_position(host: Client, target: int, order: str) -> None:
    for comment in "dcba":
        _rule(host, comment=comment)
    host.call("PUT", f"{CLUSTER}/rules/0", {"moveto": target})
    assert "".join(rule["comment"] for rule in _rules(host)) == order


@pytest.mark.parametrize(
    ("rule", "errors"),
    [
        ({"macro": "SSH", "proto": "tcp", "dport": "23"},
         {"dport": "parameter 'dport' already define in macro (value = '22')"}),
        ({"proto": "icmp", "icmp-type": "no-route"}, {"icmp-type": "invalid icmp-type 'no-route' for proto 'icmp'"}),
        ({"icmp-type": "echo-request"}, {"proto": "missing property - 'icmp-type' requires this property"}),
        ({"proto": "gre", "dport": "1"}, {"dport": "protocol 'gre' does not support ports"}),
        ({"proto": "tcp", "dport": "90:80"},
         {"dport": "invalid format - backwards range '90:80' not allowed, did you mean '80:90'?\n"}),
        ({"source": "192.0.2.1,2001:db8::1"},
         {"source": "invalid format - detected mixed ipv4/ipv6 addresses in address list '192.0.2.1,2001:db8::1'\n"}),
        ({"source": "192.0.2.1-192.0.2.9,192.0.2.44"},
         {"source": "invalid format - you can't use a range in a list\n"}),
        ({"action": "web"}, {"action": "unknown action 'web'"}),
        ({"proto": "nosuch"}, {"proto": "invalid format - unknown protocol 'nosuch'\n"}),
    ],
)  # fmt: skip
def test_a_rule_that_makes_no_sense_is_refused(host: Client, rule: dict[str, str], errors: dict[str, str]) -> None:
    assert _errors(_rule(host, **rule)) == errors
    assert _rules(host) == []


def test_a_macro_is_known_in_any_case_and_listed_by_its_name(host: Client) -> None:
    _rule(host, macro="ssh")
    assert _rules(host)[0]["macro"] == "SSH"


def test_an_empty_property_is_removed(host: Client) -> None:
    _rule(host, comment="x", proto="tcp", dport="22")
    host.call("PUT", f"{CLUSTER}/rules/0", {"dport": "", "comment": "-"})
    assert not {"dport", "comment"} & _rules(host)[0].keys()
    refused = host.call("PUT", f"{CLUSTER}/rules/0", {"delete": "action"})
    assert _errors(refused) == {"delete": "unable to delete required property 'action'"}


def test_a_guest_may_name_what_the_cluster_or_itself_defines(host: Client) -> None:
    host.call("POST", f"{CLUSTER}/aliases", {"name": "everywhere", "cidr": "192.0.2.1"})
    host.call("POST", f"{GUEST}/aliases", {"name": "mine", "cidr": "192.0.2.2"})
    for source in ("everywhere", "dc/everywhere", "mine", "guest/mine"):
        assert _rule(host, GUEST, source=source).status == 200
    for source in ("dc/mine", "guest/everywhere"):
        assert "no such alias" in _errors(_rule(host, GUEST, source=source))["source"]
    assert [(row["scope"], row["ref"]) for row in host.call("GET", f"{GUEST}/refs").data] == [
        ("dc", "everywhere"), ("guest", "mine"),
    ]  # fmt: skip


def test_a_rule_whose_alias_is_gone_says_so(host: Client) -> None:
    host.call("POST", f"{CLUSTER}/aliases", {"name": "web", "cidr": "192.0.2.1"})
    _rule(host, source="web")
    host.call("DELETE", f"{CLUSTER}/aliases/web")
    assert _rules(host)[0]["errors"] == {"source": "no such alias 'web'"}


def test_a_digest_covers_all_rules_of_a_list(host: Client) -> None:
    _rule(host, comment="one")
    digest = _rules(host)[0]["digest"]
    _rule(host, comment="two")
    refused = host.call("DELETE", f"{CLUSTER}/rules/0", {"digest": digest})
    assert refused.reason == "detected modified configuration - file changed by other user? Try again."
    assert host.call("DELETE", f"{CLUSTER}/rules/0", {"digest": _rules(host)[0]["digest"]}).status == 200


def test_security_groups_hold_no_groups_and_no_interfaces(host: Client) -> None:
    host.call("POST", f"{CLUSTER}/groups", {"group": "web"})
    place = f"{CLUSTER}/groups/web"
    assert _errors(host.call("POST", place, {"type": "group", "action": "web"})) == {
        "type": "security groups not allowed"
    }
    refused = host.call("POST", place, {"type": "in", "action": "DROP", "iface": "vmbr0"})
    assert _errors(refused) == {"type": "parameter -i not allowed for this rule type"}


def test_a_firewall_enabled_to_be_tried_is_off_again_after_a_minute(host: Client) -> None:
    host.call("PUT", f"{CLUSTER}/options", {"enable": 2})
    assert host.call("GET", f"{CLUSTER}/options").data["enable"] > 1_000_000
    host.control("clock", {"advance": 61})
    assert host.call("GET", f"{CLUSTER}/options").data["enable"] == 0


def test_the_log_ratelimit_is_checked(host: Client) -> None:
    refused = host.call("PUT", f"{CLUSTER}/options", {"log_ratelimit": "enable=1,rate=often"})
    assert "rate" in _errors(refused)["log_ratelimit"]


def test_a_virtual_network_has_forward_rules_only(host: Client) -> None:
    host.call("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    assert host.call("POST", "/cluster/sdn/vnets", {"vnet": "vnet1", "zone": "z1"}).status == 200
    place = "/cluster/sdn/vnets/vnet1/firewall"
    assert host.call("PUT", f"{place}/options", {"enable": 1, "policy_forward": "DROP"}).status == 200
    assert host.call("GET", f"{place}/options").data["policy_forward"] == "DROP"
    assert _errors(_rule(host, place)) == {"type": "invalid rule type 'in' for rule_env 'vnet'"}
    assert _rule(host, place, type="forward", enable=1).status == 200
    assert host.call("GET", "/cluster/sdn/vnets/nope/firewall/rules").reason == (
        "invalid vnet specified at /usr/share/perl5/PVE/API2/Firewall/Helpers.pm line 54."
    )


def test_rules_may_name_the_ipsets_of_virtual_networks_that_run(host: Client) -> None:
    assert _errors(_rule(host, source="+sdn/vnet1-all")) == {"source": "no such ipset 'vnet1-all'"}
    host.call("POST", "/cluster/sdn/zones", {"zone": "z1", "type": "simple"})
    host.call("POST", "/cluster/sdn/vnets", {"vnet": "vnet1", "zone": "z1"})
    host.call("PUT", "/cluster/sdn")
    assert _rule(host, source="+sdn/vnet1-all").status == 200
    assert "+sdn/vnet1-all" in {row["ref"] for row in host.call("GET", f"{GUEST}/refs").data}


def test_an_auditor_reads_and_does_not_write(host: Client) -> None:
    host.call("POST", "/access/users", {"userid": "eve@pve", "password": "secret-of-eve"})
    host.call("PUT", "/access/acl", {"path": "/", "roles": "PVEAuditor", "users": "eve@pve"})
    host.login("eve@pve", "secret-of-eve")
    for place in (CLUSTER, GUEST, "/nodes/pve1/firewall"):
        assert host.call("GET", f"{place}/rules", as_user="eve@pve").status == 200
        refused = host.call("POST", f"{place}/rules", {"type": "in", "action": "DROP"}, as_user="eve@pve")
        assert refused.status == 403
    assert host.call("GET", "/nodes/pve1/firewall/log").body == {"total": 1, "data": [{"n": 1, "t": "no content"}]}


def test_a_guests_firewall_goes_along_with_a_clone_and_away_with_the_guest(host: Client) -> None:
    host.call("POST", "/nodes/pve1/qemu/9000/firewall/rules", {"type": "in", "action": "ACCEPT", "macro": "SSH"})
    host.call("POST", "/nodes/pve1/qemu/9000/clone", {"newid": 700})

    assert [rule["macro"] for rule in host.call("GET", "/nodes/pve1/qemu/700/firewall/rules").data] == ["SSH"]

    host.call("DELETE", "/nodes/pve1/qemu/700")
    host.call("POST", "/nodes/pve1/qemu", {"vmid": 700})
    assert host.call("GET", "/nodes/pve1/qemu/700/firewall/rules").data == []
