"""Tenants of two hosts on live containers: each reaches its own on both hosts, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.components.dual_lab import HOSTS, LAB
from tests.components.test_dual_hypervisor import made
from tests.conftest import Simulator
from tests.providers.guests import Driver
from tests.simulator.conftest import client_of
from tests.simulator.live.lab import Lab, live_lab

TOPOLOGY = "guests: live\ndatacenters:\n" + "".join(
    f"""
  {name}:
    clustered: false
    nodes:
      {name}: {{ip: 192.0.2.2{number}}}
    bridges: [vmbr0]
    storages:
      local: {{type: dir, path: /var/lib/vz, content: "rootdir,images", size: 100G}}
    guests:
      {number}01: {{type: lxc, node: {name}, disks: {{rootfs: "local:4G"}}, config: {{hostname: blue-{number}}}}}
      {number}02: {{type: lxc, node: {name}, disks: {{rootfs: "local:4G"}}, config: {{hostname: green-{number}}}}}
"""
    for number, name in enumerate(("alpha", "beta"), 1)
)
"""On each host one container of each tenant: 101 and 201 are blue's, 102 and 202 are green's."""


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Mapping[str, Lab]]:
    """Both hosts, with the networks that the lab declares."""
    with live_lab(tmp_path, TOPOLOGY) as alpha:
        beta = Lab(alpha.running, client_of(alpha.running, connection="beta"))
        declared = {name: replace(host, connection=name, node=name, bridge="vmbr0") for name, host in HOSTS.items()}
        asked, _ = made(replace(LAB, hosts=declared))
        for name in declared:
            driver = Driver(Simulator(alpha.running, tmp_path), "sdn_zone", name)
            driver.behind(name)
            zone = {key: value for key, value in asked[f"lab-{name}-tenants"].items() if not key.startswith("__")}
            driver.up({**zone, "connection": None})
        yield {"alpha": alpha, "beta": beta}
        beta.close()


def test_a_tenant_reaches_its_own_on_both_hosts_and_nobody_elses(hosts: Mapping[str, Lab]) -> None:
    alpha, beta = hosts["alpha"], hosts["beta"]
    # the same addresses for both tenants: what keeps them apart is the network, and no route that is missing
    for lab, first in ((alpha, 101), (beta, 201)):
        lab.start(first, f"bridge=vlan110,ip=10.110.0.{first}/24")
        lab.start(first + 1, f"bridge=vlan120,ip=10.110.0.{first + 1}/24")

    reached = {
        (start, end)
        for lab, start in ((alpha, 101), (alpha, 102), (beta, 201), (beta, 202))
        for end in (101, 102, 201, 202)
        if end != start and lab.reaches(start, f"10.110.0.{end}")
    }

    assert reached == {(101, 201), (201, 101), (102, 202), (202, 102)}
