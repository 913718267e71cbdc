"""Which stacks a change of files concerns."""

from __future__ import annotations

import re
from collections.abc import Iterable

ALL = ("components/", "providers/", "lab_outputs/", "policies/", "simulator/", "toolchain/", "stacks/")
"""What every stack is made with; `stacks/` without the pages in it."""
ALONE = {"__main__.py", "Pulumi.yaml", "pyproject.toml", "uv.lock"}
"""Files of the same kind."""


def affected(files: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """A page concerns its own stack, the program concerns all of them, and documents and tests none."""
    known, found = set(stacks), set()
    for file in files:
        page = re.fullmatch(r"stacks/(?:Pulumi\.(.+)\.yaml|Policies\.(.+)\.json)", file)
        if page:
            found.add(page[1] or page[2])
        elif file in ALONE or (file.startswith(ALL) and not file.endswith(("schema.json", ".md"))):
            return sorted(known)
    return sorted(found & known)
