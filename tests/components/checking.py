"""Configurations as their own daemons read them, where these are installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


def need(*programs: str) -> None:
    """Skip the test, with the reason, where one of these is not there."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; `make live` installs it")


def checked(asked: Mapping[str, Any], name: str, folder: Path) -> str:
    """The configuration that a service asks for, once the checker that it asks for has found nothing wrong with it.

    What it refers to lies in the folder instead of its place.
    """
    text = str(asked[f"{name}-config"]["content"])
    command = asked[f"{name}-started"]["command"]
    place, check = command[5], command[7:]
    need(check[0])
    own = [values for key, values in asked.items() if key.startswith(f"{name}-") and "path" in values]
    for number, values in enumerate(values for values in own if values["path"] != place):
        file = folder / f"{name}-{number}"
        file.write_text(values["content"])
        file.chmod(int(values["mode"], 8))
        text = text.replace(values["path"], str(file))
    config = folder / name
    config.write_text(text)
    words = [word.replace(place, str(config)) for word in check]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{text}"
    return str(asked[f"{name}-config"]["content"])
