"""What README and guides show of each shipped lab: a picture, its page of YAML, and what it tells of itself."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

from cli.stack import ROOT
from cli.topology.command import LABS, kept
from lab_outputs import Lab
from stacks.settings import kinds

README = ROOT / "README.md"
BEGIN = "<!-- labs: written by `proxmox-labs docs` -->\n"
END = "<!-- end of labs -->\n"
EXPLAINED = "demo"
"""The stack that the README tells about by itself."""


def readme() -> str:
    """The README with this part as it should be."""
    text = README.read_text(encoding="utf-8")
    return _filled(text, "".join(_lab(stack, lab) for stack, lab in sorted(kept().items()) if stack != EXPLAINED))


def guides() -> dict[Path, str]:
    """File -> text of each lab's guide, with its page and its outputs as they are."""
    files = {LABS / f"{stack}.md": lab for stack, lab in sorted(kept().items())}
    return {file: _filled(file.read_text(encoding="utf-8"), _told(file.stem, lab)) for file, lab in files.items()}


def _filled(text: str, parts: str) -> str:
    return re.sub(f"(?<={re.escape(BEGIN)}).*?(?={re.escape(END)})", lambda _: f"\n{parts}", text, flags=re.DOTALL)


def _told(stack: str, lab: Lab) -> str:
    """The long parts of a guide."""
    return (
        f"## Its page\n`stacks/Pulumi.{stack}.yaml`:\n\n```yaml\n{_page(stack)}\n```\n\n"
        f"## What it tells of itself\nWithout files and secrets:\n\n```yaml\n{_outputs(lab)}\n```\n\n"
    )


def _lab(stack: str, lab: Lab) -> str:
    """One lab; the long parts are folded."""
    about = (sys.modules[kinds()[lab.kind].__module__].__doc__ or "").partition("\n")[0]
    picture = (LABS / f"{stack}.svg").relative_to(ROOT)
    chart = (LABS / f"{stack}.mmd").read_text(encoding="utf-8")
    return (
        f"### `{stack}`\n{about}\n\n![The lab {stack}: hosts, guests and networks]({picture})\n\n"
        + _folded(f"Its page, <code>stacks/Pulumi.{stack}.yaml</code>", "yaml", _page(stack))
        + _folded("What it tells of itself, without files and secrets", "yaml", _outputs(lab))
        + _folded("The same picture as a chart", "mermaid", chart.rstrip())
    )


def _page(stack: str) -> str:
    return (ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8").rstrip()


def _outputs(lab: Lab) -> str:
    told = lab.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    return yaml.safe_dump(told, sort_keys=False, default_flow_style=None, width=120, allow_unicode=True).rstrip()


def _folded(title: str, kind: str, text: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n```{kind}\n{text}\n```\n\n</details>\n\n"
