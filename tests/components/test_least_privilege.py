"""An identity that is made for a program from its preview may do what the program does, and is removed again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.privileges import of_preview
from components.least_privilege import LeastPrivilege, LeastPrivilegeArgs, permissions
from tests.components.asked import inputs_of
from tests.conftest import Simulator, as_json
from tests.engine import Program, Resource
from tests.providers.test_least_privilege import LAB
from tests.runtime.doors import connection_to

MAIN = """
import json
from pathlib import Path

import pulumi

from components.least_privilege import LeastPrivilege, LeastPrivilegeArgs

privileges = json.loads(Path("privileges.json").read_text())
lab = LeastPrivilege("lab", LeastPrivilegeArgs(userid="lab@pve", privileges=privileges))
pulumi.export("token_id", lab.token_id)
pulumi.export("token_secret", lab.token_secret)
"""
TYPES = {
    "backup_job": "providers.backup_job.BackupJob",
    "container": "providers.container.Container",
    "file": "providers.file.File",
    "pool": "providers.pool.Pool",
    "snapshot": "providers.snapshot.Snapshot",
    "storage": "providers.storage.Storage",
    "vm": "providers.vm.VirtualMachine",
}


def lab(*, changed: bool) -> dict[str, Resource]:
    """All pieces one after the other, as at first or as later on."""
    names = list(LAB)
    return {
        name: Resource(
            TYPES[piece.kind],
            {**piece.args, **(piece.changes if changed else {})},
            after=tuple(names[: names.index(name)][-1:]),
        )
        for name, piece in LAB.items()
    }


def test_there_is_a_role_for_each_set_of_privileges_with_a_name_that_proxmox_takes() -> None:
    found = permissions("pve-lab", {"/": ["A"], "/vms/1": ["C", "B"], "/vms/2": ["B", "C"], "/pool/a b": ["D"]})

    assert [(each.roleid, each.privs, each.paths) for each in found] == [
        ("labs.pve-lab", ("A",), ("/",)),
        ("labs.pve-lab.pool.a-b", ("D",), ("/pool/a b",)),
        ("labs.pve-lab.vms.1", ("B", "C"), ("/vms/1", "/vms/2")),
    ]


def test_privileges_on_all_there_is_are_handed_down_from_the_top() -> None:
    args = LeastPrivilegeArgs(userid="lab@pve", privileges={"/*": ["A"], "/vms": ["B"], "/pool/p/*": ["C"]})

    found = inputs_of(lambda: LeastPrivilege("lab", args).token_id)

    paths = {values["path"]: values["propagate"] for values in found.values() if "path" in values}
    assert paths == {"/": True, "/vms": False, "/pool/p": True}


@pytest.mark.engine
def test_a_token_that_is_made_from_the_preview_is_enough_from_the_first_up_to_the_end(
    program: Program, simulator: Simulator, tmp_path: Path
) -> None:
    before = as_json(simulator.state())
    program.declare(lab(changed=False))
    preview = program.pulumi("preview", "--json", "--show-sames").stdout
    (privileges,) = of_preview(json.loads(preview)).values()
    admin = Program(tmp_path / "admin", program.config, {"PROXMOX_SIM_HOME": str(simulator.base)})
    (admin.folder / "__main__.py").write_text(MAIN)
    (admin.folder / "privileges.json").write_text(json.dumps(privileges))
    made = admin.up()
    assert made.code == 0, made.text
    token = json.loads(admin.pulumi("stack", "output", "--json", "--show-secrets").stdout)
    assert token["token_secret"] not in made.text + json.dumps(admin.state())

    login = connection_to(simulator).model_dump(mode="json", include={"endpoints", "ca_file"})
    program.connect({**login, **token})
    up = program.up()
    assert up.changes == {"create": len(LAB)}, up.text
    refresh = program.refresh()
    assert (refresh.code, refresh.changes) == (0, {}), refresh.text
    program.declare(lab(changed=True))
    change = program.up()
    assert change.changes == {"update": len(LAB)}, change.text
    destroy = program.destroy()
    assert destroy.code == 0, destroy.text

    users = {str(row["user"]).partition("!")[0] for row in simulator.requests() if row["path"].endswith("/clone")}
    assert users == {"lab@pve"}
    assert admin.destroy().code == 0
    assert as_json(simulator.state()) == before
