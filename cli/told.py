"""What a stack tells of its lab, read from its state; what is secret only where that is asked for."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from cli.stack import error, secrets, state
from lab_outputs import VERSION, Lab

PLAIN = ("version", "kind", "hosts", "guests", "networks", "vips", "endpoints", "templates", "files")
"""The outputs that have no secrets in them."""
SECRET = ("credentials", "secret_files")


def lab_of(directory: Path, stack: str) -> Lab:
    """The lab of a stack that is up."""
    resources = state(directory, stack)["deployment"].get("resources") or []
    outputs = next((each.get("outputs") for each in resources if each["type"] == "pulumi:pulumi:Stack"), None) or {}
    if "kind" not in outputs:
        raise error(f"the stack {stack} tells of no lab: bring it up first")
    if outputs.get("version", VERSION) > VERSION:
        raise error(f"the stack {stack} tells of its lab in a newer way than this program reads: update the checkout")
    try:
        return Lab.model_validate({name: outputs[name] for name in PLAIN if name in outputs})
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise error(f"the stack {stack} tells of its lab what can't be read: {where}: {first['msg']}") from None


def lab_with_secrets_of(directory: Path, stack: str) -> Lab:
    """The same with all that is secret in it, in plain text."""
    lab, told = lab_of(directory, stack), secrets(directory, stack)
    return Lab.model_validate({**lab.model_dump(), **{name: told[name] for name in SECRET if name in told}})
