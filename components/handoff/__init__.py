"""Files for other tools, made from what a lab tells of itself; each format is a module of this folder.

A format begins with a line that says what the file is for. It has `FILE`, the name that the file goes by, and
`render(lab)`, which is its text; a lab that has nothing for it is a `NothingForItError`. Nothing here knows Pulumi.
What is secret in a lab is only there if somebody has asked for it: without it, a file is as good as it can be.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from lab_outputs.models import Lab


class NothingForItError(ValueError):
    """A lab has nothing that a format could tell; the text says what it would take."""


@dataclass(frozen=True)
class Format:
    """A kind of file."""

    name: str
    """As a user asks for it: `ssh-config` is the module `ssh_config`."""
    about: str
    file: str
    render: Callable[[Lab], str]


def formats() -> dict[str, Format]:
    """All that there are, by name."""
    found = {}
    for each in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{each.name}")
        name = each.name.replace("_", "-")
        if hasattr(module, "render"):  # what several formats share is a module of its own
            found[name] = Format(name, (module.__doc__ or "").splitlines()[0], module.FILE, module.render)
    return dict(sorted(found.items()))
