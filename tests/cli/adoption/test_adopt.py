"""`proxmox-labs adopt`: a running environment becomes a program, and the program takes it over as it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.adoption.sources import FAMILIES, NEVER
from tests.cli.adoption import by_hand
from tests.cli.adoption.conftest import STACK, Labs
from tests.conftest import Simulator, as_json
from tests.contract.kinds import KINDS

MARK = re.compile(r"( #)?\s*\[pulumi proxmox/mine [0-9a-f]{12}\]")
CARRIERS = ("alias", "comment", "description")
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "adoption.md"
LabsOn = Callable[[Simulator], Labs]


def test_every_type_is_taken_over_or_has_a_reason() -> None:
    taken = [source.kind for sources in FAMILIES.values() for source in sources]

    assert sorted([*taken, *NEVER]) == KINDS


@pytest.mark.engine
def test_what_others_have_made_is_taken_over_as_it_is_and_then_changed_by_code(
    cluster: Simulator, labs_on: LabsOn
) -> None:
    by_hand.fill(cluster)
    before, labs = _state(cluster), labs_on(cluster)

    said = labs.adopt("--all")
    assert "5 VirtualMachine, 1 Container" in said
    assert "- ApiToken bot@pve!ci: the secret of a token is told once" in said
    assert "hunter" not in said + labs.program()
    assert _state(cluster) == before

    assert _counted(labs.ran("preview")) == {"to create"}
    cluster.forget_requests()
    assert _counted(labs.ran("up")) == {"created"}
    assert _state(cluster) == before
    written = {row["path"] for row in cluster.requests() if row["method"] != "GET"}
    assert written
    assert [path for path in written if re.search(r"/(network|dns|time|storage|acl|options|status)\b", path)] == []
    assert _counted(labs.ran("preview")) == {"unchanged"}
    assert labs.adopt("--all").startswith("new: nothing\n")

    guests = labs.stacks / f"_{STACK}" / "guests.py"
    guests.write_text(guests.read_text().replace("memory=256,", "memory=320,"))
    assert _counted(labs.ran("up")) == {"updated", "unchanged"}
    assert _differences(before, _state(cluster)) == {("256", "320")}

    _is_told_to_others(labs)
    _goes_in_order(cluster, labs)


def test_the_program_is_as_the_project_writes_it(cluster: Simulator, labs_on: LabsOn) -> None:
    by_hand.fill(cluster)
    labs = labs_on(cluster)
    labs.adopt("--all")

    tools = Path(sys.executable).parent
    files = [str(labs.stacks / f"{STACK}.py"), str(labs.stacks / f"_{STACK}")]
    for command in (["ruff", "check"], ["ruff", "format", "--check"]):
        arguments = [*command, "--no-cache", "--config", "pyproject.toml", *files]
        done = subprocess.run(
            [tools / arguments[0], *arguments[1:]], cwd=GUIDE.parents[2], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert max(len(file.read_text().splitlines()) for file in labs.stacks.rglob("*.py")) < 400
    page = (labs.stacks / f"Pulumi.{STACK}.yaml").read_text()
    assert page.startswith("# what we have\n")
    assert yaml.safe_load(page)["config"]["proxmox:lab"] == {"kind": STACK}


def test_a_part_of_it_is_what_hangs_on_some_guests(cluster: Simulator, labs_on: LabsOn) -> None:
    by_hand.fill(cluster)
    labs = labs_on(cluster)

    found = _found(labs, "--pool", "prod", "--vmid", "200")

    assert found == {
        "Pool prod", "Pool prod-web", "Acl pool-prod-user-ann@pve-Watcher", "VirtualMachine web", "Container files",
        "FirewallAlias files-peer", "FirewallRules web", "FirewallOptions web", "HaResource web", "BackupJob nightly",
    }  # fmt: skip


def test_on_a_program_that_is_there_only_what_is_new_is_shown(cluster: Simulator, labs_on: LabsOn) -> None:
    labs = labs_on(cluster)
    labs.adopt("--all")
    before = labs.program()
    new = {"vmid": 500, "name": "debian-13-template", "memory": 64, "scsi0": "local-lvm:1"}
    cluster.by_hand("POST", "/nodes/pve1/qemu", new)

    said = labs.adopt("--all", code=3)

    assert said.startswith("new: 1 VirtualMachine\n")
    assert (
        'lab.guests["debian-13-template-500"] = VirtualMachine(\n    "debian-13-template-500",\n'
        '    name="debian-13-template",' in said
    )
    assert 'disks={"scsi0": {"storage": lab.storages["local-lvm"].storage, "size": "1G"}},' in said
    assert labs.program() == before


def test_the_program_is_that_of_the_kind_of_lab_that_the_stack_is(cluster: Simulator, labs_on: LabsOn) -> None:
    cluster.by_hand("POST", "/nodes/pve1/qemu/9000/firewall/aliases", {"name": "peer", "cidr": "192.0.2.1"})
    labs = labs_on(cluster)
    labs.adopt("--all")
    assert 'vmid=lab.templates["debian-13-template"].vmid' in labs.program()
    page = (labs.stacks / f"Pulumi.{STACK}.yaml").read_text()
    (labs.stacks / "Pulumi.second.yaml").write_text(page)

    said = labs.checkout.labs("adopt", "--stack", "second", "--all", PROXMOX_SIM_HOME=str(cluster.base)).stdout

    assert said.startswith("new: nothing\n")
    assert sorted(file.name for file in labs.stacks.glob("*.py")) == ["__init__.py", f"{STACK}.py", "settings.py"]


def test_each_resource_says_its_connection_where_there_are_several(two_hosts: Simulator, labs_on: LabsOn) -> None:
    labs = labs_on(two_hosts)
    refused = labs.labs("adopt", "--all")
    assert refused.returncode == 1
    assert refused.stderr == "error: the stack has several connections (alpha, beta): say which one\n"

    labs.adopt("--all", "--connection", "beta")

    assert labs.program().count('connection="beta", adopt="required"') + labs.program().count(
        'connection="beta",\n        adopt="required"'
    ) == labs.program().count('adopt="required"')


def test_what_belongs_to_another_stack_is_left_to_it(cluster: Simulator, labs_on: LabsOn) -> None:
    cluster.by_hand("POST", "/pools", {"poolid": "theirs", "comment": "x [pulumi proxmox/other 0123456789ab]"})

    said = labs_on(cluster).adopt("--all")

    assert "- Pool theirs: it belongs to the stack proxmox/other" in said


def test_a_text_that_looks_like_code_stays_a_text(cluster: Simulator, labs_on: LabsOn) -> None:
    hostile = '"""); import os; os.system("x")  # \\\n\'\'\'{1/0}\u2028'
    cluster.by_hand("POST", "/pools", {"poolid": "odd", "comment": hostile})

    answer = json.loads(labs_on(cluster).adopt("--all", "--json"))

    (pool,) = [each for each in answer["resources"] if each["type"] == "Pool"]
    assert pool["args"] == {"poolid": "odd", "comment": hostile.rstrip()}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "say what is to be taken over: either --all, or pools (--pool) and guests (--vmid)"),
        (["--all", "--vmid", "1"], "say what is to be taken over: either --all, or pools (--pool) and guests (--vmid)"),
        (["--all", "--connection", "nowhere"], "there is no connection 'nowhere'; the stack has lab"),
        (
            ["--all", "--stack", "x"],
            "there is no stack x: stacks/Pulumi.x.yaml is missing (there are: Office, demo, mine)",
        ),
        (["--all", "--stack", "Office"], "'Office' can't be a kind of lab: take small letters, digits and hyphens"),
    ],
)  # fmt: skip
def test_it_says_in_one_line_what_is_wrong(cluster: Simulator, labs_on: LabsOn, arguments: list[str], why: str) -> None:
    labs = labs_on(cluster)
    (labs.stacks / "Pulumi.Office.yaml").write_text("config: {proxmox:simulator: three-nodes}\n")

    done = labs.labs("adopt", *arguments)

    assert done.returncode == 1
    assert done.stderr == f"error: {why}\n"


def test_the_guide_has_the_reasons() -> None:
    text = GUIDE.read_text()

    assert [kind for kind, why in NEVER.items() if f"| `{kind}` | {why} |" not in text] == []


def _is_told_to_others(labs: Labs) -> None:
    """What other commands and tools know of it."""
    ansible = yaml.safe_load(labs.ran("inventory", "--format", "ansible"))["all"]
    assert ansible["hosts"]["web"]["ansible_host"] == "192.0.2.101"
    assert ansible["hosts"]["web"]["ansible_user"] == "ann"
    assert set(ansible["children"]["prod_web"]["hosts"]) == {"web"}
    assert ansible["hosts"]["pve1"]["ansible_host"] == "192.0.2.11"
    assert '"192.0.2.200:9100"' in labs.ran("inventory", "--format", "prometheus")
    picture = labs.ran("topology", "--format", "mermaid")
    for text in (
        "web-102",
        "files",
        "VNet vn20 · VLAN 20",
        "10.9.0.0/24",
        "DHCP .50-.99",
        "vmbr0.30<br/>vmbr0 · VLAN 30",
    ):
        assert text in picture
    taken = json.loads(labs.ran("cost", "--json"))
    assert {host["node"]: host["guests"] for host in taken["hosts"]} == {"pve1": 5, "pve2": 1}


def _goes_in_order(simulator: Simulator, labs: Labs) -> None:
    """One destroy takes all of it away; a guest that is protected has to be let go before."""
    simulator.by_hand("PUT", "/nodes/pve2/qemu/101/config", {"protection": 0})
    simulator.forget_requests()
    assert _counted(labs.ran("down")) == {"deleted"}
    gone = [row["path"].removeprefix("/api2/json") for row in simulator.requests() if row["method"] == "DELETE"]
    order = ["/cluster/ha/rules/near", "/cluster/ha/resources/vm:101", "/nodes/pve2/qemu/101", "/storage/nfs1"]
    assert list(dict.fromkeys(path for path in gone if path in order)) == order, gone
    assert gone.index("/nodes/pve2/qemu/101") < next(at for at, path in enumerate(gone) if path.startswith("/pools"))


def _state(simulator: Simulator) -> str:
    """All that the hosts have, but for the marks: an empty text is as good as none, and none ends with blanks."""
    return as_json(_unmarked(simulator.state()))


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        plain = {key: _unmarked(item) for key, item in value.items()}
        return {key: item for key, item in plain.items() if key not in CARRIERS or item}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return MARK.sub("", value).rstrip() if isinstance(value, str) else value


def _differences(before: str, after: str) -> set[tuple[str, str]]:
    """The values that are others."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return {(_value(one), _value(other)) for one, other in pairs if one != other}


def _value(line: str) -> str:
    return line.partition(": ")[2].strip('",')


def _counted(said: str) -> set[str]:
    """What Pulumi counts at its end: `to create`, `unchanged` and so on."""
    counts = said.rpartition("Resources:")[2].split("\n\n")[0]
    return set(re.findall(r"\d+ ([a-z ]+)", counts))


def _found(labs: Labs, *arguments: str) -> set[str]:
    answer = json.loads(labs.adopt(*arguments, "--json"))
    return {f"{each['type']} {each['name']}" for each in answer["resources"]}
