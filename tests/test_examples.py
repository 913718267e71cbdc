"""Each component has a small program of its own, which runs as it is and leaves nothing behind."""

from __future__ import annotations

import importlib
import inspect
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from tests.conftest import Simulator, as_json
from tests.engine import ROOT, Program

FOLDER = ROOT / "examples" / "components"
RUNNER = "run"
EXAMPLES = sorted(file.stem for file in FOLDER.glob("[a-z]*.py") if file.stem != RUNNER)
OWN_WORDS = ("/etc/network/interfaces", "/var/lib/dpkg/status")
"""What a host writes anew in its own words; what packages bring is compared with all else."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the examples and nothing else of its own."""
    root = tmp_path_factory.mktemp("checkout")
    (root / ".venv").symlink_to(ROOT / ".venv")
    return root


@pytest.fixture(scope="module")
def program_in(checkout: Path) -> Callable[[Simulator], Program]:
    """Makes the examples' project, with a stack for each of them to come."""
    made: dict[Path, Program] = {}

    def make(simulator: Simulator) -> Program:
        if simulator.base not in made:
            folder = checkout / "examples" / "components"
            made[simulator.base] = Program(folder, {}, {"PROXMOX_SIM_HOME": str(simulator.base)})
            shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
        return made[simulator.base]

    return make


def hosts_of(example: str) -> str:
    """The simulated hosts that an example runs on."""
    own = FOLDER / f"Pulumi.{example}.yaml"
    if own.exists():
        return str(yaml.safe_load(own.read_text())["config"]["proxmox:simulator"])
    return str(yaml.safe_load((FOLDER / "Pulumi.yaml").read_text())["config"]["proxmox:simulator"]["value"])


def held(simulator: Simulator) -> str:
    """All that the hosts hold; of interfaces only which there are."""
    state: dict[str, Any] = simulator.state()
    for datacenter in state.values():
        datacenter["interfaces"] = {node: sorted(those) for node, those in datacenter["interfaces"].items()}
        files = datacenter["files"].items()
        datacenter["files"] = {name: file for name, file in files if not any(own in name for own in OWN_WORDS)}
    return as_json(state)


@pytest.mark.engine
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs_and_leaves_nothing_behind(
    example: str, program_in: Callable[[Simulator], Program], simulator_of: Callable[[str], Simulator]
) -> None:
    simulator = simulator_of(hosts_of(example))
    program, before = program_in(simulator), held(simulator)
    program.pulumi("stack", "init", example, stack=None)

    up = program.up(stack=example)

    assert up.code == 0, up.text
    assert up.changes["create"] > 1
    gone = program.destroy(stack=example)
    assert gone.code == 0, gone.text
    assert held(simulator) == before


def components() -> dict[str, list[str]]:
    """Module -> the components in it that others may use."""
    found: dict[str, list[str]] = {}
    for file in sorted((ROOT / "components").rglob("[a-z]*.py")):
        module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for name, value in vars(module).items():
            own = inspect.isclass(value) and value.__module__ == module.__name__ and not name.startswith("_")
            if own and issubclass(value, pulumi.ComponentResource):
                found.setdefault(file.stem, []).append(name)
    return found


def uses(example: str, component: str) -> bool:
    """Whether an example makes one of these components."""
    return re.search(rf"\b{component}\(", (FOLDER / f"{example}.py").read_text()) is not None


def is_part(module: str) -> bool:
    """Whether it is a part of a lab, such as `ha_hosts`: then the example of the lab is its own too."""
    family = module.partition("_")[0]
    siblings = {other for other in components() if other.startswith(f"{family}_")}
    return (ROOT / "components" / f"{family}_args.py").exists() and bool(siblings & set(EXAMPLES))


def test_every_component_has_an_example() -> None:
    missing = [
        f"{name}: examples/components/{module}.py does not use it"
        for module, names in components().items()
        for name in names
        if not (uses(module, name) if module in EXAMPLES else is_part(module))
    ]

    assert missing == []


def test_the_examples_are_listed_with_what_they_show() -> None:
    page = (ROOT / "examples" / "README.md").read_text()

    missing = [name for name in EXAMPLES if f"[{name}.py](components/{name}.py)" not in page]

    assert missing == []
