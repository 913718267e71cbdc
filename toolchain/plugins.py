"""Provides the plugin of pulumi-random: the vendor's, or where that is out of reach this project's own."""

from __future__ import annotations

import importlib.util
import json
import shutil
import urllib.request
from pathlib import Path

from toolchain.commands import find, run
from toolchain.environment import pulumi_environment, pulumi_home
from toolchain.errors import ToolchainError
from toolchain.progress import say, step

_SITE = "https://get.pulumi.com"
_REACHABLE_WITHIN = 4.0
_INSTALLED_WITHIN = 180.0
_LAUNCHER = """#!/bin/sh
# Starts this project's implementation of the pulumi-random plugin, from $PULUMI_HOME/plugins/resource-random-v*.
root=$(cd "$(dirname "$0")/../../../.." && pwd) || exit
exec "$root/.venv/bin/python" -m toolchain.random_provider "$@"
"""


def provide_random(root: Path) -> None:
    """Make the plugin available in the project's PULUMI_HOME, in the version the Python package asks for."""
    version = _wanted_version()
    directory = pulumi_home(root) / "plugins" / f"resource-random-v{version}"
    if (directory / "pulumi-resource-random").exists():
        return
    if not _install(root, version):
        say(f"The plugin of pulumi-random {version} cannot be downloaded: using this project's implementation")
        write_launcher(directory)


def write_launcher(directory: Path) -> None:
    """Put our implementation where the engine looks for the plugin."""
    directory.mkdir(parents=True, exist_ok=True)
    draft = directory / ".pulumi-resource-random"
    draft.write_text(_LAUNCHER)
    draft.chmod(0o755)
    draft.replace(directory / "pulumi-resource-random")


def _wanted_version() -> str:
    """Read the version of the plugin from the installed Python package, without importing that."""
    package = importlib.util.find_spec("pulumi_random")
    if package is None or package.origin is None:
        raise ToolchainError("the Python package pulumi-random is missing: run toolchain/bootstrap")
    description = json.loads((Path(package.origin).parent / "pulumi-plugin.json").read_text())
    return str(description["version"])


def _install(root: Path, version: str) -> bool:
    """Let Pulumi install the plugin if the site can be reached at all; Pulumi alone would try for long."""
    environment = pulumi_environment(root)
    pulumi = shutil.which("pulumi", path=environment["PATH"]) or find("pulumi", "run toolchain/bootstrap")
    try:
        urllib.request.urlopen(_SITE, timeout=_REACHABLE_WITHIN).close()
        with step(f"Installing the plugin of pulumi-random {version}"):
            command = [pulumi, "plugin", "install", "resource", "random", version, "--non-interactive"]
            run(command, cwd=root, extra=environment, seconds=_INSTALLED_WITHIN)
    except (OSError, ToolchainError):
        return False
    return True
