"""Services on the nodes themselves: a mesh between them, and an address that they share, through the real engine."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from providers._runtime.client import Client
from tests.conftest import Simulator
from tests.engine import Program
from tests.runtime.doors import access_to, connection_to, soon

MAIN = """\
from components.virtual_ip import VirtualIp, VirtualIpArgs, VirtualIpMember
from components.vpn_mesh import Member, Net, VpnMesh, VpnMeshArgs

nodes = {"pve1": "192.0.2.11", "pve2": "192.0.2.12", "pve3": "192.0.2.13"}
mesh = VpnMesh("services", VpnMeshArgs(
    net=Net(name="services"), key_bits=2048,
    members={node: Member(endpoint=address, bridge="vmbr1", node=node) for node, address in nodes.items()}))
members = [VirtualIpMember(name=node, node=node, address=f"10.0.1.{place}", interface="vmbr1")
           for place, node in enumerate(nodes, 2)]
VirtualIp("VI_10", VirtualIpArgs(
    members=members, address="10.0.1.1/24", virtual_router_id=10, vrrp_version=2, after=[mesh]))
"""
UNITS = ("tinc@services", "keepalived")
FILES = ("/etc/tinc/services/tinc.conf", "/etc/tinc/services/rsa_key.priv", "/etc/keepalived/keepalived.conf")


@pytest.mark.engine
def test_three_nodes_make_a_mesh_and_share_an_address_until_that_is_destroyed(
    cluster: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    program = program_on(cluster)
    (program.folder / "__main__.py").write_text(MAIN)
    ssh = Client("lab", connection_to(cluster, ssh=access_to(cluster)), 4).ssh

    def said(*command: str) -> list[str]:
        return [ssh.run(node, command, deadline=soon()).out.decode() for node in ("pve1", "pve2", "pve3")]

    preview = program.preview()
    assert preview.code == 0, preview.text
    assert not [row for row in cluster.requests() if row["method"] != "GET"]
    first = program.up()

    assert first.code == 0, first.text
    assert said("systemctl", "is-active", *UNITS) == ["active\nactive\n"] * 3
    assert said("stat", "-c", "%a", *FILES) == ["644\n600\n600\n"] * 3
    config = said("cat", FILES[2])
    assert ["priority 100" in text for text in config] == [True, False, False]
    state = json.dumps(program.state())
    assert "PRIVATE KEY" not in first.text + state
    again = program.up()
    assert (again.code, again.changes) == (0, {}), again.text

    gone = program.destroy()

    assert gone.code == 0, gone.text
    assert said("systemctl", "is-active", *UNITS) == ["inactive\ninactive\n"] * 3
    assert said("systemctl", "is-enabled", *UNITS) == ["disabled\ndisabled\n"] * 3
    assert said("ls", *FILES) == [""] * 3
    assert said("dpkg-query", "-W", "-f=${Package} ", "keepalived", "tinc") == ["keepalived tinc "] * 3
