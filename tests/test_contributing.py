"""CONTRIBUTING.md promises that a resource type is one file and one test file: its own example is tried."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COPIED = ("providers", "simulator", "toolchain", "tests", "cli", "pyproject.toml")
LENT = (".venv", ".toolchain")


def files_in(page: str) -> dict[str, str]:
    """Path -> text of each code block that begins with its path as a comment."""
    blocks = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", page, flags=re.DOTALL)
    return dict(blocks)


@pytest.mark.engine
def test_the_example_of_a_new_resource_type_lives_through_the_contract(tmp_path: Path) -> None:
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, tmp_path / name)
    for name in LENT:
        (tmp_path / name).symlink_to(ROOT / name)
    files = files_in((ROOT / "CONTRIBUTING.md").read_text())
    assert set(files) == {"providers/group.py", "tests/providers/test_group.py"}
    for path, text in files.items():
        (tmp_path / path).write_text(text)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract", "-k", "group"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"1\d passed", done.stdout)
