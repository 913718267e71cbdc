"""CONTRIBUTING.md shows how a resource type is added by files that are there: its example is the real one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def files_in(page: str) -> dict[str, str]:
    """Path -> text of each code block that begins with its path as a comment."""
    blocks = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", page, flags=re.DOTALL)
    return dict(blocks)


def test_the_example_of_a_resource_type_is_what_its_files_say() -> None:
    files = files_in((ROOT / "CONTRIBUTING.md").read_text())

    assert set(files) == {"providers/group.py", "tests/providers/test_group.py"}
    assert files == {path: (ROOT / path).read_text() for path in files}
