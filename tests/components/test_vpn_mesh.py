"""A mesh of machines: what it asks for, and two meshes in two guests, whose keys stay what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from components.vpn_mesh import Member, Net, VpnMesh, VpnMeshArgs
from tests.components.asked import Asked, asked
from tests.conftest import Simulator
from tests.engine import Program
from tests.providers.inside import CONTAINER, MACHINE, agent, prepare

MESH = VpnMeshArgs(
    net=Net(name="services", port=656),
    members={
        "gw1": Member(endpoint="198.51.100.1", address="10.99.0.1/24", vmid=101),
        "pve2": Member(endpoint="198.51.100.2", bridge="vmbr1"),
    },
)


def asked_for(args: VpnMeshArgs) -> Asked:
    """What a mesh asks for, where all keys are the same."""
    keys = {"private_key_pem": "SECRET", "public_key_pem": "KEY"}
    return asked(lambda: {"files": VpnMesh("mesh", args).files}, keys)


def test_each_member_has_a_key_and_only_those_with_a_place_are_set_up() -> None:
    mesh = asked_for(MESH)
    found = mesh.inputs

    assert found["mesh-gw1-key"] == found["mesh-pve2-key"] == {"algorithm": "rsa", "bits": 3072}
    assert {name.partition("-")[2].partition("-")[0] for name in found if not name.endswith("-key")} == {"gw1"}
    key = found["mesh-gw1-etc-tinc-services-rsa_key.priv"]
    assert (key["vmid"], key["path"], key["mode"]) == (101, "/etc/tinc/services/rsa_key.priv", "0600")
    assert key["content"] == "SECRET"
    assert mesh.outputs["files"]["pve2"]["rsa_key.priv"] == "SECRET"
    assert "master vmbr1" in mesh.outputs["files"]["pve2"]["tinc-up"]


def test_a_member_may_be_a_node_with_a_connection_of_its_own() -> None:
    node = Member(endpoint="198.51.100.2", bridge="vmbr1", node="pve2", connection="second")

    found = asked_for(replace(MESH, members={**MESH.members, "pve2": node}, connection="first")).inputs

    started = found["mesh-pve2-started"]
    assert (started["node"], started["connection"], "vmid" in started) == ("pve2", "second", False)
    assert found["mesh-gw1-started"]["connection"] == "first"
    assert found["mesh-pve2-etc-tinc-services-tinc-up"]["mode"] == "0755"


def test_a_place_that_is_both_a_guest_and_a_node_is_refused() -> None:
    with pytest.raises(ValueError, match="give either vmid or node"):
        Member(endpoint="198.51.100.2", node="pve2", vmid=101)


def test_a_mesh_with_a_member_who_has_no_place_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="are not in one network"):
        replace(MESH, members={**MESH.members, "gw3": Member(endpoint="198.51.100.3", address="10.98.0.3/24")})


MAIN = f"""\
import pulumi

from components.vpn_mesh import Member, Net, VpnMesh, VpnMeshArgs

made = []
for place, (name, mtu) in enumerate({{"cluster": 1400, "services": %d}}.items()):
    mesh = VpnMesh(name, VpnMeshArgs(
        net=Net(name=name, port=655 + place, mtu=mtu),
        members={{
            "gw1": Member(endpoint="198.51.100.1", address=f"10.9{{place}}.0.1/24", vmid={MACHINE}),
            "gw2": Member(endpoint="198.51.100.2", address=f"10.9{{place}}.0.2/24", vmid={CONTAINER}),
        }},
        key_bits=2048, after=made[-1:]))
    made.append(mesh)
    pulumi.export(name, mesh.files)
"""


@pytest.mark.engine
def test_two_meshes_live_side_by_side_and_only_one_that_changes_restarts(
    simulator: Simulator, program_on: Callable[[Simulator], Program]
) -> None:
    prepare(simulator)
    program = program_on(simulator)
    (program.folder / "__main__.py").write_text(MAIN % 1400)

    first = program.up()

    assert first.code == 0, first.text
    outputs = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    for place, name in enumerate(("cluster", "services")):
        of_first = outputs[name]["gw1"]
        assert agent(simulator, ["cat", f"/etc/tinc/{name}/rsa_key.priv"]) == of_first["rsa_key.priv"]
        assert f"Port = {655 + place}" in agent(simulator, ["cat", f"/etc/tinc/{name}/hosts/gw2"])
        assert agent(simulator, ["stat", "-c", "%a", f"/etc/tinc/{name}/rsa_key.priv"]).strip() == "600"
        assert agent(simulator, ["systemctl", "is-active", f"tinc@{name}"]).strip() == "active"
    assert "PRIVATE KEY" not in first.text + json.dumps(program.state())
    assert not program.up().changes

    (program.folder / "__main__.py").write_text(MAIN % 1380)
    second = program.up()

    assert second.changes == {"update": 6}, second.text
    assert "mtu 1380" in agent(simulator, ["cat", "/etc/tinc/services/tinc-up"])
    gone = program.destroy()
    assert gone.code == 0, gone.text
    assert agent(simulator, ["systemctl", "is-active", "tinc@services"]).strip() == "inactive"
