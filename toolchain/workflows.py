"""Checks the workflows with actionlint: `python -m toolchain.workflows`.

It is in no Python package that brings the program itself; where PATH does not have it, it is built once. Where it can't
be had at all, that is said and is no failure, as with the linter of scripts.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from toolchain.cache import cached, platform_name
from toolchain.errors import ToolchainError
from toolchain.gobuild import build_tool
from toolchain.progress import say

VERSION = "1.7.8"
PROGRAM = "actionlint"
_MODULE = Path(__file__).parent / "workflow-linter"


def main() -> int:
    """Check those of the checkout this package lies in; the exit code is the linter's."""
    try:
        own = shutil.which(PROGRAM) or cached(f"{PROGRAM}-{VERSION}-{platform_name()}", _build) / PROGRAM
    except ToolchainError as problem:
        say(f"The workflows are not checked: {problem}")
        return 0
    return subprocess.run([own], cwd=Path(__file__).resolve().parent.parent, check=False).returncode


def _build(directory: Path) -> None:
    build_tool("github.com/rhysd/actionlint/cmd/actionlint", _MODULE, directory)


if __name__ == "__main__":
    sys.exit(main())
