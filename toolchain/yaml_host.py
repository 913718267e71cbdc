"""Provides the host of programs in Pulumi's YAML: `python -m toolchain.yaml_host`.

Nothing of this project needs it but the example that shows that others need no Python. So it is no part of the set-up:
a release of Pulumi brings it, and where that can't be had, it is built when it is first asked for.
"""

from __future__ import annotations

import shutil
import sys
from functools import partial
from pathlib import Path

from toolchain.cache import cached, platform_name, point
from toolchain.environment import pulumi_environment, yaml_host
from toolchain.errors import ToolchainError
from toolchain.gobuild import build_yaml_host
from toolchain.progress import say

VERSION = "1.10.0"
PROGRAM = "pulumi-language-yaml"


def provide_yaml_host(root: Path) -> None:
    """Make it available to the checkout `root`, unless PATH or the Pulumi tools have it."""
    if shutil.which(PROGRAM, path=pulumi_environment(root)["PATH"]) is None:
        point(yaml_host(root), cached(f"pulumi-yaml-{VERSION}-{platform_name()}", partial(build_yaml_host, VERSION)))


def main() -> int:
    """Provide it for the checkout this package lies in."""
    try:
        provide_yaml_host(Path(__file__).resolve().parent.parent)
    except ToolchainError as problem:
        say(f"Set-up failed: {problem}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
