"""Load balancers: what they are told, read back, and checked by haproxy itself."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.load_balancer import Balanced, LoadBalancer, LoadBalancerArgs
from components.render.haproxy import config
from components.service_container import ServiceHost
from tests.components.asked import inputs_of
from tests.components.checking import checked

HOST = ServiceHost(
    node="pve1", ostemplate="local:vztmpl/debian.tar.zst", storage="local-lvm", bridge="vmbr0", address="10.0.1.5/24"
)
WEB = Balanced(name="web", port=80, servers={"one": "10.0.1.11:80", "two": "10.0.1.12:80"}, check_path="/health")
DATABASE = Balanced(name="db", port=5432, mode="tcp", balance="leastconn", servers={"db1": "db1.example.lab:5432"})
HOSTS = {"lb1": HOST, "lb2": replace(HOST, address="10.0.1.6/24")}


def wanted() -> dict[str, dict[str, Any]]:
    """What two balancers of two services ask for."""
    args = LoadBalancerArgs(hosts=HOSTS, services=[WEB, DATABASE])
    return inputs_of(lambda: LoadBalancer("balancers", args).vmids)


def test_haproxy_takes_what_all_balancers_are_told_alike(tmp_path: Path) -> None:
    found = wanted()

    texts = {checked(found, host, tmp_path) for host in HOSTS}

    assert len(texts) == 1
    assert "    option httpchk GET /health\n" in texts.pop()


def test_who_gathers_figures_is_told_where() -> None:
    made: list[list[str]] = []
    args = LoadBalancerArgs(hosts=HOSTS, services=[WEB])
    inputs_of(lambda: LoadBalancer("balancers", args).metrics.apply(made.append))

    assert made == [["10.0.1.5:8405", "10.0.1.6:8405"]]


SERVERS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9-]{0,10}", fullmatch=True),
    st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    max_size=10,
)


@given(SERVERS)
def test_every_server_that_is_declared_is_in_the_text_once(servers: dict[str, str]) -> None:
    text = config([replace(WEB, servers=servers)], None)

    assert re.findall(r"^    server (\S+) (\S+) check inter 2000ms$", text, re.MULTILINE) == list(servers.items())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a b"}, "is no name"),
        ({"servers": {"one": "10.0.1.11"}}, "is no address with a port"),
        ({"servers": {"one": "10.0.1.11:70000"}}, "is no address with a port"),
        ({"port": 0}, "there is no port 0"),
        ({"check_path": "health"}, "is no path"),
        ({"check_seconds": 0}, "from time to time"),
    ],
)
def test_what_can_not_be_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(WEB, **change)


def test_two_services_on_one_port_are_refused() -> None:
    with pytest.raises(ValueError, match="two services have the same port"):
        config([WEB, replace(DATABASE, port=80)], None)
    with pytest.raises(ValueError, match="two services have the same port"):
        config([WEB], 80)
    with pytest.raises(ValueError, match="two services have the same name"):
        config([WEB, replace(DATABASE, name="web")], None)
