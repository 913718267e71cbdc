"""The page of a shipped stack: changed, refused, and given to the project's own program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.settings import SettingsError, parse
from tests.engine import ROOT, Program


@dataclass(frozen=True)
class Page:
    """What one stack ships."""

    stack: str

    @property
    def file(self) -> str:
        """Where it is, as errors name it."""
        return f"stacks/Pulumi.{self.stack}.yaml"

    def changed(self, **changes: Any) -> dict[str, Any]:
        """The page with some keys changed."""
        lab: dict[str, Any] = yaml.safe_load((ROOT / self.file).read_text())["config"]["proxmox:lab"]
        return {**lab, **changes}

    def refusal(self, **changes: Any) -> str:
        """What is said of the page with these keys, which can't be used."""
        return self.refused(self.changed(**changes))

    def refused(self, lab: dict[str, Any]) -> str:
        """What is said of a page that can't be used."""
        with pytest.raises(SettingsError) as error:
            parse(lab, self.file)
        return str(error.value)


def with_own_main(program: Program) -> Program:
    """The program is the project's own from here on."""
    (program.folder / "__main__.py").write_text((ROOT / "__main__.py").read_text())
    return program


def declare(program: Program, lab: dict[str, Any]) -> None:
    """Give the program another page."""
    file: Path = program.folder / "Pulumi.test.yaml"
    written = yaml.safe_load(file.read_text())
    file.write_text(json.dumps({**written, "config": {**written["config"], "proxmox:lab": lab}}))
