"""The shape of the house: who may import whom, names that are the state's format, and pages that are up to date."""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from cli import docs
from providers._runtime.bridge import ProxmoxProvider
from tests.contract.kinds import KINDS, kind

ROOT = Path(__file__).parent.parent
HOUSE = (
    "__main__",
    "stacks",
    "components",
    "lab_outputs",
    "providers",
    "simulator",
    "policies",
    "cli",
    "toolchain",
    "examples",
    "tests",
)

MAY_IMPORT = {
    "__main__": {"stacks"},
    "stacks": {"stacks", "components", "lab_outputs", "providers"},
    "components": {"components", "lab_outputs", "providers"},
    "lab_outputs": {"lab_outputs"},
    "providers": {"providers"},
    "simulator": {"simulator"},
    "toolchain": {"toolchain"},
    "policies": {"policies"},
    "examples": {"components", "lab_outputs", "providers"},
    "cli": {"cli", "stacks", "components", "lab_outputs", "providers", "simulator", "policies", "toolchain"},
}
"""Part of the house -> the parts that it may import; policies know type tokens only, and nothing imports cli."""

ONLY_IN = {
    "pulumi.dynamic": {"providers/_runtime/bridge.py"},
    "proxmoxer": {f"providers/_runtime/{name}.py" for name in ("answers", "client", "session")},
    "paramiko": {"providers/_runtime/ssh.py"},
    "asyncssh": {"simulator/ssh/ports.py", "simulator/ssh/server.py", "simulator/ssh/sftp.py"},
}
"""Outside package -> the files that may import it, besides the tests."""


def sources(part: str) -> list[Path]:
    """Python files of one part of the house."""
    single = ROOT / f"{part}.py"
    return [single] if single.exists() else sorted((ROOT / part).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_go_down_the_house_only(part: str) -> None:
    allowed = MAY_IMPORT[part]
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in sources(part)
        for module in imports(file)
        if (top := module.partition(".")[0]) in HOUSE
        and top not in allowed
        and not (part == "providers" and file.name == "connection.py" and top == "simulator")
    ]

    assert wrong == []


def test_only_the_runtime_touches_what_the_resources_stand_on() -> None:
    files = [file for part in MAY_IMPORT for file in sources(part)]
    wrong = [
        f"{name} imports {module}"
        for file in files
        for module in imports(file)
        for package, allowed in ONLY_IN.items()
        if (module == package or module.startswith(f"{package}."))
        and (name := str(file.relative_to(ROOT))) not in allowed
    ]

    assert wrong == []


def test_resource_modules_do_not_import_each_other() -> None:
    wrong = [
        f"{file.name} imports {module}"
        for file in (ROOT / "providers").glob("[a-z]*.py")
        for module in imports(file)
        if module.partition(".")[0] == "providers" and not module.split(".")[1].startswith("_")
    ]

    assert wrong == []


@pytest.mark.parametrize("part", ["components", "examples"])
def test_components_and_programs_do_not_reach_into_the_runtime(part: str) -> None:
    wrong = [f"{file.name} imports {module}" for file in sources(part) for module in imports(file) if "._" in module]

    assert wrong == []


@pytest.mark.parametrize("name", KINDS)
def test_the_state_names_a_provider_by_reference_and_not_by_its_code(name: str) -> None:
    pickled = base64.b64decode(serialize_provider(ProxmoxProvider(name)))

    assert b"providers._runtime.bridge" in pickled
    assert b"ProxmoxProvider" in pickled
    assert len(pickled) < 120


def test_the_names_in_the_state_are_the_ones_that_users_have() -> None:
    tokens = {name: kind(name).resource._resource_type_name for name in KINDS}

    assert tokens == {
        "acl": "dynamic/proxmox:Acl",
        "api_token": "dynamic/proxmox:ApiToken",
        "backup": "dynamic/proxmox:Backup",
        "backup_job": "dynamic/proxmox:BackupJob",
        "cluster": "dynamic/proxmox:Cluster",
        "cluster_member": "dynamic/proxmox:ClusterMember",
        "cluster_options": "dynamic/proxmox:ClusterOptions",
        "container": "dynamic/proxmox:Container",
        "file": "dynamic/proxmox:File",
        "firewall_alias": "dynamic/proxmox:FirewallAlias",
        "firewall_options": "dynamic/proxmox:FirewallOptions",
        "firewall_rules": "dynamic/proxmox:FirewallRules",
        "group": "dynamic/proxmox:Group",
        "guest_exec": "dynamic/proxmox:GuestExec",
        "guest_file": "dynamic/proxmox:GuestFile",
        "ha_resource": "dynamic/proxmox:HaResource",
        "ha_rule": "dynamic/proxmox:HaRule",
        "hardware_mapping": "dynamic/proxmox:HardwareMapping",
        "ip_reservation": "dynamic/proxmox:IpReservation",
        "ip_set": "dynamic/proxmox:IpSet",
        "metrics_server": "dynamic/proxmox:MetricsServer",
        "node_dns": "dynamic/proxmox:NodeDns",
        "node_exec": "dynamic/proxmox:NodeExec",
        "node_file": "dynamic/proxmox:NodeFile",
        "node_hosts": "dynamic/proxmox:NodeHosts",
        "node_network": "dynamic/proxmox:NodeNetwork",
        "node_time": "dynamic/proxmox:NodeTime",
        "pool": "dynamic/proxmox:Pool",
        "private_key": "dynamic/proxmox:PrivateKey",
        "realm": "dynamic/proxmox:Realm",
        "replication": "dynamic/proxmox:Replication",
        "role": "dynamic/proxmox:Role",
        "sdn_controller": "dynamic/proxmox:SdnController",
        "sdn_dns": "dynamic/proxmox:SdnDns",
        "sdn_fabric": "dynamic/proxmox:SdnFabric",
        "sdn_ipam": "dynamic/proxmox:SdnIpam",
        "sdn_subnet": "dynamic/proxmox:SdnSubnet",
        "sdn_vnet": "dynamic/proxmox:SdnVnet",
        "sdn_zone": "dynamic/proxmox:SdnZone",
        "security_group": "dynamic/proxmox:SecurityGroup",
        "snapshot": "dynamic/proxmox:Snapshot",
        "storage": "dynamic/proxmox:Storage",
        "user": "dynamic/proxmox:User",
        "vm": "dynamic/proxmox:VirtualMachine",
    }


def test_the_reference_is_up_to_date() -> None:
    written = {file.name: file.read_text() for file in docs.FOLDER.glob("*.md")}

    assert written == docs.pages(), "run `make docs`"


def test_the_program_is_a_page_that_fits_into_one_glance() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= 25


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_no_file_is_too_long_to_be_read_in_one_go(part: str) -> None:
    too_long = [str(file.relative_to(ROOT)) for file in sources(part) if len(file.read_text().splitlines()) > 400]

    assert too_long == []
