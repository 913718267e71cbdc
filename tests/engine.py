"""Small Pulumi programs for tests, run by the real engine in a folder and a backend of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.warm_python import warm_python
from toolchain.environment import pulumi_environment

ROOT = Path(__file__).parent.parent
LIMIT = 240
PROJECT = "proxmox"

MAIN = '''\
"""Makes the resources that resources.json describes, in its order, each after the ones that it names."""

import importlib
import json
from pathlib import Path

import pulumi

made = {}
for name, item in json.loads(Path("resources.json").read_text()).items():
    module, _, class_name = item["type"].rpartition(".")
    resource = getattr(importlib.import_module(module), class_name)
    opts = pulumi.ResourceOptions(depends_on=[made[other] for other in item.get("after", ())])
    made[name] = resource(name, opts=opts, **item["args"])
    pulumi.export(name, made[name].id)
'''


@dataclass(frozen=True)
class Resource:
    """One resource of a test's program."""

    type: str
    """Module and class: `providers.pool.Pool`."""
    args: Mapping[str, Any]
    after: tuple[str, ...] = ()


@dataclass
class Result:
    """How one run of the engine ended."""

    code: int
    text: str
    events: list[dict[str, Any]] = field(repr=False)

    @property
    def changes(self) -> dict[str, int]:
        """Operation -> how many resources; without those that stay the same, and without the stack itself."""
        counted: dict[str, str] = {}
        for event in self._of("resOutputsEvent", "resourcePreEvent"):
            metadata = event["metadata"]
            if metadata["type"].startswith("pulumi:") or metadata["op"] in ("same", "read", "refresh"):
                continue
            counted[metadata["urn"]] = metadata["op"]
        operations = list(counted.values())
        return {operation: operations.count(operation) for operation in sorted(set(operations))}

    @property
    def violations(self) -> set[tuple[str, str]]:
        """The policies that something was against, each with its level."""
        return {(event["policyName"], event["enforcementLevel"]) for event in self._of("policyEvent")}

    @property
    def diagnostics(self) -> str:
        """What the engine and the resources said, without colour."""
        return "\n".join(event["message"] for event in self._of("diagnosticEvent"))

    def inputs(self, name: str) -> dict[str, Any]:
        """The new inputs of one resource, as a preview shows them."""
        for event in self._of("resourcePreEvent"):
            new = event["metadata"].get("new")
            if new and event["metadata"]["urn"].endswith(f"::{name}"):
                return dict(new.get("inputs") or {})
        raise AssertionError(f"the run did not touch {name}")

    def _of(self, *kinds: str) -> list[dict[str, Any]]:
        return [event[kind] for event in self.events for kind in kinds if kind in event]


class Program:
    """A program in a folder, with its stacks in a backend in that folder."""

    def __init__(self, folder: Path, config: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = {
            **pulumi_environment(ROOT),
            **warm_python(),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "PULUMI_DEBUG_COMMANDS": "true",  # allows --event-log
            **environment,
        }
        (folder / "state").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
        (folder / "__main__.py").write_text(MAIN)
        self.declare({})
        self.config = dict(config)
        self.add_stack("test")

    @classmethod
    def there(cls, folder: Path, environment: Mapping[str, str]) -> Program:
        """A program that is in a folder already, with stacks of its own."""
        program = cls.__new__(cls)
        program.folder, program.environment, program.config = folder, dict(environment), {}
        return program

    def add_stack(self, name: str) -> None:
        """Make a stack with the program's configuration."""
        (self.folder / f"Pulumi.{name}.yaml").write_text(json.dumps({"config": self.config}))
        self.pulumi("stack", "init", name, stack=None)

    def connect(self, connection: Mapping[str, Any], stack: str = "test") -> None:
        """Use a connection that is given as a secret, and not the simulator's own."""
        self.pulumi("config", "rm", "proxmox:simulator", stack=stack)
        text = json.dumps({"lab": connection})
        self.pulumi("config", "set", "--secret", "proxmox:connections", text, stack=stack)

    def declare(self, resources: Mapping[str, Resource]) -> None:
        """Say what the program consists of."""
        described = {name: {"type": r.type, "args": r.args, "after": r.after} for name, r in resources.items()}
        (self.folder / "resources.json").write_text(json.dumps(described))

    def up(self, *flags: str, stack: str = "test") -> Result:
        """`pulumi up`."""
        return self._run("up", "--yes", "--skip-preview", *flags, stack=stack)

    def preview(self, *flags: str, stack: str = "test") -> Result:
        """`pulumi preview`."""
        return self._run("preview", *flags, stack=stack)

    def refresh(self, *flags: str, stack: str = "test") -> Result:
        """`pulumi refresh`."""
        return self._run("refresh", "--yes", "--skip-preview", *flags, stack=stack)

    def destroy(self, *flags: str, stack: str = "test") -> Result:
        """`pulumi destroy`."""
        return self._run("destroy", "--yes", "--skip-preview", *flags, stack=stack)

    def state(self, stack: str = "test") -> dict[str, dict[str, Any]]:
        """The stack's resources by name, as the state has them; without Pulumi's own."""
        exported = json.loads(self.pulumi("stack", "export", stack=stack).stdout)
        resources = exported["deployment"].get("resources", [])
        return {r["urn"].rpartition("::")[2]: r for r in resources if not r["type"].startswith("pulumi:")}

    def pulumi(self, *arguments: str, stack: str | None = "test") -> subprocess.CompletedProcess[str]:
        """Any other command, which has to succeed."""
        which = ["--stack", stack] if stack else []
        done = subprocess.run(
            ["pulumi", *arguments, *which, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
        assert done.returncode == 0, f"pulumi {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def start(self, command: str, *flags: str, stack: str = "test", events: Path) -> subprocess.Popen[str]:
        """Start a run of the engine in a process group of its own, so that a test can kill it."""
        return subprocess.Popen(
            [
                "pulumi",
                command,
                "--stack",
                stack,
                "--non-interactive",
                "--color=never",
                "--event-log",
                str(events),
                *flags,
            ],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _run(self, command: str, *flags: str, stack: str) -> Result:
        events = self.folder / f"events-{command}-{os.urandom(4).hex()}.jsonl"
        process = self.start(command, *flags, stack=stack, events=events)
        try:
            text, _ = process.communicate(timeout=LIMIT)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        lines = events.read_text().splitlines() if events.exists() else []
        return Result(process.returncode, text, [json.loads(line) for line in lines])
