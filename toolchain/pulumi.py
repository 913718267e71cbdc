"""Provides the Pulumi CLI with its Python language host: the user's own, a release, or built from source.

The three ways are tried in this order. The last needs nothing but a Go module proxy, for machines which
cannot reach the vendor's download site.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from toolchain.cache import cached, platform_name, point
from toolchain.commands import run
from toolchain.errors import ToolchainError
from toolchain.gobuild import build_pulumi
from toolchain.progress import say
from toolchain.release import DownloadError, download_pulumi

PULUMI_VERSION = "3.250.0"
_COMPANIONS = ("pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def provide_pulumi(link: Path) -> None:
    """Make a usable `pulumi` available: PATH provides it, or `link` points to a directory which does."""
    if usable_on(_path_without(link)):
        link.unlink(missing_ok=True)
        return
    directory = cached(f"pulumi-{PULUMI_VERSION}-{platform_name()}", _obtain)
    point(link, directory)


def _path_without(link: Path) -> str:
    """Return PATH without our own tools: they are on it in a shell that took over our environment."""
    places = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(place for place in places if Path(place) != link)


def usable_on(path: str) -> bool:
    """Tell whether a search path has a `pulumi` that is new enough and can run Python programs."""
    pulumi = shutil.which("pulumi", path=path)
    if pulumi is None:
        return False
    beside = str(Path(pulumi).resolve().parent)
    if not all(shutil.which(name, path=f"{beside}{os.pathsep}{path}") for name in _COMPANIONS):
        say(f"Not using {pulumi}: the Python language host is not installed with it")
        return False
    try:
        version = run([pulumi, "version"], extra={"PULUMI_SKIP_UPDATE_CHECK": "true"}, seconds=30)
    except ToolchainError as problem:
        say(f"Not using {pulumi}: {problem}")
        return False
    if _number(version) < _number(PULUMI_VERSION):
        say(f"Not using {pulumi}: it is {version}, and {PULUMI_VERSION} or newer is needed")
        return False
    return True


def _number(version: str) -> tuple[int, ...]:
    """Take the first three numbers of a version for comparison; none at all counts as oldest."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


def _obtain(directory: Path) -> None:
    """Fill an empty directory with the tools: a download if the site can be reached, else a build."""
    try:
        download_pulumi(PULUMI_VERSION, directory)
    except DownloadError as problem:
        say(f"Pulumi {PULUMI_VERSION} cannot be downloaded ({problem}): building it from source instead")
        build_pulumi(PULUMI_VERSION, directory)
