"""`python -m toolchain`: provide all that Pulumi needs; `bootstrap` calls it when something has changed."""

from __future__ import annotations

import compileall
import sys
from pathlib import Path

from toolchain.environment import tools
from toolchain.errors import ToolchainError
from toolchain.plugins import provide_random
from toolchain.progress import say
from toolchain.pulumi import provide_pulumi

OURS = ("cli", "components", "lab_outputs", "policies", "providers", "simulator", "stacks", "toolchain")


def main() -> int:
    """Provide the tools for the checkout this package lies in."""
    root = Path(__file__).resolve().parent.parent
    try:
        provide_pulumi(tools(root))
        provide_random(root)
        for package in OURS:
            # Each Pulumi run starts two Pythons; where they may not write bytecode, each would compile all of it anew.
            compileall.compile_dir(root / package, quiet=1)
    except ToolchainError as problem:
        say(f"Set-up failed: {problem}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
