"""What a stack has already: by its state, and by the text of its program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cli import docs
from cli.adoption.reading import Declaration
from cli.adoption.written import Call, calls, module_of
from cli.stack import resources
from providers._runtime.markers import Immutable
from providers._runtime.model import fields_of
from providers._runtime.registry import handler_of

TOKEN = "pulumi-python:dynamic/proxmox:"  # noqa: S105 - a type's


@dataclass(frozen=True)
class Known:
    """The objects of a stack, as far as they are on one connection."""

    ids: frozenset[tuple[str, str]] = frozenset()
    """Class and ID of each one in the state."""
    names: frozenset[tuple[str, str]] = frozenset()
    """Class and name of each resource, on any connection: none may have the same."""
    written: tuple[Call, ...] = ()
    """The resources in the program."""
    connection: str | None = None

    @classmethod
    def of(cls, directory: Path, stack: str, kind: str, connection: str | None) -> Known:
        """What the stack has on one of its connections, the only one where none is named."""
        state = [each for each in resources(directory, stack) if str(each["type"]).startswith(TOKEN)]
        classes = [str(each["type"]).removeprefix(TOKEN) for each in state]
        ids = {
            (name, str(each.get("id")))
            for name, each in zip(classes, state, strict=True)
            if (each.get("inputs") or {}).get("connection", connection) == connection
        }
        written = tuple(_in_program(directory, kind))
        names = {(name, str(each["urn"]).rpartition("::")[2]) for name, each in zip(classes, state, strict=True)}
        names |= {(call.class_name, call.name) for call in written}
        return cls(frozenset(ids), frozenset(names), written, connection)

    def has(self, it: Declaration) -> bool:
        """Whether an object is one of them."""
        return (docs.class_name(it.kind), it.id) in self.ids or any(self._is(it, call) for call in self.written)

    def variable_of(self, it: Declaration) -> str:
        """Where the program keeps an object, if it does and its values are plain enough to be sure."""
        return next((call.variable for call in self.written if self._is(it, call)), "")

    def _is(self, it: Declaration, call: Call) -> bool:
        """Whether a call in the program makes that very object: by all that can't be changed of it."""
        if call.class_name != docs.class_name(it.kind):
            return False
        if call.args.get("connection", self.connection) != self.connection:
            return False
        fixed = [name for name, spec in fields_of(handler_of(it.kind).inputs).items() if spec.has(Immutable)]
        return all(call.args.get(name) == it.args.get(name) for name in fixed)


def _in_program(directory: Path, kind: str) -> Iterator[Call]:
    """The resources that the program makes with plain values, and with outputs of such ones."""
    module, folder = module_of(kind), directory / "stacks"
    names = {docs.class_name(kind) for kind in docs.kinds()}
    files = [folder / f"{module}.py", *sorted((folder / f"_{module}").glob("*.py"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    plain = {call.variable: call for text in texts for call in calls(text, names)}
    for text in texts:
        yield from calls(text, names, plain)
