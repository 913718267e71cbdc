"""The networks of all environments, each on a node of its own, from empty nodes to the last byte through the engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Simulator
from tests.engine import Program, Resource
from tests.providers import networks

pytestmark = pytest.mark.engine

NODES = {f"pve{number}": interfaces for number, interfaces in enumerate(networks.NETWORKS.values(), 1)}
CARDS = "[eno1, eno2, eno3, eno4, ens1f0, ens1f1]"
CLUSTER = """
datacenters:
  lab:
    nodes:
{nodes}
    bridges: [vmbr0]
    storages:
      local: {{type: dir, path: /var/lib/vz, content: "iso"}}
"""


def address(node: str) -> str:
    """The address of a node."""
    return f"192.0.2.1{node.removeprefix('pve')}"


def on(node: str, interfaces: dict[str, Any]) -> dict[str, Any]:
    """A network with the node's own address as the way in."""
    way_in = f"{address(node)}/24"
    return {name: {**item, "cidr": way_in} if "gateway" in item else item for name, item in interfaces.items()}


def test_each_environments_network_comes_up_stays_and_goes(tmp_path: Path, program_on: Callable[..., Program]) -> None:
    nodes = "".join(f"      {node}: {{ip: {address(node)}, nics: {CARDS}}}\n" for node in NODES).rstrip("\n")
    with networks.lab(tmp_path, CLUSTER.format(nodes=nodes)) as simulator:
        before = {node: networks.file_of(simulator, node) for node in NODES}
        program = program_on(simulator, {"proxmox:simulator": str(tmp_path / "lab.yaml")})
        program.declare(
            {
                node: Resource(
                    "providers.node_network.NodeNetwork",
                    {"node": node, "interfaces": on(node, interfaces), **networks.TAKES_OVER},
                )
                for node, interfaces in NODES.items()
            }
        )
        _previewed(simulator, program)

        up = program.up()
        assert up.changes == {"create": len(NODES)}, up.text
        simulator.forget_requests()
        again = program.up()
        assert (again.code, again.changes) == (0, {}), again.text
        refresh = program.refresh()
        assert refresh.changes == {}, refresh.text
        assert {row["method"] for row in simulator.requests()} == {"GET"}

        destroy = program.destroy()
        assert destroy.code == 0, destroy.text
        assert {node: networks.file_of(simulator, node) for node in NODES} == before


def _previewed(simulator: Simulator, program: Program) -> None:
    """A preview shows how each file changes, and changes none."""
    preview = program.preview()
    assert preview.changes == {"create": len(NODES)}, preview.text
    assert "+iface outside inet static" in preview.inputs("pve1")["changes"]
    assert "+iface vmbr0.20 inet static" in preview.inputs("pve4")["changes"]
    assert {row["method"] for row in simulator.requests()} == {"GET"}
