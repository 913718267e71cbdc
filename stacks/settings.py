"""The stack's own page, read and checked as a whole before any resource is made. The only reader of `pulumi.Config`.

config:
  proxmox:simulator: standalone      # or the secret proxmox:connections
  proxmox:lab:
    kind: demo                       # the module stacks/demo.py reads the rest
"""

from __future__ import annotations

import abc
import functools
import importlib
import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

import pulumi
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, create_model

from components.problem import Problem

LAB_KEY = "lab"
PATTERNS = {
    "[MGT]$": "write a size with its unit, such as 16G or 512M",
    "^[a-z]([a-z0-9-]{0,": "write small letters, digits and hyphens only, not too many, and a letter first",
}
"""Part of a pattern -> what it asks."""
BOUNDS = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}

L = TypeVar("L", bound="Lab")


class Lab(BaseModel, abc.ABC):
    """The settings of one kind of lab. The module `stacks/<kind>.py` has one subclass of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    fields_of: ClassVar[type | None] = None
    """The class that its fields were taken from, if they were."""
    kind: str

    def problems(self) -> Iterable[Problem]:
        """What is right by itself and does not fit together."""
        return ()

    @abc.abstractmethod
    def compose(self) -> dict[str, Any]:
        """Make the lab's resources; returns what the stack exports."""


def with_fields_of(args: type) -> Callable[[type[L]], type[L]]:
    """The fields of a component's arguments, a dataclass, as keys of a lab's page; decorates the lab."""
    hints = get_type_hints(args, include_extras=True)
    keys: dict[str, Any] = {}
    for each in fields(args):
        default = Field(default_factory=each.default_factory) if each.default_factory is not MISSING else each.default
        keys[each.name] = (hints[each.name], ... if default is MISSING else default)

    def give(model: type[L]) -> type[L]:
        made: type[L] = create_model(model.__name__, __base__=model, __module__=model.__module__, **keys)
        made.__doc__, made.fields_of = model.__doc__, args
        return made

    return give


def refused(reason: str) -> BeforeValidator:
    """Marks a key that a kind of lab can't have, whatever its value."""

    def refuse(_value: object) -> None:
        raise ValueError(f"{reason}; take it out")

    return BeforeValidator(refuse)


class SettingsError(pulumi.RunError):
    """The page can't be used; shown as one line, without a traceback."""


def load() -> Lab:
    """The lab that the stack at hand describes."""
    file = f"stacks/Pulumi.{pulumi.get_stack()}.yaml"
    try:
        page = pulumi.Config().get_object(LAB_KEY)
    except json.JSONDecodeError:
        page = None
    if not isinstance(page, dict):
        raise SettingsError(
            f"{file}: proxmox:{LAB_KEY} is missing or no map: it says what the lab is, and starts with `kind`"
        )
    return parse(page, file)


def parse(page: dict[str, Any], file: str) -> Lab:
    """The page as settings; an error names the file, the key, the value and what to do."""
    kind = str(page.get("kind", ""))
    model = kinds().get(kind)
    if model is None:
        there = ", ".join(kinds())
        raise SettingsError(f"{file}: proxmox:{LAB_KEY}.kind: {kind!r} is no kind of lab; there are: {there}")
    try:
        lab = model.model_validate(page)
    except ValidationError as error:
        raise SettingsError("; ".join(f"{file}: {_problem(item)}" for item in error.errors())) from None
    wrong = [f"{file}: proxmox:{LAB_KEY}.{problem}" for problem in lab.problems()]
    if wrong:
        raise SettingsError("; ".join(wrong))
    return lab


def _problem(item: Any) -> str:
    """One thing that is wrong, as `key: why (it is 'value')`."""
    where = ".".join([f"proxmox:{LAB_KEY}", *map(str, item["loc"])])
    if item["type"] == "missing":
        return f"{where}: it is required; add it"
    if item["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where}: there is no such key; take it out, or look for a typing error"
    return str(Problem(where, item["input"], _in_words(item)))


def _in_words(item: Any) -> str:
    """What a value has to be, as somebody who writes a page understands it."""
    kind, context = item["type"], item.get("ctx", {})
    if kind in ("int_parsing", "int_type", "int_from_float"):
        return "it has to be a whole number, without a unit"
    if kind == "string_pattern_mismatch":
        pattern = str(context["pattern"])
        return next((words for beginning, words in PATTERNS.items() if beginning in pattern), f"write it as {pattern}")
    for bound, words in BOUNDS.items():
        if bound in context and kind.startswith(("greater_than", "less_than")):
            return f"it has to be {words} {context[bound]}"
    return str(item["msg"]).removeprefix("Value error, ")


@functools.cache
def kinds() -> dict[str, type[Lab]]:
    """Every kind of lab: `openstack-lab` is the subclass of `Lab` in `stacks/openstack_lab.py`."""
    models = {}
    for file in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        module = importlib.import_module(f"stacks.{file.stem}")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Lab)
                and value.__module__ == module.__name__
                and value is not Lab
            ):
                models[file.stem.replace("_", "-")] = value
    return models
