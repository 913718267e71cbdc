"""Finds every resource type and its example; a newly added file is found without being named anywhere."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers._runtime.bridge import Resource
from providers._runtime.handler import Handler
from providers._runtime.registry import handler_of
from tests import engine
from tests.conftest import Simulator

PROVIDERS = Path(__file__).parent.parent.parent / "providers"

KINDS = sorted(file.stem for file in PROVIDERS.glob("[a-z]*.py"))


@dataclass(frozen=True)
class Kind:
    """One resource type with what its test module says of it."""

    name: str
    resource: type[Resource]
    handler: Handler
    example: Mapping[str, Any]
    """Arguments of a typical resource."""
    updates: list[Mapping[str, Any]]
    """Arguments that it can be brought to in place, one after the other."""
    drift: list[tuple[str, str, Mapping[str, Any]]]
    """Requests by which somebody changes the last of `updates` behind our back; paths may name its outputs."""
    exclusive: bool
    """Whether two stacks can't have the same one: unless `EXCLUSIVE` of the test module is false."""
    topology: str
    """The simulated hosts on which it can be: `TOPOLOGY` of the test module, or one that stands alone."""
    setup: list[tuple[str, str, Mapping[str, Any]]]
    """Requests that make what has to be there before: `SETUP` of the test module, or none."""
    lasting: str
    """Why an object can't be unmade, so that its life is told by its own tests: `LASTING` of the test module."""

    def declared(self, args: Mapping[str, Any]) -> dict[str, engine.Resource]:
        """A program of one such resource."""
        return {"it": engine.Resource(f"{self.resource.__module__}.{self.resource.__name__}", args)}


def kind(name: str) -> Kind:
    """A resource type by its kind."""
    module = importlib.import_module(f"providers.{name}")
    tests = importlib.import_module(f"tests.providers.test_{name}")
    (resource,) = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Resource) and value.__module__ == module.__name__
    ]
    topology, setup = getattr(tests, "TOPOLOGY", "standalone"), getattr(tests, "SETUP", [])
    return Kind(
        name,
        resource,
        handler_of(name),
        tests.EXAMPLE,
        tests.UPDATES,
        tests.DRIFT,
        getattr(tests, "EXCLUSIVE", True),
        topology,
        setup,
        getattr(tests, "LASTING", ""),
    )


def prepare(simulator: Simulator, it: Kind) -> None:
    """Begin anew, with what the type's objects need."""
    simulator.control("POST", "reset")
    for method, path, parameters in it.setup:
        simulator.by_hand(method, path, parameters)
    simulator.forget_requests()
